// SPDX-License-Identifier: Apache-2.0
// What application authors are given, at a real service with a real card: the library as it is installed, found by pkg-config and
// by CMake, and the Python client.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <sstream>

#include "tests/daemon/stage.hpp"
#include "tests/support/folders.hpp"

namespace cardgate {
namespace {

using std::chrono::seconds;
using testing::Finished;
using testing::Process;
using testing::Stage;

class Installed : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!testing::Pcscd::available())
      GTEST_SKIP() << "pcscd or the virtual reader is missing: run script/bootstrap";
  }
  void with_library() {
    must({"cmake", "--install", built_file(""), "--component", "library", "--prefix", prefix()});
  }
  std::string prefix() const { return (stage.dir / "usr").string(); }
  std::string libraries() const { return prefix() + "/lib/" CARDGATE_LIBRARY_ARCHITECTURE; }
  static Finished must(std::vector<std::string> command, testing::ProcessOptions options = {}) {
    const auto words = fmt::format("{}", fmt::join(command, " "));
    auto finished = testing::run(std::move(command), seconds(200), std::move(options));
    EXPECT_TRUE(finished) << words;
    if (!finished) return {};
    EXPECT_EQ(finished->status, 0) << words << "\n" << finished->all;
    return *finished;
  }
  void sign_in() {
    stage.up();
    stage.insert_and_wait();
    ASSERT_EQ(stage.sign_in().status, 201);
  }
  /// Greets, has a token, and says goodbye when the card is out.
  void greets(const std::string& program) {
    auto started = Process::start({program, stage.socket.string()});
    ASSERT_TRUE(started);
    Process& hello = **started;
    EXPECT_TRUE(hello.wait_for_line("Hello Ada Example", seconds(20))) << hello.output();
    EXPECT_TRUE(hello.wait_for_line("A token for ", seconds(20))) << hello.output();
    EXPECT_TRUE(hello.wait_for_line("Take the card out", seconds(20))) << hello.output();
    stage.pull();
    EXPECT_TRUE(hello.wait_for_line("Goodbye Ada Example", seconds(20))) << hello.output();
    EXPECT_EQ(hello.wait(seconds(20)), 0);
  }

  Stage stage;
};

const std::vector<std::string> compiler{CARDGATE_COMPILER, "-std=c++17", "-Wall",
                                        "-Wextra",         "-Werror",    "-pedantic"};
// The library was built with it, so the program that loads it must be, too.
const std::string sanitize = CARDGATE_SANITIZE_FLAG;

TEST_F(Installed, TheLibraryIsFoundByPkgConfigAndServesAnExample) {
  if (!testing::has_program("pkg-config")) GTEST_SKIP() << "pkg-config is missing: run script/bootstrap";
  with_library();
  testing::ProcessOptions options;
  options.environment = {{"PKG_CONFIG_PATH", libraries() + "/pkgconfig"}};
  auto flags = must({"pkg-config", "--cflags", "--libs", "cardgate"}, options).output;
  auto command = compiler;
  if (!sanitize.empty()) command.push_back(sanitize);
  command.insert(command.end(), {source_file("client/library/example/hello_cardgate.cpp"), "-o",
                                 stage.dir / "hello", "-Wl,-rpath," + libraries()});
  std::istringstream words(flags);
  for (std::string word; words >> word;) command.push_back(word);
  must(command);
  sign_in();
  greets(stage.dir / "hello");
}

TEST_F(Installed, TheLibraryIsFoundByCMakeAndServesAnExample) {
  with_library();
  const std::string build = stage.dir / "consumer";
  must({"cmake", "-S", source_file("tests/programs/consumer"), "-B", build, "-DCMAKE_PREFIX_PATH=" + prefix(),
        "-DCMAKE_CXX_COMPILER=" CARDGATE_COMPILER, "-DCMAKE_CXX_FLAGS=" + sanitize,
        "-DEXAMPLE=" + source_file("client/library/example/hello_cardgate.cpp")});
  must({"cmake", "--build", build});
  sign_in();
  greets(build + "/hello_cardgate");
}

