// SPDX-License-Identifier: Apache-2.0
// Tables that test a policy: invented people, and who of them should get which role (config/policy-test.yaml is the
// commented example). Pure but for reading the file; thread-safe.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "policy/decide.hpp"

namespace cardgate::policy {

struct TableCase {
  int line = 0;
  std::string person, role;
  SignIn sign_in = SignIn::card;
  WallTime at;
  bool allowed = false;
  // Each as codes, in any order; nothing: not looked at.
  std::optional<std::vector<std::string>> unmet, warnings;
  std::optional<std::string> records;
};

struct Table {
  std::filesystem::path policy;  // as the file names it, from the file's folder; empty: it names none
  std::map<std::string, Facts> people;
  std::vector<TableCase> cases;
};

/// Errors: not_found, permission_denied, io, too_large (the file); config_invalid.
Result<Table> load_table(const std::filesystem::path& path);
/// `name` stands for the file in messages. Errors: config_invalid.
Result<Table> parse_table(std::string_view text, std::string_view name);

struct TableOutcome {
  Decision decision;
  std::vector<std::string> differences;  // from what was expected, a sentence each; empty: as expected
  bool ok() const { return differences.empty(); }
};

/// An outcome a case.
std::vector<TableOutcome> run_table(const Policy& policy, const Table& table);

}  // namespace cardgate::policy
