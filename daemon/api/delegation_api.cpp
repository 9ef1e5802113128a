// SPDX-License-Identifier: Apache-2.0
// Delegating to an administrator, and standing in for a line manager who is away.
#include "daemon/api/delegation_api.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/day_text.hpp"
#include "daemon/people/answers.hpp"
#include "daemon/work/messages.hpp"
#include "proto/body.hpp"

namespace cardgate::daemon {

using Relation = reg::Register::Relation;

/// What I gave, what I hold, for whom I stand in and who stands in for me.
Answer DelegationApi::list(Request& request) {
  const std::function<Actor()> asks = [&] { return actors_.myself(request); };
  Actor who = asks();
  if (who.refusal) co_return std::move(*who.refusal);
  PeopleDesk::ListWork work = [me = who.person](reg::Register& staff, const ListAsk& ask,
                                                const std::atomic<bool>& stop) {
    return given_by_page(staff, ask, me, stop);
  };
  auto listed = co_await people_.list(request, asks, std::move(work));
  if (listed.refusal) co_return std::move(*listed.refusal);
  const auto record = roll_.staff().person(who.person);
  if (!record) co_return no_person(record.error(), who.person);
  json::array given, stand_ins;
  for (auto& row : listed.page.rows) {
    auto& item = row.as_object();
    const bool delegation = item.at("what") == "delegation";
    item.erase("what");
    (delegation ? given : stand_ins).push_back(std::move(row));
  }
  Names names(roll_.staff());
  co_return json_response(200, json::object{{"held", list_json(record->delegations, *record, names)},
                                            {"given", std::move(given)},
                                            {"standing_in", list_json(record->acting, *record, names)},
                                            {"stand_ins", std::move(stand_ins)},
                                            {"next", next_json(listed.page.next)}});
}

Answer DelegationApi::give(Request& request) {
  auto body = proto::Body::parse(request.body);
  const auto given = body.text("person");
  const auto role = body.text("role");
  const auto from = body.optional_date("valid_from");
  const auto until = body.date("valid_until");
  const auto reason = body.reason();
  if (auto good = body.finish(); !good) co_return bad_body(good.error());
  // The one who is delegated to need not be of the manager's staff.
  auto meaning = people_.meant(request, given, policy::Act::delegate, PeopleDesk::Whom::anybody);
  auto meant = co_await std::move(meaning);
  if (meant.refusal) co_return std::move(*meant.refusal);
  const std::string to = std::move(meant.id);
  Actor who = actors_.actor(request, policy::Act::delegate, {});
  if (who.refusal) co_return std::move(*who.refusal);
  Deed deed;
  deed.record.event = "delegation";
  deed.record.reason = reason;
  deed.record.details = {
      {"act", "given"}, {"delegated_role", role}, {"from", day_json(from)}, {"until", to_text(until)}};
  deed.people = {to};
  deed.how = [=, when = actors_.doer(who), policy = rules_.policy()](std::vector<reg::Person>& people) {
    return work::give_delegation(people.front(), *policy, role, from, until, when);
  };
  deed.first = [giver = who.person](const RecordOf& record_of) -> Result<void> {
    return work::may_delegate(TRY(record_of(giver)));
  };
  const auto* delegated = work::find_role(*rules_.policy(), role);
  deed.notice = fmt::format(
      "{} lets you act in {} for their staff until {}. What you can use now, and what is still "
      "missing: cardgate access",
      called(roll_.records(), who.person), delegated == nullptr ? role : delegated->title, day_text(until));
  auto done = co_await deeds_.carry_out(request, who, deed);
  if (done.refusal) co_return std::move(*done.refusal);
  const auto& holder = done.people.front();
  Names names(roll_.staff());
  auto answer = to_json(holder.delegations.back(), holder, names);
  const RecordOf look_up = roll_.records();
  answer["message"] = work::after_delegation({*rules_.policy(), look_up, who.person, clock_.now()}, holder,
                                             holder.delegations.back());
  co_return json_response(201, answer);
}

Actor DelegationApi::may_end(
    const Request& request, const Owner& owner,
    const std::function<bool(const reg::Person& holder, const std::string& who)>& from_them) {
  Actor who = actors_.myself(request);
  if (who.refusal) return who;
  const auto holder =
      owner.refusal ? Result<reg::Person>(Error{Errc::not_found, {}}) : roll_.record_of(owner.person);
  const bool theirs = holder && (owner.person == who.person || from_them(*holder, who.person));
  if (!theirs) who = actors_.actor(request, policy::Act::manage_staff, owner.person);
  if (!who.refusal) who.refusal = owner.refusal;
  return who;
}

Answer DelegationApi::revoke(Request& request, const std::string& id) {
  const auto owner = actors_.owner_of(Relation::of_delegation, id, "delegation");
  const auto given_by = [&](const reg::Person& holder, const std::string& who) {
    return std::ranges::any_of(
        holder.delegations, [&](const reg::Delegation& d) { return d.id == owner.number && d.from == who; });
  };
  Actor who = may_end(request, owner, given_by);
  if (who.refusal) co_return std::move(*who.refusal);
  Deed deed;
  deed.record.event = "delegation";
  deed.record.details = {{"act", "revoked"}, {"delegation", id}};
  deed.people = {owner.person};
  deed.taking = {
      .kind = work::Taking::Kind::revoke_delegation, .number = owner.number, .doer = actors_.doer(who)};
  deed.notice = fmt::format("{} ended delegation {}, so you can no longer act for that line manager's staff.",
                            called(roll_.records(), who.person), id);
  co_return co_await deeds_.carry_out_silently(request, who, deed);
}

Answer DelegationApi::appoint(Request& request) {
  auto body = proto::Body::parse(request.body);
  const auto stand_in_given = body.text("person");
  const auto manager_given = body.optional_text("manager");
  const auto from = body.optional_date("valid_from");
  const auto until = body.date("valid_until");
  const auto reason = body.reason();
  if (auto good = body.finish(); !good) co_return bad_body(good.error());
  auto meaning = people_.meant(request, stand_in_given, policy::Act::delegate, PeopleDesk::Whom::anybody);
  auto meant = co_await std::move(meaning);
  if (meant.refusal) co_return std::move(*meant.refusal);
  const std::string stand_in = std::move(meant.id);
  Actor who = actors_.actor(request, policy::Act::delegate, {});
  if (who.refusal) co_return std::move(*who.refusal);
  auto managing = people_.meant(request, manager_given.value_or(who.person), policy::Act::delegate);
  auto managed_meant = co_await std::move(managing);
  if (managed_meant.refusal) co_return std::move(*managed_meant.refusal);
  const std::string manager = std::move(managed_meant.id);
  // For somebody else: who looks after staff records, or manages that manager.
  if (manager != who.person) who = actors_.actor(request, policy::Act::delegate, manager);
  if (who.refusal) co_return std::move(*who.refusal);
  const auto managed = roll_.person(manager);
  if (!managed) co_return no_person(managed.error(), manager);
  Deed deed;
  deed.record.event = "acting_manager";
  deed.record.reason = reason;
  deed.record.details = {
      {"act", "appointed"}, {"manager", manager}, {"from", day_json(from)}, {"until", to_text(until)}};
  deed.people = {stand_in};
  deed.how = [=, when = actors_.doer(who)](std::vector<reg::Person>& people) {
    return work::appoint_acting(people.front(), manager, from, until, when);
  };
  deed.first = [manager](const RecordOf& record_of) -> Result<void> {
    return work::may_be_stood_in_for(TRY(record_of(manager)));
  };
  deed.notice = fmt::format(
      "{} named you to stand in for {} until {}. You verify forms of their staff in that time: "
      "cardgate form list",
      called(roll_.records(), who.person), (*managed)->record.name, day_text(until));
  auto done = co_await deeds_.carry_out(request, who, deed);
  if (done.refusal) co_return std::move(*done.refusal);
  const auto& holder = done.people.front();
  Names names(roll_.staff());
  auto answer = to_json(holder.acting.back(), holder, names);
  const RecordOf look_up = roll_.records();
  answer["message"] =
      work::after_acting({*rules_.policy(), look_up, who.person, clock_.now()}, holder, holder.acting.back());
  co_return json_response(201, answer);
}

Answer DelegationApi::end_acting(Request& request, const std::string& id) {
  const auto owner = actors_.owner_of(Relation::of_acting, id, "stand-in");
  const auto appointed_by = [&](const reg::Person& holder, const std::string& who) {
    return std::ranges::any_of(holder.acting, [&](const reg::Acting& a) {
      return a.id == owner.number && (a.manager == who || a.appointed_by == who);
    });
  };
  Actor who = may_end(request, owner, appointed_by);
  if (who.refusal) co_return std::move(*who.refusal);
  Deed deed;
  deed.record.event = "acting_manager";
  deed.record.details = {{"act", "ended"}, {"number", id}};
  deed.people = {owner.person};
  deed.taking = {.kind = work::Taking::Kind::end_acting, .number = owner.number, .doer = actors_.doer(who)};
  deed.notice = fmt::format("{} ended stand-in {}, so you no longer act for that line manager.",
                            called(roll_.records(), who.person), id);
  co_return co_await deeds_.carry_out_silently(request, who, deed);
}

}  // namespace cardgate::daemon
