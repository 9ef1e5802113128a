// SPDX-License-Identifier: Apache-2.0
#include "daemon/work/downtime.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace cardgate::daemon::work {
namespace {

using reg::Downtime;

constexpr std::chrono::days furthest_ahead{366};
constexpr std::chrono::days longest{31};

/// One thing that is to be said of a downtime at a time.
struct Point {
  WallTime at;
  Said said;
};

std::vector<Point> points_of(const Downtime& downtime, const DowntimeRules& rules) {
  std::vector<Point> out;
  if (downtime.kind == Downtime::Kind::emergency) {
    if (downtime.until) out.push_back({*downtime.until, Said::overdue});
    if (const auto agreed = impact_of(rules.impacts, downtime.severity).repair; agreed > milliseconds(0))
      out.push_back({downtime.from + agreed, Said::repair_late});
    std::ranges::stable_sort(out, {}, &Point::at);
    return out;
  }
  for (const auto before : rules.announce) out.push_back({downtime.from - before, Said::reminded});
  out.push_back({downtime.from, Said::began});
  if (downtime.until) out.push_back({*downtime.until, Said::ended});
  std::ranges::stable_sort(out, {}, &Point::at);
  return out;
}

/// An emergency lasts until somebody ends it, also when the clock is set back behind its beginning.
bool lasts(const Downtime& downtime, WallTime now) {
  if (downtime.state != Downtime::State::open) return false;
  return downtime.kind == Downtime::Kind::emergency || (downtime.from <= now && now < *downtime.until);
}

bool has_begun(const Downtime& downtime, WallTime now) {
  return downtime.kind == Downtime::Kind::emergency || downtime.from <= now;
}

bool closes_at(const Downtime& downtime, WallTime now) {
  return downtime.closes && lasts(downtime, now);
}

/// When sessions end by it; nothing: it is over before.
std::optional<WallTime> drained_at(const Downtime& downtime, const DowntimeRules& rules) {
  const WallTime at = downtime.from + rules.drain;
  if (!downtime.closes || (downtime.kind == Downtime::Kind::planned && at >= *downtime.until))
    return std::nullopt;
  return at;
}

Error not_so(std::string text) {
  return {Errc::invalid_argument, std::move(text)};
}

WallTime whole(WallTime time) {
  return std::chrono::floor<seconds>(time);
}

Result<void> check_times(WallTime from, WallTime until, WallTime now) {
  if (until <= from) return not_so("The end must be later than the beginning");
  if (until <= now) return not_so("The end is in the past");
  if (from - now > furthest_ahead) return not_so("A downtime can be planned at most one year ahead");
  if (until - from > longest) return not_so("A downtime can last 31 days at most");
  return {};
}

Result<void> check_severity(const std::string& word) {
  if (is_severity(word)) return {};
  return not_so("The severity must be critical, high, moderate or standard");
}

std::string called_kind(const Downtime& downtime) {
  return downtime.kind == Downtime::Kind::planned ? "Planned downtime" : "Emergency downtime";
}

std::string expected_words(const Downtime& downtime, const Calendar& days) {
  return downtime.until ? fmt::format(" It is expected to be over on {}.", days.moment_text(*downtime.until))
                        : " Nobody knows yet when it will be over.";
}

std::string announcement(const Downtime& downtime, const Calendar& days) {
  return fmt::format("{} ({}) from {} to {}. {}", called_kind(downtime), downtime.severity,
                     days.moment_text(downtime.from), days.moment_text(*downtime.until),
                     as_sentence(downtime.text));
}

std::string emergency_words(const Downtime& downtime, const DowntimeRules& rules) {
  const Calendar& days = rules.calendar;
  std::string text = fmt::format("{} ({}) since {}. {}", called_kind(downtime),
                                 severity_words(rules.impacts, downtime.severity),
                                 days.moment_text(downtime.from), as_sentence(downtime.text));
  if (!downtime.ticket.empty()) text += fmt::format(" It was passed on as {}.", downtime.ticket);
  return text + expected_words(downtime, days);
}

std::string began_words(const Downtime& downtime, const DowntimeRules& rules) {
  const Calendar& days = rules.calendar;
  std::string text = fmt::format(
      "The planned downtime has begun and lasts until {}. {} Nobody can sign in meanwhile, except for what "
      "goes on.",
      days.moment_text(*downtime.until), as_sentence(downtime.text));
  if (const auto end = drained_at(downtime, rules))
    text += fmt::format(" Save your work now: you will be signed out on {}, except from what goes on.",
                        days.moment_text(*end));
  return text;
}

}  // namespace

std::string as_sentence(std::string text) {
  if (text.empty() || text.ends_with('.') || text.ends_with('!') || text.ends_with('?')) return text;
  return text + ".";
}

bool is_severity(std::string_view word) {
  return std::ranges::find(severities, word) != std::end(severities);
}

