// SPDX-License-Identifier: Apache-2.0
// Reading a file of staff: what it takes, and every bad line named.
#include "base/file.hpp"
#include "tests/register/fixture.hpp"
#include "tests/support/folders.hpp"

namespace cardgate::reg {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr std::string_view uuid_1 = "8b1f6c1e-2d5a-4d0e-9a53-0c2f7b6f1a01";

std::string one(std::string_view lines) {
  return "people:\n  - id: a\n    name: Ama\n" + std::string(lines);
}

TEST(ParseImport, ReadsEveryKey) {
  const auto parsed = parse_import(R"(people:
  - id: "1"
    name: Ama Owusu
    email: ama@hospital.example
    unix_accounts: [aowusu, ama]
    line_manager: "2"
    employed_from: 2020-01-01
    employed_until: 2027-01-31
    teams: [t1]
    cards:
      - {uuid: 8B1F6C1E-2D5A-4D0E-9A53-0C2F7B6F1A01, status: lost, valid_until: 2027-06-30}
      - uuid: 8b1f6c1e-2d5a-4d0e-9a53-0c2f7b6f1a02
    identities: {upn: Ama@Hospital.Example, "subject:UID": Ab1}
    forms:
      - {kind: ESR06, role: core, verified_by: "2", verified_on: 2026-01-01, approved_by: "3", approved_on: 2026-01-02,
         valid_from: 2026-01-03, valid_until: 2026-12-31, withdrawn: true}
      - {kind: ESR06, role: other}
    declarations: [{name: d, version: "1", signed_on: 2026-01-01, valid_until: 2026-12-31}]
    training: [{course: c, completed_on: 2026-01-01, valid_until: 2026-12-31}]
    delegations: [{from: "2", role: r, valid_from: 2026-01-01, valid_until: 2026-12-31}]
    removed: {reason: A reason}
)",
                                   "staff.yaml");
  ASSERT_TRUE(parsed) << parsed.error().context;
  ASSERT_THAT(texts(parsed->problems), IsEmpty());
  ASSERT_EQ(parsed->file.people.size(), 1U);
  EXPECT_EQ(parsed->file.people[0].line, 2);
  const Date end = date("2026-12-31");
  Person expected;
  expected.id = "1";
  expected.name = "Ama Owusu";
  expected.email = "ama@hospital.example";
  expected.unix_accounts = {"aowusu", "ama"};
  expected.line_manager = "2";
  expected.employed_from = date("2020-01-01");
  expected.employed_until = date("2027-01-31");
  expected.teams = {"t1"};
  expected.cards = {{std::string(uuid_1), "lost", date("2027-06-30")},
                    {"8b1f6c1e-2d5a-4d0e-9a53-0c2f7b6f1a02", "active", std::nullopt}};
  expected.identities = {{"upn", "ama@hospital.example"}, {"subject:UID", "Ab1"}};
  expected.forms.resize(2);
  auto& form = expected.forms[0];
  form.kind = expected.forms[1].kind = "ESR06";
  form.role = "core";
  form.state = Form::State::withdrawn;
  form.verified_by = "2";
  form.approved_by = "3";
  form.verified_on = date("2026-01-01");
  form.approved_on = date("2026-01-02");
  form.valid_from = date("2026-01-03");
  form.valid_until = end;
  expected.forms[1].role = "other";
  expected.declarations = {{"d", "1", date("2026-01-01"), end}};
  expected.training = {{"c", date("2026-01-01"), end}};
  expected.delegations = {{0, "2", "r", date("2026-01-01"), end, false}};
  expected.removed = true;
  expected.removed_reason = "A reason";
  EXPECT_EQ(parsed->file.people[0].person, expected);
}

TEST(ParseImport, TheShippedExampleIsGood) {
  const auto text = read_file(source_file("config/staff-example.yaml"), 1 << 20).value();
  EXPECT_THAT(problems_of(text), IsEmpty());
}

TEST(ParseImport, NamesEveryBadLineNotOnlyTheFirst) {
  EXPECT_THAT(
      problems_of(R"(people:
  - id: a
    nmae: Ama
    employed_from: 1.2.2020
    unix_accounts: ama
    cards:
      - {uuid: 123}
      - {uuid: 8b1f6c1e-2d5a-4d0e-9a53-0c2f7b6f1a01, status: stolen, colour: red}
      - status: active
    identities: {card_uuid: x, subject: y, email: [z]}
  - name: Nobody
  - 7
  - id: b
    name: Bo
    teams: [t, t]
    forms: [{kind: F, verified_by: [], withdrawn: maybe}]
    declarations: [{version: 1, signed_on: soon}]
    training: [{course: c}]
    delegations: [{from: b, role: r, valid_from: 2026-02-02, valid_until: 2026-02-01}]
    removed: true
)"),
      ElementsAre(
          "3: people[0].nmae: unknown key 'nmae'; did you mean 'name'?",
          "4: people[0].employed_from: expected a date like 2026-01-31, or none",
          "5: people[0].unix_accounts: expected a list",
          "7: people[0].cards[0].uuid: expected a UUID like 8b1f6c1e-2d5a-4d0e-9a53-0c2f7b6f1a01",
          "8: people[0].cards[1].colour: unknown key; expected one of: uuid, issuer_serial, status, "
          "valid_until",
          "8: people[0].cards[1].status: expected active, lost, replaced or revoked",
          "9: people[0].cards[2]: the key 'uuid' is missing",
          "10: people[0].identities.card_uuid: expected one of: upn, email, uri, issuer_serial, fasc_n, ski, "
          "subject:FIELD "
          "(cards stand under cards)",
          "10: people[0].identities.subject: expected one of: upn, email, uri, issuer_serial, fasc_n, ski, "
          "subject:FIELD "
          "(cards stand under cards)",
          "10: people[0].identities.email: expected a text", "11: people[1]: the key 'id' is missing",
          "12: people[2]: expected keys with values", "15: people[3].teams[1]: 't' stands twice",
          "16: people[3].forms[0]: the key 'role' is missing",
          "16: people[3].forms[0].verified_by: expected a text",
          "16: people[3].forms[0].withdrawn: expected true or false",
          "17: people[3].declarations[0]: the key 'name' is missing",
          "17: people[3].declarations[0].signed_on: expected a date like 2026-01-31",
          "18: people[3].training[0]: the key 'completed_on' is missing",
          "19: people[3].delegations[0]: valid_until 2026-02-01 is before 2026-02-02",
          "19: b: delegates to themselves", "20: people[3].removed: expected {reason: TEXT}, or false"));
}

