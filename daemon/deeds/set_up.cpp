// SPDX-License-Identifier: Apache-2.0
#include "daemon/deeds/set_up.hpp"

#include <algorithm>

#include "base/json.hpp"
#include "daemon/journal.hpp"

namespace cardgate::daemon {
namespace {

/// As it was written before teams were kept: the ids, separated by spaces.
std::vector<Awaited> ids_alone(std::string_view state) {
  std::vector<Awaited> out;
  while (!state.empty()) {
    const auto end = std::min(state.find(' '), state.size());
    if (end > 0) out.push_back({std::string(state.substr(0, end)), {}});
    state.remove_prefix(std::min(end + 1, state.size()));
  }
  return out;
}

}  // namespace

std::vector<Awaited> SetUp::still_to_come(std::string_view state) {
  if (state == closed) return {};
  const auto read = parse_json(state);
  const auto* list = read ? read->if_array() : nullptr;
  if (list == nullptr) return ids_alone(state);
  std::vector<Awaited> out;
  for (const auto& item : *list) {
    const auto* entry = item.if_object();
    const auto* id = entry == nullptr ? nullptr : find_string(*entry, "id");
    const auto* teams = entry == nullptr ? nullptr : find_array(*entry, "teams");
    if (id == nullptr || teams == nullptr) continue;
    Awaited one{std::string(*id), {}};
    for (const auto& team : *teams) {
      if (const auto* text = team.if_string()) one.teams.emplace_back(*text);
    }
    out.push_back(std::move(one));
  }
  return out;
}

std::string SetUp::text_of(const std::vector<Awaited>& all) {
  json::array list;
  for (const auto& one : all)
    list.push_back(json::object{{"id", one.id}, {"teams", json::array(one.teams.begin(), one.teams.end())}});
  return json::serialize(list);
}

boost::asio::awaitable<void> SetUp::signed_in(std::string person) {
  if (closed_) co_return;
  const std::function<Result<bool>(reg::Register&)> work = [person](reg::Register& staff) -> Result<bool> {
    const std::string state = TRY(staff.setting(setting));
    if (state == closed) return true;
    auto left = still_to_come(state);
    if (std::erase_if(left, [&](const Awaited& one) { return one.id == person; }) == 0) return false;
    TRY(staff.set_setting(setting, left.empty() ? std::string(closed) : text_of(left)));
    return left.empty();
  };
  auto outcome = co_await register_.write<bool>(work);
  if (!outcome) {
    log(Level::error, "It could not be kept whether set-up is closed: " + outcome.error().message());
    co_return;
  }
  if (!*outcome || std::exchange(closed_, true)) co_return;
  audit::Record record;
  record.event = name_of(audit::Event::setup);
  record.person = person;
  record.reason = "closed: both have signed in";
  recorder_.note(std::move(record));
  log(audit::Event::setup_closed, "Set-up is closed: both members of the team have signed in.");
}

}  // namespace cardgate::daemon
