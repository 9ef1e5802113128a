// SPDX-License-Identifier: Apache-2.0
// What every use of a passcode has in common: who may, on which card, what an answer of the card means. And
// changing or unblocking it.
#include <fmt/format.h>

#include "daemon/cards/tries.hpp"
#include "daemon/gate.hpp"
#include "daemon/journal.hpp"
#include "proto/card_words.hpp"

namespace cardgate::daemon {

Response Gate::refuse_card_use(const CardUse& use, Response answer, std::string_view reason) {
  audit::Record record;
  record.event = use.refused_event;
  record.person = use.person;
  record.reason = reason;
  record.details["reader"] = use.reader;
  refuse(use.peer, std::move(record));
  return answer;
}

/// What a failed exchange with the card means to the person, and to the next attempt.
Response Gate::card_error(const CardUse& use, Reader& reader, const Error& error) {
  const auto refused = [&](int status, std::string detail, json::object extra = {}) {
    const std::string code = error.code == Errc::pin_incorrect   ? "passcode_incorrect"
                             : error.code == Errc::pin_blocked   ? "passcode_blocked"
                             : error.code == Errc::pin_format    ? "passcode_format"
                             : error.code == Errc::pin_last_try  ? "last_try"
                             : error.code == Errc::card_changed  ? "card_changed"
                             : error.code == Errc::puk_incorrect ? "unblocking_key_incorrect"
                             : error.code == Errc::puk_blocked   ? "unblocking_key_blocked"
                                                                 : std::string();
    return refuse_card_use(use, problem(status, code, std::move(detail), std::move(extra)), code);
  };
  // Who did not answer may have spent a try.
  if (error.code == Errc::timeout || error.code == Errc::unavailable) ++reader.failures;
  switch (error.code) {
    case Errc::pin_incorrect: {
      const int before = std::exchange(reader.tries_left, tries_left(error));
      ++reader.failures;
      const int left = reader.tries_left;
      // Some cards refuse a passcode for a reason of their own, and keep the try.
      if (left == before && left != tries_unknown) {
        return refused(401, passcode_refused_uncounted(left), {{"tries_left", tries_json(left)}});
      }
      if (left == 0) note_card_blocked(use, reader);
      std::string detail = left == 0 ? "Wrong passcode. The card is now blocked. Take it to the smartcard "
                                       "help desk to have it unblocked."
                           : left == 1
                               ? "Wrong passcode. One try is left. If that is wrong too, the card is blocked."
                               : "Wrong passcode. " + tries_sentence(left);
      return refused(401, std::move(detail), {{"tries_left", tries_json(left)}});
    }
    case Errc::pin_blocked:
      if (std::exchange(reader.tries_left, 0) != 0) {
        ++reader.failures;
        note_card_blocked(use, reader);
      }
      return refused(403,
                     "The card is blocked, because the passcode was wrong too many times. Take it to the "
                     "smartcard help desk to have it unblocked.",
                     {{"tries_left", 0}});
    case Errc::puk_incorrect: {
      ++reader.failures;
      const int left = tries_left(error);
      reader.unblocking_tries_left = left;
      return refused(401, wrong_unblocking_key(left), {{"tries_left", tries_json(left)}});
    }
    case Errc::puk_blocked:
      if (std::exchange(reader.unblocking_tries_left, 0) != 0) ++reader.failures;
      return refused(403, proto::unblocking_key_blocked(reader.tries_left), {{"tries_left", 0}});
    case Errc::permission_denied:
      log(Level::warning, "A card took the passcode, and its key did not sign: " + error.message(),
          {{"CARDGATE_READER", use.reader}});
      return refuse_card_use(use,
                             problem(403, "card_unusable",
                                     "The passcode was right, but the key on the card did not work. Take the "
                                     "card to the smartcard help desk: it must be repaired or replaced."),
                             "card_key");
    case Errc::key_unsupported:
      return refuse_card_use(
          use,
          problem(403, "card_unusable",
                  "This kind of card cannot do that here. Ask the smartcard help desk, who have the "
                  "maker's own program."),
          "key_unsupported");
    case Errc::pin_format:
      // What was sent may have been counted, and in any case the card looked at it.
      if (error.number != 0) {
        ++reader.failures;
        return refused(400,
                       "The card does not accept this new passcode. Choose another one, not an easy one "
                       "such as 123456; the smartcard help desk knows the card's rules.");
      }
      // Each kind of card has a rule of its own, and says it.
      return refused(400, fmt::format("Not a passcode of this card: {}. No try was spent.", error.context));
    case Errc::pin_last_try:
      if (use.by_unblocking_key) {
        reader.unblocking_tries_left = 1;
        return refused(409, proto::last_try_of_unblocking_key(reader.tries_left), {{"tries_left", 1}});
      }
      return refused(409,
                     "One try is left. If it is wrong, the card is blocked. To use it, sign in again and "
                     "confirm it. Or ask the smartcard help desk to set a new passcode.",
                     {{"tries_left", 1}});
    case Errc::card_changed:
      reader.tries_left = tries_left(error);
      return refused(409,
                     "The number of tries left is not the one you were shown. No try was spent. Look again, "
                     "then repeat.",
                     {{"tries_left", tries_json(reader.tries_left)}});
    case Errc::pcsc_no_card:
    case Errc::pcsc_card_removed:
      return refuse_card_use(use, problem(404, "no_card", "The card was taken out. Put it in and try again."),
                             "no_card");
    case Errc::pcsc_sharing_violation:
      return refuse_card_use(use, problem(409, "busy", explain_card_error(error)), "busy");
    case Errc::cancelled:
      return refuse_who_left(use);
    case Errc::pcsc_no_service:
    case Errc::pcsc_access_denied:
      return refuse_card_use(use, problem(503, "pcscd_unavailable", error.context), "pcscd_unavailable");
    case Errc::signature_invalid:
      log(Level::warning,
          "A card could not prove that its certificate is its own, and may be a forgery: " + error.message(),
          {{"CARDGATE_READER", use.reader}});
      return refuse_card_use(use,
                             problem(403, "certificate_refused",
                                     "The card could not prove that its certificate is its own. Do not use "
                                     "this card. Take it to the smartcard help desk."),
                             "possession_not_proved");
    default:
      log(Level::warning, "A card failed during a sign-in: " + error.message(),
          {{"CARDGATE_READER", use.reader}});
      return refuse_card_use(use, problem(403, "card_unusable", explain_card_error(error)),
                             "card_" + std::string(cardgate::name(error.code)));
  }
}

void Gate::note_card_blocked(const CardUse& use, const Reader& reader) {
  audit::Record blocked;
  blocked.event = "card_blocked";
  blocked.person = use.person;
  blocked.details = {{"reader", use.reader}, {"card", reader.card ? reader.card->id : std::string()}};
  note(std::move(blocked));
}

Response Gate::refuse_who_left(const CardUse& use) {
  return refuse_card_use(use,
                         problem(408, "request_timeout",
                                 "The program closed its connection before this was done. Nothing was done."),
                         "client_left");
}

std::optional<Response> Gate::refuse_if_gone(const CardUse& use, std::uint64_t insertion) {
  if (shutting_down_) return problem(503, "draining", "The service is stopping. Try again in a moment.");
  if (!readers_.service_up()) {
    return refuse_card_use(use, problem(503, "pcscd_unavailable", readers_.service_problem()),
                           "pcscd_unavailable");
  }
  const Reader* reader = readers_.find(use.reader);
  if (reader == nullptr || reader->insertion != insertion) {
    return refuse_card_use(use, problem(404, "no_card", "The card was taken out. Put it in and try again."),
                           "no_card");
  }
  if (reader->state != Reader::State::ready)
    return refuse_card_use(use, problem(403, "card_unusable", reader->problem), "card_unusable");
  return std::nullopt;
}

std::optional<Response> Gate::refuse_peer(const CardUse& use) {
  if (may_sign_in_at(use.peer, use.reader)) return std::nullopt;
  return refuse_card_use(
      use,
      problem(403, "sign_in_not_allowed",
              "This program or this user of the machine may not sign people in at this reader. The people "
              "who run this machine can allow it: `clients` and `readers` in cardgate's configuration."),
      "sign_in_not_allowed");
}

Gate::CardInHand Gate::card_in_hand(const CardUse& use, const std::string& card,
                                    std::optional<int> tries_left) {
  const auto no = [](Response answer) { return CardInHand{nullptr, std::move(answer)}; };
  const auto refused = [&](Response answer, std::string_view reason) {
    return no(refuse_card_use(use, std::move(answer), reason));
  };
  if (!sign_in_rate_.allow(use.peer.counted_as, clock_.boot())) {
    return refused(problem(429, "rate_limited",
                           "Too many sign-ins from this user of the machine in a short time. Wait a minute, "
                           "then try again."),
                   "rate_limited");
  }
  if (!audit_ok()) return no(audit_unavailable());
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

/// After the card has worked: the same insertion, and its error told. Nothing: it went well.
std::optional<Response> Gate::after_card_work(const CardUse& use, std::uint64_t insertion,
                                              const Result<void>& outcome) {
  Reader* reader = readers_.find(use.reader);
  const bool same_card = reader != nullptr && reader->insertion == insertion;
  if (same_card) reader->busy = false;
  if (outcome) {
    if (same_card) reader->failures = 0;
    return std::nullopt;
  }
  if (auto gone = refuse_if_gone(use, insertion)) return gone;
  auto answer = card_error(use, *reader, outcome.error());
  publish_card("read", use.reader);
  return answer;
}

void Gate::note_card_use(std::string_view event, const CardUse& use, const std::string& card) {
  audit::Record record;
  record.event = event;
  record.details = {{"reader", use.reader}, {"card", card}, {"peer", describe(use.peer)}};
  note(std::move(record));
  log(Level::info,
      event == "passcode_changed" ? "The passcode of a card was changed." : "A card was unblocked.",
      {{"CARDGATE_EVENT", event}, {"CARDGATE_READER", use.reader}});
}

Gate::Answer Gate::change_passcode(Request& request, const std::string& id) {
  auto ask = proto::parse_passcode_change(request.body);
  wipe(request.body);
  if (!ask) co_return problem(400, "bad_request", ask.error().context + ".");
  const CardUse use{*request.peer, "card_refused", ask->reader, {}};
  if (auto no = refuse_peer(use)) co_return std::move(*no);
  auto found = card_in_hand(use, id, ask->tries_left);
  if (found.refusal) co_return std::move(*found.refusal);
  const std::uint64_t insertion = found.reader->insertion;
  const auto card = found.reader->card;
  found.reader->busy = true;
  PasscodeUse passcode;
  passcode.reader = ask->reader;
  passcode.tries_shown = ask->tries_left;
  passcode.spend_last_try = ask->spend_last_try;
  passcode.passcode = std::move(ask->passcode);
  const Patience patience{std::chrono::steady_clock::now() + longest_card_work, request.left()};
  const auto outcome =
      co_await readers_.change_passcode(card, std::move(passcode), std::move(ask->new_passcode), patience);
  if (auto no = after_card_work(use, insertion, outcome)) co_return std::move(*no);
  note_card_use("passcode_changed", use, card->id);
  // Who is told that it is done may use the card at once: the tries shown are the card's by then.
  co_await readers_.recount(use.reader);
  co_return no_content();
}

Gate::Answer Gate::unblock_card(Request& request, const std::string& id) {
  auto ask = proto::parse_unblock(request.body);
  wipe(request.body);
  if (!ask) co_return problem(400, "bad_request", ask.error().context + ".");
  const CardUse use{*request.peer, "card_refused", ask->reader, {}, true};
  if (auto no = refuse_peer(use)) co_return std::move(*no);
  auto found = card_in_hand(use, id, std::nullopt);
  if (found.refusal) co_return std::move(*found.refusal);
  const std::uint64_t insertion = found.reader->insertion;
  const auto card = found.reader->card;
  found.reader->busy = true;
  const Patience patience{std::chrono::steady_clock::now() + longest_card_work, request.left()};
  UnblockUse unblocking;
  unblocking.reader = ask->reader;
  unblocking.spend_last_try = ask->spend_last_try;
  unblocking.unblocking_key = std::move(ask->unblocking_key);
  const auto outcome =
      co_await readers_.unblock(card, std::move(unblocking), std::move(ask->new_passcode), patience);
  if (auto no = after_card_work(use, insertion, outcome)) co_return std::move(*no);
  if (Reader* now = readers_.find(use.reader); now != nullptr && now->insertion == insertion)
    now->unblocking_tries_left = tries_unknown;  // all of them again, and how many that is the card knows
  note_card_use("card_unblocked", use, card->id);
  co_await readers_.recount(use.reader);
  co_return no_content();
}

}  // namespace cardgate::daemon
