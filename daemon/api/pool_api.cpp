// SPDX-License-Identifier: Apache-2.0
#include "daemon/api/pool_api.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/crypto.hpp"
#include "base/day_text.hpp"
#include "daemon/api/named_card.hpp"
#include "daemon/cards/card_name.hpp"
#include "daemon/people/answers.hpp"
#include "daemon/work/messages.hpp"
#include "proto/body.hpp"

namespace cardgate::daemon {
namespace {

/// `shown`: who asks may see who has it.
json::object pool_json(const reg::PoolCard& card, bool shown, Names& names) {
  const bool out = !card.holder.empty();
  return {{"uuid", card.uuid},
          {"certificate_name", card.certificate_name},
          {"added_by", names.person(card.added_by)},
          {"added_on", day_json(card.added_on)},
          {"status", out ? card.status : std::string("free")},
          {"lent_to", out && shown ? names.person(card.holder) : json::value(nullptr)},
          {"lent_by", out && shown ? names.person(card.lent_by) : json::value(nullptr)},
          {"loan_ends_at", moment_json(card.lent_until)},
          {"must_change_passcode", card.must_change_passcode},
          {"holds_unblocking_key", card.holds_key}};
}

/// Nobody at the desk has seen it since its loan was over.
bool is_not_back(const reg::PoolCard& card) {
  return card.status == "ended";
}

bool is_on_loan(const reg::PoolCard& card) {
  return card.status == "active" || card.status == "waiting";
}

Response nothing_lent(const std::string& card) {
  return problem(
      422, "not_possible",
      fmt::format("Card {} is not lent to anybody. Nothing was done. See the list: cardgate staff lend-card "
                  "--list",
                  card));
}

}  // namespace

Answer PoolApi::list(Request& request) {
  Actor who = actors_.actor(request, policy::Act::manage_staff, {});
  if (who.refusal) co_return std::move(*who.refusal);
  const auto cards = roll_.staff().pool_cards();
  if (!cards) co_return register_unavailable(cards.error());
  Names names(roll_.staff());
  json::array rows;
  std::vector<std::string> seen;
  for (const auto& card : *cards) {
    const auto holder = card.holder.empty()
                            ? Result<std::shared_ptr<const Person>>(Error{Errc::not_found, {}})
                            : roll_.person(card.holder);
    const bool shown = holder && who.reach.opens((*holder)->record);
    if (shown) seen.push_back(card.holder);
    rows.push_back(pool_json(card, shown, names));
  }
  if (!seen.empty()) {
    if (auto no = people_.note_list(request, who, seen, "cards on loan")) co_return std::move(*no);
  }
  co_return json_response(200, json::object{{"cards", std::move(rows)}});
}

/// A card that is to come into the pool.
struct PoolApi::Adding {
  std::string uuid, certificate_name, reason;
};

std::optional<Response> PoolApi::refuse_name(const Request& request, const Actor& who, Adding& ask) {
  for (const auto& [name, reader] : cards_.readers().all()) {
    if (!reader.card || reader.card->id != ask.uuid) continue;
    const auto found = certificate_name(reader.card->info);
    if (ask.certificate_name.empty()) ask.certificate_name = found;
    if (says_name(reader.card->info, ask.certificate_name)) return std::nullopt;
    audit::Record refused;
    refused.event = name_of(audit::Event::client_refused);
    refused.session = who.session;
    refused.role = who.role;
    refused.reason = "card_pool: the card's certificate has another name";
    refused.details = {{"by", who.person}, {"card", ask.uuid}, {"certificate_name", found}};
    recorder_.refuse(*request.peer, std::move(refused));
    return problem(409, "certificate_name_differs",
                   fmt::format("The certificate on this card names '{}', not '{}'. Nothing was done.", found,
                               ask.certificate_name),
                   {{"certificate_name", found}});
  }
  if (!ask.certificate_name.empty()) return std::nullopt;
  return problem(422, "not_possible",
                 "The card is in no reader of this machine, so the name in its certificate is not known. "
                 "Nothing was done. Put the card in, or give the name: --certificate-name NAME");
}

boost::asio::awaitable<std::optional<Response>> PoolApi::carry_out(const Actor& who, audit::Record record,
                                                                   PoolWork work) {
  const auto act = waiting_acts_.begin(who.session, actors_.right_of(who));
  record.event = name_of(audit::Event::card_pool);
  record.client = who.client;
  record.session = who.session;
  record.role = who.role;
  record.policy = rules_.policy()->hash();
  record.details["by"] = who.person;
  if (!recorder_.works()) co_return recorder_.unavailable();
  auto recording = deeds_.recorded(record, true);
  const bool on_record = co_await std::move(recording);
  if (!on_record) co_return recorder_.unavailable();
  if (auto over = actors_.refuse_if_over(who)) {
    deeds_.note_not_done(std::move(record), "the session, or the right to do it, ended meanwhile");
    co_return over;
  }
  std::function<Result<void>(reg::Register&)> change =
      [work = std::move(work), still = actors_.still_allowed(who, act),
       id = Deeds::id_of(record)](reg::Register& staff) -> Result<void> {
    TRY(still(staff));
    return work(staff, [&] { return note_done(staff, id); });
  };
  auto changing = register_.write<void>(std::move(change));
  const auto changed = co_await std::move(changing);
  if (!changed) {
    deeds_.note_not_done(std::move(record), changed.error());
    co_return not_possible(changed.error());
  }
  deeds_.ended(record);
  co_return std::nullopt;
}

Answer PoolApi::add(Request& request) {
  auto body = proto::Body::parse(request.body);
  const auto uuid = body.optional_text("uuid");
  const auto issuer_serial = body.optional_text("issuer_serial", max_issuer_serial_bytes);
  Adding ask{{}, body.optional_text("certificate_name").value_or(std::string()), body.reason()};
  if (auto good = body.finish(); !good) co_return bad_body(good.error());
  const auto named = named_card(uuid, issuer_serial);
  if (!named) co_return bad_body(named.error());
  ask.uuid = *named;
  Actor who = actors_.actor(request, policy::Act::manage_staff, {});
  if (who.refusal) co_return std::move(*who.refusal);
  if (auto no = refuse_placeholder(ask.uuid)) co_return std::move(*no);
  if (auto no = refuse_name(request, who, ask)) co_return std::move(*no);
  audit::Record record;
  record.reason = ask.reason;
  record.details = {{"act", "added"}, {"card", ask.uuid}, {"certificate_name", ask.certificate_name}};
  const reg::PoolCard card{ask.uuid, ask.certificate_name, who.person, clock_.today()};
  PoolWork work = [card](reg::Register& staff, const auto& with) { return staff.add_pool_card(card, with); };
  auto adding = carry_out(who, std::move(record), std::move(work));
  if (auto no = co_await std::move(adding)) co_return std::move(*no);
  co_return json_response(
      201, json::object{{"uuid", ask.uuid},
                        {"certificate_name", ask.certificate_name},
                        {"message", fmt::format("Card {} ({}) is in the pool and can be lent: cardgate staff "
                                                "lend-card --person PERSON --until tonight",
                                                ask.uuid, ask.certificate_name)}});
}

Answer PoolApi::remove(Request& request, const std::string& given) {
  auto body = proto::Body::parse(request.body);
  const auto reason = body.reason();
  if (auto good = body.finish(); !good) co_return bad_body(good.error());
  const std::string uuid = reg::card_uuid(given);
  Actor who = actors_.actor(request, policy::Act::manage_staff, {});
  if (who.refusal) co_return std::move(*who.refusal);
  if (const auto card = roll_.staff().pool_card(uuid); !card) co_return not_possible(card.error());
  audit::Record record;
  record.reason = reason;
  record.details = {{"act", "removed"}, {"card", uuid}};
  PoolWork work = [uuid](reg::Register& staff, const auto& with) {
    return staff.remove_pool_card(uuid, with);
  };
  auto removing = carry_out(who, std::move(record), std::move(work));
  if (auto no = co_await std::move(removing)) co_return std::move(*no);
  co_return json_response(
      200, json::object{{"uuid", uuid},
                        {"message", fmt::format("Card {} is out of the pool and is no longer lent.", uuid)}});
}

Deed PoolApi::lending(const reg::PoolCard& card, const std::string& person, WallTime until,
                      std::string reason, const Actor& who) {
  Deed deed;
  deed.record.event = name_of(audit::Event::loan);
  deed.record.reason = std::move(reason);
  deed.record.details = {{"act", "lent"}, {"card", card.uuid}};
  deed.people = {person};
  const work::LoanAsk ask{card.uuid, card.certificate_name, until, clock_.now(), random_id()};
  deed.how = [ask, when = actors_.doer(who), policy = rules_.policy()](std::vector<reg::Person>& people) {
    return work::lend_card(people.front(), *policy, ask, when);
  };
  deed.more_details = [uuid = card.uuid](const reg::Person& before, const reg::Person& after) {
    const auto lent = std::ranges::find(after.cards, uuid, &reg::Card::uuid);
    const bool confirmed = std::ranges::find(before.cards, uuid, &reg::Card::uuid) != before.cards.end();
    json::object out{{"act", confirmed ? "confirmed" : "lent"},
                     {"until", moment_json(lent->lent_until)},
                     {"status", lent->status}};
    if (confirmed) out["lent_by"] = lent->registered_by;
    return out;
  };
  deed.notice = fmt::format(
      "{} lent you card {} until {}. Choose a new passcode for it before you sign in: cardgate "
      "card change-passcode. If you did not ask for it, tell the {} now.",
      called(roll_.records(), who.person), card.uuid, moment_text(until),
      rules_.policy()->contacts().access_team);
  return deed;
}

Answer PoolApi::lend(Request& request, const std::string& given) {
  auto body = proto::Body::parse(request.body);
  const auto named = body.text("person");
  const auto until = parse_rfc3339(body.text("ends_at"));
  if (!until) body.wrong("ends_at", "must be a time like 2026-06-01T22:00:00Z");
  auto reason = body.reason();
  if (auto good = body.finish(); !good) co_return bad_body(good.error());
  const std::string uuid = reg::card_uuid(given);
  auto meaning = people_.meant(request, named, policy::Act::manage_staff);
  auto meant = co_await std::move(meaning);
  if (meant.refusal) co_return std::move(*meant.refusal);
  const std::string id = std::move(meant.id);
  Actor who = actors_.actor(request, policy::Act::manage_staff, id);
  if (who.refusal) co_return std::move(*who.refusal);
  auto card = roll_.staff().pool_card(uuid);
  if (!card) co_return not_possible(card.error());
  if (is_not_back(*card)) {
    auto taking = take_back(request, *card);
    if (auto no = co_await std::move(taking)) co_return std::move(*no);
    who = actors_.actor(request, policy::Act::manage_staff, id);
    if (who.refusal) co_return std::move(*who.refusal);
    card = roll_.staff().pool_card(uuid);
    if (!card) co_return not_possible(card.error());
  }
  if (!card->holder.empty() && card->holder != id) {
    co_return problem(422, "not_possible",
                      is_on_loan(*card)
                          ? fmt::format("Card {} is lent to somebody else. Take another card, or return it "
                                        "first: cardgate staff return-card {}",
                                        uuid, uuid)
                          : fmt::format("Card {} was reported {}, so it cannot be lent. Take it out of the "
                                        "pool: cardgate staff pool-card remove {}",
                                        uuid, card->status, uuid));
  }
  Deed deed = lending(*card, id, *until, std::move(reason), who);
  auto done = co_await deeds_.carry_out(request, who, deed);
  if (done.refusal) co_return std::move(*done.refusal);
  loans_.changed();
  const auto& changed = done.people.front();
  Names names(roll_.staff());
  const RecordOf look_up = roll_.records();
  co_return json_response(
      200, json::object{{"person", person_json(changed)},
                        {"cards", list_json(changed.cards, names)},
                        {"message", work::after_loan({*rules_.policy(), look_up, who.person, clock_.now()},
                                                     changed, uuid)}});
}

bool PoolApi::is_here(const std::string& card) {
  return std::ranges::any_of(cards_.readers().all(), [&](const auto& entry) {
    return entry.second.card && entry.second.card->id == card;
  });
}

boost::asio::awaitable<std::optional<Response>> PoolApi::take_back(const Request& request,
                                                                   const reg::PoolCard& card) {
  if (!is_here(card.uuid)) {
    co_return problem(
        422, "not_possible",
        fmt::format(
            "The last loan of card {} is over, and the card is not back. Put it into a reader here and "
            "lend it again, or say that you have it: cardgate staff return-card {}. Nothing was done.",
            card.uuid, card.uuid));
  }
  Actor who = actors_.actor(request, policy::Act::manage_staff, card.holder);
  if (who.refusal) co_return std::move(*who.refusal);
  Deed deed = returning(card, "The card was in a reader of the desk when it was lent again", who);
  auto returned = deeds_.carry_out(request, who, deed);
  auto done = co_await std::move(returned);
  co_return std::move(done.refusal);
}

Deed PoolApi::returning(const reg::PoolCard& card, std::string reason, const Actor& who) {
  Deed deed;
  deed.record.event = name_of(audit::Event::loan);
  deed.record.reason = std::move(reason);
  deed.record.details = {{"act", "returned"},
                         {"card", card.uuid},
                         {"lent_by", card.lent_by},
                         {"until", moment_json(card.lent_until)}};
  deed.people = {card.holder};
  deed.taking = {.kind = work::Taking::Kind::return_card,
                 .number = to_unix_seconds(*card.lent_until),
                 .card = card.uuid,
                 .doer = actors_.doer(who)};
  deed.notice =
      fmt::format("{} recorded that you gave back card {}.", called(roll_.records(), who.person), card.uuid);
  return deed;
}

Answer PoolApi::give_back(Request& request, const std::string& given) {
  auto body = proto::Body::parse(request.body);
  auto reason = body.optional_text("reason", proto::max_reason_bytes).value_or(std::string());
  if (auto good = body.finish(); !good) co_return bad_body(good.error());
  const std::string uuid = reg::card_uuid(given);
  // Who may do it at all, before anything is told of the card.
  Actor who = actors_.actor(request, policy::Act::manage_staff, {});
  if (who.refusal) co_return std::move(*who.refusal);
  const auto card = roll_.staff().pool_card(uuid);
  if (!card) co_return not_possible(card.error());
  const bool is_out = is_on_loan(*card) || is_not_back(*card);
  if (!is_out || !card->lent_until) co_return nothing_lent(uuid);
  who = actors_.actor(request, policy::Act::manage_staff, card->holder);
  if (who.refusal) co_return std::move(*who.refusal);
  Deed deed = returning(*card, std::move(reason), who);
  auto done = co_await deeds_.carry_out(request, who, deed);
  if (done.refusal) co_return std::move(*done.refusal);
  const auto& changed = done.people.front();
  Names names(roll_.staff());
  co_return json_response(
      200, json::object{
               {"person", person_json(changed)},
               {"cards", list_json(changed.cards, names)},
               {"message", fmt::format("Card {} is returned and can be lent again. {} can no longer use it.",
                                       uuid, changed.name)}});
}

}  // namespace cardgate::daemon
