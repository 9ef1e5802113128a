// SPDX-License-Identifier: Apache-2.0
// For this room's own files only: reading a PIV data object, and what its failures mean.
#pragma once

#include "pcsc/apdu.hpp"

namespace cardgate::pcsc::piv {

/// A status word that the specification does not foresee for this command.
Error unexpected(std::uint16_t sw, std::string_view doing);
/// What the parsers found wrong is the card's fault here.
Error protocol(const Error& error, std::string_view what);

/// GET DATA. Errors: card_data_missing, card_status.
Result<Response> get_data(CardChannel& card, std::uint32_t object, std::string_view doing, Read read);

}  // namespace cardgate::pcsc::piv
