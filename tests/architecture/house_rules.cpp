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

// Which folders each folder may include, besides itself. One below another has rules of its own.
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
      {"client",
       {"client/socket", "client/shared", "client/agent", "base", "proto", "audit", "policy", "trust"}},
      {"client/agent", {"client/socket", "client/shared", "base", "proto"}},
      {"client/shared", {"base"}},
      {"client/socket", {"base", "proto"}},
      // These live in other people's programs, which must not get our libraries.
      {"client/library", {}},
      {"client/pam", {}},
  };
  return table;
}

// What each folder of the daemon may include of the daemon, besides itself: the beginnings of paths below daemon/. The
// files at the daemon's root join everything and may include it all.
const std::map<std::string, Names, std::less<>>& may_see_in_daemon() {
  static const Names leaves{"journal.hpp", "limits.hpp", "raised.hpp"};
  static const auto on = [](Names below, const Names& more) {
    below.insert(more.begin(), more.end());
    return below;
  };
  static const Names access = leaves;
  static const Names drivers = on(leaves, {"helper/stream.hpp", "vendor/message.hpp"});
  static const Names http = on(leaves, {"access/"});
  static const Names record = on(http, {"http/", "time/"});
  static const Names rules =
      on(leaves, {"access/", "drivers/", "fetch/message.hpp", "helper/stream.hpp", "record/", "time/"});
  static const Names people = on(record, {"record/", "rules/", "work/"});
  static const Names sessions = on(people, {"people/"});
  static const Names cards = on(sessions, {"drivers/", "sessions/"});
  static const Names deeds = on(sessions, {"sessions/"});
  static const Names api = on(cards, {"cards/", "deeds/"});
  static const std::map<std::string, Names, std::less<>> table{
      {"access", access},   {"api", api},
      {"cards", cards},     {"deeds", deeds},
      {"drivers", drivers}, {"fetch", {"helper/"}},
      {"helper", {}},       {"http", http},
      {"people", people},   {"record", record},
      {"rules", rules},     {"sessions", sessions},
      {"time", leaves},     {"vendor", {"helper/"}},
      {"work", {}},  // pure: it neither logs nor answers HTTP
  };
  return table;
}

// The rooms that a folder of the daemon may include; one that is not named here may include what daemon/ may.
const std::map<std::string, Names, std::less<>>& rooms_of_folder() {
  static const std::map<std::string, Names, std::less<>> table{
      {"access", {"base"}},
      {"http", {"base", "proto"}},  // it knows no policy, register or trust
      {"time", {"base"}},
      {"work", {"base", "policy", "register"}},
  };
  return table;
}

// What every folder may include has nothing below it, or the arrows would lead round through it.
const Names& leaves_of_daemon() {
  static const Names names{"journal.cpp", "journal.hpp", "limits.hpp", "raised.hpp"};
  return names;
}

constexpr std::string_view daemon_folder = "daemon/";
constexpr int longest_header = 150;
constexpr int longest_function = 60;

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
      {"SQLiteCpp/", {"register", "audit"}},
      {"sqlite3", {"register", "audit"}},
      {"yaml-cpp/", {"base"}},
      {"boost/asio", {"daemon", "client/socket", "client/agent"}},
      {"boost/beast", {"daemon", "client/socket"}},
      {"systemd/", {"daemon", "client/agent"}},
      {"security/", {"client/pam"}},
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

/// The innermost folder around `path` that stands in may_see(); else the first.
std::string_view ruled_folder(std::string_view path) {
  const auto first = first_folder(path);
  for (auto folder = path; !first.empty() && folder.size() > first.size();) {
    folder = folder.substr(0, folder.rfind('/'));
    if (may_see().contains(folder)) return folder;
  }
  return first;
}

/// Which folder the target `cardgate_NAME` is built from.
std::string_view folder_of_target(std::string_view name) {
  if (name == "client") return "client/socket";
  if (name == "agent") return "client/agent";
  if (name == "shared") return "client/shared";
  if (name == "command") return "client";
  return name;
}

bool is_in_any(std::string_view path, const Names& folders) {
  return std::ranges::any_of(folders,
                             [&](const std::string& folder) { return path.starts_with(folder + "/"); });
}

std::string joined(const Names& names) {
  return names.empty() ? "nothing" : fmt::format("{}", fmt::join(names, "/, ")) + "/";
}

std::string listed(const Names& names) {
  return names.empty() ? "nothing of daemon/" : fmt::format("{}", fmt::join(names, ", "));
}

/// `to` is a path from the repository's root, into another room.
void check_rooms(std::string_view folder, std::string_view to, const std::string& where,
                 std::vector<std::string>& findings) {
  const auto rule = rooms_of_folder().find(folder);
  if (rule != rooms_of_folder().end() && !rule->second.contains(first_folder(to)))
    findings.push_back(fmt::format("{}: {}: of the rooms, daemon/{}/ may include {} only", where, to, folder,
                                   joined(rule->second)));
}

