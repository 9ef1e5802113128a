// SPDX-License-Identifier: Apache-2.0
// Looking people up: what went in comes out, by any script and any character, and by an index.
#include <SQLiteCpp/SQLiteCpp.h>
#include <fmt/format.h>

#include "base/file.hpp"
#include "register/sql.hpp"
#include "tests/register/fixture.hpp"
#include "tests/support/folders.hpp"

namespace cardgate::reg {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

/// The person as one text of the file, every character that could end a quotation doubled or escaped by
/// YAML's rules.
std::string in_quotes(std::string_view text) {
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? "''" : std::string(1, c);
  return out + "'";
}

TEST(Register, IsEmptyAtFirst) {
  Folder folder;
  auto staff = open(folder.file());
  EXPECT_EQ(*staff->count(), 0U);
  EXPECT_EQ(staff->person("a").error().code, Errc::not_found);
  EXPECT_THAT(*staff->people_by_identity("card_uuid", "x"), IsEmpty());
  EXPECT_THAT(*staff->people_by_unix_account("root"), IsEmpty());
}

TEST(Register, GivesBackTheShippedExample) {
  Folder folder;
  const auto text = read_file(source_file("config/staff-example.yaml"), 1 << 20).value();
  const auto parsed = parse_import(text, "staff.yaml").value();
  {
    auto staff = open(folder.file());
    ASSERT_TRUE(staff->import(parsed.file));
  }
  auto staff = open(folder.file());  // a second start
  EXPECT_EQ(*staff->count(), parsed.file.people.size());
  for (const auto& item : parsed.file.people) {
    Person expected = item.person;
    for (const auto& other : parsed.file.people) {
      if (other.person.line_manager == expected.id) expected.is_line_manager = true;
    }
    Person found = *staff->person(expected.id);
    for (auto& form : found.forms) {
      EXPECT_EQ(form.verifier_known, !form.verified_by.empty());
      EXPECT_EQ(form.approver_known, !form.approved_by.empty());
      form.id = 0;
      form.verifier_known = form.approver_known = false;
    }
    for (auto& delegation : found.delegations) delegation.id = 0;
    EXPECT_EQ(found, expected) << expected.id;
  }
}

TEST(Register, FindsByCardInAnyStateAndEitherCase) {
  Folder folder;
  auto staff = open(folder.file());
  import(*staff, R"(people:
  - id: a
    name: A
    cards: [{uuid: 8b1f6c1e-2d5a-4d0e-9a53-0c2f7b6f1a01, status: lost}, {uuid: 8b1f6c1e-2d5a-4d0e-9a53-0c2f7b6f1a02}]
)");
  for (const char* uuid : {"8b1f6c1e-2d5a-4d0e-9a53-0c2f7b6f1a01", "8B1F6C1E-2D5A-4D0E-9A53-0C2F7B6F1A02"}) {
    EXPECT_THAT(*staff->people_by_identity("card_uuid", uuid), ElementsAre("a"));
  }
  EXPECT_THAT(*staff->people_by_identity("upn", "8b1f6c1e-2d5a-4d0e-9a53-0c2f7b6f1a01"), IsEmpty());
}

TEST(Register, FindsEverybodyWhoSharesAnIdentityOrAnAccountEachOnce) {
  Folder folder;
  auto staff = open(folder.file());
  import(*staff, R"(people:
  - {id: b, name: B, unix_accounts: [ward4], identities: {upn: Ward@Hospital.Example, email: ward@hospital.example}}
  - {id: a, name: A, unix_accounts: [ward4, a], identities: {upn: ward@hospital.example, "subject:UID": Ab}}
)");
  EXPECT_THAT(*staff->people_by_identity("upn", "WARD@hospital.example"), ElementsAre("a", "b"));
  EXPECT_THAT(*staff->people_by_identity("email", "ward@hospital.example"), ElementsAre("b"));
  EXPECT_THAT(*staff->people_by_identity("subject:UID", "Ab"), ElementsAre("a"));
  EXPECT_THAT(*staff->people_by_identity("subject:UID", "ab"),
              IsEmpty());  // only upn and email are alike in either case
  EXPECT_THAT(*staff->people_by_unix_account("ward4"), ElementsAre("a", "b"));
  EXPECT_THAT(*staff->people_by_unix_account("Ward4"), IsEmpty());
}

TEST(Register, TakesEveryCharacterInEveryField) {
  const std::vector<std::string> awkward{
      "'); DROP TABLE person; --",
      "\" OR \"\"=\"",
      "a%_b*?",
      "x'||(SELECT 1)||'",
      "?1 :a @b $c",
      "\\",
      "--",
      ";",
      "Łukasz Żółć",
      "李雅婷",
      "محمد بن سلمان",
      "Ελένη",
      "ओम प्रकाश",
      "Nguyễn Thị Hường",
      "O’Brien 🩺",
      "\u00e9 é",
  };
  Folder folder;
  auto staff = open(folder.file());
  std::string text = "people:\n";
  for (std::size_t i = 0; i < awkward.size(); ++i) {
    const std::string q = in_quotes(awkward[i]);
    text += fmt::format(
        "  - id: {0}\n    name: {0}\n    email: {0}\n    unix_accounts: [{0}]\n    teams: [{0}]\n"
        "    identities: {{uri: {0}, issuer_serial: {0}}}\n    removed: {{reason: {0}}}\n"
        "    forms: [{{kind: {0}, role: {0}, verified_by: {0}, approved_by: {0}}}]\n"
        "    declarations: [{{name: {0}, version: {0}, signed_on: 2026-01-01}}]\n"
        "    training: [{{course: {0}, completed_on: 2026-01-01}}]\n",
        q);
    if (i > 0) text += fmt::format("    line_manager: {}\n", in_quotes(awkward[i - 1]));
    if (i > 1)
      text += fmt::format("    delegations: [{{from: {}, role: {}}}]\n", in_quotes(awkward[i - 1]), q);
  }
  ImportOptions options;
  options.ids = IdPattern::compile(".*").value();  // this organisation's numbers may be anything
  const auto parsed = parse_import(text, "staff.yaml");
  ASSERT_TRUE(parsed);
  EXPECT_THAT(texts(parsed->problems), IsEmpty());
  const auto report = staff->import(parsed->file, options).value();
  EXPECT_THAT(texts(report.problems), IsEmpty());
  EXPECT_EQ(*staff->count(), awkward.size());
  for (std::size_t i = 0; i < awkward.size(); ++i) {
    const std::string& value = awkward[i];
    const auto person = staff->person(value);
    ASSERT_TRUE(person) << value;
    EXPECT_EQ(person->name, value);
    EXPECT_EQ(person->removed_reason, value);
    EXPECT_EQ(person->forms.at(0).verified_by, value);
    EXPECT_EQ(person->declarations.at(0).version, value);
    EXPECT_EQ(person->training.at(0).course, value);
    if (i > 1) {
      EXPECT_EQ(person->delegations.at(0).from, awkward[i - 1]);
    }
    EXPECT_THAT(*staff->people_by_unix_account(value), ElementsAre(value));
    EXPECT_THAT(*staff->people_by_identity("uri", value), ElementsAre(value));
    EXPECT_THAT(*staff->people_by_identity(value, value), IsEmpty());
  }
  EXPECT_EQ(import(*staff, text).unchanged, awkward.size());
}

TEST(Register, OddQuestionsFindNobody) {
  Folder folder;
  auto staff = open(folder.file());
  import(*staff, "people: [{id: a, name: A, identities: {upn: u}}]");
  using namespace std::string_view_literals;
  for (const auto odd : {""sv, "a\0"sv, "%"sv, "A"sv, "\xff\xfe"sv}) {
    EXPECT_EQ(staff->person(odd).error().code, Errc::not_found);
    EXPECT_THAT(*staff->people_by_identity("upn", odd), IsEmpty());
    EXPECT_THAT(*staff->people_by_identity(odd, "u"), IsEmpty());
    EXPECT_THAT(*staff->people_by_unix_account(odd), IsEmpty());
  }
}

TEST(Register, EveryLookUpUsesAnIndex) {
  Folder folder;
  open(folder.file());
  SQLite::Database database(folder.file().string(), SQLite::OPEN_READWRITE);
  for (const char* text : sql::look_ups) {
    SQLite::Statement plan(database, std::string("EXPLAIN QUERY PLAN ") + text);
    while (plan.executeStep()) {
      const std::string step = plan.getColumn(3).getString();
      // "SCAN CONSTANT ROW" is the EXISTS itself: one row, no table.
      EXPECT_TRUE(!step.starts_with("SCAN") || step == "SCAN CONSTANT ROW") << text << "\n" << step;
      EXPECT_EQ(step.find("TEMP B-TREE"), std::string::npos) << text << "\n" << step;
    }
  }
}

TEST(Register, TellsNobodyTheSameTwiceAndSaysWhomItIsNewTo) {
  Folder folder;
  auto staff = open(folder.file());
  import(*staff, "people: [{id: \"1\", name: A}, {id: \"2\", name: B}]");
  using Ids = std::vector<std::string>;
  EXPECT_EQ(staff->tell({"1", "nobody"}, "leaves", "Tomorrow.", WallTime{}).value(), Ids{"1"});
  EXPECT_EQ(staff->tell({"1", "2"}, "leaves", "Tomorrow.", WallTime{}).value(), Ids{"2"});
  EXPECT_EQ(staff->tell({"1", "2"}, "leaves", "Tomorrow.", WallTime{}).value(), Ids{});
  ASSERT_EQ(staff->notices("1")->size(), 1U);
}

TEST(Register, GoesThroughEverybodyPageByPage) {
  Folder folder;
  auto staff = open(folder.file());
  EXPECT_THAT(*staff->ids_after("", 10), testing::IsEmpty());
  import(*staff,
         "people: [{id: b, name: B}, {id: a, name: A}, {id: B1, name: X}, {id: c, name: C}, {id: \"10\", "
         "name: D}]");
  EXPECT_THAT(*staff->ids_after("", 2), testing::ElementsAre("10", "B1"));
  EXPECT_THAT(*staff->ids_after("B1", 2), testing::ElementsAre("a", "b"));
  EXPECT_THAT(*staff->ids_after("b", 2), testing::ElementsAre("c"));
  EXPECT_THAT(*staff->ids_after("c", 2), testing::IsEmpty());
  EXPECT_THAT(*staff->ids_after("aa", 1), testing::ElementsAre("b")) << "the id need not be anybody's";
}

TEST(Register, ATakenNumberIsNobodyElses) {
  Folder folder;
  auto staff = open(folder.file());
  import(*staff, "people: [{id: a, name: A}]");
  EXPECT_EQ(*staff->take_number(Numbered::form), 1);
  EXPECT_EQ(*staff->take_number(Numbered::form), 2) << "whatever became of the first";
  EXPECT_EQ(*staff->take_number(Numbered::removal), 1) << "each kind has its own";
  const auto submit = [&](std::int64_t number) {
    return staff->change("a", [number](Person& next) -> Result<void> {
      Form form;
      form.kind = "ESR06";
      form.role = "core";
      next.forms.push_back(form);
      EXPECT_EQ(without_number(next), Numbered::form);
      if (number != 0) set_number(next, Numbered::form, number);
      return {};
    });
  };
  const auto with_number = submit(2);
  ASSERT_TRUE(with_number) << with_number.error().message();
  EXPECT_EQ(with_number->forms.back().id, 2);
  EXPECT_EQ(without_number(*with_number), std::nullopt);
  EXPECT_EQ(submit(0)->forms.back().id, 3) << "SQLite counts on from there";
  EXPECT_EQ(*open(folder.file())->take_number(Numbered::form), 4);
}

TEST(Register, OneSeesWhatAnotherImported) {
  Folder folder;
  auto reader = open(folder.file());
  auto writer = open(folder.file());
  EXPECT_EQ(reader->person("a").error().code, Errc::not_found);
  import(*writer, "people: [{id: a, name: A}]");
  EXPECT_EQ(reader->person("a")->name, "A");
  import(*writer, "people: [{id: a, name: B}]");
  EXPECT_EQ(reader->person("a")->name, "B");
}

}  // namespace
}  // namespace cardgate::reg
