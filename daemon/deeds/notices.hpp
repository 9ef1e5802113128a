// SPDX-License-Identifier: Apache-2.0
// What people are told: kept until they have read it, and said at once where they are signed in. And what is told by itself:
// each day who leaves, after a change of the rules whose signature or form counts no more. One thread.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "daemon/people/register_threads.hpp"
#include "daemon/people/roll.hpp"
#include "daemon/record/recorder.hpp"
#include "daemon/rules/rule_book.hpp"
#include "daemon/sessions/session_desk.hpp"

namespace cardgate::daemon {

class Notices {
 public:
  Notices(boost::asio::io_context& io, RuleBook& rules, Roll& roll, RegisterThreads& register_threads,
          SessionDesk& sessions, Events& events, Recorder& recorder, GuardedClock& clock);
  Notices(const Notices&) = delete;
  Notices& operator=(const Notices&) = delete;

  /// `mark`: the same notice is not kept twice for a person. Whom it was new to. The arguments outlive it.
  boost::asio::awaitable<std::vector<std::string>> tell(const std::vector<std::string>& people,
                                                        const std::string& mark, const std::string& text);
  /// The same for one person; it keeps its arguments, so it may be spawned.
  boost::asio::awaitable<void> tell_one(std::string person, std::string mark, std::string text);
  /// Every member of the team that gives access: that the glass was broken.
  boost::asio::awaitable<void> tell_team(std::string text);
  Result<std::vector<std::string>> members_of_team();
  /// At the first sign-in of somebody who holds a role that names documents: which. Another list is told anew.
  void guide(const Session& session, policy::Facts facts);

  /// Another policy: whoever signed a text, or holds a form for a role, that it has no more. `before`: the policy until now;
  /// nullptr at the start.
  void rules_changed(const policy::Policy* before);
  /// Tells of leavers, once a day and when dates were changed.
  void announce_if_due();
  void dates_changed();

 private:
  struct Leaver {
    std::string id, name, manager, last_day, spoken_day;
  };
  boost::asio::awaitable<void> tell_of_changed_texts();
  boost::asio::awaitable<void> tell_of_lost_roles(std::vector<std::string> roles);
  void note_void_signatures(const std::string& name, const std::string& version, const std::string& hash,
                            const std::string& policy, const std::vector<std::string>& told);
  boost::asio::awaitable<void> announce_leavers();
  boost::asio::awaitable<void> tell_of_old_plans();
  void arm();

  boost::asio::io_context& io_;
  RuleBook& rules_;
  Roll& roll_;
  RegisterThreads& register_;
  SessionDesk& sessions_;
  Events& events_;
  Recorder& recorder_;
  GuardedClock& clock_;
  std::set<std::string> guided_;   // whom this process has told of which documents
  std::optional<Date> announced_;  // the day whose leavers were told
  BootTimer midnight_;
};

}  // namespace cardgate::daemon
