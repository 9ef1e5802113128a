// SPDX-License-Identifier: Apache-2.0
// Between what PKCS#11 takes and gives and what cardgate's trust/ makes and checks. Pure; thread-safe.
#pragma once

#include "base/bytes.hpp"

namespace cardgate::daemon::vendor {

/// The DigestInfo inside an EMSA-PKCS1-v1_5 block (RFC 8017 9.2): CKM_RSA_PKCS pads it again itself.
/// Errors: malformed.
Result<BytesView> digest_info(BytesView block);

/// PKCS#11's r and s of equal length, one behind the other, as DER SEQUENCE {r, s}. Errors: card_protocol.
Result<Bytes> ecdsa_to_der(BytesView raw);

}  // namespace cardgate::daemon::vendor
