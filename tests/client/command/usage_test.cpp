// SPDX-License-Identifier: Apache-2.0
// A command line that is not understood is answered in words of our own; and every example of every --help is understood.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sstream>

#include "tests/client/fake_service.hpp"
#include "tests/support/folders.hpp"

namespace cardgate::client {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;
using Words = std::vector<std::string>;

struct Mistake {
  Words typed;
  const char* told;
};

/// What the shell is offered for the last of these words.
std::string completed(const Words& typed) {
  const testing::TempDir none;
  Words all{"__complete"};
  all.insert(all.end(), typed.begin(), typed.end());
  return cardgate(none / "s", all).all;
}

TEST(Usage, TheShellIsOfferedWhatMayComeNext) {
  EXPECT_EQ(completed({"sta"}), "staff\nstatus\n");
  EXPECT_EQ(completed({"staff", "imp"}), "import\n");
  EXPECT_EQ(completed({"staff", "import", "--dry"}), "--dry-run\n");
  EXPECT_EQ(completed({"staff", "import", "--format", ""}), "csv\nyaml\n");
  // Also the options of the commands above it, and none where a value is to come that only the user knows.
  EXPECT_THAT(completed({"token", "--"}), HasSubstr("--json\n"));
  EXPECT_EQ(completed({"token", "--role", "c"}), "");
  EXPECT_EQ(completed({"nonsense", "--role=core", "zz"}), "");
  EXPECT_THAT(completed({""}), HasSubstr("login\n"));
}

TEST(Usage, TheManualHasEveryCommandWithItsExample) {
  const testing::TempDir none;
  const auto page = cardgate(none / "s", {"__manual"});
  EXPECT_EQ(page.status, 0);
  for (const char* said :
       {"cardgate(1)", "## cardgate staff import\n", "*--dry-run*", "sudo cardgate staff import esr.csv"})
    EXPECT_THAT(page.all, HasSubstr(said));
}

TEST(Usage, AMistypedWordIsNamedWithTheOneThatWasMeant) {
  const testing::TempDir none;
  for (const auto& [typed, told] : std::vector<Mistake>{
           {{"nonsense"}, "cardgate has no command called nonsense. See: cardgate --help"},
           {{"satus"}, "cardgate has no command called satus. Did you mean status? See: cardgate --help"},
           {{"staff", "improt", "f.csv"},
            "cardgate staff has no command called improt. Did you mean import?"},
           {{"token", "--rol", "core", "--audience", "esr"},
            "cardgate token has no option --rol. Did you mean --role?"},
           {{"token", "--role", "core", "--audiense=esr"},
            "cardgate token has no option --audiense. Did you mean --audience?"},
           {{"--jsn", "status"}, "cardgate has no option --jsn. Did you mean --json?"},
           {{"status", "--jsno"}, "Did you mean --json?"},
           {{"staff"}, "Say what to do: cardgate staff COMMAND. The commands are: "},
           {{}, "Say what to do: cardgate COMMAND."}}) {
    const auto done = cardgate(none / "s", typed);
    EXPECT_EQ(done.status, 2) << ::testing::PrintToString(typed);
    EXPECT_THAT(done.all, HasSubstr(told)) << ::testing::PrintToString(typed);
    EXPECT_THAT(done.all, Not(HasSubstr("subcommand is required")));
  }
}

TEST(Usage, AValueMayLookLikeAnything) {
  const testing::TempDir none;
  // What is wrong is that the audience is missing, not the value of the role.
  const auto done = cardgate(none / "s", {"token", "--role", "satus"});
  EXPECT_EQ(done.status, 2);
  EXPECT_THAT(done.all, HasSubstr("--audience"));
  EXPECT_THAT(done.all, Not(HasSubstr("Did you mean")));
}

TEST(Usage, IsToldInJsonWhereJsonIsAsked) {
  const testing::TempDir none;
  const auto done = cardgate(none / "s", {"--json", "satus"});
  EXPECT_EQ(done.status, 2);
  const auto body = parse_json(done.output);
  ASSERT_TRUE(body) << done.all;
  EXPECT_EQ(body->as_object().at("error"), "usage");
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> out;
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) out.push_back(line);
  return out;
}

