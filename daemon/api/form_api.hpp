// SPDX-License-Identifier: Apache-2.0
// Access forms: submitted, verified by the line manager, approved by the team. One thread.
#pragma once

#include "daemon/deeds/actors.hpp"
#include "daemon/deeds/deeds.hpp"
#include "daemon/deeds/people_desk.hpp"
#include "daemon/http/answer.hpp"
#include "daemon/people/roll.hpp"
#include "daemon/rules/rule_book.hpp"
#include "daemon/time/guarded_clock.hpp"

namespace cardgate::daemon {

class FormApi {
 public:
  FormApi(RuleBook& rules, Roll& roll, GuardedClock& clock, Actors& actors, PeopleDesk& people, Deeds& deeds)
      : rules_(rules), roll_(roll), clock_(clock), actors_(actors), people_(people), deeds_(deeds) {}
  FormApi(const FormApi&) = delete;
  FormApi& operator=(const FormApi&) = delete;

  Answer list(Request& request);
  Answer submit(Request& request);
  Answer verify(Request& request, const std::string& id);
  Answer approve(Request& request, const std::string& id);
  Answer reject(Request& request, const std::string& id);
  Answer withdraw(Request& request, const std::string& id);
  Answer renew(Request& request, const std::string& id);

 private:
  static Deed deed_of(std::string person, const std::string& number, std::string_view act, std::string reason,
                      std::string notice, std::function<Result<void>(reg::Person&)> how);
  /// `number` is empty for a new form.
  boost::asio::awaitable<Response> act(Request& request, const Actor& who, Deed& deed,
                                       std::optional<std::int64_t> number);
  json::object form_json(const reg::Person& person, const reg::Form& form) {
    Names names(roll_.staff());
    return people_.view().form(person, form, names);
  }
  Result<json::array> forms_of(const std::string& person);
  /// Only for whoever may see that person; the look is recorded.
  Response list_of_other(const Request& request, const std::string& person);
  /// How far somebody sees now what waits for them.
  struct Waiting {
    Actor who;              // the approver, if they may approve
    bool verifies = false;  // what waits for them as a line manager
    bool more_after_proof = false;
  };
  Waiting what_waits(const Request& request);
  /// My own forms, and a page of those that wait for me.
  boost::asio::awaitable<Response> list_of_mine(const Request& request, std::string me);

  RuleBook& rules_;
  Roll& roll_;
  GuardedClock& clock_;
  Actors& actors_;
  PeopleDesk& people_;
  Deeds& deeds_;
};

}  // namespace cardgate::daemon
