// SPDX-License-Identifier: Apache-2.0
// What a card says of itself when it wakes up: Answer To Reset (ISO/IEC 7816-3 8.2). Pure.
#pragma once

#include "base/bytes.hpp"

namespace cardgate::pcsc {

/// The historical bytes, without category indicator's own checks. Errors: malformed.
Result<BytesView> historical_bytes(BytesView atr);

/// True when the card capabilities in the historical bytes promise extended Lc and Le (ISO/IEC
/// 7816-4 8.1.1, 8.1.1.2.7). What cannot be read promises nothing.
bool promises_extended_length(BytesView atr);

}  // namespace cardgate::pcsc
