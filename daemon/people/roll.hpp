// SPDX-License-Identifier: Apache-2.0
// What is known of a person now: the register's record, without what was taken from them as soon as that was decided, and the
// facts that the policy asks for. Kept until the register changes; what is given out is a value, or immutable and the
// receiver's for as long as it is held. One thread; `staff` is for short look-ups.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "daemon/people/open_acts.hpp"
#include "daemon/people/people_count.hpp"
#include "daemon/work/facts.hpp"
#include "policy/facts.hpp"
#include "register/register.hpp"

namespace cardgate::daemon {

struct Person {
  reg::Person record;
  policy::Facts facts;  // but for the card in use
};

class Roll {
 public:
  Roll(std::unique_ptr<reg::Register> staff, const OpenActs& open_acts)
      : staff_(std::move(staff)), open_acts_(open_acts) {}
  Roll(const Roll&) = delete;
  Roll& operator=(const Roll&) = delete;

  reg::Register& staff() { return *staff_; }
  /// Errors of all: as Register::person().
  Result<std::shared_ptr<const Person>> person(const std::string& id);
  Result<reg::Person> record_of(const std::string& id);
  /// The same as a function, for as long as the roll lives; on its thread.
  RecordOf records();
  std::optional<std::size_t> count(BootTime now) { return count_.of(*staff_, now); }

  /// Whether what this person may do stands on one of `ids`: they themselves, who delegated to them, for whom they stand in.
  static bool stands_on(const Person& person, const std::vector<std::string>& ids);
  /// The register has changed about these people: whoever stands on them is looked up again.
  void forget(const std::vector<std::string>& ids);
  void forget_all() { known_.clear(); }

 private:
  static constexpr std::size_t max_known = 10'000;
  std::unique_ptr<reg::Register> staff_;
  const OpenActs& open_acts_;
  std::unordered_map<std::string, std::shared_ptr<const Person>> known_;
  PeopleCount count_;
};

}  // namespace cardgate::daemon
