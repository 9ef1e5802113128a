// SPDX-License-Identifier: Apache-2.0
#include "client/shared/secrets.hpp"

#include <sys/prctl.h>
#include <sys/resource.h>

#include <algorithm>

#include "base/bytes.hpp"

namespace cardgate::client {
namespace {

constexpr std::string_view hex_digits = "0123456789abcdef";

bool is_control(char c) {
  return static_cast<unsigned char>(c) < 0x20;
}
std::size_t escaped_size(char c) {
  return c == '"' || c == '\\' ? 2 : is_control(c) ? 6 : 1;
}

}  // namespace

void forbid_dumps() {
  const rlimit none{0, 0};
  // Best effort: the secret's own pages are left out of dumps in any case.
  (void)setrlimit(RLIMIT_CORE, &none);
  (void)prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
}

Secret json_with_secrets(const json::object& members,
                         const std::vector<std::pair<std::string_view, const Secret*>>& secrets) {
  std::string front = json::serialize(members);
  front.pop_back();
  std::size_t size = front.size() + 1;
  for (const auto& [name, secret] : secrets) {
    size += name.size() + 6;  // ,"":""
    for (const char c : secret->text()) size += escaped_size(c);
  }
  // Without members there is one comma less.
  bool first = members.empty();
  if (first) --size;
  Secret body(size);
  auto* to = std::ranges::copy(as_bytes(front), body.bytes().data()).out;
  const auto put = [&](std::string_view text) { to = std::ranges::copy(as_bytes(text), to).out; };
  const auto put_byte = [&](char c) { *to++ = static_cast<std::uint8_t>(c); };
  for (const auto& [name, secret] : secrets) {
    put(first ? "\"" : ",\"");
    first = false;
    put(name);
    put("\":\"");
    for (const char c : secret->text()) {
      if (is_control(c)) {
        put("\\u00");
        put_byte(hex_digits[static_cast<unsigned char>(c) >> 4U]);
        put_byte(hex_digits[static_cast<unsigned char>(c) & 0xFU]);
        continue;
      }
      if (escaped_size(c) == 2) put_byte('\\');
      put_byte(c);
    }
    put("\"");
  }
  put("}");
  return body;
}

Result<Secret> body_with_secrets(const json::object& members,
                                 const std::vector<std::pair<std::string_view, const Secret*>>& secrets) {
  for (const auto& [name, secret] : secrets) {
    const bool plain = std::ranges::all_of(
        secret->text(), [](char c) { return c >= ' ' && c <= '~' && c != '"' && c != '\\'; });
    if (!plain) return Error{Errc::pin_format, "A passcode has 6 to 8 digits. No try was spent."};
  }
  return json_with_secrets(members, secrets);
}

}  // namespace cardgate::client
