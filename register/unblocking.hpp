// SPDX-License-Identifier: Apache-2.0
// What the register keeps so that a card of the pool can be unblocked by a code from the help desk: the card's unblocking key
// (PUK), sealed by whoever holds the key for that, and the code's hash, for whoever has the card on loan. Each call opens a
// connection of its own to a register that open_sqlite() opened in this process, and is durable on return.
//
// A try is counted before it is compared, so that neither many at once nor a restart give free ones.
//
// Errors of each function: corrupt, io, no_space, unavailable; and what it says.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/result.hpp"

namespace cardgate::reg {

/// After so many wrong codes the code is void.
inline constexpr std::int64_t unblock_code_tries = 5;

/// `sealed`: empty forgets it. Errors: not_found (the card is not in the pool).
Result<void> keep_unblocking_key(const std::filesystem::path& file, std::string_view card,
                                 std::string_view sealed);

/// A code for the card that the person has on loan, in the place of an older one. Errors: not_found (the person),
/// invalid_argument (no card on loan, or no key of it is kept).
Result<void> set_unblock_code(const std::filesystem::path& file, std::string_view person,
                              std::string_view hash, WallTime expires);

struct UnblockTry {
  std::string hash;  // empty: nothing to compare with
  std::optional<WallTime> expires;
};
/// Counts a try of whoever has this card on loan.
Result<UnblockTry> begin_unblock(const std::filesystem::path& file, std::string_view person,
                                 std::string_view card);
/// It was never compared: as if it had not been made.
Result<void> undo_unblock(const std::filesystem::path& file, std::string_view person);
/// It was right: the code is used up, and the sealed key is told. Errors: cancelled (it was used, or the card returned, meanwhile).
Result<std::string> spend_unblock_code(const std::filesystem::path& file, std::string_view person,
                                       std::string_view card, std::string_view hash);

}  // namespace cardgate::reg
