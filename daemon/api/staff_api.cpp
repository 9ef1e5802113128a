// SPDX-License-Identifier: Apache-2.0
// What the team changes about staff: dates, line manager, leave, name, teams, cards.
#include "daemon/api/staff_api.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "base/day_text.hpp"
#include "daemon/api/named_card.hpp"
#include "daemon/cards/card_name.hpp"
#include "daemon/people/answers.hpp"
#include "daemon/work/messages.hpp"
#include "proto/body.hpp"

namespace cardgate::daemon {
namespace {

/// A day, or the text "none" that takes it away.
std::optional<Date> day_or_none(proto::Body& body, std::string_view member, bool& none) {
  const auto text = body.optional_text(member);
  none = text && *text == "none";
  return !text || none ? std::nullopt : body.optional_date(member);
}

bool asks_for_team(const policy::Policy& policy, const std::string& team) {
  return std::ranges::any_of(policy.roles(), [&](const policy::Role& role) {
    return std::ranges::any_of(role.requires_all, [&](const policy::Prerequisite& wanted) {
      return wanted.kind == policy::Prerequisite::Kind::team && wanted.subject == team;
    });
  });
}

/// A card to be stopped need not be named when there is one only that opens anything.
std::optional<Response> name_the_card(const reg::Person& person, work::CardChange& change) {
  std::vector<std::string> active;
  for (const auto& card : person.cards) {
    if (card.status == "active" && !card.lent_until) active.push_back(card.uuid);
  }
  if (active.size() == 1) {
    change.uuid = active.front();
    return std::nullopt;
  }
  return problem(422, "not_possible",
                 active.empty()
                     ? fmt::format("{} has no active card of their own. Nothing was done.", person.name)
                     : fmt::format("{} has several active cards. Name one of them: {}.", person.name,
                                   fmt::join(active, ", ")),
                 {{"cards", json::array(active.begin(), active.end())}});
}

/// What became of the card, and where its certificate names somebody else than the register, who was looked at.
json::object details_of_card(const reg::Person& person, const std::string& uuid) {
  const auto card = std::ranges::find(person.cards, uuid, &reg::Card::uuid);
  if (card == person.cards.end()) return {};
  json::object out{{"status", card->status}, {"registered_by", card->registered_by}};
  if (!card->confirmed_by.empty()) out["confirmed_by"] = card->confirmed_by;
  if (!card->registered_by.empty() && card->certificate_name != person.name)
    out["certificate_name"] = card->certificate_name;
  return out;
}

/// `by` as people read it, `by_id` as the register does.
std::string card_notice(const reg::Person& person, const std::string& uuid, const std::string& by,
                        const std::string& by_id, const std::string& team) {
  const auto card = std::ranges::find(person.cards, uuid, &reg::Card::uuid);
  if (card == person.cards.end()) return {};
  if (card->status == "waiting") {
    return fmt::format(
        "{} registered card {} to you. It does not work until a second person has confirmed it. If you did "
        "not ask for it, tell the {} now.",
        by, uuid, team);
  }
  if (card->status == "active") {
    return fmt::format("{} {} card {} as yours. If you did not ask for it, tell the {} now.", by,
                       card->confirmed_by == by_id ? "confirmed" : "registered", uuid, team);
  }
  return fmt::format("{} recorded your card {} as {}, so it no longer works. If that is wrong, tell the {}.",
                     by, uuid, card->status, team);
}

}  // namespace

/// What a request changes about a member of staff.
struct StaffApi::StaffAsk {
  work::StaffChange change;
  std::optional<std::string> join, leave;  // teams
  std::string reason;

