// SPDX-License-Identifier: Apache-2.0
#include "audit/comparison.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "audit/line.hpp"

namespace cardgate::audit {
namespace {

using Entry = CheckpointBook::Entry;

std::string name_of_entry(const Entry& entry) {
  return fmt::format("the checkpoint with sequence {} of {}", entry.sequence, entry.time);
}

/// Where the two histories still were one.
std::string up_to(const Comparison& found, const Entry& missed) {
  const Entry* last = nullptr;
  for (const auto& entry : found.seen) {
    if (entry.sequence < missed.sequence && entry.time <= missed.time) last = &entry;
  }
  return last == nullptr ? std::string("No earlier checkpoint stands in it")
                         : fmt::format("Up to sequence {} ({}) the log is the one that was signed",
                                       last->sequence, last->time);
}

/// Checkpoints of both histories by turns: while one service wrote this log, another one wrote the other. Gives one of this log
/// from that time.
const Entry* overlap(const Comparison& found, const std::vector<Entry>& missed) {
  const auto [first, last] = std::ranges::minmax_element(missed, {}, &Entry::time);
  const auto between = std::ranges::find_if(
      found.seen, [&](const Entry& entry) { return entry.time > first->time && entry.time < last->time; });
  return between == found.seen.end() ? nullptr : &*between;
}

void judge_beyond(const Comparison& found, Report& report) {
  const auto& newest = found.beyond.back();
  const std::string gone = fmt::format("records {} to {} are gone", report.last + 1, newest.sequence);
  if (found.head_cut) {
    report.problems.push_back(fmt::format(
        "the log's end was cut off: it ends at sequence {} ({}), and {} is signed with its key; {}",
        report.last, report.last_time, name_of_entry(newest), gone));
  } else if (report.last_time > newest.time) {
    report.problems.push_back(
        fmt::format("an older copy of the log was put back, and the service went on with it: {} is signed "
                    "with the log's key, "
                    "and the log, which goes on to {}, does not have it. {}",
                    name_of_entry(newest), report.last_time, up_to(found, found.beyond.front())));
  } else {
    report.problems.push_back(fmt::format(
        "an older copy of the log was put back, or its end was cut off together with 'head': it ends at "
        "sequence {} ({}), and {} is signed with its key; {}",
        report.last, report.last_time, name_of_entry(newest), gone));
  }
}

void judge_replaced(const Comparison& found, Report& report) {
  const auto& first = found.replaced.front();
  const auto& last = found.replaced.back();
  const std::string common = up_to(found, first.entry);
  if (!first.time_there.empty() && first.time_there > last.entry.time) {
    report.problems.push_back(fmt::format(
        "an older copy of the log was put back, and the service went on with it: {} is signed with the log's "
        "key, and the log has another record in that place, of {}. {}; what was recorded from then to {} is "
        "gone",
        name_of_entry(first.entry), first.time_there, common, last.entry.time));
  } else {
    report.problems.push_back(fmt::format(
        "the log was rewritten: {} is signed with its key, and the log has another record in that place. {}; "
        "what stands behind that is not what was signed then",
        name_of_entry(first.entry), common));
  }
}

/// Checkpoints of this log's keys that are not in it.
void judge_missed(const Comparison& found, Report& report) {
  std::vector<Entry> missed = found.beyond;
  for (const auto& replaced : found.replaced) missed.push_back(replaced.entry);
  if (missed.empty()) return;
  const Entry* meanwhile = overlap(found, missed);
  if (meanwhile != nullptr) {
    report.problems.push_back(fmt::format(
        "two services wrote a log with this key at the same time, and this is one of the two: {} is "
        "not in it, although {} is",
        name_of_entry(missed.back()), name_of_entry(*meanwhile)));
  } else if (!found.replaced.empty()) {
    judge_replaced(found, report);
  } else {
    judge_beyond(found, report);
  }
}

/// What is not signed with a key of this log can be passed over only by who knows better than the log whose it is.
void judge_unknown(const Comparison& found, Report& report) {
  if (found.unknown.empty()) return;
  const auto own = std::ranges::find_if(
      found.unknown, [&](const Entry& entry) { return !entry.log.empty() && entry.log == report.log_id; });
  if (own != found.unknown.end()) {
    report.problems.push_back(
        fmt::format("whether this is the whole log cannot be judged: {} is of this log by its id, and is "
                    "signed with {}, which is no "
                    "key of this log. An older copy from before the key was changed was put back, or "
                    "somebody made that checkpoint",
                    name_of_entry(*own), own->key.empty() ? "another key" : "the key " + own->key));
  } else if (!report.key_pinned) {
    report.problems.push_back(
        fmt::format("the checkpoints are signed with more than one key, and the log's own ({}) was not "
                    "given: {} is not signed with it. "
                    "Give --key, a copy of key.pub that was kept elsewhere, to say which are this log's",
                    key_id(report.key), name_of_entry(found.unknown.front())));
  } else {
    report.notes.push_back(
        fmt::format("{} checkpoints that are not signed with a key of this log were passed over, the first "
                    "with sequence {} of {}",
                    found.unknown.size(), found.unknown.front().sequence, found.unknown.front().time));
  }
}

/// Checkpoints of other logs: a forger without the key can give their log any id.
void judge_foreign(const Comparison& found, Report& report) {
  if (found.foreign.empty()) return;
  if (report.key_pinned) {
    report.notes.push_back(
        fmt::format("{} checkpoints of other logs were passed over", found.foreign.size()));
  } else {
    report.problems.push_back(
        fmt::format("the checkpoints are of more than one log: {} is of the log {}, and this one's id is {}. "
                    "Give --key, a copy of "
                    "key.pub that was kept elsewhere, to say which is yours",
                    name_of_entry(found.foreign.front()), found.foreign.front().log, report.log_id));
  }
}

/// Not one of the checkpoints is this log's.
void judge_strangers(const Comparison& found, Report& report) {
  if (!found.foreign.empty()) {
    report.problems.push_back(
        fmt::format("none of the checkpoints is of this log: its id is {}, and {} is of the log {}. The log "
                    "was copied from "
                    "another machine, or it was begun anew, or these are another machine's checkpoints",
                    report.log_id, name_of_entry(found.foreign.back()), found.foreign.back().log));
  } else {
    const auto& newest = found.unknown.back();
    report.problems.push_back(fmt::format(
        "none of the checkpoints is signed with a key of this log ({}): {} is signed with {}. The whole log "
        "was "
        "made anew with another key, or it is another machine's, or these are another machine's checkpoints",
        key_id(report.key), name_of_entry(newest),
        newest.key.empty() ? "another key" : "the key " + newest.key));
  }
}

}  // namespace

void judge(const Comparison& found, Report& report) {
  report.compared = found.seen.size();
  if (!found.seen.empty()) report.compared_last = found.seen.back().sequence;
  judge_missed(found, report);
  const bool any = !found.seen.empty() || !found.replaced.empty() || !found.beyond.empty();
  if (!any && (!found.foreign.empty() || !found.unknown.empty())) return judge_strangers(found, report);
  judge_foreign(found, report);
  judge_unknown(found, report);
  if (!found.deleted.empty()) {
    report.notes.push_back(
        fmt::format("{} checkpoints are older than the first record that is kept, and could not be compared",
                    found.deleted.size()));
  }
}

}  // namespace cardgate::audit
