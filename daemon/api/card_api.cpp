// SPDX-License-Identifier: Apache-2.0
#include "daemon/api/card_api.hpp"

#include "proto/messages.hpp"

namespace cardgate::daemon {

Answer CardApi::change_passcode(Request& request, const std::string& id) {
  auto ask = proto::parse_passcode_change(request.body);
  wipe(request.body);
  if (!ask) co_return problem(400, "bad_request", ask.error().context + ".");
  const CardUse use{*request.peer, audit::Event::card_refused, ask->reader, {}};
  if (auto no = cards_.refuse_peer(use)) co_return std::move(*no);
  auto found = cards_.in_hand(use, id, ask->tries_left);
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
  const auto outcome = co_await cards_.readers().change_passcode(card, std::move(passcode),
                                                                 std::move(ask->new_passcode), patience);
  if (auto no = cards_.after_work(use, insertion, outcome)) co_return std::move(*no);
  cards_.note_use(audit::Event::passcode_changed, use, card->id);
  // Who is told that it is done may use the card at once: the tries shown are the card's by then.
  co_await cards_.readers().recount(use.reader);
  co_return no_content();
}

Answer CardApi::unblock(Request& request, const std::string& id) {
  auto ask = proto::parse_unblock(request.body);
  wipe(request.body);
  if (!ask) co_return problem(400, "bad_request", ask.error().context + ".");
  const CardUse use{*request.peer, audit::Event::card_refused, ask->reader, {}, true};
  if (auto no = cards_.refuse_peer(use)) co_return std::move(*no);
  auto found = cards_.in_hand(use, id, std::nullopt);
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
      co_await cards_.readers().unblock(card, std::move(unblocking), std::move(ask->new_passcode), patience);
  if (auto no = cards_.after_work(use, insertion, outcome)) co_return std::move(*no);
  if (Reader* now = cards_.readers().find(use.reader); now != nullptr && now->insertion == insertion)
    now->unblocking_tries_left = tries_unknown;  // all of them again, and how many that is the card knows
  cards_.note_use(audit::Event::card_unblocked, use, card->id);
  co_await cards_.readers().recount(use.reader);
  co_return no_content();
}

}  // namespace cardgate::daemon
