// SPDX-License-Identifier: Apache-2.0
// What is understood of logind, on a bus of the test's own (fake_desktop.cpp).
#include "client/agent/login_session.hpp"

#include <gtest/gtest.h>

#include <cstdlib>

#include "tests/agent/desktop.hpp"

namespace cardgate::agent {
namespace {

using std::chrono::seconds;
using testing::Process;

class Logins : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!testing::has_program("dbus-daemon")) GTEST_SKIP() << "dbus-daemon is missing: run script/bootstrap";
    ASSERT_NO_FATAL_FAILURE(desktop.start());
    ::setenv("DBUS_SYSTEM_BUS_ADDRESS", desktop.address.c_str(), 1);
    login = std::make_unique<LoginSession>(
        io, LoginSession::Listener{[this](ScreenState state) { screen = state; },
                                   [this](bool other) { (other ? unlocked_other : unlocked) = true; },
                                   [](bool) {}, [this] { over = true; }, [](const std::string&) {}});
    login->start();
    ASSERT_TRUE(until([this] { return screen.known && !screen.others_locked; }));
  }
  /// Runs the loop until then.
  bool until(const std::function<bool()>& there) {
    const auto end = std::chrono::steady_clock::now() + seconds(10);
    while (!there() && std::chrono::steady_clock::now() < end) io.run_one_for(milliseconds(50));
    return there();
  }

  testing::TempDir dir;
  testing::Desktop desktop{dir.path()};
  boost::asio::io_context io{1};
  std::unique_ptr<LoginSession> login;
  ScreenState screen;
  bool unlocked = false, unlocked_other = false, over = false;
};

TEST_F(Logins, KnowsWhichDesktopIsAtTheFrontAndWhetherItIsLocked) {
  EXPECT_TRUE(screen.active);
  EXPECT_FALSE(screen.other_in_front);
  desktop.steer("other here");
  ASSERT_TRUE(until([this] { return !screen.active && screen.other_in_front; }));
  login->lock();
  ASSERT_TRUE(until([this] { return screen.locked && screen.others_locked; })) << desktop.output();
  EXPECT_FALSE(screen.other_in_front);
}

TEST_F(Logins, EndsTheDesktopThatStandsOpenAtTheFront) {
  desktop.steer("other here");
  ASSERT_TRUE(until([this] { return screen.other_in_front; }));
  login->end();
  ASSERT_TRUE(until([this] { return desktop.output().find("TerminateSession c2") != std::string::npos; }));
}

TEST_F(Logins, TellsWhichOneAGreeterUnlocks) {
  desktop.steer("unlock");
  ASSERT_TRUE(until([this] { return unlocked; }));
  EXPECT_FALSE(unlocked_other);
}

TEST_F(Logins, IsOverWithTheLastDesktopAndNotBefore) {
  desktop.steer("other ends");
  ASSERT_TRUE(until([this] { return screen.others_locked; })) << "there is none";
  EXPECT_FALSE(over);
  desktop.steer("ends");
  EXPECT_TRUE(until([this] { return over; }));
}

}  // namespace
}  // namespace cardgate::agent
