// SPDX-License-Identifier: Apache-2.0
// For this room's own files only: a POSIX extended regular expression whose cost is bounded before it is
// compiled. Immutable; thread-safe.
#pragma once

#include <regex.h>

#include <memory>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace cardgate::trust {

class Pattern {
 public:
  /// Errors: invalid_argument.
  static Result<Pattern> compile(const std::string& text);
  /// Anywhere in `text`, which holds no NUL.
  bool found_in(const std::string& text) const;
  const std::string& text() const { return text_; }

 private:
  Pattern(std::shared_ptr<const regex_t> compiled, std::string text)
      : compiled_(std::move(compiled)), text_(std::move(text)) {}
  std::shared_ptr<const regex_t> compiled_;
  std::string text_;
};

}  // namespace cardgate::trust
