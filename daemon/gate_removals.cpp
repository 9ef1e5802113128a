// SPDX-License-Identifier: Apache-2.0
// Urgent removals: access ends before anything is written, and coming back takes two people.
#include <fmt/format.h>

#include <algorithm>

#include "daemon/gate.hpp"
#include "daemon/journal.hpp"
#include "daemon/work/answers.hpp"
#include "proto/body.hpp"

namespace cardgate::daemon {
namespace {

using Relation = reg::Register::Relation;

json::object with_person(const reg::Person& person, json::object removal) {
  removal["person"] = json::object{{"id", person.id}, {"name", person.name}};
  return removal;
}

}  // namespace

/// What waits: asked for and not decided, and access that one person wants to give back.
Gate::Answer Gate::list_removals(Request& request) {
  Actor who = may(request, policy::Act::remove_access, {});
  const bool decides = !who.refusal;
  const auto act = decides ? policy::Act::remove_access : policy::Act::request_removal;
  if (!decides) who = actor(request, act, {});
  if (who.refusal) co_return std::move(*who.refusal);
  json::array out;
  for (const auto* state : {"requested", "restoring"}) {
    const auto people = staff_->people_by(Relation::removal_waits, state);
    if (!people) co_return register_unavailable(people.error());
    for (const auto& id : *people) {
      if (out.size() >= max_listed || may(request, act, id).refusal) continue;
      const auto record = staff_->person(id);
      if (!record) co_return register_unavailable(record.error());
      for (const auto& removal : record->removals) {
        if (name(removal.state) != state) continue;
        const bool tells = decides || removal.requested_by == who.person;
        out.push_back(with_person(*record, tells ? to_json(removal) : to_json_without_reasons(removal)));
      }
    }
  }
  if (!out.empty()) {
    const auto what = fmt::format("{} removals that wait", out.size());
    if (auto no = note_look(request, who, {}, what)) co_return std::move(*no);
  }
  co_return json_response(200, json::object{{"removals", std::move(out)}});
}

/// The sessions die first; the register and the log follow. From here on the person is refused even if the disk is full.
void Gate::end_access_now(const std::string& id) {
  removed_now_.insert(id);
  std::vector<std::string> theirs;
  for (const Session* session : sessions_.all()) {
    if (session->person == id) theirs.push_back(session->id);
  }
  for (const auto& session : theirs) apply(sessions_.end(session, EndReason::access_lost));
  people_changed({id});  // what they delegated ends with them
}

Gate::Deed Gate::removal_deed(std::string person_id, std::string_view act, std::string reason,
                              std::function<Result<void>(reg::Person&)> how) {
  Deed deed;
  deed.record.event = "removal";
  deed.record.reason = std::move(reason);
  deed.record.details = {{"act", act}};
  deed.people = {std::move(person_id)};
  deed.how = [how = std::move(how)](std::vector<reg::Person>& people) { return how(people.front()); };
  return deed;
}

boost::asio::awaitable<Response> Gate::removal_act(Request& request, const Actor& who, Deed& deed,
                                                   bool removes) {
  const std::string subject = deed.people.front();
  const auto before = staff_->person(subject);
  if (!before) co_return no_person(before.error(), subject);
  std::vector<reg::Person> tried(1, *before);
  const bool possible = deed.how(tried).has_value();
  if (removes && possible) end_access_now(subject);
  deed.waits_for_log = !removes;
  auto done = co_await carry_out(request, who, deed);
  if (done.refusal && removes && possible) {
    const auto on_file = staff_->person(subject);
    if (on_file && on_file->removed) {  // a colleague was quicker
      removed_now_.erase(subject);
      co_return std::move(*done.refusal);
    }
    log(Level::error, "an urgent removal is not in the register yet: it holds until the service stops",
        {{"CARDGATE_EVENT", "removal_unwritten"}, {"CARDGATE_PERSON", subject}});
    co_return problem(503, "register_unavailable",
                      "The sessions are ended and the person is refused from now on, but the register could "
                      "not be written. "
                      "Do it again until this answer is gone, or it is forgotten when the service stops.");
  }
  if (done.refusal) co_return std::move(*done.refusal);
  const auto& record = done.people.front();
  // Somebody else's act on the same person must not let them in while a removal is still being written.
  if (removes) removed_now_.erase(subject);
  people_.erase(subject);
  // The one that was touched: by number it may be any, by state the newest is shown.
  const auto found = std::ranges::find_if(record.removals, [&](const reg::Removal& each) {
    const auto old = std::ranges::find(before->removals, each.id, &reg::Removal::id);
    return old == before->removals.end() || *old != each;
  });
  co_return json_response(200, with_person(record, to_json(*found)));
}

Gate::Answer Gate::request_removal(Request& request) {
  auto body = proto::Body::parse(request.body);
  const auto subject = body.text("person");
  const auto reason = body.reason();
  const bool at_once = body.flag("at_once");
  if (auto good = body.finish(); !good) co_return bad_body(good.error());
  Actor who = actor(request, at_once ? policy::Act::remove_access : policy::Act::request_removal, subject);
  if (who.refusal) co_return std::move(*who.refusal);
  auto deed = removal_deed(subject, at_once ? "asked for and done" : "asked for", reason,
                           [reason, at_once, when = doer(who)](reg::Person& p) {
                             return work::request_removal(p, reason, at_once, when);
                           });
  co_return co_await removal_act(request, who, deed, at_once);
}

Gate::Answer Gate::do_removal(Request& request, const std::string& id) {
  auto body = proto::Body::parse(request.body);
  if (auto good = body.finish(); !good) co_return bad_body(good.error());
  const auto owner = owner_of(Relation::of_removal, id, "removal");
  Actor who = actor(request, policy::Act::remove_access, owner.person);
  if (who.refusal) co_return std::move(*who.refusal);
  if (owner.refusal) co_return *owner.refusal;
  std::string reason;
  if (const auto record = staff_->person(owner.person)) {
    const auto found = std::ranges::find(record->removals, owner.number, &reg::Removal::id);
    if (found != record->removals.end()) reason = found->reason;
  }
  auto deed =
      removal_deed(owner.person, "done", reason, [number = owner.number, when = doer(who)](reg::Person& p) {
        return work::do_removal(p, number, when);
      });
  co_return co_await removal_act(request, who, deed, true);
}

Gate::Answer Gate::decline_removal(Request& request, const std::string& id) {
  auto body = proto::Body::parse(request.body);
  const auto reason = body.reason();
  if (auto good = body.finish(); !good) co_return bad_body(good.error());
  const auto owner = owner_of(Relation::of_removal, id, "removal");
  Actor who = actor(request, policy::Act::remove_access, owner.person);
  if (who.refusal) co_return std::move(*who.refusal);
  if (owner.refusal) co_return *owner.refusal;
  auto deed = removal_deed(owner.person, "declined", reason,
                           [number = owner.number, reason, when = doer(who)](reg::Person& p) {
                             return work::decline_removal(p, number, reason, when);
                           });
  co_return co_await removal_act(request, who, deed, false);
}

Gate::Answer Gate::restore_access(Request& request) {
  auto body = proto::Body::parse(request.body);
  const auto subject = body.text("person");
  const auto reason = body.reason();
  if (auto good = body.finish(); !good) co_return bad_body(good.error());
  Actor who = actor(request, policy::Act::restore_access, subject);
  if (who.refusal) co_return std::move(*who.refusal);
  const auto before = staff_->person(subject);
  const bool second = before && std::ranges::any_of(before->removals, [](const reg::Removal& each) {
                        return each.state == reg::Removal::State::restoring;
                      });
  auto deed =
      removal_deed(subject, second ? "restored" : "restoring asked for", reason,
                   [reason, when = doer(who)](reg::Person& p) { return work::restore(p, reason, when); });
  co_return co_await removal_act(request, who, deed, false);
}

}  // namespace cardgate::daemon
