// SPDX-License-Identifier: Apache-2.0
#include "daemon/rules/password_rules.hpp"

#include <gtest/gtest.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <sstream>

#include "base/file.hpp"
#include "daemon/limits.hpp"
#include "daemon/people/passwords.hpp"
#include "tests/support/folders.hpp"
#include "tests/support/process.hpp"

namespace cardgate::daemon {
namespace {

class PasswordRule : public ::testing::Test {
 protected:
  PasswordRule() {
    init_crypto();
    settings.blocklist = dir / "list.txt";
    put("# tried first\nCorrectHorseBattery\r\n\nliverpool football\n");
    settings.words = {"Invented Hospital"};
  }
  void put(const std::string& text) {
    ASSERT_TRUE(write_file_atomic(settings.blocklist, as_bytes(text), 0644));
  }
  std::string refusal(const std::string& password, const std::vector<std::string>& words = {}) {
    const auto rules = PasswordRules::load(settings);
    EXPECT_TRUE(rules) << rules.error().context;
    return rules ? rules->refuse(Secret(password), words) : "";
  }
  testing::TempDir dir;
  PasswordSettings settings;
};

TEST_F(PasswordRule, TakeWhatIsLongEnoughInAnyScriptAndAskForNoKindsOfCharacters) {
  for (const char* good : {"four plain words here", "lowercaseonlybutlong", "                x y z w v",
                           "\u0436\u0438\u0440\u0430\u0444 \u043d\u0430 \u043b\u0443\u043d\u0435",
                           "\U0001F40E\U0001F40D\U0001F980\U0001F41D\U0001F422\U0001F98A\U0001F42C\U0001F989"
                           "\U0001F427\U0001F43F\U0001F994\U0001F9A5"}) {
    EXPECT_EQ(refusal(good), "") << good;
  }
  EXPECT_EQ(
      refusal("the nurse sings at dawn " + std::string("and nobody minds it ") + "until the kettle boils"),
      "");
  EXPECT_NE(refusal("elevenchars").find("at least 12"), std::string::npos);
  EXPECT_NE(refusal("\u0436\u0438\u0440\u0430\u0444\u0436\u0438\u0440").find("at least 12"),
            std::string::npos)
      << "characters, not bytes";
  settings.min_length = 8;
  EXPECT_EQ(refusal("elevenchars"), "");
}

TEST_F(PasswordRule, RefuseWhatIsGuessedFirst) {
  for (const char* bad : {"correcthorsebattery", "LIVERPOOL FOOTBALL", "aaaaaaaaaaaa", "abababababab",
                          "abcdefghijklmnop", "123456789012345", "987654321098"}) {
    EXPECT_NE(refusal(bad).find("guessed first"), std::string::npos) << bad;
  }
  EXPECT_EQ(refusal("liverpool footballer"), "") << "the list is compared whole";
  EXPECT_EQ(refusal("# tried first"), "") << "a comment is no entry";
}

TEST_F(PasswordRule, RefuseWhatIsLittleMoreThanAName) {
  const std::vector<std::string> ada{"Ada Mary-Ann O'Invented", "aexample", "1000"};
  for (const char* bad :
       {"AdaMaryAnn1990", "aexample-1000!", "cardgate2026!", "Invented Hospital 26", "ann.invented.ada"})
    EXPECT_NE(refusal(bad, ada).find("little more than"), std::string::npos) << bad;
  EXPECT_EQ(refusal("grand canada banana boat", ada), "") << "a name inside of much else is no harm";
  EXPECT_EQ(refusal("AdaMaryAnn1990"), "") << "another person's name";
}

TEST_F(PasswordRule, AListThatCannotBeReadIsNoList) {
  put("good\n" + std::string(257, 'x') + "\n");
  const auto bad = PasswordRules::load(settings);
  ASSERT_FALSE(bad);
  EXPECT_NE(bad.error().context.find("list.txt:2"), std::string::npos) << bad.error().context;
  std::filesystem::remove(settings.blocklist);
  EXPECT_EQ(PasswordRules::load(settings).error().code, Errc::not_found);
}

TEST_F(PasswordRule, TheShippedListHasNothingThatIsTooShortToBeChosenAnyway) {
  settings.blocklist = source_file("config/password-blocklist.txt");
  EXPECT_NE(refusal("CorrectHorseBatteryStaple").find("guessed first"), std::string::npos);
  const auto text = read_file(settings.blocklist, 1 << 20);
  ASSERT_TRUE(text);
  std::istringstream lines(*text);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("# ")) continue;
    EXPECT_GE(line.size(), 12U) << line;
  }
}

