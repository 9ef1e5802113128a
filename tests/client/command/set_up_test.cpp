// SPDX-License-Identifier: Apache-2.0
// The parts of `cardgate setup`: what it lists, what it takes as a trust file, what it writes into the configuration.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file.hpp"
#include "client/command/kept_backups.hpp"
#include "client/command/set_up/checklist.hpp"
#include "client/command/set_up/entries.hpp"
#include "client/command/set_up/programs.hpp"
#include "client/command/set_up/sealed_keys.hpp"
#include "client/command/set_up/trust_file.hpp"
#include "tests/support/process.hpp"
#include "tests/trust/test_ca.hpp"

namespace cardgate::client {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;

/// A machine on which nothing that is needed is missing.
Machine whole_machine() {
  Machine out;
  out.files =
      parse_json(
          R"({"good":true,"anchors":{"count":1,"places":["/a"]},"intermediates":{"count":1,"places":[]},
    "crls":{"count":2,"places":[]},"first_list_ends_at":"2026-06-08T12:00:00Z","first_list_overdue":false,"fetches":false,
    "wrong":[],"roles":["core"],"readers":[{"name_contains":"","seat":"seat0","users":[]}],
    "clients":[{"name":"desktop","match":{"group":"users"},"sign_in":true,"tokens":["esr"],"verifies":[]}]})")
          ->as_object();
  out.status = parse_json(R"({"service":{"version":"1.0","configuration":"in use","audit":"ok","pcscd":"ok",
    "people_registered":3},"readers":[{"name":"Reader 1"}]})")
                   ->as_object();
  out.set_up = {{"state", "closed"}, {"waits_for", json::array()}};
  out.login = Machine::Login::on;
  out.backups_on = true;
  return out;
}

/// The items that are not done: "anchors missing".
std::vector<std::string> open_items(const Machine& machine) {
  std::vector<std::string> out;
  for (const auto& item : checklist(machine)) {
    EXPECT_EQ(item.next.empty(), item.state == CheckItem::State::done) << item.id << ": what to do";
    if (item.state != CheckItem::State::done) out.push_back(item.id + " " + std::string(name(item.state)));
  }
  return out;
}

TEST(SetUpChecklist, SaysWhenNothingIsMissing) {
  const auto items = checklist(whole_machine());
  EXPECT_TRUE(is_ready(items)) << to_text(items);
  EXPECT_THAT(to_text(items), HasSubstr("Nothing that is needed is missing."));
  EXPECT_THAT(to_text(items), HasSubstr("the user who sits at seat0"));
  EXPECT_TRUE(to_json(items).at("ready").as_bool());
}

