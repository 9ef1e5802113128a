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

/// A delegation that is asked for.
struct DelegationApi::Delegating {
  std::string to, role;
  std::optional<Date> from;
  Date until;
  std::string reason;
};

Answer DelegationApi::give(Request& request) {
  auto body = proto::Body::parse(request.body);
  Delegating ask{.to = body.text("person"),
                 .role = body.text("role"),
                 .from = body.optional_date("valid_from"),
                 .until = body.date("valid_until"),
                 .reason = body.reason()};
  if (auto good = body.finish(); !good) co_return bad_body(good.error());
  // The one who is delegated to need not be of the manager's staff.
  auto meaning = people_.meant(request, ask.to, policy::Act::delegate, PeopleDesk::Whom::anybody);
  auto meant = co_await std::move(meaning);
  if (meant.refusal) co_return std::move(*meant.refusal);
  ask.to = std::move(meant.id);
  Actor who = actors_.actor(request, policy::Act::delegate, {});
  if (who.refusal) co_return std::move(*who.refusal);
  Deed deed = deed_of(ask, who);
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

Deed DelegationApi::deed_of(const Delegating& ask, const Actor& who) {
  Deed deed;
  deed.record.event = name_of(audit::Event::delegation);
  deed.record.reason = ask.reason;
  deed.record.details = {{"act", "given"},
                         {"delegated_role", ask.role},
                         {"from", day_json(ask.from)},
                         {"until", to_text(ask.until)}};
  deed.people = {ask.to};
  deed.how = [ask, when = actors_.doer(who), policy = rules_.policy()](std::vector<reg::Person>& people) {
    return work::give_delegation(people.front(), *policy, ask.role, ask.from, ask.until, when);
  };
  deed.first = [giver = who.person](const RecordOf& record_of) -> Result<void> {
    return work::may_delegate(TRY(record_of(giver)));
  };
  const auto* delegated = work::find_role(*rules_.policy(), ask.role);
  deed.notice = fmt::format(
      "{} lets you act in {} for their staff until {}. What you can use now, and what is still "
      "missing: cardgate access",
      called(roll_.records(), who.person), delegated == nullptr ? ask.role : delegated->title,
      day_text(ask.until));
  return deed;
}

Actor DelegationApi::may_end(
    const Request& request, const Owner& owner,
    const std::function<bool(const reg::Person& holder, const std::string& who)>& from_them) {
  Actor who = actors_.myself(request);
  if (who.refusal) return who;
  const auto holder =
      owner.refusal ? Result<reg::Person>(Error{Errc::not_found, {}}) : roll_.record_of(owner.person);
  const bool theirs = holder && (owner.person == who.person || from_them(*holder, who.person));
  who = theirs ? actors_.in_person(request, "end-delegation", policy::Act::delegate)
               : actors_.actor(request, policy::Act::manage_staff, owner.person);
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
  deed.record.event = name_of(audit::Event::delegation);
  deed.record.details = {{"act", "revoked"}, {"delegation", id}};
  deed.people = {owner.person};
  deed.taking = {
      .kind = work::Taking::Kind::revoke_delegation, .number = owner.number, .doer = actors_.doer(who)};
  deed.notice = fmt::format("{} ended delegation {}, so you can no longer act for that line manager's staff.",
                            called(roll_.records(), who.person), id);
  co_return co_await deeds_.carry_out_silently(request, who, deed);
}

/// A stand-in for a line manager that is asked for.
struct DelegationApi::StandingIn {
  std::string stand_in;
  std::optional<std::string> manager;  // nothing: who asks
  std::optional<Date> from;
  Date until;
  std::string reason;
};

Answer DelegationApi::appoint(Request& request) {
  auto body = proto::Body::parse(request.body);
  StandingIn ask{.stand_in = body.text("person"),
                 .manager = body.optional_text("manager"),
                 .from = body.optional_date("valid_from"),
                 .until = body.date("valid_until"),
                 .reason = body.reason()};
  if (auto good = body.finish(); !good) co_return bad_body(good.error());
  auto meaning = people_.meant(request, ask.stand_in, policy::Act::delegate, PeopleDesk::Whom::anybody);
  auto meant = co_await std::move(meaning);
  if (meant.refusal) co_return std::move(*meant.refusal);
  ask.stand_in = std::move(meant.id);
  Actor who = actors_.actor(request, policy::Act::delegate, {});
  if (who.refusal) co_return std::move(*who.refusal);
  auto managing = people_.meant(request, ask.manager.value_or(who.person), policy::Act::delegate);
  auto managed_meant = co_await std::move(managing);
  if (managed_meant.refusal) co_return std::move(*managed_meant.refusal);
  ask.manager = std::move(managed_meant.id);
  // For somebody else: who looks after staff records, or manages that manager.
  if (*ask.manager != who.person) who = actors_.actor(request, policy::Act::delegate, *ask.manager);
  if (who.refusal) co_return std::move(*who.refusal);
  const auto managed = roll_.person(*ask.manager);
  if (!managed) co_return no_person(managed.error(), *ask.manager);
  Deed deed = deed_of(ask, who, (*managed)->record.name);
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

Deed DelegationApi::deed_of(const StandingIn& ask, const Actor& who, const std::string& manager_name) {
  Deed deed;
  deed.record.event = name_of(audit::Event::acting_manager);
  deed.record.reason = ask.reason;
  deed.record.details = {{"act", "appointed"},
                         {"manager", *ask.manager},
                         {"from", day_json(ask.from)},
                         {"until", to_text(ask.until)}};
  deed.people = {ask.stand_in};
  deed.how = [ask, when = actors_.doer(who)](std::vector<reg::Person>& people) {
    return work::appoint_acting(people.front(), *ask.manager, ask.from, ask.until, when);
  };
  deed.first = [manager = *ask.manager](const RecordOf& record_of) -> Result<void> {
    return work::may_be_stood_in_for(TRY(record_of(manager)));
  };
  deed.notice = fmt::format(
      "{} named you to stand in for {} until {}. You verify forms of their staff in that time: "
      "cardgate form list",
      called(roll_.records(), who.person), manager_name, day_text(ask.until));
  return deed;
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
  deed.record.event = name_of(audit::Event::acting_manager);
  deed.record.details = {{"act", "ended"}, {"number", id}};
  deed.people = {owner.person};
  deed.taking = {.kind = work::Taking::Kind::end_acting, .number = owner.number, .doer = actors_.doer(who)};
  deed.notice = fmt::format("{} ended stand-in {}, so you no longer act for that line manager.",
                            called(roll_.records(), who.person), id);
  co_return co_await deeds_.carry_out_silently(request, who, deed);
}

}  // namespace cardgate::daemon
