// SPDX-License-Identifier: Apache-2.0
// What a table of staff may do to the register and what not: cells that keep or clear, enrolment details, dry runs,
// leavers, removed access, and whose business access is.
#include <fmt/format.h>

#include <fstream>
#include <iterator>

#include "register/enrolment.hpp"
#include "tests/register/fixture.hpp"

namespace cardgate::reg {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::Field;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

class Rules : public testing::Test {
 protected:
  Rules() : staff(open(folder.file())) {
    import_csv(*staff,
               "id,name,email,line_manager,employed_from,unix_account,team,card_uuid\n"
               "boss,Boss,,,2010-01-01,,,\n"
               "ama,Ama,ama@hospital.example,boss,2020-01-01,ama,t,8b1f6c1e-2d5a-4d0e-9a53-0c2f7b6f1a01\n");
  }
  std::vector<std::string> refused(std::string_view table, const ImportOptions& options = {}) {
    const Person before = *staff->person("ama");
    const auto parsed = parse_import_csv(table, "staff.csv");
    EXPECT_THAT(texts(parsed.problems), IsEmpty());
    const auto report = staff->import(parsed.file, options);
    EXPECT_TRUE(report);
    EXPECT_EQ(*staff->person("ama"), before);
    return texts(report->problems);
  }
  ImportOptions on(std::string_view today) {
    ImportOptions options;
    options.today = date(today);
    return options;
  }
  Folder folder;
  std::unique_ptr<Register> staff;
};

TEST_F(Rules, AnEmptyCellKeepsAndNoneClears) {
  const Person before = *staff->person("ama");
  EXPECT_EQ(
      import_csv(*staff, "id,name,email,line_manager,team,unix_account,card_uuid\nama,,,,,,\n").unchanged,
      1U);
  EXPECT_EQ(*staff->person("ama"), before);
  import_csv(
      *staff,
      "id,email,line_manager,team,unix_account,card_uuid,employed_from\nama,none,none,none,none,none,none\n");
  const Person bare = *staff->person("ama");
  EXPECT_EQ(bare.name, "Ama");
  EXPECT_EQ(bare.email + bare.line_manager, "");
  EXPECT_TRUE(bare.teams.empty() && bare.unix_accounts.empty() && bare.cards.empty() && !bare.employed_from);
}

TEST_F(Rules, ANewCardReplacesTheOneInUseAndALostOneStaysLost) {
  import_csv(*staff, "id,card_uuid,card_valid_until\nama,8B1F6C1E-2D5A-4D0E-9A53-0C2F7B6F1A02,31/12/2027\n");
  EXPECT_THAT(staff->person("ama")->cards,
              ElementsAre(Card{"8b1f6c1e-2d5a-4d0e-9a53-0c2f7b6f1a01", "replaced", {}},
                          Card{"8b1f6c1e-2d5a-4d0e-9a53-0c2f7b6f1a02", "active", date("2027-12-31")}));
  import(
      *staff,
      "people: [{id: ama, name: Ama, cards: [{uuid: 8b1f6c1e-2d5a-4d0e-9a53-0c2f7b6f1a02, status: lost}]}]");
  EXPECT_EQ(import_csv(*staff, "id,card_uuid\nama,8b1f6c1e-2d5a-4d0e-9a53-0c2f7b6f1a02\n").unchanged, 1U);
  EXPECT_EQ(staff->person("ama")->cards.front().status, "lost");
}

TEST_F(Rules, WhoeverComesBackBeginsWithNothingAndTheFormerLastDayIsOver) {
  const std::string given = R"(people:
  - {id: ama, name: Ama, cards: [{uuid: 8b1f6c1e-2d5a-4d0e-9a53-0c2f7b6f1a01}],
     forms: [{kind: ESR06, role: core, verified_by: boss, approved_by: boss}]}
)";
  import(*staff, given);
  import_csv(*staff, "id,employed_until\nama,2025-12-31\n");
  const std::string back = "id,name,employed_from,employed_until,line_manager\nama,Ama,2026-03-01,,boss\n";
  auto dry = on("2026-03-01");
  dry.dry_run = true;
  const auto told = import_csv(*staff, back, dry).differences;
  ASSERT_THAT(told, SizeIs(1));
  EXPECT_THAT(told.front().fields,
              ElementsAre(Field(&ImportDifference::Field::name, "employed_from"),
                          Field(&ImportDifference::Field::name, "employed_until"),
                          Field(&ImportDifference::Field::name, "what the former employment gave")));
  EXPECT_EQ(import_csv(*staff, back).changed, 1U);
  const Person ama = *staff->person("ama");
  EXPECT_EQ(ama.employed_from, date("2026-03-01"));
  EXPECT_FALSE(ama.employed_until);
  EXPECT_EQ(ama.cards.front().status, "revoked");
  EXPECT_EQ(ama.forms.front().state, Form::State::withdrawn);
  import(*staff, given);
  EXPECT_EQ(import_csv(*staff, back).unchanged, 1U) << "no new first day, no new employment";
  EXPECT_EQ(staff->person("ama")->forms.front().state, Form::State::approved);
}

