// SPDX-License-Identifier: Apache-2.0
// Acts of people on a register whose disk fails: what was in doubt is settled and said once, and what is owed is not held up by
// somebody else's damaged row.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/file.hpp"
#include "tests/daemon/hospital.hpp"

namespace cardgate {
namespace {

using std::chrono::seconds;
using testing::eventually;
using testing::Hospital;

class Doubt : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!testing::Pcscd::available())
      GTEST_SKIP() << "pcscd or the virtual reader is missing: run script/bootstrap";
    trust.stage.with_failing_disk();
    trust.employ(
        "esme", "Esme Invented",
        "    employed_from: 2018-01-01\n    teams: [esr-workforce-systems]\n"
        "    forms: [{kind: ESR06, role: esr-workforce-systems, verified_by: \"2000\", approved_by: "
        "\"3000\"}]\n"
        "    declarations: [{name: core-confidentiality, version: \"2026-1\", signed_on: 2026-01-02}]\n");
    trust.open(false);
    trust.import(
        "people:\n"
        "  - {id: joe, name: Joe Invented, employed_from: 2018-01-01, forms: [{kind: ESR06, role: core}]}\n"
        "  - {id: ann, name: Ann Invented, employed_from: 2018-01-01}\n");
    trust.seat("esme");
  }
  testing::HttpAnswer post(const std::string& path, const json::object& body) {
    return trust.stage.ask("POST", path + "?session=" + trust.session_of("esme"), json::serialize(body),
                           {"Content-Type: application/json"});
  }
  testing::HttpAnswer rename_joe() {
    return post("/v1/staff/joe/changes", {{"name", "Joe Other"}, {"reason", "Married"}});
  }
  std::string name_of_joe() {
    const auto shown = trust.stage.admin("GET", "/v1/policy/explain?person=joe&role=core").json();
    const auto* person = find_object(shown, "person");
    return person == nullptr ? std::string() : std::string(*find_string(*person, "name"));
  }
  void kill_and_start() {
    trust.stage.daemon->kill();
    trust.stage.daemon.reset();
    trust.stage.start_daemon();
    trust.leave(0);
  }
  /// The deeds of the records that hold these words, in their order.
  std::vector<std::string> deeds(std::string_view words) const {
    std::vector<std::string> out;
    const auto text = trust.stage.audit_text();
    for (std::size_t at = 0; (at = text.find(words, at)) != std::string::npos; ++at) {
      const auto begin = text.rfind('\n', at) + 1;
      const auto line = parse_json(text.substr(begin, text.find('\n', at) - begin));
      const auto* details = line ? find_object(line->as_object(), "details") : nullptr;
      const auto* deed = details == nullptr ? nullptr : find_string(*details, "deed");
      out.emplace_back(deed == nullptr ? std::string_view() : std::string_view(*deed));
    }
    return out;
  }
  /// Beside the service, as whoever repairs, or damages, a register.
  void sql(const std::string& statement) {
    const auto done =
        testing::run({"sqlite3", "-cmd", ".timeout 5000", "-cmd", "PRAGMA ignore_check_constraints = 1",
                      trust.stage.dir / "state/register.db", statement});
    ASSERT_TRUE(done);
    ASSERT_EQ(done->status, 0) << done->all;
  }

  Hospital trust;
};

TEST_F(Doubt, AnActInDoubtIsSettledAndSaidOnceTheDiskWorksAgain) {
  trust.stage.fail_disk("fail");
  const auto answer = rename_joe();
  EXPECT_EQ(answer.status, 503) << answer.body;
  EXPECT_EQ(answer.error(), "outcome_unknown");
  ASSERT_TRUE(trust.stage.audit_says("not known whether it was done"));
  trust.stage.mend_disk();
  ASSERT_TRUE(eventually(seconds(30),
                         [&] { return !deeds("not done: the disk of the staff register failed").empty(); }));
  EXPECT_EQ(deeds("not done: the disk of the staff register failed"),
            deeds("not known whether it was done: "))
      << "of the same act";
  EXPECT_FALSE(deeds("not known whether it was done: ").front().empty());
  EXPECT_EQ(name_of_joe(), "Joe Invented");
  trust.can("esme", {"staff", "rename", "joe", "--name", "Joe Other", "--reason", "Married"}, "Joe Other");
  kill_and_start();
  EXPECT_EQ(deeds("not done: ").size(), 1U) << "it is settled, and the next start says nothing of it";
}

TEST_F(Doubt, TheNextStartKnowsWhatBecameOfAnActInDoubt) {
  trust.stage.fail_disk("fail");
  EXPECT_EQ(rename_joe().error(), "outcome_unknown");
  trust.stage.daemon->kill();
  trust.stage.daemon.reset();
  trust.stage.mend_disk();
  trust.stage.start_daemon();
  trust.leave(0);
  const bool said = eventually(seconds(3), [&] { return deeds("not done: ").size() == 1; });
  EXPECT_EQ(name_of_joe(), said ? "Joe Invented" : "Joe Other") << "a crash may bring it to the disk";
}

TEST_F(Doubt, ADamagedRowHoldsUpNoOtherActThatIsOwed) {
  trust.stage.fail_disk("fail");
  for (const char* id : {"joe", "ann"}) {
    const auto removed = post("/v1/removals", {{"person", id}, {"reason", "Urgent"}, {"at_once", true}});
    EXPECT_EQ(removed.status, 202) << removed.body;
  }
  EXPECT_EQ(trust.stage.service().at("unwritten_acts").as_int64(), 2);
  const std::string of_joe = " WHERE person = (SELECT pk FROM person WHERE id = 'joe')";
  sql("UPDATE form SET state = 'odd'" + of_joe);
  trust.stage.mend_disk();
  EXPECT_TRUE(eventually(seconds(30), [&] {
    return trust.stage.service().at("unwritten_acts").as_int64() == 1;
  })) << "the second is written past the first";
  sql("UPDATE form SET state = 'submitted'" + of_joe);
  EXPECT_TRUE(eventually(seconds(30), [&] {
    return trust.stage.service().at("unwritten_acts").as_int64() == 0;
  })) << "and the first as soon as it can be";
}

}  // namespace
}  // namespace cardgate
