// SPDX-License-Identifier: Apache-2.0
// An act that does nothing but take access away, as data instead of as a function: so that it holds in memory at once, is
// kept on the disk when the register cannot be written, and is done in the end, after a restart as well. Pure; thread-safe.
#pragma once

#include <optional>
#include <string>

#include "base/json.hpp"
#include "daemon/work/rules.hpp"

namespace cardgate::daemon::work {

struct Taking {
  enum class Kind : std::uint8_t {
    withdraw_form,
    revoke_delegation,
    end_acting,
    remove,        // `number`: the removal that was asked for; 0: asked for and done in one act
    block_card,    // `card` is lost, replaced or revoked (`status`)
    change_staff,  // an earlier last day, leave, or out of a team
    return_card,   // `card` was lent until `number` (seconds since 1970), and is back
    end_loan,      // ... and its time is over
  };
  Kind kind = Kind::withdraw_form;
  std::int64_t number = 0;  // of the form, delegation, ...
  std::string card = {}, status = {}, team = {}, reason = {};
  std::optional<Date> employed_until = {}, leave_from = {}, leave_until = {}, card_until = {};
  Doer doer = {};
  friend bool operator==(const Taking&, const Taking&);
};

/// Errors: as the rule of that act.
Result<void> apply(reg::Person& person, const Taking& taking);
/// Whoever did it and when: would it come to the same?
bool same_end(const Taking& a, const Taking& b);

json::object to_json(const Taking& taking);
/// Errors: malformed.
Result<Taking> taking_of(const json::object& object);

/// Does a change of dates, leave and teams take access away, and give or move none?
bool takes_away_only(const reg::Person& before, const reg::Person& after);

}  // namespace cardgate::daemon::work
