// SPDX-License-Identifier: Apache-2.0
// The same letters from different keyboards.
#include "base/unicode.hpp"

#include <gtest/gtest.h>

#include "base/bytes.hpp"

namespace cardgate {
namespace {

std::string normal(std::string_view text) {
  return std::string(normal_text(Secret(text)).text());
}

TEST(Unicode, OneLetterOfTwoPartsIsTheOneOfOne) {
  EXPECT_EQ(normal("e\u0301lan"), "\u00e9lan");
  EXPECT_EQ(normal("\u212b"), "\u00c5") << "the sign for the unit";
  EXPECT_EQ(normal("\ufb01ne\u00a0\uff11"), "fine 1")
      << "a ligature, a blank that does not break, a wide digit";
  EXPECT_EQ(normal("\u1112\u1161\u11ab"), "\ud55c") << "Hangul";
  EXPECT_EQ(normal("plain Ascii 123"), "plain Ascii 123");
  EXPECT_EQ(normal(""), "");
}

TEST(Unicode, FoldingKnowsEveryScript) {
  EXPECT_EQ(folded_text(std::string_view("Ada")), "ada");
  EXPECT_EQ(folded_text(std::string_view("ZOE\u0308")), folded_text(std::string_view("Zo\u00eb")));
  EXPECT_EQ(folded_text(std::string_view("\u0416\u0410\u041d\u041d\u0410")),
            folded_text(std::string_view("\u0436\u0430\u043d\u043d\u0430")));
  EXPECT_EQ(folded_text(std::string_view("Stra\u00dfe")), "strasse");
  EXPECT_EQ(folded_text(std::string_view("\u03a3\u03af\u03c3\u03c5\u03c6\u03bf\u03c2")),
            folded_text(std::string_view("\u03a3\u038a\u03a3\u03a5\u03a6\u039f\u03a3")));
  EXPECT_NE(folded_text(std::string_view("Zoe")), folded_text(std::string_view("Zo\u00eb")));
  EXPECT_EQ(folded_text(Secret(std::string_view("ZOE\u0308"))).text(), "zo\u00eb");
}

TEST(Unicode, TheLongestThatALetterBecomesHasRoom) {
  const std::string ligature = "\ufdfa";  // eighteen letters
  std::string many;
  for (int i = 0; i < 80; ++i) many += ligature;
  EXPECT_EQ(normal(many).size(), 80 * normal(ligature).size());
  EXPECT_EQ(folded_text(std::string_view(many)), normal(many));
}

TEST(Unicode, WhatIsNoUtf8StaysAsItIs) {
  EXPECT_EQ(normal("a\xff"), "a\xff");
  EXPECT_EQ(folded_text(std::string_view("A\xc3")), "A\xc3");
}

}  // namespace
}  // namespace cardgate
