// SPDX-License-Identifier: Apache-2.0
// What people read is plain English (docs/architecture.md, "Words"): the worst patterns stay out of every string literal
// that holds a sentence.
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <filesystem>
#include <fstream>
#include <regex>
#include <sstream>
#include <vector>

#include "tests/support/folders.hpp"

namespace cardgate::architecture {
namespace {

struct Literal {
  std::size_t line = 0;
  std::string text;  // neighbours put together, escapes as they stand
};

/// The ordinary string literals of a C++ file; comments, characters, raw literals and include lines are passed over.
std::vector<Literal> literals_of(const std::string& source) {
  std::vector<Literal> out;
  std::size_t line = 1;
  bool together = false;  // nothing but white space since the last literal
  for (std::size_t i = 0; i < source.size(); ++i) {
    const char c = source[i];
    if (c == '\n') ++line;
    if (std::isspace(static_cast<unsigned char>(c)) != 0) continue;
    const bool comment =
        source.compare(i, 2, "//") == 0 || (c == '#' && source.compare(i, 8, "#include") == 0);
    if (comment) {
      i = std::min(source.find('\n', i), source.size()) - 1;
      continue;
    }
    if (c == 'R' && source.compare(i, 2, "R\"") == 0) {
      const auto open = source.find('(', i);
      const auto end = source.find(")" + source.substr(i + 2, open - i - 2) + "\"", open);
      line += static_cast<std::size_t>(std::count(source.begin() + static_cast<std::ptrdiff_t>(i),
                                                  source.begin() + static_cast<std::ptrdiff_t>(end), '\n'));
      i = end + (open - i - 2) + 1;
      together = false;
      continue;
    }
    if (c != '"' && c != '\'') {
      together = false;
      continue;
    }
    // A digit separator is no character.
    if (c == '\'' && i > 0 && std::isalnum(static_cast<unsigned char>(source[i - 1])) != 0) continue;
    std::string text;
    std::size_t at = i + 1;
    for (; at < source.size() && source[at] != c; ++at) {
      if (source[at] == '\\') text += source[at++];
      text += source[at];
    }
    i = at;
    if (c == '\'') {
      together = false;
    } else if (together) {
      out.back().text += text;
    } else {
      out.push_back({line, text});
      together = true;
    }
  }
  return out;
}

struct Pattern {
  const char* words;
  const char* instead;
};

constexpr std::array patterns{
    Pattern{"nobody's", "say that no person ..."},
    Pattern{"whose", "name the thing"},
    Pattern{"whoever", "say who: \"the person who\", \"somebody who\""},
    Pattern{"to be told", "use a verb of the reader's: \"to dismiss\""},
    Pattern{"at this moment", "\"right now\", \"just\""},
    Pattern{"any more", "\"no longer\""},
    Pattern{"is there already", "\"already exists\""},
};

std::vector<std::string> found_in(const std::string& place, const std::string& source) {
  struct Compiled {
    const char *words, *instead;
    std::regex pattern;
  };
  static const auto compiled = [] {
    std::vector<Compiled> all;
    for (const auto& [words, instead] : patterns)
      all.push_back(
          {words, instead, std::regex(fmt::format(R"((^|[^a-z]){}($|[^a-z]))", words), std::regex::icase)});
    return all;
  }();
  std::vector<std::string> out;
  for (const auto& literal : literals_of(source)) {
    if (literal.text.find(' ') == std::string::npos) continue;  // a name, not a sentence
    for (const auto& [words, instead, pattern] : compiled) {
      if (std::regex_search(literal.text, pattern)) {
        out.push_back(fmt::format("{}:{}: \"{}\": instead of \"{}\": {}", place, literal.line, literal.text,
                                  words, instead));
      }
    }
  }
  return out;
}

TEST(Words, ThatAreRiddlesStandInNoSentence) {
  std::vector<std::string> found;
  int read = 0;
  const std::filesystem::path root = source_file("");
  for (const char* folder :
       {"base", "pcsc", "trust", "policy", "register", "audit", "proto", "daemon", "client"}) {
    for (const auto& entry : std::filesystem::recursive_directory_iterator(root / folder)) {
      const auto ending = entry.path().extension();
      if (ending != ".cpp" && ending != ".hpp") continue;
      std::ifstream file(entry.path());
      std::ostringstream text;
      text << file.rdbuf();
      ++read;
      auto here = found_in(entry.path().lexically_relative(root).string(), text.str());
      std::move(here.begin(), here.end(), std::back_inserter(found));
    }
  }
  EXPECT_GT(read, 100) << "the sources were not found";
  EXPECT_TRUE(found.empty()) << fmt::format("{}", fmt::join(found, "\n"));
}

TEST(Words, AreFoundInPartsOfALiteralAndNowhereElse) {
  EXPECT_EQ(found_in("a.cpp", "say(\"It is no\"\n    \"body's card.\");").size(), 1U);
  EXPECT_EQ(found_in("a.cpp", "f(\"Whose card is it\");").size(), 1U);
  for (const char* harmless :
       {"// whose card\nf(\"a card\");", "f(\"whose\");", "f('\"', \"a card\");  // nobody's is it",
        "#include \"whose card.hpp\"\n", "f(R\"(whose card)\");", "const int n = 10'000;  // whose card"}) {
    EXPECT_TRUE(found_in("a.cpp", harmless).empty()) << harmless;
  }
}

}  // namespace
}  // namespace cardgate::architecture
