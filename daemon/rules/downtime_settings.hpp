// SPDX-License-Identifier: Apache-2.0
// The config's `downtime`: what holds for every downtime, and notices that stand in the file itself. Values.
#pragma once

#include <array>
#include <filesystem>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/strict_yaml.hpp"

namespace cardgate::daemon {

/// One that stands in the file: it is shown, and does nothing else.
struct FixedNotice {
  std::string severity;  // critical, high, moderate, standard
  WallTime from, until;
  std::string text;
  friend bool operator==(const FixedNotice&, const FixedNotice&) = default;
};

/// The times agreed for faults of one severity.
struct Impact {
  std::string means;  // for people
  milliseconds answer, repair;
};

/// What people of a team do while a role cannot be had.
struct ContinuityPlan {
  std::string team;  // "": of whoever is in no other team that has one
  std::string text, place, telephone, owner;
  Date reviewed;
  std::chrono::days good_for{365};
};

struct DowntimeSettings {
  std::vector<FixedNotice> fixed;
  std::vector<milliseconds> announce{std::chrono::days(7), std::chrono::hours(24), std::chrono::hours(1),
                                     std::chrono::minutes(10)};
  milliseconds drain = std::chrono::minutes(5);
  std::vector<std::string> open_roles;  // that go on while it lasts, besides those that manage it
  std::filesystem::path motd;           // empty: none is written
  std::filesystem::path hook;           // the socket that takes notices; empty: none
  // critical, high, moderate, standard
  std::array<Impact, 4> impact{{{"nobody can work", std::chrono::minutes(15), std::chrono::hours(4)},
                                {"a department cannot work", std::chrono::hours(1), std::chrono::hours(8)},
                                {"people work more slowly", std::chrono::hours(4), std::chrono::hours(48)},
                                {"somebody is held up", std::chrono::hours(24), std::chrono::hours(120)}}};
  std::vector<ContinuityPlan> continuity;
};

/// A map; or a list, which is `fixed` alone. Errors: config_invalid.
Result<DowntimeSettings> read_downtime(const Yaml& node);

}  // namespace cardgate::daemon
