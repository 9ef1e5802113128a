// SPDX-License-Identifier: Apache-2.0
// Who asks, and by what right: a person signed in by card, the role that lets them, whose records it opens; and whether that
// still holds after a wait. One thread, but for what says otherwise.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "daemon/people/meanwhile.hpp"
#include "daemon/people/people_view.hpp"
#include "daemon/people/roll.hpp"
#include "daemon/record/recorder.hpp"
#include "daemon/rules/rule_book.hpp"
#include "daemon/sessions/downtime_desk.hpp"
#include "daemon/sessions/halt.hpp"
#include "daemon/sessions/session_desk.hpp"
#include "daemon/work/right.hpp"
#include "daemon/work/rules.hpp"

namespace cardgate::daemon {

/// Who asks, signed in by card, and under which role they do it.
struct Actor {
  std::string person, session, client;
  std::string card;
  std::string card_by;         // who registered that card, by hand; empty: a staff file brought it
  bool by_one_person = false;  // and nobody else stands for it
  std::string role;            // the first role that lets them; empty: as themselves
  std::string manager;         // line_manager_of(): the subject's line manager, who they are or stand in for
  bool in_person = false;      // without a role, what needs the card in the reader since the passcode
  std::optional<policy::Act> act;  // what that role lets them do
  std::string subject;             // with whom; empty: nobody in particular
  std::optional<Response> refusal;
  bool needs_proof = false;  // refused until card and passcode are given again
  std::string why;           // of a refusal that is recorded, in fixed words
  Reach reach;               // whose records the act may be done with
};

/// Whose form, delegation, ... it is; nobody's, with a refusal, when there is none of that number (404).
struct Owner {
  std::string person;
  std::int64_t number = 0;
  std::optional<Response> refusal;
};

class Actors {
 public:
  Actors(RuleBook& rules, Roll& roll, SessionDesk& sessions, DowntimeDesk& downtime, Recorder& recorder,
         GuardedClock& clock)
      : rules_(rules),
        roll_(roll),
        sessions_(sessions),
        downtime_(downtime),
        recorder_(recorder),
        clock_(clock) {}

  Actor myself(const Request& request);
  /// The same for what changes their own record, or shows a line manager their staff: without a role no policy says that it goes
  /// on without the card, or behind a locked screen. Where the policy lets people do `act` for others, a role that goes on
  /// lets them do their own, too. `what` is told to the person when card and passcode are needed; empty: they
  /// are not told.
  Actor in_person(const Request& request, std::string_view what,
                  std::optional<policy::Act> act = std::nullopt);
  bool is_me(const Request& request, const std::string& id);
  /// `subject`: an id; empty: whether there is any role that lets them. Who asks, before what is asked: nobody without such
  /// a role learns whether an id is known.
  Actor actor(const Request& request, policy::Act act, const std::string& subject);
  /// The same where nothing was tried, only what to show is asked: a refusal is not recorded.
  Actor shows(const Request& request, policy::Act act, const std::string& subject);
  /// Whether there is such a role. Whoever then shows something by it says so with uses_role().
  Actor may(const Request& request, policy::Act act, const std::string& subject) {
    return may_do(request, act, subject, false);
  }
  void uses_role(const Actor& who);
  /// As the subject's line manager, or who stands in: that takes a card and no role.
  Actor line_manager_of(const Request& request, const std::string& subject);
  /// The same, or in a role that lets them do this act.
  Actor line_manager_or(const Request& request, policy::Act act, const std::string& subject);
  /// Under a role that opens all records. `tells`: a refusal is recorded, and the use of the role counted.
  Actor sees_everybody(const Request& request, policy::Act act = policy::Act::see_people, bool tells = true);
  /// Somebody at the help desk, signed in by card, whose role lets them hand out codes and passwords: to others only.
  Actor may_give_codes(const Request& request, const std::string& subject);
  Owner owner_of(reg::Register::Relation relation, const std::string& number, std::string_view what);

  /// What is done without a role rests during a downtime.
  std::optional<Response> refuse_in_downtime(const Actor& who);

  work::Doer doer(const Actor& who) { return {who.person, clock_.today(), who.card_by}; }
  work::Right right_of(const Actor& who) const;
  /// After a wait: whoever began it may be gone, or may not do it any more.
  std::optional<Response> refuse_if_over(const Actor& who);
  /// To be called on the register's thread, before the change: whether `who` may still do it then. `act` was begun before
  /// the first wait.
  std::function<Result<void>(reg::Register&)> still_allowed(const Actor& who,
                                                            std::shared_ptr<const WaitingActs::Act> act);

 private:
  Actor refused(Actor who, Response answer, std::string why);
  Actor may_do(const Request& request, policy::Act act, const std::string& subject, bool all_records);
  /// Records a refusal, tells that a proof is needed, counts the use of the role.
  Actor told(const Request& request, Actor who);
  void stop_without_card(Actor& who);
  Actor manager_of(const Request& request, const std::string& subject);
  /// In the first of these roles that goes on as the session is now (its card out, its screen locked, its proof old); not empty.
  Actor in_one_of(Actor who, const Session& session, const std::vector<const policy::Role*>& roles);
  Halt halt_of(const Actor& who, const Session& session) const;
  /// The roles that the policy lets do it and that are held now, into `who.reach`; else what is missing of the nearest.
  std::optional<Response> refuse_without_role(Actor& who, const Session& session, policy::Act act);
  /// A card for which one person alone stands decides nothing for others.
  static std::optional<Response> refuse_card_of_one(const Actor& who);

  RuleBook& rules_;
  Roll& roll_;
  SessionDesk& sessions_;
  DowntimeDesk& downtime_;
  Recorder& recorder_;
  GuardedClock& clock_;
};

}  // namespace cardgate::daemon
