// SPDX-License-Identifier: Apache-2.0
// Tables of people: headers, encodings, dates, and every bad cell named by line and column.
#include "base/file.hpp"
#include "tests/register/fixture.hpp"
#include "tests/support/folders.hpp"

namespace cardgate::reg {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::vector<std::string> bad_cells(std::string_view table, TextEncoding encoding = TextEncoding::by_mark) {
  const auto parsed = parse_import_csv(table, "staff.csv", encoding);
  EXPECT_EQ(parsed.file.complete, parsed.problems.empty());
  return texts(parsed.problems);
}

Person only(std::string_view table, TextEncoding encoding = TextEncoding::by_mark) {
  const auto parsed = parse_import_csv(table, "staff.csv", encoding);
  EXPECT_THAT(texts(parsed.problems), IsEmpty());
  EXPECT_EQ(parsed.file.people.size(), 1U);
  return parsed.file.people.empty() ? Person{} : parsed.file.people.front().person;
}

std::string utf16(std::u16string_view text, bool big_endian) {
  std::string out = big_endian ? "\xfe\xff" : "\xff\xfe";
  for (const char16_t unit : text) {
    const char high = static_cast<char>(unit >> 8), low = static_cast<char>(unit & 0xff);
    out += big_endian ? high : low;
    out += big_endian ? low : high;
  }
  return out;
}

TEST(ParseCsv, TheShippedExampleIsGood) {
  const auto text = read_file(source_file("config/staff-example.csv"), 1 << 20).value();
  EXPECT_THAT(bad_cells(text), IsEmpty());
  Folder folder;
  auto staff = open(folder.file());
  EXPECT_GT(import_csv(*staff, text).added, 2U);
}

TEST(ParseCsv, TakesAnExtractOfEsr) {
  const auto parsed = parse_import_csv(
      "Employee Number,Full Name,Hire Date,Supervisor Employee Number,Termination Date,NI Number,Date of "
      "Birth,"
      "Email Address\r\n"
      "40001001,\"Wiśniewska, Ola\",14-SEP-2020,40001000,,QQ 12 34 56 C,31/01/1980,ola@hospital.example\r\n"
      "40001000,Max Invented,01-jan-2015,,31-DEC-2026,,,\r\n",
      "esr.csv");
  ASSERT_THAT(texts(parsed.problems), IsEmpty());
  ASSERT_EQ(parsed.file.people.size(), 2U);
  const auto& ola = parsed.file.people[0];
  EXPECT_EQ(ola.person.id, "40001001");
  EXPECT_EQ(ola.person.name, "Wiśniewska, Ola");
  EXPECT_EQ(ola.person.employed_from, date("2020-09-14"));
  EXPECT_EQ(ola.person.line_manager, "40001000");
  EXPECT_EQ(ola.person.email, "ola@hospital.example");
  EXPECT_FALSE(ola.given.employed_until) << "an empty cell says nothing";
  EXPECT_EQ(ola.enrolment.born, date("1980-01-31"));
  EXPECT_EQ(ola.enrolment.ni_start, "QQ12");
  const auto& max = parsed.file.people[1];
  EXPECT_FALSE(max.given.line_manager);
  EXPECT_FALSE(max.given.enrolment);
  EXPECT_EQ(max.person.employed_until, date("2026-12-31"));
}

TEST(ParseCsv, SeparatorsQuotesAndLineEndsWithinCells) {
  for (const std::string s : {",", ";", "\t"}) {
    const auto person = only("\"id\"" + s + "\"Full\r\nName\"" + s + "team\n1" + s + "\"Ada\r\nExample " + s +
                             "X\"" + s + "a | b|a\n");
    EXPECT_EQ(person.name, s == "\t" ? "Ada Example X" : "Ada Example " + s + "X") << s;
    EXPECT_THAT(person.teams, ElementsAre("a", "b"));
  }
}

TEST(ParseCsv, EncodingsThatSayWhatTheyAre) {
  EXPECT_EQ(only("id,name\n1,Siobh\xc3\xa1n").name, "Siobhán");
  EXPECT_EQ(only("\xef\xbb\xbfid,name\n1,Siobh\xc3\xa1n").name, "Siobhán");
  for (const bool big_endian : {false, true}) {
    EXPECT_EQ(only(utf16(u"id\tname\r\n1\tSiobhán 🩺\r\n", big_endian)).name, "Siobhán 🩺");
  }
  EXPECT_EQ(only("id,name\n1,Siobh\xe1n \x80", TextEncoding::windows_1252).name, "Siobhán €");
}

TEST(ParseCsv, OtherBytesAreRefusedWithWhatToDo) {
  EXPECT_THAT(
      bad_cells("id,name\n1,Ada\n2,Siobh\xe1n\n3,Jos\xe9\n"),
      ElementsAre(
          "3: column 'name': is not UTF-8. Save the file as UTF-8 (spreadsheets call it 'CSV UTF-8'); "
          "if it is Windows-1252, say so with --encoding windows-1252"));
  EXPECT_THAT(bad_cells("id,n\xe1me\n1,Ada"), ElementsAre(HasSubstr("1: column '2': is not UTF-8")));
  EXPECT_THAT(bad_cells("id,name\n1,a\x81", TextEncoding::windows_1252),
              ElementsAre("2: the byte 0x81 is no character of Windows-1252"));
  EXPECT_THAT(bad_cells(utf16(u"id\nx", true).substr(0, 9)),
              ElementsAre(HasSubstr("ends within a character")));
  EXPECT_THAT(bad_cells(utf16(std::u16string(u"id\n") + char16_t(0xd800) + u"a", false)),
              ElementsAre("2: half a character of UTF-16"));
  EXPECT_THAT(bad_cells("\xef\xbb\xbfid", TextEncoding::windows_1252),
              ElementsAre(HasSubstr("byte order mark")));
}

TEST(ParseCsv, HeadersThatCannotBe) {
  EXPECT_THAT(bad_cells("id,nmae\n1,x"),
              ElementsAre(HasSubstr("1: column 'nmae': is unknown; expected one of: id, name")));
  EXPECT_THAT(bad_cells("id,Employee Number\n1,2"),
              ElementsAre("1: column 'Employee Number': stands for id, as does 'id'"));
  EXPECT_THAT(bad_cells("name\nx"), ElementsAre("1: the column 'id' (ESR: 'Employee Number') is missing"));
  EXPECT_THAT(bad_cells(""), ElementsAre("1: the file is empty: its first line names the columns"));
}

TEST(ParseCsv, EveryBadCellHasItsLineAndColumn) {
  const auto parsed = parse_import_csv(
      "id,Full Name,Hire Date,Termination Date,card_uuid,card_valid_until,NI Number,Date of Birth,team\n"
      "1,A,2026-02-30,01/31/2026,123,,,,\n"
      "2,B,1/2/2026,31-JAN-26,,2027-01-01,,,\n"
      "3,C,2026-03-01,2026-02-01,none,,QQ,1980-01-01,\n"
      ",D,,,,,QQ12,,\n"
      "5,E\n"
      "6,F,,,,,none,1880-01-01,\n"
      "7,\"a\x01\",yesterday,,,,,,\n"
      "8,G,31/01/19866666666666666,31-JAN-99999999999,,,,,\n",
      "staff.csv");
  std::vector<std::string> got;
  for (const auto& problem : parsed.problems)
    got.push_back(std::to_string(problem.line) + " " + problem.column);
  EXPECT_THAT(
      texts(parsed.problems),
      ElementsAre(
          "2: column 'Hire Date': there is no such day",
          "2: column 'Termination Date': there is no such month: write the day first, 31/01/2026",
          "2: column 'card_uuid': expected a UUID like 8b1f6c1e-2d5a-4d0e-9a53-0c2f7b6f1a01, or none",
          "3: column 'Hire Date': expected a date like 2026-01-31, 31/01/2026 or 31-JAN-2026, or none",
          "3: column 'Termination Date': the year has two digits and could be another century's: "
          "write all four, 31-JAN-2026",
          "3: column 'card_valid_until': there is no card_uuid beside it",
          "4: column 'Termination Date': 2026-02-01 is before the first day, 2026-03-01",
          "4: column 'NI Number': expected a National Insurance number like QQ123456C, its first "
          "four characters, or none",
          "5: column 'id': is empty",
          "5: column 'Date of Birth': date_of_birth and national_insurance go together: give both, "
          "or write none for both",
          "6: has 2 cells, the header 9; the first that is missing is column 'Hire Date'",
          "7: column 'Date of Birth': expected a date of birth after 1900",
          "7: column 'NI Number': date_of_birth and national_insurance go together: give both, or "
          "write none for both",
          "8: column 'Full Name': expected text without control characters",
          "8: column 'Hire Date': expected a date like 2026-01-31, 31/01/2026 or 31-JAN-2026, or none",
          "9: column 'Hire Date': expected a date like 2026-01-31, 31/01/2026 or 31-JAN-2026, or none",
          "9: column 'Termination Date': expected a date like 2026-01-31, 31/01/2026 or 31-JAN-2026, or "
          "none"));
  EXPECT_THAT(got, testing::Contains("2 Hire Date"));
}

TEST(ParseCsv, WhatIsWrongBetweenRowsHasItsColumnToo) {
  EXPECT_THAT(
      bad_cells(
          "Employee Number,name,Supervisor Employee Number,username\n1,A,2,x\n2,B,1,x\n2,C,,\n4,D,4,\n"),
      ElementsAre(
          "2: column 'Supervisor Employee Number': 1: line managers in a loop: 1 -> 2 -> 1",
          "3: column 'username': 2: the username x stands twice (first for 1)",
          "4: column 'Employee Number': 2: stands twice (first on line 3), and the two rows differ in: name, "
          "username, Supervisor Employee Number",
          "5: column 'Supervisor Employee Number': 4: is their own line manager"));
}

TEST(ParseCsv, CutShortAnywhereItNeverGivesMorePeople) {
  const auto text = read_file(source_file("config/staff-example.csv"), 1 << 20).value();
  const auto whole = parse_import_csv(text, "f").file.people.size();
  for (std::size_t length = 0; length < text.size(); ++length) {
    EXPECT_LE(parse_import_csv(text.substr(0, length), "f").file.people.size(), whole);
  }
}

}  // namespace
}  // namespace cardgate::reg
