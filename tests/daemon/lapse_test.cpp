// SPDX-License-Identifier: Apache-2.0
// What lapses, as the running service tells it: to the person, to whoever asks what if, and over everybody.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/day_text.hpp"
#include "tests/daemon/stage.hpp"

namespace cardgate {
namespace {

using testing::Stage;

class Lapse : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!testing::Pcscd::available())
      GTEST_SKIP() << "pcscd or the virtual reader is missing: run script/bootstrap";
    stage.up();
  }
  std::string in(int days) const { return to_text(Date(today + std::chrono::days(days))); }
  /// Ada's form for core and her declaration end.
  void let_lapse(const std::string& form, const std::string& declaration) {
    const auto imported = stage.import(fmt::format(
        R"(people:
  - id: "1000"
    name: Ada Example
    forms: [{{kind: ESR06, role: core, verified_by: "2000", verified_on: 2026-01-02, approved_by: "3000", approved_on: 2026-01-03, valid_until: {}}}]
    declarations: [{{name: core-confidentiality, version: "2026-1", signed_on: 2026-01-02, valid_until: {}}}]
)",
        form, declaration));
    ASSERT_EQ(imported.status, 200) << imported.body;
  }
  json::object explain(const std::string& more) const {
    const auto answer = stage.admin("GET", "/v1/policy/explain?person=1000&role=" + more);
    EXPECT_EQ(answer.status, 200) << answer.body;
    return answer.json();
  }
  static std::string spoken(const std::string& day) { return day_text(parse_date(day).value()); }
  static std::string lacks(const json::object& explanation) {
    std::string codes;
    for (const auto& item : explanation.at("unmet").as_array())
      codes += std::string(item.as_object().at("prerequisite").as_string()) + " ";
    return codes;
  }
  const std::chrono::sys_days today = std::chrono::floor<std::chrono::days>(system_clock().wall());
  Stage stage;
};

TEST_F(Lapse, IsToldToThePersonBeforeItHappens) {
  const auto soon = in(5), later = in(20);
  let_lapse(soon, later);
  stage.insert_and_wait();
  ASSERT_EQ(stage.sign_in().status, 201);
  const auto body = stage.ask("GET", "/v1/access").json();
  EXPECT_EQ(body.at("lapsing"), 2);
  for (const auto& item : body.at("roles").as_array()) {
    const auto& role = item.as_object();
    const auto& lapses = role.at("lapses").as_array();
    if (role.at("role") != "core") {
      EXPECT_TRUE(lapses.empty()) << json::serialize(role);
      continue;
    }
    EXPECT_EQ(role.at("valid_until").as_string(), soon) << "a day, and not when a revocation list ends";
    ASSERT_EQ(lapses.size(), 2U) << json::serialize(role);
    EXPECT_EQ(lapses.at(0).at("last_day").as_string(), soon);
    EXPECT_EQ(lapses.at(0).at("prerequisite"), "form");
    EXPECT_EQ(lapses.at(0).at("within"), 7);
    EXPECT_EQ(lapses.at(0).at("text").as_string(),
              "Your ESR06 access form for Core ESR ends on " + spoken(soon));
    EXPECT_EQ(lapses.at(1).at("last_day").as_string(), later);
    EXPECT_EQ(lapses.at(1).at("prerequisite"), "declaration");
    EXPECT_EQ(lapses.at(1).at("within"), 30);
  }
  for (const char* verb : {"access", "whoami"}) {
    const auto said = stage.cardgate({verb});
    EXPECT_EQ(said.status, 0) << said.all;
    EXPECT_NE(
        said.output.find(fmt::format(
            " ({}): ESR06 access form for Core ESR\n    Without it you lose: Core ESR.\n", spoken(soon))),
        std::string::npos)
        << said.output;
  }
}

