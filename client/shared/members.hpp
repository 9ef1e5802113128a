// SPDX-License-Identifier: Apache-2.0
// What the service answered, member by member, and how people read it. Pure, but for the machine's time zone; thread-safe.
#pragma once

#include <string>
#include <string_view>

#include "base/json.hpp"

namespace cardgate::client {

/// "Sun 22 Nov 2026, 18:30 GMT", in the machine's time zone; the text itself when it is not RFC 3339. `format` as strftime() has it.
std::string local_time(std::string_view rfc3339, const char* format = "%a %-d %b %Y, %H:%M %Z");
/// A member that is a day, as people read it: "31 March 2028". Empty when there is none.
std::string day_of(const json::object& object, std::string_view member);
/// "1 try", "3 tries".
std::string counted(std::int64_t count, std::string_view one, std::string_view many);

/// `tries_left`; -1 when the card does not tell (null).
std::int64_t tries_of(const json::object& card);
json::value tries_json(std::int64_t tries);
/// "1 try left".
std::string tries_text(std::int64_t tries);

/// The member's text, or nothing.
std::string text_of(const json::object& object, std::string_view member);
/// "Anna Bell (10017)".
std::string person_text(const json::object& person);
/// A member that is a person: the id, the name, or both. Empty when it is nobody.
std::string id_of(const json::object& object, std::string_view member);
std::string name_of(const json::object& object, std::string_view member);
std::string who_of(const json::object& object, std::string_view member);
std::int64_t number_of(const json::object& object, std::string_view member);
bool is_true(const json::object& object, std::string_view member);

}  // namespace cardgate::client
