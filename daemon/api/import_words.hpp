// SPDX-License-Identifier: Apache-2.0
// What an import says to whoever brings a staff file: bad lines, why it stops, what to look at. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.hpp"
#include "policy/policy.hpp"
#include "register/import/report.hpp"

namespace cardgate::daemon {

/// The first thousand.
json::array lines_json(const std::vector<reg::ImportProblem>& problems);

struct ImportStop {
  std::string_view error;   // the problem's code
  std::string_view reason;  // for the audit log
  std::string detail;
  json::object extra;
};
/// Why nothing is taken over although no line is wrong. What is most likely a mistake in the file comes first.
std::optional<ImportStop> stop_of(const reg::ImportReport& report);

/// What a person should look at, though the import goes on.
json::array warnings_of(const reg::ImportReport& report);

}  // namespace cardgate::daemon
