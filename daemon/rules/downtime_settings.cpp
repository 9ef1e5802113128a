// SPDX-License-Identifier: Apache-2.0
#include "daemon/rules/downtime_settings.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace cardgate::daemon {
namespace {

Result<FixedNotice> read_fixed(const Yaml& node) {
  auto map = TRY(node.map());
  FixedNotice notice;
  const Yaml severity = TRY(map.required("severity"));
  notice.severity = TRY(severity.string());
  static constexpr std::array severities{"critical", "high", "moderate", "standard"};
  if (std::ranges::find(severities, notice.severity) == severities.end()) {
    return severity.error("expected critical, high, moderate or standard");
  }
  const auto time = [](const Yaml& item) -> Result<WallTime> {
    auto parsed = parse_rfc3339(TRY(item.string()));
    if (!parsed) return item.error("expected a time like 2026-01-31T09:30:00Z");
    return *parsed;
  };
  notice.from = TRY(time(TRY(map.required("from"))));
  const Yaml until = TRY(map.required("until"));
  notice.until = TRY(time(until));
  if (notice.until <= notice.from) return until.error("expected a time after 'from'");
  notice.text = TRY(TRY(map.required("text")).string());
  TRY(map.finish());
  return notice;
}

Result<std::vector<FixedNotice>> read_fixed_list(const Yaml& node) {
  std::vector<FixedNotice> out;
  for (const auto& item : TRY(node.list())) out.push_back(TRY(read_fixed(item)));
  return out;
}

Result<std::vector<milliseconds>> read_announce(const Yaml& node) {
  constexpr std::size_t most = 16;
  std::vector<milliseconds> out;
  for (const auto& item : TRY(node.list())) {
    const auto before = TRY(item.duration());
    if (before < seconds(1) || before > std::chrono::days(90)) return item.error("expected 1s to 90d");
    out.push_back(before);
  }
  if (out.size() > most) return node.error(fmt::format("expected at most {} times", most));
  return out;
}

Result<std::filesystem::path> read_file_path(const Yaml& node) {
  std::filesystem::path path = TRY(node.string());
  if (!path.is_absolute()) return node.error("expected an absolute path");
  return path.lexically_normal();
}

Result<void> read_impact(const Yaml& node, std::array<Impact, 4>& to) {
  static constexpr std::array names{"critical", "high", "moderate", "standard"};
  auto map = TRY(node.map());
  for (std::size_t i = 0; i < names.size(); ++i) {
    const auto entry = map.optional(names.at(i));
    if (!entry) continue;
    auto fields = TRY(entry->map());
    auto& impact = to.at(i);
    if (auto means = fields.optional("means")) impact.means = TRY(means->string());
    if (auto answer = fields.optional("answer")) impact.answer = TRY(answer->duration());
    if (auto repair = fields.optional("repair")) impact.repair = TRY(repair->duration());
    if (impact.answer < seconds(1) || impact.repair < impact.answer || impact.repair > std::chrono::days(90))
      return entry->error("expected an answer of 1s at least, and a repair that is not earlier, 90d at most");
    TRY(fields.finish());
  }
  return map.finish();
}

Result<ContinuityPlan> read_plan(const Yaml& node) {
  auto map = TRY(node.map());
  ContinuityPlan plan;
  if (auto team = map.optional("team")) plan.team = TRY(team->string());
  plan.text = TRY(TRY(map.required("text")).string());
  if (auto place = map.optional("place")) plan.place = TRY(place->string());
  if (auto telephone = map.optional("telephone")) plan.telephone = TRY(telephone->string());
  if (auto owner = map.optional("owner")) plan.owner = TRY(owner->string());
  plan.reviewed = TRY(TRY(map.required("reviewed")).date());
  if (auto good_for = map.optional("good_for")) {
    plan.good_for = std::chrono::floor<std::chrono::days>(TRY(good_for->duration()));
    if (plan.good_for < std::chrono::days(1) || plan.good_for > std::chrono::days(3660))
      return good_for->error("expected 1d to 3660d");
  }
  TRY(map.finish());
  return plan;
}

Result<std::vector<ContinuityPlan>> read_continuity(const Yaml& node) {
  constexpr std::size_t most = 500;
  std::vector<ContinuityPlan> out;
  for (const auto& item : TRY(node.list())) {
    auto plan = TRY(read_plan(item));
    if (std::ranges::find(out, plan.team, &ContinuityPlan::team) != out.end())
      return item.error("this team has a plan already");
    out.push_back(std::move(plan));
  }
  if (out.size() > most) return node.error(fmt::format("expected at most {} plans", most));
  return out;
}

}  // namespace

Result<DowntimeSettings> read_downtime(const Yaml& node) {
  DowntimeSettings out;
  if (node.list()) {
    out.fixed = TRY(read_fixed_list(node));
    return out;
  }
  auto map = TRY(node.map());
  if (auto fixed = map.optional("fixed")) out.fixed = TRY(read_fixed_list(*fixed));
  if (auto announce = map.optional("announce")) out.announce = TRY(read_announce(*announce));
  if (auto drain = map.optional("drain")) {
    out.drain = TRY(drain->duration());
    if (out.drain > std::chrono::hours(4)) return drain->error("expected 0s to 4h");
  }
  if (auto roles = map.optional("open_roles")) out.open_roles = TRY(roles->strings());
  if (auto motd = map.optional("motd")) out.motd = TRY(read_file_path(*motd));
  if (auto hook = map.optional("hook")) out.hook = TRY(read_file_path(*hook));
  if (auto impact = map.optional("impact")) TRY(read_impact(*impact, out.impact));
  if (auto continuity = map.optional("continuity")) out.continuity = TRY(read_continuity(*continuity));
  TRY(map.finish());
  return out;
}

}  // namespace cardgate::daemon
