// SPDX-License-Identifier: Apache-2.0
#include "audit/report/outages.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

namespace cardgate::audit::report {
namespace {

std::optional<WallTime> moment_of(const Entry& entry, std::string_view key) {
  const auto time = parse_rfc3339(entry.text(key));
  if (!time) return std::nullopt;
  return *time;
}

double percent_left(milliseconds lost, milliseconds whole) {
  return 100.0 * (1.0 - static_cast<double>(lost.count()) / static_cast<double>(whole.count()));
}

}  // namespace

void Outages::add(Span span) {
  if (span.to <= span.from) return;
  if (spans_.size() < most_spans) {
    spans_.push_back(std::move(span));
  } else {
    ++left_out_;
  }
}

void Outages::take(const Entry& entry) {
  if (entry.is(Event::stop)) {
    stopped_ = entry.time;
    stop_record_ = entry.seq;
    orderly_ = true;
  } else if (entry.is(Event::start)) {
    // Without a record of a stop it had ended some time after the last one.
    if (last_ != WallTime{})
      add({stopped_.value_or(last_), entry.time, false,
           orderly_ ? "the service was stopped" : "the service ended without a stop", entry.seq});
    stopped_.reset();
    orderly_ = false;
  } else if (entry.is(Event::downtime)) {
    const auto id = entry.number("downtime").value_or(0);
    const auto act = entry.text("act");
    const bool planned = entry.text("kind") == "planned";
    const auto begun = [&](WallTime at) {
      return Span{
          at, {}, planned, fmt::format("{} {}", planned ? "planned downtime" : "emergency", id), entry.seq};
    };
    if ((act == "began" || (act == "declared" && entry.flag("closes"))) && open_.size() < most_spans) {
      open_.try_emplace(id, begun(entry.time));
    } else if (act == "ended") {
      const auto end = moment_of(entry, "ended_at").value_or(entry.time);
      if (const auto found = open_.find(id); found != open_.end()) {
        found->second.to = end;
        add(found->second);
        open_.erase(found);
      } else if (const auto from = moment_of(entry, "begins_at"); from && entry.flag("closes")) {
        auto hidden = begun(*from);
        hidden.to = end;
        add(std::move(hidden));
      }
    }
  }
  // Between a stop and the next start the log itself may write a line.
  if (entry.info != nullptr && !entry.info->internal) last_ = entry.time;
}

Outages::Sum Outages::sum(WallTime from, WallTime to, WallTime now) const {
  Sum out;
  out.left_out = left_out_;
  to = std::min(to, std::max(now, from));
  auto all = spans_;
  for (const auto& [id, span] : open_) {
    all.push_back(span);
    all.back().to = to;
  }
  if (stopped_) all.push_back({*stopped_, to, false, "the service is stopped", stop_record_});
  for (auto& span : all) {
    span.from = std::max(span.from, from);
    span.to = std::min(span.to, to);
    if (span.from < span.to) out.spans.push_back(std::move(span));
  }
  std::ranges::sort(out.spans, {}, [](const Span& each) { return std::tuple(each.from, each.to); });
  const auto whole = to - from;
  if (whole <= milliseconds(0)) return out;
  // What is lost of the time that `fits` selects, each moment once.
  const auto lost = [&](auto fits) {
    milliseconds sum_of_them{0};
    WallTime counted = from;
    for (const auto& span : out.spans) {
      if (!fits(span) || span.to <= counted) continue;
      sum_of_them += span.to - std::max(span.from, counted);
      counted = span.to;
    }
    return sum_of_them;
  };
  const auto both = lost([](const Span&) { return true; });
  out.unplanned = lost([](const Span& span) { return !span.planned; });
  out.planned = both - out.unplanned;
  out.available = percent_left(both, whole);
  out.available_but_planned = percent_left(out.unplanned, whole);
  return out;
}

}  // namespace cardgate::audit::report
