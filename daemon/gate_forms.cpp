// SPDX-License-Identifier: Apache-2.0
// Access forms, declarations and training.
#include <fmt/format.h>

#include <algorithm>

#include "daemon/gate.hpp"
#include "daemon/people/answers.hpp"
#include "daemon/work/messages.hpp"
#include "policy/standing.hpp"
#include "proto/body.hpp"

namespace cardgate::daemon {
namespace {

using Relation = reg::Register::Relation;

}  // namespace

bool Gate::is_me(const Request& request, const std::string& id) {
  const Actor who = myself(request);
  return !who.refusal && who.person == id;
}

/// My own forms and those that wait for me; or one person's.
Gate::Answer Gate::list_forms(Request& request) {
  Actor who = myself(request);
  if (who.refusal) co_return std::move(*who.refusal);
  const auto forms_of = [&](const std::string& id) -> Result<json::array> {
    const auto record = TRY(staff_->person(id));
    json::array out;
    for (const auto& form : record.forms) out.push_back(form_json(record, form));
    return out;
  };
  std::string wanted = who.person;
  if (const auto* given = request.parameter("person")) {
    auto meaning = person_meant(request, *given, policy::Act::see_people);
    auto meant = co_await std::move(meaning);
    if (meant.refusal) co_return std::move(*meant.refusal);
    wanted = std::move(meant.id);
    who = myself(request);  // the session may have ended while the names were read
    if (who.refusal) co_return std::move(*who.refusal);
  }
  if (wanted != who.person) {
    Actor looker = actor(request, policy::Act::see_people, wanted);
    if (looker.refusal) co_return std::move(*looker.refusal);
    if (auto no = note_look(request, looker, wanted, "forms")) co_return std::move(*no);
    auto forms = forms_of(wanted);
    if (!forms) co_return no_person(forms.error(), wanted);
    co_return json_response(200, json::object{{"forms", std::move(*forms)}});
  }
  auto mine = forms_of(who.person);
  if (!mine) co_return no_person(mine.error(), who.person);
  const auto me = person(who.person);
  if (!me) co_return no_person(me.error(), who.person);
  std::vector<std::string> managers;
  for (auto& manager : policy::managers_of((*me)->facts, now())) managers.push_back(std::move(manager.id));
  // Everybody may ask what waits for them; what they may approve decides how far they see.
  const std::function<Actor()> asks = [&] {
    Actor asking = myself(request);
    if (asking.refusal) return asking;
    if (Actor approver = may(request, policy::Act::approve_forms, {}); !approver.refusal) return approver;
    return asking;
  };
  ListWork work = [managers, me = who.person](reg::Register& staff, const ListAsk& ask,
                                              const std::atomic<bool>& stop) {
    return waiting_forms_page(staff, ask, me, managers, stop);
  };
  auto listed = co_await list_beside(request, asks, std::move(work));
  if (listed.refusal) co_return std::move(*listed.refusal);
  auto& page = listed.page;
  if (!page.people.empty()) {
    if (auto no = note_list(request, listed.who, page.people, "forms that wait")) co_return std::move(*no);
  }
  co_return json_response(200, json::object{{"forms", std::move(*mine)},
                                            {"waiting", std::move(page.rows)},
                                            {"next", next_json(page.next)}});
}

namespace {

/// What was asked for: without it nobody could read from the log what was granted.
json::object asked(const reg::Person& before, const reg::Person& after) {
  for (const auto& form : after.forms) {
    if (std::ranges::find(before.forms, form) != before.forms.end()) continue;
    return {{"asked_role", form.role},
            {"valid_from", day_json(form.valid_from)},
            {"valid_until", day_json(form.valid_until)}};
  }
  return {};
}

}  // namespace

Gate::Deed Gate::form_deed(std::string person_id, const std::string& number, std::string_view act,
                           std::string reason, std::string notice,
                           std::function<Result<void>(reg::Person&)> how) {
  Deed deed;
  deed.record.event = "form";
  deed.record.reason = std::move(reason);
  deed.record.details = {{"act", act}};
  if (!number.empty())
    deed.record.details["form"] = number;  // a new one gets its number when it is carried out
  deed.people = {std::move(person_id)};
  deed.how = [how = std::move(how)](std::vector<reg::Person>& people) { return how(people.front()); };
  deed.notice = std::move(notice);
  deed.more_details = asked;
  return deed;
}

boost::asio::awaitable<Response> Gate::form_act(Request& request, const Actor& who, Deed& deed,
                                                std::optional<std::int64_t> number) {
  auto done = co_await carry_out(request, who, deed);
  if (done.refusal) co_return std::move(*done.refusal);
  const auto& record = done.people.front();
  // A new form is the last one.
  const auto found =
      number ? std::ranges::find(record.forms, *number, &reg::Form::id) : record.forms.end() - 1;
  auto answer = form_json(record, *found);
  const RecordOf look_up = records();
  answer["message"] = work::after_form({*policy_, look_up, who.person, now()}, record, *found);
  co_return json_response(number ? 200 : 201, answer);
}

Gate::Answer Gate::submit_form(Request& request) {
  auto body = proto::Body::parse(request.body);
  const auto given = body.optional_text("person");
  work::FormAsk ask{body.text("role"), body.reason(), body.optional_date("valid_from"),
                    body.optional_date("valid_until")};
  if (auto good = body.finish(); !good) co_return bad_body(good.error());
  Actor who = myself(request);
  if (who.refusal) co_return std::move(*who.refusal);
  auto meaning = person_meant(request, given.value_or(who.person), policy::Act::submit_forms);
  auto meant = co_await std::move(meaning);
  if (meant.refusal) co_return std::move(*meant.refusal);
  const std::string subject = std::move(meant.id);
  if (subject != who.person) {
    Actor manager = line_manager_of(request, subject);
    who = manager.refusal ? actor(request, policy::Act::submit_forms, subject) : std::move(manager);
  }
  if (who.refusal) co_return std::move(*who.refusal);
  const auto when = doer(who);
  const std::string reason = ask.reason;
  auto deed = form_deed(
      subject, {}, "submitted", reason,
      fmt::format("{} sent an access form for you ({}). Next: your line manager verifies it.",
                  called(records(), who.person), ask.role),
      [ask, when, policy = policy_](reg::Person& p) { return work::submit_form(p, *policy, ask, when); });
  co_return co_await form_act(request, who, deed, std::nullopt);
}

Gate::Answer Gate::verify_form(Request& request, const std::string& id) {
  auto body = proto::Body::parse(request.body);
  if (auto good = body.finish(); !good) co_return bad_body(good.error());
  const auto owner = owner_of(Relation::of_form, id, "form");
  if (!owner.refusal && is_me(request, owner.person)) {
    co_return problem(403, "not_yours_to_do",
                      "You cannot verify your own form. Your line manager does that.");
  }
  Actor who = line_manager_of(request, owner.person);
  if (who.refusal) co_return std::move(*who.refusal);
  auto deed = form_deed(
      owner.person, id, "verified", {},
      fmt::format("{} verified your access form {}. Next: the {} approves it.", called(records(), who.person),
                  id, policy_->contacts().access_team),
      [n = owner.number, when = doer(who), manager = who.manager, policy = policy_](reg::Person& p) {
        return work::verify_form(p, *policy, n, when, p.line_manager == manager);
      });
  co_return co_await form_act(request, who, deed, owner.number);
}

Gate::Answer Gate::approve_form(Request& request, const std::string& id) {
  auto body = proto::Body::parse(request.body);
  if (auto good = body.finish(); !good) co_return bad_body(good.error());
  const auto owner = owner_of(Relation::of_form, id, "form");
  Actor who = actor(request, policy::Act::approve_forms, owner.person);
  if (who.refusal) co_return std::move(*who.refusal);
  if (owner.refusal) co_return *owner.refusal;
  auto deed = form_deed(
      owner.person, id, "approved", {},
      fmt::format("Your access form {} was approved. What you can use now, and what is still missing: "
                  "cardgate access",
                  id),
      [n = owner.number, when = doer(who), policy = policy_](reg::Person& p) {
        return work::approve_form(p, *policy, n, when);
      });
  co_return co_await form_act(request, who, deed, owner.number);
}

Gate::Answer Gate::reject_form(Request& request, const std::string& id) {
  auto body = proto::Body::parse(request.body);
  const auto reason = body.reason();
  if (auto good = body.finish(); !good) co_return bad_body(good.error());
  const auto owner = owner_of(Relation::of_form, id, "form");
  const std::string& subject = owner.person;
  Actor who = line_manager_of(request, subject);
  if (who.refusal) who = actor(request, policy::Act::approve_forms, subject);
  if (who.refusal) co_return std::move(*who.refusal);
  if (owner.refusal) co_return *owner.refusal;
  if (owner.person == who.person) {
    co_return problem(403, "not_yours_to_do",
                      "You cannot reject your own form. To take it back: cardgate form withdraw.");
  }
  auto deed = form_deed(owner.person, id, "rejected", reason,
                        fmt::format("Your access form {} was rejected by {}. The reason: {}", id,
                                    called(records(), who.person), reason),
                        [n = owner.number, reason, when = doer(who)](reg::Person& p) {
                          return work::reject_form(p, n, reason, when);
                        });
  co_return co_await form_act(request, who, deed, owner.number);
}

Gate::Answer Gate::withdraw_form(Request& request, const std::string& id) {
  auto body = proto::Body::parse(request.body);
  const auto reason = body.reason();
  if (auto good = body.finish(); !good) co_return bad_body(good.error());
  Actor who = myself(request);
  if (who.refusal) co_return std::move(*who.refusal);
  const auto owner = owner_of(Relation::of_form, id, "form");
  const std::string& subject = owner.person;
  if (subject != who.person) {
    Actor manager = line_manager_of(request, subject);
    who = manager.refusal ? actor(request, policy::Act::approve_forms, subject) : std::move(manager);
  }
  if (who.refusal) co_return std::move(*who.refusal);
  if (owner.refusal) co_return *owner.refusal;
  auto deed =
      form_deed(owner.person, id, "withdrawn", reason,
                fmt::format("Your access form {} was withdrawn by {}, so the access that it gave has ended. "
                            "The reason: {}",
                            id, called(records(), who.person), reason),
                {});
  deed.taking = {
      .kind = work::Taking::Kind::withdraw_form, .number = owner.number, .reason = reason, .doer = doer(who)};
  co_return co_await form_act(request, who, deed, owner.number);
}

Gate::Answer Gate::renew_form(Request& request, const std::string& id) {
  auto body = proto::Body::parse(request.body);
  const auto reason = body.reason();
  const auto until = body.optional_date("valid_until");
  if (auto good = body.finish(); !good) co_return bad_body(good.error());
  Actor who = myself(request);
  if (who.refusal) co_return std::move(*who.refusal);
  const auto owner = owner_of(Relation::of_form, id, "form");
  if (owner.refusal || owner.person != who.person) {
    const std::string& subject = owner.person;
    Actor manager = line_manager_of(request, subject);
    who = manager.refusal ? actor(request, policy::Act::submit_forms, subject) : std::move(manager);
  }
  if (who.refusal) co_return std::move(*who.refusal);
  if (owner.refusal) co_return *owner.refusal;
  auto deed =
      form_deed(owner.person, {}, "renewal of form " + id, reason,
                fmt::format("{} asked to renew your access form {}. Next: your line manager verifies it.",
                            called(records(), who.person), id),
                [n = owner.number, reason, until, when = doer(who), policy = policy_](reg::Person& p) {
                  return work::renew_form(p, *policy, n, reason, until, when);
                });
  co_return co_await form_act(request, who, deed, std::nullopt);
}

Gate::Answer Gate::list_declarations(Request& request) {
  Actor who = myself(request);
  if (who.refusal) co_return std::move(*who.refusal);
  const auto me = person(who.person);
  if (!me) co_return no_person(me.error(), who.person);
  const auto& [record, facts] = **me;
  json::array texts;
  for (const auto& [wanted, text, hash, roles] : work::declaration_texts(*policy_)) {
    const auto standing = policy::standing_of(wanted, facts, {}, std::chrono::sys_days(today()));
    texts.push_back(
        json::object{{"name", wanted.subject},
                     {"version", wanted.version},
                     {"title", wanted.title},
                     {"text", text},
                     {"text_hash", hash},
                     {"roles", json::array(roles.begin(), roles.end())},
                     {"signed", standing.met()},
                     {"valid_until", standing.met() ? day_json(standing.date) : json::value(nullptr)}});
  }
  co_return json_response(
      200, json::object{{"declarations", std::move(texts)}, {"signatures", list_json(record.declarations)}});
}

Gate::Answer Gate::sign_declaration(Request& request) {
  auto body = proto::Body::parse(request.body);
  const auto name = body.text("name");
  const auto version = body.optional_text("version").value_or(std::string());
  const auto hash = body.text("text_hash");
  if (auto good = body.finish(); !good) co_return bad_body(good.error());
  Actor who = myself(request);
  if (who.refusal) co_return std::move(*who.refusal);
  Deed deed;
  deed.record.event = "declaration_signed";
  deed.record.details = {{"name", name}, {"version", version}, {"text", hash}};
  deed.people = {who.person};
  deed.how = [=, when = doer(who), policy = policy_](std::vector<reg::Person>& people) {
    return work::sign_declaration(people.front(), *policy, name, version, hash, when);
  };
  auto done = co_await carry_out(request, who, deed);
  if (done.refusal) co_return std::move(*done.refusal);
  co_return json_response(201, to_json(done.people.front().declarations.back()));
}

Gate::Answer Gate::list_training(Request& request) {
  Actor who = myself(request);
  if (who.refusal) co_return std::move(*who.refusal);
  std::string subject = who.person;
  if (const auto* given = request.parameter("person")) {
    auto meaning = person_meant(request, *given, policy::Act::see_people);
    auto meant = co_await std::move(meaning);
    if (meant.refusal) co_return std::move(*meant.refusal);
    subject = std::move(meant.id);
    who = myself(request);  // the session may have ended while the names were read
    if (who.refusal) co_return std::move(*who.refusal);
  }
  if (subject != who.person) {
    who = actor(request, policy::Act::see_people, subject);
    if (who.refusal) co_return std::move(*who.refusal);
    if (auto no = note_look(request, who, subject, "training")) co_return std::move(*no);
  }
  const auto record = staff_->person(subject);
  if (!record) co_return no_person(record.error(), subject);
  Names names(*staff_);
  co_return json_response(200, json::object{{"training", list_json(record->training, names)}});
}

Gate::Answer Gate::record_training(Request& request) {
  auto body = proto::Body::parse(request.body);
  const auto given = body.text("person");
  reg::Training training;
  training.course = body.text("course");
  training.completed_on = body.date("completed_on");
  training.valid_until = body.optional_date("valid_until");
  if (auto good = body.finish(); !good) co_return bad_body(good.error());
  auto meaning = person_meant(request, given, policy::Act::record_training);
  auto meant = co_await std::move(meaning);
  if (meant.refusal) co_return std::move(*meant.refusal);
  const std::string subject = std::move(meant.id);
  Actor who = actor(request, policy::Act::record_training, subject);
  if (who.refusal) co_return std::move(*who.refusal);
  Deed deed;
  deed.record.event = "training_recorded";
  deed.record.details = {{"course", training.course}, {"completed_on", to_text(training.completed_on)}};
  deed.people = {subject};
  deed.how = [training, when = doer(who), policy = policy_](std::vector<reg::Person>& people) {
    return work::record_training(people.front(), *policy, training, when);
  };
  auto done = co_await carry_out(request, who, deed);
  if (done.refusal) co_return std::move(*done.refusal);
  Names names(*staff_);
  co_return json_response(201, to_json(done.people.front().training.back(), names));
}

}  // namespace cardgate::daemon
