// SPDX-License-Identifier: Apache-2.0
// What whoever runs the machine meets: checking and reloading the configuration, a start that is refused, a state that is
// lost, the journal, and set-up.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <csignal>
#include <future>
#include <thread>

#include "tests/daemon/stage.hpp"
#include "tests/support/folders.hpp"

namespace cardgate {
namespace {

namespace fs = std::filesystem;
using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::Process;
using testing::Stage;

class Operations : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!testing::Pcscd::available())
      GTEST_SKIP() << "pcscd or the virtual reader is missing: run script/bootstrap";
  }
  /// Until nothing is amiss: the readers are reached a moment after the start.
  void up() {
    stage.up();
    ASSERT_TRUE(stage.daemon->wait_for_line("the readers are reachable", seconds(20)))
        << stage.daemon->output();
  }
  fs::path config() const { return stage.dir / "cardgated.yaml"; }
  fs::path policy() const { return stage.dir / "policy.yaml"; }
  fs::path mark() const { return stage.dir / "installation" / "cardgated.yaml.in-use"; }
  static void edit(const fs::path& file, std::string_view from, std::string_view to) {
    auto text = *read_file(file, 1 << 20);
    const auto place = text.find(from);
    ASSERT_NE(place, std::string::npos) << from;
    ASSERT_TRUE(write_file_atomic(file, as_bytes(text.replace(place, from.size(), to)), 0644));
  }
  /// Serves, and the configuration on disk is a new one that takes long to read.
  void with_slow_list() {
    up();
    std::string lines;
    std::string line;
    while (line.size() < 200) line += "\u00c4";
    while (lines.size() < 8U << 20U) lines += line + '\n';
    const auto list = stage.dir / "blocklist.txt";
    ASSERT_TRUE(write_file_atomic(list, as_bytes(lines), 0644));
    stage.write_config(fmt::format("passwords: {{blocklist: {}}}\n", list.string()));
  }
  json::object service() const { return stage.service(); }
  std::string problems() const { return json::serialize(service().at("problems")); }
  std::string state() const { return std::string(service().at("state").as_string()); }
  testing::Finished check_config() const {
    return *testing::run({built_file("daemon/cardgated"), "--check-config", "--config", config()},
                         seconds(30));
  }
  /// A start that must fail, by its exit code and its words.
  void refuses_to_start(int status, std::string_view words) {
    stage.launch_daemon();
    EXPECT_EQ(stage.daemon->wait(seconds(20)), status);
    EXPECT_NE(stage.daemon->output().find(words), std::string::npos) << words << "\n"
                                                                     << stage.daemon->output();
    stage.daemon.reset();
  }
  testing::HttpAnswer set_up(const std::string& body) const {
    return stage.admin("POST", "/v1/setup", body, {"Content-Type: application/json"});
  }

  Stage stage;
};

TEST_F(Operations, AReloadThatIsRefusedFailsAndTheStatusSaysSoUntilItIsRight) {
  up();
  edit(policy(), "records: own", "colour: own");
  const auto refused = stage.cardgate({"reload"});
  EXPECT_EQ(refused.status, 1) << refused.all;
  EXPECT_NE(refused.all.find("policy.yaml:"), std::string::npos) << refused.all;
  EXPECT_NE(refused.all.find("is not the one in use"), std::string::npos) << refused.all;
  EXPECT_EQ(state(), "degraded");
  EXPECT_EQ(service().at("configuration"), "refused");
  EXPECT_NE(problems().find("The configuration on disk is not the one in use: it was refused"),
            std::string::npos)
      << problems();
  EXPECT_NE(stage.ask("GET", "/metrics").body.find("cardgate_configuration_in_use 0\n"), std::string::npos);

  // Put back without a reload, it is the one in use again.
  edit(policy(), "colour: own", "records: own");
  EXPECT_EQ(state(), "ok");
  EXPECT_EQ(service().at("configuration"), "in use");

  // A good change that nobody reloaded is told as well, and takes nothing from the service.
  edit(policy(), "course: information-governance, mode: warn", "course: information-governance, mode: deny");
  EXPECT_EQ(service().at("configuration"), "changed");
  EXPECT_NE(problems().find("policy.yaml changed and has not been taken over"), std::string::npos)
      << problems();
  EXPECT_EQ(state(), "ok");
  const auto done = stage.cardgate({"reload"});
  EXPECT_EQ(done.status, 0) << done.all;
  EXPECT_EQ(service().at("configuration"), "in use");
  EXPECT_NE(stage.ask("GET", "/metrics").body.find("cardgate_configuration_in_use 1\n"), std::string::npos);
}

