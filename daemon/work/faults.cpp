// SPDX-License-Identifier: Apache-2.0
#include "daemon/work/faults.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace cardgate::daemon::work {
namespace {

using reg::Fault;

Error fault_error(std::string text) {
  return {Errc::invalid_argument, std::move(text)};
}

/// By when what is still missing was to be done.
struct Late {
  std::optional<WallTime> answer;
  WallTime repair;
};
Late late_at(const Fault& fault, const FaultRules& rules) {
  const auto& times = impact_of(rules.impacts, fault.severity);
  Late out{std::nullopt, fault.reported_at + times.repair};
  if (fault.state == Fault::State::reported) out.answer = fault.reported_at + times.answer;
  return out;
}

std::string later_words(const Fault& fault, const Calendar& days) {
  std::string out;
  if (!fault.ticket.empty()) out += fmt::format(" It was passed on as {}.", fault.ticket);
  if (fault.expected) out += fmt::format(" It should be put right by {}.", days.moment_text(*fault.expected));
  return out;
}

}  // namespace

std::string_view name(FaultSaid said) {
  static constexpr std::array<std::string_view, 7> names{"reported",    "classed",     "joined", "passed_on",
                                                         "answer_late", "repair_late", "closed"};
  return names[static_cast<std::size_t>(said)];
}

bool is_for_everybody(const Fault& fault, FaultSaid said) {
  return !fault.told.empty() &&
         (said == FaultSaid::classed || said == FaultSaid::passed_on || said == FaultSaid::closed);
}

std::optional<FaultSaid> due(const Fault& fault, const FaultRules& rules, WallTime now) {
  const auto late = late_at(fault, rules);
  const auto is_due = [&](WallTime at) { return fault.told_at < at && at <= now; };
  if (is_due(late.repair)) return FaultSaid::repair_late;
  if (late.answer && is_due(*late.answer)) return FaultSaid::answer_late;
  return std::nullopt;
}

std::optional<WallTime> next_due(std::span<const Fault> open, const FaultRules& rules, WallTime now) {
  std::optional<WallTime> first;
  for (const auto& fault : open) {
    const auto late = late_at(fault, rules);
    for (const WallTime at : {late.answer.value_or(late.repair), late.repair}) {
      if (at > now && (!first || at < *first)) first = at;
    }
  }
  return first;
}

Result<Fault> class_fault(const Fault& fault, const FaultAsk& ask, const std::string& by, WallTime now) {
  if (!ask.severity || !is_severity(*ask.severity))
    return fault_error("Say how bad it is: critical, high, moderate or standard");
  Fault out = fault;
  out.state = Fault::State::classed;
  out.severity = *ask.severity;
  if (ask.told) out.told = *ask.told;
  if (ask.expected) out.expected = std::chrono::floor<seconds>(*ask.expected);
  out.classed_by = by;
  if (!out.classed_at) out.classed_at = std::chrono::floor<seconds>(now);
  if (ask.expected && *ask.expected <= now)
    return fault_error("The time by which it should be put right is in the past");
  return out;
}

Result<Fault> pass_on(const Fault& fault, const FaultAsk& ask, WallTime now) {
  if (!ask.ticket || ask.ticket->empty())
    return fault_error("Give the reference under which it was passed on");
  if (fault.state == Fault::State::reported)
    return fault_error(
        fmt::format("First say how bad it is: cardgate fault class {} --severity SEVERITY", fault.id));
  if (ask.expected && *ask.expected <= now)
    return fault_error("The time by which it should be put right is in the past");
  Fault out = fault;
  out.ticket = *ask.ticket;
  if (ask.expected) out.expected = std::chrono::floor<seconds>(*ask.expected);
  return out;
}

Result<Fault> join(const Fault& fault, const Fault& to, WallTime now) {
  if (fault.id == to.id) return fault_error("A fault cannot be joined to itself");
  Fault out = fault;
  out.state = Fault::State::joined;
  out.joined_to = to.id;
  out.closed_at = out.told_at = std::chrono::floor<seconds>(now);
  return out;
}

Fault close(const Fault& fault, std::string outcome, WallTime now) {
  Fault out = fault;
  out.state = Fault::State::closed;
  out.outcome = std::move(outcome);
  out.closed_at = out.told_at = std::chrono::floor<seconds>(now);
  return out;
}

std::string words(const Fault& fault, FaultSaid said, const FaultRules& rules) {
  const Calendar& days = rules.calendar;
  const std::string about = as_sentence(fault.told.empty() ? fault.text : fault.told);
  switch (said) {
    case FaultSaid::reported:
      return fmt::format(
          "Fault {} was reported: {} Say how bad it is: cardgate fault class {} --severity SEVERITY",
          fault.id, about, fault.id);
    case FaultSaid::classed:
    case FaultSaid::passed_on:
      return fmt::format(
          "Fault{}: {}{}",
          fault.severity.empty() ? "" : fmt::format(" ({})", severity_words(rules.impacts, fault.severity)),
          about, later_words(fault, days));
    case FaultSaid::joined:
      return fmt::format("Fault {} is the same as fault {}.", fault.id, fault.joined_to);
    case FaultSaid::answer_late:
      return fmt::format("Nobody has answered fault {} in the time agreed: {}", fault.id, about);
    case FaultSaid::repair_late:
      return fmt::format("Fault {} ({}) was not put right in the time agreed: {}", fault.id,
                         fault.severity.empty() ? "nobody has said how bad it is"
                                                : severity_words(rules.impacts, fault.severity),
                         about);
    case FaultSaid::closed:
      break;
  }
  return fmt::format("A fault is put right. {} {}", about, as_sentence(fault.outcome));
}

std::string words_now(const Fault& fault, const FaultRules& rules) {
  return words(fault, FaultSaid::classed, rules);
}

}  // namespace cardgate::daemon::work
