// SPDX-License-Identifier: Apache-2.0
// Reports from the audit log, in one pass over its records and in bounded memory:
//
//   line of the log -> EntryReader -> Kind (usage, misuse, controls, kpi) -> Report -> render.hpp
//
// A report proves nothing about the log: `cardgate audit verify` does. Nothing here opens a file but make(). One thread.
#pragma once

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "audit/report/entry.hpp"
#include "audit/report/model.hpp"
#include "audit/report/standing.hpp"
#include "base/result.hpp"

namespace cardgate::audit::report {

/// How long before the period a report reads, to know what was usual and what went on when it began.
inline constexpr std::chrono::days read_before{90};

struct Ask {
  std::string kind;  // usage, misuse, controls or kpi
  WallTime from{}, to{}, now{};
  Calendar calendar{};
  const Standing* standing = nullptr;  // nothing: from the log alone; the report says what it could not see
  /// Only the staff of these line managers; empty: everybody. The report is `team_of`'s, who is no part of it.
  std::vector<std::string> managers = {};
  std::string team_of = {};

  bool is_of_team() const { return !team_of.empty(); }
  bool is_staff(std::string_view manager) const {
    return std::ranges::find(managers, manager) != managers.end();
  }
};

/// The kinds that there are, in the order in which people are told of them.
const std::vector<std::string>& kinds();

/// One kind of report in the making. It is given every record from `read_before` before the period up to its end, in order.
class Kind {
 public:
  virtual ~Kind() = default;
  Kind(const Kind&) = delete;
  Kind& operator=(const Kind&) = delete;
  virtual void take(const Entry& entry, bool in_period) = 0;
  /// Title, figures and sections.
  virtual void finish(Report& report) = 0;
  /// Does it need the log at all?
  virtual bool reads_log() const { return true; }

 protected:
  Kind() = default;
};

std::unique_ptr<Kind> usage(const Ask& ask);
std::unique_ptr<Kind> misuse(const Ask& ask);
std::unique_ptr<Kind> controls(const Ask& ask);
std::unique_ptr<Kind> kpi(const Ask& ask);

/// Lines in, a report out: what make() is without the files. Lines that cannot be read are counted and told of.
class Maker {
 public:
  /// Errors: invalid_argument (no such kind, a period that ends before it begins; in words for people).
  static Result<Maker> of(const Ask& ask);
  /// A line without its newline. False: the period is over, and nothing behind it matters.
  bool line(std::string_view raw);
  void add_not_seen(std::string sentence) { not_seen_.push_back(std::move(sentence)); }
  bool reads_log() const { return kind_->reads_log(); }
  Report finish();

 private:
  explicit Maker(const Ask& ask);
  bool is_of_others(std::string_view person) const;

  Ask ask_;
  std::unique_ptr<EntryReader> reader_;
  std::unique_ptr<Kind> kind_;
  std::vector<std::string> not_seen_;
  std::uint64_t records_ = 0, first_ = 0, last_ = 0, unreadable_ = 0, unknown_ = 0;
  std::string first_problem_;
  std::string first_unknown_;
  bool newer_ = false;
  WallTime begins_{};  // the time of the first record that was read
};

/// How far a walk is, for a progress bar. Read on another thread.
struct Progress {
  std::atomic<std::uint64_t> bytes{0}, of{0};
  std::atomic<bool> stop{false};  // ends the walk with cancelled
  const std::atomic<bool>* stop_too = nullptr;
  std::optional<BootTime> until{};  // ends it with timeout
};

/// Walks the log. Errors: as Maker::of(), not_found (no log), permission_denied, io, cancelled.
Result<Report> make(const std::filesystem::path& directory, const Ask& ask, Progress& progress);

}  // namespace cardgate::audit::report
