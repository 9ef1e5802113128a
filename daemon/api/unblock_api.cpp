// SPDX-License-Identifier: Apache-2.0
#include "daemon/api/unblock_api.hpp"

#include <algorithm>

#include "daemon/api/secret_answers.hpp"
#include "daemon/people/answers.hpp"
#include "daemon/work/rules.hpp"
#include "proto/body.hpp"
#include "register/unblocking.hpp"

namespace cardgate::daemon {
namespace {

constexpr std::size_t unblock_code_groups = 3;  // 60 bits, valid for an hour and five tries

}  // namespace

Answer UnblockApi::hand_key(Request& request, const std::string& given) {
  auto ask = proto::parse_handed_key(request.body);
  wipe(request.body);
  if (!ask) co_return bad_body(ask.error());
  const std::string card = reg::card_uuid(given);
  Actor who = actors_.actor(request, policy::Act::manage_staff, {});
  if (who.refusal) co_return std::move(*who.refusal);
  if (const auto pooled = roll_.staff().pool_card(card); !pooled) co_return not_possible(pooled.error());
  if (ask->unblocking_key.empty())
    co_return problem(400, "bad_request", "\"unblocking_key\" must not be empty.");
  const auto pool = roll_.staff().pool_cards();
  if (!pool) co_return register_unavailable(pool.error());
  const bool others_kept = std::ranges::any_of(*pool, &reg::PoolCard::holds_key);
  const auto sealed = unblocking_.sealed(card, ask->unblocking_key, others_kept);
  ask->unblocking_key.clear();
  if (!sealed) co_return not_possible(sealed.error());
  PasswordDeed deed;
  deed.record.event = name_of(audit::Event::card_pool);
  deed.record.client = who.client;
  deed.record.session = who.session;
  deed.record.role = who.role;
  deed.record.details = {{"act", "key"}, {"card", card}, {"by", who.person}};
  deed.helper = &who;
  deed.act = waiting_acts_.begin(who.session, actors_.right_of(who));
  deed.ends_sessions = false;
  deed.how = [file = unblocking_.register_file(), card, sealed = *sealed](reg::Credentials&, WallTime) {
    return reg::keep_unblocking_key(file, card, sealed);
  };
  auto saving = passwords_.put_on_file(deed);
  if (auto no = co_await std::move(saving)) co_return std::move(*no);
  co_return no_content();
}

Answer UnblockApi::make_code(Request& request, const std::string& given) {
  auto body = proto::Body::parse(request.body);
  const auto reason = body.reason();
  if (auto good = body.finish(); !good) co_return bad_body(good.error());
  HandOut out{request};
  auto admitting = help_desk_.admit(out, given);
  if (auto no = co_await std::move(admitting)) co_return std::move(*no);
  const auto holder = roll_.record_of(out.person);
  if (!holder) co_return no_person(holder.error(), out.person);
  const auto lent = std::ranges::find_if(holder->cards, [](const reg::Card& card) { return card.on_loan(); });
  const auto pooled = lent == holder->cards.end() ? Result<reg::PoolCard>(Error{Errc::not_found, {}})
                                                  : roll_.staff().pool_card(lent->uuid);
  if (!pooled || !pooled->holds_key) {
    co_return problem(
        422, "not_possible",
        "This person has no card of the pool with an unblocking key that the service holds. For a "
        "card of their own they use its unblocking key (PUK): cardgate card unblock");
  }
  // Two members lent it. One alone would make themselves the second person by setting its passcode.
  if (work::decides_for_others(*holder, *rules_.policy(), clock_.today())) {
    co_return problem(
        422, "not_possible",
        "This person decides for others, so nobody unblocks their card alone. Return the card, and "
        "lend them another one together with a second member of the team.");
  }
  auto making = help_desk_.make(out, unblock_code_groups);
  if (auto no = co_await std::move(making)) co_return std::move(*no);
  const WallTime expires = std::min(clock_.now() + unblock_code_life, *lent->lent_until);
  json::object details{{"act", "code"}, {"card", pooled->uuid}};
  auto deed = help_desk_.deed_of(out, audit::Event::card_pool, std::move(details));
  deed.record.reason = reason;
  deed.ends_sessions = false;
  deed.how = [file = unblocking_.register_file(), who = out.person, hash = out.hash, expires](
                 reg::Credentials&, WallTime) { return reg::set_unblock_code(file, who, hash, expires); };
  auto saving = passwords_.put_on_file(deed);
  if (auto no = co_await std::move(saving)) co_return std::move(*no);
  co_return shown_once("code", *out.secret, out.username, expires);
}

}  // namespace cardgate::daemon
