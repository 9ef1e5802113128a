// SPDX-License-Identifier: Apache-2.0
#include "daemon/api/downtime_api.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/number.hpp"
#include "daemon/people/answers.hpp"
#include "proto/body.hpp"

namespace cardgate::daemon {
namespace {

using reg::Downtime;
using work::Said;

work::DowntimeAsk read_ask(proto::Body& body, bool text_needed) {
  work::DowntimeAsk ask;
  ask.from = body.optional_moment("begins_at");
  ask.until = body.optional_moment("ends_at");
  ask.severity = body.optional_text("severity");
  ask.text = text_needed ? std::optional(body.text("text", max_downtime_text))
                         : body.optional_text("text", max_downtime_text);
  if (!text_needed) ask.ticket = body.optional_text("ticket");
  return ask;
}

/// On the register's thread: it is still as it was when the change was made of it.
Result<void> still_as_seen(reg::Register& staff, const Downtime& seen) {
  auto now = TRY(staff.downtimes());
  const auto found = std::ranges::find(now.open, seen.id, &Downtime::id);
  if (found != now.open.end()) {
    found->told_at = seen.told_at;
    if (*found == seen) return {};
  }
  return Error{
      Errc::permission_denied,
      "Somebody else has just changed this downtime. Nothing was done. Look again: cardgate downtime list"};
}

Response is_over() {
  return problem(
      404, "not_found",
      "There is no downtime with that number, or it is over. See the list: cardgate downtime list");
}

}  // namespace

Answer DowntimeApi::list(Request&) {
  json::array out;
  for (const auto& downtime : downtime_.open()) {
    auto row = to_json(downtime, clock_.now());
    row["words"] = work::words_now(downtime, downtime_.rules(), clock_.now());
    out.push_back(std::move(row));
  }
  const auto now = downtime_.closing();
  co_return json_response(200, json::object{{"downtime", std::move(out)},
                                            {"closed", now.sign_ins},
                                            {"reopens_at", moment_json(now.reopens)}});
}

DowntimeApi::Manager DowntimeApi::manager(const Request& request) {
  if (request.peer->admin_socket) return {std::string(reg::root_name), std::nullopt, std::nullopt};
  Actor who = actors_.actor(request, policy::Act::manage_downtime, {});
  auto refusal = std::move(who.refusal);
  who.refusal.reset();
  return {who.person, std::move(who), std::move(refusal)};
}

DowntimeApi::Found DowntimeApi::found(const std::string& id) const {
  const auto number = whole_number<std::int64_t>(id);
  const Downtime* downtime = number ? downtime_.find(*number) : nullptr;
  if (downtime != nullptr) return {downtime, std::nullopt};
  return {nullptr, is_over()};
}

boost::asio::awaitable<std::optional<Response>> DowntimeApi::settle(const std::string& id) {
  const auto there = found(id);
  if (there.refusal || !downtime_.owes(there.downtime->id)) co_return std::nullopt;
  auto saving = downtime_.save(there.downtime->id);
  const bool saved = co_await std::move(saving);
  if (saved) co_return std::nullopt;
  co_return register_unavailable(
      Error{Errc::unavailable, "The last change of this downtime cannot be written into the staff register"});
}

std::optional<Response> DowntimeApi::refuse_too_many() const {
  const auto planned = std::ranges::count(downtime_.open(), Downtime::Kind::planned, &Downtime::kind);
  if (static_cast<std::size_t>(planned) < max_open_downtime) return std::nullopt;
  return problem(
      422, "not_possible",
      fmt::format("{} downtimes are planned already, which is the limit. Withdraw one first: cardgate "
                  "downtime list",
                  max_open_downtime));
}

audit::Record DowntimeApi::record_of(const Request& request, const Manager& who, const Downtime& downtime,
                                     Said said) const {
  audit::Record record;
  record.event = name_of(audit::Event::downtime);
  record.client = describe(*request.peer);
  if (who.actor) {
    record.session = who.actor->session;
    record.role = who.actor->role;
    record.policy = rules_.policy()->hash();
  }
  record.details = notice_json(downtime, said);
  record.details["by"] = who.by;
  record.details["text"] = downtime.text;
  if (!downtime.outcome.empty()) record.reason = downtime.outcome;
  return record;
}

boost::asio::awaitable<std::optional<Response>> DowntimeApi::carry_out(const Manager& who,
                                                                       audit::Record record,
                                                                       std::optional<Downtime> seen,
                                                                       Downtime downtime, Said said) {
  const auto act =
      who.actor ? waiting_acts_.begin(who.actor->session, actors_.right_of(*who.actor)) : nullptr;
  if (!recorder_.works()) co_return recorder_.unavailable();
  auto recording = deeds_.recorded(record, true);
  const bool on_record = co_await std::move(recording);
  if (!on_record) co_return recorder_.unavailable();
  if (auto over = who.actor ? actors_.refuse_if_over(*who.actor) : std::nullopt) {
    deeds_.note_not_done(std::move(record), "the session, or the right to do it, ended meanwhile");
    co_return over;
  }
  std::function<Result<void>(reg::Register&)> still = [](reg::Register&) { return Result<void>(); };
  if (who.actor) still = actors_.still_allowed(*who.actor, act);
  std::function<Result<void>(reg::Register&)> change =
      [downtime, still, seen, id = Deeds::id_of(record)](reg::Register& staff) -> Result<void> {
    TRY(still(staff));
    if (seen) TRY(still_as_seen(staff, *seen));
    return staff.save_downtime(downtime, [&] { return note_done(staff, id); });
  };
  auto changing = register_.write<void>(std::move(change));
  const auto changed = co_await std::move(changing);
  if (!changed) {
    deeds_.note_not_done(std::move(record), changed.error());
    co_return not_possible(changed.error());
  }
  if (seen && downtime_.find(downtime.id) == nullptr) {  // ended meanwhile, which is written next
    deeds_.note_not_done(std::move(record), "the downtime was over meanwhile");
    co_return is_over();
  }
  deeds_.ended(record);
  downtime_.take(std::move(downtime), said, true);
  co_return std::nullopt;
}

boost::asio::awaitable<Response> DowntimeApi::at_once(audit::Record record, Downtime downtime, Said said,
                                                      int status) {
  const auto id = downtime.id;
  const Downtime as_told = downtime;
  recorder_.note(std::move(record));
  downtime_.take(std::move(downtime), said, false);
  co_await recorder_.noted();
  auto saving = downtime_.save(id);
  const bool saved = co_await std::move(saving);
  auto answer = told(status, as_told, said);
  if (saved) co_return answer;
  auto body = parse_json(answer.body)->as_object();
  body["message"] = std::string(body["message"].as_string()) +
                    " It is in force, but the staff register cannot be written now: until then it is lost "
                    "when the service restarts.";
  co_return json_response(202, body);
}

Response DowntimeApi::told(int status, const Downtime& downtime, Said said) {
  return json_response(
      status, json::object{{"downtime", to_json(downtime, clock_.now())},
                           {"message", fmt::format("Downtime {}: {}", downtime.id,
                                                   work::words(downtime, said, downtime_.rules()))}});
}

Answer DowntimeApi::plan(Request& request) {
  auto body = proto::Body::parse(request.body);
  const auto ask = read_ask(body, true);
  if (auto good = body.finish(); !good) co_return bad_body(good.error());
  auto who = manager(request);
  if (who.refusal) co_return std::move(*who.refusal);
  if (auto no = refuse_too_many()) co_return std::move(*no);
  auto planned = work::plan(ask, clock_.now());
  if (!planned) co_return not_possible(planned.error());
  const auto number = downtime_.next_number();
  if (!number) co_return register_unavailable(number.error());
  planned->id = *number;
  planned->made_by = who.by;
  auto record = record_of(request, who, *planned, Said::announced);
  auto doing = carry_out(who, std::move(record), std::nullopt, *planned, Said::announced);
  if (auto no = co_await std::move(doing)) co_return std::move(*no);
  co_return told(201, *planned, Said::announced);
}

Answer DowntimeApi::declare(Request& request) {
  auto body = proto::Body::parse(request.body);
  const bool closes = body.flag("closes");
  work::DowntimeAsk ask;
  ask.until = body.optional_moment("ends_at");
  ask.severity = body.optional_text("severity");
  ask.text = body.text("text", max_downtime_text);
  ask.ticket = body.optional_text("ticket");
  if (auto good = body.finish(); !good) co_return bad_body(good.error());
  auto who = manager(request);
  if (who.refusal) co_return std::move(*who.refusal);
  auto declared = work::declare(ask, closes, clock_.now());
  if (!declared) co_return not_possible(declared.error());
  const auto number = downtime_.next_number();
  if (!number) co_return register_unavailable(number.error());
  declared->id = *number;
  declared->made_by = who.by;
  auto record = record_of(request, who, *declared, Said::declared);
  auto doing = at_once(std::move(record), *declared, Said::declared, 201);
  auto answer = co_await std::move(doing);
  co_return answer;
}

Answer DowntimeApi::change(Request& request, const std::string& id) {
  auto body = proto::Body::parse(request.body);
  const auto ask = read_ask(body, false);
  if (auto good = body.finish(); !good) co_return bad_body(good.error());
  auto who = manager(request);
  if (who.refusal) co_return std::move(*who.refusal);
  const auto kind = found(id);
  if (kind.refusal) co_return is_over();
  if (kind.downtime->kind == Downtime::Kind::planned) {
    auto settling = settle(id);
    if (auto no = co_await std::move(settling)) co_return std::move(*no);
  }
  auto there = found(id);
  if (there.refusal) co_return std::move(*there.refusal);
  auto changed = work::change(*there.downtime, ask, clock_.now());
  if (!changed) co_return not_possible(changed.error());
  auto record = record_of(request, who, changed->downtime, changed->said);
  if (changed->downtime.kind == Downtime::Kind::emergency) {
    // People must hear of it whatever is wrong with the disks.
    auto at_once = this->at_once(std::move(record), changed->downtime, changed->said, 200);
    auto answer = co_await std::move(at_once);
    co_return answer;
  }
  auto doing = carry_out(who, std::move(record), *there.downtime, changed->downtime, changed->said);
  if (auto no = co_await std::move(doing)) co_return std::move(*no);
  co_return told(200, changed->downtime, changed->said);
}

Answer DowntimeApi::withdraw(Request& request, const std::string& id) {
  auto who = manager(request);
  if (who.refusal) co_return std::move(*who.refusal);
  auto settling = settle(id);
  if (auto no = co_await std::move(settling)) co_return std::move(*no);
  auto there = found(id);
  if (there.refusal) co_return std::move(*there.refusal);
  auto withdrawn = work::withdraw(*there.downtime, clock_.now());
  if (!withdrawn) co_return not_possible(withdrawn.error());
  auto record = record_of(request, who, *withdrawn, Said::withdrawn);
  auto doing = carry_out(who, std::move(record), *there.downtime, *withdrawn, Said::withdrawn);
  if (auto no = co_await std::move(doing)) co_return std::move(*no);
  co_return told(200, *withdrawn, Said::withdrawn);
}

Answer DowntimeApi::end(Request& request, const std::string& id) {
  auto body = proto::Body::parse(request.body);
  const auto outcome = body.text("outcome", max_downtime_text);
  if (auto good = body.finish(); !good) co_return bad_body(good.error());
  auto who = manager(request);
  if (who.refusal) co_return std::move(*who.refusal);
  auto there = found(id);
  if (there.refusal) co_return std::move(*there.refusal);
  auto ended = work::end(*there.downtime, outcome, clock_.now());
  if (!ended) co_return not_possible(ended.error());
  auto record = record_of(request, who, *ended, Said::ended);
  auto doing = at_once(std::move(record), *ended, Said::ended, 200);
  auto answer = co_await std::move(doing);
  co_return answer;
}

}  // namespace cardgate::daemon