TEST_F(Rules, EvidenceThatCannotCountIsNamedAndNotTakenOver) {
  const auto problems = [&](std::string_view yaml) {
    const auto parsed = parse_import(yaml, "staff.yaml");
    EXPECT_TRUE(parsed && parsed->problems.empty());
    const auto report = staff->import(parsed->file, on("2026-03-01"));
    return report ? texts(report->problems) : std::vector<std::string>{report.error().context};
  };
  EXPECT_THAT(
      problems(R"(people:
  - id: ama
    name: Ama
    forms:
      - {kind: ESR06, role: core, verified_by: boss, verified_on: 2026-03-01, approved_by: ghost}
      - {kind: ESR06, role: core, verified_by: ghost, approved_by: new, approved_on: 2026-03-02}
      - {kind: ESR06, role: core, verified_by: ghost, approved_by: ghost, approved_on: 2027-01-01, withdrawn: true}
    declarations:
      - {name: d, version: "1", signed_on: 2026-03-02}
    training:
      - {course: c, completed_on: 2026-03-02}
  - {id: new, name: New}
)"),
      ElementsAre("5: ama: 'ghost', who approved the form, is neither in this file nor in the register",
                  "6: ama: 'ghost', who verified the form, is neither in this file nor in the register",
                  "6: ama: the form was approved on 2026-03-02, a day to come",
                  "9: ama: signed on 2026-03-02, a day to come",
                  "11: ama: completed on 2026-03-02, a day to come"));
  EXPECT_TRUE(staff->person("ama")->forms.empty());
}

TEST_F(Rules, AFormSaysWhetherItsPeopleAreOnRecord) {
  const auto changed = staff->change("ama", [](Person& person) -> Result<void> {
    Form form;
    form.kind = "ESR06";
    form.role = "core";
    form.verified_by = "boss";
    form.approved_by = "ghost";
    person.forms = {form};
    return {};
  });
  ASSERT_TRUE(changed);
  EXPECT_TRUE(changed->forms.at(0).verifier_known);
  EXPECT_FALSE(changed->forms.at(0).approver_known);
}

TEST_F(Rules, ACardRegisteredByHandKeepsWhoStandsForItUntilAFileNamesIt) {
  const Card waiting{"8b1f6c1e-2d5a-4d0e-9a53-0c2f7b6f1a02",
                     "waiting",
                     date("2028-01-01"),
                     "tom",
                     date("2026-03-01"),
                     "tia",
                     "",
                     "Ama",
                     "8b1f6c1e-2d5a-4d0e-9a53-0c2f7b6f1a01"};
  const auto given = staff->change("ama", [&](Person& person) -> Result<void> {
    person.cards.push_back(waiting);
    return {};
  });
  ASSERT_TRUE(given) << given.error().context;
  EXPECT_EQ(given->cards.back(), waiting);
  import_csv(*staff, "id,email\nama,new@hospital.example\n");
  EXPECT_EQ(staff->person("ama")->cards.back(), waiting);
  import_csv(*staff, "id,card_uuid\nama,8b1f6c1e-2d5a-4d0e-9a53-0c2f7b6f1a02\n");
  EXPECT_THAT(staff->person("ama")->cards,
              ElementsAre(Card{"8b1f6c1e-2d5a-4d0e-9a53-0c2f7b6f1a01", "replaced", {}},
                          Card{"8b1f6c1e-2d5a-4d0e-9a53-0c2f7b6f1a02", "active", date("2028-01-01")}))
      << "root's word stands for it";
}

