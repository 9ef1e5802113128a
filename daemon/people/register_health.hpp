// SPDX-License-Identifier: Apache-2.0
// Whether the staff register can be changed, as what became of its changes shows. One thread.
#pragma once

#include <filesystem>
#include <string>

#include "base/result.hpp"

namespace cardgate::daemon {

class RegisterHealth {
 public:
  /// `file` is the register's.
  explicit RegisterHealth(std::filesystem::path file) : file_(std::move(file)) {}

  /// A change failed. True when that is news.
  bool failed(const Error& error);
  /// A change was written. True when that is news; what is to be told then is in `news`.
  bool written(std::string& news);

  /// Whether the disk has room for small changes, as far as the system tells. A quota shows in failed() only.
  bool has_room() const;
  /// For people, in whole sentences; empty while changes are written.
  const std::string& problem() const { return problem_; }

 private:
  std::filesystem::path file_;
  std::string problem_;
  bool in_doubt_ = false;
};

}  // namespace cardgate::daemon
