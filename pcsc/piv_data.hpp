// SPDX-License-Identifier: Apache-2.0
// For this room's own files only: reading a PIV data object, and what its failures mean.
#pragma once

#include <string_view>

#include "pcsc/apdu.hpp"
#include "pcsc/piv.hpp"

namespace cardgate::pcsc::piv {

/// A status word that the specification does not foresee for this command.
Error unexpected(std::uint16_t sw, std::string_view doing);
/// What the parsers found wrong is the card's fault here.
Error protocol(const Error& error, std::string_view what);

struct SlotFacts {
  Slot slot;
  std::uint32_t certificate_object;
  std::string_view name;
};
/// Null for a value that is no slot.
const SlotFacts* facts_of(Slot slot);

/// GET DATA. Errors: card_data_missing, permission_denied (the card does not show it, here or now), card_status.
Result<Response> get_data(CardChannel& card, std::uint32_t object, std::string_view doing, Read read);

}  // namespace cardgate::pcsc::piv
