// SPDX-License-Identifier: Apache-2.0
// Documents that the policy names for a role: where people meet them.
#include <gmock/gmock.h>

#include "tests/api/house.hpp"

namespace cardgate::testing {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

class Guidance : public ::testing::Test {
 protected:
  Guidance() {
    house.change_policy("    title: Core ESR\n",
                        "    title: Core ESR\n    guidance: [{title: Opening records, link: "
                        "'https://intranet.example/esr/open'}]\n");
    house.reload();
  }
  json::array notices(const daemon::Peer& who) {
    return house.ask("GET", "/v1/notices", who).json().at("notices").as_array();
  }
  json::object access(const daemon::Peer& who) {
    return house.ask("GET", "/v1/access?role=core", who).json().at("roles").at(0).as_object();
  }
  House house;
};

TEST_F(Guidance, IsShownWithTheRole) {
  house.sign_in(House::ada());
  const auto documents = access(House::ada()).at("guidance").as_array();
  ASSERT_THAT(documents, SizeIs(1));
  EXPECT_EQ(documents.front().at("title"), "Opening records");
  EXPECT_EQ(documents.front().at("link"), "https://intranet.example/esr/open");
}

TEST_F(Guidance, IsToldAtTheFirstSignInOfWhoeverHasTheRoleAndNotAgain) {
  const auto session = house.sign_in(House::ada());
  house.run_until([&] { return !notices(House::ada()).empty(); });
  const auto told = notices(House::ada());
  ASSERT_THAT(told, SizeIs(1));
  EXPECT_EQ(told.front().at("text"),
            "You have the role Core ESR. Read: Opening records (https://intranet.example/esr/open).");
  const auto path = "/v1/notices/" + std::to_string(told.front().at("id").as_int64());
  ASSERT_EQ(house.ask("DELETE", path, House::ada()).status, 204);
  ASSERT_EQ(house.ask("DELETE", "/v1/sessions/" + session, House::ada()).status, 204);
  house.sign_in(House::ada());
  house.pass_register();
  EXPECT_THAT(notices(House::ada()), IsEmpty()) << "it was read";

  house.change_policy("title: Opening records", "title: Opening and closing records");
  house.reload();
  ASSERT_LT(house.ask("DELETE", "/v1/sessions/mine", House::ada()).status, 500);
  house.remove_card(House::reader_of(House::ada()));
  house.sign_in(House::ada());
  house.run_until([&] { return !notices(House::ada()).empty(); });
  EXPECT_THAT(std::string(notices(House::ada()).front().at("text").as_string()),
              HasSubstr("Opening and closing records"))
      << "another list is told";
}

TEST_F(Guidance, StandsWithTheRefusalOfWhoeverDoesNotHaveTheRole) {
  house.sign_in(House::tia());
  house.pass_register();
  EXPECT_THAT(house.ask("GET", "/v1/notices", House::tia()).body, Not(HasSubstr("Opening records")));
  const auto refused = house.ask("POST", "/v1/token", {{"role", "core"}, {"audience", "esr"}}, House::tia());
  EXPECT_EQ(refused.error(), "access_denied");
  EXPECT_THAT(refused.body, HasSubstr("https://intranet.example/esr/open"));
}

TEST_F(Guidance, OfADeclarationIsShownWhereItIsSigned) {
  house.change_policy("  core-confidentiality: >-\n",
                      "  core-confidentiality:\n    guidance: [{title: Keeping secrets, file: "
                      "/usr/share/doc/secrets.txt}]\n    text: >-\n");
  // The text's lines stand deeper than its key.
  house.change_policy("    I will open staff records", "      I will open staff records");
  house.change_policy("    in with my own card", "      in with my own card");
  house.change_policy("    that everything I do", "      that everything I do");
  house.reload();
  house.sign_in(House::ada());
  EXPECT_THAT(house.ask("GET", "/v1/declarations", House::ada()).body,
              HasSubstr("/usr/share/doc/secrets.txt"));
  EXPECT_THAT(access(House::ada()).at("guidance").as_array(), SizeIs(2)) << "and with the role";
}

}  // namespace
}  // namespace cardgate::testing
