// SPDX-License-Identifier: Apache-2.0
// Where a test finds the sources and what was built.
#pragma once

#include <string>
#include <string_view>

namespace cardgate {

/// The absolute path of a file of the repository, e.g. source_file("config/policy.yaml").
std::string source_file(std::string_view relative);
/// The absolute path of something in the build folder, e.g. built_file("daemon/cardgated").
std::string built_file(std::string_view relative);

}  // namespace cardgate
