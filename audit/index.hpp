// SPDX-License-Identifier: Apache-2.0
// Where in the log each person's records stand, so that one person's month is found in a year without reading the year. Made of
// the log and thrown away when it does not fit it; nothing is proved by it, and what is shown is always read from the log.
//
//   catch_up()  reads what is new      lines_of()  where one person is named in a segment      extent()  what a segment holds
//
// An SQLite file of its own (layout in index.cpp), about a fortieth of the log. One thread at a time; two programs may have it open.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace cardgate::audit {

class Index {
 public:
  /// Makes the file (mode 0600) when there is none, and anew when it is damaged or of another layout. Its folder must be there and
  /// be this user's own, and nobody else may write in it (permission_denied). Errors: io, no_space, permission_denied, unavailable (another program is writing it).
  static Result<std::unique_ptr<Index>> open(const std::filesystem::path& file);
  ~Index();
  Index(const Index&) = delete;
  Index& operator=(const Index&) = delete;

  /// How far it has come, in bytes of the log.
  struct Progress {
    std::uint64_t done = 0, of = 0;
    bool complete() const { return done == of; }
  };
  /// Reads what the log has and the index has not; what no longer fits (a segment that is gone, or another one under the same
  /// name) is forgotten first. `go_on` is asked after every few megabytes. The last few megabytes of a log that grows are left to
  /// whoever looks. Errors: as open(), and not_found (no log).
  Result<Progress> catch_up(const std::filesystem::path& log, const std::function<bool(Progress)>& go_on);

  /// What is known of the segment that begins with this sequence number.
  struct Extent {
    std::uint64_t indexed = 0;  // bytes, from its beginning
    std::string earliest,
        latest;  // `time` of its records: the clock may have been set, so they need not be the first and last
    std::set<std::string, std::less<>> events;
    std::uint64_t damaged = 0;  // lines that are no records
  };
  /// nullptr: nothing.
  const Extent* extent(std::uint64_t segment) const;

  /// The offsets of the lines that name this person, in order. Errors: as open(), corrupt.
  Result<std::vector<std::uint64_t>> lines_of(std::string_view person, std::uint64_t segment) const;

  /// The segment did not fit after all: it is read again.
  Result<void> forget(std::uint64_t segment);

  /// Whether its file was found damaged since it was opened: it serves nobody any more, and open() makes no new one of it by
  /// itself while it is open.
  bool damaged() const;

 private:
  class Impl;
  explicit Index(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace cardgate::audit
