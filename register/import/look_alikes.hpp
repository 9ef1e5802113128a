// SPDX-License-Identifier: Apache-2.0
// Who leaves with an import, and whether a newcomer of the same file could be one of them under another number: two
// people of one, of whom the real one loses access, is what a wrong number makes. Internal to import/. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/clock.hpp"

namespace cardgate::reg {

/// What can be compared; empty where it is not known.
struct Likeness {
  std::string id, name, username;
  std::string enrolment;     // the digest of birth date and National Insurance number
  std::optional<Date> born;  // by this file alone: the register keeps no birth date
  std::vector<std::string> cards;
};

class Leavers {
 public:
  void add(Likeness leaver);
  bool empty() const { return leavers_.empty(); }
  /// "40000007 (Ada Example) has the same name, and leaves with this file"; empty: like nobody.
  std::string like(const Likeness& newcomer) const;

 private:
  std::vector<Likeness> leavers_;
  std::unordered_map<std::string, std::size_t> by_mark_;  // a mark is what it is of, and the value
};

}  // namespace cardgate::reg
