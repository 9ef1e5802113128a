// SPDX-License-Identifier: Apache-2.0
// Cards and dialogs: what is asked, and what becomes of the answer.
#include <fmt/format.h>

#include <algorithm>

#include "client/agent/attention.hpp"
#include "client/agent/words.hpp"

namespace cardgate::agent {

/// After everything that happens: is the dialog still right, and is there something to ask?
void Attention::consider() {
  check_dialog();
  find_what_to_ask();
  drop_half_done();
}

void Attention::find_what_to_ask() {
  if (away()) {
    offer_switch();
    return;
  }
  if (!connected_ || !fresh_ || dialog_ || sending_) return;
  for (const auto& there : seen_.readers) {
    const auto hand = hands_.find(there.name);
    if (hand == hands_.end()) continue;
    consider_card(there, hand->second);
    if (dialog_) return;
  }
}

/// Ends a dialog that nobody should answer any more.
void Attention::check_dialog() {
  if (!dialog_ || dialog_->closing) return;
  const auto* there = reader(dialog_->reader);
  using State = SeenReader::State;
  // While the service starts it reads the card again, and may not have found the reader yet.
  const bool coming = there == nullptr || there->state == State::reading;
  const bool gone = !coming && (there->state != State::ready || there->card != dialog_->card);
  const auto* open = session_with(dialog_->card);
  // Somebody else asked, and was answered: the screen locker, sudo, cardgate login.
  const bool signed_in = fresh_ && open != nullptr && open->state == SeenSession::State::active &&
                         stepping_up(dialog_->card) == nullptr;
  if (gone || signed_in || away()) close_dialog();
}

void Attention::close_dialog() {
  dialog_->closing = true;
  act(action::CloseDialog{});
}

/// An unblocking whose next dialog is not on the screen is over: what was typed for it is not kept for a later one.
void Attention::drop_half_done() {
  const bool goes_on =
      dialog_ && !dialog_->closing &&
      (dialog_->kind == Prompt::Kind::new_passcode || dialog_->kind == Prompt::Kind::new_passcode_again);
  if (!holding_ || goes_on) return;
  holding_ = false;
  act(action::ForgetSecrets{});
  for (auto& [name, hand] : hands_) {
    const bool half_done =
        hand.stage == Hand::Stage::new_passcode || hand.stage == Hand::Stage::new_passcode_again;
    if (half_done) hand.stage = Hand::Stage::passcode;
    hand.changing = false;
  }
}

const SeenSession* Attention::stepping_up(const std::string& card) const {
  const auto* which = step_up_ ? session(*step_up_) : nullptr;
  return which != nullptr && which->card == card ? which : nullptr;
}

bool Attention::must_change_passcode(const std::string& card) const {
  const auto there = std::ranges::find(seen_.readers, card, &SeenReader::card);
  return there != seen_.readers.end() && there->must_change_passcode && session_with(card) == nullptr;
}

void Attention::consider_card(const SeenReader& there, Hand& hand) {
  const bool unusable = there.state == SeenReader::State::unusable;
  if (!unusable && there.state != SeenReader::State::ready) return;
  if (!unusable && stepping_up(there.card) != nullptr) {
    ask(there, hand);
    return;
  }
  if (hand.rest != Hand::Rest::none) return;
  const auto* open = session_with(there.card);
  if (!unusable && open != nullptr) {
    if (open->state == SeenSession::State::locked) ask(there, hand);
    return;
  }
  if (!unusable && !hand.wanted) return;
  if (!unusable && there.registered && there.tries_left == 0) {
    ask_unblocking(there, hand);
    return;
  }
  if (unusable || !there.problem.empty()) {
    decline(hand);
    hand.unfit = true;
    notify(Topic::card, true, "This card cannot be used", there.problem);
  } else if (!there.registered) {
    decline(hand);
    hand.unfit = true;
    notify(Topic::card, true, "This card is not registered here",
           "Ask the ESR & Workforce Systems team to register it to you.");
  } else if (there.must_change_passcode) {
    ask_new_passcode(there, hand);
  } else {
    ask(there, hand);
  }
}

/// For the passcode, or first whether the last try may be spent.
void Attention::ask(const SeenReader& there, Hand& hand) {
  if (there.tries_left == 0) {
    ask_unblocking(there, hand);
    return;
  }
  if (!habits_.can_ask) {
    say_once("The agent cannot ask for a passcode: there is neither a display nor a terminal.");
    decline(hand);
    return;
  }
  const bool confirm = there.tries_left == 1 && !hand.last_try_confirmed;
  const auto why = stepping_up(there.card) != nullptr    ? Why::step_up
                   : session_with(there.card) != nullptr ? Why::resume
                                                         : Why::sign_in;
  auto prompt =
      confirm ? last_try_prompt(there, hand.error)
              : passcode_prompt(there, why, why == Why::step_up ? step_up_for_ : std::string(), hand.error);
  hand.stage = Hand::Stage::passcode;
  hand.error.clear();
  dialog_ = Dialog{there.name, there.card, prompt.kind, there.tries_left};
  act(action::Ask{std::move(prompt)});
}

/// A card that was lent: its passcode as the desk told it, then the new one, twice.
void Attention::ask_new_passcode(const SeenReader& there, Hand& hand) {
  using Stage = Hand::Stage;
  if (!habits_.can_ask) return ask(there, hand);
  const bool typed = hand.changing;
  if (!typed) hand.stage = Stage::passcode;
  const bool confirm = !typed && there.tries_left == 1 && !hand.last_try_confirmed;
  auto prompt = confirm ? last_try_prompt(there, hand.error)
                : typed ? new_passcode_prompt(hand.stage == Stage::new_passcode_again, false, hand.error)
                        : first_passcode_prompt(there, hand.error);
  hand.error.clear();
  dialog_ = Dialog{there.name, there.card, prompt.kind, there.tries_left};
  act(action::Ask{std::move(prompt)});
}

void Attention::ask_unblocking(const SeenReader& there, Hand& hand) {
  using Stage = Hand::Stage;
  if (there.unblocking_tries_left == 0 || !habits_.can_ask) {
    decline(hand);
    notify(Topic::card, true, "The card is blocked", "Take it to the smartcard help desk.");
    return;
  }
  if (hand.stage == Stage::passcode) hand.stage = Stage::unblock_offer;
  auto prompt = hand.stage == Stage::unblock_offer ? unblock_offer(there, hand.error)
                : hand.stage == Stage::unblocking_key
                    ? unblocking_key_prompt(there, hand.error)
                    : new_passcode_prompt(hand.stage == Stage::new_passcode_again, true, hand.error);
  hand.error.clear();
  dialog_ = Dialog{there.name, there.card, prompt.kind, there.tries_left};
  act(action::Ask{std::move(prompt)});
}

void Attention::decline(Hand& hand) {
  hand.rest = Hand::Rest::declined;
  hand.stage = Hand::Stage::passcode;
  hand.changing = false;
  hand.last_try_confirmed = false;
}

Actions Attention::answered(Answer answer, bool same, BootTime now) {
  if (!dialog_) return done();
  const auto dialog = *std::exchange(dialog_, std::nullopt);
  const auto found = hands_.find(dialog.reader);
  const bool there = found != hands_.end() && found->second.card == dialog.card;
  if (dialog.closing || answer == Answer::closed || !there) {
    act(action::ForgetSecrets{});
    drop_half_done();
    consider();
    return done();
  }
  auto& hand = found->second;
  if (answer != Answer::given) {
    act(action::ForgetSecrets{});
    drop_half_done();
    if (answer == Answer::failed)
      say_once("The program that asks for the passcode could not be started, or was ended. See --pinentry.");
    if (stepping_up(hand.card) != nullptr) {
      step_up_.reset();
      step_up_again_ = now + step_up_pause;
      hand.last_try_confirmed = false;
    } else {
      decline(hand);
    }
    consider();
    return done();
  }
  if (answer == Answer::given) said_.clear();  // what failed before works again
  using Stage = Hand::Stage;
  switch (dialog.kind) {
    case Prompt::Kind::confirm:
      (hand.stage == Stage::unblock_offer) ? void(hand.stage = Stage::unblocking_key)
                                           : void(hand.last_try_confirmed = true);
      break;
    case Prompt::Kind::unblocking_key:
      holding_ = true;
      hand.stage = Stage::new_passcode;
      break;
    case Prompt::Kind::new_passcode:
      hand.stage = Stage::new_passcode_again;
      break;
    case Prompt::Kind::new_passcode_again:
      if (same) {
        holding_ = false;
        sending_ = dialog;
        const auto what = hand.changing ? action::Send::What::change_passcode : action::Send::What::unblock;
        act(action::Send{what,
                         dialog.reader,
                         dialog.card,
                         {},
                         dialog.tries_left,
                         hand.changing && hand.last_try_confirmed});
      } else {
        hand.stage = Stage::new_passcode;
        hand.error = "The two are not the same. Nothing was changed.";
      }
      break;
    case Prompt::Kind::passcode:
      if (must_change_passcode(hand.card)) {
        holding_ = true;
        hand.changing = true;
        hand.stage = Stage::new_passcode;
        break;
      }
      sending_ = dialog;
      send(hand);
      break;
  }
  consider();
  return done();
}

/// Decided now, not when the dialog was put up: the session may have ended, or a restart have taken it.
void Attention::send(const Hand& hand) {
  const auto* step_up = stepping_up(hand.card);
  const auto* open = step_up != nullptr ? step_up : session_with(hand.card);
  const bool resume = open != nullptr && (step_up != nullptr || open->state == SeenSession::State::locked);
  act(action::Send{resume ? action::Send::What::resume : action::Send::What::sign_in, sending_->reader,
                   sending_->card, resume ? open->id : std::string(), sending_->tries_left,
                   hand.last_try_confirmed});
}

Actions Attention::sent(const Outcome& outcome) {
  act(action::ForgetSecrets{});
  if (!sending_) return done();
  const auto dialog = *std::exchange(sending_, std::nullopt);
  look();
  const auto found = hands_.find(dialog.reader);
  if (found == hands_.end() || found->second.card != dialog.card) {
    // Gone meanwhile: the person knows. Of a passcode that was wrong all the same the card's tries tell.
    consider();
    return done();
  }
  auto& hand = found->second;
  hand.last_try_confirmed = false;
  const bool unblocking = dialog.kind == Prompt::Kind::new_passcode_again;
  if (outcome.done && unblocking) {
    hand.stage = Hand::Stage::passcode;
    hand.failures = 0;
    notify(Topic::card, false, hand.changing ? "Your passcode is changed" : "The card works again",
           "Sign in with the new passcode.");
    hand.changing = false;
  } else if (outcome.done) {
    if (stepping_up(hand.card) != nullptr) step_up_.reset();
    hand.rest = Hand::Rest::signed_in;
    hand.failures = 0;
  } else {
    refuse(hand, outcome);
  }
  consider();
  return done();
}

/// Another try, with the reason shown, where a person can mend it; else told once.
void Attention::refuse(Hand& hand, const Outcome& outcome) {
  static const std::set<std::string, std::less<>> again{
      "passcode_incorrect",       "passcode_blocked", "passcode_format", "card_changed", "last_try", "busy",
      "unblocking_key_incorrect", "code_incorrect",   "not_found"};
  const bool wrong = outcome.error == "passcode_incorrect" || outcome.error == "unblocking_key_incorrect" ||
                     outcome.error == "code_incorrect";
  if (wrong) ++hand.failures;
  if (hand.stage == Hand::Stage::new_passcode_again)
    hand.stage = hand.changing ? Hand::Stage::passcode : Hand::Stage::unblocking_key;
  hand.changing = false;
  if (hand.failures >= most_failures) {
    decline(hand);
    step_up_.reset();
    notify(Topic::card, true, "Not signed in",
           outcome.detail + (outcome.blocked
                                 ? " If you have an unblocking code, take the card out and put it in again."
                                 : " To try again, take the card out and put it in again."));
    return;
  }
  if (again.contains(outcome.error)) {
    // That the card is blocked, and what helps, is what is asked next.
    if (!outcome.blocked) hand.error = outcome.detail;
    return;
  }
  if (outcome.error.empty()) {
    // The service restarts, or hangs: when it is back, the person is asked anew.
    notify(Topic::card, true, "Not signed in", "The service does not answer. " + outcome.detail);
    decline(hand);
    hand.rest = Hand::Rest::no_answer;
    return;
  }
  decline(hand);
  step_up_.reset();
  notify(Topic::card, true, "Not signed in", outcome.detail);
}

/// At a locked screen: somebody else's card opens nothing of this user's, but their own login is a greeter away.
void Attention::offer_switch() {
  if (!habits_.can_switch_user || !screen_.locked || !screen_.active || own_cards_.empty()) return;
  for (const auto& there : seen_.readers) {
    const auto hand = hands_.find(there.name);
    const bool somebody_elses = there.state == SeenReader::State::ready && there.registered &&
                                hand != hands_.end() && !own_cards_.contains(there.card);
    if (!somebody_elses || std::exchange(hand->second.switched, true)) continue;
    act(action::Say{"Another person's card is in at the locked screen: the greeter is shown."});
    act(action::SwitchUser{});
  }
}

}  // namespace cardgate::agent