TEST(PasswordSettings, AreReadStrictly) {
  const auto read = [](const std::string& text) {
    return read_passwords(Yaml::parse(text, "c.yaml").value());
  };
  const auto all = read(
      "{min_length: 15, blocklist: /etc/x, words: [a], opslimit: 4, memory: 128MiB, activation_life: 24h, "
      "reset_life: 1h}");
  ASSERT_TRUE(all) << all.error().context;
  EXPECT_EQ(all->min_length, 15);
  EXPECT_EQ(all->cost, (PasswordCost{4, 128U << 20U}));
  EXPECT_EQ(all->reset_life, std::chrono::hours(1));
  for (const char* bad :
       {"{min_length: 7}", "{memory: 64}", "{memory: 4MiB}", "{memory: 2000MiB}", "{opslimit: 0}",
        "{blocklist: list.txt}", "{activation_life: 30d}", "{reset_life: 1s}", "{rotate: 90d}"}) {
    EXPECT_FALSE(read(bad)) << bad;
  }
}

TEST(Passwords, WaitInAShortQueueAndWhoFindsItFullIsToldSo) {
  init_crypto();
  boost::asio::io_context io;
  int hashed = 0;
  Passwords passwords({1, least_password_memory}, [&] { ++hashed; }, [](const std::string&) {});
  const auto typed = std::make_shared<const Secret>("four plain words here");
  const std::string stored = *hash_password(*typed, passwords.cost());
  int fitting = 0;
  int refused = 0;
  const auto one = [&](std::string against) -> boost::asio::awaitable<void> {
    auto comparing = passwords.fits(std::move(against), typed);
    const auto fits = co_await std::move(comparing);
    fitting += fits && *fits ? 1 : 0;
    refused += !fits && fits.error().code == Errc::unavailable ? 1 : 0;
  };
  // All begin before any can be done: what is done is told behind them in the same queue.
  constexpr std::size_t asked = 3 * max_passwords_waiting;
  for (std::size_t i = 0; i < asked; ++i)
    boost::asio::co_spawn(io, one(i % 2 == 0 ? stored : ""), boost::asio::detached);
  io.run();
  EXPECT_EQ(fitting, static_cast<int>(max_passwords_waiting / 2)) << "an empty one fits nobody";
  EXPECT_EQ(hashed, static_cast<int>(max_passwords_waiting)) << "and is as much work";
  EXPECT_EQ(refused, static_cast<int>(asked - max_passwords_waiting));
  EXPECT_FALSE(passwords.busy());
}

TEST(PasswordRoles, OpenTheOwnRecordAndNothingElseWhateverThePolicySays) {
  // Roles that no policy file can have: its loader refuses them. The service looks again all the same.
  policy::Role role;
  role.sign_in = {policy::SignIn::password};
  role.records = "own";
  EXPECT_TRUE(opens_by_password(role));
  for (const char* more : {"all", "team", "team-view", "delegated", "by-function", ""}) {
    role.records = more;
    EXPECT_FALSE(opens_by_password(role)) << more;
  }
  role.records = "own";
  role.may = {policy::Act::see_people};
  EXPECT_FALSE(opens_by_password(role));
  role.may.clear();
  role.sign_in = {policy::SignIn::card};
  EXPECT_FALSE(opens_by_password(role));
}

TEST(PasswordRules, ANameWithoutItsAccentsIsStillTheName) {
  const auto rules = PasswordRules::load({}).value();
  for (const auto* password : {"oneillzoe1234", "ZoeONeill12345"})
    EXPECT_NE(rules.refuse(Secret(std::string_view(password)), {"Zo\u00eb O\u2019Neill"}), "") << password;
}

}  // namespace
}  // namespace cardgate::daemon
