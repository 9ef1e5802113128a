// SPDX-License-Identifier: Apache-2.0
// cardgate-simcard as people use it.
#include <gmock/gmock.h>

#include "base/json.hpp"
#include "tests/simcard/card_data.hpp"
#include "tests/support/pcscd.hpp"

namespace cardgate::simcard {
namespace {

using cardgate::testing::eventually;
using cardgate::testing::Finished;
using cardgate::testing::Pcscd;
using cardgate::testing::Process;
using cardgate::testing::run;
using cardgate::testing::TempDir;
using std::chrono::seconds;
using ::testing::HasSubstr;

class Program : public ::testing::Test {
 protected:
  Finished simcard(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), CARDGATE_SIMCARD);
    auto finished = run(std::move(arguments));
    EXPECT_TRUE(finished) << finished.error().message();
    return finished ? *finished : Finished{};
  }
  std::string card() const { return (dir_ / "ada").string(); }
  void init() { ASSERT_EQ(simcard({"init", "--dir", card(), "--person", "Ada Example"}).status, 0); }
  json::value show() { return parse_json(simcard({"show", "--dir", card(), "--json"}).output).value(); }

  TempDir dir_;
};

TEST_F(Program, InitSaysWhatItMade) {
  const auto made = simcard({"init", "--dir", card(), "--person", "Ada Example", "--uuid",
                             "0f8fad5b-d9cb-469f-a165-70867728950e", "--key", "rsa2048"});
  EXPECT_EQ(made.status, 0) << made.all;
  EXPECT_THAT(made.output, HasSubstr("card UUID      0f8fad5b-d9cb-469f-a165-70867728950e"));
  EXPECT_TRUE(std::filesystem::exists(dir_ / "ada/ca/anchors/root.pem"));
  EXPECT_TRUE(std::filesystem::exists(dir_ / "ada/ca/crls/issuing.crl"));
  const auto shown = show();
  EXPECT_EQ(shown.at("key").as_string(), "rsa2048");
  EXPECT_EQ(shown.at("pin_tries").as_int64(), 3);
  EXPECT_FALSE(shown.at("inserted").as_bool());
}

TEST_F(Program, InitKeepsACardThatIsThere) {
  init();
  const auto uuid = show().at("uuid");
  const auto refused = simcard({"init", "--dir", card(), "--person", "Bo Example"});
  EXPECT_EQ(refused.status, 1);
  EXPECT_THAT(refused.all, HasSubstr("--force"));
  EXPECT_EQ(show().at("uuid"), uuid);
}

TEST_F(Program, CardsShareACa) {
  const std::string ca = (dir_ / "ca").string();
  for (const char* name : {"ada", "bo"})
    ASSERT_EQ(simcard({"init", "--dir", (dir_ / name).string(), "--person", name, "--ca", ca}).status, 0);
  EXPECT_FALSE(std::filesystem::exists(dir_ / "ada/ca"));
  const auto gone = simcard({"revoke", "--dir", card()});
  EXPECT_EQ(gone.status, 0) << gone.all;
  const auto text = run({"openssl", "crl", "-in", ca + "/crls/issuing.crl", "-noout", "-text"});
  ASSERT_TRUE(text);
  EXPECT_THAT(text->output, HasSubstr("Key Compromise"));
}

TEST_F(Program, InsertPullInsert) {
  Pcscd pcscd;
  const auto started = pcscd.start();
  ASSERT_TRUE(started) << started.error().message();
  init();
  auto inserted = Process::start({CARDGATE_SIMCARD, "insert", "--dir", card()}).value();
  ASSERT_TRUE(inserted->wait_for_line("is in the reader", seconds(10))) << inserted->output();
  EXPECT_TRUE(show().at("inserted").as_bool());
  EXPECT_EQ(simcard({"insert", "--dir", card()}).status, 1) << "one card is in one reader";
  EXPECT_EQ(simcard({"pull", "--dir", card()}).status, 0);
  EXPECT_EQ(inserted->wait(seconds(5)), 0);
  EXPECT_EQ(simcard({"pull", "--dir", card()}).status, 1) << "it is out already";

  auto again = Process::start({CARDGATE_SIMCARD, "insert", "--dir", card()}).value();
  ASSERT_TRUE(again->wait_for_line("is in the reader", seconds(10))) << again->output();
  EXPECT_EQ(again->stop(), 0) << "SIGTERM pulls it";
  EXPECT_FALSE(std::filesystem::exists(dir_ / "ada/control"));
}

TEST_F(Program, InsertWithoutPcscdSaysSo) {
  init();
  const auto refused = simcard({"insert", "--dir", card(), "--wait", "0"});
  EXPECT_EQ(refused.status, 1);
  EXPECT_THAT(refused.all, HasSubstr("no virtual reader listens"));
}

TEST_F(Program, HelpAndUsage) {
  EXPECT_EQ(simcard({"--help"}).status, 0);
  for (const char* verb : {"init", "insert", "pull", "revoke", "show"})
    EXPECT_THAT(simcard({verb, "--help"}).output, HasSubstr("Example:")) << verb;
  EXPECT_EQ(simcard({}).status, 2);
  EXPECT_EQ(simcard({"init"}).status, 2);
  EXPECT_EQ(simcard({"init", "--dir", card(), "--person", "x", "--key", "dsa"}).status, 2);
  EXPECT_EQ(simcard({"show", "--dir", (dir_ / "none").string()}).status, 1);
}

}  // namespace
}  // namespace cardgate::simcard
