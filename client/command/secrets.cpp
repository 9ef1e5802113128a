// SPDX-License-Identifier: Apache-2.0
#include "client/command/secrets.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/bytes.hpp"
#include "client/command/output.hpp"
#include "client/command/terminal.hpp"

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

Result<Secret> SecretSource::take(std::string_view prompt, std::size_t max_bytes) const {
  if (from_stdin) return read_secret_line(0, max_bytes);
  if (fd >= 0) return read_secret_line(fd, max_bytes);
  auto secret = ask_secret(prompt, max_bytes);
  if (!secret && secret.error().code == Errc::not_found) {
    return Error{Errc::invalid_argument,
                 "there is no terminal to ask on. Give --passcode-stdin or --passcode-fd"};
  }
  return secret;
}

Result<Secret> SecretSource::take_new(std::string_view prompt, std::string_view again,
                                      std::size_t max_bytes) const {
  auto fresh = TRY(take(prompt, max_bytes));
  if (!interactive()) return fresh;
  const auto repeated = TRY(take(again, max_bytes));
  if (repeated.text() != fresh.text())
    return Error{Errc::invalid_argument, "the two do not match. Nothing was changed. Try again"};
  return fresh;
}

void add_secret_options(CLI::App& command, SecretSource& source, const std::string& what) {
  auto* fd =
      command.add_option("--passcode-fd", source.fd, "Read from this descriptor, one line each: " + what)
          ->check(CLI::NonNegativeNumber);
  command.add_flag("--passcode-stdin", source.from_stdin, "Read the same from standard input")->excludes(fd);
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

int say_secret_error(const Cli& cli, const Error& error) {
  return error.code == Errc::invalid_argument ? say_usage(cli, error.context) : say_error(cli, error);
}

}  // namespace cardgate::client
