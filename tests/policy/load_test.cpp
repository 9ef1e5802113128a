// SPDX-License-Identifier: Apache-2.0
// What the policy's reader takes and refuses, word for word.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <fstream>

#include "base/crypto.hpp"
#include "base/file.hpp"
#include "tests/policy/fixture.hpp"
#include "tests/support/folders.hpp"

namespace cardgate::policy {
namespace {

constexpr std::string_view small = R"(contacts:
  access_team: records team
roles:
  reader:
    title: Reader
    sign_in: [card]
    requires:
      - employed
      - form: {kind: F1}
    records: all
)";

std::string refusal(std::string_view text) {
  const auto policy = parse_policy(text, "policy.yaml");
  if (policy) return "";
  EXPECT_EQ(policy.error().code, Errc::config_invalid);
  return policy.error().context;
}

/// The small policy with one piece exchanged.
std::string small_policy_with(std::string_view from, std::string_view to) {
  std::string text(small);
  const auto place = text.find(from);
  EXPECT_NE(place, std::string::npos) << from;
  return text.replace(place, from.size(), to);
}

TEST(PolicyLoad, TakesWhatTheFileSays) {
  const auto policy = parse_policy(small, "policy.yaml");
  ASSERT_TRUE(policy) << policy.error().context;
  ASSERT_EQ(policy->roles().size(), 1U);
  const Role& role = policy->roles()[0];
  EXPECT_EQ(policy->role("reader"), &role);
  EXPECT_EQ(policy->role("writer"), nullptr);
  EXPECT_EQ(role.title, "Reader");
  EXPECT_EQ(role.sign_in, std::vector{SignIn::card});
  EXPECT_EQ(role.requires_all,
            (std::vector<Prerequisite>{{Prerequisite::Kind::employed, "", "", "", false},
                                       {Prerequisite::Kind::form, "F1", "", "F1", false}}));
  EXPECT_EQ(role.max_session, std::chrono::hours(12));
  EXPECT_EQ(role.idle, std::chrono::minutes(15));
  EXPECT_EQ(role.token_life, std::chrono::minutes(5));
  EXPECT_EQ(role.card_removal, CardRemoval{});
  EXPECT_EQ(policy->contacts().access_team, "records team");
  EXPECT_EQ(policy->contacts().card_desk, "smartcard help desk");
  EXPECT_EQ(policy->hash(), to_hex(blake2b(as_bytes(small))));
}

TEST(PolicyLoad, TheHashIsTheFilesAndChangesWithEveryByte) {
  const std::string text = read_file(source_file("config/policy.yaml"), 1 << 20).value();
  EXPECT_EQ(shipped().hash(), to_hex(blake2b(as_bytes(text))));
  EXPECT_NE(parse_policy(text + "\n", "p")->hash(), shipped().hash());
}

TEST(PolicyLoad, TheShippedPolicyIsTheTableOfRoles) {
  std::string table;
  for (const auto& role : shipped().roles()) {
    table += role.name + ":";
    for (const auto way : role.sign_in) table += " " + std::string(name(way));
    table += " |";
    for (const auto& item : role.requires_all) {
      table += " " + std::string(name(item.kind));
      if (!item.subject.empty()) table += "=" + item.subject;
      if (item.warn) table += "(warn)";
    }
    table += " | " + role.records + "\n";
  }
  const std::string same = "employed card form=ESR06 declaration=core-confidentiality";
  const std::string trained = " training=information-governance(warn) | ";
  EXPECT_EQ(table,
            "employee-self-service: password card | employed | own\n"
            "core: card | " +
                same + trained +
                "by-function\n"
                "manager-self-service: card | " +
                same + " line-manager" + trained +
                "team\n"
                "supervisor-self-service: card | " +
                same + trained +
                "team-view\n"
                "administrator-self-service: card | " +
                same + " delegation" + trained +
                "delegated\n"
                "esr-workforce-systems: card | " +
                same + " team=esr-workforce-systems" + trained + "all\n");
}

TEST(PolicyLoad, SaysWhereAndWhatWasExpected) {
  const std::string usages =
      "not-removed; employed; card; line-manager; delegation; form: {kind, title}; team: {name, title}; "
      "declaration: "
      "{name, version, valid_for, title}; training: {course, mode, title}";
  const std::vector<std::pair<std::string, std::string>> table{
      {"", "policy.yaml:1: expected keys with values"},
      {"roles: {}", "policy.yaml:1: roles: expected at least one role"},
      {"contacts: {}", "policy.yaml:1: the key 'roles' is missing"},
      {small_policy_with("contacts:", "contact:"),
       "policy.yaml:1: contact: unknown key 'contact'; did you mean 'contacts'?"},
      {small_policy_with("access_team", "acces_team"),
       "policy.yaml:2: contacts.acces_team: unknown key 'acces_team'; did you mean 'access_team'?"},
      {small_policy_with("reader:", "Reader!:"),
       "policy.yaml:4: roles.Reader!: expected a role's name of a-z, 0-9 and '-', 64 characters at most"},
      {small_policy_with("title: Reader", "title: [Reader]"),
       "policy.yaml:5: roles.reader.title: expected a text"},
      {small_policy_with("title: Reader", "titel: Reader"),
       "policy.yaml:5: roles.reader.titel: unknown key 'titel'; did you mean 'title'?"},
      {small_policy_with("title: Reader", "colour: Reader"),
       "policy.yaml:5: roles.reader.colour: unknown key; expected one of: title, sign_in, requires, records, "
       "max_session, idle, token_life, card_removal, screen_lock, step_up, step_up_age, revocation, may, "
       "guidance"},
      {small_policy_with("title: Reader", "records: all"),
       "policy.yaml:10: roles.reader.records: stands twice (first on line 5)"},
      {small_policy_with("    sign_in: [card]\n", ""),
       "policy.yaml:4: roles.reader: the key 'sign_in' is missing"},
      {small_policy_with("[card]", "[]"),
       "policy.yaml:6: roles.reader.sign_in: expected at least one of: password, card"},
      {small_policy_with("[card]", "card"), "policy.yaml:6: roles.reader.sign_in: expected a list"},
      {small_policy_with("[card]", "[card, face]"),
       "policy.yaml:6: roles.reader.sign_in[1]: unknown sign-in 'face'; expected password or card"},
      {small_policy_with("[card]", "[card, card]"),
       "policy.yaml:6: roles.reader.sign_in[1]: 'card' stands twice"},
      {small_policy_with("- employed", "- emploid"),
       "policy.yaml:8: roles.reader.requires[0]: unknown prerequisite 'emploid'; expected one of: " + usages},
      {small_policy_with("- employed", "- [employed]"),
       "policy.yaml:8: roles.reader.requires[0]: expected a prerequisite, one of: " + usages},
      {small_policy_with("- employed", "- {employed: yes}"),
       "policy.yaml:8: roles.reader.requires[0].employed: 'employed' takes no value"},
      {small_policy_with("- employed", "- {team: {name: a}, card: }"),
       "policy.yaml:8: roles.reader.requires[0]: expected one prerequisite in each item of the list"},
      {small_policy_with("- employed", "- form"),
       "policy.yaml:8: roles.reader.requires[0]: expected form: {kind, title}"},
      {small_policy_with("- employed", "- form: {kind: F1, title: Form one}"),
       "policy.yaml:9: roles.reader.requires[1]: 'form: F1' stands twice"},
      {small_policy_with("- form: {kind: F1}", "- employed"),
       "policy.yaml:9: roles.reader.requires[1]: 'employed' stands twice"},
      {small_policy_with("{kind: F1}", "F1"),
       "policy.yaml:9: roles.reader.requires[1].form: expected keys with values"},
      {small_policy_with("{kind: F1}", "{name: F1}"),
       "policy.yaml:9: roles.reader.requires[1].form: the key 'kind' is missing"},
      {small_policy_with("{kind: F1}", "{kind: F1, version: 2}"),
       "policy.yaml:9: roles.reader.requires[1].form.version: unknown key; expected one of: kind, title"},
      {small_policy_with("form: {kind: F1}", "training: {course: fire}"),
       "policy.yaml:9: roles.reader.requires[1].training: the key 'mode' is missing"},
      {small_policy_with("form: {kind: F1}", "training: {course: fire, mode: maybe}"),
       "policy.yaml:9: roles.reader.requires[1].training.mode: unknown mode 'maybe'; expected warn or deny"},
      {small_policy_with("records: all", "records: everything"),
       "policy.yaml:10: roles.reader.records: unknown scope 'everything'; expected one of: own, team, "
       "team-view, "
       "delegated, by-function, all"},
      {small_policy_with("records: all", "records: all\n    max_session: 25h"),
       "policy.yaml:11: roles.reader.max_session: expected 1m to 24h"},
      {small_policy_with("records: all", "records: all\n    max_session: long"),
       "policy.yaml:11: roles.reader.max_session: expected a duration like 90s, 15m, 12h or 30d"},
      {small_policy_with("records: all", "records: all\n    max_session: 1h\n    idle: 2h"),
       "policy.yaml:12: roles.reader.idle: expected 1m or more, and no more than max_session"},
      {small_policy_with("records: all", "records: all\n    token_life: 2h"),
       "policy.yaml:11: roles.reader.token_life: expected 10s to 1h, and no more than max_session"},
  };
  for (const auto& [text, expected] : table) EXPECT_EQ(refusal(text), expected) << text;
}

TEST(PolicyLoad, SaysWhatTheModesOfASessionMayBe) {
  const std::string removal =
      "policy.yaml:11: roles.reader.card_removal: expected end, lock, grace with a time from 1s to 10m, such "
      "as "
      "'grace 30s', or keep with a time from 1m to 24h, such as 'keep 8h'";
  for (const std::string_view wrong :
       {"stay", "grace 1h", "keep", "keep 0s", "keep 59s", "keep 25h", "keep 8", "keep  8h", "keep 8h 8h",
        "keep8h", "Keep 8h", "keep -1h", "grace"}) {
    EXPECT_EQ(
        refusal(small_policy_with("records: all", fmt::format("records: all\n    card_removal: {}", wrong))),
        removal)
        << wrong;
  }
  const std::string screen =
      "policy.yaml:11: roles.reader.screen_lock: expected lock, or keep with a time from 1m to 24h, such as "
      "'keep 30m'";
  for (const std::string_view wrong : {"end", "keep", "keep 0s", "keep 25h", "keep 30", "locked"}) {
    EXPECT_EQ(
        refusal(small_policy_with("records: all", fmt::format("records: all\n    screen_lock: {}", wrong))),
        screen)
        << wrong;
  }
  const std::vector<std::pair<std::string_view, std::string_view>> others{
      {"card_removal: [keep, 8h]", "policy.yaml:11: roles.reader.card_removal: expected a text"},
      {"card_removal: {keep: 8h}", "policy.yaml:11: roles.reader.card_removal: expected a text"},
      {"screen_lock: [lock]", "policy.yaml:11: roles.reader.screen_lock: expected a text"},
      {"step_up: password", "policy.yaml:11: roles.reader.step_up: expected card"},
      {"step_up: true", "policy.yaml:11: roles.reader.step_up: expected card"},
      {"step_up: [card]", "policy.yaml:11: roles.reader.step_up: expected a text"},
      {"step_up_age: 10m",
       "policy.yaml:11: roles.reader.step_up_age: means nothing without 'step_up: card' beside it"},
      {"step_up: card\n    step_up_age: 29s",
       "policy.yaml:12: roles.reader.step_up_age: expected 30s to 12h"},
      {"step_up: card\n    step_up_age: 13h",
       "policy.yaml:12: roles.reader.step_up_age: expected 30s to 12h"},
      {"step_up: card\n    step_up_age: 10",
       "policy.yaml:12: roles.reader.step_up_age: expected a duration like 90s, 15m, 12h or 30d"},
  };
  for (const auto& [lines, expected] : others) {
    EXPECT_EQ(refusal(small_policy_with("records: all", fmt::format("records: all\n    {}", lines))),
              expected)
        << lines;
  }
  EXPECT_EQ(
      refusal("roles:\n  r:\n    sign_in: [card, password]\n    requires: [employed]\n    records: own\n"
              "    step_up: card\n"),
      "policy.yaml:3: roles.r.sign_in: a password sign-in can never meet 'step_up: card', which this role "
      "asks for");
}

TEST(PolicyLoad, ReadsTheModesOfASession) {
  const auto text =
      small_policy_with("records: all",
                        "records: all\n    card_removal: keep 8h\n    screen_lock: keep 30m\n    step_up: "
                        "card");
  const auto policy = parse_policy(text, "policy.yaml");
  ASSERT_TRUE(policy) << policy.error().context;
  const Role& role = *policy->role("reader");
  EXPECT_EQ(role.card_removal, (CardRemoval{CardRemoval::Mode::keep, std::chrono::hours(8)}));
  EXPECT_EQ(role.screen_lock, (ScreenLock{ScreenLock::Mode::keep, std::chrono::minutes(30)}));
  EXPECT_EQ(role.step_up_age, std::chrono::minutes(10)) << "when left out";
  const Role& usual = *shipped().role("core");
  EXPECT_EQ(usual.screen_lock, ScreenLock{});
  EXPECT_EQ(usual.step_up_age, std::nullopt);
}

TEST(PolicyLoad, MarksActs) {
  const auto with = [](std::string_view acts) {
    return small_policy_with("roles:", fmt::format("acts:\n  {}\nroles:", acts));
  };
  const auto policy = parse_policy(
      with("restore-access: {step_up: card, step_up_age: 5m}\n  delegate: {step_up: card}"), "p");
  ASSERT_TRUE(policy) << policy.error().context;
  EXPECT_EQ(policy->step_up_age(Act::restore_access), std::chrono::minutes(5));
  EXPECT_EQ(policy->step_up_age(Act::delegate), std::chrono::minutes(10));
  EXPECT_EQ(policy->step_up_age(Act::give_codes), std::nullopt);
  const auto line = refusal(with("restore: {step_up: card}"));
  EXPECT_TRUE(
      line.starts_with("policy.yaml:4: acts.restore: unknown act 'restore'; expected one of: submit-forms"))
      << line;
  EXPECT_EQ(refusal(with("restore-access: {}")),
            "policy.yaml:4: acts.restore-access: the key 'step_up' is missing");
  EXPECT_EQ(refusal(with("restore-access: card")),
            "policy.yaml:4: acts.restore-access: expected keys with values");
  EXPECT_EQ(
      refusal(with("restore-access: {step_up_age: 5m}")),
      "policy.yaml:4: acts.restore-access.step_up_age: means nothing without 'step_up: card' beside it");
  EXPECT_EQ(refusal(with("restore-access: {step_up: card, way: x}")),
            "policy.yaml:4: acts.restore-access.way: unknown key; expected one of: step_up, step_up_age");
}

TEST(PolicyLoad, RefusesAPasswordForMoreThanTheOwnRecord) {
  for (const std::string_view scope : {"all", "team", "team-view", "delegated", "by-function"}) {
    const auto text = fmt::format(
        "roles:\n  r:\n    sign_in: [card, password]\n    requires: [employed]\n    records: {}\n", scope);
    EXPECT_EQ(refusal(text),
              fmt::format("policy.yaml:3: roles.r.sign_in: a password sign-in may open the person's own "
                          "record only, and this role's records are '{}'",
                          scope));
  }
  EXPECT_EQ(
      refusal("roles:\n  r:\n    sign_in: [password]\n    requires: [employed, card]\n    records: own\n"),
      "policy.yaml:3: roles.r.sign_in: a password sign-in can never meet the prerequisite 'card', which this "
      "role "
      "requires");
}

TEST(PolicyLoad, DocumentsOfARoleAndOfADeclaration) {
  const auto with = [](const std::string& list) {
    return "declarations:\n  d: {text: I promise, guidance: [{title: Promises, file: /srv/promises.pdf}]}\n" +
           small_policy_with("    records: all\n", "    records: all\n    guidance: " + list + "\n") +
           "  signer:\n    sign_in: [card]\n    requires: [{declaration: {name: d}}]\n    records: all\n";
  };
  const std::string good = with("[{title: Opening, link: 'https://intranet.example/open'}]");
  const auto policy = parse_policy(good, "policy.yaml");
  ASSERT_TRUE(policy) << policy.error().context;
  EXPECT_EQ(policy->role("reader")->guidance,
            (std::vector<Guidance>{{"Opening", "https://intranet.example/open", ""}}));
  EXPECT_EQ(policy->declaration_text("d"), "I promise");
  EXPECT_EQ(policy->guidance(*policy->role("signer")),
            (std::vector<Guidance>{{"Promises", "", "/srv/promises.pdf"}}));
  EXPECT_EQ(refusal(with("[{title: x}]")),
            "policy.yaml:13: roles.reader.guidance[0]: expected either 'link' or 'file'");
  EXPECT_THAT(refusal(with("[{title: x, link: 'https://a.example/', file: /b}]")),
              ::testing::HasSubstr("expected either 'link' or 'file'"));
  EXPECT_THAT(refusal(with("[{title: x, link: 'javascript:alert(1)'}]")),
              ::testing::HasSubstr("expected a link like https://"));
  EXPECT_THAT(refusal(with("[{title: x, file: notes.txt}]")),
              ::testing::HasSubstr("expected an absolute path"));
}

TEST(PolicyLoad, FilesThatCannotBeRead) {
  const std::filesystem::path folder = testing::TempDir() + "policy_load_" + random_id();
  std::filesystem::create_directories(folder);
  const auto missing = load_policy(folder / "none.yaml");
  ASSERT_FALSE(missing);
  EXPECT_EQ(missing.error().code, Errc::not_found);
  std::ofstream(folder / "huge.yaml") << std::string((1 << 20) + 1, '#');
  EXPECT_EQ(load_policy(folder / "huge.yaml").error().code, Errc::too_large);
  EXPECT_FALSE(load_policy(folder));
  std::filesystem::remove_all(folder);
}

/// Cut between two roles or after a key, what is left must still be closed to somebody of whom nothing is
/// known.
void expect_closed_when_cut(std::string_view text, std::size_t step) {
  for (std::size_t length = 0; length <= text.size(); length += step) {
    const auto policy = parse_policy(text.substr(0, length), "p");
    if (!policy) {
      EXPECT_EQ(policy.error().code, Errc::config_invalid);
      continue;
    }
    for (const auto& role : policy->roles()) {
      EXPECT_FALSE(decide(*policy, Facts{}, {role.name, SignIn::card}, noon).allowed) << length;
    }
  }
}

TEST(PolicyLoad, EveryTruncationIsRefusedOrStillCloses) {
  expect_closed_when_cut(small, 1);
  expect_closed_when_cut(read_file(source_file("config/policy.yaml"), 1 << 20).value(), 61);
}

}  // namespace
}  // namespace cardgate::policy
