// SPDX-License-Identifier: Apache-2.0
// pam_cardgate.so as a file: what it shows, what it needs, and that it leaves the program that loaded it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>

#include "base/file.hpp"
#include "tests/pam/driver.hpp"
#include "tests/support/process.hpp"

namespace cardgate::testing {
namespace {

using ::testing::Each;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr const char* module_file = CARDGATE_PAM_MODULE;

std::vector<std::string> lines_of(std::vector<std::string> command) {
  const auto done = run(std::move(command));
  EXPECT_TRUE(done && done->status == 0);
  std::vector<std::string> out;
  std::string line;
  for (const char c : done ? done->output : std::string()) {
    if (c != '\n') {
      line += c;
      continue;
    }
    out.push_back(std::move(line));
    line.clear();
  }
  return out;
}

TEST(PamModule, NeedsLibcAndLibpamAlone) {
  if (CARDGATE_SANITIZED) GTEST_SKIP() << "a sanitizer brings its own library";
  for (const auto& line : lines_of({"readelf", "-d", module_file})) {
    if (line.find("(NEEDED)") == std::string::npos) continue;
    EXPECT_TRUE(line.find("[libc.so.6]") != std::string::npos ||
                line.find("[libpam.so.0]") != std::string::npos ||
                line.find("[ld-linux") != std::string::npos)
        << line;
  }
}

TEST(PamModule, ShowsItsEntryPointsAlone) {
  for (const auto& line : lines_of({"nm", "-D", "--defined-only", module_file}))
    EXPECT_THAT(line, HasSubstr(" T pam_sm_"));
}

TEST(PamModule, TakesNoThreadsProcessesSignalsOrPasswords) {
  if (CARDGATE_SANITIZED) GTEST_SKIP() << "a sanitizer has needs of its own";
  std::string all;
  for (const auto& line : lines_of({"nm", "-D", "--undefined-only", module_file})) {
    const auto name = line.substr(line.rfind(' ') + 1);
    all += " " + name.substr(0, name.find('@')) + " ";
  }
  for (const char* never :
       {"fork", "vfork", "posix_spawn", "execve", "system", "popen", "pthread_create", "sigaction", "signal",
        "sigprocmask", "alarm", "pam_set_item", "pam_get_authtok", "pam_set_authtok"})
    EXPECT_THAT(all, Not(HasSubstr(std::string(" ") + never + " ")));
  EXPECT_THAT(all, HasSubstr(" explicit_bzero "));
}

TEST(PamModule, IsGoneAfterTheLastProgramThatUsedIt) {
  TempDir dir;
  PamDriver::write_service(dir.path(), "test", module_file, dir / "nobody-listens.sock");
  const auto is_mapped = [] {
    return read_file("/proc/self/maps", 4 << 20)->find("pam_cardgate") != std::string::npos;
  };
  {
    auto first = std::make_unique<PamDriver>(dir.path(), "test", "games");
    PamDriver second(dir.path(), "test", "games");
    EXPECT_EQ(first->authenticate(), fell_through);
    EXPECT_EQ(second.authenticate(), fell_through);
    EXPECT_TRUE(is_mapped());
    first.reset();
    EXPECT_EQ(second.authenticate(), fell_through) << "the first took the module with it";
    EXPECT_TRUE(second.shown.empty());
  }
  EXPECT_TRUE(CARDGATE_SANITIZED || !is_mapped());
}

}  // namespace
}  // namespace cardgate::testing
