// SPDX-License-Identifier: Apache-2.0
// Urgent removals: access ends before anything is written, and coming back takes two people.
#include "daemon/api/removal_api.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/crypto.hpp"
#include "daemon/people/answers.hpp"
#include "daemon/work/messages.hpp"
#include "proto/body.hpp"

namespace cardgate::daemon {
namespace {

using Relation = reg::Register::Relation;

}  // namespace

/// What waits: asked for and not decided, and access that one person wants to give back.
Answer RemovalApi::list(Request& request) {
  bool decides = false;
  const std::function<Actor()> asks = [&] {
    Actor who = actors_.shows(request, policy::Act::remove_access, {});
    decides = !who.refusal;
    return decides || who.needs_proof ? who : actors_.actor(request, policy::Act::request_removal, {});
  };
  Actor first = asks();
  if (first.refusal) co_return std::move(*first.refusal);
  PeopleDesk::ListWork work = [decides, me = first.person](reg::Register& staff, const ListAsk& ask,
                                                           const std::atomic<bool>& stop) {
    return waiting_removals_page(staff, ask, me, decides, stop);
  };
  const bool decided = decides;
  auto listed = co_await people_.list(request, asks, std::move(work));
  if (listed.refusal) co_return std::move(*listed.refusal);
  // Whoever may not decide any more is not told why.
  if (decides != decided)
    co_return problem(403, "role_needed",
                      "Your role ended while the list was read. Sign in again, or ask the team.");
  auto& page = listed.page;
  if (!page.people.empty()) {
    if (auto no = people_.note_list(request, listed.who, page.people, "removals that wait"))
      co_return std::move(*no);
  }
  co_return json_response(200,
                          json::object{{"removals", std::move(page.rows)}, {"next", next_json(page.next)}});
}

namespace {

/// The removal that a change touched: by number it may be any, by state the newest is shown.
const reg::Removal* touched(const reg::Person& before, const reg::Person& after) {
  const auto found = std::ranges::find_if(after.removals, [&](const reg::Removal& each) {
    const auto old = std::ranges::find(before.removals, each.id, &reg::Removal::id);
    return old == before.removals.end() || *old != each;
  });
  return found == after.removals.end() ? nullptr : &*found;
}

}  // namespace

Deed RemovalApi::deed_of(std::string person_id, std::string_view act, std::string reason,
                         std::function<Result<void>(reg::Person&)> how) {
  Deed deed;
  deed.record.event = name_of(audit::Event::removal);
  deed.record.reason = std::move(reason);
  deed.record.details = {{"act", act}};
  deed.people = {std::move(person_id)};
  deed.how = [how = std::move(how)](std::vector<reg::Person>& people) { return how(people.front()); };
  deed.more_details = [](const reg::Person& before, const reg::Person& after) -> json::object {
    const auto* removal = touched(before, after);
    if (removal == nullptr || removal->id == 0) return {};
    return {{"removal", std::to_string(removal->id)}};
  };
  return deed;
}

boost::asio::awaitable<Response> RemovalApi::act_on(Request& request, const Actor& who, Deed& deed) {
  const std::string subject = deed.people.front();
  const auto before = roll_.staff().person(subject);
  if (!before) co_return no_person(before.error(), subject);
  auto done = co_await deeds_.carry_out(request, who, deed);
  if (done.refusal) co_return std::move(*done.refusal);
  const auto& record = done.people.front();
  roll_.forget({subject});
  const auto* removal = touched(*before, record);
  // Written and changed again at the same moment: the newest is shown.
  if (removal == nullptr) removal = &record.removals.back();
  Names names(roll_.staff());
  auto answer = to_json(*removal, record, names);
  const RecordOf look_up = roll_.records();
  const auto* act = find_string(deed.record.details, "act");
  answer["message"] =
      act != nullptr && *act == "giving back declined"
          ? fmt::format("Giving {}'s access back is declined, so it stays removed.", record.name)
          : work::after_removal({*rules_.policy(), look_up, who.person, clock_.now()}, record, *removal);
  co_return json_response(200, answer);
}

Answer RemovalApi::request(Request& request) {
  auto body = proto::Body::parse(request.body);
  const auto given = body.text("person");
  const auto reason = body.reason();
  const bool at_once = body.flag("at_once");
  if (auto good = body.finish(); !good) co_return bad_body(good.error());
  const auto act = at_once ? policy::Act::remove_access : policy::Act::request_removal;
  auto meaning = people_.meant(request, given, act);
  auto meant = co_await std::move(meaning);
  if (meant.refusal) co_return std::move(*meant.refusal);
  const std::string subject = std::move(meant.id);
  Actor who = actors_.actor(request, act, subject);
  if (who.refusal) co_return std::move(*who.refusal);
  auto deed = deed_of(subject, at_once ? "asked for and done" : "asked for", reason,
                      [reason, when = actors_.doer(who)](reg::Person& p) {
                        return work::request_removal(p, reason, false, when);
                      });
  if (at_once)
    deed.taking = {.kind = work::Taking::Kind::remove, .reason = reason, .doer = actors_.doer(who)};
  co_return co_await act_on(request, who, deed);
}

Answer RemovalApi::carry_out(Request& request, const std::string& id) {
  auto body = proto::Body::parse(request.body);
  if (auto good = body.finish(); !good) co_return bad_body(good.error());
  const auto owner = actors_.owner_of(Relation::of_removal, id, "removal");
  Actor who = actors_.actor(request, policy::Act::remove_access, owner.person);
  if (who.refusal) co_return std::move(*who.refusal);
  if (owner.refusal) co_return *owner.refusal;
  std::string reason;
  if (const auto record = roll_.staff().person(owner.person)) {
    const auto found = std::ranges::find(record->removals, owner.number, &reg::Removal::id);
    if (found != record->removals.end()) reason = found->reason;
  }
  auto deed = deed_of(owner.person, "done", reason, {});
  deed.taking = {.kind = work::Taking::Kind::remove,
                 .number = owner.number,
                 .reason = reason,
                 .doer = actors_.doer(who)};
  co_return co_await act_on(request, who, deed);
}

Answer RemovalApi::decline(Request& request, const std::string& id) {
  auto body = proto::Body::parse(request.body);
  const auto reason = body.reason();
  if (auto good = body.finish(); !good) co_return bad_body(good.error());
  const auto owner = actors_.owner_of(Relation::of_removal, id, "removal");
  // One that is to be given back is decided on by those who may give it back.
  std::string asked_back_by;
  if (const auto record = roll_.record_of(owner.person)) {
    const auto found = std::ranges::find(record->removals, owner.number, &reg::Removal::id);
    if (found != record->removals.end() && found->state == reg::Removal::State::restoring)
      asked_back_by = found->restore_by;
  }
  const bool gives_back = !asked_back_by.empty();
  Actor who = actors_.actor(request, gives_back ? policy::Act::restore_access : policy::Act::remove_access,
                            owner.person);
  if (who.refusal) co_return std::move(*who.refusal);
  if (owner.refusal) co_return *owner.refusal;
  auto deed = deed_of(owner.person, gives_back ? "giving back declined" : "declined", reason,
                      [number = owner.number, reason, when = actors_.doer(who)](reg::Person& p) {
                        return work::decline_removal(p, number, reason, when);
                      });
  auto declining = act_on(request, who, deed);
  auto answer = co_await std::move(declining);
  if (answer.status == 200 && gives_back && asked_back_by != who.person) {
    const std::vector<std::string> asker(1, asked_back_by);
    const std::string mark = "removal-" + random_id();
    co_await notices_.tell(
        asker, mark,
        fmt::format("You asked to give access back (removal {}). A colleague declined that: {}", id, reason));
  }
  co_return answer;
}

Answer RemovalApi::restore_access(Request& request) {
  auto body = proto::Body::parse(request.body);
  const auto given = body.text("person");
  const auto reason = body.reason();
  if (auto good = body.finish(); !good) co_return bad_body(good.error());
  auto meaning = people_.meant(request, given, policy::Act::restore_access);
  auto meant = co_await std::move(meaning);
  if (meant.refusal) co_return std::move(*meant.refusal);
  auto restoring = restore(request, std::move(meant.id), 0, reason);
  co_return co_await std::move(restoring);
}

Answer RemovalApi::restore_removal(Request& request, const std::string& id) {
  auto body = proto::Body::parse(request.body);
  const auto reason = body.reason();
  if (auto good = body.finish(); !good) co_return bad_body(good.error());
  const auto owner = actors_.owner_of(Relation::of_removal, id, "removal");
  if (owner.refusal) {
    Actor who = actors_.actor(request, policy::Act::restore_access, {});
    if (who.refusal) co_return std::move(*who.refusal);
    co_return *owner.refusal;
  }
  auto restoring = restore(request, owner.person, owner.number, reason);
  co_return co_await std::move(restoring);
}

/// The first who asks, and the second who agrees, do the same. `number`: of the removal; 0: whichever holds now.
boost::asio::awaitable<Response> RemovalApi::restore(Request& request, std::string subject,
                                                     std::int64_t number, std::string reason) {
  Actor who = actors_.actor(request, policy::Act::restore_access, subject);
  if (who.refusal) co_return std::move(*who.refusal);
  const auto before = roll_.staff().person(subject);
  const bool second = before && std::ranges::any_of(before->removals, [](const reg::Removal& each) {
                        return each.state == reg::Removal::State::restoring;
                      });
  auto deed = deed_of(subject, second ? "restored" : "restoring asked for", reason,
                      [reason, number, when = actors_.doer(who)](reg::Person& p) {
                        return work::restore(p, reason, when, number);
                      });
  co_return co_await act_on(request, who, deed);
}

}  // namespace cardgate::daemon