TEST(SetUpChecklist, NamesEachThingThatIsMissing) {
  const auto with = [](auto change) {
    auto machine = whole_machine();
    change(machine);
    EXPECT_EQ(is_ready(checklist(machine)),
              open_items(machine).empty() || std::ranges::none_of(open_items(machine), [](const auto& line) {
                return line.ends_with(" missing");
              }));
    return open_items(machine);
  };
  const auto zero = [](const char* kind) {
    return [kind](Machine& machine) {
      machine.files[kind] = json::object{{"count", 0}, {"places", json::array()}};
    };
  };
  EXPECT_THAT(with(zero("anchors")), ElementsAre("anchors missing"));
  EXPECT_THAT(with(zero("intermediates")), ElementsAre("intermediates advised"));
  EXPECT_THAT(with(zero("crls")), ElementsAre("revocation missing"));
  EXPECT_THAT(with([&](Machine& machine) { zero("crls")(machine), machine.files["fetches"] = true; }),
              ElementsAre());
  EXPECT_THAT(with([](Machine& machine) { machine.files["first_list_overdue"] = true; }),
              ElementsAre("revocation missing"));
  EXPECT_THAT(with([](Machine& machine) { machine.files["readers"] = json::array(); }),
              ElementsAre("readers missing"));
  EXPECT_THAT(with([](Machine& machine) { machine.files["clients"] = json::array(); }),
              ElementsAre("sign_in_programs missing", "token_programs missing"));
  EXPECT_THAT(with([](Machine& machine) { machine.files_problem = "cardgated.yaml:7: what?"; }),
              ElementsAre("configuration missing"));
  EXPECT_THAT(with([](Machine& machine) { machine.status["readers"] = json::array(); }),
              ElementsAre("reader advised"));
  EXPECT_THAT(with([](Machine& machine) { machine.status_problem = "it is down"; }),
              ElementsAre("service missing"));
  const auto service = [](const char* member, json::value value) {
    return [=](Machine& machine) { machine.status["service"].as_object()[member] = value; };
  };
  EXPECT_THAT(with(service("people_registered", 0)), ElementsAre("people missing"));
  EXPECT_THAT(with(service("pcscd", "unreachable")), ElementsAre("pcscd missing"));
  EXPECT_THAT(with(service("audit", "failing")), ElementsAre("audit missing"));
  EXPECT_THAT(with(service("configuration", "changed")), ElementsAre("configuration_in_use missing"));
  EXPECT_THAT(with([](Machine& machine) { machine.set_up["state"] = "not begun"; }),
              ElementsAre("team missing"));
  EXPECT_THAT(with([](Machine& machine) { machine.set_up["state"] = "waiting"; }),
              ElementsAre("team advised"));
  EXPECT_THAT(with([](Machine& machine) { machine.login = Machine::Login::off; }),
              ElementsAre("login advised"));
  EXPECT_THAT(with([](Machine& machine) { machine.login = Machine::Login::not_installed; }), ElementsAre());
  EXPECT_THAT(with([](Machine& machine) { machine.backups_on = false; }), ElementsAre("backups advised"));
  EXPECT_THAT(with(service("signing_keys", "sealed")), ElementsAre());
  EXPECT_THAT(with(service("signing_keys", "partly sealed")), ElementsAre("keys advised"));
  EXPECT_THAT(with(service("signing_keys", "file")), ElementsAre()) << "nothing seals them here";
  EXPECT_THAT(with([&](Machine& machine) {
                service("signing_keys", "file")(machine);
                machine.can_seal = true;
              }),
              ElementsAre("keys advised"));
}

TEST(SetUpEntries, AreTheFirstOfTheirListAndLeaveTheRestAsItIs) {
  EXPECT_EQ(*with_entry("a: 1\nreaders:   # who\n  # nobody yet\n    - seat: seat0\nb: 2\n", "readers",
                        {"name_contains: \"Ward 4\"", "users: [ann]"}),
            "a: 1\nreaders:   # who\n    - name_contains: \"Ward 4\"\n      users: [ann]\n  # nobody yet\n   "
            " - seat: seat0\nb: 2\n");
  EXPECT_EQ(*with_entry("readers:\n- seat: seat0\n", "readers", {"users: [ann]"}),
            "readers:\n- users: [ann]\n- seat: seat0\n");
  EXPECT_EQ(*with_entry("readers: []   # none\nb: 2\n", "readers", {"users: [ann]"}),
            "readers:\n  - users: [ann]\nb: 2\n");
  EXPECT_EQ(*with_entry("# readers:\nother: 1", "readers", {"users: [ann]"}),
            "# readers:\nother: 1\nreaders:\n  - users: [ann]\n");
  EXPECT_EQ(*with_entry("readers:\nb: 2\n", "readers", {"users: [ann]"}),
            "readers:\n  - users: [ann]\nb: 2\n");
  for (const auto* other :
       {"readers: [{seat: seat0}]\n", "readers: {}\n", "readers:\n  seat: seat0\n", "readers: *all\n"})
    EXPECT_EQ(with_entry(other, "readers", {"users: [ann]"}).error().code, Errc::invalid_argument) << other;
}

TEST(SetUpEntries, TextsAreQuoted) {
  EXPECT_EQ(*quoted_text(R"(Ward "4" \ left: #1)"), R"("Ward \"4\" \\ left: #1")");
  EXPECT_FALSE(quoted_text("two\nlines"));
}

class SetUpTrustFile : public ::testing::Test {
 protected:
  std::filesystem::path put(const std::string& file, BytesView content) {
    EXPECT_TRUE(write_file_atomic(directory / file, content, 0600));
    return directory / file;
  }
  std::filesystem::path put(const std::string& file, const std::string& content) {
    return put(file, as_bytes(content));
  }
  /// What is wrong with the only thing in the file.
  std::string flaw(const std::filesystem::path& path) const {
    const auto files = read_trust_file(path);
    if (!files) return files.error().context;
    return files->size() == 1 ? flaw_of(files->front(), places, test::noon()) : "several";
  }
  testing::TempDir directory;
  test::Ca root = test::Ca::root();
  test::Ca issuing = root.issuing();
  trust::Locations places;
};

