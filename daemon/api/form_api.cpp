// SPDX-License-Identifier: Apache-2.0
// Access forms: submitted, verified by the line manager, approved by the team.
#include "daemon/api/form_api.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "daemon/people/answers.hpp"
#include "daemon/work/messages.hpp"
#include "policy/standing.hpp"
#include "proto/body.hpp"

namespace cardgate::daemon {
namespace {

using Relation = reg::Register::Relation;

constexpr std::string_view own_form = "own-form";  // what card and passcode are needed for

}  // namespace

/// My own forms and those that wait for me; or one person's.
Answer FormApi::list(Request& request) {
  Actor who = actors_.myself(request);
  if (who.refusal) co_return std::move(*who.refusal);
  std::string wanted = who.person;
  if (const auto* given = request.parameter("person")) {
    auto meaning = people_.meant(request, *given, policy::Act::see_people);
    auto meant = co_await std::move(meaning);
    if (meant.refusal) co_return std::move(*meant.refusal);
    wanted = std::move(meant.id);
    who = actors_.myself(request);  // the session may have ended while the names were read
    if (who.refusal) co_return std::move(*who.refusal);
  }
  if (wanted != who.person) co_return list_of_other(request, wanted);
  auto listing = list_of_mine(request, who.person);
  co_return co_await std::move(listing);
}

Result<json::array> FormApi::forms_of(const std::string& person) {
  const auto record = TRY(roll_.staff().person(person));
  json::array out;
  for (const auto& form : record.forms) out.push_back(form_json(record, form));
  return out;
}

Response FormApi::list_of_other(const Request& request, const std::string& person) {
  Actor looker = actors_.actor(request, policy::Act::see_people, person);
  if (looker.refusal) return std::move(*looker.refusal);
  if (auto no = people_.note_look(request, looker, person, "forms")) return std::move(*no);
  auto forms = forms_of(person);
  if (!forms) return no_person(forms.error(), person);
  return json_response(200, json::object{{"forms", std::move(*forms)}});
}

FormApi::Waiting FormApi::what_waits(const Request& request) {
  Waiting out;
  out.who = actors_.myself(request);
  if (out.who.refusal) return out;
  // Whoever manages nobody has no such list.
  const auto person = roll_.person(out.who.person);
  const bool manages = person && ((*person)->facts.is_line_manager || !(*person)->facts.acting.empty());
  const Actor manager = manages ? actors_.in_person(request, {}) : Actor{};
  out.verifies = manages && !manager.refusal;
  Actor approver = actors_.shows(request, policy::Act::approve_forms, {});
  out.more_after_proof = manager.needs_proof || approver.needs_proof;
  if (!approver.refusal) out.who = std::move(approver);
  return out;
}

boost::asio::awaitable<Response> FormApi::list_of_mine(const Request& request, std::string me) {
  auto mine = forms_of(me);
  if (!mine) co_return no_person(mine.error(), me);
  const auto known = roll_.person(me);
  if (!known) co_return no_person(known.error(), me);
  // Everybody may ask what waits for them; what they may approve or verify now decides how far they see.
  const auto now = what_waits(request);
  std::vector<std::string> managers;
  if (now.verifies) {
    for (auto& manager : policy::managers_of((*known)->facts, clock_.today()))
      managers.push_back(std::move(manager.id));
  }
  const std::function<Actor()> asks = [&] {
    auto again = what_waits(request);
    if (!again.who.refusal && again.verifies != now.verifies)
      again.who.refusal =
          problem(403, "role_needed", "What you may see changed while the list was read. Ask again.");
    return std::move(again.who);
  };
  PeopleDesk::ListWork work = [managers, me](reg::Register& staff, const ListAsk& ask,
                                             const std::atomic<bool>& stop) {
    return waiting_forms_page(staff, ask, me, managers, stop);
  };
  auto listed = co_await people_.list(request, asks, std::move(work));
  if (listed.refusal) co_return std::move(*listed.refusal);
  auto& page = listed.page;
  if (!page.people.empty()) {
    if (auto no = people_.note_list(request, listed.who, page.people, "forms that wait"))
      co_return std::move(*no);
  }
  co_return json_response(200, json::object{{"forms", std::move(*mine)},
                                            {"waiting", std::move(page.rows)},
                                            {"more_after_proof", now.more_after_proof},
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

Deed FormApi::deed_of(std::string person_id, const std::string& number, std::string_view act,
                      std::string reason, std::string notice, std::function<Result<void>(reg::Person&)> how) {
  Deed deed;
  deed.record.event = name_of(audit::Event::form);
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

boost::asio::awaitable<Response> FormApi::act(Request& request, const Actor& who, Deed& deed,
                                              std::optional<std::int64_t> number) {
  auto done = co_await deeds_.carry_out(request, who, deed);
  if (done.refusal) co_return std::move(*done.refusal);
  const auto& record = done.people.front();
  // A new form is the last one.
  const auto found =
      number ? std::ranges::find(record.forms, *number, &reg::Form::id) : record.forms.end() - 1;
  auto answer = form_json(record, *found);
  const RecordOf look_up = roll_.records();
  answer["message"] = work::after_form({*rules_.policy(), look_up, who.person, clock_.now()}, record, *found);
  co_return json_response(number ? 200 : 201, answer);
}

Answer FormApi::submit(Request& request) {
  auto body = proto::Body::parse(request.body);
  const auto given = body.optional_text("person");
  work::FormAsk ask{body.text("role"), body.reason(), body.optional_date("valid_from"),
                    body.optional_date("valid_until")};
  if (auto good = body.finish(); !good) co_return bad_body(good.error());
  Actor who = actors_.myself(request);
  if (who.refusal) co_return std::move(*who.refusal);
  auto meaning = people_.meant(request, given.value_or(who.person), policy::Act::submit_forms);
  auto meant = co_await std::move(meaning);
  if (meant.refusal) co_return std::move(*meant.refusal);
  const std::string subject = std::move(meant.id);
  who = subject == who.person ? actors_.in_person(request, own_form, policy::Act::submit_forms)
                              : actors_.line_manager_or(request, policy::Act::submit_forms, subject);
  if (who.refusal) co_return std::move(*who.refusal);
  const auto when = actors_.doer(who);
  const std::string reason = ask.reason;
  auto deed = deed_of(subject, {}, "submitted", reason,
                      fmt::format("{} sent an access form for you ({}). Next: your line manager verifies it.",
                                  called(roll_.records(), who.person), ask.role),
                      [ask, when, policy = rules_.policy()](reg::Person& p) {
                        return work::submit_form(p, *policy, ask, when);
                      });
  co_return co_await act(request, who, deed, std::nullopt);
}

Answer FormApi::verify(Request& request, const std::string& id) {
  auto body = proto::Body::parse(request.body);
  if (auto good = body.finish(); !good) co_return bad_body(good.error());
  const auto owner = actors_.owner_of(Relation::of_form, id, "form");
  if (!owner.refusal && actors_.is_me(request, owner.person)) {
    co_return problem(403, "not_yours_to_do",
                      "You cannot verify your own form. Your line manager does that.");
  }
  Actor who = actors_.line_manager_of(request, owner.person);
  if (who.refusal) co_return std::move(*who.refusal);
  auto deed = deed_of(
      owner.person, id, "verified", {},
      fmt::format("{} verified your access form {}. Next: the {} approves it.",
                  called(roll_.records(), who.person), id, rules_.policy()->contacts().access_team),
      [n = owner.number, when = actors_.doer(who), manager = who.manager, policy = rules_.policy()](
          reg::Person& p) { return work::verify_form(p, *policy, n, when, p.line_manager == manager); });
  co_return co_await act(request, who, deed, owner.number);
}

Answer FormApi::approve(Request& request, const std::string& id) {
  auto body = proto::Body::parse(request.body);
  if (auto good = body.finish(); !good) co_return bad_body(good.error());
  const auto owner = actors_.owner_of(Relation::of_form, id, "form");
  Actor who = actors_.actor(request, policy::Act::approve_forms, owner.person);
  if (who.refusal) co_return std::move(*who.refusal);
  if (owner.refusal) co_return *owner.refusal;
  auto deed = deed_of(
      owner.person, id, "approved", {},
      fmt::format("Your access form {} was approved. What you can use now, and what is still missing: "
                  "cardgate access",
                  id),
      [n = owner.number, when = actors_.doer(who), policy = rules_.policy()](reg::Person& p) {
        return work::approve_form(p, *policy, n, when);
      });
  co_return co_await act(request, who, deed, owner.number);
}

Answer FormApi::reject(Request& request, const std::string& id) {
  auto body = proto::Body::parse(request.body);
  const auto reason = body.reason();
  if (auto good = body.finish(); !good) co_return bad_body(good.error());
  const auto owner = actors_.owner_of(Relation::of_form, id, "form");
  const std::string& subject = owner.person;
  Actor who = actors_.line_manager_or(request, policy::Act::approve_forms, subject);
  if (who.refusal) co_return std::move(*who.refusal);
  if (owner.refusal) co_return *owner.refusal;
  if (owner.person == who.person) {
    co_return problem(403, "not_yours_to_do",
                      "You cannot reject your own form. To take it back: cardgate form withdraw.");
  }
  auto deed = deed_of(owner.person, id, "rejected", reason,
                      fmt::format("Your access form {} was rejected by {}. The reason: {}", id,
                                  called(roll_.records(), who.person), reason),
                      [n = owner.number, reason, when = actors_.doer(who)](reg::Person& p) {
                        return work::reject_form(p, n, reason, when);
                      });
  co_return co_await act(request, who, deed, owner.number);
}

Answer FormApi::withdraw(Request& request, const std::string& id) {
  auto body = proto::Body::parse(request.body);
  const auto reason = body.reason();
  if (auto good = body.finish(); !good) co_return bad_body(good.error());
  Actor who = actors_.myself(request);
  if (who.refusal) co_return std::move(*who.refusal);
  const auto owner = actors_.owner_of(Relation::of_form, id, "form");
  const std::string& subject = owner.person;
  who = subject == who.person ? actors_.in_person(request, own_form, policy::Act::submit_forms)
                              : actors_.line_manager_or(request, policy::Act::approve_forms, subject);
  if (who.refusal) co_return std::move(*who.refusal);
  if (owner.refusal) co_return *owner.refusal;
  auto deed =
      deed_of(owner.person, id, "withdrawn", reason,
              fmt::format("Your access form {} was withdrawn by {}, so the access that it gave has ended. "
                          "The reason: {}",
                          id, called(roll_.records(), who.person), reason),
              {});
  deed.taking = {.kind = work::Taking::Kind::withdraw_form,
                 .number = owner.number,
                 .reason = reason,
                 .doer = actors_.doer(who)};
  co_return co_await act(request, who, deed, owner.number);
}

Answer FormApi::renew(Request& request, const std::string& id) {
  auto body = proto::Body::parse(request.body);
  const auto reason = body.reason();
  const auto until = body.optional_date("valid_until");
  if (auto good = body.finish(); !good) co_return bad_body(good.error());
  Actor who = actors_.myself(request);
  if (who.refusal) co_return std::move(*who.refusal);
  const auto owner = actors_.owner_of(Relation::of_form, id, "form");
  const bool own = !owner.refusal && owner.person == who.person;
  who = own ? actors_.in_person(request, own_form, policy::Act::submit_forms)
            : actors_.line_manager_or(request, policy::Act::submit_forms, owner.person);
  if (who.refusal) co_return std::move(*who.refusal);
  if (owner.refusal) co_return *owner.refusal;
  auto deed =
      deed_of(owner.person, {}, "renewal of form " + id, reason,
              fmt::format("{} asked to renew your access form {}. Next: your line manager verifies it.",
                          called(roll_.records(), who.person), id),
              [n = owner.number, reason, until, when = actors_.doer(who), policy = rules_.policy()](
                  reg::Person& p) { return work::renew_form(p, *policy, n, reason, until, when); });
  co_return co_await act(request, who, deed, std::nullopt);
}

}  // namespace cardgate::daemon
