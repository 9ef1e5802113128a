// SPDX-License-Identifier: Apache-2.0
#include "audit/filter.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "audit/people_in.hpp"

namespace cardgate::audit {
namespace {

std::string_view member_text(const json::object& object, std::string_view member) {
  const auto* text = find_string(object, member);
  return text == nullptr ? std::string_view() : std::string_view(*text);
}

bool is_refusal(std::string_view event) {
  static constexpr std::array refusals{Event::sign_in_refused, Event::token_refused, Event::client_refused,
                                       Event::card_refused,    Event::introspected,  Event::record_asked};
  return std::ranges::any_of(refusals, [&](Event each) { return name_of(each) == event; });
}

/// Records that have a reason only when it was refused.
bool has_reason_when_refused(std::string_view event) {
  static constexpr std::array events{Event::reload, Event::trust_files, Event::import};
  return std::ranges::any_of(events, [&](Event each) { return name_of(each) == event; });
}

/// Where a time stands in a line: behind {"seq":NUMBER,"time":" . Empty where the line is another.
std::string_view time_in(std::string_view line) {
  constexpr std::string_view before = ",\"time\":\"";
  constexpr std::size_t time_bytes = 24;
  const auto at = line.substr(0, 64).find(before);
  if (at == std::string_view::npos || line.size() < at + before.size() + time_bytes) return {};
  return line.substr(at + before.size(), time_bytes);
}

/// What is escaped in JSON is not found by its plain text.
bool plain_in_json(std::string_view text) {
  return text.find_first_of("\"\\") == std::string_view::npos;
}

bool contains(std::string_view line, std::string_view text) {
  return text.empty() || !plain_in_json(text) || line.find('\\') != std::string_view::npos ||
         line.find(text) != std::string_view::npos;
}

}  // namespace

std::string_view name(Outcome outcome) {
  static constexpr std::array<std::string_view, 3> names{"done", "refused", "not_done"};
  return names.at(static_cast<std::size_t>(outcome));
}

Outcome outcome_of(const json::object& record) {
  const auto reason = member_text(record, "reason");
  if (reason.starts_with("not done:")) return Outcome::not_done;
  std::string_view event = member_text(record, "event");
  if (event == name_of(Event::repeated)) {
    const auto* details = find_object(record, "details");
    if (details != nullptr) event = member_text(*details, "event");
    if (event == "others") return Outcome::refused;
  }
  if (is_refusal(event)) return Outcome::refused;
  if (!reason.empty() && has_reason_when_refused(event)) return Outcome::refused;
  if (event == name_of(Event::register_copied) && reason != "backup" && reason != "restore")
    return Outcome::refused;
  return Outcome::done;
}

bool Filter::may_fit(std::string_view line) const {
  if (!from.empty() || !before.empty()) {
    const auto time = time_in(line);
    if (!time.empty() && !from.empty() && time < from) return false;
    if (!time.empty() && !before.empty() && time >= before) return false;
  }
  return contains(line, event) && contains(line, person) && contains(line, session) && contains(line, role) &&
         contains(line, client) && contains(line, reason);
}

bool Filter::fits(const json::object& record) const {
  const auto has = [&](std::string_view member, const std::string& wanted) {
    return wanted.empty() || member_text(record, member) == wanted;
  };
  const auto holds = [&](std::string_view member, const std::string& wanted) {
    return wanted.empty() || member_text(record, member).find(wanted) != std::string_view::npos;
  };
  if (!own_lines && event.empty()) {
    const auto called = member_text(record, "event");
    if (called == name_of(Event::checkpoint) || called == name_of(Event::segment)) return false;
  }
  const auto time = member_text(record, "time");
  if (!from.empty() && time < from) return false;
  if (!before.empty() && time >= before) return false;
  if (!has("event", event) || !has("role", role) || !has("session", session)) return false;
  if (!holds("client", client) || !holds("reason", reason)) return false;
  if (!person.empty() && !(about_them ? has("person", person) : names(record, person))) return false;
  if (!outcome) return true;
  const auto came = outcome_of(record);
  return came == *outcome || (*outcome == Outcome::refused && came == Outcome::not_done);
}

Result<void> check(const Filter& filter) {
  if (!filter.event.empty() && find_event(filter.event) == nullptr) {
    std::string known;
    for (const auto& event : events()) {
      if (event.is_recorded()) known += fmt::format("{}{}", known.empty() ? "" : ", ", event.name);
    }
    return Error{Errc::invalid_argument,
                 fmt::format("no record is called \"{}\". They are: {}", filter.event.substr(0, 64), known)};
  }
  if (!filter.from.empty() && !filter.before.empty() && filter.before <= filter.from) {
    return Error{Errc::invalid_argument,
                 fmt::format("the time ends ({}) before it begins ({}), so no record can be in it",
                             filter.before, filter.from)};
  }
  return {};
}

}  // namespace cardgate::audit
