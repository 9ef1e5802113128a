// SPDX-License-Identifier: Apache-2.0
#include "trust/pattern.hpp"

#include <algorithm>
#include <vector>

#include "trust/match.hpp"

namespace cardgate::trust {

namespace {

constexpr std::size_t max_nesting = 32;
constexpr std::size_t max_repeats = 255;

Error bad(const std::string& text) {
  return {Errc::invalid_argument, text};
}

/// What an expression asks of glibc, before glibc sees it. Repetitions are written out (`x+` as xx*, `x{9}`
/// nine times, and so for each level of nesting), so a short expression can ask for more memory than there
/// is; and repeating what may be empty, as in (a*|b*)*, takes time that doubles with each choice.
class Cost {
 public:
  explicit Cost(std::string_view text) : text_(text) {}

  /// What is left open, regcomp() complains of.
  Result<void> check() {
    while (at_ < text_.size()) {
      TRY(step());
      if (open_.back().sum + open_.back().last > max_pattern_size)
        return bad("it repeats too much; use fewer or smaller repetitions");
    }
    return {};
  }

 private:
  struct Group {
    std::size_t sum = 0;   // what is complete
    std::size_t last = 0;  // the element that a repetition would apply to
    bool has_last = false;
    bool last_empty = false;   // the last element may match nothing
    bool branch_empty = true;  // so may all before it, back to the last '|'
    bool empty = false;        // so may a branch before that
  };

  void fold(Group& group) {
    group.sum += group.last;
    group.branch_empty = group.branch_empty && (!group.has_last || group.last_empty);
    group.last = 0;
    group.has_last = false;
  }

  void element(std::size_t size, bool may_be_empty = false) {
    Group& group = open_.back();
    fold(group);
    group.last = size;
    group.has_last = true;
    group.last_empty = may_be_empty;
  }

  void end_branch() {
    Group& group = open_.back();
    fold(group);
    group.empty = group.empty || group.branch_empty;
    group.branch_empty = true;
  }

  Result<void> repeat(std::size_t size, bool may_be_empty) {
    Group& group = open_.back();
    if (!group.has_last)
      return bad("a repetition has nothing before it; write \\*, \\+, \\? or \\{ for the character");
    if (group.last_empty) return bad("it repeats what may be empty, such as (a*)* or a**");
    group.last = size;
    group.last_empty = may_be_empty;
    return {};
  }

  Result<void> step() {
    const char c = text_[at_++];
    switch (c) {
      case '\\': {
        const char next = at_ < text_.size() ? text_[at_] : '\0';
        if (next >= '1' && next <= '9') return bad("back-references such as \\1 are not supported");
        ++at_;
        element(1, std::string_view("bB<>`'").find(next) != std::string_view::npos);
        return {};
      }
      case '^':
      case '$':
        element(1, true);
        return {};
      case '[':
        skip_bracket();
        element(1);
        return {};
      case '(':
        if (open_.size() > max_nesting) return bad("its parentheses are nested too deeply");
        open_.emplace_back();
        return {};
      case ')': {
        if (open_.size() == 1)
          return bad("a closing parenthesis has no opening one; write \\) for the character");
        end_branch();
        const Group inner = open_.back();
        open_.pop_back();
        element(inner.sum + 1, inner.empty);
        return {};
      }
      case '|':
        end_branch();
        open_.back().sum += 1;
        return {};
      case '+':
        return repeat(2 * open_.back().last + 1, false);
      case '*':
      case '?':
        return repeat(open_.back().last + 1, true);
      case '{':
        return repeat_counted();
      default:
        element(1);
        return {};
    }
  }

  /// [abc], []abc], [^]abc], [[:alpha:]]: a backslash is an ordinary character in there.
  void skip_bracket() {
    if (at_ < text_.size() && text_[at_] == '^') ++at_;
    if (at_ < text_.size() && text_[at_] == ']') ++at_;
    while (at_ < text_.size() && text_[at_] != ']') {
      const char kind = at_ + 1 < text_.size() ? text_[at_ + 1] : '\0';
      if (text_[at_] == '[' && (kind == ':' || kind == '.' || kind == '=')) {
        const char end[] = {kind, ']'};
        const auto close = text_.find(std::string_view(end, 2), at_ + 2);
        at_ = close == std::string_view::npos ? text_.size() : close + 2;
      } else {
        ++at_;
      }
    }
    ++at_;
  }

  Result<void> repeat_counted() {
    const auto number = [&]() -> std::size_t {
      std::size_t value = 0;
      while (at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9')
        value = std::min<std::size_t>(value * 10 + static_cast<std::size_t>(text_[at_++] - '0'), 10'000);
      return value;
    };
    const std::size_t begin = at_;
    const std::size_t least = number();
    std::size_t most = least;
    if (at_ < text_.size() && text_[at_] == ',') {
      ++at_;
      most = std::max(least, number());
    }
    if (at_ >= text_.size() || text_[at_] != '}' || at_ == begin)
      return bad("after { stands a number of repetitions such as {2} or {2,5}; write \\{ for the character");
    if (most > max_repeats) return bad("it repeats more than " + std::to_string(max_repeats) + " times");
    ++at_;
    return repeat(open_.back().last * (most + 1) + 1, least == 0);
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::vector<Group> open_ = std::vector<Group>(1);
};

}  // namespace

Result<Pattern> Pattern::compile(const std::string& text) {
  if (text.empty()) return bad("expected a regular expression");
  if (text.size() > max_pattern_bytes)
    return bad("the regular expression has more than " + std::to_string(max_pattern_bytes) + " bytes");
  if (auto bounded = Cost(text).check(); !bounded)
    return std::move(bounded).error().with("the regular expression \"" + text + "\" is not taken");
  auto fresh = std::make_unique<regex_t>();
  if (const int code = ::regcomp(fresh.get(), text.c_str(), REG_EXTENDED | REG_NOSUB); code != 0) {
    char why[256] = {};
    ::regerror(code, fresh.get(), why, sizeof why);
    return bad("the regular expression \"" + text + "\" is not good: " + why);
  }
  return Pattern(std::shared_ptr<const regex_t>(fresh.release(),
                                                [](const regex_t* compiled) {
                                                  auto* owned = const_cast<regex_t*>(compiled);
                                                  ::regfree(owned);
                                                  delete owned;
                                                }),
                 text);
}

bool Pattern::found_in(const std::string& text) const {
  return text.size() <= max_matched_text && ::regexec(compiled_.get(), text.c_str(), 0, nullptr, 0) == 0;
}

}  // namespace cardgate::trust