TEST_F(Lapse, IsWhatExplainSaysOfTheDayAfter) {
  const auto last = in(5);
  let_lapse(last, in(20));
  EXPECT_EQ(explain("core").at("allowed"), true);
  EXPECT_EQ(explain("core&at=" + last + "T23:59:59Z").at("allowed"), true);
  const auto after = explain("core&at=" + in(6));
  EXPECT_EQ(after.at("allowed"), false);
  EXPECT_EQ(lacks(after), "form ");
  EXPECT_EQ(after.at("at").as_string(), in(6) + "T00:00:00.000Z");
  EXPECT_NE(after.at("note").as_string().find("certificate"), std::string::npos);
  EXPECT_EQ(lacks(explain("core&at=" + in(21))), "form declaration ");
  EXPECT_EQ(lacks(explain("employee-self-service&at=2019-12-31")), "employed ") << "the past too";
  EXPECT_EQ(lacks(explain("core&sign_in=password")), "sign-in ");
  EXPECT_EQ(explain("employee-self-service&sign_in=password").at("allowed"), true);
  const auto said =
      stage.cardgate({"policy", "explain", "--person", "1000", "--role", "core", "--at", in(6)});
  EXPECT_EQ(said.status, 1);
  EXPECT_NE(said.output.find("Ada Example would read:"), std::string::npos) << said.all;
}

TEST_F(Lapse, IsForecastOverEverybody) {
  const auto soon = in(5), later = in(40);
  let_lapse(soon, later);
  const auto imported =
      stage.import(fmt::format("people: [{{id: \"2000\", name: Max Invented, employed_until: {}}}]", in(40)));
  ASSERT_EQ(imported.status, 200) << imported.body;
  const auto answer = stage.admin("GET", "/v1/policy/forecast?days=50");
  ASSERT_EQ(answer.status, 200) << answer.body;
  const auto body = answer.json();
  EXPECT_EQ(body.at("people"), 3);
  EXPECT_EQ(body.at("holders"), 3);
  EXPECT_EQ(body.at("losing"), 2);
  EXPECT_EQ(body.at("cut"), false);
  std::string lapses;
  for (const auto& item : body.at("lapses").as_array()) {
    const auto& lapse = item.as_object();
    const auto& manager = lapse.at("line_manager");
    lapses += fmt::format("{} {} {} {} {}\n", lapse.at("last_day").as_string().c_str(),
                          lapse.at("person").at("id").as_string().c_str(),
                          manager.is_null() ? "nobody" : manager.at("id").as_string().c_str(),
                          lapse.at("role").as_string().c_str(), lapse.at("prerequisite").as_string().c_str());
  }
  EXPECT_EQ(lapses, soon + " 1000 2000 core form\n" + later + " 1000 2000 core declaration\n" + later +
                        " 2000 nobody employee-self-service employed\n");
  EXPECT_EQ(body.at("by_day").as_array().size(), 2U) << "her declaration ends what her form had ended";
  EXPECT_EQ(body.at("by_week").as_array().size(), 2U);
  EXPECT_EQ(body.at("by_week").as_array().at(1).at("people"), 1);
  const auto near = stage.admin("GET", "/v1/policy/forecast?days=7&role=core").json();
  EXPECT_EQ(near.at("holders"), 1);
  EXPECT_EQ(near.at("lapses").as_array().size(), 1U);
  const auto said = stage.cardgate({"policy", "forecast", "--days", "50"});
  EXPECT_EQ(said.status, 0) << said.all;
  EXPECT_NE(said.output.find(" │█ 1\n"), std::string::npos) << said.output;
}

TEST_F(Lapse, OfAPolicyThatCanNeverWorkIsInTheJournal) {
  auto policy = read_file(stage.dir / "policy.yaml", 1 << 20);
  ASSERT_TRUE(policy);
  const std::string act = "approve-forms, ";
  const auto place = policy->rfind(act);
  ASSERT_NE(place, std::string::npos);
  policy->erase(place, act.size());
  ASSERT_TRUE(write_file_atomic(stage.dir / "policy.yaml", as_bytes(*policy), 0644));
  stage.daemon->signal(SIGHUP);
  const auto said = stage.daemon->wait_for_line("core: nobody can ever have it", std::chrono::seconds(10));
  ASSERT_TRUE(said) << stage.daemon->output();
  EXPECT_NE(said->find("policy.yaml:"), std::string::npos) << *said;
  EXPECT_NE(said->find("no role has the act 'approve-forms'"), std::string::npos) << *said;
  EXPECT_EQ(stage.ask("GET", "/v1/status").status, 200) << "and the service goes on";
}

}  // namespace
}  // namespace cardgate
