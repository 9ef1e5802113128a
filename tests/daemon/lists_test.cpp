// SPDX-License-Identifier: Apache-2.0
// A manager of six hundred, against the real service: others are served meanwhile, the command shows everybody, and the log
// says who was seen.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>

#include <set>

#include "tests/daemon/hospital.hpp"
#include "tests/daemon/other_user.hpp"
#include "tests/support/unix_socket.hpp"

namespace cardgate {
namespace {

using std::chrono::seconds;
using testing::Hospital;
using testing::HttpAnswer;

constexpr int many = 600;

/// A request that was sent, and its answer not yet read.
class Asked {
 public:
  Asked(const std::filesystem::path& socket, const std::string& target) : fd_(testing::connect_to(socket)) {
    const std::string text = "GET " + target + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    if (!fd_ ||
        ::send(fd_.get(), text.data(), text.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(text.size()))
      throw std::runtime_error("a request could not be sent");
  }
  bool answered() const {
    pollfd entry{fd_.get(), POLLIN, 0};
    return ::poll(&entry, 1, 0) > 0;
  }
  std::string answer() const {
    std::string text;
    char buffer[65536];
    for (ssize_t count = 0; (count = ::recv(fd_.get(), buffer, sizeof buffer, 0)) > 0;)
      text.append(buffer, static_cast<std::size_t>(count));
    return text;
  }

 private:
  FileDescriptor fd_;
};

class Lists : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!testing::Pcscd::available())
      GTEST_SKIP() << "pcscd or the virtual reader is missing: run script/bootstrap";
    trust.employ("mina", "Mina Invented",
                 "    employed_from: 2018-01-01\n    forms: [{kind: ESR06, role: manager-self-service, "
                 "verified_by: \"2000\", approved_by: \"3000\"}]\n    declarations: [{name: "
                 "core-confidentiality, version: \"2026-1\", signed_on: 2026-01-02}]\n");
    trust.employ("sixto", "Sixto Invented", "    employed_from: 2018-01-01\n    line_manager: mina\n");
    trust.open(false);
    std::string people = "people:\n";
    for (int i = 1; i < many; ++i) {
      people += fmt::format(
          "  - {{id: \"s{:03}\", name: Staff {}, employed_from: 2020-01-01, line_manager: mina, forms: "
          "[{{kind: "
          "ESR06, role: core, verified_by: mina, approved_by: \"3000\", valid_until: 2099-12-31}}]}}\n",
          i, i);
    }
    trust.import(people);
    trust.seat("mina");
  }
  std::string team() const { return "/v1/team?session=" + trust.session_of("mina"); }
  /// As `cardgate staff team --json` says it.
  json::object whole_team() {
    const auto done = trust.run("mina", {"staff", "team", "--json"});
    EXPECT_EQ(done.status, 0) << done.all.substr(0, 1000);
    const auto body = parse_json(done.output, 16 << 20);
    return body && body->is_object() ? body->as_object() : json::object{{"people", json::array{}}};
  }
  Hospital trust;
};

