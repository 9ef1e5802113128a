// SPDX-License-Identifier: Apache-2.0
// Records as people read them: a table by days, rows of CSV, and stories. Pure; thread-safe.
#pragma once

#include <string>
#include <vector>

#include "audit/sentence.hpp"
#include "base/calendar.hpp"
#include "base/json.hpp"

namespace cardgate::client {

/// Lines of a table, record by record: a heading where a day (or summer time) begins, then the number, the clock, the event and
/// what happened. One thread.
class RecordTable {
 public:
  /// `width`: of the lines; 0: each record on one line, however long.
  RecordTable(const Calendar& calendar, std::size_t width) : calendar_(calendar), width_(width) {}
  std::vector<std::string> lines_of(const json::object& record, const audit::Speaker& speaker);

 private:
  const Calendar& calendar_;
  std::size_t width_;
  std::string day_;
};

/// The same without numbers and events, for somebody who wants to know what went on. What repeats is told once, with how often.
class RecordStory {
 public:
  RecordStory(const Calendar& calendar, std::size_t width) : calendar_(calendar), width_(width) {}
  /// Oldest first. Lines come when it is known that nothing more of the same follows.
  std::vector<std::string> add(const json::object& record, const audit::Speaker& speaker);
  std::vector<std::string> finish();

 private:
  std::vector<std::string> told();

  const Calendar& calendar_;
  std::size_t width_;
  std::string day_;
  struct Held {
    std::string key, time, sentence, last_time;
    std::size_t times = 0;
    bool begins = false;  // a session
  } held_;
};

/// The names of the columns, and a record's.
std::vector<std::string> csv_heading();
std::vector<std::string> csv_row(const json::object& record, const Calendar& calendar,
                                 const audit::Speaker& speaker);

/// "Monday 2 March 2026 (GMT)" of a record's time, and "09:00:01".
struct DayAndClock {
  std::string day, clock;
};
DayAndClock day_and_clock(const std::string& rfc3339, const Calendar& calendar);

}  // namespace cardgate::client
