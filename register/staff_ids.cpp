// SPDX-License-Identifier: Apache-2.0
#include "register/staff_ids.hpp"

#include <fmt/format.h>
#include <regex.h>

#include <algorithm>
#include <array>

#include "base/bytes.hpp"
#include "base/unicode.hpp"

namespace cardgate::reg {
namespace {

constexpr std::size_t rare = 20;           // so many of one form may be debris of an earlier file
constexpr std::size_t longest_zeros = 12;  // digits of a number that zeros in front may have been taken off
constexpr std::string_view as_text =
    ". Format the column as text in the spreadsheet, and export the file again";

bool is_ascii_digit(char c) {
  return c >= '0' && c <= '9';
}
bool all_digits(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, is_ascii_digit);
}

char kind_of(char c) {
  if (is_ascii_digit(c)) return '9';
  if (c >= 'A' && c <= 'Z') return 'A';
  if (c >= 'a' && c <= 'z') return 'a';
  return c;
}
std::string form_of(std::string_view id) {
  std::string out;
  std::ranges::transform(id, std::back_inserter(out), kind_of);
  return out;
}
/// The form without its lengths.
std::string runs_of(std::string form) {
  form.erase(std::unique(form.begin(), form.end()), form.end());
  return form;
}

bool is_plain(char c) {
  constexpr std::string_view signs = "._-/@:+";
  const char kind = kind_of(c);
  return kind == '9' || kind == 'A' || kind == 'a' || signs.find(c) != std::string_view::npos;
}

/// 4.0002E+07, 4,0002E+07, 4e+07.
bool is_scientific(std::string_view id) {
  const auto e = id.find_first_of("eE");
  if (e == std::string_view::npos || e == 0) return false;
  const auto front = id.substr(0, e);
  auto power = id.substr(e + 1);
  const bool is_signed = power.starts_with('+') || power.starts_with('-');
  if (is_signed) power.remove_prefix(1);
  const bool broken = front.find_first_of(".,") != std::string_view::npos;
  return (is_signed || broken) && all_digits(power) && is_ascii_digit(front.front()) &&
         front.find_first_not_of("0123456789.,") == std::string_view::npos;
}

/// 40002001.0, 40,002,001, 40.002.001, -1.
bool is_amount(std::string_view id) {
  if (id.empty()) return false;  // behind a sign
  if (id.starts_with('-') || id.starts_with('+')) return all_digits(id.substr(1)) || is_amount(id.substr(1));
  return is_ascii_digit(id.front()) && id.find_first_not_of("0123456789.,") == std::string_view::npos &&
         id.find_first_of(".,") != std::string_view::npos;
}

bool says_nothing(std::string_view id) {
  static constexpr std::array words{"none", "null", "(null)", "nan", "n/a", "nil", "true", "false"};
  // "-" is how many write that there is none.
  return std::ranges::none_of(id,
                              [](char c) {
                                const char kind = kind_of(c);
                                return kind == '9' || kind == 'A' || kind == 'a' ||
                                       static_cast<unsigned char>(c) >= 0x80;
                              }) ||
         std::ranges::find(words, ascii_lower(id)) != words.end();
}

}  // namespace

struct IdPattern::Compiled {
  regex_t expression{};
  bool good = false;
  Compiled() = default;
  Compiled(const Compiled&) = delete;
  Compiled& operator=(const Compiled&) = delete;
  ~Compiled() {
    if (good) ::regfree(&expression);
  }
};

Result<std::shared_ptr<const IdPattern>> IdPattern::compile(const std::string& text) {
  const auto compiled = std::make_shared<Compiled>();
  const std::string whole = "^(" + text + ")$";
  // Alone first, so that "a)(b" is not made good by the parentheses around it.
  regex_t alone{};
  int code = ::regcomp(&alone, text.c_str(), REG_EXTENDED | REG_NOSUB);
  const regex_t* failed = &alone;
  if (code == 0) {
    ::regfree(&alone);
    code = ::regcomp(&compiled->expression, whole.c_str(), REG_EXTENDED | REG_NOSUB);
    failed = &compiled->expression;
  }
  if (code != 0) {
    std::array<char, 128> why{};
    ::regerror(code, failed, why.data(), why.size());
    return Error{Errc::config_invalid,
                 fmt::format("expected a regular expression (POSIX extended): {}", why.data())};
  }
  compiled->good = true;
  return std::shared_ptr<const IdPattern>(new IdPattern(text, compiled));
}