TEST_F(Operations, AReloadCannotTakeOverWhatNeedsARestartAndSaysThat) {
  up();
  edit(config(), "issuer: https://cardgate.test.example", "issuer: https://other.test.example");
  const auto refused = stage.cardgate({"reload"});
  EXPECT_EQ(refused.status, 1) << refused.all;
  EXPECT_NE(refused.all.find("issuer changed"), std::string::npos) << refused.all;
  EXPECT_NE(refused.all.find("systemctl restart cardgated"), std::string::npos) << refused.all;
}

TEST_F(Operations, ReloadsByCallAndBySignalComeOneAfterTheOther) {
  up();
  std::vector<std::thread> callers;
  std::atomic<int> taken{0};
  for (int i = 0; i < 4; ++i) {
    callers.emplace_back([&] { taken += stage.admin("POST", "/v1/reload").status == 200 ? 1 : 0; });
    stage.daemon->signal(SIGHUP);
  }
  for (auto& caller : callers) caller.join();
  EXPECT_EQ(taken, 4);
  EXPECT_EQ(state(), "ok");
  EXPECT_EQ(stage.ask("POST", "/v1/reload").status, 404) << "root's socket alone";
}

TEST_F(Operations, OfTwoReloadsAtOnceTheNewerConfigurationIsInUse) {
  with_slow_list();
  auto slow = std::async(std::launch::async, [&] { return stage.admin("POST", "/v1/reload").status; });
  std::this_thread::sleep_for(milliseconds(100));  // it reads the list
  stage.write_config();
  auto quick = std::async(std::launch::async, [&] { return stage.admin("POST", "/v1/reload").status; });
  EXPECT_EQ(slow.get(), 200);
  EXPECT_EQ(quick.get(), 200);
  EXPECT_EQ(state(), "ok") << problems();
}

TEST_F(Operations, AReloadThatIsUnderWayWhenTheServiceStopsTakesNothingOver) {
  with_slow_list();
  auto reload = std::async(std::launch::async, [&] { return stage.admin("POST", "/v1/reload"); });
  std::this_thread::sleep_for(milliseconds(100));
  stage.daemon->signal(SIGTERM);
  const auto answer = reload.get();
  EXPECT_EQ(answer.status, 503) << answer.body;
  EXPECT_EQ(answer.error(), "draining") << answer.body;
  EXPECT_EQ(stage.daemon->wait(seconds(30)), 0);
  stage.daemon.reset();
  EXPECT_EQ(stage.audit_text().find("\"event\":\"reload\""), std::string::npos);
}

