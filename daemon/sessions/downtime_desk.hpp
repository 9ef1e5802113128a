// SPDX-License-Identifier: Apache-2.0
// Downtime: what is announced and what lasts, and everything that follows from it by itself. It is said when it is due, each
// change once: in the audit log, the journal, the events, the file for logins (motd) and the hook. At its start nobody signs in any
// more; when it is drained, sessions end, but for the roles that go on; at its end all is open again. The register keeps it;
// what it cannot keep holds in memory all the same, and is written when it can be. One thread.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "daemon/people/register_threads.hpp"
#include "daemon/people/roll.hpp"
#include "daemon/record/recorder.hpp"
#include "daemon/rules/rule_book.hpp"
#include "daemon/sessions/events.hpp"
#include "daemon/sessions/session_desk.hpp"
#include "daemon/time/guarded_clock.hpp"
#include "daemon/time/timers.hpp"
#include "daemon/work/downtime.hpp"
#include "policy/decide.hpp"

namespace cardgate::daemon {

class DowntimeDesk {
 public:
  DowntimeDesk(boost::asio::io_context& io, RuleBook& rules, Roll& roll, RegisterThreads& register_threads,
               SessionDesk& sessions, Events& events, Recorder& recorder, GuardedClock& clock);
  DowntimeDesk(const DowntimeDesk&) = delete;
  DowntimeDesk& operator=(const DowntimeDesk&) = delete;

  /// The first look, or time passed, or the rules are other ones: says what is due, and does what follows.
  void look();
  /// The register can be written again.
  void save_owed();
  /// What it said last may be another thing than what was believed: what is not owed to it is as it says.
  void read_again();

  // --- what holds ---
  const std::vector<reg::Downtime>& open() const { return open_; }
  /// nullptr: there is none of that number that is not over.
  const reg::Downtime* find(std::int64_t id) const;
  /// What the register could not keep yet.
  bool owes(std::int64_t id) const { return owed_.contains(id); }
  work::Closing closing();
  work::DowntimeRules rules() const;
  /// A number for a new one. Errors: unavailable (the register could not be read yet).
  Result<std::int64_t> next_number();

  // --- what follows for people ---
  /// Of somebody who wants to sign in: 503 `downtime`, unless a role that goes on is theirs.
  std::optional<Response> refuse_sign_in(policy::Facts facts, policy::SignIn way);
  /// Of a role in a session that was opened then: it is closed. In one that was opened while it is closed for sign-ins, which
  /// needs another role that goes on, at once; else when it is drained.
  bool closed(const policy::Role& role, WallTime signed_in);
  /// `teams`: of whom it refuses, for their continuity plan.
  Response refusal(const std::vector<std::string>& teams);
  /// When a token of this role ends at the latest.
  std::optional<WallTime> role_ends(const policy::Role& role);
  /// Sentences for whoever signs in or looks.
  std::vector<std::string> announcements();

  /// More sentences of the same kind; set by whoever has them.
  std::function<std::vector<std::string>()> also_announced;
  /// Who is told.
  enum class To : std::uint8_t {
    everybody,  // events, hook, journal
    team,       // hook, journal
    team_only,  // the journal, without the text: nobody has looked at it yet
  };
  /// Also counted in the metrics. `notice` has `act` and `text`.
  void spread(audit::Event event, json::object notice, To to);

  // --- what people do; the caller has asked whether they may ---
  /// It is in force and said. `saved`: the register has it.
  void take(reg::Downtime downtime, work::Said said, bool saved);
  /// Writes what the register lacks. False: it could not, and it is tried again later.
  boost::asio::awaitable<bool> save(std::int64_t id);

 private:
  bool read();
  bool goes_on(const policy::Role& role) const;
  void tell(const reg::Downtime& downtime, work::Said said);
  void write_motd();
  void end_sessions();
  void save_later(const reg::Downtime& downtime);
  boost::asio::awaitable<void> save_all_of(std::int64_t id);
  boost::asio::awaitable<void> hand(std::string text);
  void arm();

  boost::asio::io_context& io_;
  RuleBook& rules_;
  Roll& roll_;
  RegisterThreads& register_;
  SessionDesk& sessions_;
  Events& events_;
  Recorder& recorder_;
  GuardedClock& clock_;
  bool read_ = false;
  std::int64_t last_ = 0;
  std::vector<reg::Downtime> open_;             // by their numbers
  std::map<std::int64_t, reg::Downtime> owed_;  // as the register is to have them; ended ones, too
  std::set<std::int64_t> saving_;
  std::optional<std::pair<std::filesystem::path, std::string>> motd_;  // as it was written last
  std::size_t in_hand_ = 0;                                            // notices on their way to the hook
  BootTimer timer_;
};

/// What the record, the event and the hook all say of it.
json::object notice_json(const reg::Downtime& downtime, work::Said said);
/// openapi.yaml's Downtime.
json::object to_json(const reg::Downtime& downtime, WallTime now);

}  // namespace cardgate::daemon
