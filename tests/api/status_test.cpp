// SPDX-License-Identifier: Apache-2.0
// How the service says it does, and taking over its configuration.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include "tests/api/house.hpp"

namespace cardgate::testing {
namespace {

using ::testing::HasSubstr;

class ServiceStatus : public ::testing::Test {
 protected:
  json::object service_of(const daemon::Peer& who) {
    return house.ask("GET", "/v1/status", who).json().at("service").as_object();
  }
  /// What the status shows this peer of the reader.
  json::object reader(const std::string& name, const daemon::Peer& who) {
    const auto body = house.ask("GET", "/v1/status", who).json();
    for (const auto& each : body.at("readers").as_array())
      if (each.at("name").as_string() == name) return each.as_object();
    return {};
  }
  std::string policy() { return std::string(service_of(House::root()).at("policy").as_string()); }
  House house;
};

TEST_F(ServiceStatus, IsGoodAndShowsACardToThoseAtItsReader) {
  house.insert_card(House::ada());
  EXPECT_EQ(service_of(House::ada()).at("state").as_string(), "ok");
  const auto hers = reader(House::reader_of(House::ada()), House::ada());
  ASSERT_TRUE(hers.contains("card"));
  EXPECT_EQ(hers.at("card").at("id").as_string(), house.card_of(House::ada()).id);
  EXPECT_TRUE(hers.at("card").at("registered").as_bool());
  const auto seen = reader(House::reader_of(House::ada()), House::eve());
  EXPECT_TRUE(seen.at("card_present").as_bool());
  EXPECT_FALSE(seen.contains("card")) << "Eve does not sit there";
}

TEST_F(ServiceStatus, TellsThatTheReaderServiceIsGone) {
  house.hear(pcsc::ReaderEvent::Kind::service_down, {}, 0, {Errc::pcsc_no_service, "pcscd hangs"});
  const auto service = service_of(House::ada());
  EXPECT_EQ(service.at("state").as_string(), "degraded");
  EXPECT_EQ(service.at("pcscd").as_string(), "unreachable");
}

TEST_F(ServiceStatus, MetricsCountWhatIsThere) {
  house.sign_in(House::ada());
  const auto reply = house.ask("GET", "/metrics", House::root());
  EXPECT_EQ(reply.status, 200);
  EXPECT_THAT(reply.body, HasSubstr("\ncardgate_sessions 1\n"));
  EXPECT_THAT(reply.body, HasSubstr("\ncardgate_people 7\n"));
  EXPECT_THAT(reply.body, HasSubstr("\ncardgate_cards 1\n"));
}

TEST_F(ServiceStatus, MetricsSayWhichPartOfASignInTookHowLong) {
  house.sign_in(House::ada());
  const auto text = house.ask("GET", "/metrics", House::root()).body;
  for (const char* part : {"card", "certificate", "revocation", "register", "log", "all"}) {
    const auto line = fmt::format("\ncardgate_sign_in_seconds_count{{part=\"{}\"}} 1\n", part);
    EXPECT_THAT(text, HasSubstr(line));
  }
}

TEST_F(ServiceStatus, MetricsCountRefusalsByReasonAndThoseThatWereFolded) {
  house.insert_card(House::ada());
  for (int i = 0; i < 2; ++i)
    house.ask("POST", "/v1/token", {{"role", "core"}, {"audience", "esr"}}, House::ada());
  const auto text = house.ask("GET", "/metrics", House::root()).body;
  EXPECT_THAT(text, HasSubstr("cardgate_refusals_total{event=\"token_refused\",reason=\"no_session\"} 2\n"));
  EXPECT_THAT(text, HasSubstr("cardgate_refusals_folded_total 1\n"));
}

TEST_F(ServiceStatus, MetricsTellOfCardsThatNeedHelp) {
  house.insert_card(House::ada());
  for (const char* wrong : {"111111", "222222"})
    house.ask("POST", "/v1/sessions", house.with_card(House::ada(), wrong), House::ada());
  const auto text = house.ask("GET", "/metrics", House::root()).body;
  EXPECT_THAT(text, HasSubstr("\ncardgate_cards_on_last_try 1\n"));
  EXPECT_THAT(text, HasSubstr("\ncardgate_cards_blocked 0\n"));
  EXPECT_THAT(text, HasSubstr("\ncardgate_card_certificate_left_seconds "));
}

TEST_F(ServiceStatus, MetricsAreReadByPrometheus) {
  const auto parser = run({"/usr/bin/python3", "-c", "import prometheus_client.openmetrics.parser"},
                          std::chrono::seconds(30));
  if (!parser || parser->status != 0)
    GTEST_SKIP() << "python3-prometheus-client is missing: run script/bootstrap";
  house.sign_in(House::ada());
  house.ask("POST", "/v1/token", {{"role", "core"}, {"audience", "esr"}}, House::ada());
  house.ask("POST", "/v1/token", {{"role", "manager-self-service"}, {"audience", "esr"}}, House::ada());
  ProcessOptions options;
  options.input = house.ask("GET", "/metrics", House::root()).body;
  const auto read =
      run({"/usr/bin/python3", "-c",
           "import sys\n"
           "from prometheus_client.openmetrics.parser import text_string_to_metric_families as read\n"
           "found = {f.name: f for f in read(sys.stdin.read())}\n"
           "assert not [f for f in found.values() if 'Not described' in f.documentation], found\n"
           "print(len(found), found['cardgate_token_seconds'].type, found['cardgate_build'].type)"},
          std::chrono::seconds(30), options);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->status, 0) << read->output << options.input;
  EXPECT_THAT(read->output, HasSubstr("histogram info"));
}

TEST_F(ServiceStatus, TheMetricsPortHasNothingElse) {
  daemon::Peer proxy = House::peer(4444);
  proxy.unit = "cardgate-metrics.service";
  EXPECT_EQ(house.ask("GET", "/metrics", proxy).status, 200);
  for (const char* path : {"/v1/status", "/v1/sessions", "/v1/nothing", "/metrics/"})
    EXPECT_EQ(house.ask("GET", path, proxy).status, 403) << path;
  EXPECT_EQ(
      house.ask("POST", "/v1/sessions", {{"username", "eve"}, {"password", House::password}}, proxy).status,
      403);
}

TEST_F(ServiceStatus, AReloadTakesAnotherPolicyOver) {
  const auto before = policy();
  house.change_policy("token_life: 5m", "token_life: 4m");
  const auto reply = house.ask("POST", "/v1/reload", House::root());
  EXPECT_EQ(reply.status, 200) << reply.body;
  EXPECT_NE(policy(), before);
  EXPECT_EQ(reply.text("policy"), policy());
}

TEST_F(ServiceStatus, AReloadOfAPolicyThatIsWrongChangesNothing) {
  const auto before = policy();
  house.change_policy("token_life: 5m", "token_life: 5 parsecs");
  const auto reply = house.ask("POST", "/v1/reload", House::root());
  EXPECT_EQ(reply.status, 422) << reply.body;
  EXPECT_EQ(reply.error(), "configuration_refused");
  EXPECT_EQ(policy(), before);
  EXPECT_EQ(service_of(House::root()).at("state").as_string(), "degraded") << "until it is put right";
  EXPECT_FALSE(house.sign_in(House::ada()).empty()) << "the service goes on with the one before";
}

TEST_F(ServiceStatus, OnlyTheAdminSocketReloads) {
  EXPECT_EQ(house.ask("POST", "/v1/reload", House::ada()).status, 404);
}

TEST_F(ServiceStatus, TheServiceStopsWhileItReloads) {
  house.run_ready();
  const auto call = house.begin("POST", "/v1/reload", {}, House::root());
  // One step: the files are read on another thread, and have not come back.
  int steps = 0;
  house.run_until([&] { return steps++ == 1; });
  house.service().shut_down();
  const auto reply = house.finish(call);
  EXPECT_EQ(reply.status, 503) << reply.body;
  EXPECT_EQ(reply.error(), "draining");
}

}  // namespace
}  // namespace cardgate::testing