TEST_F(SetUpTrustFile, IsKnownByItsContentAndCheckedAgainstWhatIsThere) {
  const auto root_file = put("root.crt", root.der());
  const auto issuing_file = put("issuing.pem", test::to_pem(issuing.der(), "CERTIFICATE"));
  const auto list_file = put("issuing.crl", issuing.crl());
  const auto as_root = read_trust_file(root_file);
  ASSERT_TRUE(as_root) << as_root.error().context;
  ASSERT_EQ(as_root->size(), 1U);
  EXPECT_EQ(as_root->front().kind, TrustFile::Kind::anchor);
  EXPECT_EQ(as_root->front().fingerprint.size(), 32U * 3 - 1);
  EXPECT_THAT(as_root->front().file_name, ::testing::MatchesRegex("Example-Root-[0-9a-f]{8}\\.der"));
  EXPECT_EQ(read_trust_file(issuing_file)->front().kind, TrustFile::Kind::intermediate);
  EXPECT_EQ(read_trust_file(list_file)->front().kind, TrustFile::Kind::crl);

  EXPECT_EQ(flaw(root_file), "");
  EXPECT_THAT(flaw(issuing_file), HasSubstr("give the root certificate first"));
  EXPECT_THAT(flaw(list_file), HasSubstr("give the root certificate first"));
  places.anchors = {root_file};
  EXPECT_EQ(flaw(issuing_file), "");
  EXPECT_NE(flaw(list_file), "") << "its authority is not here yet";
  places.intermediates = {issuing_file};
  EXPECT_EQ(flaw(list_file), "");
}

TEST_F(SetUpTrustFile, OfNoUseIsRefusedAtOnce) {
  places.anchors = {put("root.der", root.der())};
  places.intermediates = {put("issuing.der", issuing.der())};
  EXPECT_THAT(flaw(put("card.der", issuing.issue({}))), HasSubstr("may not sign certificates"));
  EXPECT_NE(flaw(put("stranger.der", test::Ca::root("/CN=Stranger").issuing("/CN=Stranger Issuing").der())),
            "");
  EXPECT_NE(flaw(put("stranger.crl", test::Ca::root("/CN=Stranger").crl())), "");
  EXPECT_THAT(flaw(put("old.crl", issuing.crl({.next = test::noon() - test::day,
                                               .from = test::noon() - 9 * test::day}))),
              HasSubstr("a newer list was due"));
  EXPECT_NE(flaw(put("nothing.der", "nothing of the kind")), "");
  EXPECT_NE(flaw(put("empty.pem", "")), "");
  EXPECT_NE(flaw(directory / "absent.pem"), "");
  test::Issue over{.subject = "/CN=Over", .until = test::noon() - test::day, .ca = true};
  EXPECT_THAT(flaw(put("over.der", test::Ca::self_signed(over).der())), HasSubstr("it ended at"));
}

TEST_F(SetUpTrustFile, MayHoldSeveralCertificates) {
  const auto bundle = put("bundle.pem", "Our chain:\n" + test::to_pem(root.der(), "CERTIFICATE") + "\n" +
                                            test::to_pem(issuing.der(), "CERTIFICATE"));
  const auto files = read_trust_file(bundle);
  ASSERT_TRUE(files) << files.error().context;
  ASSERT_EQ(files->size(), 2U);
  EXPECT_EQ((*files)[0].kind, TrustFile::Kind::anchor);
  EXPECT_EQ((*files)[1].kind, TrustFile::Kind::intermediate);
}

TEST(SetUpPrograms, AreRunWithoutAShellAndHeardToTheEnd) {
  const auto said = run_program({"/bin/echo", "$HOME; exit 3"}, false);
  ASSERT_TRUE(said);
  EXPECT_EQ(said->output, "$HOME; exit 3\n");
  EXPECT_TRUE(said->good());
  EXPECT_EQ(run_program({"/bin/sh", "-c", "echo loud >&2; exit 7"}, true)->output, "loud\n");
  EXPECT_EQ(run_program({"/bin/sh", "-c", "echo loud >&2; exit 7"}, false)->output, "");
  EXPECT_EQ(run_program({"/bin/sh", "-c", "exit 7"}, false)->status, 7);
  EXPECT_EQ(run_program({"/bin/sh", "-c", "kill -9 $$"}, false)->status, 137);
  EXPECT_EQ(run_program({"/nonexistent/program"}, false).error().code, Errc::not_found);
}

