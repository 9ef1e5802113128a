// SPDX-License-Identifier: Apache-2.0
// Proof that a card holds the private key of its certificate: what to sign, in which form the card takes it,
// and whether the answer is right. Pure; thread-safe.
#pragma once

#include <string_view>

#include "base/bytes.hpp"
#include "trust/certificate.hpp"

namespace cardgate::trust {

/// The message of one sign-in: "cardgate sign-in v1" and a NUL, then nonce, host and sign-in id, each after
/// its length (32 bits, big-endian). So a signature made here says nothing to another host, sign-in or
/// protocol.
Bytes challenge_message(BytesView nonce32, std::string_view host, std::string_view sign_in_id);

/// The block that a PIV card signs as it is: RSA, EMSA-PKCS1-v1_5 with SHA-256 to the modulus length (RFC
/// 8017 9.2); P-256, the SHA-256 hash; P-384, the SHA-384 hash (SP 800-78-4 table 3-7). Errors:
/// key_unsupported.
Result<Bytes> block_to_sign(KeyKind kind, BytesView message);

/// ECDSA signatures are DER SEQUENCE {r, s}, as a card gives them. Judges the key alone, not the certificate.
/// Errors: signature_invalid, certificate_malformed, key_unsupported.
Result<void> verify_possession(BytesView leaf_der, BytesView message, BytesView signature);

}  // namespace cardgate::trust
