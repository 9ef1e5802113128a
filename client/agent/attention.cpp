// SPDX-License-Identifier: Apache-2.0
// Events in; attention_dialog.cpp has what becomes of cards and dialogs.
#include "client/agent/attention.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "client/agent/words.hpp"

namespace cardgate::agent {
namespace {

constexpr std::size_t most_remembered = 256;

/// What is remembered of the past must not grow without end.
template <class Container>
void keep_small(Container& container) {
  if (container.size() > most_remembered) container.clear();
}

bool card_was_taken(const std::string& reason) {
  return reason == "card_removed" || reason == "reader_gone";
}

}  // namespace

void Attention::notify(Topic topic, bool urgent, std::string summary, std::string body) {
  act(action::Notify{topic, urgent, std::move(summary), std::move(body)});
}

void Attention::remember_told(const std::string& text, BootTime now) {
  keep_small(told_);
  told_[text] = now;
}

void Attention::say_once(std::string text) {
  keep_small(said_);
  if (said_.insert(text).second) act(action::Say{std::move(text)});
}

void Attention::look() {
  fresh_ = false;
  act(action::Look{});
}

Actions Attention::connected() {
  connected_ = true;
  first_look_ = true;
  gone_due_.reset();
  look();
  return done();
}

Actions Attention::disconnected(BootTime now) {
  // It is called for each attempt that fails, too.
  if (std::exchange(connected_, false)) gone_due_ = now + service_patience;
  // An unblocking that was begun begins anew when the service is back: its code must not wait here so long.
  if (holding_ && dialog_ && !dialog_->closing) close_dialog();
  drop_half_done();
  return done();
}

/// Nobody can tell any more whether a card on which this desktop stands is in.
void Attention::service_is_gone(BootTime now) {
  gone_due_.reset();
  const bool card_in =
      std::ranges::any_of(hands_, [&](const auto& entry) { return stands_on(entry.second.card); });
  const bool in_grace = std::ranges::any_of(seen_.sessions, [](const SeenSession& each) {
    return each.state == SeenSession::State::grace && each.card_removal != "keep";
  });
  if ((!card_in && !in_grace) || screen_.locked) return;
  lock_screen(now);
  notify(
      Topic::card, true, "The service does not answer",
      "Nobody can tell whether your card is in, so the screen is locked now. Unlock it with your password, "
      "and lock it yourself when you leave.");
}

Actions Attention::happened(const ServiceEvent& event, BootTime now) {
  if (event.name == "card") take_card_event(event, now);
  if (event.name == "session") take_session_event(event, now);
  if (event.name == "downtime") take_downtime_event(event);
  if (event.name == "downtime" || event.name == "service") look();
  consider();
  return done();
}

void Attention::take_card_event(const ServiceEvent& event, BootTime now) {
  if (event.kind == "removed" || event.kind == "reader_gone") {
    if (const auto hand = hands_.find(event.reader); hand != hands_.end()) {
      card_went(hand->second.card, now);
      hands_.erase(hand);
    }
    const auto gone = std::ranges::find(seen_.readers, event.reader, &SeenReader::name);
    if (gone != seen_.readers.end()) *gone = SeenReader{.name = event.reader};
  }
  if (event.kind == "sign_in_needed") {
    keep_small(hands_);
    hands_[event.reader].wanted = true;
  }
  look();
}

/// A person leaves with the card also when its session has ended before: by time, by a restart of the service, by its own wish.
void Attention::card_went(const std::string& card, BootTime now) {
  if (!own_cards_.contains(card)) return;
  if (!mode_decides(card)) lock_screen(now);
}

bool Attention::mode_decides(const std::string& card) const {
  return std::ranges::any_of(seen_.sessions, [&](const SeenSession& each) {
    return each.card == card && each.state != SeenSession::State::locked &&
           (each.card_removal == "keep" || each.card_removal == "grace");
  });
}

/// Whether the screen is locked when this card goes unseen.
bool Attention::stands_on(const std::string& card) const {
  const auto own = own_cards_.find(card);
  return own != own_cards_.end() && own->second != "keep";
}

void Attention::take_session_event(const ServiceEvent& event, BootTime now) {
  if (event.kind == "notice") {
    notify(Topic::notice, false, "cardgate", event.text);
    remember_told(event.text, now);
    return;
  }
  if (event.kind == "step_up_needed") {
    step_up_needed(event, now);
    return;
  }
  const auto* known = session(event.session);
  const bool keeps = known != nullptr && known->card_removal == "keep";
  if (event.kind == "ended") session_ended(event, now);
  if (event.kind == "locked" && card_was_taken(event.reason) && !keeps) lock_screen(now);
  if (event.kind == "locked" && known != nullptr) {
    // It may be asked about again, though its card has been in all the time.
    if (auto* hand = hand_with(known->card)) hand->rest = Hand::Rest::none;
    if (event.reason == "idle" && !away() && hand_with(known->card) == nullptr)
      notify(Topic::session, false, "Your session is locked", "Nothing used it for a while.");
  }
  if (event.kind == "grace" && !keeps)
    notify(Topic::session, true, "Your card is out",
           "Put it back now. Otherwise your session ends and the screen is locked.");
  if (event.kind == "access_changed")
    notify(Topic::access, false, "Your access has changed", "To see what you can use now: cardgate access");
  look();
}

void Attention::session_ended(const ServiceEvent& event, BootTime now) {
  const auto* known = session(event.session);
  const bool keeps = known != nullptr && known->card_removal == "keep";
  // Of a session that is not known yet its mode is not known either: then the screen is locked.
  if (card_was_taken(event.reason) && !keeps) lock_screen(now);
  if (const auto text = end_text(event.reason); !text.empty())
    notify(Topic::session, true, "You are signed out", text);
  if (known == nullptr) return;
  // While the service is away nobody sees the card go.
  if (event.reason == "shutdown" && !known->card.empty() && !keeps) waiting_cards_.insert(known->card);
  if (auto* hand = hand_with(known->card)) {
    const bool over = event.reason == "time_up" || event.reason == "card_out_too_long" ||
                      event.reason == "screen_locked_too_long";
    if (over) {
      hand->rest = Hand::Rest::none;
      hand->wanted = true;
    } else if (event.reason == "signed_out") {
      hand->rest = Hand::Rest::declined;
    }
  }
  std::erase_if(seen_.sessions, [&](const SeenSession& each) { return each.id == event.session; });
}

void Attention::step_up_needed(const ServiceEvent& event, BootTime now) {
  // A program in a loop must not put up one dialog after another that the person has declined.
  if (step_up_again_ && now < *step_up_again_) return;
  if (step_up_ == event.session) return;
  step_up_ = event.session;
  step_up_for_ = event.what_for;
  const auto* which = session(event.session);
  if (which != nullptr && hand_with(which->card) == nullptr)
    notify(Topic::session, true, "Your card is needed",
           "A program needs you to show your card again. Put it in the reader.");
  look();
}

Actions Attention::seen(Seen now_there, BootTime now) {
  fresh_ = true;
  const bool first = std::exchange(first_look_, false);
  const auto before = std::exchange(seen_, std::move(now_there));
  if (first) {
    for (const auto& old : before.sessions) {
      const bool stood_on_its_card =
          old.state != SeenSession::State::locked && !old.card.empty() && old.card_removal != "keep";
      const auto* still = session(old.id);
      if (stood_on_its_card && (still == nullptr || still->state == SeenSession::State::locked))
        waiting_cards_.insert(old.card);
    }
    for (const auto& [name, hand] : hands_) {
      if (stands_on(hand.card) && !mode_decides(hand.card)) waiting_cards_.insert(hand.card);
    }
    if (!waiting_cards_.empty()) back_due_ = now + back_patience;
  }
  take_hands(first);
  take_sessions(before.sessions, now);
  take_downtime(now);
  consider();
  return done();
}

/// What is in the readers now, and what is remembered of it.
void Attention::take_hands(bool first) {
  std::erase_if(hands_, [&](const auto& entry) {
    const auto* there = reader(entry.first);
    return there == nullptr || there->state == SeenReader::State::empty;
  });
  // A session that a card opened ended with the service. It may be read again only after this first look.
  for (auto& [name, hand] : hands_) {
    if (first && hand.rest != Hand::Rest::declined) hand.rest = Hand::Rest::none;
  }
  for (const auto& there : seen_.readers) {
    using State = SeenReader::State;
    if (there.state == State::hidden)
      say_once(
          fmt::format("There is a card in {}, where you may not sign in. The people who run this machine "
                      "can allow it: `clients` and `readers` in cardgate's configuration.",
                      there.name));
    // That it can be used is told once, and perhaps was told before the first look.
    if (first && there.state != State::empty) hands_[there.name].wanted = true;
    if (there.state != State::ready && there.state != State::unusable) continue;
    auto& hand = hands_[there.name];
    // One that could not be read at first is another card, too.
    if (hand.card != there.card) hand = Hand{.card = there.card, .wanted = hand.wanted};
    const bool fit = there.state == State::ready && there.registered && there.problem.empty();
    if (fit && std::exchange(hand.unfit, false)) hand.rest = Hand::Rest::none;
    waiting_cards_.erase(there.card);
  }
}

void Attention::take_sessions(const std::vector<SeenSession>& before, BootTime now) {
  for (const auto& each : seen_.sessions) {
    if (!each.card.empty()) {
      keep_small(own_cards_);
      own_cards_[each.card] = each.card_removal;
    }
    if (each.state == SeenSession::State::active) {
      if (auto* hand = hand_with(each.card)) hand->rest = Hand::Rest::signed_in;
    }
    const auto old = std::ranges::find(before, each.id, &SeenSession::id);
    if (old == before.end()) {
      notify(Topic::session, false, fmt::format("Signed in: {}", each.person), signed_in_text(each));
      for (const auto& warning : each.warnings) remember_told(warning, now);
      act(action::AskNews{each.id});
      news_due_ = now + tell_again;
    } else if (old->state == SeenSession::State::locked && each.state == SeenSession::State::active) {
      notify(Topic::session, false, fmt::format("Unlocked: {}", each.person), signed_in_text(each));
    }
  }
  if (step_up_ && session(*step_up_) == nullptr) step_up_.reset();
  std::erase_if(warned_ends_, [&](const std::string& id) { return session(id) == nullptr; });
  warn_of_ends(now);
}

/// What is new is found by looking; what becomes of it is told here.
void Attention::take_downtime_event(const ServiceEvent& event) {
  // These show in the status, where what is new is found.
  static constexpr std::array<std::string_view, 4> seen{"announced", "declared", "changed", "extended"};
  static constexpr std::array<std::string_view, 3> of_faults{"classed", "passed_on", "closed"};
  if (event.text.empty() || std::ranges::find(seen, event.kind) != seen.end()) return;
  const bool urgent = event.kind == "began" || event.kind == "overdue";
  const bool fault = std::ranges::find(of_faults, event.kind) != of_faults.end();
  notify(Topic::downtime, urgent, fault ? "Fault" : "Downtime", event.text);
}

void Attention::take_downtime(BootTime now) {
  for (const auto& each : seen_.downtime) {
    if (told_.contains(each.text)) continue;
    remember_told(each.text, now);
    notify(Topic::downtime, each.urgent, each.emergency ? "Emergency downtime" : "Planned downtime",
           each.text);
  }
}

Actions Attention::screen(ScreenState state, BootTime now) {
  const auto before = std::exchange(screen_, state);
  if (!state.known || state.locked) lock_owed_ = false;
  if (!state.known || state.others_locked) others_owed_ = false;
  // It left the front after Lock was sent: a greeter, as light-locker shows it, or the person went there. Which of them shows when
  // it comes back. A login session that was away before says nothing by being away.
  const bool has_left = state.known && before.known && before.active && !state.active;
  const bool nothing_open = !state.other_in_front && (state.locked || !state.active);
  if (nothing_open && (state.locked || has_left || before.other_in_front)) {
    lock_due_.reset();
    let_sleep();
  }
  const bool came = lock_owed_ && state.active && !before.active;
  const bool other_came = others_owed_ && state.other_in_front && !before.other_in_front;
  const bool owed_in_front = (lock_owed_ && state.active) || (others_owed_ && state.other_in_front);
  if (came || other_came) front_due_ = now + front_patience;
  if (!owed_in_front) front_due_.reset();
  // Which readers are whose depends on who is at the seat.
  const bool is_here = state.known && state.active && !(before.known && before.active);
  if (is_here && connected_) look();
  if (state.known && before.known && state.locked != before.locked) {
    for (const auto& each : seen_.sessions) act(action::TellScreen{each.id, state.locked});
    // What the screen locker did with the card is found by looking, before anything is asked.
    if (!state.locked && connected_) look();
  }
  consider();
  return done();
}

Actions Attention::sleep(bool going, BootTime now) {
  going_to_sleep_ = going;
  if (!going) return done();
  lock_screen(now);
  if (!lock_due_) let_sleep();
  return done();
}

void Attention::let_sleep() {
  if (std::exchange(going_to_sleep_, false)) act(action::LetSleep{});
}

Actions Attention::unlocked(bool other) {
  (other ? others_owed_ : lock_owed_) = false;
  front_due_.reset();
  // It may have been locked once more as it came to the front, just before.
  lock_due_.reset();
  let_sleep();
  return done();
}

void Attention::lock_screen(BootTime now) {
  if (screen_.locked && screen_.others_locked) return;
  // The session ends and the card goes in one moment; and nobody was at the front since.
  const bool owed = (screen_.locked || lock_owed_) && (screen_.others_locked || others_owed_);
  const bool in_front = (screen_.active && !screen_.locked) || screen_.other_in_front;
  if (owed && (lock_due_ || !in_front)) return;
  act(action::Lock{});
  lock_owed_ = !screen_.locked;
  others_owed_ = !screen_.others_locked;
  lock_due_ = now + lock_patience;
}

void Attention::not_locked() {
  lock_owed_ = others_owed_ = false;
  const std::string what =
      screen_.known
          ? "The screen is not locked: no screen locker answered. Lock it yourself when you leave. The "
            "people "
            "who run this machine can set one up: xss-lock with i3lock, light-locker, or the desktop's own."
          : "The screen cannot be locked: logind does not know a desktop session of this user.";
  act(action::Say{what});
  if (habits_.end_login && screen_.known) {
    act(action::Say{"The login session is ended, because the screen could not be locked."});
    act(action::EndLogin{});
    return;
  }
  notify(Topic::screen, true, "The screen is not locked", what);
}

/// Cards that were in before the connection to the service broke.
void Attention::check_who_left(BootTime now) {
  const bool reading = std::ranges::any_of(
      seen_.readers, [](const SeenReader& each) { return each.state == SeenReader::State::reading; });
  if (reading) {  // perhaps one of them
    back_due_ = now + seconds(1);
    return;
  }
  back_due_.reset();
  if (!std::exchange(waiting_cards_, {}).empty()) lock_screen(now);
}

Actions Attention::news(const std::string& id, const std::vector<std::string>& lapses,
                        const std::vector<std::string>& notices, BootTime now) {
  if (session(id) == nullptr) return done();
  const auto untold = [&](const std::vector<std::string>& list) {
    std::string out;
    for (const auto& text : list) {
      const auto told = told_.find(text);
      if (told != told_.end() && now - told->second < tell_again) continue;
      remember_told(text, now);
      out += (out.empty() ? "" : "\n") + text;
    }
    return out;
  };
  if (auto text = untold(lapses); !text.empty())
    notify(Topic::expiry, false, "What ends in the next 30 days", std::move(text));
  if (auto text = untold(notices); !text.empty())
    notify(Topic::notice, false, "While you were away", std::move(text));
  return done();
}

void Attention::warn_of_ends(BootTime now) {
  for (const auto& each : seen_.sessions) {
    if (each.state != SeenSession::State::active || each.ends == BootTime::max()) continue;
    if (each.ends - warn_before > now || !warned_ends_.insert(each.id).second) continue;
    notify(Topic::expiry, true, "Your session ends soon",
           fmt::format("It ends at {}. Save your work, then sign in again.", each.ends_text));
  }
}

/// Once a day, for whoever stays signed in.
void Attention::tell_again_of_warnings(BootTime now) {
  news_due_ = now + tell_again;
  for (const auto& each : seen_.sessions) {
    for (const auto& warning : each.warnings) {
      const auto told = told_.find(warning);
      if (told != told_.end() && now - told->second < tell_again) continue;
      remember_told(warning, now);
      notify(Topic::expiry, false, "Please note", warning);
    }
    act(action::AskNews{each.id});
  }
}

Actions Attention::tick(BootTime now) {
  if (lock_due_ && *lock_due_ <= now) {
    lock_due_.reset();
    // Of a login session that is not at the front it shows when it comes there.
    if (!away() || screen_.other_in_front) not_locked();
    let_sleep();
  }
  if (front_due_ && *front_due_ <= now) {
    front_due_.reset();
    lock_owed_ = others_owed_ = false;
    lock_screen(now);
  }
  if (gone_due_ && *gone_due_ <= now) service_is_gone(now);
  if (back_due_ && *back_due_ <= now) check_who_left(now);
  if (news_due_ && *news_due_ <= now) tell_again_of_warnings(now);
  warn_of_ends(now);
  return done();
}

std::optional<BootTime> Attention::next_deadline() const {
  std::optional<BootTime> next;
  const auto take = [&](std::optional<BootTime> at) {
    if (at && (!next || *at < *next)) next = at;
  };
  take(lock_due_);
  take(front_due_);
  take(gone_due_);
  take(back_due_);
  if (!seen_.sessions.empty()) take(news_due_);
  for (const auto& each : seen_.sessions) {
    const bool due = each.state == SeenSession::State::active && each.ends != BootTime::max() &&
                     !warned_ends_.contains(each.id);
    if (due) take(each.ends - warn_before);
  }
  return next;
}

const SeenReader* Attention::reader(const std::string& name) const {
  const auto found = std::ranges::find(seen_.readers, name, &SeenReader::name);
  return found == seen_.readers.end() ? nullptr : &*found;
}

const SeenSession* Attention::session(const std::string& id) const {
  const auto found = std::ranges::find(seen_.sessions, id, &SeenSession::id);
  return found == seen_.sessions.end() ? nullptr : &*found;
}

const SeenSession* Attention::session_with(const std::string& card) const {
  if (card.empty()) return nullptr;
  const auto found = std::ranges::find(seen_.sessions, card, &SeenSession::card);
  return found == seen_.sessions.end() ? nullptr : &*found;
}

Attention::Hand* Attention::hand_with(const std::string& card) {
  const auto found = std::ranges::find_if(
      hands_, [&](const auto& entry) { return !card.empty() && entry.second.card == card; });
  return found == hands_.end() ? nullptr : &found->second;
}

}  // namespace cardgate::agent
