// SPDX-License-Identifier: Apache-2.0
#include "audit/checker.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "audit/layout.hpp"

namespace cardgate::audit {
namespace {

constexpr std::size_t max_problems = 100;

std::optional<PublicKey> header_key(const Line& line) {
  const json::string* text = find_string(line.details(), "key");
  if (text == nullptr) return std::nullopt;
  const auto bytes = from_base64url(*text);
  PublicKey key{};
  if (!bytes || bytes->size() != key.size()) return std::nullopt;
  std::copy(bytes->begin(), bytes->end(), key.begin());
  return key;
}

}  // namespace

Checker::Checker(Start start) : start_(std::move(start)) {
  if (start_.key) {
    report_.key = *start_.key;
    report_.key_pinned = true;
    key_known_ = true;
  }
  if (!start_.head) return;
  if (auto raw = parse_head(*start_.head)) head_raw_ = std::move(*raw);
}

void Checker::problem(std::string_view what) {
  if (report_.problems.size() == max_problems) report_.problems.emplace_back("and more");
  if (report_.problems.size() > max_problems) return;
  if (name_.empty()) {
    report_.problems.emplace_back(what);
  } else {
    report_.problems.push_back(
        fmt::format("{} line {} (sequence {}): {}", name_, line_number_, sequence_, what));
  }
}

void Checker::segment(std::string_view name, std::string_view content, bool newest) {
  name_ = name;
  line_number_ = 0;
  sequence_ = expected_;
  good_bytes_ = 0;
  torn_bytes_ = 0;
  ended_ = false;
  ++report_.segments;
  std::string_view rest = content;
  while (!rest.empty()) {
    const std::size_t newline = rest.find('\n');
    if (newline == std::string_view::npos || rest.substr(0, newline).find('\0') != std::string_view::npos)
      break;
    line(rest.substr(0, newline + 1));
    rest.remove_prefix(newline + 1);
    good_bytes_ = content.size() - rest.size();
  }
  ++line_number_;
  sequence_ = expected_;
  tail(rest, newest);
  if (line_number_ == 1) problem("the segment has no header");
  if (!newest && !ended_) problem("the segment does not end in a signed checkpoint");
  name_.clear();
}

void Checker::tail(std::string_view rest, bool newest) {
  const std::size_t last = rest.find_last_not_of('\0');
  torn_bytes_ = last == std::string_view::npos ? 0 : last + 1;
  if (!newest && !rest.empty()) problem("there are bytes behind the last line");
  if (newest && torn_bytes_ > 0) {
    report_.torn_tail = true;
    if (ended_) problem("there are bytes behind the segment's end");
  }
}

void Checker::line(std::string_view raw_with_newline) {
  const std::string_view raw = raw_with_newline.substr(0, raw_with_newline.size() - 1);
  ++line_number_;
  sequence_ = expected_;
  ++report_.records;
  ++report_.unsigned_tail;
  if (ended_) problem("a line follows the segment's end");
  auto parsed = parse_line(raw);
  if (!parsed) {
    problem(parsed.error().context);
    hash_ = chain_hash(raw_with_newline);
    ++expected_;
    return;
  }
  sequence_ = parsed->sequence;
  if (expected_ == 0) {
    report_.first = sequence_;
    first_prev_ = parsed->prev;
    if (sequence_ == 1 && parsed->prev != no_hash()) problem("the first line names a line before it");
  } else if (sequence_ != expected_) {
    problem(
        fmt::format("sequence {} was expected: lines are missing, inserted or in another order", expected_));
  } else if (parsed->prev != hash_) {
    problem("the hash does not fit: this line or the one before it was altered");
  }
  if (line_number_ == 1) {
    header(*parsed, name_);
  } else if (parsed->event == "segment") {
    problem("a segment header inside a segment");
  }
  if (parsed->event == "checkpoint") checkpoint(*parsed, raw);
  if (parsed->event == "retention") {
    const json::value* first_kept = parsed->details().if_contains("first_kept");
    const json::string* kept_prev = find_string(parsed->details(), "kept_prev");
    if (first_kept == nullptr || !first_kept->is_int64() || first_kept->get_int64() < 1 ||
        kept_prev == nullptr) {
      problem("the retention record does not say what is kept");
    } else {
      pending_retention_ =
          Retention{static_cast<std::uint64_t>(first_kept->get_int64()), std::string(*kept_prev)};
    }
  }
  hash_ = chain_hash(raw_with_newline);
  expected_ = sequence_ + 1;
  report_.last = sequence_;
}

void Checker::header(const Line& line, std::string_view name) {
  segment_first_ = line.sequence;
  if (line.event != "segment") return problem("the segment does not begin with its header");
  if (name != segment_name(line.sequence)) problem("the file name does not fit the first sequence number");
  const json::value* format = line.details().if_contains("format");
  if (format == nullptr || !format->is_int64() || format->get_int64() != format_version) {
    problem("the segment is of another format version");
  }
  const auto key = header_key(line);
  if (!key) return problem("the header names no key");
  if (!key_known_) {
    report_.key = *key;
    key_known_ = true;
  } else if (*key != report_.key) {
    problem("the segment names another signing key");
  }
}

void Checker::checkpoint(const Line& line, std::string_view raw) {
  const json::string* segment = find_string(line.details(), "segment");
  const json::value* end = line.details().if_contains("end");
  if (segment == nullptr || *segment != name_ || end == nullptr || !end->is_bool()) {
    problem("the checkpoint does not name this segment");
  }
  if (end != nullptr && end->is_bool()) ended_ = end->get_bool();
  if (!key_known_ || !verify_checkpoint(raw, report_.key))
    return problem("the checkpoint's signature is not valid");
  ++report_.checkpoints;
  report_.unsigned_tail = 0;
  last_checkpoint_ = raw;
  if (pending_retention_ && pending_retention_->first_kept >= retention_.first_kept) {
    retention_ = std::move(*pending_retention_);
  }
  pending_retention_.reset();
  if (head_raw_ && raw == *head_raw_) head_seen_ = true;
}

void Checker::check_head() {
  if (!start_.head) return problem("the file 'head' is missing: truncation cannot be ruled out");
  if (!head_raw_) return problem("head: not a checkpoint line filled up to one sector");
  if (!key_known_ || !verify_checkpoint(*head_raw_, report_.key))
    return problem("head: the signature is not valid");
  const auto head = parse_line(*head_raw_);
  if (!head) return problem("head: " + head.error().context);
  if (head_seen_) return;
  if (head->sequence > report_.last) {
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

Report Checker::finish() {
  name_.clear();
  check_head();
  check_beginning();
  if (start_.whole_log && (!start_.key_file || *start_.key_file != key_file_text(report_.key))) {
    problem("key.pub does not hold the key of this log");
  }
  report_.ok = report_.problems.empty();
  return report_;
}

}  // namespace cardgate::audit