TEST_F(Operations, TheConfigurationCanBeCheckedBesideTheService) {
  up();
  const auto good = check_config();
  EXPECT_EQ(good.status, 0) << good.all;
  EXPECT_NE(good.output.find("cardgated.yaml: good"), std::string::npos) << good.all;
  const auto bad = [&](const fs::path& file, std::string_view from, std::string_view to,
                       std::string_view words) {
    edit(file, from, to);
    const auto refused = check_config();
    EXPECT_EQ(refused.status, 1) << words << "\n" << refused.all;
    EXPECT_NE(refused.all.find(words), std::string::npos) << words << "\n" << refused.all;
    edit(file, to, from);
  };
  // What is good and may not be meant is said.
  const std::string kept = ", keep: {all: 366d, events: {form: 3653d, token: 30d}}";
  edit(config(), ", segment_bytes: 1048576", ", segment_bytes: 1048576" + kept);
  const auto said = check_config();
  EXPECT_EQ(said.status, 0) << said.all;
  EXPECT_NE(said.all.find("records of the kind form are kept longer than all others"), std::string::npos)
      << said.all;
  edit(config(), kept, "");
  bad(config(), "readers:\n", "reader:\n", "unknown key 'reader'; did you mean 'readers'?");
  bad(config(), "[card_uuid]", "[card_uid]", "mapping");
  bad(config(), "users: [0, 65533]", "users: [nobody-of-that-name]", "there is no user");
  bad(config(), "roles: [employee-self-service", "roles: [employee-self-servise", "may ask for the role");
  bad(config(), "/policy.yaml", "/polcy.yaml", "polcy.yaml");
  bad(policy(), "sign_in: [card]", "sign_in: [retina]", "policy.yaml:");
  bad(config(), "/ca/crls]", "/ca/none]", "/ca/none");
  fs::create_directory(stage.dir / "empty");
  bad(config(), "/ca/anchors]", "/empty]", "/empty holds no certificate");
  EXPECT_EQ(state(), "ok") << "the service has not been touched";
}

TEST_F(Operations, AStartWithABadConfigurationIsNotTriedAgain) {
  up();
  ASSERT_EQ(stage.stop_daemon(), 0);
  edit(config(), "readers:\n", "reader:\n");
  refuses_to_start(78, "cardgated.yaml:");
  edit(config(), "reader:\n", "readers:\n");
  fs::create_directory(stage.dir / "empty");
  edit(config(), "/ca/anchors]", "/empty]");
  refuses_to_start(78, (stage.dir / "empty").string() + " holds no certificate");
  edit(config(), "/empty]", "/ca/anchors]");
  stage.start_daemon();
}

TEST_F(Operations, AFirstStartWithoutATrustAnchorServesAndSaysTheNextStep) {
  up();
  ASSERT_EQ(stage.stop_daemon(), 0);
  for (const auto* gone : {"state", "audit", "installation"}) fs::remove_all(stage.dir / gone);
  for (const auto* made : {"state", "audit"}) {
    fs::create_directory(stage.dir / made);
    fs::permissions(stage.dir / made, fs::perms(0700));
  }
  const auto away = stage.dir / "away";
  fs::rename(stage.dir / "ca" / "anchors", away);
  fs::create_directory(stage.dir / "ca" / "anchors");
  stage.start_daemon();
  EXPECT_EQ(state(), "degraded");
  EXPECT_NE(problems().find("The next step: sudo cardgate setup"), std::string::npos) << problems();
  const auto checklist = [&] {
    const auto done = stage.cardgate(
        {"setup", "--check", "--json", "--config", config(), "--cardgated", built_file("daemon/cardgated")});
    const auto said = parse_json(done.output);
    EXPECT_TRUE(said && said->is_object()) << done.all;
    std::map<std::string, std::string> states;
    if (!said || !said->is_object()) return states;
    EXPECT_EQ(said->at("ready").as_bool(), done.status == 0) << done.all;
    states["ready"] = said->at("ready").as_bool() ? "yes" : "no";
    for (const auto& item : said->at("items").as_array())
      states[std::string(item.at("id").as_string())] = std::string(item.at("state").as_string());
    return states;
  };
  auto found = checklist();
  EXPECT_EQ(found["ready"], "no");
  for (const auto* id : {"anchors", "people", "team"}) EXPECT_EQ(found[id], "missing") << id;
  for (const auto* id : {"configuration", "readers", "service"}) EXPECT_EQ(found[id], "done") << id;

  fs::remove(stage.dir / "ca" / "anchors");
  fs::rename(away, stage.dir / "ca" / "anchors");
  ASSERT_TRUE(stage.daemon->wait_for_line("The trust files changed and are in use", seconds(20)))
      << stage.daemon->output();
  ASSERT_EQ(stage.import(stage.people()).status, 200);
  ASSERT_EQ(stage.cardgate({"setup", "--person", "1000", "--person", "2000"}).status, 0);
  found = checklist();
  EXPECT_EQ(found["ready"], "yes");
  for (const auto* id : {"anchors", "revocation", "people"}) EXPECT_EQ(found[id], "done") << id;
  EXPECT_EQ(found["team"], "advised") << "two have not signed in yet";
  EXPECT_EQ(state(), "ok");

  fs::rename(stage.dir / "ca" / "anchors", away);
  fs::create_directory(stage.dir / "ca" / "anchors");
  ASSERT_TRUE(stage.daemon->wait_for_line("were not taken over", seconds(20))) << stage.daemon->output();
  EXPECT_EQ(stage.admin("POST", "/v1/reload").status, 422) << "what was there is not lost unnoticed";
}

