// SPDX-License-Identifier: Apache-2.0
#include "tests/architecture/house_rules.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <regex>
#include <set>
#include <sstream>

namespace cardgate::architecture {
namespace {

using Names = std::set<std::string, std::less<>>;

// Which folders each folder may include, besides itself.
const std::map<std::string, Names, std::less<>>& may_see() {
  static const std::map<std::string, Names, std::less<>> table{
      {"base", {}},
      {"pcsc", {"base"}},
      {"trust", {"base"}},
      {"policy", {"base"}},
      {"register", {"base"}},
      {"audit", {"base"}},
      {"proto", {"base"}},
      {"daemon", {"base", "pcsc", "trust", "policy", "register", "audit", "proto"}},
      {"client", {"base", "proto", "audit", "policy", "trust"}},
  };
  return table;
}

struct Home {
  std::string_view prefix;  // of the include
  Names folders;            // that may include it; one below another stands for itself alone
};

const std::vector<Home>& homes() {
  static const std::vector<Home> table{
      {"winscard.h", {"pcsc"}},
      {"wintypes.h", {"pcsc"}},
      {"pcsclite.h", {"pcsc"}},
      {"PCSC/", {"pcsc"}},
      {"zlib.h", {"pcsc"}},
      {"zconf.h", {"pcsc"}},
      {"openssl/", {"trust"}},
      {"sodium", {"base"}},
      {"SQLiteCpp/", {"register"}},
      {"sqlite3", {"register"}},
      {"yaml-cpp/", {"base"}},
      {"boost/asio", {"daemon", "client"}},
      {"boost/beast", {"daemon", "client"}},
      {"systemd/", {"daemon"}},
      {"dbus/", {"daemon"}},
      // What a vendor wrote never shares cardgated's memory.
      {"p11-kit", {"daemon/vendor"}},
      {"daemon/vendor/module.hpp", {"daemon/vendor"}},
      {"daemon/vendor/pkcs11.hpp", {"daemon/vendor"}},
  };
  return table;
}

std::string_view first_folder(std::string_view path) {
  const auto slash = path.find('/');
  return slash == std::string_view::npos ? std::string_view{} : path.substr(0, slash);
}

bool is_in_any(std::string_view path, const Names& folders) {
  return std::ranges::any_of(folders,
                             [&](const std::string& folder) { return path.starts_with(folder + "/"); });
}

std::string joined(const Names& names) {
  return names.empty() ? "nothing" : fmt::format("{}", fmt::join(names, "/, ")) + "/";
}

void check_include(std::string_view folder, const std::string& include, bool quoted, const std::string& where,
                   std::vector<std::string>& findings) {
  for (const auto& home : homes()) {
    if (include.starts_with(home.prefix) && !is_in_any(where, home.folders)) {
      findings.push_back(fmt::format("{}: {} belongs in {} only", where, include, joined(home.folders)));
    }
  }
  if (!quoted) return;
  const auto target = first_folder(include);
  if (target == "tests") {
    findings.push_back(fmt::format("{}: {}: what is built for use never includes tests/", where, include));
  } else if (!may_see().contains(target)) {
    findings.push_back(fmt::format("{}: {}: write the path from the repository's root", where, include));
  } else if (target != folder && !may_see().find(folder)->second.contains(target)) {
    findings.push_back(fmt::format("{}: {}: {}/ may include itself and {} only", where, include, folder,
                                   joined(may_see().find(folder)->second)));
  }
}

std::string read(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  std::ostringstream text;
  text << stream.rdbuf();
  return std::move(text).str();
}

bool is_source(const std::filesystem::path& file) {
  static const Names extensions{".cpp", ".hpp", ".cc", ".h", ".c", ".ipp", ".inc"};
  return extensions.contains(file.extension().string());
}

void append(std::vector<std::string>& to, std::vector<std::string> from) {
  std::move(from.begin(), from.end(), std::back_inserter(to));
}

}  // namespace

std::vector<std::string> check_source(std::string_view path, std::string_view text) {
  std::vector<std::string> findings;
  const auto folder = first_folder(path);
  if (!may_see().contains(folder)) return findings;
  static const std::regex include_line(R"(^\s*#\s*include\s*([<"])([^>"]+)[>"])");
  std::istringstream lines{std::string(text)};
  std::string line;
  for (int number = 1; std::getline(lines, line); ++number) {
    std::smatch match;
    if (!std::regex_search(line, match, include_line)) continue;
    check_include(folder, match[2], match[1] == "\"", fmt::format("{}:{}", path, number), findings);
  }
  return findings;
}

std::vector<std::string> check_cmake(std::string_view path, std::string_view text) {
  std::vector<std::string> findings;
  const auto folder = first_folder(path);
  const auto rule = may_see().find(folder);
  if (rule == may_see().end()) return findings;
  const std::string without_comments = std::regex_replace(std::string(text), std::regex("#[^\n]*"), "");

  static const std::regex room(R"(\bcardgate_([a-z]+)\b)");
  for (std::sregex_iterator it(without_comments.begin(), without_comments.end(), room), end; it != end;
       ++it) {
    const std::string name = (*it)[1];
    if (may_see().contains(name) && name != folder && !rule->second.contains(name)) {
      findings.push_back(fmt::format("{}: names cardgate_{}: {}/ may link {} only", path, name, folder,
                                     joined(rule->second)));
    }
  }

  static const std::regex link(R"(target_link_libraries\s*\(([^)]*)\))");
  static const Names shared{"Threads::Threads", "fmt::fmt"};
  for (std::sregex_iterator it(without_comments.begin(), without_comments.end(), link), end; it != end;
       ++it) {
    std::istringstream words{(*it)[1].str()};
    std::string word, visibility = "PUBLIC";  // which a plain signature means
    words >> word;
    while (words >> word) {
      if (word == "PUBLIC" || word == "PRIVATE" || word == "INTERFACE") {
        visibility = word;
      } else if (visibility != "PRIVATE" && !word.starts_with("cardgate_") && !word.starts_with("Boost::") &&
                 !shared.contains(word)) {
        findings.push_back(
            fmt::format("{}: {} is linked {}: a room's library stays PRIVATE", path, word, visibility));
      }
    }
  }
  return findings;
}

std::vector<std::string> find_violations(const std::filesystem::path& root, int& seen) {
  std::vector<std::string> findings;
  seen = 0;
  for (const auto& [folder, rule] : may_see()) {
    if (!std::filesystem::is_directory(root / folder)) continue;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(root / folder)) {
      const auto path = entry.path().lexically_relative(root).generic_string();
      if (entry.path().filename() == "CMakeLists.txt") {
        append(findings, check_cmake(path, read(entry.path())));
        ++seen;
      } else if (is_source(entry.path())) {
        append(findings, check_source(path, read(entry.path())));
        ++seen;
      }
    }
  }
  std::sort(findings.begin(), findings.end());
  return findings;
}

}  // namespace cardgate::architecture