TEST_F(Rules, FindsWhoseSignatureATextChangedUnderItsVersionVoids) {
  const auto sign = [&](const char* id, const std::string& version, const std::string& hash) {
    const auto done = staff->change(id, [&](Person& person) -> Result<void> {
      person.declarations.push_back({"d", version, date("2026-01-02"), std::nullopt, hash});
      return {};
    });
    EXPECT_TRUE(done);
  };
  sign("ama", "1", "old");
  sign("boss", "1", "old");
  sign("boss", "2", "other");
  EXPECT_THAT(*staff->people_who_signed_another_text("d", "1", "old"), IsEmpty());
  EXPECT_THAT(*staff->people_who_signed_another_text("d", "1", "new"), ElementsAre("ama", "boss"));
  sign("boss", "1", "new");
  sign("ama", "1", "");
  EXPECT_THAT(*staff->people_who_signed_another_text("d", "1", "new"), ElementsAre("ama"))
      << "boss signed again";
  EXPECT_THAT(*staff->people_who_signed_another_text("e", "1", "new"), IsEmpty());
}

TEST_F(Rules, AFileThatBringsSomebodyBackSaysTheSameTwice) {
  import_csv(*staff, "id,employed_until\nama,2025-12-31\n");
  const std::string back = R"(people:
  - {id: ama, name: Ama, employed_from: 2026-03-01, forms: [{kind: ESR06, role: core, verified_by: boss, approved_by: boss}]}
)";
  EXPECT_EQ(import(*staff, back).access_changed, 1U);
  const Person once = *staff->person("ama");
  EXPECT_EQ(once.forms.front().state, Form::State::approved) << "what the file gives comes after the closing";
  EXPECT_EQ(once.cards.front().status, "revoked");
  EXPECT_EQ(import(*staff, back).unchanged, 1U);
  EXPECT_EQ(*staff->person("ama"), once);
}

TEST_F(Rules, NoEmploymentEndsBeforeItBegins) {
  EXPECT_THAT(
      refused("id,Termination Date\nama,31/12/2019\n"),
      ElementsAre("2: column 'Termination Date': ama: the employment would end, on 2019-12-31, before it "
                  "begins, on 2020-01-01"));
  // 5 % may be lost at once without a word.
  std::string everybody = "id,name,employed_from\n";
  for (int i = 0; i < 50; ++i) everybody += fmt::format("p{0},P {0},2020-01-01\n", i);
  import_csv(*staff, everybody + "ama,,2026-06-01\n");
  auto options = on("2026-06-01");
  options.leavers_by_absence = true;
  import_csv(*staff, everybody + "boss,,\n", options);
  EXPECT_EQ(staff->person("ama")->employed_until, date("2026-06-01"));
}

TEST_F(Rules, WhatFilesDoNotTellStaysAsItIs) {
  const std::string forms = R"({kind: ESR06, role: core, verified_by: boss, approved_by: boss})";
  import(*staff,
         "people: [{id: ama, name: Ama, training: [{course: ig, completed_on: 2026-01-02}], forms: [" +
             forms + "]}]");
  const auto changed = staff->change("ama", [](Person& person) -> Result<void> {
    person.training.front().recorded_by = "boss";
    person.forms.front().requested_by = "ama";
    person.forms.front().reason = "rotas";
    return {};
  });
  ASSERT_TRUE(changed) << changed.error().context;
  import(*staff,
         "people: [{id: ama, name: Ama, training: [{course: fire, completed_on: 2026-02-02}, "
         "{course: ig, completed_on: 2026-01-02}], forms: [" +
             forms + ", {kind: ESR06, role: other}]}]");
  const Person ama = *staff->person("ama");
  ASSERT_THAT(ama.training, SizeIs(2));
  EXPECT_EQ(ama.training.back().recorded_by, "boss");
  ASSERT_THAT(ama.forms, SizeIs(2));
  EXPECT_EQ(ama.forms.front(), changed->forms.front()) << "its number is quoted by people";
}

