// SPDX-License-Identifier: Apache-2.0
// Who may guess how often, and what becomes of passwords and codes on file.
#include "register/credentials.hpp"

#include <SQLiteCpp/SQLiteCpp.h>
#include <fmt/format.h>

#include "tests/register/fixture.hpp"

namespace cardgate::reg {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
constexpr auto password = CredentialKind::password;
constexpr auto code = CredentialKind::code;

class OnFile : public ::testing::Test {
 protected:
  OnFile() {
    init_crypto();
    auto staff = open(folder.file());
    import(*staff,
           "people: [{id: \"1000\", name: Ada Example}, {id: \"2000\", name: Max Invented, username: max}]");
    reopen();
  }
  void reopen() {
    credentials.reset();
    auto opened = open_credentials(folder.file(), throttle_rules);
    ASSERT_TRUE(opened) << opened.error().context;
    credentials = std::move(*opened);
  }
  Attempt attempt(const std::string& who, uid_t uid = 1000, CredentialKind kind = password) {
    auto made = credentials->begin(kind, who, uid, now);
    EXPECT_TRUE(made) << (made ? "" : made.error().context);
    return made ? std::move(*made) : Attempt{};
  }
  void fail(const std::string& who, int times, uid_t uid = 1000) {
    for (int i = 0; i < times; ++i) EXPECT_EQ(attempt(who, uid).wait.count(), 0) << who << " " << i;
  }
  void set(const std::string& person, const std::string& hash) {
    ASSERT_TRUE(credentials->set_password({person, hash, false, {}}, {}, now));
  }

