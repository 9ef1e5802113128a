// SPDX-License-Identifier: Apache-2.0
#include "client/agent/words.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "client/shared/members.hpp"

namespace cardgate::agent {
namespace {

constexpr const char* title = "cardgate";

std::string tries_line(std::int64_t tries) {
  if (tries < 0) return "The card does not say how many tries are left.";
  return client::tries_text(tries) + ".";
}

std::string opening(Why why, const std::string& what_for) {
  switch (why) {
    case Why::resume:
      return "Your session is locked. To unlock it, type the passcode of your card.";
    case Why::step_up:
      return fmt::format("A program needs to know that it is still you{}. Type the passcode of your card.",
                         what_for.empty() ? "" : fmt::format(" ({})", what_for));
    case Why::sign_in:
      break;
  }
  return "To sign in, type the passcode of your card.";
}

}  // namespace

std::string card_text(const SeenReader& reader) {
  constexpr std::size_t tail = 4;
  const auto end = reader.card.substr(reader.card.size() - std::min(tail, reader.card.size()));
  return reader.holder.empty() ? fmt::format("Card ending {}", end)
                               : fmt::format("{} (card ending {})", reader.holder, end);
}

Prompt passcode_prompt(const SeenReader& reader, Why why, const std::string& what_for,
                       const std::string& error) {
  return {
      Prompt::Kind::passcode,
      title,
      fmt::format("{}\n\n{}\n{}", opening(why, what_for), card_text(reader), tries_line(reader.tries_left)),
      "Passcode:",
      error,
      why == Why::sign_in ? "Sign in" : "Unlock",
      "Not now"};
}

Prompt last_try_prompt(const SeenReader& reader, const std::string& error) {
  return {
      Prompt::Kind::confirm,
      title,
      fmt::format("{}\n\nOne try is left. If the passcode is wrong, the card is blocked. If you are not sure "
                  "of it, ask the smartcard help desk for a new passcode.\n\nUse the last try?",
                  card_text(reader)),
      {},
      error,
      "Use the last try",
      "Not now"};
}

Prompt unblock_offer(const SeenReader& reader, const std::string& error) {
  return {Prompt::Kind::confirm,
          title,
          fmt::format(
              "{}\n\nThe card is blocked, because the passcode was wrong too many times. The smartcard "
              "help desk can give you an unblocking code.\n\nDo you have a code, or the card's unblocking "
              "key (PUK)?",
              card_text(reader)),
          {},
          error,
          "Unblock",
          "Not now"};
}

Prompt unblocking_key_prompt(const SeenReader& reader, const std::string& error) {
  const auto left = reader.unblocking_tries_left < 0
                        ? std::string("It has only a few tries.")
                        : fmt::format("{}.", client::tries_text(reader.unblocking_tries_left));
  return {
      Prompt::Kind::unblocking_key,
      title,
      fmt::format(
          "{}\n\nType the unblocking code from the help desk, or the card's unblocking key (PUK).\n{} When "
          "none is left, the card can never be unblocked again.",
          card_text(reader), left),
      "Code or PUK:",
      error,
      "Next",
      "Not now"};
}

Prompt first_passcode_prompt(const SeenReader& reader, const std::string& error) {
  return {
      Prompt::Kind::passcode,
      title,
      fmt::format("This card was lent to you, and others may know its passcode. Choose a new one before you "
                  "sign in.\n\n{}\nFirst type the passcode that the desk told you.\n{}",
                  card_text(reader), tries_line(reader.tries_left)),
      "Passcode:",
      error,
      "Next",
      "Not now"};
}

Prompt new_passcode_prompt(bool again, bool unblocks, const std::string& error) {
  return {again ? Prompt::Kind::new_passcode_again : Prompt::Kind::new_passcode,
          title,
          again ? "Type the new passcode again." : "Choose a new passcode of 6 to 8 digits.",
          "New passcode:",
          error,
          !again     ? "Next"
          : unblocks ? "Unblock"
                     : "Change",
          "Not now"};
}

std::string signed_in_text(const SeenSession& session) {
  std::string text = fmt::format("Until {}. {}", session.ends_text,
                                 session.card.empty() ? "Sign out when you leave: cardgate logout"
                                                      : "Take your card with you when you leave.");
  for (const auto& warning : session.warnings) text += fmt::format("\n{}", warning);
  return text;
}

std::string end_text(const std::string& reason) {
  if (reason == "access_lost") return "Your access has ended. To see what is missing: cardgate access";
  if (reason == "certificate_refused")
    return "The certificate of your card no longer works. Take it to the smartcard help desk.";
  if (reason == "time_up") return "Your time is up. Sign in again to go on.";
  if (reason == "card_out_too_long") return "Your card was out too long. Sign in again to go on.";
  if (reason == "screen_locked_too_long") return "The screen was locked too long. Sign in again to go on.";
  if (reason == "revoked") return "Your session was ended.";
  if (reason == "password_changed") return "Your password was changed. Sign in with the new one.";
  if (reason == "downtime")
    return "There is downtime, so you were signed out. To see until when: cardgate status";
  if (reason == "shutdown") return "The service stopped. Sign in again when it is back.";
  if (reason == "reader_gone") return "The card reader is gone.";
  return {};
}

}  // namespace cardgate::agent
