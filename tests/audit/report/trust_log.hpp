// SPDX-License-Identifier: Apache-2.0
// The log of an invented hospital trust, as its cardgated would have written it: whole, chained and signed. The same every time.
// People work their shifts, forget passcodes, lock their screens and go to lunch; among them are 30 planted misuses, three of each
// kind that the report on misuse knows.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "audit/report/standing.hpp"

namespace cardgate::audit::report {

struct TrustSize {
  std::size_t people = 400;
  std::size_t workstations = 32;
  int days = 60;
  double work = 1;  // how much each person does
  std::size_t segment_bytes = 64UL << 20;
};

struct Planted {
  std::string kind, person;
  std::vector<std::uint64_t> records;  // one of these must be among the finding's
};

struct TrustLog {
  Standing standing;
  std::vector<Planted> planted;
  std::uint64_t records = 0, bytes = 0;
  WallTime from{}, to{};
};

/// Writes the log into `directory`, which must be there and empty.
TrustLog write_trust_log(const std::filesystem::path& directory, const TrustSize& size);

}  // namespace cardgate::audit::report