TEST_F(Operations, ARefusedStartAnswersThoseWhoWaitAtTheSocketsOfSystemd) {
  if (!testing::has_program("systemd-socket-activate")) GTEST_SKIP() << "systemd-socket-activate is missing";
  up();
  ASSERT_EQ(stage.stop_daemon(), 0);
  edit(config(), "readers:\n", "reader:\n");
  fs::remove(stage.socket);
  fs::remove(stage.admin_socket);
  auto activated =
      *Process::start({"systemd-socket-activate", "--fdname=main:admin", "--listen", stage.socket, "--listen",
                       stage.admin_socket, built_file("daemon/cardgated"), "--config", config()});
  ASSERT_TRUE(activated->wait_for_line("Listening on " + stage.admin_socket.string(), seconds(10)))
      << activated->output();
  const auto told = stage.cardgate({"status"});
  EXPECT_EQ(told.status, 3) << told.all;
  EXPECT_NE(told.all.find("cardgate cannot start"), std::string::npos) << told.all;
  EXPECT_EQ(activated->wait(seconds(20)), 78) << activated->output();
  EXPECT_NE(activated->output().find("did you mean 'readers'?"), std::string::npos) << activated->output();
}

TEST_F(Operations, ALostStateFolderIsNoFirstStart) {
  up();
  ASSERT_TRUE(fs::exists(mark()));
  ASSERT_EQ(stage.stop_daemon(), 0);
  const auto kept = stage.dir / "kept";
  fs::rename(stage.dir / "state", kept);
  fs::create_directory(stage.dir / "state");
  fs::permissions(stage.dir / "state", fs::perms(0700));
  refuses_to_start(78, "the staff register is gone");
  EXPECT_TRUE(fs::is_empty(stage.dir / "state")) << "nothing is made in it";

  fs::remove_all(stage.dir / "state");
  fs::rename(kept, stage.dir / "state");
  fs::remove(stage.dir / "state" / "token-key");
  stage.start_daemon();
  EXPECT_NE(problems().find("token-key, was missing, so cardgate made a new one"), std::string::npos)
      << problems();
  EXPECT_TRUE(stage.audit_says("was missing, so cardgate made a new one"));
  EXPECT_EQ(stage.admin("GET", "/v1/policy/explain?person=1000&role=core").status, 200)
      << "the people are there";
}

TEST_F(Operations, ARegisterWithoutPeopleIsSaid) {
  up();
  EXPECT_EQ(service().at("people_registered"), 3);
  EXPECT_NE(stage.ask("GET", "/metrics").body.find("cardgate_people 3\n"), std::string::npos);
  ASSERT_EQ(stage.stop_daemon(), 0);
  for (const char* name : {"register.db", "register.db-wal", "register.db-shm"})
    fs::remove(stage.dir / "state" / name);
  ASSERT_TRUE(fs::remove(mark())) << "how an operator begins anew";
  stage.start_daemon();
  EXPECT_EQ(service().at("people_registered"), 0);
  EXPECT_NE(problems().find("0 people are registered"), std::string::npos) << problems();
}

