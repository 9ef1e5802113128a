// SPDX-License-Identifier: Apache-2.0
// What every command that spends a passcode needs: which card, and how many tries are left.
#pragma once

#include <optional>
#include <string>

#include "base/json.hpp"
#include "base/secret.hpp"
#include "client/command/cli.hpp"
#include "client/shared/secrets.hpp"
#include "client/socket/service.hpp"
#include "proto/messages.hpp"

namespace cardgate::client {

struct FoundCard {
  std::string reader, card;
  std::int64_t tries_left = 0;                                 // -1: the card does not tell
  std::int64_t unblocking_tries_left = proto::tries_not_told;  // of its unblocking key, where the card told
  std::string warning;                                         // of a certificate that ends soon; else empty
  std::string name;                                            // in its certificate; may be empty
  std::string problem;                                         // why it cannot be used as it is; else empty
  bool must_change_passcode = false;           // lent, and it opens nothing before it has a new passcode
  bool registered = true;                      // to one person of this organisation, as far as is known
  std::optional<proto::Problem> refusal = {};  // set: there is no card to use, and why
};

/// What the card is wanted for. Only somebody who is registered here can sign in, so the only such card is meant; a help desk has
/// others in hand, and lends one of nobody's while its own is in another reader.
enum class CardFor : std::uint8_t { sign_in, desk, other };

/// The card to use: the one in the reader whose name contains `wanted`, or the only one there is, or (to sign in) the only one
/// that is registered here; of several the person is asked when `may_ask`. Waits for cards that are still being read.
/// Errors: as call(), invalid_argument (several, and nobody to ask).
Result<FoundCard> find_card(const Http& http, const std::string& wanted, bool may_ask, CardFor use);

/// "Card ID (NAME) in READER, 3 tries left".
std::string describe_card(const FoundCard& card);

/// Why no try should be spent on it: it is blocked, or only the last try is left and that was not confirmed.
std::optional<proto::Problem> refuse_to_spend(const FoundCard& card, bool spend_last_try,
                                              std::string_view how_to_confirm);

/// The same for the unblocking key, as far as the card told its tries.
std::optional<proto::Problem> refuse_to_spend_unblocking_key(const FoundCard& card, bool spend_last_try);

/// Says why a card or its passcode could not be had, and gives the exit code.
int say_card_error(const Cli& cli, const Error& error);

}  // namespace cardgate::client
