// SPDX-License-Identifier: Apache-2.0
#include "daemon/deeds/fault_desk.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include "daemon/journal.hpp"

namespace cardgate::daemon {
namespace {

using reg::Fault;
using work::FaultSaid;

bool is_open(const Fault& fault) {
  return fault.state == Fault::State::reported || fault.state == Fault::State::classed;
}

/// And not an account of this machine, root, or the service itself.
bool is_person(const std::string& reporter) {
  return !reporter.empty() && reporter != reg::root_name && !reporter.starts_with("uid ");
}

}  // namespace

json::object fault_details(const Fault& fault, FaultSaid said) {
  json::object out{{"act", work::name(said)},
                   {"fault", fault.id},
                   {"severity", fault.severity},
                   {"reported_at", to_rfc3339(fault.reported_at)},
                   {"reported_by", fault.reported_by.empty() ? "cardgate" : fault.reported_by}};
  if (!fault.key.empty()) out["part"] = fault.key;
  if (fault.joined_to != 0) out["joined_to"] = fault.joined_to;
  if (!fault.ticket.empty()) out["ticket"] = fault.ticket;
  if (fault.expected) out["expected_at"] = to_rfc3339(*fault.expected);
  if (fault.closed_at) out["closed_at"] = to_rfc3339(*fault.closed_at);
  return out;
}

FaultDesk::FaultDesk(boost::asio::io_context& io, RuleBook& rules, Roll& roll,
                     RegisterThreads& register_threads, SessionDesk& sessions, DowntimeDesk& downtime,
                     Notices& notices, Recorder& recorder, GuardedClock& clock)
    : io_(io),
      rules_(rules),
      roll_(roll),
      register_(register_threads),
      sessions_(sessions),
      downtime_(downtime),
      notices_(notices),
      recorder_(recorder),
      clock_(clock),
      timer_(io, [this] { look(); }) {}

bool FaultDesk::read() {
  if (read_) return true;
  auto found = roll_.staff().faults();
  if (!found) return false;  // looked at again soon; what is wrong with the register is a trouble of its own
  open_ = std::move(found->open);
  last_ = std::max(last_, found->last);
  for (const auto& fault : open_) {
    if (!fault.key.empty()) found_[fault.key] = {fault.text, clock_.boot(), clock_.boot(), fault.id};
  }
  read_ = true;
  return true;
}

void FaultDesk::look() {
  if (sessions_.stopping()) return;
  timer_.set(clock_.boot() + look_for_troubles_every);
  for (auto& [account, times] : reports_)
    while (!times.empty() && times.front() + reports_are_remembered <= clock_.boot()) times.pop_front();
  std::erase_if(reports_, [](const auto& entry) { return entry.second.empty(); });
  if (!read()) return;
  find_troubles();
  const auto now = clock_.now();
  std::vector<std::pair<Fault, FaultSaid>> late;
  for (auto& fault : open_) {
    // As with downtime: the clock was set forward by mistake.
    if (fault.told_at > now + clock_may_slip) fault.told_at = std::chrono::floor<seconds>(now);
    const auto what = work::due(fault, rules(), now);
    if (!what) continue;
    fault.told_at = std::chrono::floor<seconds>(now);
    late.emplace_back(fault, *what);
  }
  for (const auto& [fault, what] : late) {
    audit::Record record;
    record.event = name_of(audit::Event::fault);
    record.details = fault_details(fault, what);
    recorder_.note(std::move(record));
    say(fault, what);
    save_later(fault);
  }
}

/// A part that comes and goes is one fault: it is reported when it has been wrong for a while, and closed when it has not been for
/// longer.
void FaultDesk::find_troubles() {
  if (!troubles) return;
  const BootTime now = clock_.boot();
  for (auto& trouble : troubles()) {
    auto [entry, fresh] = found_.try_emplace(trouble.key, Found{trouble.text, now, now, 0});
    auto& found = entry->second;
    if (!fresh && found.fault == 0 && found.seen + 2 * look_for_troubles_every < now) found.since = now;
    found.seen = now;
    found.text = std::move(trouble.text);
    if (found.fault == 0 && found.since + trouble_counts_after <= now) report_found(trouble.key, found);
  }
  std::erase_if(found_, [&](const auto& entry) {
    const auto& found = entry.second;
    if (found.seen + trouble_over_after > now) return false;
    if (const Fault* fault = find(found.fault)) {
      auto closed = work::close(*fault, "It works again by itself", clock_.now());
      audit::Record record;
      record.event = name_of(audit::Event::fault);
      take(std::move(closed), FaultSaid::closed, std::move(record));
    }
    return true;
  });
}

/// However many people have reported: there are only as many of these as there are parts.
void FaultDesk::report_found(const std::string& key, Found& found) {
  Fault fault;
  fault.id = ++last_;
  fault.key = key;
  fault.text = audit::clean(found.text, max_downtime_text);
  fault.reported_at = fault.told_at = std::chrono::floor<seconds>(clock_.now());
  found.fault = fault.id;
  audit::Record record;
  record.event = name_of(audit::Event::fault);
  take(std::move(fault), FaultSaid::reported, std::move(record));
}

const Fault* FaultDesk::find(std::int64_t id) const {
  const auto found = std::ranges::find(open_, id, &Fault::id);
  return found == open_.end() ? nullptr : &*found;
}

work::FaultRules FaultDesk::rules() const {
  return {downtime_.rules().impacts, rules_.config().calendar};
}

std::vector<std::string> FaultDesk::announcements() const {
  std::vector<std::string> out;
  for (const auto& fault : open_) {
    if (!fault.told.empty()) out.push_back(work::words_now(fault, rules()));
  }
  return out;
}

Result<std::int64_t> FaultDesk::next_number() {
  if (!read()) return Error{Errc::unavailable, "The staff register cannot be read now"};
  return ++last_;
}

bool FaultDesk::may_report(uid_t account, const std::string& reporter) {
  if (open_.size() >= max_open_faults) return false;
  const auto theirs = std::ranges::count(open_, reporter, &Fault::reported_by);
  if (static_cast<std::size_t>(theirs) >= max_open_of_reporter) return false;
  auto& times = reports_[account];
  if (times.size() >= max_reports) return false;
  times.push_back(clock_.boot());
  return true;
}

void FaultDesk::take(Fault fault, FaultSaid said, audit::Record record) {
  const auto at = std::ranges::lower_bound(open_, fault.id, {}, &Fault::id);
  if (at != open_.end() && at->id == fault.id) {
    *at = fault;
  } else {
    open_.insert(at, fault);
  }
  std::erase_if(open_, [](const Fault& each) { return !is_open(each); });
  auto details = fault_details(fault, said);
  for (auto& [member, value] : record.details) details[member] = value;
  details["text"] = said == FaultSaid::reported ? fault.text : fault.told;
  record.details = std::move(details);
  if (!fault.outcome.empty()) record.reason = fault.outcome;
  recorder_.note(std::move(record));
  say(fault, said);
  save_later(fault);
  downtime_.look();
}

void FaultDesk::say(const Fault& fault, FaultSaid said) {
  const std::string text = work::words(fault, said, rules());
  json::object notice = fault_details(fault, said);
  notice["text"] = text;
  const bool everybody = work::is_for_everybody(fault, said);
  notice["for"] = everybody ? "everybody" : "team";
  // What anybody wrote, and nobody has looked at.
  const bool raw = fault.told.empty() && !fault.reported_by.empty();
  using To = DowntimeDesk::To;
  downtime_.spread(audit::Event::fault, std::move(notice),
                   everybody ? To::everybody
                   : raw     ? To::team_only
                             : To::team);
  if (everybody) return;
  auto mark = fmt::format("fault-{}-{}-{}", fault.id, work::name(said), to_unix_seconds(clock_.now()));
  const bool came_of_it = said == FaultSaid::classed || said == FaultSaid::joined ||
                          said == FaultSaid::passed_on || said == FaultSaid::closed;
  if (came_of_it && is_person(fault.reported_by))
    boost::asio::co_spawn(io_, notices_.tell_one(fault.reported_by, mark, text), boost::asio::detached);
  if (said != FaultSaid::joined)
    boost::asio::co_spawn(io_, tell_team(std::move(mark), text), boost::asio::detached);
}

boost::asio::awaitable<void> FaultDesk::tell_team(std::string mark, std::string text) {
  const auto members = notices_.members_of_team();
  if (!members) {
    log(audit::Event::notice_lost, "The team could not be told of a fault: " + members.error().message());
    co_return;
  }
  auto telling = notices_.tell(*members, mark, text);
  co_await std::move(telling);
}

void FaultDesk::save_later(const Fault& fault) {
  owed_[fault.id] = fault;
  if (saving_.insert(fault.id).second) boost::asio::co_spawn(io_, save(fault.id), boost::asio::detached);
}

void FaultDesk::save_owed() {
  const auto owed = owed_;
  for (const auto& [id, fault] : owed) save_later(fault);
}

boost::asio::awaitable<void> FaultDesk::save(std::int64_t id) {
  while (owed_.contains(id) && !sessions_.stopping()) {
    const Fault fault = owed_.at(id);
    const std::function<Result<void>(reg::Register&)> work = [fault](reg::Register& staff) {
      return staff.save_fault(fault);
    };
    auto writing = register_.write<void>(work);
    const auto written = co_await std::move(writing);
    if (!written) break;  // save_owed() comes when the register can be written again
    if (const auto now = owed_.find(id); now != owed_.end() && now->second == fault) owed_.erase(now);
  }
  saving_.erase(id);
}

}  // namespace cardgate::daemon
