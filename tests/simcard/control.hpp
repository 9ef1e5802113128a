// SPDX-License-Identifier: Apache-2.0
// How `cardgate-simcard pull` reaches the inserted card: a Unix socket, one line asked, one answered.
//
//   pull    the card is taken out, then "pulled"      status    "inserted"
// One thread at a time.
#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include "base/file.hpp"
#include "base/result.hpp"

namespace cardgate::simcard {

/// Listens at `path`, readable and writable by its owner only. A socket that nobody listens on is replaced.
/// Errors: already_exists (a card listens there), invalid_argument (path too long), io.
Result<FileDescriptor> listen_at(const std::filesystem::path& path);

/// Takes one connection and answers it with what `handle` makes of the line it asks. A peer that says nothing
/// within two seconds is dropped. Errors: io, timeout.
Result<void> answer_one(int listener, const std::function<std::string(const std::string& line)>& handle);

/// Errors: not_found (nobody listens), invalid_argument (path too long), timeout, io.
Result<std::string> ask(const std::filesystem::path& path, const std::string& line);

}  // namespace cardgate::simcard
