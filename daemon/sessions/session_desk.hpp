// SPDX-License-Identifier: Apache-2.0
// What happens to sessions, and what it means: the one way to change `Sessions`. What comes out of a change is recorded and
// told, what a session stands on is looked at again (rule 9), and after every change that may bring a deadline forward the
// one timer is armed anew. One thread.
#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "daemon/people/meanwhile.hpp"
#include "daemon/people/roll.hpp"
#include "daemon/raised.hpp"
#include "daemon/record/recorder.hpp"
#include "daemon/rules/rule_loader.hpp"
#include "daemon/sessions/events.hpp"
#include "daemon/sessions/sessions.hpp"
#include "daemon/time/guarded_clock.hpp"
#include "daemon/time/timers.hpp"
#include "policy/decide.hpp"

namespace cardgate::daemon {

class SessionDesk {
 public:
  SessionDesk(boost::asio::io_context& io, Sessions& sessions, RuleBook& rules, Roll& roll,
              Recorder& recorder, Events& events, WaitingActs& acts, RuleLoader& loader, GuardedClock& clock);
  SessionDesk(const SessionDesk&) = delete;
  SessionDesk& operator=(const SessionDesk&) = delete;

  // --- looking; what is found is valid until the next change ---
  const Session* find(const std::string& id) const { return sessions_.find(id); }
  const Session* by_card(const std::string& card) const { return sessions_.by_card(card); }
  std::vector<const Session*> of_uid(uid_t uid) const { return sessions_.of_uid(uid); }
  std::vector<const Session*> all() const { return sessions_.all(); }
  std::size_t size() const { return sessions_.size(); }
  std::size_t token_count() const { return sessions_.token_count(); }
  const Token* active_token(const std::string& jti) const {
    return sessions_.active_token(jti, clock_.boot());
  }
  struct Chosen {
    const Session* session;
    std::optional<Response> refusal;
  };
  /// The session that a request of this peer means: the one named, or the only one.
  Chosen choose(const Peer& peer, const std::string& wanted) const;
  /// Of whose session it is, with the card in use. Errors: as Roll::person().
  Result<policy::Facts> facts_for(const Session& session);
  /// Everything has ended, and nothing is begun.
  bool stopping() const { return stopping_; }

  // --- opening ---
  /// When it ends and is looked at again, and what its person is told.
  void begin_times(Session& session, const policy::Decision& standing);
  /// Whether there is room for it, beside those that are being recorded. Errors: as Sessions::open().
  Result<void> may_open(const Session& session) const { return sessions_.may_open(session, opening_); }
  /// The sessions that are being recorded: whoever is counted here keeps a place.
  const Count& opening() const { return opening_; }
  /// Errors: as Sessions::open().
  Result<void> open(Session session);
  bool resume(const std::string& id, const Sessions::Proof& proof);

  // --- what happens ---
  void card_inserted(const std::string& card, const std::string& reader, std::uint64_t insertion,
                     bool genuine);
  void card_removed(const std::string& reader, std::uint64_t insertion);
  void reader_gone(const std::string& reader);
  void screen(const std::string& id, bool locked);
  void end(const std::string& id, EndReason reason) { apply(sessions_.end(id, reason)); }
  void end_of_person(const std::string& person, EndReason reason);
  void end_by_password(const std::string& person, EndReason reason);
  /// Ends the sessions of people who hold none of the roles that go on; of the others, what other roles gave.
  void close_for_downtime(const std::function<bool(const policy::Role&)>& goes_on);
  /// Errors: as Sessions::token_issued().
  Result<void> token_issued(const std::string& jti, Token token, const Terms& terms);
  void token_made(const std::string& jti, const Digest& hash);
  void revoke_signed_by(std::uint32_t key) { apply(sessions_.revoke_signed_by(key)); }
  void handed_out(const std::string& jti, Handed handed) { sessions_.handed_out(jti, std::move(handed)); }
  std::shared_ptr<const Handed> handed_before(const Session& session, std::string_view role,
                                              std::string_view audience, std::string_view client) const;
  void revoke(const std::string& jti) { apply(sessions_.revoke(jti)); }
  /// One that was never given out: there is nothing to record or to tell.
  void forget_token(const std::string& jti);
  /// Its person did something, in a role or in none.
  void used(const std::string& session);
  void used_in(const std::string& session, const std::string& role, const Terms& terms);
  /// Something was refused until card and passcode are given again: its owner is told, but not again and again.
  void step_up_needed(const std::string& session, std::string_view what);
  void review_by(const std::string& session, WallTime when);
  /// What is known of its certificate by now; looked at again when an answer about it becomes overdue, or ends.
  void watch_certificate(const std::string& session, const trust::Verdict& verdict, WallTime judged_at);

  // --- looking again: what a session stands on and does not hold any more, ends ---
  void review(const std::string& session);
  void review_all();
  void review_certificate(const Bytes& certificate);
  /// The facts of these people may be other than before.
  void people_changed(const std::vector<std::string>& ids);
  /// Whoever is removed goes before anything else is looked at: a removal of a thousand must not wait for a thousand reviews.
  void end_removed();
  /// Another policy takes the place of this one; review_all() follows.
  void rules_changed(const policy::Policy& before) { sessions_.rules_changed(before); }
  /// Another configuration.
  void set_bounds(Sessions::Bounds bounds) { sessions_.set_bounds(bounds); }

  void tick();  // called by the timer; by hand where the clock is one
  /// Records what happened to the wall clock, and ends what is void by its new time. False: nothing happened.
  bool look_at_clock();
  /// The wall clock was set (timerfd's TFD_TIMER_CANCEL_ON_SET).
  void clock_was_set();
  void shut_down();

 private:
  /// Does what came out of a change. The sessions end first; records and events follow and are never waited for.
  void apply(Actions actions);
  void tell_of_end(const Ended& ended);
  void tell_of_revoked(const Revoked& revoked);
  void tell_of_session(const std::string& id, audit::Event event, std::string_view kind,
                       std::string_view reason);
  bool certificate_holds(const Session& session);
  void review_role(const Session& session, const std::string& role, const policy::Facts& facts);
  /// What it is asked by the roles that it has used, as the policy is now.
  void tighten(const std::string& session);
  /// How long a session may live by the policy as it is now, whatever it is used for.
  milliseconds longest_session(policy::SignIn way) const;
  void access_removed(audit::Record record, const Session& session);
  void arm() { timer_.set(sessions_.next_deadline()); }

  Sessions& sessions_;
  RuleBook& rules_;
  Roll& roll_;
  Recorder& recorder_;
  Events& events_;
  WaitingActs& acts_;
  RuleLoader& loader_;
  GuardedClock& clock_;
  Count opening_;  // sign-ins that have a place, and are being recorded
  bool stopping_ = false;
  BootTimer timer_;
};

/// The claim `records_of`: line managers, each with the last day where there is one ("10001@2026-12-31").
std::vector<std::string> records_of(const policy::Role& role, const policy::Facts& facts, policy::Day today);
/// "good", or "cached": an answer about the certificate is overdue.
std::string_view revocation_word(const Session& session, WallTime now);
Sessions::Bounds session_bounds(const Limits& limits);

}  // namespace cardgate::daemon
