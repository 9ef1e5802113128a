// SPDX-License-Identifier: Apache-2.0
// What the agent does when something happens: a pure state machine. Events go in, actions come out; the shell around it
// (agent.hpp) has the dialog, the buses and the service. No clock and no secret in here: times come in, and what was typed
// stays with the shell. One thread.
//
//     card in ──> dialog ──> sign in, or resume what is locked ──> "Signed in"
//     card out ─> session over or locked ──> lock the screen ──> locked within 2 s? else say so, or end the login
//
// A Lock that was sent is owed until logind says that the screen is locked: a login session that is not at the front when the card
// goes gets it all the same, and once more when it comes back to the front unlocked.
//
// One dialog at a time. A card that was declined, or refused for good, is not asked about again until it was out.
#pragma once

#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "client/agent/prompt.hpp"
#include "client/agent/seen.hpp"

namespace cardgate::agent {

enum class Topic : std::uint8_t { session, card, expiry, downtime, access, notice, screen };

namespace action {
/// Show a dialog. answered() follows once.
struct Ask {
  Prompt prompt;
};
/// End the dialog that is open; answered(closed) follows all the same.
struct CloseDialog {};
/// Use what was typed, once; then sent() follows.
struct Send {
  enum class What : std::uint8_t { sign_in, resume, unblock, change_passcode };
  What what = What::sign_in;
  std::string reader, card, session;  // session: to be resumed
  std::int64_t tries_left = -1;       // as the person was shown
  bool spend_last_try = false;
};
/// Wipe what was typed.
struct ForgetSecrets {};
/// Ask the service again; seen() follows.
struct Look {};
/// Ask what ends soon and what is new; news() follows.
struct AskNews {
  std::string session;
};
struct Lock {};      // the screen
struct EndLogin {};  // the login session of the desktop
struct LetSleep {};  // the machine may go to sleep now
struct SwitchUser {};
/// Tell the service that the screen was locked or unlocked.
struct TellScreen {
  std::string session;
  bool locked = false;
};
struct Notify {
  Topic topic = Topic::session;
  bool urgent = false;
  std::string summary, body;
};
/// For the journal.
struct Say {
  std::string text;
};
}  // namespace action

using Action = std::variant<action::Ask, action::CloseDialog, action::Send, action::ForgetSecrets,
                            action::Look, action::AskNews, action::Lock, action::EndLogin, action::LetSleep,
                            action::SwitchUser, action::TellScreen, action::Notify, action::Say>;
using Actions = std::vector<Action>;

/// An event of GET /v1/events.
struct ServiceEvent {
  std::string name;  // "card", "session", ...
  std::string kind, reader, session, reason, text, what_for;
};

/// How a call with a passcode went.
struct Outcome {
  bool done = false;
  std::string error{};   // else: the problem's code; empty when the service did not answer
  std::string detail{};  // for people
  bool blocked = false;  // no try is left
};

struct ScreenState {
  bool known = false;  // false: there is no logind, or no login session of this user
  bool locked = false;
  bool active = true;  // the login session is the one at the seat
  // The other logins of this user at the screens of this machine.
  bool others_locked = true;
  bool other_in_front = false;  // one of them is at the seat, and not locked
};

struct Habits {
  bool can_ask = true;     // there is a display or a terminal
  bool end_login = false;  // when no screen locker locks
  bool can_switch_user = false;
};

class Attention {
 public:
  explicit Attention(Habits habits) : habits_(habits) {}

  /// The stream of events is open; what was missed meanwhile is found by looking.
  Actions connected();
  Actions disconnected(BootTime now);
  Actions seen(Seen now_there, BootTime now);
  Actions happened(const ServiceEvent& event, BootTime now);
  /// `same`: of what was typed last, whether it equals what was typed before it (new passcode, again).
  Actions answered(Answer answer, bool same, BootTime now);
  Actions sent(const Outcome& outcome);
  Actions screen(ScreenState state, BootTime now);
  /// logind has asked the login session, or another one of this user, to unlock itself: somebody has proved at a greeter who they
  /// are.
  Actions unlocked(bool other = false);
  /// The machine goes to sleep, or has woken.
  Actions sleep(bool going, BootTime now);
  Actions news(const std::string& session, const std::vector<std::string>& lapses,
               const std::vector<std::string>& notices, BootTime now);
  Actions tick(BootTime now);
  std::optional<BootTime> next_deadline() const;

  static constexpr seconds lock_patience{2};
  static constexpr std::chrono::minutes warn_before{10};
  static constexpr std::chrono::hours tell_again{24};
  static constexpr seconds step_up_pause{60};
  static constexpr seconds back_patience{5};
  static constexpr seconds service_patience{30};      // without events, before the screen is locked
  static constexpr milliseconds front_patience{150};  // of a greeter, to say that it has unlocked the session
  static constexpr int most_failures = 2;             // for each insertion, as the service counts

