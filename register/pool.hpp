// SPDX-License-Identifier: Apache-2.0
// The pool: cards that belong to nobody and that the desk lends for a day to somebody who has none today. A card on loan is one of
// the person's cards (Card::lent_until) until it is returned. Its loan may end before: then it opens nothing, and it is not free
// either until somebody has seen it. Plain data.
#pragma once

#include <optional>
#include <string>

#include "base/clock.hpp"

namespace cardgate::reg {

/// So many cards has no pool, even of a large hospital; each one more makes looking at all of them dearer.
inline constexpr std::size_t max_pool_cards = 1000;
/// So many cards that were taken out of the pool are remembered, the last ones, so that a backup does not bring them back. A
/// backup from before them all does bring back the older ones: they can be taken out again.
inline constexpr std::size_t max_removed_pool_cards = 1000;

struct PoolCard {
  std::string uuid;              // as Card::uuid
  std::string certificate_name;  // the name in its certificate: of nobody, or of the pool
  std::string added_by;          // an id
  std::optional<Date> added_on;
  // Computed: who has it. No holder: it is in the drawer.
  std::string holder = {};  // an id
  std::string status =
      {};  // of their card: active, waiting; ended: not back; lost, replaced, revoked: it is to come out of the pool
  std::string lent_by = {};
  std::optional<WallTime> lent_until = {};
  bool must_change_passcode = false;  // as Card
  bool holds_key = false;             // its unblocking key (PUK) is kept: unblocking.hpp
  friend bool operator==(const PoolCard&, const PoolCard&) = default;
};

/// A card that somebody has on loan.
struct Loan {
  std::string person, card;  // an id; a UUID
  std::string status;        // active, waiting
  std::string lent_by;       // an id
  WallTime until;
  std::optional<WallTime> from = {};  // not known of loans by older versions
  friend bool operator==(const Loan&, const Loan&) = default;
};

}  // namespace cardgate::reg
