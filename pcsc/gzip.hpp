// SPDX-License-Identifier: Apache-2.0
// Unpacks a certificate that a card keeps compressed: the room's only use of zlib. Pure; thread-safe.
#pragma once

#include "base/bytes.hpp"

namespace cardgate::pcsc {

/// One gzip (RFC 1952) or zlib (RFC 1950) stream, each with its own checksum; what stands behind it is padding.
/// Never holds more than `max_bytes` + 1 of it. Errors: malformed, too_large.
Result<Bytes> gunzip(BytesView packed, std::size_t max_bytes);

}  // namespace cardgate::pcsc