 private:
  /// One card in one reader, from insertion to removal.
  struct Hand {
    enum class Stage : std::uint8_t {
      passcode,
      unblock_offer,
      unblocking_key,
      new_passcode,
      new_passcode_again
    };
    // Why it is not asked about now. Two of them end when the service comes back.
    enum class Rest : std::uint8_t { none, signed_in, no_answer, declined };
    std::string card{};
    bool wanted = false;  // the service says that somebody may sign in with it
    Rest rest = Rest::none;
    Stage stage = Stage::passcode;
    bool changing = false;  // the new passcode is for a card that was lent, and not for a blocked one
    int failures = 0;
    bool last_try_confirmed = false;
    bool switched = false;  // the other person was offered the greeter
    bool unfit = false;     // declined for what is known of the card, which may change
    std::string error{};    // why it is asked again
  };
  struct Dialog {
    std::string reader, card;
    Prompt::Kind kind = Prompt::Kind::passcode;
    std::int64_t tries_left = -1;
    bool closing = false;
  };

  template <class A>
  void act(A what) {
    actions_.emplace_back(std::move(what));
  }
  Actions done() { return std::exchange(actions_, {}); }
  void notify(Topic topic, bool urgent, std::string summary, std::string body);
  void remember_told(const std::string& text, BootTime now);
  void say_once(std::string text);
  void look();

  void take_card_event(const ServiceEvent& event, BootTime now);
  void card_went(const std::string& card, BootTime now);
  /// A session of the card is open, and its mode says what its removal does.
  bool mode_decides(const std::string& card) const;
  bool stands_on(const std::string& card) const;
  void take_session_event(const ServiceEvent& event, BootTime now);
  void session_ended(const ServiceEvent& event, BootTime now);
  void step_up_needed(const ServiceEvent& event, BootTime now);
  void take_sessions(const std::vector<SeenSession>& before, BootTime now);
  void take_hands(bool first);
  void take_downtime_event(const ServiceEvent& event);
  void take_downtime(BootTime now);
  void warn_of_ends(BootTime now);
  void tell_again_of_warnings(BootTime now);
  void check_who_left(BootTime now);
  void service_is_gone(BootTime now);

  void consider();
  void find_what_to_ask();
  void close_dialog();
  void drop_half_done();
  void check_dialog();
  void consider_card(const SeenReader& reader, Hand& hand);
  void ask(const SeenReader& reader, Hand& hand);
  void ask_new_passcode(const SeenReader& reader, Hand& hand);
  void ask_unblocking(const SeenReader& reader, Hand& hand);
  void offer_switch();
  void send(const Hand& hand);
  void refuse(Hand& hand, const Outcome& outcome);
  void decline(Hand& hand);

  void lock_screen(BootTime now);
  void let_sleep();
  void not_locked();

  /// Nobody sees a dialog.
  bool away() const { return screen_.known && (screen_.locked || !screen_.active); }
  const SeenReader* reader(const std::string& name) const;
  const SeenSession* session(const std::string& id) const;
  const SeenSession* session_with(const std::string& card) const;
  Hand* hand_with(const std::string& card);
  bool must_change_passcode(const std::string& card) const;
  const SeenSession* stepping_up(const std::string& card) const;

  Habits habits_;
  Actions actions_;
  bool connected_ = false;
  bool first_look_ = false;  // since the connection: what was missed is found by it
  bool fresh_ = false;       // no look is under way
  Seen seen_;
  std::map<std::string, Hand> hands_;  // by reader
  std::optional<Dialog> dialog_;       // on the screen, or ending
  std::optional<Dialog> sending_;      // its answer is on the way to the card
  bool holding_ = false;               // the shell holds what was typed for a later step
  // Signed in by this user, since the agent began, and the card_removal of the last session.
  std::map<std::string, std::string> own_cards_;
  std::optional<std::string> step_up_;  // session that a program wants proved again
  std::string step_up_for_;             // the role or act
  std::optional<BootTime> step_up_again_;
  ScreenState screen_;
  bool going_to_sleep_ = false;
  bool lock_owed_ = false;               // Lock was sent, and nothing has said since that it was obeyed
  bool others_owed_ = false;             // the same, by the other logins of this user
  std::optional<BootTime> lock_due_;     // by then the screen is locked
  std::optional<BootTime> front_due_;    // by then a login session that came to the front is locked again
  std::optional<BootTime> gone_due_;     // by then the service is there again
  std::optional<BootTime> back_due_;     // by then a card that was in before a gap is there again
  std::set<std::string> waiting_cards_;  // those
  std::set<std::string> warned_ends_;    // sessions whose end was told
  std::optional<BootTime> news_due_;
  std::map<std::string, BootTime> told_;  // what was told, and when
  std::set<std::string> said_;            // to the journal
};

}  // namespace cardgate::agent
