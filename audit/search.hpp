// SPDX-License-Identifier: Apache-2.0
// Finds records in a log, a page at a time, from either end; by an index where there is one. For people: it proves nothing. What
// is damaged is passed over and told, so that the rest can still be read. Thread-safe, but for the index.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "audit/filter.hpp"
#include "audit/index.hpp"
#include "base/json.hpp"
#include "base/result.hpp"

namespace cardgate::audit {

struct Search {
  Filter filter{};
  bool newest_first = false;
  std::size_t limit = 200;                // records in a page
  std::uint64_t after = 0;                // only records with a higher number than this; 0: all
  std::uint64_t before = 0;               // only records with a lower number than this; 0: all
  std::uint64_t max_bytes = 256UL << 20;  // of the log, read for one page, and a block more
};

struct Found {
  std::uint64_t sequence = 0;
  std::string line;  // as it is in the log, without its newline
  json::object record;
};

/// A place that could not be read as records.
struct Damage {
  std::string segment;  // the file's name
  std::uint64_t offset = 0;
  std::string what;  // for people
};

struct FoundPage {
  std::vector<Found> records;  // in the order that was asked for
  std::optional<std::uint64_t>
      next;  // where to go on: `after`, or `before` when newest first; nothing: that was all
  std::vector<Damage> damage;  // the first few
  std::uint64_t damaged = 0;   // how many in all, as far as it was looked
  std::uint64_t read = 0;      // bytes of the log
  std::uint64_t highest = 0;   // the highest number that was looked at
};

/// `go_on` is asked after every block; false ends the page early. Pages of one search tell the same damage again when they
/// meet it again. Errors: not_found (no such directory, or no segment in it), permission_denied, io, invalid_argument (check()).
Result<FoundPage> search(const std::filesystem::path& log, const Search& ask, Index* index,
                         const std::function<bool()>& go_on);

}  // namespace cardgate::audit