/// `from` and `to` are paths below daemon/.
void check_in_daemon(std::string_view from, std::string_view to, const std::string& where,
                     std::vector<std::string>& findings) {
  const auto folder = first_folder(from);
  if (folder.empty()) {
    if (leaves_of_daemon().contains(from) && !leaves_of_daemon().contains(to))
      findings.push_back(
          fmt::format("{}: daemon/{}: {} is for every folder, so it includes none of them", where, to, from));
    return;
  }
  if (first_folder(to) == folder) return;
  const auto rule = may_see_in_daemon().find(folder);
  if (rule == may_see_in_daemon().end()) {
    findings.push_back(
        fmt::format("{}: daemon/{}/ is new: say in house_rules.cpp what it may include", where, folder));
    return;
  }
  const bool allowed =
      std::ranges::any_of(rule->second, [&](const std::string& begin) { return to.starts_with(begin); });
  if (!allowed)
    findings.push_back(fmt::format("{}: daemon/{}: daemon/{}/ may include itself and {} only", where, to,
                                   folder, listed(rule->second)));
}

void check_include(std::string_view folder, const std::string& include, bool quoted, const std::string& where,
                   std::vector<std::string>& findings) {
  for (const auto& home : homes()) {
    if (include.starts_with(home.prefix) && !is_in_any(where, home.folders)) {
      findings.push_back(fmt::format("{}: {} belongs in {} only", where, include, joined(home.folders)));
      return;
    }
  }
  if (!quoted) return;
  const auto target = ruled_folder(include);
  if (target == "tests") {
    findings.push_back(fmt::format("{}: {}: what is built for use never includes tests/", where, include));
  } else if (!may_see().contains(target)) {
    findings.push_back(fmt::format("{}: {}: write the path from the repository's root", where, include));
  } else if (target != folder && !may_see().find(folder)->second.contains(target)) {
    findings.push_back(fmt::format("{}: {}: {}/ may include itself and {} only", where, include, folder,
                                   joined(may_see().find(folder)->second)));
  } else if (folder == "daemon") {
    const auto from = std::string_view(where).substr(0, where.rfind(':')).substr(daemon_folder.size());
    if (target == "daemon") {
      check_in_daemon(from, std::string_view(include).substr(daemon_folder.size()), where, findings);
    } else {
      check_rooms(first_folder(from), include, where, findings);
    }
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
  const auto folder = ruled_folder(path);
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

std::vector<std::string> check_header_length(std::string_view path, std::string_view text) {
  if (!path.starts_with(daemon_folder) || !path.ends_with(".hpp")) return {};
  const auto lines = std::ranges::count(text, '\n');
  if (lines <= longest_header) return {};
  return {fmt::format("{}: a header of {} lines: {} at the most in daemon/", path, lines, longest_header)};
}

std::vector<std::string> check_function_lengths(std::string_view path, std::string_view text) {
  std::vector<std::string> findings;
  if (!path.starts_with("daemon/api/") || !path.ends_with(".cpp")) return findings;
  std::istringstream lines{std::string(text)};
  std::string line;
  int begun = 0;        // the first line of the definition that is being read; 0: none
  bool inside = false;  // its opening brace was seen
  for (int number = 1; std::getline(lines, line); ++number) {
    line = line.substr(0, line.find("  //"));  // a comment behind the code
    if (line.empty() || line.starts_with("#") || line.starts_with("//")) continue;
    if (inside) {
      if (!line.starts_with("}")) continue;
      const int length = number - begun + 1;
      if (line == "}" && length > longest_function)
        findings.push_back(fmt::format("{}:{}: a function of {} lines: {} at the most in daemon/api/", path,
                                       begun, length, longest_function));
      begun = 0;
      inside = false;
      continue;
    }
    if (line.starts_with("namespace") || line.starts_with("}")) continue;
    if (begun == 0) begun = number;
    if (line.ends_with("{")) inside = true;
    if (line.ends_with(";") || line.ends_with("}")) begun = 0;  // a declaration, or all of it in a line
  }
  return findings;
}

std::vector<std::string> check_cmake(std::string_view path, std::string_view text) {
  std::vector<std::string> findings;
  const auto folder = ruled_folder(path);
  const auto rule = may_see().find(folder);
  if (rule == may_see().end()) return findings;
  const std::string without_comments = std::regex_replace(std::string(text), std::regex("#[^\n]*"), "");

  static const std::regex room(R"(\bcardgate_([a-z]+)\b)");
  for (std::sregex_iterator it(without_comments.begin(), without_comments.end(), room), end; it != end;
       ++it) {
    const std::string name = (*it)[1];
    const auto target = folder_of_target(name);
    if (may_see().contains(target) && target != folder && !rule->second.contains(target)) {
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
    if (folder.find('/') != std::string::npos || !std::filesystem::is_directory(root / folder)) continue;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(root / folder)) {
      const auto path = entry.path().lexically_relative(root).generic_string();
      if (entry.path().filename() == "CMakeLists.txt") {
        append(findings, check_cmake(path, read(entry.path())));
        ++seen;
      } else if (is_source(entry.path())) {
        const auto text = read(entry.path());
        append(findings, check_source(path, text));
        append(findings, check_header_length(path, text));
        append(findings, check_function_lengths(path, text));
        ++seen;
      }
    }
  }
  std::sort(findings.begin(), findings.end());
  return findings;
}

}  // namespace cardgate::architecture
