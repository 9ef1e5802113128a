// SPDX-License-Identifier: Apache-2.0
// What names a card: UUIDs as text, the names that are none, because many cards carry the same, and the name of a
// card that has no UUID of its own. One place for the rooms that read, register and judge cards. Pure; thread-safe.
#pragma once

#include <string>
#include <string_view>

#include "base/bytes.hpp"

namespace cardgate {

/// 8-4-4-4-12 hexadecimal digits in either case (RFC 9562 4).
bool is_uuid(std::string_view text);
/// Its 16 bytes as such a text, lower case.
std::string uuid_text(BytesView uuid);

/// A UUID that issuers leave in when they give none: nil, all FF (RFC 9562 5.9, 5.10), the same digit
/// throughout; also with only version and variant set. Either case. False for what is no UUID.
bool is_placeholder_uuid(std::string_view uuid);

/// A FASC-N (SP 800-87; 25 bytes as hex, either case) that many cards carry: the same byte throughout, agency
/// 9999 (issuers outside the federal government), or a system and credential number of zeros or nines. False
/// for what is no FASC-N.
bool is_placeholder_fasc_n(std::string_view hex);

/// Why this name stands for no single card, a plain English sentence without its full stop; empty when nothing
/// speaks against it. `kind` as the register has it: card_uuid, fasc_n, uri; others are never placeholders.
std::string why_placeholder(std::string_view kind, std::string_view value);

/// The card's name when it has no UUID: a UUID of version 8 (RFC 9562 5.8) made of its certificate's issuer
/// (RFC 4514 text) and serial number (hex), which no other certificate of that issuer has (RFC 5280 4.1.2.2).
/// Case, leading zeros, colons and spaces around separators do not count, so that a person may copy them from
/// any tool.
std::string card_id_from(std::string_view issuer, std::string_view serial);
/// The same from "ISSUER;SERIAL". Empty when it is not that, or the serial number is no hex.
std::string card_id_from(std::string_view issuer_serial);

}  // namespace cardgate
