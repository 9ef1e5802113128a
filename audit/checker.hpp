// SPDX-License-Identifier: Apache-2.0
// Judges a log from its bytes: the one place that knows what a sound log is. Pure; one thread.
//
// The verifier feeds it every segment line by line, the writer at its start the newest one, the fuzzer whatever it likes.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "audit/line.hpp"
#include "audit/verify.hpp"
#include "base/crypto.hpp"

namespace cardgate::audit {

class Checker {
 public:
  struct Start {
    Question question{};                    // a key that is pinned, checkpoints from elsewhere, a record
    std::optional<std::string> head{};      // content of the head file, read before the segments
    std::optional<std::string> key_file{};  // content of key.pub
    std::vector<std::string> compressed{};  // names of segments that lie there compressed
    std::optional<PublicKey> former_key{};  // whose signature the head may still have
    bool whole_log =
        true;  // false: the segments given are only the newest ones, the head may name the line before
  };
  explicit Checker(Start start);

  // The segments in order. Only the newest may have a torn tail or unused space.
  void begin_segment(std::string_view name);
  void line(std::string_view raw_with_newline, const Digest& hash);  // its chain hash
  /// A line that is longer than a line may be.
  void long_line();
  /// `rest`: bytes behind the last line; `torn`: ... up to the last one that is not NUL.
  void end_segment(std::uint64_t rest, std::uint64_t torn, bool newest);
  /// All of that for content in memory.
  void segment(std::string_view name, std::string_view content, bool newest);
  /// Call once, after the last segment.
  Report finish();

  // What the writer needs to go on after the newest segment.
  std::uint64_t next_sequence() const { return expected_; }
  std::string last_hash() const { return to_hex(hash_); }
  std::uint64_t segment_first() const { return segment_first_; }
  std::uint64_t good_bytes() const { return good_bytes_; }  // complete lines of the newest segment
  std::uint64_t torn_bytes() const {
    return torn_bytes_;
  }  // behind them, up to the last byte that is not NUL
  bool ended() const { return ended_; }  // the newest segment has its end checkpoint
  const std::string& last_checkpoint() const { return last_checkpoint_; }  // raw, without newline
  const std::string& segment_begun() const { return segment_begun_; }      // time of the newest header
  const std::string& log_id() const { return report_.log_id; }
  /// The log ends in a `retention` or `audit_key` record that nothing signs: not yet, or somebody else wrote it.
  bool ends_in_claim() const { return pending_retention_ || pending_key_; }
  const std::string& machine() const { return machine_; }  // the newest header's; empty: it names none

 private:
  void follow(std::uint64_t sequence, std::string_view prev);
  void own_line(const Line& line, std::string_view raw);
  void header(const Line& line);
  void header_key(const Line& line);
  void header_origin(const Line& line);
  void checkpoint(const Line& line, std::string_view raw);
  void retention(const Line& line);
  void forget_claims();
  void compare(std::uint64_t sequence, std::string_view raw);
  void check_head();
  void check_beginning();
  void check_key();
  void problem(std::string_view what);
  void note(std::string what);
  bool signed_by_any(std::string_view raw) const;

  struct Retention {
    std::uint64_t first_kept = 0;
    std::string kept_prev;
  };

  Start start_;
  Report report_;
  std::optional<std::string> head_raw_;  // the checkpoint line in the head
  bool head_seen_ = false;
  bool head_cut_ = false;  // the head is of a line behind the log's end

  std::uint64_t expected_ = 0;  // sequence of the next line; 0 before the first
  Digest hash_{};               // chain hash of the line before
  bool hash_known_ = true;      // false behind a line that was too long to read
  std::string last_prev_;       // `prev` of the line before
  std::string first_prev_;      // `prev` of the first line of all
  std::string last_checkpoint_;
  std::optional<Retention>
      pending_retention_;  // named by the line before; counts if this one is its checkpoint
  Retention retention_;
  std::optional<PublicKey> pending_key_;  // the next key, the same way
  std::optional<PublicKey> vouched_key_;  // ... that a checkpoint of the key before covers
  bool pinned_key_signed_ = false;
  std::string machine_;

  // Of the checkpoints from elsewhere, by their places in the book.
  std::size_t book_at_ = 0;
  std::vector<std::size_t> seen_;
  std::vector<std::string>
      there_instead_;  // times of the log's own lines in the places of those that are not seen
  std::vector<std::size_t> missed_;

  // of the segment at hand
  std::string name_;
  std::uint64_t line_number_ = 0;
  std::uint64_t sequence_ = 0;
  std::uint64_t segment_first_ = 0;
  std::string segment_begun_;
  std::uint64_t good_bytes_ = 0;
  std::uint64_t torn_bytes_ = 0;
  bool ended_ = false;
};

}  // namespace cardgate::audit
