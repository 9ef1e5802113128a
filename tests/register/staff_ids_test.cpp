// SPDX-License-Identifier: Apache-2.0
// What a personnel number looks like, and what a spreadsheet makes of one.
#include "register/staff_ids.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace cardgate::reg {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(StaffIds, WhatASpreadsheetMakesOfANumberIsToldFromOne) {
  for (const auto* id : {"40002001", "00412345", "E1001", "a.one", "boss", "12E3", "AB/123-4",
                         "x@hospital.example", "E10", "7"})
    EXPECT_EQ(id_debris(id), "") << id;
  const std::pair<const char*, const char*> debris[] = {
      {"4.0002E+07", "shortened it"},
      {"4.0002001E7", "shortened it"},
      {"4,0002E+07", "shortened it"},
      {"4e+07", "shortened it"},
      {"40002001.0", "amount"},
      {"40002001,00", "amount"},
      {"40,002,001", "amount"},
      {"40.002.001", "amount"},
      {"-40002001", "amount"},
      {"+40002001", "amount"},
      {"'00412345", "mark for text"},
      {"=\"00412345\"", "mark for text"},
      {"\"00412345\"", "mark for text"},
      {"40 002 001", "a space"},
      {"\u0664\u0660\u0660", "'\u0664' is no letter"},
      {"\uff14\uff10", "'\uff14' is no letter"},
      {"4000200\u00b9", "'\u00b9' is no letter"},
      {"\u201900412345", "'\u2019' is no letter"},
      {"\u04151001", "'\u0415' is no letter"},
      {"4000\u200d2001", "is no letter"},
      {"#N/A", "'#' is no letter"},
      {"null", "has none"},
      {"NaN", "has none"},
      {"none", "has none"},
      {"-", "has none"},
      {"+-", "has none"},
  };
  for (const auto& [id, words] : debris) EXPECT_THAT(id_debris(id), HasSubstr(words)) << id;
}

TEST(StaffIds, TheConfigurationDecidesWhereItSaysSo) {
  const auto pattern = IdPattern::compile("[0-9]{8}|E[0-9]{4}").value();
  EXPECT_TRUE(pattern->fits("40002001"));
  EXPECT_TRUE(pattern->fits("E1001"));
  for (const auto* id : {"400020011", "4000200", "x40002001", "E1001x", "40002001 "})
    EXPECT_FALSE(pattern->fits(id)) << id;
  EXPECT_EQ(wrong_with_number("E1001", *pattern), "");
  EXPECT_THAT(wrong_with_number("412345", *pattern),
              HasSubstr("cardgated.yaml says staff_ids: '[0-9]{8}|E[0-9]{4}'"));
  EXPECT_THAT(wrong_with_number("4.0002E+07", *pattern), HasSubstr("shortened it"));
  EXPECT_EQ(wrong_with_number("40 002", *IdPattern::compile("[0-9 ]+").value()), "")
      << "whoever has such numbers says so";
  for (const auto* bad : {"[0-9", "(", "a)(b", "*"})
    EXPECT_FALSE(IdPattern::compile(bad) && *bad != '*') << bad;
}

KnownForms forms(int eight, int letters, int odd = 0) {
  KnownForms out;
  for (int i = 0; i < eight; ++i) out.add(std::to_string(40'000'000 + i));
  for (int i = 0; i < letters; ++i) out.add(fmt::format("E{}", 1000 + i));
  for (int i = 0; i < odd; ++i) out.add(std::to_string(100 + i));
  out.settle();
  return out;
}

TEST(StaffIds, MoreThanTwentyOfOneFormAreAForm) {
  EXPECT_TRUE(forms(20, 20).empty());
  const auto known = forms(21, 0, 3);
  EXPECT_TRUE(known.fits("00000001"));
  for (const auto* id : {"412345", "040000010", "E1001", "101"}) EXPECT_FALSE(known.fits(id)) << id;
  EXPECT_EQ(known.examples(), "40000000");
  EXPECT_THAT(wrong_with_number("412345", known),
              HasSubstr("does not look like the numbers on file (such as 40000000)"));
  EXPECT_THAT(wrong_with_number("4.0002E+07", known), HasSubstr("shortened it"));
  const auto both = forms(21, 21);
  EXPECT_TRUE(both.fits("40000099") && both.fits("E2000") && !both.fits("e2000"));
  EXPECT_EQ(wrong_with_number("412345", forms(5, 0)), "") << "nothing is known yet";
}

TEST(StaffIds, NumbersThatAreCountedUpGrow) {
  KnownForms counted;
  for (int i = 1; i < 1500; ++i) counted.add(std::to_string(i));
  counted.settle();
  EXPECT_TRUE(counted.fits("10000"));
  EXPECT_FALSE(counted.fits("E1"));
}

TEST(StaffIds, NumbersThatDifferByZerosOrCase) {
  EXPECT_THAT(like_ids("412345"), testing::Contains("00412345"));
  EXPECT_THAT(like_ids("00412345"), testing::Contains("412345"));
  EXPECT_THAT(like_ids("00412345"), testing::Not(testing::Contains("00412345")));
  EXPECT_THAT(like_ids("0"), testing::Contains("00"));
  EXPECT_THAT(like_ids("e1001"), ElementsAre("E1001"));
  EXPECT_THAT(like_ids("eX"), ElementsAre("ex", "EX"));
}

}  // namespace
}  // namespace cardgate::reg
