// SPDX-License-Identifier: Apache-2.0
// What is shipped for those who run the machine fits together: the journal, its catalog, the units and docs/operations.md.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <regex>
#include <set>
#include <sstream>

#include "tests/support/folders.hpp"

namespace cardgate::architecture {
namespace {

namespace fs = std::filesystem;
using Names = std::set<std::string>;

std::string text_of_file(const fs::path& file) {
  std::ifstream stream(file, std::ios::binary);
  std::ostringstream text;
  text << stream.rdbuf();
  return std::move(text).str();
}
std::string shipped(const std::string& name) {
  const auto text = text_of_file(source_file(name));
  EXPECT_FALSE(text.empty()) << name;
  return text;
}

Names all_of(const std::string& text, const std::string& pattern) {
  Names out;
  const std::regex expression(pattern);
  for (std::sregex_iterator at(text.begin(), text.end(), expression), end; at != end; ++at)
    out.insert((*at)[1].str());
  return out;
}

TEST(Catalog, HasNoPlaceholderThatAnEntryMayLack) {
  const auto fields = all_of(shipped("systemd/cardgate.catalog"), "@([A-Z_]+)@");
  EXPECT_EQ(fields, Names{"MESSAGE"});
}

// A unit that debhelper is not told of is neither enabled nor stopped; one that serves a request ends with its socket.
TEST(Packages, AreToldOfEveryUnitAndUser) {
  const auto rules = shipped("debian/rules");
  for (const auto& entry : fs::directory_iterator(source_file("systemd"))) {
    const auto name = entry.path().filename().string();
    const bool system_unit =
        name.ends_with(".service") || name.ends_with(".socket") || name.ends_with(".timer");
    if (!entry.is_regular_file() || !system_unit) continue;
    const auto at = name.find("@.service");
    EXPECT_NE(rules.find(at == std::string::npos ? name : name.substr(0, at) + ".socket"), std::string::npos)
        << name;
  }
  const auto paper = shipped("docs/operations.md");
  const auto place = paper.find("\n## Remove\n");
  ASSERT_NE(place, std::string::npos);
  for (const std::string user : {"cardgate", "cardgate-fetch", "cardgate-vendor"})
    EXPECT_NE(paper.find("userdel " + user, place), std::string::npos) << user;
}

/// The lines to be typed under "## Install", without their comments.
std::string install_lines(const std::string& paper) {
  const auto from = paper.find("\n## Install\n");
  EXPECT_NE(from, std::string::npos);
  std::istringstream section(paper.substr(from + 1, paper.find("\n## ", from + 1) - from - 1));
  std::string out;
  for (std::string line; std::getline(section, line);) {
    if (line.starts_with("    ")) out += std::regex_replace(line, std::regex("^ +| +#.*$"), "") + "\n";
  }
  return out;
}

// The booted tree runs README's lines (tests/system/run-booted-tree takes them from there).
TEST(ReadMe, TellsPeopleToInstallWhatTheOperationsPaperTellsAndTheTestsRun) {
  const auto lines = install_lines(shipped("README.md"));
  EXPECT_EQ(lines, install_lines(shipped("docs/operations.md")));
  EXPECT_TRUE(lines.starts_with("script/package\nsudo apt install ./build/packages/")) << lines;
  EXPECT_NE(shipped("tests/system/run-booted-tree").find("/README.md"), std::string::npos);
  EXPECT_NE(shipped("tests/system/inside-package-tree").find("<install-lines"), std::string::npos);
}

// A mistyped name in an alert never fires, and nobody sees it.
TEST(Metrics, WhatAlertsAndTheDashboardAskForIsThere) {
  const auto told = all_of(shipped("daemon/record/metrics.cpp"), "\\{\"([a-z_]+)\",");
  for (const char* file :
       {"config/prometheus/cardgate-alerts.yaml", "config/prometheus/grafana-dashboard.json"}) {
    const auto asked = all_of(shipped(file), "cardgate_([a-z_]+)");
    EXPECT_GE(asked.size(), 10U) << file;
    for (auto name : asked) {
      for (const std::string_view end : {"_total", "_bucket"}) {
        if (name.ends_with(end)) name.resize(name.size() - end.size());
      }
      EXPECT_TRUE(told.contains(name)) << file << ": cardgate_" << name;
    }
  }
}

TEST(OperationsPaper, NamesNoFileOfTheSourceTree) {
  const auto paper = shipped("docs/operations.md");
  for (const std::string path : {" config/", "`config/", "(config/"}) {
    EXPECT_EQ(paper.find(path), std::string::npos)
        << path << " is installed elsewhere: /usr/share/doc/cardgate/examples";
  }
  const auto examples = all_of(paper, "/usr/share/doc/cardgate/examples/([a-z0-9-]+\\.[a-z]+)");
  EXPECT_FALSE(examples.empty());
  for (const auto& name : examples) EXPECT_TRUE(fs::exists(source_file("config/" + name))) << name;
}

TEST(Units, ARefusedReloadAndARefusedStartAreToldToSystemd) {
  const auto unit = shipped("systemd/cardgated.service");
  EXPECT_NE(unit.find("\nExecReload=/usr/sbin/cardgated --check-config"), std::string::npos);
  EXPECT_NE(unit.find("\nExecReload=+/usr/bin/cardgate reload\n"), std::string::npos);
  EXPECT_EQ(unit.find("kill -HUP"), std::string::npos) << "that asks, and hears nothing of the outcome";
  EXPECT_NE(unit.find("\nRestartPreventExitStatus=78\n"), std::string::npos);
}

}  // namespace
}  // namespace cardgate::architecture
