// SPDX-License-Identifier: Apache-2.0
// Looking after the register's file while others use it: checking it whole, copying it, putting a copy back. Each
// call has connections of its own, needs little memory whatever the file's size, and may run on any thread.
#pragma once

#include <atomic>
#include <filesystem>
#include <string>
#include <vector>

#include "base/result.hpp"

namespace cardgate::reg {

enum class Depth : std::uint8_t {
  quick,  // every page and row: minutes for millions of people
  full    // and every index against its table, and every row against whom it names
};

/// What is wrong with the file, at most a hundred sentences; nothing: it is whole. Nothing is ever put right by
/// itself. Errors: cancelled (`stop` became true), io, unavailable, permission_denied.
Result<std::vector<std::string>> check_register(const std::filesystem::path& file, Depth depth,
                                                const std::atomic<bool>& stop);

struct Copied {
  std::uint64_t bytes = 0;
  std::size_t people = 0;
};

/// Copies one state of the register at `file` to `to`, which must not be there: 0600, durable on return, whole or not
/// there at all. Errors: already_exists, cancelled, corrupt, no_space, io.
Result<Copied> back_up(const std::filesystem::path& file, const std::filesystem::path& to,
                       const std::atomic<bool>& stop);

/// Looks a backup over whole, and brings one of an older layout up to date. Errors: corrupt (damaged, or no register),
/// not_found, permission_denied, unavailable (of a newer cardgate), cancelled, io.
Result<void> check_backup(const std::filesystem::path& backup, const std::atomic<bool>& stop);

struct Restored {
  std::size_t people = 0;
  std::vector<std::string> still_removed;  // ids: removed since the backup, and removed still
  std::size_t still_blocked_cards = 0;     // lost, replaced or revoked since the backup
};

/// Puts what check_backup() found good in the place of the register's content, for readers in one step. What was taken
/// away since the backup stays so: removed access (with what was asked for about it), cards that are not active, forms,
/// delegations and stand-ins that were closed, and that set-up is closed; passwords and codes are the newest of both.
/// `backup` is changed by that. Nobody else may change the register meanwhile. Errors:
/// corrupt (either file; a damaged register cannot tell who was removed), no_space, unavailable, io.
Result<Restored> restore(const std::filesystem::path& backup, const std::filesystem::path& file);

}  // namespace cardgate::reg
