// SPDX-License-Identifier: Apache-2.0
// What every use of a passcode has in common: who may, on which card, what an answer of the card means.
#include <fmt/format.h>

#include <algorithm>

#include "daemon/cards/card_desk.hpp"
#include "daemon/drivers/tries.hpp"
#include "daemon/journal.hpp"
#include "daemon/people/answers.hpp"
#include "proto/card_words.hpp"

namespace cardgate::daemon {
namespace {

Response card_is_out() {
  return problem(404, "no_card", "The card was taken out. Put it in and try again.");
}

}  // namespace

Response CardDesk::refuse(const CardUse& use, Response answer, std::string_view reason) {
  audit::Record record;
  record.event = name_of(use.refused_event);
  record.person = use.person;
  record.reason = reason;
  record.details["reader"] = use.reader;
  recorder_.refuse(use.peer, std::move(record));
  return answer;
}

Response CardDesk::passcode_incorrect(const CardUse& use, Reader& reader, const Error& error) {
  constexpr std::string_view code = "passcode_incorrect";
  const int before = std::exchange(reader.tries_left, tries_left(error));
  ++reader.failures;
  const int left = reader.tries_left;
  json::object extra{{"tries_left", tries_json(left)}};
  // Some cards refuse a passcode for a reason of their own, and keep the try.
  if (left == before && left != tries_unknown)
    return refuse(use, problem(401, code, passcode_refused_uncounted(left), std::move(extra)), code);
  if (left == 0) note_blocked(use, reader);
  std::string detail =
      left == 0   ? "Wrong passcode. The card is now blocked. Take it to the smartcard help desk to have it "
                    "unblocked."
      : left == 1 ? "Wrong passcode. One try is left. If that is wrong too, the card is blocked."
                  : "Wrong passcode. " + tries_sentence(left);
  return refuse(use, problem(401, code, std::move(detail), std::move(extra)), code);
}

Response CardDesk::passcode_blocked(const CardUse& use, Reader& reader) {
  if (std::exchange(reader.tries_left, 0) != 0) {
    ++reader.failures;
    note_blocked(use, reader);
  }
  return refuse(use,
                problem(403, "passcode_blocked",
                        "The card is blocked, because the passcode was wrong too many times. Take it to the "
                        "smartcard help desk to have it unblocked.",
                        {{"tries_left", 0}}),
                "passcode_blocked");
}

Response CardDesk::unblocking_key_error(const CardUse& use, Reader& reader, const Error& error) {
  if (error.code == Errc::puk_blocked) {
    if (std::exchange(reader.unblocking_tries_left, 0) != 0) ++reader.failures;
    return refuse(use,
                  problem(403, "unblocking_key_blocked", proto::unblocking_key_blocked(reader.tries_left),
                          {{"tries_left", 0}}),
                  "unblocking_key_blocked");
  }
  ++reader.failures;
  const int left = tries_left(error);
  reader.unblocking_tries_left = left;
  return refuse(use,
                problem(401, "unblocking_key_incorrect", wrong_unblocking_key(left),
                        {{"tries_left", tries_json(left)}}),
                "unblocking_key_incorrect");
}

Response CardDesk::passcode_format(const CardUse& use, Reader& reader, const Error& error) {
  // What was sent may have been counted, and in any case the card looked at it.
  const bool sent = error.number != 0;
  if (sent) ++reader.failures;
  // Each kind of card has a rule of its own, and says it.
  return refuse(
      use,
      problem(400, "passcode_format",
              sent ? "The card does not accept this new passcode. Choose another one, not an easy one such "
                     "as 123456; the smartcard help desk knows the card's rules."
                   : fmt::format("Not a passcode of this card: {}. No try was spent.", error.context)),
      "passcode_format");
}

Response CardDesk::last_try(const CardUse& use, Reader& reader) {
  std::string detail =
      "One try is left. If it is wrong, the card is blocked. To use it, sign in again and confirm it. Or ask "
      "the smartcard help desk to set a new passcode.";
  if (use.by_unblocking_key) {
    reader.unblocking_tries_left = 1;
    detail = proto::last_try_of_unblocking_key(reader.tries_left);
  }
  return refuse(use, problem(409, "last_try", std::move(detail), {{"tries_left", 1}}), "last_try");
}

/// What is wrong with the card, or with the way to it.
Response CardDesk::broken(const CardUse& use, const Error& error) {
  switch (error.code) {
    case Errc::permission_denied:
      log(Level::warning, "A card took the passcode, and its key did not sign: " + error.message(),
          {{"CARDGATE_READER", use.reader}});
      return refuse(use,
                    problem(403, "card_unusable",
                            "The passcode was right, but the key on the card did not work. Take the card to "
                            "the smartcard help desk: it must be repaired or replaced."),
                    "card_key");
    case Errc::key_unsupported:
      return refuse(use,
                    problem(403, "card_unusable",
                            "This kind of card cannot do that here. Ask the smartcard help desk, who have "
                            "the maker's own program."),
                    "key_unsupported");
    case Errc::pcsc_no_card:
    case Errc::pcsc_card_removed:
      return refuse(use, card_is_out(), "no_card");
    case Errc::pcsc_sharing_violation:
      return refuse(use, problem(409, "busy", explain_card_error(error)), "busy");
    case Errc::pcsc_no_service:
    case Errc::pcsc_access_denied:
      return refuse(use, problem(503, "pcscd_unavailable", error.context), "pcscd_unavailable");
    case Errc::signature_invalid:
      log(Level::warning,
          "A card could not prove that its certificate is its own, and may be a forgery: " + error.message(),
          {{"CARDGATE_READER", use.reader}});
      return refuse(use,
                    problem(403, "certificate_refused",
                            "The card could not prove that its certificate is its own. Do not use this card. "
                            "Take it to the smartcard help desk."),
                    "possession_not_proved");
    default:
      log(Level::warning, "A card failed during a sign-in: " + error.message(),
          {{"CARDGATE_READER", use.reader}});
      return refuse(use, problem(403, "card_unusable", explain_card_error(error)),
                    "card_" + std::string(cardgate::name(error.code)));
  }
}

Response CardDesk::error(const CardUse& use, Reader& reader, const Error& error) {
  // Who did not answer may have spent a try.
  if (error.code == Errc::timeout || error.code == Errc::unavailable) ++reader.failures;
  switch (error.code) {
    case Errc::pin_incorrect:
      return passcode_incorrect(use, reader, error);
    case Errc::pin_blocked:
      return passcode_blocked(use, reader);
    case Errc::puk_incorrect:
    case Errc::puk_blocked:
      return unblocking_key_error(use, reader, error);
    case Errc::pin_format:
      return passcode_format(use, reader, error);
    case Errc::pin_last_try:
      return last_try(use, reader);
    case Errc::card_changed:
      reader.tries_left = tries_left(error);
      return refuse(use,
                    problem(409, "card_changed",
                            "The number of tries left is not the one you were shown. No try was spent. Look "
                            "again, then repeat.",
                            {{"tries_left", tries_json(reader.tries_left)}}),
                    "card_changed");
    case Errc::cancelled:
      return refuse_who_left(use);
    default:
      return broken(use, error);
  }
}

void CardDesk::note_blocked(const CardUse& use, const Reader& reader) {
  audit::Record blocked;
  blocked.event = name_of(audit::Event::card_blocked);
  blocked.person = use.person;
  blocked.details = {{"reader", use.reader}, {"card", reader.card ? reader.card->id : std::string()}};
  recorder_.note(std::move(blocked));
}

Response CardDesk::refuse_who_left(const CardUse& use) {
  return refuse(use,
                problem(408, "request_timeout",
                        "The program closed its connection before this was done. Nothing was done."),
                "client_left");
}

std::optional<Response> CardDesk::refuse_if_gone(const CardUse& use, std::uint64_t insertion) {
  if (sessions_.stopping()) return draining();
  if (!readers_.service_up()) {
    return refuse(use, problem(503, "pcscd_unavailable", readers_.service_problem()), "pcscd_unavailable");
  }
  const Reader* reader = readers_.find(use.reader);
  if (reader == nullptr || reader->insertion != insertion) return refuse(use, card_is_out(), "no_card");
  if (reader->state != Reader::State::ready)
    return refuse(use, problem(403, "card_unusable", reader->problem), "card_unusable");
  return std::nullopt;
}

std::optional<Response> CardDesk::refuse_peer(const CardUse& use) {
  if (admission_.may_sign_in_at(use.peer, use.reader)) return std::nullopt;
  return refuse(
      use,
      problem(403, "sign_in_not_allowed",
              "This program or this user of the machine may not sign people in at this reader. The people "
              "who run this machine can allow it: `clients` and `readers` in cardgate's configuration."),
      "sign_in_not_allowed");
}

CardInHand CardDesk::in_hand(const CardUse& use, const std::string& card, std::optional<int> tries_left) {
  const auto no = [](Response answer) { return CardInHand{nullptr, std::move(answer)}; };
  const auto refused = [&](Response answer, std::string_view reason) {
    return no(refuse(use, std::move(answer), reason));
  };
  if (!admission_.allow_sign_in(use.peer)) {
    return refused(problem(429, "rate_limited",
                           "Too many sign-ins from this user of the machine in a short time. Wait a minute, "
                           "then try again."),
                   "rate_limited");
  }
  if (!recorder_.works()) return no(recorder_.unavailable());
  if (!readers_.service_up()) return no(problem(503, "pcscd_unavailable", readers_.service_problem()));
  Reader* reader = readers_.find(use.reader);
  if (reader == nullptr) {
    return no(problem(404, "reader_not_found",
                      "There is no reader with that name. Check that it is plugged in: cardgate status"));
  }
  if (reader->state == Reader::State::empty)
    return no(problem(404, "no_card", "There is no card in the reader. Put it in."));
  if (reader->state == Reader::State::reading || reader->busy)
    return no(problem(409, "busy", "The card is being read. Try again in a moment."));
  if (reader->state == Reader::State::unusable)
    return refused(problem(403, "card_unusable", reader->problem), "card_unusable");
  // The card that the person was shown, and none other.
  if (card != reader->card->id || (tries_left && *tries_left != reader->tries_left)) {
    return refused(problem(409, "card_changed",
                           "The card or its number of tries is not the one you were shown. No try was spent. "
                           "Look again, then repeat.",
                           {{"card", reader->card->id}, {"tries_left", tries_json(reader->tries_left)}}),
                   "card_changed");
  }
  if (reader->failures >= max_failures_per_insertion) {
    return refused(problem(409, "reinsert_card",
                           "The passcode was wrong twice. To try again, take the card out and put it in "
                           "again. Or ask the smartcard help desk for a new passcode.",
                           {{"tries_left", tries_json(reader->tries_left)}}),
                   "too_many_failures");
  }
  return {reader, std::nullopt};
}

std::optional<Response> CardDesk::after_work(const CardUse& use, std::uint64_t insertion,
                                             const Result<void>& outcome) {
  Reader* reader = readers_.find(use.reader);
  const bool same_card = reader != nullptr && reader->insertion == insertion;
  if (same_card) reader->busy = false;
  if (outcome) {
    if (same_card) reader->failures = 0;
    return std::nullopt;
  }
  if (auto gone = refuse_if_gone(use, insertion)) return gone;
  auto answer = error(use, *reader, outcome.error());
  publish("read", use.reader);
  return answer;
}

void CardDesk::note_use(audit::Event event, const CardUse& use, const std::string& card) {
  audit::Record record;
  record.event = name_of(event);
  record.person = use.person;
  record.details = {{"reader", use.reader}, {"card", card}, {"peer", describe(use.peer)}};
  recorder_.note(std::move(record));
  log(event,
      event == audit::Event::passcode_changed ? "The passcode of a card was changed."
                                              : "A card was unblocked.",
      {{"CARDGATE_READER", use.reader}});
}

}  // namespace cardgate::daemon
