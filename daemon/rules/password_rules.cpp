// SPDX-License-Identifier: Apache-2.0
#include "daemon/rules/password_rules.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>

#include "base/file.hpp"
#include "base/unicode.hpp"
#include "daemon/limits.hpp"
#include "proto/messages.hpp"

namespace cardgate::daemon {
namespace {

constexpr std::size_t shortest_word = 3;      // below that, a name stands in many an honest password
constexpr std::size_t enough_without = 8;     // what must be left of a password without such words
constexpr std::size_t fewest_characters = 5;  // different ones

bool begins_character(char c) {
  return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U;
}
std::size_t characters(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::count_if(text, begins_character));
}

/// "aaaabbbb", "abcdefghijkl", "098765432109".
bool is_pattern(std::string_view text) {
  std::array<bool, 256> seen{};
  for (const char c : text) seen[static_cast<unsigned char>(c)] = true;
  if (static_cast<std::size_t>(std::ranges::count(seen, true)) < fewest_characters) return true;
  const auto step = [&](std::size_t i) {
    const int by = text[i + 1] - text[i];
    return by == -9 ? 1 : by == 9 ? -1 : by;  // 9 to 0 and back
  };
  const int first = step(0);
  if (first != 1 && first != -1) return false;
  for (std::size_t i = 1; i + 1 < text.size(); ++i) {
    if (step(i) != first) return false;
  }
  return true;
}

/// Names fall apart where they are not letters: "Mary-Ann O'Invented" is four words.
void add_words(std::vector<std::string>& to, std::string_view text) {
  const std::string plain = folded_text(text);
  std::size_t begin = 0;
  for (std::size_t i = 0; i <= plain.size(); ++i) {
    const bool inside =
        i < plain.size() && (static_cast<unsigned char>(plain[i]) >= 0x80 ||
                             (plain[i] >= 'a' && plain[i] <= 'z') || (plain[i] >= '0' && plain[i] <= '9'));
    if (inside) continue;
    if (i - begin >= shortest_word) to.push_back(plain.substr(begin, i - begin));
    begin = i + 1;
  }
}

/// How many characters are left without the words, the longest taken first.
std::size_t length_without(const Secret& folded_password, std::vector<std::string> words) {
  std::ranges::sort(words, [](const auto& a, const auto& b) { return a.size() > b.size(); });
  Secret rest(folded_password.bytes());
  std::size_t size = rest.size();
  for (const auto& word : words) {
    for (;;) {
      const auto at = rest.text().substr(0, size).find(word);
      if (at == std::string_view::npos) break;
      auto* begin = rest.bytes().data() + at;
      std::memmove(begin, begin + word.size(), size - at - word.size());
      size -= word.size();
    }
  }
  return characters(rest.text().substr(0, size));
}

/// "64MiB".
Result<std::size_t> memory_of(const Yaml& node) {
  const std::string text = TRY(node.string());
  std::size_t count = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), count);
  const bool in_mib = read.ec == std::errc() && std::string_view(read.ptr) == "MiB";
  if (!in_mib || count < (least_password_memory >> 20U) || count > (most_password_memory >> 20U)) {
    return node.error(
        fmt::format("expected {}MiB to {}MiB", least_password_memory >> 20U, most_password_memory >> 20U));
  }
  return count << 20U;
}

}  // namespace

Result<PasswordSettings> read_passwords(const Yaml& node) {
  PasswordSettings out;
  auto map = TRY(node.map());
  if (auto length = map.optional("min_length")) out.min_length = TRY(length->integer(8, 64));
  if (auto list = map.optional("blocklist")) {
    out.blocklist = TRY(list->string());
    if (!out.blocklist.is_absolute()) return list->error("expected an absolute path");
  }
  if (auto words = map.optional("words")) out.words = TRY(words->strings());
  if (auto passes = map.optional("opslimit")) {
    out.cost.operations = static_cast<std::uint64_t>(
        TRY(passes->integer(1, static_cast<std::int64_t>(most_password_operations))));
  }
  if (auto memory = map.optional("memory")) out.cost.memory_bytes = TRY(memory_of(*memory));
  const auto life = [&map](const char* key, milliseconds& to) -> Result<void> {
    const auto value = map.optional(key);
    if (!value) return {};
    to = TRY(value->duration());
    if (to < std::chrono::minutes(1) || to > std::chrono::hours(24 * 14))
      return value->error("expected 1m to 14d");
    return {};
  };
  TRY(life("activation_life", out.activation_life));
  TRY(life("reset_life", out.reset_life));
  TRY(map.finish());
  return out;
}

Result<PasswordRules> PasswordRules::load(const PasswordSettings& settings) {
  PasswordRules rules;
  rules.min_length_ = static_cast<std::size_t>(settings.min_length);
  add_words(rules.words_, "cardgate");
  for (const auto& word : settings.words) add_words(rules.words_, word);
  if (settings.blocklist.empty()) return rules;
  const std::string text = TRY(read_file(settings.blocklist, max_blocklist_bytes));
  std::string_view rest = text;
  for (int line = 1; !rest.empty(); ++line) {
    const auto end = std::min(rest.find('\n'), rest.size());
    std::string_view item = rest.substr(0, end);
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (item.ends_with('\r')) item.remove_suffix(1);
    if (item.empty() || item.starts_with("# ")) continue;
    if (item.size() > proto::max_password_bytes) {
      return Error{Errc::config_invalid,
                   fmt::format("{}:{}: expected one password a line, of at most {} bytes",
                               settings.blocklist.string(), line, proto::max_password_bytes)};
    }
    rules.blocked_.insert(folded_text(item));
  }
  return rules;
}

std::string PasswordRules::refuse(const Secret& password, const std::vector<std::string>& words) const {
  const std::size_t length = characters(password.text());
  if (length < min_length_) {
    return fmt::format(
        "The new password is too short: it needs at least {} characters. Several words are easier to "
        "remember than one with odd characters",
        min_length_);
  }
  const Secret plain = folded_text(password);
  if (blocked_.contains(plain.text()) || is_pattern(plain.text())) {
    return "The new password is one of those that are guessed first. Choose another: several words that "
           "nobody would "
           "expect together";
  }
  std::vector<std::string> known = words_;
  for (const auto& word : words) {
    add_words(known, word);
    add_words(known, search_text(word));  // "oneill" of O’Neill, "zoe" of Zoë
  }
  if (length_without(plain, std::move(known)) < enough_without) {
    return "The new password is little more than your name, your user name or the name of this place or "
           "service. Choose "
           "another";
  }
  return {};
}

bool opens_by_password(const policy::Role& role) {
  return role.accepts(policy::SignIn::password) && role.records == "own" && role.may.empty();
}

}  // namespace cardgate::daemon
