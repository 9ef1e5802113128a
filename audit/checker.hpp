// SPDX-License-Identifier: Apache-2.0
// Judges a log from its bytes: the one place that knows what a sound log is. Pure; one thread.
//
// The verifier feeds it every segment, the writer at its start the newest one, the fuzzer whatever it likes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "audit/line.hpp"
#include "audit/verify.hpp"
#include "base/crypto.hpp"

namespace cardgate::audit {

class Checker {
 public:
  struct Start {
    std::optional<PublicKey> key;         // pinned; else the first segment's own is believed
    std::optional<std::string> head;      // content of the head file, read before the segments
    std::optional<std::string> key_file;  // content of key.pub
    bool whole_log =
        true;  // false: the segments given are only the newest ones, the head may name the line before
  };
  explicit Checker(Start start);

  /// The next segment in order, with its file name. Only the newest may have a torn tail or unused space.
  void segment(std::string_view name, std::string_view content, bool newest);
  /// Call once, after the last segment.
  Report finish();

  // What the writer needs to go on after the newest segment.
  std::uint64_t next_sequence() const { return expected_; }
  const std::string& last_hash() const { return hash_; }
  std::uint64_t segment_first() const { return segment_first_; }
  std::size_t good_bytes() const { return good_bytes_; }  // complete lines of the newest segment
  std::size_t torn_bytes() const { return torn_bytes_; }  // behind them, up to the last byte that is not NUL
  bool ended() const { return ended_; }                   // the newest segment has its end checkpoint
  const std::string& last_checkpoint() const { return last_checkpoint_; }  // raw, without newline

 private:
  void line(std::string_view raw_with_newline);
  void header(const Line& line, std::string_view name);
  void checkpoint(const Line& line, std::string_view raw);
  void tail(std::string_view rest, bool newest);
  void check_head();
  void check_beginning();
  void problem(std::string_view what);

  struct Retention {
    std::uint64_t first_kept = 0;
    std::string kept_prev;
  };

  Start start_;
  Report report_;
  bool key_known_ = false;
  std::optional<std::string> head_raw_;  // the checkpoint line in the head
  bool head_seen_ = false;

  std::uint64_t expected_ = 0;  // sequence of the next line; 0 before the first
  std::string hash_;            // chain hash of the line before
  std::string first_prev_;      // `prev` of the first line of all
  std::string last_checkpoint_;
  std::optional<Retention> pending_retention_;  // not covered by a checkpoint yet
  Retention retention_;

  // of the segment at hand
  std::string name_;
  std::uint64_t line_number_ = 0;
  std::uint64_t sequence_ = 0;
  std::uint64_t segment_first_ = 0;
  std::size_t good_bytes_ = 0;
  std::size_t torn_bytes_ = 0;
  bool ended_ = false;
};

}  // namespace cardgate::audit