  static StaffAsk in(proto::Body& body);
  json::object details() const;
  Result<void> carry_out(reg::Person& person, const policy::Policy& policy, const work::Doer& doer) const;
};

StaffApi::StaffAsk StaffApi::StaffAsk::in(proto::Body& body) {
  StaffAsk ask;
  auto& change = ask.change;
  change.name = body.optional_text("name");
  change.line_manager = body.optional_text("line_manager");
  change.username = body.optional_text("username");
  change.employed_from = body.optional_date("employed_from");
  change.employed_until = day_or_none(body, "employed_until", change.no_employed_until);
  change.leave_from = day_or_none(body, "leave_from", change.no_leave);
  change.leave_until = day_or_none(body, "leave_until", change.no_leave_until);
  ask.join = body.optional_text("join_team");
  ask.leave = body.optional_text("leave_team");
  ask.reason = body.reason();
  return ask;
}

json::object StaffApi::StaffAsk::details() const {
  json::object details;
  if (change.name) details["name"] = *change.name;
  if (change.line_manager) details["line_manager"] = *change.line_manager;
  if (change.username) details["username"] = *change.username;
  if (change.employed_from) details["employed_from"] = to_text(*change.employed_from);
  if (change.employed_until) details["employed_until"] = to_text(*change.employed_until);
  if (change.no_employed_until) details["employed_until"] = "none";
  if (change.leave_from) details["leave_from"] = to_text(*change.leave_from);
  if (change.leave_until) details["leave_until"] = to_text(*change.leave_until);
  if (change.no_leave_until) details["leave_until"] = "none";
  if (change.no_leave) details["leave"] = "none";
  if (join) details["join_team"] = *join;
  if (leave) details["leave_team"] = *leave;
  return details;
}

Result<void> StaffApi::StaffAsk::carry_out(reg::Person& person, const policy::Policy& policy,
                                           const work::Doer& doer) const {
  if (join && !asks_for_team(policy, *join))
    return Error{Errc::invalid_argument, fmt::format("No role asks for a team called '{}'", *join)};
  TRY(work::change_staff(person, change, doer));
  if (leave && std::erase(person.teams, *leave) == 0)
    return Error{Errc::invalid_argument, fmt::format("This person is not a member of the team '{}'", *leave)};
  if (join && std::ranges::find(person.teams, *join) == person.teams.end()) person.teams.push_back(*join);
  return {};
}

Answer StaffApi::change_staff(Request& request, const std::string& given) {
  auto body = proto::Body::parse(request.body);
  auto ask = StaffAsk::in(body);
  if (auto good = body.finish(); !good) co_return bad_body(good.error());
  auto meaning = people_.meant(request, given, policy::Act::manage_staff);
  auto meant = co_await std::move(meaning);
  if (meant.refusal) co_return std::move(*meant.refusal);
  const std::string id = std::move(meant.id);
  Actor who = actors_.actor(request, policy::Act::manage_staff, id);
  if (who.refusal) co_return std::move(*who.refusal);
  auto& manager = ask.change.line_manager;
  if (manager && *manager != "none") {
    auto manager_meaning =
        people_.meant(request, *manager, policy::Act::manage_staff, PeopleDesk::Whom::anybody);
    auto meant_manager = co_await std::move(manager_meaning);
    if (meant_manager.refusal) co_return std::move(*meant_manager.refusal);
    manager = std::move(meant_manager.id);
  }
  Deed deed = deed_of(ask, id, who);
  if (deed.record.details.empty())
    co_return problem(422, "not_possible", "The request names nothing to change.");
  auto done = co_await deeds_.carry_out(request, who, deed);
  if (done.refusal) co_return std::move(*done.refusal);
  if (ask.change.employed_until) notices_.dates_changed();
  const auto& changed = done.people.front();
  Names names(roll_.staff());
  auto answer = people_.view().person(changed, names);
  const RecordOf look_up = roll_.records();
  answer["message"] = work::after_change({*rules_.policy(), look_up, who.person, clock_.now()}, changed,
                                         ask.change, ask.join.value_or(std::string()),
                                         ask.leave.value_or(std::string()), !deed.notice.empty());
  co_return json_response(200, answer);
}

Deed StaffApi::deed_of(const StaffAsk& ask, const std::string& id, const Actor& who) {
  Deed deed;
  deed.record.event = name_of(audit::Event::register_changed);
  deed.record.reason = ask.reason;
  deed.record.details = ask.details();
  deed.people = {id};
  deed.how = [ask, when = actors_.doer(who), policy = rules_.policy()](std::vector<reg::Person>& people) {
    return ask.carry_out(people.front(), *policy, when);
  };
  if (ask.change.employed_until) {
    deed.notice = fmt::format(
        "Your last day of employment is now on record as {}. Your access ends after that day. If it is "
        "wrong, "
        "tell the {}.",
        day_text(*ask.change.employed_until), rules_.policy()->contacts().employment);
  }
  deed.taking = taking_in(ask, deed, who);
  return deed;
}

std::optional<work::Taking> StaffApi::taking_in(const StaffAsk& ask, const Deed& deed, const Actor& who) {
  const auto before = roll_.record_of(deed.people.front());
  if (!before) return std::nullopt;
  std::vector<reg::Person> tried(1, *before);
  if (!deed.how(tried) || !work::takes_away_only(*before, tried.front())) return std::nullopt;
  // Both days of a leave, or neither: a day that is not named would stand for "as it was".
  const auto& after = tried.front();
  const bool leave = after.leave_from != before->leave_from || after.leave_until != before->leave_until;
  return work::Taking{.kind = work::Taking::Kind::change_staff,
                      .team = ask.leave.value_or(std::string()),
                      .reason = ask.reason,
                      .employed_until = ask.change.employed_until,
                      .leave_from = leave ? after.leave_from : std::nullopt,
                      .leave_until = leave ? after.leave_until : std::nullopt,
                      .doer = actors_.doer(who)};
}

std::optional<Response> StaffApi::refuse_other_name(const Request& request, const Actor& who,
                                                    const std::string& id, const work::CardChange& change) {
  const auto record = roll_.record_of(id);
  if (!record) return no_person(record.error(), id);
  const auto known = std::ranges::find(record->cards, change.uuid, &reg::Card::uuid);
  if (known != record->cards.end() && known->registered_by.empty()) return std::nullopt;  // a file's
  if (known == record->cards.end()) {
    const auto holder = roll_.staff().people_by_identity("card_uuid", change.uuid);
    if (!holder) return register_unavailable(holder.error());
    if (!holder->empty()) return std::nullopt;  // somebody else's: that is said by whoever is to change it
  }
  const std::string& expected = known != record->cards.end()       ? known->certificate_name
                                : !change.certificate_name.empty() ? change.certificate_name
                                                                   : record->name;
  for (const auto& [name, reader] : cards_.readers().all()) {
    if (!reader.card || reader.card->id != change.uuid || says_name(reader.card->info, expected)) continue;
    const auto found = certificate_name(reader.card->info);
    audit::Record refused;
    refused.event = name_of(audit::Event::client_refused);
    refused.person = id;
    refused.session = who.session;
    refused.role = who.role;
    refused.reason = "register_changed: the card's certificate names somebody else";
    refused.details = {{"by", who.person}, {"card", change.uuid}, {"certificate_name", found}};
    recorder_.refuse(*request.peer, std::move(refused));
    return problem(
        409, "certificate_name_differs",
        fmt::format("The certificate on this card names '{}', not '{}'. Nothing was done. If you have looked "
                    "at the person and the card and they belong together, say so: --certificate-name '{}'",
                    found, expected, found),
        {{"certificate_name", found}});
  }
  return std::nullopt;
}

/// What a request says of a card.
struct StaffApi::CardAsk {
  work::CardChange change;
  std::optional<std::string> uuid, issuer_serial;
  std::string reason;

