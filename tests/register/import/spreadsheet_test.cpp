// SPDX-License-Identifier: Apache-2.0
// What spreadsheets do to lists of staff: none of it may become a person, or let a real one leave.
#include <fmt/format.h>

#include "tests/register/fixture.hpp"

namespace cardgate::reg {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

constexpr const char* card_1 = "8b1f6c1e-2d5a-4d0e-9a53-0c2f7b6f1a01";
constexpr const char* card_2 = "8b1f6c1e-2d5a-4d0e-9a53-0c2f7b6f1a02";

class Spreadsheet : public testing::Test {
 protected:
  Spreadsheet() : staff(open(folder.file())) { options.today = date("2026-06-01"); }
  /// Forty people with numbers of eight digits, and what else a test gives of the row of one.
  static std::string forty(const std::string& seventh = "40000007,Person 7,2020-01-01") {
    std::string table = "id,name,employed_from\n";
    for (int i = 1; i <= 40; ++i)
      table += i == 7 ? seventh + "\n" : fmt::format("400000{:02},Person {},2020-01-01\n", i, i);
    return table;
  }
  ImportReport take(std::string_view table) {
    const auto parsed = parse_import_csv(table, "staff.csv");
    auto report = staff->import(parsed.file, options);
    EXPECT_TRUE(report) << report.error().context;
    if (!report) return {};
    report->problems.insert(report->problems.begin(), parsed.problems.begin(), parsed.problems.end());
    return std::move(*report);
  }
  std::vector<std::string> wrong(std::string_view table) {
    const auto before = *staff->count();
    auto problems = texts(take(table).problems);
    EXPECT_EQ(*staff->count(), before);
    return problems;
  }
  Folder folder;
  std::unique_ptr<Register> staff;
  ImportOptions options;
};

TEST_F(Spreadsheet, WhatCannotBeSeenAroundANumberMakesNoTwin) {
  take(forty());
  options.leavers_by_absence = true;
  for (const auto* id : {"40000007\u00a0", "\u200b40000007", "40000007\u202f", "4000\u00ad0007",
                         "\ufeff40000007", " 40000007\t"}) {
    const auto report = take(forty(fmt::format("{},Person 7,2020-01-01", id)));
    EXPECT_THAT(texts(report.problems), IsEmpty()) << id;
    EXPECT_EQ(report.unchanged, 40U) << id;
  }
  const auto report = take("id,line_manager\n40000008,\"40000007\u00a0\"\n");
  EXPECT_THAT(texts(report.problems), IsEmpty()) << "the line manager's number, too";
}

TEST_F(Spreadsheet, WhatIsNoNumberIsNamedWithItsRowColumnAndValue) {
  for (const auto* id : {"4.0002E+07", "'40002001", "40002001.0", "\"40,002,001\"", "40 002 001",
                         "\u0664\u0660\u0660\u0660\u0662\u0660\u0660\u0661",
                         "\uff14\uff10\uff10\uff10\uff12\uff10\uff10\uff11", "\"=\"\"40002001\"\"\"", "#N/A",
                         "NULL", "########"}) {
    const auto problems = wrong(fmt::format("Employee Number,name\n40002002,Good\n{},Bad\n", id));
    ASSERT_FALSE(problems.empty()) << id;
    EXPECT_THAT(problems.front(), HasSubstr("3: column 'Employee Number': ")) << id;
  }
  EXPECT_THAT(
      wrong("id,name\n4.0002E+07,Bad\n"),
      ElementsAre(
          "2: column 'id': \"4.0002E+07\" is no personnel number: a spreadsheet shortened it, and its last "
          "digits are lost. Format the column as text in the spreadsheet, and export the file again"));
  EXPECT_THAT(wrong("id,name\n1,#REF!\n"),
              ElementsAre(HasSubstr("2: column 'name': \"#REF!\" is what a spreadsheet writes")));
}

TEST_F(Spreadsheet, TheFormIsLearntFromWhoIsOnFileOrSaidByTheConfiguration) {
  take(forty());
  EXPECT_THAT(
      wrong("id,name\n040000010,Person 10\n"),
      ElementsAre(HasSubstr(
          "2: column 'id': \"040000010\" does not look like the numbers on file (such as 40000001)")));
  EXPECT_THAT(wrong("id,name\n040000010,Person 10\n").front(), HasSubstr("Is it 40000010 (Person 10)?"));
  options.ids = IdPattern::compile("[0-9]{8}|E[0-9]{4}").value();
  EXPECT_THAT(wrong("id,name\nE100,New\n"), ElementsAre(HasSubstr("says staff_ids")));
  EXPECT_EQ(take("id,name\nE1001,New\n").added, 1U);
  options.ids.reset();
  EXPECT_EQ(take("id,name\n40000041,New\nE1001,Newer\n").added, 1U) << "whoever is on file stays";
}

TEST_F(Spreadsheet, LostZerosAndCaseStopAndAsk) {
  take("id,name,employed_from\n00412345,Ngozi Adeyemi,2019-04-01\nE1001,Ada Example,2019-04-01\n");
  const auto report = take("id,name\n412345,Ngozi Adeyemi\ne1001,Ada Example\n");
  EXPECT_TRUE(report.newcomers_doubted);
  EXPECT_THAT(texts(report.look_alikes),
              ElementsAre("2: column 'id': 412345 (Ngozi Adeyemi) is new: its number differs from 00412345 "
                          "(Ngozi Adeyemi) only in zeros in front or in capital letters",
                          HasSubstr("3: column 'id': e1001 (Ada Example) is new")));
  EXPECT_EQ(*staff->count(), 2U);
  options.allow_newcomers = 1;
  EXPECT_TRUE(take("id,name\n412345,Other\ne1001,Another\n").newcomers_doubted) << "exactly so many";
  options.allow_newcomers = 2;
  EXPECT_EQ(take("id,name\n412345,Other\ne1001,Another\n").added, 2U);
  options.allow_newcomers.reset();
  EXPECT_TRUE(take("id,name\n0077,One\n77,Two\n").newcomers_doubted) << "in one file, too";
}

TEST_F(Spreadsheet, WhoLeavesAndComesBackUnderAnotherNumberStopsTheImport) {
  // 99 others, so that nothing is stopped for its percentage.
  std::string others = "id,name,employed_from,username,date_of_birth,national_insurance\n";
  for (int i = 0; i < 99; ++i) others += fmt::format("{},Other {},2020-01-01,,,\n", 1000 + i, i);
  take(others + "2000,Siobh\u00e1n O\u2019Neill,2020-01-01,,1980-01-31,QQ12\n");
  options.leavers_by_absence = true;
  const auto doubted = [&](const std::string& row) {
    const auto report = take(others + row + "\n");
    EXPECT_THAT(texts(report.problems), IsEmpty());
    EXPECT_EQ(report.newcomers_doubted, !report.look_alikes.empty());
    EXPECT_TRUE(!report.newcomers_doubted || !staff->person("2000")->employed_until);
    return texts(report.look_alikes);
  };
  EXPECT_THAT(doubted("2999,\"O'Neill, Siobhan\",2020-01-01,,,"),
              ElementsAre("101: column 'id': 2999 (O'Neill, Siobhan) is new: 2000 (Siobh\u00e1n "
                          "O\u2019Neill) has the same name, "
                          "and leaves with this file"));
  EXPECT_THAT(doubted("2999,S. Married,2020-01-01,,1980-01-31,QQ123456C"),
              ElementsAre(HasSubstr("same birth date")));
  EXPECT_THAT(doubted("2000,,,,,\n2999,Somebody Else,2020-01-01,,,"), IsEmpty()) << "nobody leaves";
  // Told by a last day in the file, without --leavers-by-absence.
  options.leavers_by_absence = false;
  const auto by_date =
      take("id,name,employed_from,employed_until\n2000,,,2026-05-31\n2998,Siobhan O'Neill,2026-06-01,\n");
  EXPECT_TRUE(by_date.newcomers_doubted);
  options.allow_newcomers = 1;
  EXPECT_FALSE(
      take("id,name,employed_from,employed_until\n2000,,,2026-05-31\n2998,Siobhan O'Neill,2026-06-01,\n")
          .refused());
  EXPECT_EQ(*staff->count(), 102U);
}

TEST_F(Spreadsheet, AUsernameOfWhoLeavesIsNotANewcomers) {
  take("id,name,employed_from,username\n1,A,2020-01-01,a.one\n2,B,2020-01-01,b\n");
  const auto report =
      take("id,name,employed_from,employed_until,username\n1,A,,2026-05-31,none\n3,Z,2026-06-01,,A.One\n");
  EXPECT_THAT(texts(report.look_alikes), ElementsAre(HasSubstr("1 (A) has the same username")));
  EXPECT_TRUE(report.newcomers_doubted);
}

TEST_F(Spreadsheet, EmptyRowsAndColumnsCountForNothing) {
  for (const auto* table :
       {"id,name,employed_from\r\n1,A,\r\n,,\r\n , ,\r\n2,B,\r\n,,,,\r\n",
        "id,name,employed_from,,\n1,A,,,\n2,B,,,\n", "\n,,,\nid,,name\n1,,A\n2,,B\n",
        "id,name,,\n1,A\n2,B,,,,\n", ",id,name\n,1,A\n,2,B\n", "sep=;\r\nid;name\r\n1;A\r\n2;B\r\n",
        "\xef\xbb\xbfSEP=|\nid|name\n1|A\n2|B\n", "\"sep=,\"\nid,name\n1,A\n2,B\n",
        "sep=\t\nid\tname\n1\tA\n2\tB\n", "\xef\xbb\xbf\xef\xbb\xbfid,name\n1,A\n2,B\n",
        "\n\nid;name\n1;A\n2;B\n", "id,name\n1,A\n\u00a0,\u200b\n2,B\n"}) {
    const auto parsed = parse_import_csv(table, "staff.csv");
    EXPECT_THAT(texts(parsed.problems), IsEmpty()) << table;
    EXPECT_THAT(parsed.file.people, SizeIs(2)) << table;
  }
  EXPECT_THAT(
      texts(parse_import_csv("id,name,\n1,A,x\n", "f").problems),
      ElementsAre(
          "2: column '3': has no name in the first line, so \"x\" cannot be taken over. Name the column, or "
          "empty it"));
  EXPECT_THAT(texts(parse_import_csv("id,name\n1,A,x\n2\n", "f").problems),
              ElementsAre("2: has 3 cells, the header 2; the first that is too many is column '3'",
                          "3: has 1 cells, the header 2; the first that is missing is column 'name'"));
  EXPECT_THAT(texts(parse_import_csv("sep=;\nid;nmae\n1;x\n", "f").problems),
              ElementsAre(HasSubstr("2: column 'nmae': is unknown")));
}

TEST_F(Spreadsheet, HeadingsAreKnownHoweverTheyAreSpelled) {
  for (const auto* heading : {"Employee\u00a0Number", "EMPLOYEE_NUMBER", "EmployeeNumber",
                              "Employee-Number:", "\u200bemployee  number", "Employee No.",
                              "Employee Number *", "\uff25mployee Number"}) {
    const auto parsed = parse_import_csv(fmt::format("{},Full Name\n1,A\n", heading), "f");
    EXPECT_THAT(texts(parsed.problems), IsEmpty()) << heading;
  }
  EXPECT_THAT(texts(parse_import_csv(std::string("i\0d\0,\0n\0", 8), "f").problems),
              ElementsAre(HasSubstr("looks like UTF-16 without")));
  EXPECT_THAT(texts(parse_import_csv(std::string("\xff\xfe\0\0i\0\0\0", 8), "f").problems),
              ElementsAre(HasSubstr("is UTF-32")));
}

TEST_F(Spreadsheet, OnePersonWithTwoAssignmentsIsOnePerson) {
  const auto parsed = parse_import_csv(
      "Employee Number,Full Name,Hire Date,Supervisor Employee "
      "Number\n1,A,01-APR-2019,\n2,B,14-SEP-2020,1\n2,\"B \",14/09/2020,1\n",
      "f");
  EXPECT_THAT(texts(parsed.problems), IsEmpty());
  EXPECT_THAT(parsed.file.people, SizeIs(2));
  EXPECT_THAT(
      texts(parse_import_csv("id,Full Name,Hire Date\n2,B,2020-09-14\n2,B,2021-09-14\n", "f").problems),
      ElementsAre(
          "3: column 'id': 2: stands twice (first on line 2), and the two rows differ in: Hire Date"));
}

TEST_F(Spreadsheet, AUserNameIsOneHoweverItIsSpelled) {
  EXPECT_THAT(texts(parse_import_csv("id,name,username\n1,A,Zoe\u0308\n2,B,zo\u00eb\n", "f").problems),
              ElementsAre(HasSubstr("the username zo\u00eb stands twice")));
  take("id,name,username\n1,A,Zoe\u0308.Young\nE1001,B,\n");
  EXPECT_EQ(staff->person("1")->username, "zo\u00eb.young");
  EXPECT_THAT(wrong("id,name,username\n3,C,ZO\u00cb.YOUNG\n"), ElementsAre(HasSubstr("is 1's already")));
  EXPECT_THAT(wrong("id,name,username\n3,C,e1001\n"), ElementsAre(HasSubstr("is E1001's already")));
  take("id,name\nE2002,D\n");
  options.allow_newcomers = 1;
  EXPECT_EQ(take("id,name\ne2002,E\n").added, 1U);
  options.allow_newcomers.reset();
  EXPECT_THAT(wrong("id,username\ne2002,e2002\n"), ElementsAre(HasSubstr("is E2002's already")))
      << "nor is one's own number, where it is another's in capitals";
  EXPECT_EQ(take("id,name,username\n1,,zo\u00eb.young\n").unchanged, 1U);
  const auto by_hand = staff->change("1", [](Person& person) -> Result<void> {
    person.username = "New.NAME\u200b";
    return {};
  });
  ASSERT_TRUE(by_hand) << by_hand.error().context;
  EXPECT_EQ(by_hand->username, "new.name");
  const auto others_number = staff->change("1", [](Person& person) -> Result<void> {
    person.username = "E1001";
    return {};
  });
  ASSERT_FALSE(others_number) << "a number of somebody else's is nobody's user name, in no spelling";
  EXPECT_THAT(others_number.error().context, HasSubstr("somebody else's id"));
  const auto own_number = staff->change("E1001", [](Person& person) -> Result<void> {
    person.username = "E1001";
    return {};
  });
  EXPECT_TRUE(own_number) << own_number.error().context;
  const auto credentials = open_credentials(folder.file(), throttle_rules);
  ASSERT_TRUE(credentials);
  const WallTime now = parse_rfc3339("2026-06-01T12:00:00Z").value();
  for (const auto* typed : {"new.name", "NEW.Name", "new.name ", "\uff4eew.name"}) {
    const auto attempt = (*credentials)->begin(CredentialKind::password, typed, 1000, now);
    ASSERT_TRUE(attempt);
    EXPECT_EQ(attempt->credential.person, "1") << typed;
  }
  EXPECT_EQ((*credentials)->begin(CredentialKind::password, "E1001", 1000, now)->credential.person, "E1001")
      << "its number";
  EXPECT_EQ((*credentials)->begin(CredentialKind::password, "New.Name", 1000, now)->wait.count() > 0, false);
  EXPECT_GT((*credentials)->begin(CredentialKind::password, "nEW.name", 1000, now)->wait.count(), 0)
      << "five spellings are five tries of one name";
}

TEST_F(Spreadsheet, TwoPeopleSwapTheirCardsInOneTable) {
  const auto give = [&](const char* a, const char* b) {
    return fmt::format("id,name,card_uuid\n1,A,{}\n2,B,{}\n", a, b);
  };
  take(give(card_1, card_2));
  const auto report = take(give(card_2, card_1));
  EXPECT_THAT(texts(report.problems), IsEmpty());
  EXPECT_THAT(staff->person("1")->cards, ElementsAre(Card{card_2, "active", {}}));
  EXPECT_THAT(staff->person("2")->cards, ElementsAre(Card{card_1, "active", {}}));
  EXPECT_EQ(take(give(card_2, card_1)).unchanged, 2U);
  EXPECT_THAT(wrong(fmt::format("id,card_uuid\n2,{}\n", card_2)),
              ElementsAre(HasSubstr("is registered to 1 already")))
      << "one side alone is no swap";
  import(*staff, fmt::format("people: [{{id: '1', name: A, cards: [{{uuid: {}, status: lost}}]}}]", card_2));
  EXPECT_THAT(wrong(give(card_1, card_2)), ElementsAre(HasSubstr("registered to")))
      << "a lost card goes to nobody";
}

TEST_F(Spreadsheet, PlaceholdersNameNoCard) {
  for (const auto* uuid : {"00000000-0000-0000-0000-000000000000", "FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF"}) {
    EXPECT_THAT(texts(parse_import_csv(fmt::format("id,name,card_uuid\n1,A,{}\n", uuid), "f").problems),
                ElementsAre(HasSubstr("2: column 'card_uuid': the card UUID")));
    EXPECT_THAT(problems_of(fmt::format("people: [{{id: a, name: A, cards: [{{uuid: {}}}]}}]", uuid)),
                ElementsAre(HasSubstr("is a placeholder")));
    EXPECT_FALSE(is_card_uuid(uuid)) << "nor by hand";
  }
  EXPECT_THAT(problems_of("people: [{id: a, name: A, identities: {fasc_n: "
                          "'00000000000000000000000000000000000000000000000000'}}]"),
              ElementsAre(HasSubstr("is a placeholder")));
}

TEST_F(Spreadsheet, NobodyIsBornInTheFuture) {
  EXPECT_THAT(wrong("id,name,Date of Birth,NI Number\n1,A,2026-06-02,QQ12\n"),
              ElementsAre("2: column 'Date of Birth': 1: the date of birth is in the future"));
  EXPECT_EQ(take("id,name,Date of Birth,NI Number\n1,A,2026-06-01,QQ12\n").added, 1U);
}

TEST_F(Spreadsheet, AnImportThatLeavesNobodyInTheTeamStops) {
  take(forty());
  take("id,team\n40000001,esr\n40000002,esr\n");
  options.teams = {"esr"};
  options.leavers_by_absence = true;
  options.allow_leavers = 2;
  std::string rest = "id\n";
  for (int i = 3; i <= 40; ++i) rest += fmt::format("400000{:02}\n", i);
  const auto stopped = take(rest);
  EXPECT_TRUE(stopped.team_emptied);
  EXPECT_FALSE(stopped.stopped) << "the number of leavers was named";
  EXPECT_FALSE(staff->person("40000001")->employed_until);
  const auto one_left = take(rest + "40000002\n");
  EXPECT_EQ(one_left.team_before, 2U);
  EXPECT_EQ(one_left.team_after, 1U);
  EXPECT_FALSE(one_left.refused()) << "somebody is left";
  EXPECT_TRUE(take(rest).team_emptied);
  ImportOptions removing;
  removing.today = options.today;
  removing.teams = options.teams;
  const auto file =
      parse_import("people: [{id: '40000002', name: P, removed: {reason: Lost laptop}}]", "f").value();
  const auto removed = staff->import(file.file, removing).value();
  EXPECT_FALSE(removed.refused()) << "an urgent removal by name is held up by nothing";
  EXPECT_TRUE(staff->person("40000002")->removed);
  import_csv(*staff, "id,team\n40000003,esr\n");
  options.allow_leavers = 3;
  std::string none = rest;
  none.erase(none.find("40000003\n"), 9);
  EXPECT_TRUE(take(none).team_emptied) << "whose access is removed does not count";
  options.allow_leavers = 2;
  options.break_glass = true;
  EXPECT_FALSE(take(none).team_emptied);
}

}  // namespace
}  // namespace cardgate::reg