TEST(BackupFolder, KnowsItsOwnFilesAlone) {
  const auto name = KeptBackups::next_name(*parse_rfc3339("2026-01-31T02:15:00Z"));
  EXPECT_EQ(name, "register-2026-01-31T021500Z.db");
  EXPECT_TRUE(KeptBackups::is_name(name));
  for (const auto* other : {"register-2026-01-31T021500Z.db.part", "register-2026-01-31.db", "register.db",
                            "", "register-2026-01-31T02150xZ.db"})
    EXPECT_FALSE(KeptBackups::is_name(other)) << other;
}

TEST(BackupFolder, IsForOneRunAtATime) {
  const testing::TempDir directory;
  const auto first = KeptBackups::open(directory.path());
  ASSERT_TRUE(first) << first.error().message();
  EXPECT_THAT(KeptBackups::open(directory.path()).error().context, HasSubstr("another backup runs"));
  std::filesystem::create_directory_symlink(directory.path(), directory / "link");
  EXPECT_FALSE(KeptBackups::open(directory / "link"));
}

/// systemd-creds is a script that says what it was asked for.
class SetUpSealedKeys : public ::testing::Test {
 protected:
  SetUpSealedKeys() {
    std::filesystem::create_directory(state);
    for (const char* key : {"token-key", "audit-key"}) put(state / key, key, 0600);
    places.systemd_creds = directory / "systemd-creds";
    places.sealed_keys = directory / "sealed";
    write_program(
        "[ \"$1 $2\" = 'encrypt --tpm2-pcrs=' ] && printf '%s of ' \"$3\" >\"$5\" && cat \"$4\" >>\"$5\"");
  }
  static void put(const std::filesystem::path& file, const std::string& text, mode_t mode) {
    EXPECT_TRUE(write_file_atomic(file, as_bytes(text), mode));
  }
  void write_program(const std::string& text) {
    put(places.systemd_creds, "#!/bin/sh\n" + text + "\n", 0755);
  }
  std::string sealed(const char* key) {
    const auto text = read_file(std::filesystem::path(places.sealed_keys) / key, 100);
    return text ? *text : "none";
  }

  testing::TempDir directory;
  const std::filesystem::path state = directory / "state";
  Places places;
};

TEST_F(SetUpSealedKeys, AreThoseThatAreThere) {
  const auto keys = seal_keys(places, state);
  ASSERT_TRUE(keys) << keys.error().message();
  EXPECT_THAT(keys->files, ElementsAre(state / "token-key", state / "audit-key"));
  EXPECT_EQ(sealed("cardgate.token-key"), "--name=cardgate.token-key of token-key");
  EXPECT_EQ(sealed("cardgate.audit-key"), "--name=cardgate.audit-key of audit-key");
  EXPECT_EQ(sealed("cardgate.card-key"), "none");
  EXPECT_TRUE(std::filesystem::exists(state / "token-key"))
      << "the service must have begun with the sealed one first";
}

TEST_F(SetUpSealedKeys, ThatAreThereAlreadyStayAsTheyAre) {
  ASSERT_TRUE(seal_keys(places, state));
  put(state / "token-key", "another", 0600);
  put(state / "card-key", "card-key", 0600);
  const auto keys = seal_keys(places, state);
  ASSERT_TRUE(keys) << keys.error().message();
  EXPECT_THAT(keys->files, ElementsAre(state / "card-key"));
  EXPECT_EQ(sealed("cardgate.token-key"), "--name=cardgate.token-key of token-key");
}

TEST_F(SetUpSealedKeys, AreAllOrNone) {
  write_program("case \"$4\" in *audit-key) echo half >\"$5\"; echo no space; exit 1;; esac; echo x >\"$5\"");
  const auto keys = seal_keys(places, state);
  ASSERT_FALSE(keys);
  EXPECT_THAT(keys.error().context, HasSubstr("no space"));
  EXPECT_EQ(sealed("cardgate.token-key"), "none");
  EXPECT_EQ(sealed("cardgate.audit-key"), "none");
  places.systemd_creds = directory / "absent";
  EXPECT_FALSE(seal_keys(places, state));
}

}  // namespace
}  // namespace cardgate::client