bool IdPattern::fits(std::string_view id) const {
  return ::regexec(&compiled_->expression, std::string(id).c_str(), 0, nullptr, 0) == 0;
}

void KnownForms::add(std::string_view id) {
  auto& seen = seen_[form_of(id)];
  if (++seen.count == 1) seen.example = id;
}

void KnownForms::settle() {
  std::map<std::string, std::size_t> lengths;
  for (auto& [form, seen] : seen_) {
    if (seen.count <= rare) continue;
    if (const auto runs = runs_of(form); ++lengths[runs] > 1) of_any_length_.insert(runs);
    examples_.emplace(form, std::move(seen.example));
  }
  seen_.clear();
}

bool KnownForms::fits(std::string_view id) const {
  const auto form = form_of(id);
  return examples_.contains(form) || of_any_length_.contains(runs_of(form));
}

std::string KnownForms::examples() const {
  constexpr std::size_t most = 3;
  std::string out;
  std::size_t shown = 0;
  for (const auto& [form, example] : examples_) {
    if (shown++ == most) break;
    out += (out.empty() ? "" : " or ") + example;
  }
  return out;
}

std::string id_debris(std::string_view id) {
  if (id.empty()) return {};
  if (says_nothing(id)) return "is no personnel number: the row has none. Give it one, or take the row out";
  if (is_scientific(id))
    return fmt::format("is no personnel number: a spreadsheet shortened it, and its last digits are lost{}",
                       as_text);
  if (is_amount(id))
    return fmt::format("is no personnel number: a spreadsheet wrote it as an amount{}", as_text);
  if (id.find_first_of("'\"`=") != std::string_view::npos)
    return fmt::format("is no personnel number: it has a spreadsheet's mark for text in it{}", as_text);
  if (id.find(' ') != std::string_view::npos)
    return "is no personnel number: it has a space in it. Write it without";
  for (std::size_t at = 0; at < id.size();) {
    const auto begin = at;
    const auto point = take_utf8(id, at);
    if (point && *point < 0x80 && is_plain(static_cast<char>(*point))) continue;
    if (!point) return "is no personnel number: it is not UTF-8";
    return fmt::format(
        "is no personnel number: '{}' is no letter from A to Z and no digit from 0 to 9. Write it with "
        "those; if your "
        "numbers have it, say so in cardgated.yaml: staff_ids",
        id.substr(begin, at - begin));
  }
  return {};
}

std::string wrong_with_number(std::string_view id, const IdPattern& pattern) {
  if (pattern.fits(id)) return {};
  auto debris = id_debris(id);
  if (!debris.empty()) return debris;
  return fmt::format("is no personnel number here: cardgated.yaml says staff_ids: '{}'", pattern.text());
}

std::string wrong_with_number(std::string_view id, const KnownForms& forms) {
  if (!forms.empty() && forms.fits(id)) return {};
  auto debris = id_debris(id);
  if (!debris.empty() || forms.empty()) return debris;
  return fmt::format(
      "does not look like the numbers on file (such as {}). Put it right; if it is right, say in "
      "cardgated.yaml "
      "what numbers look like: staff_ids",
      forms.examples());
}

std::vector<std::string> like_ids(std::string_view id) {
  std::vector<std::string> out;
  if (all_digits(id)) {
    const auto bare = id.substr(std::min(id.find_first_not_of('0'), id.size() - 1));
    for (std::string other(bare); other.size() <= longest_zeros; other.insert(0, 1, '0')) {
      if (other != id) out.push_back(other);
    }
    return out;
  }
  std::string lower = ascii_lower(id), upper(id);
  for (char& c : upper) {
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  }
  if (lower != id) out.push_back(std::move(lower));
  if (upper != id) out.push_back(std::move(upper));
  return out;
}

}  // namespace cardgate::reg