TEST_F(Rules, ALineThatIsLeftOutAccusesNobodyElse) {
  const auto parsed =
      parse_import_csv("id,name,line_manager\nchief,Chief\nbo,Bo,chief\ncy,Cy,ghost\n", "staff.csv");
  EXPECT_THAT(texts(parsed.problems), ElementsAre(HasSubstr("2: has 2 cells, the header 3")));
  EXPECT_THAT(texts(staff->import(parsed.file)->problems), IsEmpty());
  EXPECT_EQ(*staff->count(), 2U);
}

TEST_F(Rules, SomebodyNewNeedsAName) {
  EXPECT_THAT(refused("id,Full Name\nbo,\n"),
              ElementsAre("2: column 'Full Name': bo: is not in the register yet, so a name is needed"));
}

TEST_F(Rules, UsernamesAreOnePersonsAndMayChangeHands) {
  import_csv(*staff, "id,username\nama,a.one\nboss,b.one\n");
  EXPECT_EQ(staff->person("ama")->username, "a.one");
  EXPECT_EQ(import_csv(*staff, "id,username\nama,b.one\nboss,a.one\n").changed, 2U);
  EXPECT_EQ(staff->person("ama")->username, "b.one");
  EXPECT_THAT(refused("id,name,username\nbo,Bo,b.one\n"),
              ElementsAre("2: column 'username': bo: the username b.one is ama's already"));
  EXPECT_THAT(refused("id,name,username\nbo,Bo,boss\n"),
              ElementsAre(HasSubstr("the username boss is boss's already")));
  EXPECT_THAT(refused("id,name\na.one,Bo\n"),
              ElementsAre("2: column 'id': a.one: is somebody's username already"));
}

TEST_F(Rules, EnrolmentDetailsAreFoundAndNeverStoredInClear) {
  const std::string table = "id,Date of Birth,NI Number\nama,31/01/1980,qq 98 34 56 c\n";
  EXPECT_EQ(import_csv(*staff, table).changed, 1U);
  EXPECT_EQ(import_csv(*staff, table).unchanged, 1U);
  EXPECT_EQ(
      import(*staff, "people: [{id: ama, name: Ama, date_of_birth: 1980-01-31, national_insurance: QQ98}]")
          .unchanged,
      1U);
  EXPECT_THAT(*staff->people_by_enrolment(date("1980-01-31"), "qq98"), ElementsAre("ama"));
  EXPECT_THAT(*staff->people_by_enrolment(date("1980-01-30"), "QQ98"), IsEmpty());
  EXPECT_THAT(*staff->people_by_enrolment(date("1980-01-31"), "QQ99"), IsEmpty());
  const std::string key = *staff->setting("enrolment_key");
  EXPECT_THAT(key, SizeIs(64));
  staff.reset();
  for (const auto& entry : std::filesystem::directory_iterator(folder.path())) {
    std::ifstream in(entry.path(), std::ios::binary);
    const std::string bytes{std::istreambuf_iterator<char>(in), {}};
    for (const auto* secret : {"1980", "31/01/", "QQ98", "qq98"})
      EXPECT_EQ(bytes.find(secret), std::string::npos) << entry;
  }
  staff = open(folder.file());
  EXPECT_EQ(*staff->setting("enrolment_key"), key);
  import_csv(*staff, "id,Date of Birth,NI Number\nama,none,none\n");
  EXPECT_THAT(*staff->people_by_enrolment(date("1980-01-31"), "QQ98"), IsEmpty());
}