TEST_F(Installed, TheLibraryBringsNothingWithItAndShowsNothingElse) {
  if (!testing::has_program("readelf")) GTEST_SKIP() << "readelf is missing";
  with_library();
  const auto library = libraries() + "/libcardgate.so";
  for (std::istringstream lines(must({"readelf", "-dW", library}).output); lines;) {
    std::string line;
    std::getline(lines, line);
    if (line.find("(NEEDED)") == std::string::npos || !sanitize.empty()) continue;
    const bool usual =
        line.find("[libstdc++.so") != std::string::npos || line.find("[libgcc_s.so") != std::string::npos ||
        line.find("[libc.so") != std::string::npos || line.find("[libm.so") != std::string::npos;
    EXPECT_TRUE(usual) << line;
  }
  int shown = 0;
  for (std::istringstream lines(must({"nm", "-DC", "--defined-only", library}).output); lines;) {
    std::string line;
    std::getline(lines, line);
    if (line.empty()) continue;
    const auto what = line.substr(line.find_first_of("TVWRABDi", 16));
    ++shown;
    EXPECT_TRUE(what.find("cardgate::v0::") != std::string::npos ||
                what.find("CARDGATE_0") != std::string::npos)
        << line;
  }
  EXPECT_GT(shown, 20);
  EXPECT_LT(shown, 60) << "a small surface";
}

TEST_F(Installed, TheProgramKnowsWhatIsWrongWhenNobodyIsSignedIn) {
  with_library();
  auto command = compiler;
  if (!sanitize.empty()) command.push_back(sanitize);
  command.insert(command.end(), {source_file("client/library/example/hello_cardgate.cpp"), "-o",
                                 stage.dir / "hello", "-I" + prefix() + "/include", "-L" + libraries(),
                                 "-lcardgate", "-Wl,-rpath," + libraries()});
  must(command);
  const auto nobody = testing::run({stage.dir / "hello", stage.socket.string()});
  ASSERT_TRUE(nobody);
  EXPECT_EQ(nobody->status, 1);
  EXPECT_NE(nobody->all.find("cardgate does not answer at"), std::string::npos) << nobody->all;
  stage.up();
  const auto out = testing::run({stage.dir / "hello", stage.socket.string()});
  ASSERT_TRUE(out);
  EXPECT_EQ(out->status, 1);
  EXPECT_NE(out->all.find("You are not signed in. Put your card into the reader and sign in."),
            std::string::npos)
      << out->all;

  stage.insert_and_wait();
  ASSERT_EQ(
      stage.import(stage.people("{kind: ESR06, role: core, verified_by: \"2000\", verified_on: 2026-01-02}"))
          .status,
      200);
  ASSERT_EQ(stage.sign_in().status, 201);
  const auto denied = testing::run({stage.dir / "hello", stage.socket.string()});
  ASSERT_TRUE(denied);
  EXPECT_EQ(denied->status, 1);
  EXPECT_NE(denied->all.find("ESR06"), std::string::npos) << denied->all;
  EXPECT_NE(denied->all.find("\n- "), std::string::npos) << denied->all;
}

TEST_F(Installed, ThePythonClientDoesTheSame) {
  if (!testing::has_program("/usr/bin/python3")) GTEST_SKIP() << "Debian's python3 is missing";
  sign_in();
  auto started = Process::start({"/usr/bin/python3", source_file("tests/programs/real_client.py"),
                                 source_file("client/python"), stage.socket.string()});
  ASSERT_TRUE(started);
  Process& client = **started;
  EXPECT_TRUE(client.wait_for_line("watching", seconds(30))) << client.output();
  stage.pull();
  EXPECT_EQ(client.wait(seconds(30)), 0) << client.output();
  const auto said = client.output();
  for (const std::string line :
       {"session 1000 Ada Example active True\n", "same True True\n", "holder 1000\n", "keys Ed25519\n",
        "refused token_not_for_this 0 ", "refused program_not_allowed 0 ", "refused token_not_active 0 ",
        "refused denied 2 ", "ended True card_removed\n",
        "then not_signed_in\nthen not_signed_in\nthen not_signed_in\nthen token_not_active\n"}) {
    EXPECT_NE(said.find(line), std::string::npos) << line << said;
  }
  EXPECT_EQ(said.find("not refused"), std::string::npos) << said;
}

}  // namespace
}  // namespace cardgate
