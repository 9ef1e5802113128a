// SPDX-License-Identifier: Apache-2.0
#include "daemon/work/login.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/day_text.hpp"
#include "base/shown.hpp"

namespace cardgate::daemon::work {
namespace {

constexpr std::string_view insert_card =
    "Put your staff card into the reader, then press Enter. To use your password, press Enter without a "
    "card.";
constexpr std::string_view card_blocked =
    "Your staff card is blocked, because the passcode was wrong too many times. Take it to the smartcard "
    "help "
    "desk to have it unblocked.";
constexpr std::string_view wrong_twice =
    "The passcode was wrong twice. To try again, take the card out and put it in again. Or ask the smartcard "
    "help desk for a new passcode.";
constexpr std::string_view still_reading = "The card is still being read. Press Enter to try again.";

LoginNeed login_refused(std::string text) {
  return {.use = LoginUse::refused, .text = fit_login_text(std::move(text))};
}

LoginNeed login_insert(std::string_view text) {
  return {.use = LoginUse::insert, .text = std::string(text)};
}

std::string passcode_text(const LoginCard& card, bool several) {
  std::string text = several ? fmt::format("Your staff card in {}", card.reader) : "Your staff card";
  if (card.tries_left < 0) return text + ". It does not say how many tries are left.";
  if (card.tries_left == 1) return text + ", one try left. If it is wrong, the card is blocked.";
  return text + fmt::format(", {} tries left.", card.tries_left);
}

LoginNeed login_passcode(const LoginCard& card, bool several) {
  if (card.tries_left == 0) return login_refused(std::string(card_blocked));
  if (card.wrong_twice) return login_refused(std::string(wrong_twice));
  return {.use = LoginUse::passcode,
          .text = fit_login_text(passcode_text(card, several)),
          .reader = card.reader,
          .card = card.card,
          .resume = card.session,
          .tries_left = card.tries_left,
          .last_try = card.tries_left == 1};
}

LoginNeed without_card(const LoginScene& scene) {
  const bool asks = scene.ask_for_card && scene.has_card && scene.readers > 0;
  return asks ? login_insert(insert_card) : LoginNeed{};
}

std::string card_of_others(const LoginScene& scene) {
  return fmt::format(
      "The card in the reader does not belong to the account '{}'. Put in your own card, or use the name of "
      "your own account. On a locked screen, choose Switch user.",
      shown_text(scene.account));
}

/// No card in any reader is the account's.
LoginNeed only_other_cards(const LoginScene& scene) {
  const auto& cards = scene.cards;
  if (std::ranges::any_of(cards, &LoginCard::reading)) return login_insert(still_reading);
  if (!scene.locked_by.empty()) return login_refused(std::string(not_the_card_that_locked));
  const auto good = std::ranges::find_if(cards, [](const auto& each) { return each.problem.empty(); });
  return login_refused(good == cards.end() ? cards.front().problem : card_of_others(scene));
}

}  // namespace

std::string_view name(LoginUse use) {
  switch (use) {
    case LoginUse::passcode:
      return "passcode";
    case LoginUse::insert:
      return "insert";
    case LoginUse::password:
      return "password";
    case LoginUse::refused:
      return "refused";
  }
  return "password";
}

std::string fit_login_text(std::string text) {
  constexpr std::string_view more = "...";
  if (text.size() <= max_login_text) return text;
  std::size_t end = max_login_text - more.size();
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
  return text.substr(0, end).append(more);
}

std::string account_not_yours(std::string_view account, std::size_t people, std::string_view access_team) {
  if (people > 1)
    return fmt::format(
        "The account '{}' belongs to more than one person in the staff register, so no card can open it. Ask "
        "the {} to correct the register.",
        shown_text(account), access_team);
  return fmt::format(
      "The account '{}' is not yours in the staff register. Use the name of your own account. If this is "
      "your "
      "account, ask the {} to add it to your record.",
      shown_text(account), access_team);
}

LoginNeed what_login_needs(const LoginScene& scene) {
  if (scene.root && !scene.allow_root) return {};
  if (scene.remote && !scene.allow_remote) return {};
  if (scene.people == 0) return {};
  const auto& cards = scene.cards;
  if (cards.empty()) return scene.people == 1 ? without_card(scene) : LoginNeed{};
  if (scene.people > 1)
    return login_refused(account_not_yours(scene.account, scene.people, scene.access_team));
  // A locked screen is opened by the card that locked it, whatever other cards the person has.
  if (scene.own && !scene.locked_by.empty()) {
    const auto same = std::ranges::find(cards, scene.locked_by, &LoginCard::card);
    if (same == cards.end()) return only_other_cards(scene);
    if (!same->problem.empty()) return login_refused(same->problem);
    return login_passcode(*same, cards.size() > 1);
  }
  const LoginCard* best = nullptr;
  for (const auto& card : cards) {
    if (!card.of_account) continue;
    const auto rank = [](const LoginCard& each) {
      return (each.problem.empty() ? 2 : 0) + (each.session.empty() ? 0 : 1);
    };
    if (best == nullptr || rank(card) > rank(*best)) best = &card;
  }
  if (best == nullptr) return only_other_cards(scene);
  if (!best->problem.empty()) return login_refused(best->problem);
  return login_passcode(*best, cards.size() > 1);
}

std::optional<std::string> account_over(const std::vector<reg::Person>& people, Date today,
                                        const policy::Contacts& contacts) {
  if (people.empty()) return std::nullopt;
  if (std::ranges::any_of(people, &reg::Person::removed))
    return fit_login_text(
        fmt::format("Access to this account has been paused. Speak to the {}.", contacts.access_team));
  const auto has_left = [&](const reg::Person& person) {
    return person.employed_until && *person.employed_until < today;
  };
  if (!std::ranges::all_of(people, has_left)) return std::nullopt;
  return fit_login_text(fmt::format(
      "Your employment ended on {}, so this account is closed. If the date is wrong, ask the {} to "
      "correct it.",
      day_text(*people.front().employed_until), contacts.employment));
}

}  // namespace cardgate::daemon::work
