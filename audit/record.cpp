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

constexpr EventInfo table[] = {
    {"start", "details.version, policy", "the service started"},
    {"stop", "reason", "the service stopped in order"},
    {"reload", "policy, reason, details", "configuration and policy were read again; reason when refused"},
    {"trust_files", "reason", "certificates or CRLs changed and were taken over; reason when refused"},
    {"import", "client, reason, details", "a staff file was taken over, or refused as a whole"},
    {"sign_in",
     "person, client, session, policy, details.reader, details.card, details.uid, details.revocation",
     "a person proved card and passcode; a session is open"},
    {"sign_in_refused", "person, client, reason, details", "a sign-in ended without a session"},
    {"session_locked", "person, session, reason", "a session sleeps until the passcode is given again"},
    {"session_grace", "person, session, reason",
     "its card is out; the tokens live on for the time that the policy says"},
    {"session_resumed", "person, client, session", "a locked session is open again"},
    {"session_ended", "person, session, reason", "a session is over; its tokens are revoked"},
    {"signed_out", "person, client, session", "a person or an owner ended the session"},
    {"card_inserted", "details.reader, details.card", "a card came into a reader"},
    {"card_removed", "person, session, details.reader", "a card was taken out"},
    {"token",
     "person, role, client, session, policy, details.audience, details.jti, details.expires, "
     "details.revocation",
     "a token was released"},
    {"token_refused", "person, role, client, session, reason, policy, details.unmet",
     "a token was not released"},
    {"certificate_explained", "person, client, reason, details.certificate, details.serial",
     "root asked to whom a certificate belongs; the person it led to"},
    {"introspected", "client, reason, details", "a token was looked up and why it was not active"},
    {"revoked", "person, client, session, reason, details.jti", "a token was made invalid before its time"},
    {"access_removed", "person, reason, details", "prerequisites ceased to hold during a session"},
    {"client_refused", "client, reason, details", "a peer asked for what it is not registered for"},
    {"passcode_changed", "person, client, details", "a card has a new passcode"},
    {"card_blocked", "person, details", "a card has no tries left"},
    {"card_refused", "client, reason, details", "a passcode was not changed, or a card not unblocked"},
    {"card_unblocked", "person, client, details", "a card was unblocked"},
    {"key_rotated", "details.kid", "a token signing key was made or withdrawn"},
    {"register_changed", "person, client, reason, details", "the staff register was changed"},
    {"form", "person, client, session, role, reason, details.by, details.form, details.act",
     "an access form was submitted, verified, approved, rejected, withdrawn or renewed"},
    {"declaration_signed", "person, client, session, details.name, details.version, details.text",
     "a person signed a declaration; `text` is the SHA-256 of what was signed"},
    {"training_recorded", "person, client, session, role, details.by, details.course",
     "a completed course was put on record"},
    {"delegation", "person, client, session, role, reason, details.by, details.delegation, details.act",
     "a line manager let a person act for them, or ended that"},
    {"acting_manager", "person, client, session, role, reason, details.by, details.manager, details.act",
     "a person was named to stand in for a line manager, or that was ended"},
    {"removal", "person, client, session, role, reason, details.by, details.removal, details.act",
     "an urgent removal was asked for, done, declined, or taken back by two people"},
    {"looked_at",
     "person, client, session, role, reason, details.by, details.people, details.list, details.count",
     "what is on record about somebody else, or about several people, was shown"},
    {"record_asked", "person, client, session, role, reason, details.record",
     "whether a person may open a record was asked, and the answer was no"},
    {"setup", "person, client, reason, details",
     "root appointed the first members of the team, or set-up was closed"},
    {"break_glass", "person, client, reason, details",
     "root did what only the team may do otherwise; every member of the team is told"},
    {"enrolment", "person, client, reason, details.by, details.act",
     "a person asked for an activation code, was given one, or used it"},
    {"password_changed", "person, client, reason", "a person has a new password"},
    {"password_reset", "person, client, session, role, reason, details.by",
     "a password was replaced by one that must be changed"},
    {"notice", "person, details.mark, details.text", "a person is told of something at the next sign-in"},
    {"signatures_void",
     "reason, policy, details.name, details.version, details.text, details.count, details.people",
     "the text of a declaration was changed under its version: the signatures of these people no longer "
     "count"},
    {"register_copied", "client, reason, details",
     "a backup of the staff register was made, or one was restored"},
    {"downtime", "client, reason, details", "planned or emergency downtime began or ended"},
    {"clock_jump", "reason, details.from, details.to",
     "the wall clock moved against the boot clock: forward, put right, back (not believed), right again"},
    {"repeated", "person, role, session, reason, details.event, details.count, details.uid",
     "so many more of one uid like the one that was recorded"},
    {"incident", "reason, details", "something that a person must look at"},
    {"segment", "details.format, details.key", "first line of a segment", true},
    {"checkpoint", "details.segment, details.end", "a signature over everything before it", true},
    {"healed", "details.bytes, details.hash, details.file", "an unfinished write was cut off at start", true},
    {"retention", "details.first_kept, details.kept_prev, details.segments", "old segments are deleted",
     true},
};

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

std::span<const EventInfo> events() {
  return table;
}

const EventInfo* find_event(std::string_view name) {
  const auto* found =
      std::find_if(std::begin(table), std::end(table), [&](const auto& e) { return e.name == name; });
  return found == std::end(table) ? nullptr : found;
}

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
