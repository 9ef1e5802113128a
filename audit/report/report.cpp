// SPDX-License-Identifier: Apache-2.0
#include "audit/report/report.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <system_error>

#include "audit/layout.hpp"
#include "audit/line.hpp"
#include "audit/segment_reader.hpp"
#include "base/file.hpp"
#include "base/shown.hpp"

namespace cardgate::audit::report {
namespace {

/// The first line of a segment tells from when it is. Nothing: it cannot be read.
std::optional<WallTime> begin_of(const std::filesystem::path& segment) {
  const FileDescriptor file(::open(segment.c_str(), O_RDONLY | O_CLOEXEC));
  std::array<char, 512> start{};
  if (!file || ::pread(file.get(), start.data(), start.size(), 0) <= 0) return std::nullopt;
  const std::string_view text(start.data(), start.size());
  constexpr std::string_view key = "\"time\":\"";
  const auto at = text.find(key);
  if (at == std::string_view::npos) return std::nullopt;
  const auto end = text.find('"', at + key.size());
  if (end == std::string_view::npos) return std::nullopt;
  const auto time = parse_rfc3339(text.substr(at + key.size(), end - at - key.size()));
  if (!time) return std::nullopt;
  return *time;
}

/// The segments that may have a record between two moments.
std::vector<SegmentFile> segments_between(std::vector<SegmentFile> all, WallTime from, WallTime to) {
  std::size_t first = 0;
  std::size_t end = all.size();
  for (std::size_t i = 1; i < all.size(); ++i) {
    const auto begin = begin_of(all[i].path);
    if (!begin) continue;
    if (*begin <= from) first = i;
    // A clock that was set back may have put an earlier record behind a later one: a day is left for that.
    if (*begin > to + std::chrono::days(1)) {
      end = i;
      break;
    }
  }
  return {all.begin() + static_cast<std::ptrdiff_t>(first), all.begin() + static_cast<std::ptrdiff_t>(end)};
}

/// `take` returns false to end the walk; the result says whether it went to the end of the segment.
Result<bool> walk(const std::filesystem::path& path, Progress& progress,
                  const std::function<bool(std::string_view)>& take,
                  const std::function<void(std::string)>& damaged) {
  auto segment = TRY(SegmentReader::open(path));
  std::uint64_t counted = 0;
  const auto look_up = [&]() -> Result<void> {
    progress.bytes += segment.good_bytes() - counted;
    counted = segment.good_bytes();
    if (progress.stop || (progress.stop_too != nullptr && *progress.stop_too))
      return Error{Errc::cancelled, "it was stopped"};
    if (progress.until && BootClock::now() > *progress.until)
      return Error{Errc::timeout, "it takes too long"};
    return {};
  };
  constexpr std::uint64_t look_up_every = 1UL << 20;
  for (;;) {
    if (segment.good_bytes() - counted >= look_up_every) TRY(look_up());
    auto found = TRY(segment.next());
    if (found.too_long) {
      damaged(fmt::format("{} has a line that is longer than any record.", path.filename().string()));
      continue;
    }
    if (found.line.empty()) {
      TRY(look_up());
      return true;
    }
    found.line.remove_suffix(1);
    if (!take(found.line)) return false;
  }
}

using MakeKind = std::unique_ptr<Kind> (*)(const Ask&);
struct NamedKind {
  std::string_view name;
  MakeKind make;
};
constexpr std::array all_kinds{NamedKind{"controls", controls}, NamedKind{"usage", usage},
                               NamedKind{"misuse", misuse}, NamedKind{"kpi", kpi}};

}  // namespace

const std::vector<std::string>& kinds() {
  static const auto names = [] {
    std::vector<std::string> out;
    for (const auto& each : all_kinds) out.emplace_back(each.name);
    return out;
  }();
  return names;
}

Maker::Maker(const Ask& ask) : ask_(ask), reader_(std::make_unique<EntryReader>()) {}

Result<Maker> Maker::of(const Ask& ask) {
  const auto kind = std::ranges::find(all_kinds, std::string_view(ask.kind), &NamedKind::name);
  if (kind == all_kinds.end())
    return Error{Errc::invalid_argument, fmt::format("there is no report called \"{}\"; there are: {}",
                                                     shown_text(ask.kind), fmt::join(kinds(), ", "))};
  if (ask.to <= ask.from)
    return Error{Errc::invalid_argument, "the period ends before it begins: give the earlier time as --from"};
  Maker out(ask);
  out.kind_ = kind->make(out.ask_);
  return out;
}

/// Of a report on a team: somebody who is not in it, whoever asks included. With a team, the standing holds its people.
bool Maker::is_of_others(std::string_view person) const {
  if (!ask_.is_of_team()) return false;
  if (ask_.standing == nullptr || person == ask_.team_of) return true;
  const auto* known = ask_.standing->person(person);
  return known == nullptr || !ask_.is_staff(known->manager);
}

namespace {

/// When the service was there, which is nobody's business in particular.
bool is_of_the_service(const Entry& entry) {
  return entry.person.empty() && (entry.is(Event::start) || entry.is(Event::stop) ||
                                  entry.is(Event::downtime) || entry.is(Event::segment));
}

}  // namespace

bool Maker::line(std::string_view raw) {
  const auto read = reader_->read(raw);
  if (!read) {
    if (unreadable_++ == 0) first_problem_ = read.error().context;
    return true;
  }
  const Entry& entry = *read;
  if (begins_ == WallTime{}) begins_ = entry.time;
  if (entry.time >= ask_.to) return entry.time < ask_.to + std::chrono::days(1);
  if (entry.time < ask_.from - read_before) return true;
  const bool in_period = entry.time >= ask_.from;
  if (in_period) {
    ++records_;
    if (first_ == 0) first_ = entry.seq;
    last_ = entry.seq;
  }
  if (entry.info == nullptr) {
    if (unknown_++ == 0) first_unknown_ = entry.event;
    return true;
  }
  if (entry.is(Event::segment) && entry.number("format").value_or(0) > format_version) newer_ = true;
  if (!is_of_the_service(entry) && is_of_others(entry.person)) return true;
  kind_->take(entry, in_period);
  return true;
}

Report Maker::finish() {
  Report out;
  out.kind = ask_.kind;
  out.from = ask_.from;
  out.to = ask_.to;
  out.made_at = ask_.now;
  out.calendar = ask_.calendar;
  out.scope = !ask_.is_of_team()          ? "everybody"
              : ask_.managers.size() == 1 ? fmt::format("the team of {}", ask_.managers.front())
                                          : fmt::format("the teams of {}", fmt::join(ask_.managers, ", "));
  out.records = records_;
  out.first = first_;
  out.last = last_;
  if (kind_->reads_log()) {
    if (records_ == 0) out.not_seen.emplace_back("The log has no record in this period.");
    if (begins_ > ask_.from)
      out.not_seen.push_back(fmt::format("The log begins on {}. What was before that is not in this report.",
                                         ask_.calendar.moment_text(begins_)));
    if (unreadable_ > 0)
      out.not_seen.push_back(fmt::format(
          "The log is damaged: {} could not be read (the first: {}). To see where: cardgate audit "
          "verify",
          count_of(unreadable_, "line", "lines"), shown_text(first_problem_)));
    if (newer_ || unknown_ > 0)
      out.not_seen.push_back(fmt::format(
          "A newer version of cardgate wrote this log. {} of kinds that this version does not know{} are not "
          "in "
          "this report.",
          count_of(unknown_, "record", "records"),
          first_unknown_.empty() ? std::string() : fmt::format(" (as {})", shown_text(first_unknown_))));
  }
  if (ask_.standing == nullptr)
    out.not_seen.emplace_back(
        "Nothing says how people stand now (names, teams, leave, roles), so this report is from the log "
        "alone.");
  for (auto& sentence : not_seen_) out.not_seen.push_back(std::move(sentence));
  kind_->finish(out);
  // A finding about somebody who is not in the team, as who looked at its people, is not for its manager.
  for (auto& section : out.sections)
    std::erase_if(section.findings, [&](const Finding& one) { return is_of_others(one.person); });
  return out;
}

Result<Report> make(const std::filesystem::path& directory, const Ask& ask, Progress& progress) {
  auto maker = TRY(Maker::of(ask));
  if (!maker.reads_log()) return maker.finish();
  auto all = TRY(list_segments(directory));
  if (all.empty()) return Error{Errc::not_found, fmt::format("{}: no audit log here", directory.string())};
  const auto segments = segments_between(std::move(all), ask.from - read_before, ask.to);
  for (const auto& segment : segments) {
    std::error_code failed;
    const auto size = std::filesystem::file_size(segment.path, failed);
    if (!failed) progress.of += size;
  }
  for (const auto& segment : segments) {
    const auto more = walk(
        segment.path, progress, [&](std::string_view raw) { return maker.line(raw); },
        [&](std::string sentence) { maker.add_not_seen(std::move(sentence)); });
    if (!more && more.error().code == Errc::not_found) {
      maker.add_not_seen(fmt::format("{} was deleted while the report was made, as old files of the log are.",
                                     segment.path.filename().string()));
      continue;
    }
    if (!more) return more.error();
    if (!*more) break;
  }
  return maker.finish();
}

}  // namespace cardgate::audit::report
