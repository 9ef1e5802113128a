// SPDX-License-Identifier: Apache-2.0
#include "audit/line.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "audit/event.hpp"
namespace cardgate::audit {
namespace {

// Names what is signed, so that a signature made by this key for anything else never fits.
constexpr std::string_view domain = "cardgate-audit-checkpoint-v1\n";
constexpr std::string_view signature_member = ",\"sig\":\"";
constexpr std::size_t signature_characters = 86;  // 64 bytes in base64url
constexpr std::string_view signature_close = "\"}";
constexpr std::size_t signature_tail =
    signature_member.size() + signature_characters + signature_close.size();

constexpr std::array<std::string_view, 12> members = {"seq",    "time",   "prev",    "event",
                                                      "person", "role",   "client",  "session",
                                                      "reason", "policy", "details", "sig"};

Error malformed(std::string_view what) {
  return {Errc::malformed, std::string(what)};
}

bool is_hash(std::string_view text) {
  return text.size() == 64 && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

}  // namespace

void append_line(std::string& out, std::uint64_t sequence, std::string_view time, std::string_view prev_hex,
                 std::string_view body) {
  std::array<char, 20> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), sequence).ptr;
  out += "{\"seq\":";
  out.append(digits.data(), end);
  out += ",\"time\":\"";
  out += time;
  out += "\",\"prev\":\"";
  out += prev_hex;
  out += "\",";
  out += body;
  out += "}\n";
}

std::string checkpoint_line(std::uint64_t sequence, std::string_view time, std::string_view prev_hex,
                            std::string_view segment, bool end, std::string_view log, const SigningKey& key) {
  // Whose it is stands in it, so that it can be told from others where it is kept.
  const std::string body = fmt::format(
      "\"event\":\"{}\",\"details\":{{\"segment\":\"{}\",\"end\":{},\"log\":\"{}\",\"key\":\"{}\"}}",
      name_of(Event::checkpoint), segment, end, log, key_id(key.public_key()));
  std::string message(domain);
  append_line(message, sequence, time, prev_hex, body);
  message.resize(message.size() - 2);  // the brace and the newline come after the signature
  const Signature signature = key.sign(as_bytes(message));
  return fmt::format("{}{}{}{}\n", std::string_view(message).substr(domain.size()), signature_member,
                     to_base64url(signature), signature_close);
}

std::string chain_hash(std::string_view line_with_newline) {
  return to_hex(blake2b(as_bytes(line_with_newline)));
}

std::string no_hash() {
  return std::string(64, '0');
}

const json::object& Line::details() const {
  static const json::object empty;
  const json::object* found = find_object(object, "details");
  return found == nullptr ? empty : *found;
}

Result<Line> parse_line(std::string_view line) {
  json::value value = TRY(parse_json(line, max_line_bytes));
  if (!value.is_object()) return malformed("not a JSON object");
  Line out;
  out.object = std::move(value.get_object());
  for (const auto& member : out.object) {
    const std::string_view key = member.key();
    if (std::find(members.begin(), members.end(), key) == members.end()) {
      return malformed(fmt::format("member '{}' is not of this format", key));
    }
    if (key != "seq" && key != "details" && !member.value().is_string()) {
      return malformed(fmt::format("member '{}' is not a string", key));
    }
  }
  const json::value* sequence = out.object.if_contains("seq");
  if (sequence == nullptr || !sequence->is_int64() || sequence->get_int64() < 1) {
    return malformed("no sequence number");
  }
  out.sequence = static_cast<std::uint64_t>(sequence->get_int64());
  const json::string* time = find_string(out.object, "time");
  if (time == nullptr || !parse_rfc3339(*time)) return malformed("no time");
  out.time = *time;
  const json::string* prev = find_string(out.object, "prev");
  if (prev == nullptr || !is_hash(*prev)) return malformed("no hash of the previous line");
  out.prev = *prev;
  const json::string* event = find_string(out.object, "event");
  if (event == nullptr || event->empty()) return malformed("no event");
  out.event = *event;
  const json::value* details = out.object.if_contains("details");
  if (details != nullptr && !details->is_object()) return malformed("details are not an object");
  out.is_signed = out.object.contains("sig");
  if (out.is_signed != (out.event == "checkpoint"))
    return malformed("a signature belongs to checkpoints only");
  return out;
}

SignedText signed_text(std::string_view line) {
  if (line.size() <= signature_tail) return {};
  const std::string_view signed_part = line.substr(0, line.size() - signature_tail);
  std::string_view tail = line.substr(signed_part.size());
  if (!tail.starts_with(signature_member) || !tail.ends_with(signature_close)) return {};
  auto signature = from_base64url(tail.substr(signature_member.size(), signature_characters));
  if (!signature) return {};
  return {std::string(domain).append(signed_part), std::move(*signature)};
}

bool verify_checkpoint(std::string_view line, const PublicKey& key) {
  const auto [text, signature] = signed_text(line);
  return !text.empty() && cardgate::verify(key, as_bytes(text), signature);
}

std::string key_id(const PublicKey& key) {
  return to_hex(blake2b(key)).substr(0, 16);
}

}  // namespace cardgate::audit
