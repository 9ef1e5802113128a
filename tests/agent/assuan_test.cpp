// SPDX-License-Identifier: Apache-2.0
#include "client/agent/assuan.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace cardgate::agent {
namespace {

using ::testing::Contains;
using ::testing::Each;
using ::testing::Not;
using ::testing::StartsWith;

TEST(Assuan, EscapesWhatWouldEndALineOrBeAnEscape) {
  EXPECT_EQ(assuan_escaped("50 %\nleft\r"), "50 %25%0Aleft%0D");
  EXPECT_EQ(assuan_escaped(std::string("a\0b\x1b[31m", 8)), "ab[31m");
}

TEST(Assuan, CutsLongTextAtAWholeCharacter) {
  std::string text;
  while (text.size() < 2000) text += "\xC3\xA9";
  const auto out = assuan_escaped(text);
  EXPECT_LE(out.size() + 20, longest_assuan_line);
  EXPECT_EQ(out.size() % 2, 0U);
}

TEST(Assuan, AsksForAPasscodeThatNobodyKeeps) {
  const auto lines = dialog_lines(
      {.kind = Prompt::Kind::passcode, .title = "t", .description = "Ada\n3 tries", .error = "No."},
      "/dev/pts/7", "xterm", seconds(60));
  EXPECT_EQ(lines.back(), "GETPIN");
  EXPECT_THAT(lines, Contains("OPTION ttyname=/dev/pts/7"));
  EXPECT_THAT(lines, Contains("OPTION ttytype=xterm"));
  EXPECT_THAT(lines, Contains("SETDESC Ada%0A3 tries"));
  EXPECT_THAT(lines, Contains("SETERROR No."));
  EXPECT_THAT(lines, Contains("SETTIMEOUT 60"));
  EXPECT_THAT(lines, Contains("SETKEYINFO --clear"));
  EXPECT_THAT(lines, Each(Not(StartsWith("OPTION allow-external-password-cache"))));
}

TEST(Assuan, AsksForAYesWithoutAField) {
  const auto lines = dialog_lines({.kind = Prompt::Kind::confirm}, {}, {}, seconds(60));
  EXPECT_EQ(lines.back(), "CONFIRM");
  EXPECT_THAT(lines, Each(Not(StartsWith("OPTION tty"))));
}

TEST(Assuan, SaysWhatWentWrongWhereItIsSeen) {
  const auto lines = dialog_lines({.kind = Prompt::Kind::confirm, .description = "Sure?", .error = "No."}, {},
                                  {}, seconds(60));
  EXPECT_THAT(lines, Contains("SETDESC No.%0A%0ASure?"));
}

TEST(Assuan, TakesDataWithItsEscapes) {
  Secret into(8);
  std::size_t used = 0;
  ASSERT_TRUE(take_data("12%2534%0a", into, used));
  EXPECT_EQ(into.text().substr(0, used), "12%34\n");
  EXPECT_FALSE(take_data("567890", into, used));  // no more room
}

TEST(Assuan, TellsWhyThereIsNoAnswer) {
  EXPECT_EQ(answer_of_error("83886179 Operation cancelled <Pinentry>"), Answer::cancelled);
  EXPECT_EQ(answer_of_error("83886194 Not confirmed"), Answer::cancelled);
  EXPECT_EQ(answer_of_error("83886142 Timeout"), Answer::timeout);
  EXPECT_EQ(answer_of_error("83918950 Inappropriate ioctl"), Answer::failed);
  EXPECT_EQ(answer_of_error("what"), Answer::failed);
}

}  // namespace
}  // namespace cardgate::agent
