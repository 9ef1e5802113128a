// SPDX-License-Identifier: Apache-2.0
// Looking something up in the audit log, for whoever may `read-audit`, and what somebody tried lately, for whoever helps them. Each
// look is recorded before anything is shown. One thread; the log is read beside it.
#pragma once

#include <optional>
#include <string>

#include "audit/search.hpp"
#include "daemon/deeds/actors.hpp"
#include "daemon/deeds/people_desk.hpp"
#include "daemon/http/answer.hpp"
#include "daemon/record/log_reading.hpp"
#include "daemon/rules/rule_book.hpp"
#include "daemon/time/guarded_clock.hpp"

namespace cardgate::daemon {

class AuditApi {
 public:
  AuditApi(RuleBook& rules, Roll& roll, GuardedClock& clock, Actors& actors, PeopleDesk& people,
           LogReading& log)
      : rules_(rules), roll_(roll), clock_(clock), actors_(actors), people_(people), log_(log) {}
  AuditApi(const AuditApi&) = delete;
  AuditApi& operator=(const AuditApi&) = delete;

  Answer show(Request& request);
  Answer support(Request& request);

 private:
  struct Asked;
  struct Recent;
  struct Attempts;
  /// What is asked for; or why that cannot be.
  std::optional<Response> read(const Request& request, Asked& asked);
  std::optional<Response> read(const Request& request, Recent& recent);
  boost::asio::awaitable<Result<Attempts>> attempts_of(Recent recent);
  static Response log_unreadable(const Error& error);
  /// Who asks, for everybody's records or for those of `person`.
  Actor reader(const Request& request, const std::string& person);
  Actor helper(const Request& request, const std::string& person);
  std::optional<Response> still_may(const Request& request, const Actor& who);
  /// Whether whoever asks is shown only what is about `person`, and nobody else in it.
  bool about_them_only(const Request& request, const std::string& person);
  /// After a wait: whether what was asked may still be shown as it was read.
  std::optional<Response> still_shows(const Request& request, const Actor& who, const Asked& asked);
  /// The look, with everybody whom the page names.
  static PeopleDesk::Seen seen_in(const Actor& who, const Asked& asked, const audit::FoundPage& page);
  json::object page_json(const Asked& asked, audit::FoundPage page);
  json::array attempts_json(const Attempts& attempts, const reg::Person& record);

  RuleBook& rules_;
  Roll& roll_;
  GuardedClock& clock_;
  Actors& actors_;
  PeopleDesk& people_;
  LogReading& log_;
};

}  // namespace cardgate::daemon