struct Help {
  std::vector<std::string> commands, examples;
};

Help help_of(const std::filesystem::path& socket, Words command) {
  command.emplace_back("--help");
  const auto done = cardgate(socket, command);
  EXPECT_EQ(done.status, 0) << done.all;
  Help help;
  enum class Part { other, commands, examples } part = Part::other;
  for (const auto& line : lines_of(done.output)) {
    if (line.starts_with("Subcommands:")) {
      part = Part::commands;
    } else if (line.starts_with("Example:")) {
      part = Part::examples;
    } else if (!line.starts_with("  ")) {
      part = Part::other;
    } else if (part == Part::commands && line.size() > 2 && line[2] != ' ') {
      help.commands.push_back(line.substr(2, line.find(' ', 2) - 2));
    } else if (part == Part::examples) {
      help.examples.push_back(line.substr(2));
    }
  }
  return help;
}

void collect(const std::filesystem::path& socket, const Words& command, std::vector<std::string>& examples) {
  auto help = help_of(socket, command);
  EXPECT_FALSE(help.examples.empty()) << ::testing::PrintToString(command) << " has no example";
  examples.insert(examples.end(), help.examples.begin(), help.examples.end());
  for (const auto& name : help.commands) {
    auto below = command;
    below.push_back(name);
    collect(socket, below, examples);
  }
}

/// As a shell reads it; sudo is nothing here, and there is no service to reach and no terminal to ask at. What is left to go
/// wrong is that the command line is not understood.
void expect_understood(const testing::TempDir& folder, const std::string& example) {
  testing::ProcessOptions options;
  options.directory = folder.path();
  options.environment = {{"CARDGATE_SOCKET", folder / "s"}, {"CARDGATE_ADMIN_SOCKET", folder / "a"}};
  const std::string script =
      "sudo() { \"$@\"; }\ncardgate() { " CARDGATE_COMMAND " \"$@\"; }\n" + example + "\n";
  const auto done = testing::run({"setsid", "--wait", "sh", "-c", script}, std::chrono::seconds(60), options);
  ASSERT_TRUE(done) << example;
  EXPECT_NE(done->status, 127) << example << "\n" << done->all;
  EXPECT_THAT(done->all, Not(HasSubstr("--help"))) << example;
  EXPECT_THAT(done->all, Not(HasSubstr("cannot open"))) << example;
}

/// The files that examples read from.
void make_inputs(const testing::TempDir& folder) {
  for (const char* name : {"passcode-file", "token"})
    ASSERT_TRUE(write_file_atomic(folder / name, as_bytes("x"), 0600));
}

TEST(Usage, EveryExampleOfEveryHelpIsUnderstood) {
  const testing::TempDir folder;
  make_inputs(folder);
  std::vector<std::string> examples;
  collect(folder / "s", {}, examples);
  EXPECT_GT(examples.size(), 80U);
  for (const auto& example : examples) expect_understood(folder, example);
}

TEST(Usage, EveryCommandOfThePapersIsUnderstood) {
  const testing::TempDir folder;
  make_inputs(folder);
  int seen = 0;
  for (const char* paper : {"README.md", "docs/operations.md"}) {
    const auto text = read_file(source_file(paper), 1 << 20);
    ASSERT_TRUE(text) << paper;
    for (const auto& line : lines_of(*text)) {
      if (!line.starts_with("    cardgate ") && !line.starts_with("    sudo cardgate ")) continue;
      ++seen;
      expect_understood(folder, line.substr(4));
    }
  }
  EXPECT_GT(seen, 20);
}

}  // namespace
}  // namespace cardgate::client
