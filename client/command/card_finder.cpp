// SPDX-License-Identifier: Apache-2.0
#include "client/command/card_finder.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/number.hpp"
#include "client/command/output.hpp"
#include "client/command/secrets.hpp"
#include "client/command/terminal.hpp"
#include "proto/card_words.hpp"

namespace cardgate::client {
namespace {

using proto::Problem;

/// What the readers hold, as far as this user may sign in there.
struct Readers {
  std::vector<FoundCard> ready;
  std::vector<std::string> reading, forbidden;
  std::vector<std::pair<std::string, std::string>> unusable;  // reader, why
  std::size_t count = 0;
};

Readers look(const json::object& status, const std::string& wanted) {
  Readers out;
  const auto* readers = find_array(status, "readers");
  if (readers == nullptr) return out;
  for (const auto& item : *readers) {
    const auto* reader = item.if_object();
    if (reader == nullptr) continue;
    const auto name = text_of(*reader, "name");
    if (!wanted.empty() && name.find(wanted) == std::string::npos) continue;
    ++out.count;
    const auto* card = find_object(*reader, "card");
    if (card == nullptr) {
      if (is_true(*reader, "card_present")) out.forbidden.push_back(name);
      continue;
    }
    const auto state = text_of(*card, "state");
    if (state == "ready") {
      const auto* told = card->if_contains("unblocking_tries_left");
      out.ready.push_back({.reader = name,
                           .card = text_of(*card, "id"),
                           .tries_left = tries_of(*card),
                           .unblocking_tries_left = told != nullptr && told->is_int64()
                                                        ? told->get_int64()
                                                        : proto::tries_not_told,
                           .warning = text_of(*card, "warning"),
                           .name = text_of(*card, "name"),
                           .problem = text_of(*card, "problem"),
                           .must_change_passcode = is_true(*card, "must_change_passcode"),
                           .registered = !card->contains("registered") || is_true(*card, "registered")});
    }
    if (state == "reading") out.reading.push_back(name);
    if (state == "unusable") out.unusable.emplace_back(name, text_of(*card, "problem"));
  }
  // A reader named in full is meant, even where its name is a part of another's.
  const auto exact = std::ranges::find(out.ready, wanted, &FoundCard::reader);
  if (!wanted.empty() && exact != out.ready.end()) out.ready = {FoundCard(*exact)};
  return out;
}

/// Waits, by the service's events, for cards that are still being read: the one that is meant may be among them.
Result<Reply> status_with_card(const Http& http, const std::string& wanted) {
  auto reply = TRY(call(http, {.target = "/v1/status"}));
  const auto still_reading = [&] {
    const auto readers = look(reply.body, wanted);
    return !reply.refusal && !readers.reading.empty();
  };
  if (!still_reading()) return reply;
  std::optional<Error> failed;
  const auto listened = http.listen(
      "/v1/events",
      [&](const Event& event) {
        if (event.name != "open" && event.name != "card") return true;
        auto now = call(http, {.target = "/v1/status"});
        if (!now) {
          failed = now.error();
          return false;
        }
        reply = *std::move(now);
        return still_reading();
      },
      seconds(10), true);
  if (failed) return *std::move(failed);
  if (!listened && listened.error().code != Errc::timeout) return listened.error();
  return reply;
}

Problem no_card(const Readers& readers, const std::string& wanted) {
  if (!readers.unusable.empty()) {
    return {403,
            "card_unusable",
            "The card cannot be used",
            fmt::format("The card in {} cannot be used: {}", readers.unusable.front().first,
                        readers.unusable.front().second),
            {}};
  }
  if (!readers.reading.empty()) {
    return {
        409, "busy", "The card is being read", "The card is still being read. Try again in a moment.", {}};
  }
  if (!readers.forbidden.empty()) {
    return {403,
            "sign_in_not_allowed",
            "Not at this reader",
            fmt::format("You may not sign in at {}. The people who run this machine can allow it: `clients` "
                        "and `readers` in cardgate's configuration.",
                        readers.forbidden.front()),
            {}};
  }
  if (readers.count == 0) {
    return {
        404,
        "reader_not_found",
        "No reader",
        wanted.empty()
            ? "There is no card reader. Plug one in. To see what is there: cardgate status"
            : fmt::format("There is no reader with \"{}\" in its name. To see what is there: cardgate status",
                          wanted),
        {}};
  }
  return {404,
          "no_card",
          "No card",
          "There is no card in a reader. Put your card in and try again. Without a card you can see your own "
          "record: cardgate login --username NAME. To get a user name and password: cardgate enrol",
          {}};
}

/// "Ada Example, card ending f60c, in READER (not registered here)".
std::string name_card(const FoundCard& card) {
  constexpr std::size_t tail = 4;
  const auto end = card.card.substr(card.card.size() - std::min(tail, card.card.size()));
  return fmt::format("{}{}ard ending {}, in {}{}", card.name, card.name.empty() ? "C" : ", c", end,
                     card.reader,
                     !card.registered        ? " (not registered here)"
                     : !card.problem.empty() ? fmt::format(" ({})", card.problem)
                                             : std::string());
}

/// Which of several cards is meant. Errors: invalid_argument (nobody to ask, or no such number), and those of
/// ask().
Result<FoundCard> choose(std::vector<FoundCard> ready, bool may_ask, CardFor use) {
  // Of two that are registered neither is passed over, though it has expired or is blocked: its owner might spend a try of the other.
  if (use == CardFor::sign_in && std::ranges::any_of(ready, &FoundCard::registered))
    std::erase_if(ready, [](const FoundCard& card) { return !card.registered; });
  if (use == CardFor::desk && !std::ranges::all_of(ready, &FoundCard::registered))
    std::erase_if(ready, [](const FoundCard& card) { return card.registered; });
  if (ready.size() == 1) return ready.front();
  std::string list;
  for (std::size_t i = 0; i < ready.size(); ++i)
    list += fmt::format("\n  {}  {}", i + 1, name_card(ready[i]));
  if (!may_ask || !has_terminal()) {
    return Error{
        Errc::invalid_argument,
        fmt::format("there are several cards. Leave only yours in, or name its reader with --reader:{}",
                    list)};
  }
  complain("There are several cards:" + list);
  const auto answer = TRY(ask("Which one? ", 8));
  const auto number = whole_number<std::size_t>(answer);
  if (!number || *number < 1 || *number > ready.size()) {
    return Error{Errc::invalid_argument, fmt::format("give a number from 1 to {}", ready.size())};
  }
  return ready[*number - 1];
}

}  // namespace

Result<FoundCard> find_card(const Http& http, const std::string& wanted, bool may_ask, CardFor use) {
  const auto refused = [](const std::optional<Problem>& why) {
    FoundCard none;
    none.refusal = why;
    return none;
  };
  const auto status = TRY(status_with_card(http, wanted));
  if (status.refusal) return refused(status.refusal);
  const auto readers = look(status.body, wanted);
  if (readers.ready.empty()) return refused(no_card(readers, wanted));
  return choose(readers.ready, may_ask, use);
}

std::string describe_card(const FoundCard& card) {
  auto text = fmt::format("Card {}{} in {}, {}", card.card, card.name.empty() ? "" : " (" + card.name + ")",
                          card.reader, tries_text(card.tries_left));
  if (!card.warning.empty()) text += "\n  ! " + card.warning;
  return text;
}

std::optional<Problem> refuse_to_spend(const FoundCard& card, bool spend_last_try,
                                       std::string_view how_to_confirm) {
  if (card.tries_left == 0) {
    return Problem{403,
                   "passcode_blocked",
                   "The card is blocked",
                   "The card is blocked, because the passcode was wrong too many times. Take it to the "
                   "smartcard help desk to have it unblocked: cardgate card unblock",
                   {{"tries_left", 0}}};
  }
  if (card.tries_left == 1 && !spend_last_try) {
    return Problem{409,
                   "last_try",
                   "The last try",
                   fmt::format("One try is left. If the passcode is wrong, the card is blocked. If you are "
                               "sure of it: {}. If not, ask the smartcard help desk for a new passcode.",
                               how_to_confirm),
                   {{"tries_left", 1}}};
  }
  return std::nullopt;
}

std::optional<Problem> refuse_to_spend_unblocking_key(const FoundCard& card, bool spend_last_try) {
  if (card.unblocking_tries_left == 0) {
    return Problem{403,
                   "unblocking_key_blocked",
                   "The unblocking key is blocked",
                   proto::unblocking_key_blocked(card.tries_left),
                   {{"tries_left", 0}}};
  }
  if (card.unblocking_tries_left == 1 && !spend_last_try) {
    return Problem{409,
                   "last_try",
                   "The last try",
                   proto::last_try_of_unblocking_key(card.tries_left),
                   {{"tries_left", 1}}};
  }
  return std::nullopt;
}

int say_card_error(const Cli& cli, const Error& error) {
  if (error.code == Errc::too_large || error.code == Errc::pin_format) {
    return say_problem(
        cli,
        {400, "passcode_format", "Not a passcode", "A passcode has 6 to 8 digits. No try was spent.", {}});
  }
  return say_secret_error(cli, error);
}

}  // namespace cardgate::client
