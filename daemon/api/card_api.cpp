// SPDX-License-Identifier: Apache-2.0
#include "daemon/api/card_api.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/password.hpp"
#include "daemon/people/answers.hpp"

namespace cardgate::daemon {
namespace {

Response same_passcode() {
  return problem(400, "passcode_format",
                 "The new passcode must not be the one that the card was lent with, because others may know "
                 "it. No try was spent.");
}

}  // namespace

Answer CardApi::change_passcode(Request& request, const std::string& id) {
  auto ask = proto::parse_passcode_change(request.body);
  wipe(request.body);
  if (!ask) co_return problem(400, "bad_request", ask.error().context + ".");
  CardUse use{*request.peer, audit::Event::card_refused, ask->reader, {}};
  if (auto no = cards_.refuse_peer(use)) co_return std::move(*no);
  auto found = cards_.in_hand(use, id, ask->tries_left);
  if (found.refusal) co_return std::move(*found.refusal);
  const auto loan = loans_.running(id);
  if (!loan) co_return register_unavailable(loan.error());
  if (*loan) {
    use.person = (*loan)->person;
    if ((*loan)->must_change_passcode && ask->passcode.text() == ask->new_passcode.text())
      co_return cards_.refuse(use, same_passcode(), "same_passcode");
  }
  const std::uint64_t insertion = found.reader->insertion;
  const auto card = found.reader->card;
  found.reader->busy = true;
  PasscodeUse passcode;
  passcode.reader = ask->reader;
  passcode.tries_shown = ask->tries_left;
  passcode.spend_last_try = ask->spend_last_try;
  passcode.passcode = std::move(ask->passcode);
  const Patience patience{std::chrono::steady_clock::now() + longest_card_work, request.left()};
  const auto outcome = co_await cards_.readers().change_passcode(card, std::move(passcode),
                                                                 std::move(ask->new_passcode), patience);
  if (auto no = cards_.after_work(use, insertion, outcome)) co_return std::move(*no);
  cards_.note_use(audit::Event::passcode_changed, use, card->id);
  // Who is told that it is done may use the card at once: the tries shown are the card's by then.
  co_await cards_.readers().recount(use.reader);
  auto noting = note_new_passcode(*loan);
  if (auto no = co_await std::move(noting)) co_return std::move(*no);
  co_return no_content();
}

boost::asio::awaitable<CardApi::Refusal> CardApi::note_new_passcode(
    const std::optional<Loans::Running>& loan) {
  if (!loan || !loan->must_change_passcode) co_return std::nullopt;
  auto noting = loans_.passcode_chosen(*loan);
  const auto noted = co_await std::move(noting);
  if (noted) co_return std::nullopt;
  co_return problem(
      503, "register_unavailable",
      "The card has its new passcode, but the staff register cannot be written now, so the card still opens "
      "nothing. Try again later, with the new passcode as the present one: cardgate card change-passcode");
}

boost::asio::awaitable<Response> CardApi::ask_card(CardUse use, std::shared_ptr<const CardFacts> card,
                                                   std::uint64_t insertion, UnblockUse unblocking,
                                                   Secret fresh, Patience patience, Result<void>& outcome) {
  auto working = cards_.readers().unblock(card, std::move(unblocking), std::move(fresh), std::move(patience));
  outcome = co_await std::move(working);
  if (auto no = cards_.after_work(use, insertion, outcome)) co_return std::move(*no);
  if (Reader* now = cards_.readers().find(use.reader); now != nullptr && now->insertion == insertion)
    now->unblocking_tries_left = tries_unknown;  // all of them again, and how many that is the card knows
  cards_.note_use(audit::Event::card_unblocked, use, card->id);
  auto counting = cards_.readers().recount(use.reader);
  co_await std::move(counting);
  co_return no_content();
}

Answer CardApi::unblock(Request& request, const std::string& id) {
  auto ask = proto::parse_unblock(request.body);
  wipe(request.body);
  if (!ask) co_return problem(400, "bad_request", ask.error().context + ".");
  if (!ask->code.empty()) {
    auto by_code = unblock_by_code(request, id, std::move(*ask));
    auto answer = co_await std::move(by_code);
    co_return answer;
  }
  CardUse use{*request.peer, audit::Event::card_refused, ask->reader, {}, true};
  if (auto no = cards_.refuse_peer(use)) co_return std::move(*no);
  auto found = cards_.in_hand(use, id, std::nullopt);
  if (found.refusal) co_return std::move(*found.refusal);
  const std::uint64_t insertion = found.reader->insertion;
  const auto card = found.reader->card;
  found.reader->busy = true;
  UnblockUse unblocking;
  unblocking.reader = ask->reader;
  unblocking.spend_last_try = ask->spend_last_try;
  unblocking.unblocking_key = std::move(ask->unblocking_key);
  Result<void> outcome;
  auto asking = ask_card(std::move(use), card, insertion, std::move(unblocking), std::move(ask->new_passcode),
                         {std::chrono::steady_clock::now() + longest_card_work, request.left()}, outcome);
  auto answer = co_await std::move(asking);
  co_return answer;
}

/// One use of a code, from the asking to the card.
struct CardApi::ByCode {
  CardUse use;
  std::shared_ptr<const CardFacts> card;
  std::uint64_t insertion;
  Passwords::Typed code;
  std::optional<Loans::Running> loan{};
  audit::Record record{};  // with its deed when it is in the log
  bool used_up = false;
  Secret key{};
};

CardApi::Refusal CardApi::refuse_holder(ByCode& going) {
  const auto pooled = roll_.staff().pool_card(going.card->id);
  if (!pooled && pooled.error().code != Errc::not_found) return register_unavailable(pooled.error());
  if (!pooled || pooled->status != "active") {
    return cards_.refuse(
        going.use,
        problem(422, "not_possible",
                "A code unblocks only a card that the desk has lent to you. For your own card "
                "use its unblocking key (PUK), or take it to the smartcard help desk."),
        "not_lent");
  }
  const auto holder = roll_.person(pooled->holder);
  if (!holder) return register_unavailable(holder.error());
  going.use.person = pooled->holder;
  const auto& cards = (*holder)->record.cards;
  const auto lent = std::ranges::find(cards, going.card->id, &reg::Card::uuid);
  if (!(*holder)->record.removed && lent != cards.end() && lent->on_loan())
    return refuse_unproved(going, (*holder)->record);
  return cards_.refuse(
      going.use,
      problem(403, "access_denied", "This card cannot be unblocked, because its loan is over.",
              {{"unmet", json::array{}}}),
      "not_lent");
}

CardApi::Refusal CardApi::refuse_unproved(ByCode& going, const reg::Person& holder) {
  const Reader* reader = cards_.readers().find(going.use.reader);
  if (reader != nullptr && reader->proved && going.card->verdict.valid)
    return cards_.refuse_name(going.use, *going.card, holder);
  return cards_.refuse(
      going.use,
      problem(
          403, "access_denied",
          "This card has not shown that it is genuine, so it cannot be unblocked with a code. The code can "
          "still be used. Take the card to the smartcard help desk.",
          {{"unmet", json::array{}}}),
      "not_genuine");
}

CardApi::Refusal CardApi::wrong_code(ByCode& going) {
  if (Reader* reader = cards_.readers().find(going.use.reader); reader != nullptr) ++reader->failures;
  return cards_.refuse(
      going.use,
      problem(
          401, "code_incorrect",
          "The code is wrong, was already used, or is too old. After five wrong codes it no longer works. "
          "The smartcard help desk gives you a new one."),
      "code_incorrect");
}

boost::asio::awaitable<CardApi::Refusal> CardApi::record_use(ByCode& going) {
  auto& record = going.record;
  record.event = name_of(audit::Event::card_pool);
  record.person = going.use.person;
  record.client = describe(going.use.peer);
  record.details = {{"act", "code_used"}, {"card", going.card->id}, {"reader", going.use.reader}};
  auto recording = deeds_.recorded(record);
  const bool on_record = co_await std::move(recording);
  if (on_record) co_return std::nullopt;
  record = {};
  co_return recorder_.unavailable();
}

void CardApi::end_record(ByCode& going, const Result<void>& of_card) {
  auto record = std::move(going.record);
  if (Deeds::id_of(record).empty()) return;
  if (of_card) return deeds_.ended(record);
  const std::string_view code = going.used_up ? "the code is used up" : "the code was not used up";
  const auto& error = of_card.error();
  const auto why = fmt::format("{}; {}", code, error.message());
  // Whatever else ends a conversation, the card may have done it before.
  const bool answered = error.code == Errc::puk_incorrect || error.code == Errc::puk_blocked ||
                        error.code == Errc::pin_format || error.code == Errc::pin_last_try ||
                        error.code == Errc::card_changed || error.code == Errc::key_unsupported ||
                        error.code == Errc::cancelled;
  answered ? deeds_.note_not_done(std::move(record), why) : deeds_.note_not_known(std::move(record), why);
}

/// After each wait: is the card still in, and still lent to the same person?
boost::asio::awaitable<CardApi::Refusal> CardApi::take_key(ByCode& going) {
  const std::string person = going.use.person;
  auto comparing = unblocking_.compare(person, going.card->id, going.code);
  auto compared = co_await std::move(comparing);
  if (compared.refusal) co_return std::move(compared.refusal);
  if (auto gone = cards_.refuse_if_gone(going.use, going.insertion)) co_return gone;
  if (compared.hash.empty()) co_return wrong_code(going);
  if (auto no = refuse_holder(going)) co_return no;
  auto recording = record_use(going);
  if (auto no = co_await std::move(recording)) co_return no;
  if (auto gone = cards_.refuse_if_gone(going.use, going.insertion)) co_return gone;
  if (auto no = refuse_holder(going)) co_return no;
  auto spending = unblocking_.spend(person, going.card->id, compared.hash);
  auto key = co_await std::move(spending);
  going.used_up = key || key.error().code == Errc::corrupt;
  if (!key && key.error().code == Errc::cancelled) co_return wrong_code(going);
  if (!key && key.error().code == Errc::not_found) {
    co_return cards_.refuse(
        going.use,
        problem(422, "not_possible",
                "The service has lost the key with which it keeps unblocking keys, so it cannot unblock the "
                "card. The code was not used up. Take the card to the smartcard help desk, and tell the "
                "people who run this machine."),
        "card_key_lost");
  }
  if (!key && key.error().code == Errc::corrupt) {
    co_return cards_.refuse(
        going.use,
        problem(422, "not_possible",
                "The service cannot open the unblocking key that it holds of this card. The "
                "code is used up. Take the card to the smartcard help desk."),
        "key_unreadable");
  }
  if (!key) co_return register_unavailable(key.error());
  going.key = std::move(*key);
  if (auto gone = cards_.refuse_if_gone(going.use, going.insertion)) co_return gone;
  co_return refuse_holder(going);
}

Answer CardApi::unblock_by_code(const Request& request, const std::string& id, proto::Unblock ask) {
  const CardUse use{*request.peer, audit::Event::card_refused, ask.reader, {}, true};
  if (auto no = cards_.refuse_peer(use)) co_return std::move(*no);
  auto found = cards_.in_hand(use, id, std::nullopt);
  if (found.refusal) co_return std::move(*found.refusal);
  // A code that was spent for a passcode which no card takes would be lost.
  if (const auto text = ask.new_passcode.text();
      text.size() < 6 || text.size() > 8 || text.find_first_not_of("0123456789") != std::string_view::npos) {
    co_return problem(400, "passcode_format",
                      "A passcode has 6 to 8 digits. Nothing was done, and the code can still be used.");
  }
  ByCode going{use, found.reader->card, found.reader->insertion,
               std::make_shared<const Secret>(normal_code(ask.code))};
  if (auto no = refuse_holder(going)) co_return std::move(*no);
  auto loan = loans_.running(id);
  if (!loan) co_return register_unavailable(loan.error());
  going.loan = std::move(*loan);
  if (const int tries = found.reader->unblocking_tries_left; tries == 0 || tries == 1) {
    co_return cards_.error(going.use, *found.reader,
                           {tries == 0 ? Errc::puk_blocked : Errc::pin_last_try, "few tries", tries});
  }
  found.reader->busy = true;
  auto taking = take_key(going);
  auto no = co_await std::move(taking);
  if (no) {
    end_record(going, Error{Errc::cancelled, "the card was not asked"});
    Reader* reader = cards_.readers().find(use.reader);
    if (reader != nullptr && reader->insertion == going.insertion) reader->busy = false;
    co_return std::move(*no);
  }
  UnblockUse unblocking;
  unblocking.reader = ask.reader;
  unblocking.unblocking_key = std::move(going.key);
  Result<void> outcome;
  auto asking =
      ask_card(going.use, going.card, going.insertion, std::move(unblocking), std::move(ask.new_passcode),
               {std::chrono::steady_clock::now() + longest_card_work, request.left()}, outcome);
  auto answer = co_await std::move(asking);
  end_record(going, outcome);
  if (!outcome) co_return answer;
  auto noting = note_new_passcode(going.loan);
  if (auto unnoted = co_await std::move(noting)) co_return std::move(*unnoted);
  co_return answer;
}

}  // namespace cardgate::daemon