TEST_F(Lists, ATeamOfSixHundredIsShownWholeAndEachOfThemIsInTheLog) {
  const auto whole = whole_team();
  const auto& members = whole.at("people").as_array();
  EXPECT_EQ(members.size(), static_cast<std::size_t>(many));
  ASSERT_TRUE(whole.contains("next"));
  EXPECT_TRUE(whole.at("next").is_null());
  const auto said = trust.run("mina", {"staff", "team"});
  const auto log = [&] {
    const auto text = trust.stage.audit_text();
    std::set<std::string> seen;
    for (std::size_t at = 0; (at = text.find(R"("event":"looked_at")", at)) != std::string::npos; ++at) {
      const auto line =
          parse_json(text.substr(text.rfind('\n', at) + 1, text.find('\n', at) - text.rfind('\n', at) - 1));
      if (!line) continue;
      const auto* details = find_object(line->as_object(), "details");
      const auto* people = details == nullptr ? nullptr : find_array(*details, "people");
      if (people == nullptr) continue;
      for (const auto& id : *people) seen.emplace(id.as_string());
    }
    return seen;
  };
  for (const auto& member : members) {
    const auto name = std::string(member.at("name").as_string());
    EXPECT_NE(said.output.find(name + " ("), std::string::npos) << name;
  }
  EXPECT_TRUE(
      testing::eventually(seconds(5), [&] { return log().size() == static_cast<std::size_t>(many); }));
  // The same pages again are counted, and written when their time is up.
  const auto size = trust.stage.audit_text().size();
  for (int i = 0; i < 10; ++i) whole_team();
  // Where thirty pages take longer than the window, the counts of it are among them.
  EXPECT_LT(trust.stage.audit_text().size() - size, 20'000U) << "thirty pages were 200 KB";
  EXPECT_TRUE(testing::eventually(seconds(30), [&] {
    return trust.stage.audit_says(R"("reason":"team","details":{"event":"looked_at","count":)");
  }));
}

TEST_F(Lists, AnotherUidIsServedWhileALongListIsRead) {
  constexpr std::string_view begun = "cardgate_requests_total{call=\"/v1/team\"} ";
  const auto teams_begun = [&](const std::string& metrics) {
    const auto at = metrics.find(begun);
    return at == std::string::npos ? 0 : std::stoi(metrics.substr(at + begun.size()));
  };
  const auto& socket = trust.stage.socket;
  const bool other = testing::can_be_another_user();
  // The answers of several calls, one after the other, made as somebody else.
  const auto elsewhere = [&] {
    const auto ask = [&] {
      HttpAnswer status = testing::http(socket, "GET", "/v1/status");
      status.body = testing::http(socket, "GET", "/metrics").body;
      return status;
    };
    return other ? testing::as_user(65533, ask) : ask();
  };
  bool served_between = false, one_at_a_time = false;
  int calls = 0;
  for (int round = 0; round < 30 && !(served_between && one_at_a_time); ++round) {
    const Asked list(socket, team());
    ++calls;
    // The list was begun, others were answered, and the list is still being read: on one thread that cannot be.
    const auto answer = elsewhere();
    EXPECT_EQ(answer.status, 200);
    served_between = served_between || (teams_begun(answer.body) == calls && !list.answered());
    EXPECT_NE(list.answer().find("200 OK"), std::string::npos);
    // And of two at once by one uid, one is told when to come again.
    const Asked one(socket, team()), another(socket, team());
    calls += 2;
    const auto both = one.answer() + another.answer();
    if (both.find("429 Too Many Requests") != std::string::npos) {
      one_at_a_time = true;
      EXPECT_NE(both.find("Retry-After: 1\r\n"), std::string::npos) << both;
      EXPECT_NE(both.find("one_at_a_time"), std::string::npos) << both;
      EXPECT_NE(both.find("200 OK"), std::string::npos);
    }
  }
  EXPECT_TRUE(served_between);
  EXPECT_TRUE(one_at_a_time);
}

TEST_F(Lists, TheCommandWaitsForItsTurnAndShowsTheWholeList) {
  for (int round = 0; round < 5; ++round) {
    const Asked before_it(trust.stage.socket, team());
    const auto whole = whole_team();
    EXPECT_EQ(whole.at("people").as_array().size(), static_cast<std::size_t>(many));
    before_it.answer();
  }
}

TEST_F(Lists, WhoeverLosesTheRoleMeanwhileIsShownNothing) {
  const auto removed = trust.stage.ask("GET", team() + "&after=s500");
  EXPECT_EQ(removed.status, 200);
  // Her sessions end with her access; of the calls in flight each is a whole answer or none.
  const Asked list(trust.stage.socket, team());
  trust.import("people:\n  - {id: mina, name: Mina Invented, employed_until: 2020-01-01}\n");
  const auto answer = list.answer();
  const auto says = [&](std::string_view words) { return answer.find(words) != std::string::npos; };
  EXPECT_TRUE(says("200 OK") || says("no_session") || says("not_yours_to_do")) << answer;
  EXPECT_EQ(trust.stage.ask("GET", team()).status, 401);
}

}  // namespace
}  // namespace cardgate
