// SPDX-License-Identifier: Apache-2.0
// What a personnel number looks like here, so that what a spreadsheet made of one is not taken for a new person.
// Pure; immutable objects are thread-safe.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace cardgate::reg {

/// The organisation's own word on it: `staff_ids` of the configuration.
class IdPattern {
 public:
  /// A regular expression (POSIX extended) that the whole number must fit. Errors: config_invalid, with what is
  /// wrong with it.
  static Result<std::shared_ptr<const IdPattern>> compile(const std::string& text);

  bool fits(std::string_view id) const;
  const std::string& text() const { return text_; }

 private:
  struct Compiled;
  IdPattern(std::string text, std::shared_ptr<const Compiled> compiled)
      : text_(std::move(text)), compiled_(std::move(compiled)) {}
  std::string text_;
  std::shared_ptr<const Compiled> compiled_;
};

/// The forms that numbers on file have: "40002001" has eight digits, "E1001" a capital and four digits. A form counts
/// when more than 20 people have it. Where it occurs with several lengths, other lengths are of that form, too.
class KnownForms {
 public:
  void add(std::string_view id);
  /// After the last add().
  void settle();
  /// No form is common enough to say anything.
  bool empty() const { return examples_.empty(); }
  bool fits(std::string_view id) const;
  /// "40002001 or E1001": a number of each form that counts, three at most.
  std::string examples() const;

 private:
  struct Seen {
    std::size_t count = 0;
    std::string example;
  };
  std::map<std::string, Seen, std::less<>> seen_;
  std::map<std::string, std::string, std::less<>> examples_;  // by form
  std::set<std::string, std::less<>> of_any_length_;
};

/// What a spreadsheet or a list in another script made of a number, a sentence about it that says what to do; empty when
/// it could be a number. `id` is visible_text().
std::string id_debris(std::string_view id);

/// What is wrong with the number of a newcomer, likewise: by the configuration's pattern, or by what is on file.
std::string wrong_with_number(std::string_view id, const IdPattern& pattern);
std::string wrong_with_number(std::string_view id, const KnownForms& forms);

/// Numbers that this one could be after zeros in front or the case of letters were lost, itself not among them.
std::vector<std::string> like_ids(std::string_view id);

}  // namespace cardgate::reg
