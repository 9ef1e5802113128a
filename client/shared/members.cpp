// SPDX-License-Identifier: Apache-2.0
#include "client/shared/members.hpp"

#include <fmt/format.h>
#include <time.h>

#include "base/clock.hpp"
#include "base/day_text.hpp"

namespace cardgate::client {

std::string local_time(std::string_view rfc3339, const char* format) {
  const auto time = parse_rfc3339(rfc3339);
  if (!time) return std::string(rfc3339);
  const auto seconds_since = static_cast<time_t>(to_unix_seconds(*time));
  tm parts{};
  char out[64];
  if (localtime_r(&seconds_since, &parts) == nullptr || strftime(out, sizeof out, format, &parts) == 0) {
    return std::string(rfc3339);
  }
  return out;
}

std::string day_of(const json::object& object, std::string_view member) {
  const auto text = text_of(object, member);
  const auto day = parse_date(text);
  return day ? day_text(*day) : text;
}

std::string counted(std::int64_t count, std::string_view one, std::string_view many) {
  return fmt::format("{} {}", count, count == 1 ? one : many);
}

std::string text_of(const json::object& object, std::string_view member) {
  const auto* text = find_string(object, member);
  return text == nullptr ? std::string() : std::string(*text);
}
std::string person_text(const json::object& person) {
  return fmt::format("{} ({})", text_of(person, "name"), text_of(person, "id"));
}
std::string id_of(const json::object& object, std::string_view member) {
  const auto* person = find_object(object, member);
  return person == nullptr ? std::string() : text_of(*person, "id");
}
std::string name_of(const json::object& object, std::string_view member) {
  const auto* person = find_object(object, member);
  return person == nullptr ? std::string() : text_of(*person, "name");
}
std::string who_of(const json::object& object, std::string_view member) {
  const auto* person = find_object(object, member);
  return person == nullptr ? std::string() : person_text(*person);
}
std::int64_t number_of(const json::object& object, std::string_view member) {
  const auto* value = object.if_contains(member);
  return value != nullptr && value->is_int64() ? value->get_int64() : 0;
}
std::int64_t tries_of(const json::object& card) {
  const auto* value = card.if_contains("tries_left");
  return value != nullptr && value->is_null() ? -1 : number_of(card, "tries_left");
}
json::value tries_json(std::int64_t tries) {
  return tries < 0 ? json::value(nullptr) : json::value(tries);
}
std::string tries_text(std::int64_t tries) {
  return tries < 0 ? "the card does not say how many tries are left"
                   : counted(tries, "try", "tries") + " left";
}
bool is_true(const json::object& object, std::string_view member) {
  const auto* value = object.if_contains(member);
  return value != nullptr && value->is_bool() && value->get_bool();
}

}  // namespace cardgate::client