TEST(Enrolment, OneDigestForEveryWayOfWritingANumber) {
  for (const auto* text : {"QQ123456C", "qq 12 34 56 c", "QQ123456", "QQ12", "qq12"})
    EXPECT_EQ(ni_start_of(text), "QQ12");
  for (const auto* text :
       {"", "QQ1", "Q123", "QQ1234567", "QQ12345C", "1234", "QQ123456CC", "QQ12345", "QQ1X"})
    EXPECT_EQ(ni_start_of(text), std::nullopt) << text;
  const std::string key(64, 'a');
  EXPECT_EQ(enrolment_digest(key, date("1980-01-31"), "qq12"),
            enrolment_digest(key, date("1980-01-31"), "QQ12"));
  EXPECT_NE(enrolment_digest(key, date("1980-01-31"), "QQ12"),
            enrolment_digest(std::string(64, 'b'), date("1980-01-31"), "QQ12"));
  EXPECT_EQ(enrolment_digest("short", date("1980-01-31"), "QQ12"), "");
}

TEST_F(Rules, ADryRunTellsEveryFieldAndChangesNothing) {
  ImportOptions options;
  options.dry_run = true;
  const std::string table =
      "id,name,line_manager,employed_until,team,date_of_birth,national_insurance\n"
      "ama,Ama Owusu,none,31-DEC-2026,t|u,1980-01-31,QQ98\nnew,New,,,,,\nboss,,,,,,\n";
  const Person before = *staff->person("ama");
  const auto dry = import_csv(*staff, table, options);
  EXPECT_EQ(*staff->person("ama"), before);
  EXPECT_EQ(*staff->count(), 2U);
  EXPECT_EQ(*staff->setting("enrolment_key"), "");
  ASSERT_THAT(dry.differences, SizeIs(2));
  std::vector<std::string> fields;
  for (const auto& field : dry.differences[0].fields)
    fields.push_back(field.name + ": " + field.before + " -> " + field.after);
  EXPECT_THAT(fields, ElementsAre("name: Ama -> Ama Owusu", "line_manager: boss -> ",
                                  "employed_until:  -> 2026-12-31", "teams: t -> t, u",
                                  "enrolment details changed:  -> "));
  EXPECT_EQ(dry.differences[1].what, ImportDifference::What::added);
  const auto real = import_csv(*staff, table);
  EXPECT_EQ(std::tie(real.people, real.added, real.changed, real.unchanged),
            std::tie(dry.people, dry.added, dry.changed, dry.unchanged));
  EXPECT_EQ(import_csv(*staff, table).unchanged, 3U);
}

TEST_F(Rules, WhoIsAbsentLeftYesterdayOnlyWhenAsked) {
  std::string everybody = "id,name,employed_from\n";
  for (int i = 0; i < 98; ++i) everybody += fmt::format("p{},P,2020-01-01\n", i);
  import_csv(*staff, everybody, on("2026-06-01"));
  EXPECT_FALSE(staff->person("ama")->employed_until) << "nobody asked";
  auto options = on("2026-06-01");
  options.leavers_by_absence = true;
  options.dry_run = true;
  const auto dry = import_csv(*staff, everybody, options);
  EXPECT_EQ(dry.left, 2U);
  EXPECT_FALSE(dry.stopped);
  EXPECT_THAT(dry.differences,
              testing::Contains(AllOf(Field(&ImportDifference::id, "ama"),
                                      Field(&ImportDifference::what, ImportDifference::What::left))));
  EXPECT_FALSE(staff->person("ama")->employed_until);
  options.dry_run = false;
  const auto report = import_csv(*staff, everybody, options);
  EXPECT_EQ(report.left, 2U);
  EXPECT_EQ(report.unchanged, 98U);
  EXPECT_EQ(staff->person("ama")->employed_until, date("2026-05-31"));
  EXPECT_EQ(import_csv(*staff, everybody, options).left, 0U);
}