std::string_view name(Said said) {
  static constexpr std::array<std::string_view, 10> names{"announced",   "reminded", "changed",  "extended",
                                                          "withdrawn",   "began",    "declared", "overdue",
                                                          "repair_late", "ended"};
  return names[static_cast<std::size_t>(said)];
}

const Impact& impact_of(const Impacts& impacts, std::string_view severity) {
  const auto found = std::ranges::find(severities, severity);
  const auto index = found == std::end(severities) ? 0 : std::distance(std::begin(severities), found);
  return impacts.at(static_cast<std::size_t>(index));
}

std::string severity_words(const Impacts& impacts, std::string_view severity) {
  const auto& means = impact_of(impacts, severity).means;
  return means.empty() || !is_severity(severity) ? std::string(severity)
                                                 : fmt::format("{}: {}", severity, means);
}

std::optional<Said> due(const Downtime& downtime, const DowntimeRules& rules, WallTime now) {
  std::optional<Said> last;
  for (const auto& point : points_of(downtime, rules)) {
    if (downtime.told_at < point.at && point.at <= now) last = point.said;
  }
  return last;
}

std::optional<WallTime> next_change(std::span<const Downtime> open, const DowntimeRules& rules,
                                    WallTime now) {
  std::optional<WallTime> first;
  const auto consider = [&](std::optional<WallTime> at) {
    if (at && *at > now && (!first || *at < *first)) first = at;
  };
  for (const auto& downtime : open) {
    for (const auto& point : points_of(downtime, rules)) consider(point.at);
    consider(drained_at(downtime, rules));
  }
  return first;
}

Closing closing_at(std::span<const Downtime> open, const DowntimeRules& rules, WallTime now) {
  Closing out;
  for (const auto& downtime : open) {
    const auto drained = drained_at(downtime, rules);
    if (drained && *drained > now && downtime.state == Downtime::State::open)
      out.sessions_end = std::min(out.sessions_end.value_or(*drained), *drained);
    if (!closes_at(downtime, now)) continue;
    out.sign_ins = true;
    out.since = std::min(out.since.value_or(downtime.from), downtime.from);
    out.sessions = out.sessions || (drained && *drained <= now);
  }
  if (!out.sign_ins) return out;
  // What begins before the last of them is over goes on with it. An emergency ends when somebody ends it: its end is expected.
  WallTime at = now;
  bool known = true;
  for (bool more = true; more;) {
    more = false;
    for (const auto& downtime : open) {
      if (!closes_at(downtime, at)) continue;
      const bool emergency = downtime.kind == Downtime::Kind::emergency;
      if (emergency && (!downtime.until || *downtime.until <= now)) {
        if (known) out.because = &downtime;
        known = false;
      } else if (*downtime.until > at) {
        if (known) out.because = &downtime;
        out.expected = emergency;
        at = *downtime.until;
        more = true;
      }
    }
  }
  if (known) out.reopens = at;
  return out;
}

Result<Downtime> plan(const DowntimeAsk& ask, WallTime now) {
  if (!ask.until) return not_so("Say when the downtime ends: a planned downtime needs an end");
  Downtime out;
  out.kind = Downtime::Kind::planned;
  out.from = whole(ask.from.value_or(now));
  out.until = whole(*ask.until);
  out.severity = ask.severity.value_or("standard");
  out.text = ask.text.value_or(std::string());
  out.made_at = whole(now);
  // One that begins at once is still to be said to have begun.
  out.told_at = std::min(out.made_at, out.from - seconds(1));
  if (out.from < out.made_at) return not_so("The downtime would begin in the past");
  TRY(check_severity(out.severity));
  TRY(check_times(out.from, *out.until, now));
  return out;
}

Result<Downtime> declare(const DowntimeAsk& ask, bool closes, WallTime now) {
  Downtime out;
  out.kind = Downtime::Kind::emergency;
  out.closes = closes;
  out.from = out.made_at = out.told_at = whole(now);
  if (ask.until) out.until = whole(*ask.until);
  out.severity = ask.severity.value_or("critical");
  out.ticket = ask.ticket.value_or(std::string());
  out.text = ask.text.value_or(std::string());
  TRY(check_severity(out.severity));
  if (out.until) TRY(check_times(out.from, *out.until, now));
  return out;
}