TEST_F(Operations, TheAgeOfTheRevocationListsIsInStatusAndMetrics) {
  up();
  const json::object told = service();
  const auto& lists = told.at("revocation_lists").as_object();
  EXPECT_GE(lists.at("count").as_int64(), 1);
  EXPECT_TRUE(parse_rfc3339(std::string_view(lists.at("first_ends_at").as_string())));
  const auto text = stage.ask("GET", "/metrics").body;
  EXPECT_NE(text.find("cardgate_revocation_list_left_seconds "), std::string::npos) << text;
  EXPECT_NE(text.find("cardgate_revocation_list_age_seconds "), std::string::npos) << text;
}

TEST_F(Operations, TheProcessHasItsOwnName) {
  up();
  EXPECT_EQ(*read_file(fmt::format("/proc/{}/comm", stage.daemon->pid()), 64), "cardgated\n");
}

TEST_F(Operations, AWrongPasscodeIsInTheJournalWithPersonReaderAndClient) {
  up();
  stage.insert_and_wait();
  ASSERT_EQ(stage.sign_in("000000").status, 401);
  const auto line = stage.daemon->wait_for_line("A sign-in was refused: passcode incorrect", seconds(10));
  ASSERT_TRUE(line) << stage.daemon->output();
  const std::vector<std::string> fields{"CARDGATE_PERSON=1000",
                                        std::string("CARDGATE_READER=") + Stage::reader,
                                        "CARDGATE_CLIENT=desktop", "CARDGATE_UID=0"};
  for (const auto& field : fields) {
    EXPECT_NE(line->find(field), std::string::npos) << field << "\n" << *line;
  }
}

TEST_F(Operations, SetUpNamedTwiceChangesNothingAndWhoIsReplacedLeavesTheTeam) {
  up();
  const auto missing = [&](const std::string& id) {
    const auto answer =
        stage.admin("GET", "/v1/policy/explain?person=" + id + "&role=esr-workforce-systems").json();
    std::string out;
    for (const auto& item : *find_array(answer, "unmet"))
      out += std::string(item.as_object().at("prerequisite").as_string()) + " ";
    return out;
  };
  ASSERT_EQ(missing("1000"), "form team ");
  ASSERT_EQ(missing("3000"), "card form declaration ");
  ASSERT_EQ(set_up(R"({"people":["1000","2000"]})").status, 200);
  EXPECT_EQ(missing("1000"), "");
  EXPECT_EQ(missing("2000"), "card declaration ");
  const auto again = set_up(R"({"people":["2000","1000"]})");
  ASSERT_EQ(again.status, 200) << again.body;
  EXPECT_EQ(missing("1000"), "") << "as it was";
  EXPECT_EQ(missing("2000"), "card declaration ");

  ASSERT_EQ(set_up(R"({"people":["1000","3000"]})").status, 200);
  EXPECT_EQ(missing("2000"), "card form declaration team ") << "replaced: out of the team again";
  EXPECT_EQ(missing("1000"), "") << "named again: stays";
  ASSERT_EQ(set_up(R"({"people":["1000","2000"]})").status, 200);
  EXPECT_EQ(missing("3000"), "card form declaration ") << "the team was not set-up's to take";
}

TEST_F(Operations, SetUpKnowsWhomItWaitsForWhateverTheTeamIsCalled) {
  up();
  edit(policy(), "team: {name: esr-workforce-systems,", "team: {name: ESR 1 team,");
  const auto reloaded = stage.cardgate({"reload"});
  ASSERT_EQ(reloaded.status, 0) << reloaded.all;
  ASSERT_EQ(set_up(R"({"people":["1000","2000"]})").status, 200);
  const auto others = set_up(R"({"people":["1000","3000"]})");
  EXPECT_EQ(others.status, 200) << "a part of the team's name is nobody's number: " << others.body;
}

TEST_F(Operations, TheGlassIsNotBrokenWhileSetUpIsOpen) {
  up();
  const auto refused = set_up(R"({"people":["1000"],"break_glass":"flood"})");
  EXPECT_EQ(refused.status, 422) << refused.body;
  EXPECT_NE(refused.body.find("Set-up is still open"), std::string::npos) << refused.body;
  EXPECT_FALSE(stage.audit_text().find("break_glass") != std::string::npos) << "nothing was done";
}

}  // namespace
}  // namespace cardgate
