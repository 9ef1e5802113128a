// SPDX-License-Identifier: Apache-2.0
// What people read after an act of theirs: what was done, what happens next, who was told. And what a person is called in
// any sentence. Pure but for the look-ups; thread-safe.
#pragma once

#include <string>

#include "daemon/work/facts.hpp"
#include "daemon/work/rules.hpp"
#include "policy/policy.hpp"

namespace cardgate::daemon {

/// "Anna Bell (10017)"; of root "the machine's administrator"; of somebody who cannot be looked up the number alone.
std::string called(const RecordOf& record_of, const std::string& id);

namespace work {

/// Who acted, and by what the sentences are made.
struct Teller {
  const policy::Policy& policy;
  const RecordOf& record_of;
  std::string actor;
  WallTime now;
};

// `person` is the record as it is after the act.
std::string after_form(const Teller& by, const reg::Person& person, const reg::Form& form);
std::string after_delegation(const Teller& by, const reg::Person& person, const reg::Delegation& given);
std::string after_acting(const Teller& by, const reg::Person& person, const reg::Acting& acting);
std::string after_removal(const Teller& by, const reg::Person& person, const reg::Removal& removal);
/// `told`: a notice was kept for the person.
std::string after_change(const Teller& by, const reg::Person& person, const StaffChange& change,
                         const std::string& joined, const std::string& left, bool told);
/// Of the card `uuid`, given out, confirmed or stopped.
std::string after_card(const Teller& by, const reg::Person& person, const std::string& uuid);
/// Of the card `uuid`, lent or confirmed.
std::string after_loan(const Teller& by, const reg::Person& person, const std::string& uuid);

}  // namespace work
}  // namespace cardgate::daemon
