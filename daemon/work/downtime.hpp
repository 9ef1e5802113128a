// SPDX-License-Identifier: Apache-2.0
// The rules of downtime, as values: what is in force at a moment, what is due to be said, what may be planned. Pure.
//
//   planned     announced -> said again at times before -> begun: no sign-ins -> drained: sessions end -> ended by itself
//   emergency   declared -> overdue, when it lasts longer than was expected -> ended by somebody, with its outcome
#pragma once

#include <array>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/calendar.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"
#include "register/downtime.hpp"

namespace cardgate::daemon::work {

inline constexpr std::string_view severities[] = {"critical", "high", "moderate", "standard"};
bool is_severity(std::string_view word);

/// What a severity means, for people, and the times that are agreed for it.
struct Impact {
  std::string means;
  milliseconds answer{0};  // until somebody has said how bad it is
  milliseconds repair{0};  // until it is over
};
/// In the order of `severities`.
using Impacts = std::array<Impact, 4>;
/// Of no severity yet: the first.
const Impact& impact_of(const Impacts& impacts, std::string_view severity);
/// "high: a department cannot work"
std::string severity_words(const Impacts& impacts, std::string_view severity);

struct DowntimeRules {
  std::vector<milliseconds> announce;  // so long before its beginning it is said again
  milliseconds drain{0};               // from its beginning until sessions end
  Calendar calendar = {};              // in whose time people are told
  Impacts impacts = {};                // an emergency lasts as long as is agreed at most, or that is told
};

/// What somebody wrote, with the full stop that they may have left out.
std::string as_sentence(std::string text);

/// What is said of a downtime. Each is one notice.
enum class Said : std::uint8_t {
  announced,
  reminded,
  changed,
  extended,  // it has begun, and takes longer than was said
  withdrawn,
  began,
  declared,
  overdue,      // an emergency that was expected to be over
  repair_late,  // an emergency that lasts longer than is agreed for its severity
  ended,
};
/// Stable codes for log, events and hooks: "announced", ...
std::string_view name(Said said);

/// What is due now and was not said yet: of several that are due, the last. Nothing: nothing is.
std::optional<Said> due(const reg::Downtime& downtime, const DowntimeRules& rules, WallTime now);
/// When look() of the owner has something to do next.
std::optional<WallTime> next_change(std::span<const reg::Downtime> open, const DowntimeRules& rules,
                                    WallTime now);

/// Of all together at one moment. Where several overlap, they are one closing.
struct Closing {
  bool sign_ins = false;                      // nobody signs in
  bool sessions = false;                      // drained: only the roles that go on are left
  std::optional<WallTime> since = {};         // while closed: when it began
  std::optional<WallTime> sessions_end = {};  // when they will, of what is ahead or draining
  std::optional<WallTime> reopens = {};       // while closed; nothing: nobody knows
  bool expected = false;                      // ... or so it is expected, of an emergency
  const reg::Downtime* because = nullptr;     // while closed: the one that lasts longest
};
Closing closing_at(std::span<const reg::Downtime> open, const DowntimeRules& rules, WallTime now);

/// What somebody asks for; of a change, what is absent stays.
struct DowntimeAsk {
  std::optional<WallTime> from, until;
  std::optional<std::string> severity, text;
  std::optional<std::string> ticket = {};  // of an emergency
};
/// Errors: invalid_argument, a sentence for people.
Result<reg::Downtime> plan(const DowntimeAsk& ask, WallTime now);
Result<reg::Downtime> declare(const DowntimeAsk& ask, bool closes, WallTime now);
struct Changed {
  reg::Downtime downtime;
  Said said;
};
Result<Changed> change(const reg::Downtime& downtime, const DowntimeAsk& ask, WallTime now);
/// Before it begins. Errors: as above.
Result<reg::Downtime> withdraw(const reg::Downtime& downtime, WallTime now);
/// While it lasts, by somebody. Errors: as above.
Result<reg::Downtime> end(const reg::Downtime& downtime, std::string outcome, WallTime now);
/// A planned one at its end, by itself.
reg::Downtime ended_by_itself(reg::Downtime downtime);

/// A sentence or two, for people.
std::string words(const reg::Downtime& downtime, Said said, const DowntimeRules& rules);
/// What holds of it now, for whoever signs in or looks: an announcement, or that it lasts.
std::string words_now(const reg::Downtime& downtime, const DowntimeRules& rules, WallTime now);
/// Why nobody signs in, and until when.
std::string closed_words(const Closing& closing, const DowntimeRules& rules);

}  // namespace cardgate::daemon::work
