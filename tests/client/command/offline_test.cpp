// SPDX-License-Identifier: Apache-2.0
// The verbs that need no service: cert verify, policy check and explain, audit verify and show.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "audit/log.hpp"
#include "tests/client/fake_service.hpp"
#include "tests/support/folders.hpp"
#include "tests/trust/test_ca.hpp"

namespace cardgate::client {
namespace {

using ::testing::HasSubstr;

struct CertVerify : ::testing::Test {
  testing::TempDir directory;
  test::Ca root = test::Ca::root();
  test::Ca issuing = root.issuing();

  std::string file(const std::string& name, BytesView content) {
    const auto path = directory / name;
    EXPECT_TRUE(write_file_atomic(path, content, 0600));
    return path.string();
  }
  std::vector<std::string> command(const std::string& leaf, std::vector<std::string> more = {}) {
    std::vector<std::string> out{"cert",           "verify",
                                 "--anchor",       file("root.der", root.der()),
                                 "--intermediate", file("issuing.der", issuing.der()),
                                 "--time",         "2026-06-01T12:00:00Z"};
    out.insert(out.end(), more.begin(), more.end());
    out.push_back(leaf);
    return out;
  }
  std::vector<std::string> crls(const Bytes& of_issuing) {
    return {"--crl", file("root.crl", root.crl()), "--crl", file("issuing.crl", of_issuing)};
  }
};

TEST_F(CertVerify, FindsAGoodCertificateGood) {
  const auto leaf = file("leaf.pem", as_bytes(test::to_pem(issuing.issue({}), "CERTIFICATE")));
  const auto done = offline(command(leaf, crls(issuing.crl())));
  EXPECT_EQ(done.status, 0) << done.all;
  EXPECT_THAT(done.output, HasSubstr("valid, until 20"));
  auto as_json = command(leaf, crls(issuing.crl()));
  as_json.emplace_back("--json");
  const auto body = parse_json(offline(as_json).output);
  ASSERT_TRUE(body);
  EXPECT_EQ(body->as_object().at("valid"), true);
  EXPECT_EQ(body->as_object().at("revocation"), "good");
  const auto told = [&](const Bytes& list) {
    auto again = command(leaf, crls(list));
    again.emplace_back("--json");
    return parse_json(offline(again).output)->as_object().at("expires_at");
  };
  EXPECT_EQ(told(issuing.crl()), told(issuing.crl({.next = test::noon() + 2 * test::day})))
      << "the certificate's own end, whenever its list ends";
  EXPECT_EQ(body->as_object().at("chain").as_array().size(), 3U);
}

TEST_F(CertVerify, TakesAnOcspAnswerInThePlaceOfACrl) {
  const auto der = issuing.issue({});
  const auto leaf = file("leaf.der", der);
  const std::vector<std::string> root_only{"--crl", file("root.crl", root.crl())};
  EXPECT_EQ(offline(command(leaf, root_only)).status, 1);
  auto with = root_only;
  with.insert(with.end(), {"--ocsp-response", file("good.ocsp", issuing.ocsp(der))});
  const auto good = offline(command(leaf, with));
  EXPECT_EQ(good.status, 0) << good.all;
  EXPECT_THAT(good.output, HasSubstr("not revoked, by OCSP until"));
  with.back() = file("revoked.ocsp", issuing.ocsp(der, {.state = test::OcspAnswer::State::revoked}));
  EXPECT_EQ(offline(command(leaf, with)).status, 1);
  with.back() = file("broken.ocsp", as_bytes("no answer"));
  EXPECT_EQ(offline(command(leaf, with)).status, 2)
      << "a file that cannot be read is a mistake in the command";
}

TEST_F(CertVerify, NamesAListThatWasPassedOver) {
  const auto leaf = file("leaf.der", issuing.issue({}));
  auto lists = crls(issuing.crl());
  const auto forged = test::Ca::root("/O=Example Trust/CN=Example Issuing CA").crl();
  lists.insert(lists.end(), {"--crl", file("forged.crl", forged)});
  const auto done = offline(command(leaf, lists));
  EXPECT_EQ(done.status, 0) << done.all;
  EXPECT_THAT(done.output, HasSubstr("forged.crl: the CRL of CN=Example Issuing CA"));
  lists.emplace_back("--json");
  const auto body = parse_json(offline(command(leaf, lists)).output);
  ASSERT_TRUE(body);
  EXPECT_EQ(body->as_object().at("passed_over").as_array().size(), 1U);
}

TEST_F(CertVerify, NamesEveryFindingOfABadOne) {
  const auto leaf = file("leaf.der", issuing.issue({.until = test::noon() - test::day}));
  const auto done = offline(command(leaf));
  EXPECT_EQ(done.status, 1);
  EXPECT_THAT(done.output, HasSubstr("not valid"));
  EXPECT_THAT(done.output, HasSubstr("(expired)"));
  EXPECT_THAT(done.output, HasSubstr("(crl_missing)"));
  const auto without = offline(command(leaf, {"--no-revocation-check"}));
  EXPECT_EQ(without.output.find("(crl_missing)"), std::string::npos);
}

TEST_F(CertVerify, JudgesByPurposeAndPolicy) {
  const auto leaf = file("leaf.der", issuing.issue({.extended_key_usage = "serverAuth"}));
  EXPECT_EQ(offline(command(leaf, {"--no-revocation-check"})).status, 1);
  EXPECT_EQ(offline(command(leaf, {"--no-revocation-check", "--purpose", "any"})).status, 0);
  EXPECT_EQ(offline(command(leaf, {"--no-revocation-check", "--purpose", "any", "--require-explicit-policy"}))
                .status,
            1);
}

TEST_F(CertVerify, TellsAMistakeInTheCommandFromABadCertificate) {
  const auto leaf = file("leaf.der", issuing.issue({}));
  EXPECT_EQ(offline(command((directory / "none").string())).status, 4) << "as every file that cannot be read";
  EXPECT_EQ(offline(command(leaf, {"--time", "yesterday"})).status, 2);
  EXPECT_EQ(offline(command(leaf, {"--purpose", "fun"})).status, 2);
  EXPECT_EQ(offline(command(leaf, {"--policy", "not an oid"})).status, 2);
  EXPECT_EQ(offline(command(leaf, {"--crl", file("bad.crl", as_bytes("nonsense"))})).status, 2);
  EXPECT_EQ(offline(command(file("bad.der", as_bytes("nonsense")))).status, 1);
}

const std::string example_policy = source_file("config/policy.yaml");

TEST(PolicyCheck, AcceptsTheExampleAndNamesItsRoles) {
  const auto done = offline({"policy", "check", example_policy});
  EXPECT_EQ(done.status, 0) << done.all;
  EXPECT_THAT(done.output, HasSubstr("6 roles"));
  const auto body = parse_json(offline({"policy", "check", "--json", example_policy}).output);
  ASSERT_TRUE(body);
  EXPECT_EQ(body->as_object().at("valid"), true);
  EXPECT_EQ(body->as_object().at("roles").as_array().size(), 6U);
}

TEST(PolicyCheck, NamesFileLineAndKeyOfAMistake) {
  const testing::TempDir directory;
  const auto file = (directory / "policy.yaml").string();
  ASSERT_TRUE(write_file_atomic(file, as_bytes("nonsense: true\n"), 0600));
  const auto done = offline({"policy", "check", file});
  EXPECT_EQ(done.status, 1);
  EXPECT_THAT(done.all, HasSubstr("policy.yaml"));
  EXPECT_EQ(parse_json(offline({"policy", "check", "--json", file}).output)->as_object().at("valid"), false);
  EXPECT_EQ(offline({"policy", "check", (directory / "none").string()}).status, 4);
}

TEST(PolicyExplain, SaysWhatARoleAsksFor) {
  const auto done = offline({"policy", "explain", "--role", "core", "--policy", example_policy});
  EXPECT_EQ(done.status, 0) << done.all;
  EXPECT_THAT(done.output, HasSubstr("(core): sign in by card"));
  EXPECT_THAT(done.output, HasSubstr("\n  - "));
  const auto body = parse_json(
      offline({"policy", "explain", "--role", "core", "--policy", example_policy, "--json"}).output);
  ASSERT_TRUE(body);
  EXPECT_GE(body->as_object().at("requires").as_array().size(), 3U);
  const auto unknown = offline({"policy", "explain", "--role", "pilot", "--policy", example_policy});
  EXPECT_EQ(unknown.status, 1);
  EXPECT_THAT(unknown.all, HasSubstr("employee-self-service"));
}

struct AuditCommand : ::testing::Test {
  testing::TempDir directory;
  std::string log = (directory / "audit").string();
  static SigningKey key() { return SigningKey::from_seed(Bytes(32, 7)).value(); }
  AuditCommand() {
    auto opened = audit::Log::open({.directory = log, .segment_bytes = 64 * 1024}, key(), system_clock());
    EXPECT_TRUE(opened);
    for (const auto* person : {"10017", "10018", "10017"}) {
      audit::Record record;
      record.event = "sign_in";
      record.person = person;
      EXPECT_TRUE((*opened)->append_and_wait(record));
    }
  }
};

TEST_F(AuditCommand, FindsAWholeLogWholeAndAnAlteredOneBroken) {
  const auto good = offline({"audit", "verify", "--dir", log});
  EXPECT_EQ(good.status, 0) << good.all;
  EXPECT_THAT(good.output, HasSubstr("the log is whole"));
  // A key that lies beside the log is none that was kept elsewhere, by whatever name it is called.
  std::filesystem::create_hard_link(log + "/key.pub", directory / "same.pub");
  std::filesystem::create_symlink(log + "/key.pub", directory / "link.pub");
  std::filesystem::copy_file(log + "/key.pub", log + "/copy.pub");
  std::filesystem::copy_file(log + "/key.pub", directory / "kept.pub");
  for (const auto& [file, pinned] : {std::pair(log + "/key.pub", false),
                                     {(directory / "same.pub").string(), false},
                                     {(directory / "link.pub").string(), false},
                                     {log + "/copy.pub", false},
                                     {(directory / "kept.pub").string(), true}}) {
    const auto done = offline({"audit", "verify", "--dir", log, "--key", file});
    EXPECT_EQ(done.status, 0) << done.all;
    EXPECT_EQ(done.output.find("it proves nothing") == std::string::npos, pinned) << file;
    EXPECT_EQ(parse_json(offline({"audit", "verify", "--dir", log, "--key", file, "--json"}).output)
                  ->as_object()
                  .at("key_pinned"),
              pinned)
        << file;
  }

  bool altered = false;
  for (const auto& entry : std::filesystem::directory_iterator(log)) {
    auto content = read_file(entry.path(), 1 << 20);
    const auto at = content ? content->find("10018") : std::string::npos;
    if (at == std::string::npos) continue;
    content->replace(at, 5, "10019");
    ASSERT_TRUE(write_file_atomic(entry.path(), as_bytes(*content), 0600));
    altered = true;
  }
  ASSERT_TRUE(altered);
  const auto bad = offline({"audit", "verify", "--dir", log});
  EXPECT_EQ(bad.status, 1);
  EXPECT_THAT(bad.output, HasSubstr("BROKEN"));
  EXPECT_EQ(parse_json(offline({"audit", "verify", "--dir", log, "--json"}).output)->as_object().at("ok"),
            false);
  EXPECT_EQ(offline({"audit", "verify", "--dir", log + "-none"}).status, 4);
}

TEST_F(AuditCommand, HoldsTheLogAgainstCheckpointsAndProvesOneRecord) {
  const auto newest = offline({"audit", "checkpoint", "--dir", log});
  ASSERT_EQ(newest.status, 0) << newest.all;
  const auto kept = (directory / "checkpoints").string();
  ASSERT_TRUE(write_file_atomic(kept, as_bytes(newest.output), 0600));
  const auto good = offline({"audit", "verify", "--dir", log, "--checkpoints", kept, "--record", "4"});
  EXPECT_EQ(good.status, 0) << good.all;
  EXPECT_THAT(good.output, HasSubstr("1 checkpoint kept elsewhere stand in the log"));
  EXPECT_THAT(good.output, HasSubstr("PROVED: record 4 stands in"));
  EXPECT_THAT(good.output, HasSubstr("10018"));
  const auto line = parse_json(offline({"audit", "verify", "--dir", log, "--record", "4", "--json"}).output)
                        ->as_object()
                        .at("proof")
                        .as_object()
                        .at("line")
                        .as_string();
  const auto given = (directory / "line").string();
  ASSERT_TRUE(write_file_atomic(given, as_bytes(std::string(line) + "\n"), 0600));
  EXPECT_EQ(offline({"audit", "verify", "--dir", log, "--line", given}).status, 0);
  std::string other(line);
  other.replace(other.find("10018"), 5, "10019");
  ASSERT_TRUE(write_file_atomic(given, as_bytes(other), 0600));
  const auto refuted = offline({"audit", "verify", "--dir", log, "--line", given});
  EXPECT_EQ(refuted.status, 1);
  EXPECT_THAT(refuted.output, HasSubstr("REFUTED: the log's record 4 is another one"));
  const auto later = offline({"audit", "verify", "--dir", log, "--record", "999"});
  EXPECT_EQ(later.status, 1);
  EXPECT_THAT(later.output, HasSubstr("NOT KNOWN: the log ends at record"));
  EXPECT_EQ(later.output.find("REFUTED"), std::string::npos);
  EXPECT_EQ(offline({"audit", "verify", "--dir", log, "--record", "0"}).status, 2);
  ASSERT_TRUE(write_file_atomic(given, as_bytes(std::string("not a line")), 0600));
  EXPECT_EQ(offline({"audit", "verify", "--dir", log, "--line", given}).status, 4);
  EXPECT_EQ(offline({"audit", "verify", "--dir", log, "--checkpoints", given}).status, 4);
}

TEST_F(AuditCommand, RefutesNothingOnTheWordOfABrokenLogOrOfWhatIsDeleted) {
  const auto only = std::filesystem::path(log) / "audit-00000000000000000001.jsonl";
  auto content = read_file(only, 1 << 20).value();
  const auto given = (directory / "line").string();
  const auto at = content.find("{\"seq\":4,");
  ASSERT_TRUE(write_file_atomic(given, as_bytes(content.substr(at, content.find('\n', at) - at)), 0600));
  content.replace(content.find("10018"), 5, "10019");
  ASSERT_TRUE(write_file_atomic(only, as_bytes(content), 0600));
  const auto broken = offline({"audit", "verify", "--dir", log, "--line", given});
  EXPECT_EQ(broken.status, 1);
  EXPECT_THAT(broken.output, HasSubstr("NOT KNOWN: whether record 4 was in the log cannot be said"));
  EXPECT_EQ(broken.output.find("REFUTED"), std::string::npos);

  const auto kept = (directory / "kept").string();
  {
    auto opened = audit::Log::open({.directory = kept, .segment_bytes = 32 * 1024, .keep_segments = 1}, key(),
                                   system_clock());
    ASSERT_TRUE(opened);
    for (int i = 0; i < 300; ++i)
      ASSERT_TRUE((*opened)->append_and_wait({.event = "sign_in", .person = "10017"}));
  }
  const auto deleted = offline({"audit", "verify", "--dir", kept, "--line", given});
  EXPECT_EQ(deleted.status, 1) << deleted.all;
  EXPECT_THAT(deleted.output, HasSubstr("NOT KNOWN: record 4 is older than the first that is kept"));
}

TEST_F(AuditCommand, HandsOutNothingWhenNobodyIsNamed) {
  const auto out = (directory / "case").string();
  for (const auto& arguments : std::vector<std::vector<std::string>>{
           {"person", "--person", ""},
           {"evidence", "--person", "", "--out", out},
           {"evidence", "--person", "10017", "--of-session", "", "--out", out},
           {"evidence", "--out", out}}) {
    std::vector<std::string> all{"audit", "export"};
    all.insert(all.end(), arguments.begin(), arguments.end());
    all.insert(all.end(), {"--dir", log});
    const auto done = offline(all);
    EXPECT_EQ(done.status, 2) << done.all;
    EXPECT_EQ(done.all.find("signed in"), std::string::npos);
    EXPECT_EQ(done.all.find("proved card"), std::string::npos);
    EXPECT_FALSE(std::filesystem::exists(out));
  }
}

TEST_F(AuditCommand, HoldsTheLogAndLetsItGo) {
  EXPECT_THAT(offline({"audit", "hold", "show", "--dir", log}).output, HasSubstr("There is no legal hold"));
  EXPECT_EQ(offline({"audit", "hold", "set", "--dir", log}).status, 2) << "a reason is needed";
  EXPECT_EQ(offline({"audit", "hold", "set", "--dir", log, "--reason", "Case 17"}).status, 0);
  EXPECT_THAT(offline({"audit", "hold", "show", "--dir", log}).output, HasSubstr("Case 17"));
  EXPECT_EQ(offline({"audit", "hold", "release", "--dir", log}).status, 0);
  EXPECT_EQ(offline({"audit", "hold", "release", "--dir", log}).status, 4);
  EXPECT_EQ(offline({"audit", "hold", "set", "--dir", log + "-none", "--reason", "x"}).status, 4);
}

TEST_F(AuditCommand, HandsOutWhatItIsAskedFor) {
  const auto person = offline({"audit", "export", "person", "--dir", log, "--person", "10018"});
  EXPECT_EQ(person.status, 0) << person.all;
  EXPECT_THAT(person.output, HasSubstr("a person proved card and passcode"));
  EXPECT_THAT(person.output, HasSubstr("1 record about 10018."));
  EXPECT_EQ(person.output.find("10017"), std::string::npos);
  const auto out = (directory / "case").string();
  const auto evidence = offline(
      {"audit", "export", "evidence", "--dir", log, "--person", "10018", "--out", out, "--about", "Case"});
  EXPECT_EQ(evidence.status, 0) << evidence.all;
  EXPECT_TRUE(std::filesystem::exists(out + "/README"));
  EXPECT_EQ(offline({"audit", "export", "evidence", "--dir", log, "--person", "10018", "--out", out}).status,
            4)
      << "is there already";
  const auto figures = [&](const std::string& key) {
    std::vector<std::string> arguments{"audit", "export", "statistics", "--dir", log};
    if (!key.empty()) arguments.insert(arguments.end(), {"--key", key});
    const auto done = offline(arguments);
    EXPECT_EQ(done.status, 0) << done.all;
    EXPECT_EQ(done.output.find("1001"), std::string::npos);
    return done.output;
  };
  EXPECT_NE(figures({}), figures({}));
  const auto key = (directory / "statistics-key").string();
  EXPECT_EQ(figures(key), figures(key));
  const auto backwards = offline({"audit", "export", "person", "--dir", log, "--person", "1", "--since",
                                  "2026-02-01", "--until", "2026-01-01"});
  EXPECT_EQ(backwards.status, 2);
  EXPECT_THAT(backwards.all, HasSubstr("exchange them"));
}

TEST_F(AuditCommand, ShowsTheRecordsAskedFor) {
  const auto of_person = offline({"audit", "show", "--dir", log, "--person", "10017"});
  EXPECT_EQ(of_person.status, 0) << of_person.all;
  EXPECT_THAT(of_person.output, HasSubstr("sign_in            10017 signed in with card and passcode."));
  EXPECT_EQ(of_person.output.find("10018"), std::string::npos);
  const auto last = offline({"audit", "show", "--dir", log, "--event", "sign_in", "--last", "1", "--json"});
  const auto line = parse_json(last.output);
  ASSERT_TRUE(line) << last.output;
  EXPECT_EQ(line->as_object().at("person"), "10017");
  EXPECT_EQ(offline({"audit", "show", "--dir", log}).output.find("checkpoint"), std::string::npos);
  EXPECT_THAT(offline({"audit", "show", "--dir", log, "--event", "checkpoint"}).output,
              HasSubstr("was signed up to here"));
  const auto none = offline({"audit", "show", "--dir", log, "--to", "2020-01-01"});
  EXPECT_EQ(none.status, 0);
  EXPECT_EQ(none.output, "No record is as you asked.\n");
  EXPECT_THAT(
      offline({"audit", "show", "--dir", log, "--since", "yesterday", "--to", "now", "--outcome", "done"})
          .output,
      HasSubstr("10018"));
  EXPECT_EQ(offline({"audit", "show", "--dir", log, "--person", "10018", "--outcome", "refused"}).output,
            "No record is as you asked.\n");
}

TEST_F(AuditCommand, RefusesWhatItDoesNotUnderstand) {
  const auto soon = offline({"audit", "show", "--dir", log, "--since", "soon"});
  EXPECT_EQ(soon.status, 2);
  EXPECT_THAT(soon.all, HasSubstr("--since: \"soon\" is no time that is understood here. Write yesterday"));
  const auto unknown = offline({"audit", "show", "--dir", log, "--event", "sign_ins"});
  EXPECT_EQ(unknown.status, 2);
  EXPECT_THAT(unknown.all, HasSubstr("no record is called \"sign_ins\". They are: "));
  EXPECT_THAT(unknown.all, HasSubstr("sign_in, "));
  const auto backwards =
      offline({"audit", "show", "--dir", log, "--since", "2026-03-02", "--to", "2026-03-01"});
  EXPECT_EQ(backwards.status, 2);
  EXPECT_THAT(backwards.all, HasSubstr("before it begins"));
  EXPECT_EQ(offline({"audit", "show", "--dir", log, "--csv", "--json"}).status, 2);
  EXPECT_EQ(offline({"audit", "show", "--dir", log, "--outcome", "perhaps"}).status, 2);
  const auto none = offline({"audit", "show", "--dir", log + "-none"});
  EXPECT_EQ(none.status, 4);
  std::filesystem::create_directory(log + "-empty");
  EXPECT_THAT(offline({"audit", "show", "--dir", log + "-empty"}).all, HasSubstr("no audit log here"));
}

TEST_F(AuditCommand, GivesASpreadsheetNoFormula) {
  {
    auto opened = audit::Log::open({.directory = log, .segment_bytes = 64 * 1024}, key(), system_clock());
    ASSERT_TRUE(opened) << opened.error().message();
    for (const auto* reason : {"=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "say \"no\", please"}) {
      audit::Record record;
      record.event = "incident";
      record.reason = reason;
      ASSERT_TRUE((*opened)->append_and_wait(record));
    }
  }
  const auto table = offline({"audit", "show", "--dir", log, "--csv", "--event", "incident"});
  EXPECT_EQ(table.status, 0) << table.all;
  EXPECT_THAT(table.output, HasSubstr("number,time_utc,time_local,zone,event,outcome,"));
  for (const auto* cell : {",'=1+1,", ",'+1,", ",'-1,", ",'@SUM(A1),", ",\"say \"\"no\"\", please\","})
    EXPECT_THAT(table.output, HasSubstr(cell));
  for (const auto* formula : {",=", ",+", ",-", ",@", ",\t", "\n=", "\"="})
    EXPECT_EQ(table.output.find(formula), std::string::npos) << formula;
  std::size_t ends = 0;
  for (std::size_t at = 0; (at = table.output.find("\r\n", at)) != std::string::npos; at += 2) ++ends;
  EXPECT_EQ(ends, 8U) << "each row ends as RFC 4180 has it";
}

TEST_F(AuditCommand, TellsTheStoryOfASessionAndOfAPerson) {
  const std::string their_session = "Zk3qJ0m2T8yWcH5uVx1rNw";
  {
    auto opened = audit::Log::open({.directory = log, .segment_bytes = 64 * 1024}, key(), system_clock());
    ASSERT_TRUE(opened);
    const auto put = [&](const char* event, const char* reason, json::object details) {
      audit::Record record;
      record.event = event;
      record.person = "10019";
      record.session = their_session;
      record.role = std::string_view(event) == "token" ? "core" : "";
      record.reason = reason;
      record.details = std::move(details);
      EXPECT_TRUE((*opened)->append_and_wait(record));
    };
    put("sign_in", "", {{"reader", "Ward 4 desk"}});
    for (int i = 0; i < 3; ++i) put("token", "", {{"audience", "esr"}, {"jti", std::to_string(i)}});
    put("card_removed", "", {{"reader", "Ward 4 desk"}});
    put("session_ended", "card_removed", {});
  }
  for (const auto& asked : {their_session, std::string("10019")}) {
    const auto story = offline({"audit", "show", "--dir", log, "--story", asked});
    EXPECT_EQ(story.status, 0) << story.all;
    const auto begins = story.output.find("10019 signed in with card and passcode at Ward 4 desk.");
    const auto goes_on = story.output.find("10019 got into core (esr). The same 2 more times, the last at ");
    const auto out = story.output.find("The card of 10019 was taken out of Ward 4 desk.");
    const auto ends = story.output.find("The session of 10019 ended, because the card was taken out.");
    EXPECT_LT(begins, goes_on) << story.output;
    EXPECT_LT(goes_on, out) << story.output;
    EXPECT_LT(out, ends) << story.output;
    EXPECT_NE(ends, std::string::npos);
    EXPECT_EQ(story.output.find("10017"), std::string::npos);
    EXPECT_EQ(story.output.find("jti"), std::string::npos);
  }
}

TEST_F(AuditCommand, FollowsALogThatIsBeingWritten) {
  auto opened = audit::Log::open({.directory = log, .segment_bytes = 64 * 1024}, key(), system_clock());
  ASSERT_TRUE(opened);
  const auto following = testing::Process::start(
      {CARDGATE_COMMAND, "audit", "show", "--dir", log, "--follow", "--event", "incident"});
  ASSERT_TRUE(following);
  // It may not have begun when the first one is written; each is shown once, whenever that is.
  for (const auto* reason : {"first", "second", "third"}) {
    audit::Record record;
    record.event = "incident";
    record.reason = reason;
    ASSERT_TRUE((*opened)->append_and_wait(record));
    EXPECT_TRUE((*following)->wait_for_line(reason, std::chrono::seconds(20))) << (*following)->output();
  }
}

TEST_F(AuditCommand, SaysWhatOfADamagedLogItCouldNotRead) {
  for (const auto& entry : std::filesystem::directory_iterator(log)) {
    auto content = read_file(entry.path(), 1 << 20);
    const auto at = content ? content->find("{\"seq\":4,") : std::string::npos;
    if (at == std::string::npos) continue;
    content->replace(at, 9, "{\"seq\":4;");
    ASSERT_TRUE(write_file_atomic(entry.path(), as_bytes(*content), 0600));
  }
  const auto shown = offline({"audit", "show", "--dir", log, "--event", "sign_in"});
  EXPECT_EQ(shown.status, 1);
  EXPECT_THAT(shown.output, HasSubstr("10017"));
  EXPECT_EQ(shown.output.find("10018"), std::string::npos);
  EXPECT_THAT(shown.all, HasSubstr("a part of the log could not be read and is left out"));
  EXPECT_THAT(shown.all, HasSubstr("audit-00000000000000000001.jsonl, at byte "));
}

}  // namespace
}  // namespace cardgate::client
