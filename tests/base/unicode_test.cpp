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

TEST(Unicode, WhatCannotBeSeenIsGone) {
  for (const auto* text : {"40002001", " 40002001", "40002001\u00a0", "\ufeff40002001", "4000\u200b2001",
                           "40002001\u200d", "\u200e40002001\u200f", "4000\u00ad2001", "\u202a40002001\u202c",
                           "\u206040002001", "40002001\ufe0f", "\t40002001\r\n", "\u3000\u180e40002001",
                           "40002001\u2028", "\u280040002001\u0085", "\u316440002001"}) {
    EXPECT_EQ(visible_text(text), "40002001") << text;
  }
  EXPECT_EQ(visible_text("Ada\u00a0\u202f \tExample"), "Ada Example");
  EXPECT_EQ(visible_text("Zoe\u0308"), "Zo\u00eb");
  EXPECT_EQ(visible_text("Wi\u015bniew\u00adska"), "Wi\u015bniewska");
  EXPECT_EQ(visible_text("\u0639\u0644\u06cc\u200c\u0631\u0636\u0627"),
            "\u0639\u0644\u06cc\u200c\u0631\u0636\u0627")
      << "a Persian name, spelled as it should be";
  EXPECT_EQ(visible_text("\u200d\u00a0"), "");
  EXPECT_EQ(visible_text("a\x01"), "a\x01") << "for the caller to refuse";
  EXPECT_EQ(visible_text("a\xff "), "a\xff ") << "not UTF-8";
}

TEST(Unicode, AKeyIsOneWhateverTheSpelling) {
  const std::string eve = key_text("eve.zo\u00eb");
  for (const auto* text :
       {"Eve.Zo\u00eb", "EVE.ZOE\u0308", "eve.zo\u00eb\u200b", " eve.zo\u00eb ", "\uff45ve.zo\u00eb"})
    EXPECT_EQ(key_text(text), eve) << text;
  EXPECT_NE(key_text("eve.zoe"), eve) << "another letter is another name";
}

TEST(Unicode, AKeyHasNeitherCaseNorNeedlessBlanks) {
  EXPECT_EQ(key_text("  Ada \t EXAMPLE "), "ada example");
  EXPECT_EQ(key_text("\u0416\u0410\u041d\u041d\u0410"), key_text("\u0436\u0430\u043d\u043d\u0430"));
  EXPECT_EQ(key_text("ZOE\u0308\u00a0 Example"), key_text("Zo\u00eb Example"));
  EXPECT_NE(key_text("Ada-Example"), key_text("Ada Example"));
}

TEST(Unicode, NamesAreFoundAsPeopleTypeThem) {
  const auto same = [](const char* a, const char* b) {
    EXPECT_EQ(search_text(a), search_text(b)) << a << " " << b;
  };
  for (const auto* name :
       {"O\u2019Neill", "O\u02bcNeill", "O\u00b4Neill", "o`neill", "O\u2032NEILL", "ONeill", "O\uff07Neill"})
    same("O'Neill", name);
  same("Zoe Example", "Zo\u00eb  Example");
  same("Zoe Example", "ZOE\u0308\u00a0Example ");
  same("Anne-Marie Young", "Anne\u2011Marie\u202fYoung");
  same("Anne Marie Young", "Anne\u2013Marie Young");
  same("Lukasz Wisniewski", "\u0141ukasz Wi\u015bniewski");
  same("Soren Aegir", "S\u00f8ren \u00c6gir");
  same("Strasse", "Stra\u00dfe");
  same("J. Smith", "J Smith");
  EXPECT_NE(search_text("Zoe"), search_text("Joe"));
  EXPECT_NE(search_text("\u304b"), search_text("\u304c")) << "no accent: another letter of Japanese";
  EXPECT_EQ(search_text("\xff"), "\xff");
  EXPECT_EQ(search_text(""), "");
  const auto name = search_text("Wi\u015bniewski, Tomasz");
  for (const auto* wanted : {"tomasz wisniewski", "Wisn", "wi\u015b tom", ""})
    EXPECT_TRUE(has_words(name, search_text(wanted)));
  EXPECT_FALSE(has_words(name, search_text("Tomasz Young")));
}

TEST(Unicode, WhatIsNoUtf8StaysAsItIs) {
  EXPECT_EQ(normal("a\xff"), "a\xff");
  EXPECT_EQ(folded_text(std::string_view("A\xc3")), "A\xc3");
}

}  // namespace
}  // namespace cardgate
