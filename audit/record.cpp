// SPDX-License-Identifier: Apache-2.0
#include "audit/record.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>

#include "base/bytes.hpp"
#include "base/shown.hpp"

namespace cardgate::audit {
namespace {

constexpr std::string_view cut_mark = "\xE2\x80\xA6";

bool is_printable_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= 0x20 && c < 0x7F; });
}

/// True for text that stands in JSON as it is, as nearly all does.
bool needs_nothing(std::string_view text) {
  unsigned odd = 0;
  for (const char c : text) {
    // Signed, so that bytes above 7F are looked at more closely, whatever char is here.
    odd |= static_cast<unsigned>(static_cast<signed char>(c) < 0x20) | static_cast<unsigned>(c == 0x7F) |
           static_cast<unsigned>(c == '"') | static_cast<unsigned>(c == '\\');
  }
  return odd == 0 && text.size() <= max_field_bytes;
}

/// Appends as a JSON string, cleaned and cut. What is left to escape then is the quote and the backslash.
void append_quoted(std::string& out, std::string_view text) {
  out += '"';
  if (needs_nothing(text)) {
    out += text;
  } else {
    for (const char c : clean(text)) {
      if (c == '"' || c == '\\') out += '\\';
      out += c;
    }
  }
  out += '"';
}

void append_member(std::string& out, std::string_view name, std::string_view text) {
  if (text.empty()) return;
  out += ",\"";
  out += name;
  out += "\":";
  append_quoted(out, text);
}

bool append_object(std::string& out, const json::object& object, std::size_t depth);

/// False when the value is too large or too deep, or when a key is not plain: cleaned keys could become
/// equal.
bool append_value(std::string& out, const json::value& value, std::size_t depth) {
  if (out.size() > max_details_bytes || depth > max_details_depth) return false;
  if (const auto* text = value.if_string()) {
    append_quoted(out, *text);
  } else if (const auto* object = value.if_object()) {
    if (!append_object(out, *object, depth)) return false;
  } else if (const auto* array = value.if_array()) {
    out += '[';
    for (const auto& element : *array) {
      if (out.back() != '[') out += ',';
      if (!append_value(out, element, depth + 1)) return false;
    }
    out += ']';
  } else if (const auto* number = value.if_double(); number != nullptr && !std::isfinite(*number)) {
    out += "null";
  } else if (const auto* integer = value.if_int64()) {
    fmt::format_to(std::back_inserter(out), "{}", *integer);
  } else {
    out += json::serialize(value);
  }
  return out.size() <= max_details_bytes;
}

bool append_object(std::string& out, const json::object& object, std::size_t depth) {
  out += '{';
  for (const auto& member : object) {
    if (out.back() != '{') out += ',';
    if (member.key().size() > 64 || !is_printable_ascii(member.key())) return false;
    append_quoted(out, member.key());
    out += ':';
    if (!append_value(out, member.value(), depth + 1)) return false;
  }
  out += '}';
  return out.size() <= max_details_bytes;
}

}  // namespace

std::string clean(std::string_view text, std::size_t max_bytes) {
  // One byte over the limit is enough to see that there is more.
  std::string shown = shown_text(text.substr(0, max_bytes + 1));
  if (shown.size() <= max_bytes) return shown;
  std::size_t end = 0;
  for (std::size_t at = 0; take_utf8(shown, at) && at + cut_mark.size() <= max_bytes;) end = at;
  shown.resize(end);
  return shown += cut_mark;
}

std::string encode_unchecked(const Record& record) {
  std::string out;
  out.reserve(512);
  out += "\"event\":";
  append_quoted(out, record.event);
  append_member(out, "person", record.person);
  append_member(out, "role", record.role);
  append_member(out, "client", record.client);
  append_member(out, "session", record.session);
  append_member(out, "reason", record.reason);
  append_member(out, "policy", record.policy);
  if (record.details.empty()) return out;
  out += ",\"details\":";
  std::string text;
  out += append_object(text, record.details, 1) ? text : std::string_view("{\"cut\":true}");
  return out;
}

Result<std::string> encode(const Record& record) {
  const EventInfo* info = find_event(record.event);
  if (info == nullptr || info->internal) {
    return Error{Errc::invalid_argument,
                 fmt::format("audit: '{}' is not an event to be recorded", clean(record.event, 64))};
  }
  return encode_unchecked(record);
}

}  // namespace cardgate::audit
