// SPDX-License-Identifier: Apache-2.0
// What a report on misuse has found, by kind, and what people are told of each kind. Bounded; one thread.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "audit/report/model.hpp"
#include "audit/report/tally.hpp"

namespace cardgate::audit::report {

struct SuspicionKind {
  std::string_view code, title, why, next;
};
/// In the order in which they are told.
std::span<const SuspicionKind> suspicion_kinds();

class Suspicions {
 public:
  struct Open {
    std::string_view kind;
    std::string_view person;
    WallTime at{};
    std::string what;
    std::vector<std::uint64_t> records;
    Sureness sure = Sureness::possible;
    std::string how_sure;
  };
  /// The same of the same person within `together` of the last becomes one finding with more records.
  void add(Open one, seconds together = std::chrono::hours(12));
  std::uint64_t total() const;
  std::uint64_t total(Sureness sure) const;
  std::vector<Section> sections() const;

 private:
  struct OfKind {
    std::vector<Finding> findings;
    std::uint64_t more = 0;
    TextMap<std::pair<std::size_t, WallTime>>
        last;  // of each person: which finding, and when it was added to
  };
  std::array<OfKind, 10> kinds_;
};

}  // namespace cardgate::audit::report
