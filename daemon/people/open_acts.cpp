// SPDX-License-Identifier: Apache-2.0
#include "daemon/people/open_acts.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <mutex>

#include "daemon/limits.hpp"

namespace cardgate::daemon {
namespace {

constexpr const char* done_setting = "acts_done";  // ids, separated by spaces, the newest last
constexpr std::size_t ids_kept = 256;              // far more than are on their way at once

std::string member_text(const json::object& from, std::string_view member) {
  const auto* text = find_string(from, member);
  return text == nullptr ? std::string() : std::string(*text);
}

json::object record_json(const audit::Record& record) {
  return {{"event", record.event},   {"person", record.person},   {"role", record.role},
          {"client", record.client}, {"session", record.session}, {"reason", record.reason},
          {"policy", record.policy}, {"details", record.details}};
}

}  // namespace

json::object to_json(const OpenAct& act) {
  json::object out{{"id", act.id}, {"record", record_json(act.record)}, {"in_register", act.in_register}};
  if (act.taking) {
    out["recorded"] = act.recorded;
    out["notice"] = act.notice;
    out["person"] = act.person;
    out["taking"] = work::to_json(*act.taking);
  }
  return out;
}

Result<OpenAct> open_act_of(std::string_view text) {
  const auto value = TRY(parse_json(text));
  const auto* object = value.if_object();
  const auto* record = object == nullptr ? nullptr : find_object(*object, "record");
  const auto* known = object == nullptr ? nullptr : object->if_contains("in_register");
  if (record == nullptr || known == nullptr || !known->is_bool()) return Error{Errc::malformed, "not an act"};
  OpenAct act;
  act.id = member_text(*object, "id");
  act.in_register = known->get_bool();
  act.record.event = member_text(*record, "event");
  act.record.person = member_text(*record, "person");
  act.record.role = member_text(*record, "role");
  act.record.client = member_text(*record, "client");
  act.record.session = member_text(*record, "session");
  act.record.reason = member_text(*record, "reason");
  act.record.policy = member_text(*record, "policy");
  if (const auto* details = find_object(*record, "details")) act.record.details = *details;
  if (const auto* taking = find_object(*object, "taking")) {
    act.taking = TRY(work::taking_of(*taking));
    act.person = member_text(*object, "person");
    act.notice = member_text(*object, "notice");
    const auto* recorded = object->if_contains("recorded");
    act.recorded = recorded != nullptr && recorded->is_bool() && recorded->get_bool();
  }
  if (act.id.empty() || act.record.event.empty()) return Error{Errc::malformed, "not an act"};
  act.kept = true;
  return act;
}

/// The reserve: what OpenActs's own thread uses.
struct OpenActs::Disk {
  std::mutex mutex;  // of `problem`, which is also read elsewhere
  std::string problem;
  std::optional<Reserve> reserve;

  void say(const Result<void>& outcome) {
    const std::lock_guard lock(mutex);
    problem = outcome ? reserve->warning() : outcome.error().context;
  }
  bool add(const std::string& line, bool half) {
    if (!reserve || (half && reserve->used() > open_acts_bytes / 2)) return false;
    const std::vector<std::string> lines(1, line);
    const auto outcome = reserve->append(lines);
    say(outcome);
    return outcome.has_value();
  }
};

OpenActs::OpenActs(const std::filesystem::path& file, std::size_t bytes) : disk_(std::make_shared<Disk>()) {
  auto reserve = Reserve::open(file, bytes);
  if (!reserve) {
    disk_->problem = reserve.error().context;
    return;
  }
  std::size_t damaged = reserve->damaged();
  for (const auto& line : reserve->take_lines()) {
    if (line.starts_with("end ")) {
      std::erase_if(left_, [id = line.substr(4)](const OpenAct& act) { return act.id == id; });
      continue;
    }
    auto act = open_act_of(line);
    if (!act) {
      ++damaged;
      continue;
    }
    const auto earlier = std::ranges::find(left_, act->id, &OpenAct::id);
    if (earlier == left_.end()) {
      left_.push_back(*std::move(act));
    } else {
      *earlier = *std::move(act);
    }
  }
  disk_->problem = reserve->warning();
  if (damaged > 0)
    disk_->problem = fmt::format("{}: {} lines are damaged or were cut off", file.string(), damaged);
  for (const auto& act : left_) open_.insert(act.id);
  disk_->reserve.emplace(std::move(*reserve));
}

OpenActs::~OpenActs() {
  thread_.join();
}

std::string OpenActs::problem() const {
  const std::lock_guard lock(disk_->mutex);
  return disk_->problem;
}

boost::asio::awaitable<bool> OpenActs::begin(OpenAct act) {
  // Noted already, it stays noted as it was when this fails.
  const bool noted = !open_.insert(act.id).second;
  auto work = [disk = disk_, line = json::serialize(to_json(act)),
               half = !act.taking]() -> boost::asio::awaitable<bool> { co_return disk->add(line, half); };
  auto working = boost::asio::co_spawn(thread_, std::move(work), boost::asio::use_awaitable);
  const bool kept = co_await std::move(working);
  if (!kept && !noted) open_.erase(act.id);
  if (auto* mine = held(act.id)) mine->kept = kept || noted;
  co_return kept || noted;
}

void OpenActs::end(const std::string& id) {
  if (open_.erase(id) == 0) return;
  boost::asio::post(thread_, [disk = disk_, id, last = open_.empty()] {
    if (last && disk->reserve) {
      const auto cleared = disk->reserve->clear();
      disk->say(cleared);
      if (cleared) return;
    }
    disk->add("end " + id, false);
  });
}

void OpenActs::hold(const OpenAct& act) {
  held_.push_back(act);
}

void OpenActs::release(const std::string& id) {
  std::erase_if(held_, [&](const OpenAct& act) { return act.id == id; });
}

OpenAct* OpenActs::held(const std::string& id) {
  const auto found = std::ranges::find(held_, id, &OpenAct::id);
  return found == held_.end() ? nullptr : &*found;
}

const OpenAct* OpenActs::same(const std::string& person, const work::Taking& taking) const {
  const auto found = std::ranges::find_if(
      held_, [&](const OpenAct& act) { return act.person == person && work::same_end(*act.taking, taking); });
  return found == held_.end() ? nullptr : &*found;
}

Takings OpenActs::takings() const {
  Takings out;
  for (const auto& act : held_) out.all.emplace_back(act.person, *act.taking);
  return out;
}

void Takings::apply(reg::Person& person) const {
  for (const auto& [id, taking] : all) {
    if (id != person.id) continue;
    reg::Person next = person;
    // One that is in the register by now changes nothing.
    if (work::apply(next, taking)) person = std::move(next);
  }
}

std::vector<std::string> OpenActs::owed() const {
  std::vector<std::string> ids;
  for (const auto& act : held_) {
    if (act.owed) ids.push_back(act.id);
  }
  return ids;
}

Result<void> note_done(reg::Register& staff, const std::string& id) {
  std::string ids = TRY(staff.setting(done_setting));
  if (!ids.empty()) ids += ' ';
  ids += id;
  while (static_cast<std::size_t>(std::ranges::count(ids, ' ')) >= ids_kept) ids.erase(0, ids.find(' ') + 1);
  return staff.set_setting(done_setting, ids);
}

Result<bool> was_done(reg::Register& staff, const std::string& id) {
  const std::string ids = " " + TRY(staff.setting(done_setting))
  +" ";
  return ids.find(" " + id + " ") != std::string::npos;
}

}  // namespace cardgate::daemon