  Folder folder;
  std::unique_ptr<Credentials> credentials;
  WallTime now = parse_rfc3339("2026-03-02T09:00:00Z").value();
};

TEST_F(OnFile, AUserNameIsThatOrTheIdOfWhoHasNone) {
  set("1000", "h1");
  set("2000", "h2");
  EXPECT_EQ(attempt("1000").credential.hash, "h1");
  EXPECT_EQ(attempt("max").credential.person, "2000");
  EXPECT_EQ(attempt("2000").credential.person, "");
  EXPECT_EQ(attempt("nobody").credential.hash, "");
}

TEST_F(OnFile, AfterFiveFailuresThatNameWaitsThereAndNowhereElse) {
  for (const std::string who : {"1000", "nobody"}) {
    fail(who, 5);
    for (const int wait : {30, 60, 120, 240, 480, 900, 900}) {
      EXPECT_EQ(attempt(who).wait.count(), wait) << who;
      now += seconds(wait - 1);
      EXPECT_EQ(attempt(who).wait.count(), 1) << who;
      now += seconds(1);
      EXPECT_EQ(attempt(who).wait.count(), 0) << who << " after " << wait;
    }
    EXPECT_EQ(attempt(who, 1001).wait.count(), 0) << "another uid";
  }
  EXPECT_EQ(attempt("max").wait.count(), 0) << "another name";
}

TEST_F(OnFile, TheWaitOutlivesARestartAndAClockSetBack) {
  fail("1000", 5);
  reopen();
  EXPECT_EQ(attempt("1000").wait.count(), 30);
  now -= hours(1000);
  reopen();
  EXPECT_EQ(attempt("1000").wait.count(), 30) << "not freed";
  now += seconds(29);
  EXPECT_EQ(attempt("1000").wait.count(), 1) << "nor kept out for a thousand hours";
}

TEST_F(OnFile, SuccessForgetsTheFailuresOfThatNameButOnlyItselfOfTheUid) {
  set("1000", "h1");
  fail("1000", 4);
  ASSERT_TRUE(credentials->succeeded(password, "1000", 1000, "1000"));
  fail("1000", 5);
  EXPECT_EQ(attempt("1000").wait.count(), 30);
  // Eight are left on the uid's account: who knows one password cannot wash off guesses at others.
  for (int i = 0; i < 42; ++i) EXPECT_EQ(attempt(fmt::format("n{}", i)).wait.count(), 0) << i;
  EXPECT_GT(attempt("n42").wait.count(), 0);
}

TEST_F(OnFile, AUidThatGuessesAtManyIsSlowedAndOthersAreNot) {
  for (int i = 0; i < 50; ++i) EXPECT_EQ(attempt(fmt::format("n{}", i)).wait.count(), 0);
  const auto refused = attempt("n50");
  EXPECT_EQ(refused.wait.count(), 72) << "fifty an hour";
  EXPECT_EQ(attempt("max", 1001).wait.count(), 0);
  reopen();
  EXPECT_GT(attempt("n50").wait.count(), 0);
  now += refused.wait;
  EXPECT_EQ(attempt("n50").wait.count(), 0);
  EXPECT_GT(attempt("n51").wait.count(), 0) << "one more, not fifty";
}

TEST_F(OnFile, AHundredFailuresFromAnywhereEndAPasswordUntilItIsReset) {
  set("2000", "h2");
  for (uid_t uid = 0; uid < 20; ++uid) fail("max", 5, 5000 + uid);
  EXPECT_EQ(attempt("max", 9000).credential.hash, "") << "even the right one finds nothing to fit";
  EXPECT_EQ(attempt("max", 9000).credential.person, "2000");
  EXPECT_TRUE(attempt("max", 9000).credential.dead);
  EXPECT_TRUE(credentials->password_state("2000")->dead);
  reopen();
  EXPECT_EQ(attempt("max", 9001).credential.hash, "");
  set("2000", "h3");
  EXPECT_EQ(attempt("max", 9002).credential.hash, "h3");
  EXPECT_FALSE(credentials->password_state("2000")->dead);
}

TEST_F(OnFile, AnAttemptThatWasNeverCheckedDoesNotCount) {
  set("1000", "h1");
  for (int i = 0; i < 200; ++i) {
    ASSERT_EQ(attempt("1000").wait.count(), 0) << i;
    ASSERT_TRUE(credentials->undone(password, "1000", 1000, "1000"));
  }
  EXPECT_EQ(attempt("1000").credential.hash, "h1");
}

TEST_F(OnFile, CountersAreForgottenInTimeAndNeverGrowWithoutBound) {
  for (uid_t uid = 0; uid < 30; ++uid) {
    for (int i = 0; i < 40; ++i) fail(fmt::format("n{}", i), 1, 7000 + uid);
  }
  const std::string text = [&] {
    credentials.reset();
    SQLite::Database database(folder.file().string());
    return std::string(database.execAndGet("SELECT count(*) FROM throttle").getString());
  }();
  EXPECT_LE(std::stoi(text), 200);
  reopen();
  fail("1000", 5);
  now += hours(24) + seconds(1);
  fail("1000", 5);
}

TEST_F(OnFile, NoUserNameIsKeptInClear) {
  fail("hunter2-typed-into-the-wrong-field", 1);
  credentials.reset();
  SQLite::Database database(folder.file().string());
  EXPECT_EQ(database.execAndGet("SELECT count(*) FROM throttle WHERE mark LIKE '%hunter2%'").getInt(), 0);
}

TEST_F(OnFile, ACodeNeedsARequestIsSpentOnceAndReplacedByANewerOne) {
  const auto since = now - hours(72);
  EXPECT_FALSE(credentials->set_code("1000", "c0", since, now + hours(72)));
  EXPECT_EQ(credentials->request_activation(1000, "1000", now)->count(), 0);
  EXPECT_TRUE(*credentials->has_request("1000", since));
  EXPECT_FALSE(*credentials->has_request("1000", now + seconds(1)));
  EXPECT_FALSE(*credentials->has_request("2000", since));
  ASSERT_TRUE(credentials->set_code("1000", "c1", since, now + hours(72)));
  ASSERT_TRUE(credentials->set_code("1000", "c2", since, now + hours(72)));
  const auto taken = attempt("1000", 1000, code).credential;
  EXPECT_EQ(taken.hash, "c2");
  EXPECT_EQ(taken.expires, now + hours(72));
  EXPECT_EQ(credentials->activate("1000", "c1", "h1", now).error().code, Errc::cancelled);
  EXPECT_FALSE(credentials->password_state("1000")->exists);
  ASSERT_TRUE(credentials->activate("1000", "c2", "h1", now));
  EXPECT_EQ(attempt("1000").credential.hash, "h1");
  EXPECT_FALSE(credentials->activate("1000", "c2", "h2", now)) << "spent";
  EXPECT_EQ(attempt("1000", 1000, code).credential.hash, "");
}

TEST_F(OnFile, RequestsForCodesAreFewAnHourWhomeverTheyName) {
  for (int i = 0; i < 6; ++i)
    EXPECT_EQ(credentials->request_activation(1000, i % 2 ? "" : "1000", now)->count(), 0);
  EXPECT_EQ(credentials->request_activation(1000, "2000", now)->count(), 600);
  EXPECT_FALSE(*credentials->has_request("2000", now - hours(1)));
  EXPECT_EQ(credentials->request_activation(1001, "2000", now)->count(), 0);
}

TEST_F(OnFile, APasswordIsReplacedOnlyWhereItIsStillTheOneThatWasGiven) {
  set("1000", "h1");
  ASSERT_TRUE(credentials->set_password({"1000", "h2", true, now + hours(24)}, {}, now));
  const auto temporary = attempt("1000").credential;
  EXPECT_TRUE(temporary.must_change);
  EXPECT_EQ(temporary.expires, now + hours(24));
  EXPECT_EQ(credentials->set_password({"1000", "h3", false, {}}, "h1", now).error().code, Errc::cancelled);
  ASSERT_TRUE(credentials->set_password({"1000", "h3", false, {}}, "h2", now));
  EXPECT_FALSE(attempt("1000").credential.must_change);
  ASSERT_TRUE(credentials->rehash("1000", "h2", "h4"));
  EXPECT_EQ(attempt("1000").credential.hash, "h3") << "h2 is not it any more";
  ASSERT_TRUE(credentials->rehash("1000", "h3", "h5"));
  EXPECT_EQ(attempt("1000").credential.hash, "h5");
}

}  // namespace
}  // namespace cardgate::reg