TEST(ParseImport, NamesWhatIsWrongBetweenPeople) {
  EXPECT_THAT(
      problems_of(R"(people:
  - {id: a, name: A, line_manager: b}
  - {id: b, name: B, line_manager: c}
  - {id: c, name: C, line_manager: a}
  - {id: d, name: D, line_manager: d}
  - {id: e, name: E, line_manager: a, cards: [{uuid: 8b1f6c1e-2d5a-4d0e-9a53-0c2f7b6f1a01}]}
  - {id: a, name: A again}
  - id: f
    name: F
    cards:
      - uuid: 8B1F6C1E-2D5A-4D0E-9A53-0C2F7B6F1A01
  - {id: g, name: G, line_manager: h}
  - {id: h, name: H, line_manager: g}
)"),
      ElementsAre(
          "2: a: line managers in a loop: a -> b -> c -> a", "5: d: is their own line manager",
          "7: a: stands twice (first on line 2)",
          "11: f: the card 8b1f6c1e-2d5a-4d0e-9a53-0c2f7b6f1a01 stands twice (first on line 6, for e)",
          "12: g: line managers in a loop: g -> h -> g"));
}

TEST(ParseImport, LongLoopsAreShortened) {
  std::string text = "people:\n";
  for (int i = 0; i < 20; ++i) {
    const auto n = std::to_string(i), next = std::to_string((i + 1) % 20);
    text += "  - {id: p" + n + ", name: N, line_manager: p" + next + "}\n";
  }
  EXPECT_THAT(
      problems_of(text),
      ElementsAre("2: p0: line managers in a loop: p0 -> p1 -> p2 -> p3 -> p4 -> p5 -> (14 more) -> p0"));
}

TEST(ParseImport, RefusesWhatIsNoFileOfStaff) {
  EXPECT_THAT(problems_of("people: [\n"),
              ElementsAre(testing::HasSubstr("refused: staff.yaml:2: not valid YAML")));
  EXPECT_THAT(problems_of(""), ElementsAre("1: expected keys with values"));
  EXPECT_THAT(problems_of("people:\n"), ElementsAre("1: the key 'people' is missing"));
  EXPECT_THAT(problems_of("people: 3\n"), ElementsAre("1: people: expected a list"));
  EXPECT_THAT(problems_of("peeple: []\n"),
              ElementsAre("1: peeple: unknown key 'peeple'; did you mean 'people'?"));
  EXPECT_THAT(problems_of("people: []\n"), IsEmpty());
}

TEST(ParseImport, LimitsLengths) {
  EXPECT_THAT(
      problems_of("people: [{id: " + std::string(64, 'i') + ", name: " + std::string(256, 'n') + "}]"),
      IsEmpty());
  EXPECT_THAT(problems_of("people: [{id: " + std::string(65, 'i') + ", name: N}]"),
              ElementsAre("1: people[0].id: expected at most 64 bytes"));
  EXPECT_THAT(problems_of(one("    email: " + std::string(257, 'e') + "\n")),
              ElementsAre("4: people[0].email: expected at most 256 bytes"));
  std::string many = "    teams: [";
  for (int i = 0; i < 257; ++i) many += "t" + std::to_string(i) + ",";
  EXPECT_THAT(problems_of(one(many + "]\n")), ElementsAre("4: people[0].teams: expected at most 256 items"));
}

TEST(ParseImport, RefusesControlCharactersAndBrokenUtf8) {
  EXPECT_THAT(problems_of(one("    email: \"a\\nb\"\n")),
              ElementsAre("4: people[0].email: expected text in UTF-8 without control characters"));
  EXPECT_FALSE(problems_of(one("    email: \"a\xff\xfe z\"\n")).empty());
}

TEST(ParseImport, TruncatedAtEveryLengthItNeverGivesAPersonMoreThanTheWholeFile) {
  const auto text = read_file(source_file("config/staff-example.yaml"), 1 << 20).value();
  const auto whole = parse_import(text, "f").value();
  const auto start = text.find("people:");
  for (std::size_t length = start; length < text.size(); length += 3) {
    const auto part = parse_import(text.substr(0, length), "f");
    if (!part) {
      EXPECT_EQ(part.error().code, Errc::config_invalid);
    } else {
      EXPECT_LE(part->file.people.size(), whole.file.people.size());
    }
  }
}

}  // namespace
}  // namespace cardgate::reg