TEST_F(Rules, TooManyLeaversStopTheImportUnlessTheirNumberIsNamed) {
  std::string everybody = "id,name,employed_from,employed_until\n", some = everybody;
  for (int i = 0; i < 98; ++i) everybody += fmt::format("p{},P,2020-01-01,\n", i);
  // 4 absent, and 2 whose employment this file ends: 6 of 100.
  for (int i = 2; i < 98; ++i) some += fmt::format("p{},P2,,{}\n", i, i < 4 ? "2026-05-01" : "");
  import_csv(*staff, everybody);
  auto options = on("2026-06-01");
  options.leavers_by_absence = true;
  const auto expect_stopped = [&] {
    const auto report = import_csv(*staff, some, options);
    EXPECT_TRUE(report.stopped);
    EXPECT_EQ(report.losing, 6U);
    EXPECT_EQ(report.employed, 100U);
    EXPECT_EQ(staff->person("p5")->name, "P");
    EXPECT_FALSE(staff->person("ama")->employed_until);
  };
  expect_stopped();
  options.allow_leavers = 5;
  expect_stopped();
  options.allow_leavers = 6;
  const auto report = import_csv(*staff, some, options);
  EXPECT_FALSE(report.stopped);
  EXPECT_EQ(report.left, 4U);
  EXPECT_EQ(staff->person("p1")->employed_until, date("2026-05-31"));
  EXPECT_EQ(staff->person("p5")->name, "P2");
}

TEST_F(Rules, RemovedAccessIsNotGivenBack) {
  import(*staff, "people: [{id: ama, name: Ama, removed: {reason: Lost laptop}}]");
  const auto parsed = parse_import(
                          "people:\n  - id: ama\n    name: Ama\n    removed: false\n  - {id: boss, name: B, "
                          "removed: false}\n",
                          "f")
                          .value();
  EXPECT_THAT(
      texts(staff->import(parsed.file)->problems),
      ElementsAre("4: ama: access was removed; restoring takes two people: cardgate removal restore"));
  EXPECT_TRUE(staff->person("ama")->removed);
}

TEST_F(Rules, AfterSetUpOnlyTheTeamGivesAccess) {
  ASSERT_TRUE(staff->set_setting("setup", "closed"));
  EXPECT_THAT(
      refused("id,name,team\nama,,t|u\nbo,Bo,t\nboss,Boss B,\n"),
      ElementsAre(
          HasSubstr("2: column 'team': ama: only the ESR & Workforce Systems team gives access now: the "
                    "teams of this person would change; in an emergency: --break-glass REASON"),
          HasSubstr("3: column 'team': bo: only the ESR & Workforce Systems team")));
  const auto yaml = [&](std::string_view keys) {
    const auto parsed = parse_import(fmt::format("people: [{{id: ama, name: Ama, {}}}]", keys), "f").value();
    return staff->import(parsed.file)->problems.size();
  };
  EXPECT_EQ(yaml("forms: [{kind: ESR06, role: core}]"), 1U);
  EXPECT_EQ(yaml("declarations: [{name: d, version: '1', signed_on: 2026-01-01}]"), 1U);
  EXPECT_EQ(yaml("delegations: [{from: boss, role: r}]"), 1U);
  EXPECT_EQ(yaml("teams: [t], forms: [], training: [{course: c, completed_on: 2026-01-01}]"), 0U)
      << "nothing of it is access";
  ImportOptions options;
  options.break_glass = true;
  EXPECT_EQ(import_csv(*staff, "id,team\nama,t|u\n", options).access_changed, 1U);
  EXPECT_THAT(staff->person("ama")->teams, ElementsAre("t", "u"));
}

TEST_F(Rules, TellsHowFarItIs) {
  std::string table = "id,name\n";
  for (int i = 0; i < 2000; ++i) table += fmt::format("p{},P\n", i);
  ImportOptions options;
  std::vector<std::size_t> seen;
  options.progress = [&](std::size_t done, std::size_t of) {
    EXPECT_EQ(of, 2000U);
    seen.push_back(done);
  };
  import_csv(*staff, table, options);
  EXPECT_TRUE(std::ranges::is_sorted(seen));
  EXPECT_GT(seen.size(), 5U);
  EXPECT_EQ(seen.back(), 2000U);
}

TEST_F(Rules, SettingsAreKept) {
  EXPECT_EQ(*staff->setting("x"), "");
  EXPECT_TRUE(staff->set_setting("x", "1"));
  EXPECT_TRUE(staff->set_setting("x", "2"));
  EXPECT_EQ(*open(folder.file())->setting("x"), "2");
}

}  // namespace
}  // namespace cardgate::reg