Result<Changed> change(const Downtime& downtime, const DowntimeAsk& ask, WallTime now) {
  Downtime next = downtime;
  const bool begun = has_begun(downtime, now);
  if (ask.from && whole(*ask.from) != downtime.from) {
    if (begun) return not_so("It has begun, so its beginning cannot be changed");
    next.from = whole(*ask.from);
    if (next.from < whole(now)) return not_so("The downtime would begin in the past");
  }
  if (ask.until) next.until = whole(*ask.until);
  if (ask.severity) next.severity = *ask.severity;
  if (ask.text) next.text = *ask.text;
  if (ask.ticket) {
    if (downtime.kind == Downtime::Kind::planned)
      return not_so("A planned downtime is not passed on, so it has no reference");
    next.ticket = *ask.ticket;
  }
  if (next == downtime) return not_so("That is what is planned already");
  TRY(check_severity(next.severity));
  const bool longer = next.until != downtime.until;
  if (next.until && (longer || next.from != downtime.from)) TRY(check_times(next.from, *next.until, now));
  next.told_at = begun ? whole(now) : std::min(whole(now), next.from - seconds(1));
  const bool extended = begun && downtime.until && next.until && *next.until > *downtime.until;
  return Changed{std::move(next), extended ? Said::extended : Said::changed};
}

Result<Downtime> withdraw(const Downtime& downtime, WallTime now) {
  if (has_begun(downtime, now))
    return not_so(
        fmt::format("It has begun, so it can only be ended: cardgate downtime end {}", downtime.id));
  Downtime out = downtime;
  out.state = Downtime::State::withdrawn;
  out.told_at = whole(now);
  out.ended_at = whole(now);
  return out;
}

Result<Downtime> end(const Downtime& downtime, std::string outcome, WallTime now) {
  if (!has_begun(downtime, now))
    return not_so(fmt::format("It has not begun, so it can only be withdrawn: cardgate downtime withdraw {}",
                              downtime.id));
  Downtime out = downtime;
  out.state = Downtime::State::ended;
  out.told_at = whole(now);
  out.ended_at = whole(now);
  out.outcome = std::move(outcome);
  return out;
}

Downtime ended_by_itself(Downtime downtime) {
  downtime.state = Downtime::State::ended;
  downtime.ended_at = downtime.until;
  return downtime;
}

std::string words(const Downtime& downtime, Said said, const DowntimeRules& rules) {
  const Calendar& days = rules.calendar;
  switch (said) {
    case Said::announced:
    case Said::reminded:
      return announcement(downtime, days);
    case Said::changed:
      return "Changed: " + (downtime.kind == Downtime::Kind::planned ? announcement(downtime, days)
                                                                     : emergency_words(downtime, rules));
    case Said::extended:
      return fmt::format("The downtime takes longer than was said. It is now expected to be over on {}. {}",
                         days.moment_text(*downtime.until), as_sentence(downtime.text));
    case Said::withdrawn:
      return fmt::format("The downtime that was planned from {} to {} does not take place. ({})",
                         days.moment_text(downtime.from), days.moment_text(*downtime.until), downtime.text);
    case Said::began:
      return began_words(downtime, rules);
    case Said::declared:
      return emergency_words(downtime, rules) +
             (downtime.closes ? " Nobody can sign in meanwhile, except for what goes on." : std::string());
    case Said::overdue:
      return fmt::format(
          "The emergency downtime lasts longer than expected. It was expected to be over on {}. {}",
          days.moment_text(*downtime.until), as_sentence(downtime.text));
    case Said::repair_late:
      return fmt::format(
          "The emergency downtime {} ({}) was not put right in the time agreed. {}{}", downtime.id,
          severity_words(rules.impacts, downtime.severity), as_sentence(downtime.text),
          downtime.ticket.empty()
              ? fmt::format(" Pass it on, and say so: cardgate downtime change {} --ticket REFERENCE",
                            downtime.id)
              : fmt::format(" It was passed on as {}.", downtime.ticket));
    case Said::ended:
      break;
  }
  // Its text says what to do instead, which nobody needs any more.
  return fmt::format("The {} is over. {}",
                     downtime.kind == Downtime::Kind::planned ? "downtime" : "emergency downtime",
                     downtime.outcome.empty() ? "You can sign in again." : as_sentence(downtime.outcome));
}

std::string words_now(const Downtime& downtime, const DowntimeRules& rules, WallTime now) {
  const Calendar& days = rules.calendar;
  if (downtime.kind == Downtime::Kind::emergency) return emergency_words(downtime, rules);
  if (downtime.from > now) return announcement(downtime, days);
  return fmt::format("{} ({}) until {}. {}", called_kind(downtime), downtime.severity,
                     days.moment_text(*downtime.until), as_sentence(downtime.text));
}

std::string closed_words(const Closing& closing, const DowntimeRules& rules) {
  const Calendar& days = rules.calendar;
  const std::string text = closing.because == nullptr ? std::string() : as_sentence(closing.because->text);
  if (!closing.reopens)
    return fmt::format("Closed because of downtime. {} Nobody knows yet when it will be over.", text);
  const auto until = days.moment_text(*closing.reopens);
  return closing.expected
             ? fmt::format("Closed because of downtime. {} It is expected to be over on {}.", text, until)
             : fmt::format("Closed because of downtime until {}. {}", until, text);
}

}  // namespace cardgate::daemon::work