  static CardAsk in(proto::Body& body);
  bool gives() const { return change.status == "active"; }
  /// A card that is to be stopped need not be named: see find_card().
  bool names_card() const { return uuid || issuer_serial || gives(); }
  /// Puts the register's names of the cards into `change`. What is wrong with them, for people; empty: nothing.
  std::string read_names();
};

StaffApi::CardAsk StaffApi::CardAsk::in(proto::Body& body) {
  CardAsk ask;
  auto& change = ask.change;
  ask.uuid = body.optional_text("uuid");
  ask.issuer_serial = body.optional_text("issuer_serial", max_issuer_serial_bytes);
  change.status = body.optional_text("status").value_or("active");
  change.replaces = body.optional_text("replaces").value_or(std::string());
  change.valid_until = body.optional_date("valid_until");
  change.certificate_name = body.optional_text("certificate_name").value_or(std::string());
  ask.reason = body.reason();
  return ask;
}

std::string StaffApi::CardAsk::read_names() {
  static constexpr std::string_view card_states[] = {"active", "lost", "replaced", "revoked"};
  if (names_card()) {
    const auto named = named_card(uuid, issuer_serial);
    if (!named) return named.error().context + ".";
    change.uuid = *named;
  }
  if (!change.replaces.empty() && !reg::is_card_uuid(change.replaces))
    return "\"replaces\" is the UUID of a card, like 8b1f6c1e-2d5a-4d0e-9a53-0c2f7b6f1a01.";
  if (std::ranges::find(card_states, change.status) == std::end(card_states))
    return "The status of a card is active, lost, replaced or revoked (\"status\").";
  change.replaces = reg::card_uuid(change.replaces);
  return {};
}

Answer StaffApi::change_card(Request& request, const std::string& given) {
  auto body = proto::Body::parse(request.body);
  auto ask = CardAsk::in(body);
  if (auto good = body.finish(); !good) co_return bad_body(good.error());
  if (auto wrong = ask.read_names(); !wrong.empty()) co_return problem(400, "bad_request", std::move(wrong));
  auto meaning = people_.meant(request, given, policy::Act::manage_staff);
  auto meant = co_await std::move(meaning);
  if (meant.refusal) co_return std::move(*meant.refusal);
  const std::string id = std::move(meant.id);
  Actor who = actors_.actor(request, policy::Act::manage_staff, id);
  if (who.refusal) co_return std::move(*who.refusal);
  if (!ask.names_card()) {
    if (auto no = find_card(id, ask)) co_return std::move(*no);
  }
  if (ask.gives()) {
    if (auto no = refuse_giving(request, who, id, ask.change)) co_return std::move(*no);
  }
  Deed deed = deed_of(ask, id, who);
  auto done = co_await deeds_.carry_out(request, who, deed);
  if (done.refusal) co_return std::move(*done.refusal);
  const auto& changed = done.people.front();
  Names names(roll_.staff());
  const RecordOf look_up = roll_.records();
  co_return json_response(
      200, json::object{{"cards", list_json(changed.cards, names)},
                        {"message", work::after_card({*rules_.policy(), look_up, who.person, clock_.now()},
                                                     changed, ask.change.uuid)}});
}

std::optional<Response> StaffApi::find_card(const std::string& id, CardAsk& ask) {
  const auto record = roll_.record_of(id);
  if (!record) return no_person(record.error(), id);
  return name_the_card(*record, ask.change);
}

std::optional<Response> StaffApi::refuse_giving(const Request& request, const Actor& who,
                                                const std::string& id, const work::CardChange& change) {
  if (auto no = refuse_placeholder(change.uuid)) return no;
  return refuse_other_name(request, who, id, change);
}

Deed StaffApi::deed_of(const CardAsk& ask, const std::string& id, const Actor& who) {
  const auto& change = ask.change;
  Deed deed;
  deed.record.event = name_of(audit::Event::register_changed);
  deed.record.reason = ask.reason;
  deed.record.details = {{"card", change.uuid}, {"status", change.status}, {"replaces", change.replaces}};
  if (ask.issuer_serial) deed.record.details["issuer_serial"] = *ask.issuer_serial;
  deed.people = {id};
  deed.how = [change, when = actors_.doer(who), policy = rules_.policy()](std::vector<reg::Person>& people) {
    return work::change_card(people.front(), *policy, change, when);
  };
  deed.more_details = [uuid = change.uuid](const reg::Person&, const reg::Person& after) {
    return details_of_card(after, uuid);
  };
  if (const auto before = roll_.record_of(id)) {
    std::vector<reg::Person> tried(1, *before);
    if (deed.how(tried))
      deed.notice = card_notice(tried.front(), change.uuid, called(roll_.records(), who.person), who.person,
                                rules_.policy()->contacts().access_team);
  }
  // A lost card is refused at once, whatever becomes of log and register.
  if (!ask.gives()) {
    deed.taking = {.kind = work::Taking::Kind::block_card,
                   .card = change.uuid,
                   .status = change.status,
                   .reason = ask.reason,
                   .card_until = change.valid_until,
                   .doer = actors_.doer(who)};
  }
  return deed;
}

}  // namespace cardgate::daemon
