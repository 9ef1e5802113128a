// SPDX-License-Identifier: Apache-2.0
// The refusals and JSON that people's work has in common. Pure.
#pragma once

#include <optional>

#include "base/clock.hpp"
#include "base/json.hpp"
#include "daemon/http/message.hpp"
#include "daemon/people/names.hpp"
#include "policy/lapses.hpp"
#include "policy/policy.hpp"
#include "register/person.hpp"

namespace cardgate::daemon {

/// What a rule of work/rules.hpp, or the register, answered.
Response not_possible(const Error& error);
/// Of a change that failed for want of room on the register's disk (507), or of which it is not known whether it lasts (503);
/// nothing for other errors. `undone` is a sentence that is true where nothing was done.
std::optional<Response> disk_trouble(const Error& error, std::string_view undone);
Response draining();
/// Of a peer that has used up its requests.
Response too_many_requests();
/// Says in the journal why; of work that was cancelled, that the service stops.
Response register_unavailable(const Error& error);
Response no_person(const Error& error, const std::string& id);
Response bad_body(const Error& error);
/// Of somebody who was let in, and is not any more by the time that the answer is made.
Response access_just_ended(const policy::Contacts& contacts);

/// Where a list goes on; null: that was all.
json::value next_json(const std::string& next);
json::value day_json(const std::optional<Date>& day);
/// RFC 3339; null: none.
json::value moment_json(const std::optional<WallTime>& moment);
/// openapi.yaml's Guidance.
json::array to_json(const std::vector<policy::Guidance>& documents);
/// openapi.yaml's Lapse.
json::object to_json(const policy::Lapse& lapse);
json::object to_json(const reg::Declaration& declaration);
// Entries that name people. `person` is whose entry it is.
json::object to_json(const reg::Delegation& delegation, const reg::Person& person, Names& names);
json::object to_json(const reg::Acting& acting, const reg::Person& person, Names& names);
json::object to_json(const reg::Removal& removal, const reg::Person& person, Names& names);
/// Why is for those who decide, and for who asked.
json::object to_json_without_reasons(reg::Removal removal, const reg::Person& person, Names& names);
json::object to_json(const reg::Training& training, Names& names);
json::object to_json(const reg::Card& card, Names& names);

/// Each row's to_json(row, with...).
template <class Rows, class... With>
json::array list_json(const Rows& rows, With&&... with) {
  json::array out;
  for (const auto& row : rows) out.push_back(to_json(row, with...));
  return out;
}

}  // namespace cardgate::daemon
