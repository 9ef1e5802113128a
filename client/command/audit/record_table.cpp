// SPDX-License-Identifier: Apache-2.0
#include "client/command/audit/record_table.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "audit/filter.hpp"
#include "base/day_text.hpp"
#include "client/shared/members.hpp"

namespace cardgate::client {
namespace {

constexpr std::size_t least_text = 24;    // of a sentence's lines, however narrow the terminal is
constexpr std::size_t event_column = 17;  // of most names
constexpr std::size_t wide_enough = 110;  // for a column of events

std::size_t shown_length(std::string_view text) {
  return static_cast<std::size_t>(
      std::ranges::count_if(text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

/// `text` behind `begin`, wrapped at blanks so that what goes on stands under where it began.
std::vector<std::string> hanging(std::string begin, std::string_view text, std::size_t width) {
  const std::size_t column = shown_length(begin);
  if (width == 0) return {begin + std::string(text)};
  const std::size_t room = std::max(least_text, width - std::min(width, column));
  std::vector<std::string> lines;
  std::string line = std::move(begin);
  std::size_t used = 0;
  while (!text.empty()) {
    const auto blank = std::min(text.find(' '), text.size());
    const auto word = text.substr(0, blank);
    text.remove_prefix(std::min(blank + 1, text.size()));
    const auto size = shown_length(word);
    if (used > 0 && used + 1 + size > room) {
      lines.push_back(std::move(line));
      line = std::string(column, ' ');
      used = 0;
    }
    if (used > 0) line += ' ';
    line += word;
    used += size + (used > 0 ? 1 : 0);
  }
  lines.push_back(std::move(line));
  return lines;
}

std::string text_in_details(const json::object& record, std::string_view member) {
  const auto* details = find_object(record, "details");
  return details == nullptr ? std::string() : text_of(*details, member);
}

}  // namespace

DayAndClock day_and_clock(const std::string& rfc3339, const Calendar& calendar) {
  const auto moment = parse_rfc3339(rfc3339);
  if (!moment) return {"(no time)", rfc3339};
  static constexpr std::array<std::string_view, 7> names{"Sunday",   "Monday", "Tuesday", "Wednesday",
                                                         "Thursday", "Friday", "Saturday"};
  const auto date = calendar.date_of(*moment);
  const auto [text, clock] = calendar.clockface(*moment);
  const std::chrono::weekday weekday{std::chrono::sys_days(date)};
  return {fmt::format("{} {} ({})", names.at(weekday.c_encoding()), day_text(date), clock), text.substr(11)};
}

std::vector<std::string> RecordTable::lines_of(const json::object& record, const audit::Speaker& speaker) {
  const auto [day, clock] = day_and_clock(text_of(record, "time"), calendar_);
  std::vector<std::string> out;
  if (day != day_) {
    if (!day_.empty()) out.emplace_back();
    out.push_back(day);
    day_ = day;
  }
  auto begin = fmt::format("{:>7}  {}  ", number_of(record, "seq"), clock);
  if (width_ == 0 || width_ >= wide_enough)
    begin += fmt::format("{:<{}}  ", text_of(record, "event"), event_column);
  for (auto& line : hanging(std::move(begin), audit::sentence(record, speaker), width_))
    out.push_back(std::move(line));
  return out;
}

std::vector<std::string> RecordStory::told() {
  std::vector<std::string> out;
  if (held_.times == 0) return out;
  auto text = held_.sentence;
  if (held_.times > 1) {
    const auto until = day_and_clock(held_.last_time, calendar_).clock;
    text += fmt::format(" The same {} more times, the last at {}.", held_.times - 1, until);
    if (held_.times == 2) text = fmt::format("{} The same once more at {}.", held_.sentence, until);
  }
  const auto [day, clock] = day_and_clock(held_.time, calendar_);
  if (day != day_) {
    if (!day_.empty()) out.emplace_back();
    out.push_back(day);
    day_ = day;
  } else if (held_.begins) {
    out.emplace_back();
  }
  for (auto& line : hanging(fmt::format("  {}  ", clock), text, width_)) out.push_back(std::move(line));
  held_ = {};
  return out;
}

std::vector<std::string> RecordStory::add(const json::object& record, const audit::Speaker& speaker) {
  if (!audit::is_told(record)) return {};
  auto sentence = audit::sentence(record, speaker);
  const auto key = text_of(record, "session") + "\n" + sentence;
  const auto time = text_of(record, "time");
  if (held_.times > 0 && held_.key == key) {
    ++held_.times;
    held_.last_time = time;
    return {};
  }
  auto out = told();
  held_ = {key, time, std::move(sentence), time, 1, text_of(record, "event") == "sign_in"};
  return out;
}

std::vector<std::string> RecordStory::finish() {
  return told();
}

std::vector<std::string> csv_heading() {
  return {"number", "time_utc", "time_local", "zone",   "event",  "outcome", "person", "role",
          "client", "session",  "by",         "reason", "policy", "text",    "details"};
}

std::vector<std::string> csv_row(const json::object& record, const Calendar& calendar,
                                 const audit::Speaker& speaker) {
  const auto time = text_of(record, "time");
  const auto moment = parse_rfc3339(time);
  const auto [local, zone] = moment ? calendar.clockface(*moment) : Calendar::Clockface{};
  const auto* details = find_object(record, "details");
  return {std::to_string(number_of(record, "seq")),
          time,
          local,
          zone,
          text_of(record, "event"),
          std::string(audit::name(audit::outcome_of(record))),
          text_of(record, "person"),
          text_of(record, "role"),
          text_of(record, "client"),
          text_of(record, "session"),
          text_in_details(record, "by"),
          text_of(record, "reason"),
          text_of(record, "policy"),
          audit::sentence(record, speaker),
          details == nullptr ? std::string() : json::serialize(*details)};
}

}  // namespace cardgate::client
