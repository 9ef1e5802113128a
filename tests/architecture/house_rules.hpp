// SPDX-License-Identifier: Apache-2.0
// The house's rules, read from include lines and CMake files: who may see whom (rooms, and the daemon's folders), where a
// library lives, and how long a header or a function of the daemon may be.
// Pure but for find_violations(), which reads a tree.
#pragma once

#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace cardgate::architecture {

/// What the include lines of one C++ file break; `path` is relative to the repository, e.g. "pcsc/piv.cpp".
/// Files under tests/ are exempt. One line a finding: "path:line: what is wrong".
std::vector<std::string> check_source(std::string_view path, std::string_view text);

/// A header under daemon/ of more than 150 lines.
std::vector<std::string> check_header_length(std::string_view path, std::string_view text);

/// The functions in a .cpp of daemon/api/ that have more than 60 lines, counted from the first line to the closing brace. It
/// goes by the layout that clang-format gives: a definition begins in column 1 and ends with "}" alone there. It does not see
/// functions inside a class.
std::vector<std::string> check_function_lengths(std::string_view path, std::string_view text);

/// What a room's CMakeLists.txt breaks: a link to a room it may not see, an outside library that is not
/// PRIVATE.
std::vector<std::string> check_cmake(std::string_view path, std::string_view text);

/// Everything that the tree under `root` breaks. `seen` counts the files that were read.
std::vector<std::string> find_violations(const std::filesystem::path& root, int& seen);

}  // namespace cardgate::architecture
