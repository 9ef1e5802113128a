// SPDX-License-Identifier: Apache-2.0
// What the PIV driver remembers of cards and readers between conversations, beside certificates. Each is
// thread-safe, in memory only, and bounded: one that is full begins anew.
#pragma once

#include <algorithm>
#include <chrono>
#include <map>
#include <mutex>
#include <set>
#include <string>

#include "base/bytes.hpp"
#include "base/crypto.hpp"
#include "daemon/drivers/driver.hpp"
#include "daemon/limits.hpp"

namespace cardgate::daemon {

/// Keys for card authentication that gave no answer in time, by their certificate's mark (CardContents).
class SilentKeys {
 public:
  bool contains(BytesView mark) const {
    const std::lock_guard lock(mutex_);
    return marks_.contains(Bytes(mark.begin(), mark.end()));
  }
  void add(BytesView mark) {
    if (mark.empty()) return;  // many cards have none
    const std::lock_guard lock(mutex_);
    if (marks_.size() >= max_known_certificates) marks_.clear();
    marks_.emplace(mark.begin(), mark.end());
  }
  void forget(BytesView mark) {
    const std::lock_guard lock(mutex_);
    marks_.erase(Bytes(mark.begin(), mark.end()));
  }

 private:
  mutable std::mutex mutex_;
  std::set<Bytes> marks_;
};

/// Readers whose card still works on a command of ours that nobody waits for any more.
class HeldReaders {
 public:
  void add(const std::string& reader) {
    const std::lock_guard lock(mutex_);
    if (until_.size() >= max_readers) until_.clear();
    until_[reader] = std::chrono::steady_clock::now() + unanswered_hold;
  }
  /// How long to wait for the card: `usual`, or until it must have answered.
  milliseconds patience(const std::string& reader, milliseconds usual) const {
    const std::lock_guard lock(mutex_);
    const auto found = until_.find(reader);
    if (found == until_.end()) return usual;
    const auto left = found->second - std::chrono::steady_clock::now();
    return std::max(usual, std::chrono::duration_cast<milliseconds>(left));
  }

 private:
  mutable std::mutex mutex_;
  std::map<std::string, std::chrono::steady_clock::time_point> until_;
};

/// Readers whose card was found unlocked right after a reset: it keeps that, and must be told to lock.
class UnlockedCards {
 public:
  /// What the card in this reader did, from its first reading on.
  void note(const std::string& reader, bool outlived_reset) {
    const std::lock_guard lock(mutex_);
    if (!outlived_reset) {
      readers_.erase(reader);
      return;
    }
    // Names of tokens come and go in any number: a reader that is there must not find the place taken.
    if (readers_.size() >= max_known_certificates) readers_.clear();
    readers_.insert(reader);
  }
  bool contains(const std::string& reader) const {
    const std::lock_guard lock(mutex_);
    return readers_.contains(reader);
  }

 private:
  mutable std::mutex mutex_;
  std::set<std::string> readers_;
};

/// The tries left of unblocking keys (PUK), by the card's certificate: most cards tell them only when one was wrong.
class UnblockingTries {
 public:
  int of(BytesView certificate) const {
    const std::lock_guard lock(mutex_);
    const auto found = tries_.find(sha256(certificate));
    return found == tries_.end() ? tries_unknown : found->second;
  }
  void remember(BytesView certificate, int tries) {
    if (tries == tries_unknown) return;
    const std::lock_guard lock(mutex_);
    if (tries_.size() >= max_known_certificates) tries_.clear();
    tries_[sha256(certificate)] = tries;
  }
  void forget(BytesView certificate) {
    const std::lock_guard lock(mutex_);
    tries_.erase(sha256(certificate));
  }

 private:
  mutable std::mutex mutex_;
  std::map<Digest, int> tries_;
};

}  // namespace cardgate::daemon
