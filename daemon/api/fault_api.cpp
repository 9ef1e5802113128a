// SPDX-License-Identifier: Apache-2.0
#include "daemon/api/fault_api.hpp"

#include <fmt/format.h>

#include "base/number.hpp"
#include "daemon/people/answers.hpp"
#include "proto/body.hpp"

namespace cardgate::daemon {
namespace {

using reg::Fault;
using work::FaultSaid;

/// `whole`: for the team; else what everybody is told.
json::object fault_json(const Fault& fault, const work::FaultRules& rules, bool whole) {
  json::object out{{"id", fault.id},
                   {"severity", fault.severity.empty() ? json::value(nullptr) : json::value(fault.severity)},
                   {"text", whole ? fault.text : fault.told},
                   {"reported_at", to_rfc3339(fault.reported_at)},
                   {"expected_at", moment_json(fault.expected)},
                   {"words", work::words_now(fault, rules)}};
  if (!whole) return out;
  out["state"] = fault.state == Fault::State::reported ? "reported" : "classed";
  out["told"] = fault.told;
  out["reporter"] = fault.reported_by.empty() ? "cardgate" : fault.reported_by;
  out["ticket"] = fault.ticket;
  return out;
}

}  // namespace

/// The person, where one is signed in and nobody else; else the account.
std::string FaultApi::reporter(const Peer& peer) const {
  if (peer.admin_socket) return std::string(reg::root_name);
  const auto mine = sessions_.of_uid(peer.uid);
  return mine.size() == 1 ? mine.front()->person : fmt::format("uid {}", peer.counted_as);
}

Answer FaultApi::report(Request& request) {
  auto body = proto::Body::parse(request.body);
  const auto text = body.text("text", max_downtime_text);
  if (auto good = body.finish(); !good) co_return bad_body(good.error());
  const Peer& peer = *request.peer;
  const auto me = reporter(peer);
  if (!faults_.may_report(peer.counted_as, me)) {
    co_return problem(429, "rate_limited",
                      "You have reported several faults in the last hour, or many are open. Yours was not "
                      "kept. If it is urgent, call the people who run this machine.");
  }
  const auto number = faults_.next_number();
  if (!number) co_return register_unavailable(number.error());
  Fault fault;
  fault.id = *number;
  fault.reported_by = me;
  fault.text = text;
  fault.reported_at = fault.told_at = std::chrono::floor<seconds>(clock_.now());
  audit::Record record;
  record.event = name_of(audit::Event::fault);
  record.client = describe(peer);
  faults_.take(std::move(fault), FaultSaid::reported, std::move(record));
  co_await recorder_.noted();
  co_return json_response(
      201,
      json::object{{"id", *number},
                   {"message", fmt::format("Your report has number {}. The team is told of it. What comes of "
                                           "it: cardgate fault list",
                                           *number)}});
}

Answer FaultApi::list(Request& request) {
  const bool team =
      request.peer->admin_socket || !actors_.may(request, policy::Act::manage_downtime, {}).refusal;
  const std::string me = reporter(*request.peer);
  json::array out;
  for (const auto& fault : faults_.open()) {
    if (team || fault.reported_by == me) {
      out.push_back(fault_json(fault, faults_.rules(), true));
    } else if (!fault.told.empty()) {
      out.push_back(fault_json(fault, faults_.rules(), false));
    }
  }
  co_return json_response(200, json::object{{"faults", std::move(out)}});
}

FaultApi::Decision FaultApi::decide(const Request& request, const std::string& id) {
  Decision out;
  out.record.event = name_of(audit::Event::fault);
  out.record.client = describe(*request.peer);
  out.by = reg::root_name;
  if (!request.peer->admin_socket) {
    Actor who = actors_.actor(request, policy::Act::manage_downtime, {});
    out.refusal = std::move(who.refusal);
    if (out.refusal) return out;
    out.by = who.person;
    out.record.session = who.session;
    out.record.role = who.role;
    out.record.policy = rules_.policy()->hash();
  }
  out.record.details["by"] = out.by;
  const auto number = whole_number<std::int64_t>(id);
  const Fault* fault = number ? faults_.find(*number) : nullptr;
  if (fault == nullptr) {
    out.refusal = problem(404, "not_found",
                          "There is no open fault with that number. See the list: cardgate fault list");
    return out;
  }
  out.fault = *fault;
  return out;
}

boost::asio::awaitable<Response> FaultApi::done(Decision decision, Result<Fault> changed, FaultSaid said) {
  if (!changed) co_return not_possible(changed.error());
  const Fault& fault = *changed;
  faults_.take(fault, said, std::move(decision.record));
  co_await recorder_.noted();
  co_return json_response(
      200, json::object{{"id", fault.id},
                        {"message",
                         fmt::format("Fault {}: {}", fault.id, work::words(fault, said, faults_.rules()))}});
}

Answer FaultApi::class_fault(Request& request, const std::string& id) {
  auto body = proto::Body::parse(request.body);
  work::FaultAsk ask;
  ask.severity = body.text("severity");
  ask.told = body.optional_text("text", max_downtime_text);
  ask.expected = body.optional_moment("expected_at");
  if (auto good = body.finish(); !good) co_return bad_body(good.error());
  auto decision = decide(request, id);
  if (decision.refusal) co_return std::move(*decision.refusal);
  auto changed = work::class_fault(decision.fault, ask, decision.by, clock_.now());
  auto doing = done(std::move(decision), std::move(changed), FaultSaid::classed);
  auto answer = co_await std::move(doing);
  co_return answer;
}

Answer FaultApi::join(Request& request, const std::string& id) {
  auto body = proto::Body::parse(request.body);
  const auto to = body.text("to", 20);
  if (auto good = body.finish(); !good) co_return bad_body(good.error());
  auto decision = decide(request, id);
  if (decision.refusal) co_return std::move(*decision.refusal);
  auto other = decide(request, to);
  if (other.refusal) co_return std::move(*other.refusal);
  auto changed = work::join(decision.fault, other.fault, clock_.now());
  auto doing = done(std::move(decision), std::move(changed), FaultSaid::joined);
  auto answer = co_await std::move(doing);
  co_return answer;
}

Answer FaultApi::pass_on(Request& request, const std::string& id) {
  auto body = proto::Body::parse(request.body);
  work::FaultAsk ask;
  ask.ticket = body.text("ticket");
  ask.expected = body.optional_moment("expected_at");
  if (auto good = body.finish(); !good) co_return bad_body(good.error());
  auto decision = decide(request, id);
  if (decision.refusal) co_return std::move(*decision.refusal);
  auto changed = work::pass_on(decision.fault, ask, clock_.now());
  auto doing = done(std::move(decision), std::move(changed), FaultSaid::passed_on);
  auto answer = co_await std::move(doing);
  co_return answer;
}

Answer FaultApi::close(Request& request, const std::string& id) {
  auto body = proto::Body::parse(request.body);
  auto outcome = body.text("outcome", max_downtime_text);
  if (auto good = body.finish(); !good) co_return bad_body(good.error());
  auto decision = decide(request, id);
  if (decision.refusal) co_return std::move(*decision.refusal);
  auto closed = work::close(decision.fault, std::move(outcome), clock_.now());
  auto doing = done(std::move(decision), std::move(closed), FaultSaid::closed);
  auto answer = co_await std::move(doing);
  co_return answer;
}

}  // namespace cardgate::daemon
