// SPDX-License-Identifier: Apache-2.0
#include "audit/checker.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "audit/comparison.hpp"
#include "audit/event.hpp"
#include "audit/layout.hpp"
#include "audit/scan.hpp"

namespace cardgate::audit {
namespace {

constexpr std::size_t max_problems = 100;

std::optional<PublicKey> key_detail(const Line& line, std::string_view name) {
  const json::string* text = find_string(line.details(), name);
  if (text == nullptr) return std::nullopt;
  const auto bytes = from_base64url(*text);
  PublicKey key{};
  if (!bytes || bytes->size() != key.size()) return std::nullopt;
  std::copy(bytes->begin(), bytes->end(), key.begin());
  return key;
}

std::string text_detail(const Line& line, std::string_view name) {
  const json::string* text = find_string(line.details(), name);
  return text == nullptr ? std::string() : std::string(*text);
}

/// What the checker itself must understand; all other records only have their place in the chain.
bool is_own_event(std::string_view event) {
  return event == "segment" || event == "checkpoint" || event == "retention" || event == "audit_key";
}

/// Without making a text of the hash: this is done for every line.
bool is_hash_of(std::string_view hex, const Digest& hash) {
  static constexpr std::string_view digits = "0123456789abcdef";
  std::array<char, 2 * sizeof(Digest)> text{};
  for (std::size_t i = 0; i < hash.size(); ++i) {
    text[2 * i] = digits[hash[i] >> 4U];
    text[2 * i + 1] = digits[hash[i] & 15U];
  }
  return hex == std::string_view(text.data(), text.size());
}

}  // namespace

Checker::Checker(Start start) : start_(std::move(start)) {
  if (start_.question.key) {
    report_.key = *start_.question.key;
    report_.key_pinned = true;
  }
  if (start_.question.record != 0) report_.proof.emplace();
  if (!start_.head) return;
  if (auto raw = parse_head(*start_.head)) head_raw_ = std::move(*raw);
}

void Checker::problem(std::string_view what) {
  if (report_.problems.size() == max_problems) report_.problems.emplace_back("and more");
  if (report_.problems.size() > max_problems) return;
  if (name_.empty()) {
    report_.problems.emplace_back(what);
    return;
  }
  if (!report_.first_bad) report_.first_bad = sequence_;
  report_.problems.push_back(
      fmt::format("{} line {} (sequence {}): {}", name_, line_number_, sequence_, what));
}

void Checker::note(std::string what) {
  if (report_.notes.size() < max_problems) report_.notes.push_back(std::move(what));
}

void Checker::begin_segment(std::string_view name) {
  name_ = name;
  line_number_ = 0;
  sequence_ = expected_;
  good_bytes_ = 0;
  torn_bytes_ = 0;
  ended_ = false;
  ++report_.segments;
}

void Checker::end_segment(std::uint64_t rest, std::uint64_t torn, bool newest) {
  const bool empty = line_number_ == 0;
  ++line_number_;
  sequence_ = expected_;
  torn_bytes_ = torn;
  report_.bytes += good_bytes_;
  if (!newest && rest > 0) problem("there are bytes behind the last line");
  if (newest && torn > 0) {
    report_.torn_tail = true;
    if (ended_) problem("there are bytes behind the segment's end");
  }
  if (empty) problem("the segment has no header");
  if (!newest && !ended_) problem("the segment does not end in a signed checkpoint");
  name_.clear();
}

void Checker::segment(std::string_view name, std::string_view content, bool newest) {
  begin_segment(name);
  std::string_view rest = content;
  while (!rest.empty()) {
    const std::size_t newline = rest.find('\n');
    if (newline == std::string_view::npos || rest.substr(0, newline).find('\0') != std::string_view::npos)
      break;
    line(rest.substr(0, newline + 1), blake2b(as_bytes(rest.substr(0, newline + 1))));
    rest.remove_prefix(newline + 1);
  }
  const std::size_t last = rest.find_last_not_of('\0');
  end_segment(rest.size(), last == std::string_view::npos ? 0 : last + 1, newest);
}

void Checker::long_line() {
  ++line_number_;
  sequence_ = expected_;
  ++report_.records;
  ++report_.unsigned_tail;
  problem(fmt::format("the line is longer than {} bytes", max_line_bytes));
  hash_known_ = false;
  ++expected_;
  forget_claims();
}

/// The writer puts the checkpoint right behind a record that has weight in the proof. Where another line follows, the record may be from
/// somebody who can write the disk and has no key, and was signed only with all else that a start found.
void Checker::forget_claims() {
  pending_retention_.reset();
  pending_key_.reset();
}

void Checker::line(std::string_view raw_with_newline, const Digest& hash) {
  const std::string_view raw = raw_with_newline.substr(0, raw_with_newline.size() - 1);
  ++line_number_;
  sequence_ = expected_;
  ++report_.records;
  ++report_.unsigned_tail;
  good_bytes_ += raw_with_newline.size();
  if (ended_) problem("a line follows the segment's end");
  const auto quick = scan_line(raw);
  if (quick && line_number_ != 1 && !is_own_event(quick->event)) {
    forget_claims();
    follow(quick->sequence, quick->prev);
    report_.last_time = quick->time;
    compare(quick->sequence, raw);
  } else {
    const auto parsed = parse_line(raw);
    if (!parsed || parsed->event != "checkpoint") forget_claims();
    if (!parsed) {
      problem(parsed.error().context);
    } else {
      follow(parsed->sequence, parsed->prev);
      report_.last_time = parsed->time;
      compare(parsed->sequence, raw);
      own_line(*parsed, raw);
    }
    if (!parsed) {
      hash_ = hash;
      hash_known_ = true;
      ++expected_;
      return;
    }
  }
  hash_ = hash;
  hash_known_ = true;
  expected_ = sequence_ + 1;
  report_.last = sequence_;
}

void Checker::follow(std::uint64_t sequence, std::string_view prev) {
  sequence_ = sequence;
  if (expected_ == 0) {
    report_.first = sequence_;
    first_prev_ = prev;
    if (sequence_ == 1 && prev != no_hash()) problem("the first line names a line before it");
  } else if (sequence_ == expected_) {
    if (hash_known_ && !is_hash_of(prev, hash_))
      problem("the hash does not fit: this line or the one before it was altered");
  } else if (line_number_ == 1 && sequence_ > expected_) {
    std::string what =
        fmt::format("lines {} to {} are missing: there is no segment for them", expected_, sequence_ - 1);
    for (const auto& name : start_.compressed) {
      const auto first = parse_segment_name(name.substr(0, segment_name(0).size()));
      if (first && *first >= expected_ && *first < sequence_)
        what += fmt::format(". {} lies there compressed: unpack it, and verify again", name);
    }
    problem(what);
  } else if (sequence_ + 1 == expected_ && prev == last_prev_) {
    problem(fmt::format(
        "sequence {} stands twice, both times behind the same line: two services wrote this log at "
        "the same time, or a line was inserted",
        sequence_));
  } else {
    problem(
        fmt::format("sequence {} was expected: lines are missing, inserted or in another order", expected_));
  }
  last_prev_ = prev;
}

void Checker::own_line(const Line& line, std::string_view raw) {
  if (line_number_ == 1) {
    header(line);
  } else if (line.event == "segment") {
    problem("a segment header inside a segment");
  }
  if (line.event == "checkpoint") checkpoint(line, raw);
  if (line.event == "retention") retention(line);
  if (line.event == "audit_key") {
    pending_key_ = key_detail(line, "key");
    if (!pending_key_) problem("the record of a new key does not name it");
  }
}

void Checker::retention(const Line& line) {
  const json::value* first_kept = line.details().if_contains("first_kept");
  const json::string* kept_prev = find_string(line.details(), "kept_prev");
  if (first_kept == nullptr || !first_kept->is_int64() || first_kept->get_int64() < 1 ||
      kept_prev == nullptr) {
    return problem("the retention record does not say what is kept");
  }
  pending_retention_ =
      Retention{static_cast<std::uint64_t>(first_kept->get_int64()), std::string(*kept_prev)};
}

void Checker::header(const Line& line) {
  segment_first_ = line.sequence;
  segment_begun_ = line.time;
  if (line.event != "segment") return problem("the segment does not begin with its header");
  if (name_ != segment_name(line.sequence)) problem("the file name does not fit the first sequence number");
  const json::value* format = line.details().if_contains("format");
  if (format != nullptr && format->is_int64() && format->get_int64() > format_version) {
    problem(fmt::format(
        "the segment is of format version {}, which a newer cardgate wrote; this one knows {}: verify "
        "with the newer one",
        format->get_int64(), format_version));
  } else if (format == nullptr || !format->is_int64() || format->get_int64() != format_version) {
    problem("the segment is of another format version");
  }
  header_key(line);
  header_origin(line);
}

void Checker::header_key(const Line& line) {
  const auto key = key_detail(line, "key");
  if (!key) return problem("the header names no key");
  const auto vouched = std::exchange(vouched_key_, std::nullopt);
  if (!report_.keys.empty() && *key == report_.keys.back().key) return;
  if (!report_.keys.empty() && vouched != key) {
    return problem(fmt::format(
        "the segment names another signing key ({}), and no record that the key before ({}) signed "
        "says so: it is of another log, or was made anew",
        key_id(*key), key_id(report_.keys.back().key)));
  }
  if (!report_.keys.empty()) {
    note(fmt::format("the signing key was changed in order at sequence {}: the key {} vouches for the key {}",
                     line.sequence, key_id(report_.keys.back().key), key_id(*key)));
  }
  report_.keys.push_back({*key, line.sequence});
}

void Checker::header_origin(const Line& line) {
  const std::string id = text_detail(line, "log");
  if (!id.empty() && !report_.log_id.empty() && id != report_.log_id) {
    problem(
        fmt::format("the segment is of another log: its id is {}, and the log's is {}; it was copied here",
                    id, report_.log_id));
  } else if (!id.empty()) {
    report_.log_id = id;
  }
  std::string machine = text_detail(line, "machine");
  if (!machine.empty() && !machine_.empty() && machine != machine_) {
    note(fmt::format(
        "from sequence {} on the log was written on another machine than before. If the service was not "
        "moved or restored there, the log was copied",
        line.sequence));
  }
  machine_ = std::move(machine);
}

void Checker::checkpoint(const Line& line, std::string_view raw) {
  const json::string* segment = find_string(line.details(), "segment");
  const json::value* end = line.details().if_contains("end");
  if (segment == nullptr || *segment != name_ || end == nullptr || !end->is_bool()) {
    problem("the checkpoint does not name this segment");
  }
  if (end != nullptr && end->is_bool()) ended_ = end->get_bool();
  if (report_.keys.empty() || !verify_checkpoint(raw, report_.keys.back().key))
    return problem("the checkpoint's signature is not valid");
  if (report_.keys.back().key == start_.question.key) pinned_key_signed_ = true;
  ++report_.checkpoints;
  report_.unsigned_tail = 0;
  last_checkpoint_ = raw;
  if (pending_retention_ && pending_retention_->first_kept >= retention_.first_kept) {
    retention_ = std::move(*pending_retention_);
  }
  pending_retention_.reset();
  if (pending_key_) vouched_key_ = std::exchange(pending_key_, std::nullopt);
  if (head_raw_ && raw == *head_raw_) head_seen_ = true;
  if (auto& proof = report_.proof; proof && proof->found && proof->signed_by == 0) {
    proof->signed_by = line.sequence;
    proof->signed_at = line.time;
  }
}

/// Holds a line against what was asked for, and against the checkpoints from elsewhere.
void Checker::compare(std::uint64_t sequence, std::string_view raw) {
  const auto& question = start_.question;
  if (report_.proof && sequence == question.record && !report_.proof->found) {
    report_.proof->found = true;
    report_.proof->line = raw;
    report_.proof->segment = name_;
    report_.proof->same = question.line.empty() || question.line == raw;
  }
  if (question.book == nullptr) return;
  const auto& entries = question.book->entries();
  for (; book_at_ < entries.size() && entries[book_at_].sequence <= sequence; ++book_at_) {
    if (entries[book_at_].raw == raw) {
      seen_.push_back(book_at_);
    } else {
      missed_.push_back(book_at_);
      there_instead_.push_back(entries[book_at_].sequence == sequence ? report_.last_time : std::string());
    }
  }
}

bool Checker::signed_by_any(std::string_view raw) const {
  return std::ranges::any_of(report_.keys,
                             [&](const auto& use) { return verify_checkpoint(raw, use.key); }) ||
         (start_.former_key && verify_checkpoint(raw, *start_.former_key));
}

void Checker::check_head() {
  if (!start_.head) return problem("the file 'head' is missing: truncation cannot be ruled out");
  if (!head_raw_) return problem("head: not a checkpoint line filled up to one sector");
  if (!signed_by_any(*head_raw_)) return problem("head: the signature is not valid");
  const auto head = parse_line(*head_raw_);
  if (!head) return problem("head: " + head.error().context);
  if (head_seen_) return;
  if (head->sequence > report_.last) {
    head_cut_ = true;
    problem(fmt::format("head: lines {} to {} are missing at the end of the log", report_.last + 1,
                        head->sequence));
  } else if (start_.whole_log || head->sequence + 1 != report_.first ||
             chain_hash(*head_raw_ + "\n") != first_prev_) {
    problem(fmt::format("head: the checkpoint with sequence {} is not in the log", head->sequence));
  }
}

void Checker::check_beginning() {
  if (!start_.whole_log || report_.first <= 1) return;
  if (report_.first > retention_.first_kept) {
    problem(fmt::format("lines {} to {} are missing at the beginning, and no signed retention record says so",
                        std::max<std::uint64_t>(retention_.first_kept, 1), report_.first - 1));
  } else if (report_.first == retention_.first_kept && first_prev_ != retention_.kept_prev) {
    problem("the first line does not follow what the retention record says was deleted");
  }
}

void Checker::check_key() {
  if (!report_.keys.empty()) report_.key = report_.keys.back().key;
  if (report_.key_pinned && !pinned_key_signed_) {
    problem(fmt::format(
        "nothing in the log is signed with the key that was given ({}); the log's own is {}. The log was "
        "made anew with another key, or it is another machine's, or the key was changed and what was "
        "signed before is deleted: then give the key.pub of that time",
        key_id(*start_.question.key), key_id(report_.key)));
  }
  if (start_.whole_log && (!start_.key_file || *start_.key_file != key_file_text(report_.key))) {
    problem("key.pub does not hold the key of this log");
  }
}

Report Checker::finish() {
  name_.clear();
  check_head();
  check_beginning();
  check_key();
  if (const auto* book = start_.question.book) {
    const auto& entries = book->entries();
    Comparison found;
    found.head_cut = head_cut_;
    for (const auto at : seen_) found.seen.push_back(entries[at]);
    for (; book_at_ < entries.size(); ++book_at_) {
      missed_.push_back(book_at_);
      there_instead_.emplace_back();
    }
    for (std::size_t i = 0; i < missed_.size(); ++i) {
      const auto& entry = entries[missed_[i]];
      if (!entry.log.empty() && !report_.log_id.empty() && entry.log != report_.log_id) {
        found.foreign.push_back(entry);
      } else if (!signed_by_any(entry.raw)) {
        found.unknown.push_back(entry);
      } else if (entry.sequence < report_.first) {
        found.deleted.push_back(entry);
      } else if (entry.sequence > report_.last) {
        found.beyond.push_back(entry);
      } else {
        found.replaced.push_back({entry, there_instead_[i]});
      }
    }
    judge(found, report_);
  }
  report_.ok = report_.problems.empty();
  return report_;
}

}  // namespace cardgate::audit
