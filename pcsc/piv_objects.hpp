// SPDX-License-Identifier: Apache-2.0
// For this room's own files only: what stands in the answers of a PIV card (SP 800-73-4 Part 1, 3; Part 2,
// 3.1-3.2), taken apart. Pure.
//
// Nothing read here is proved by its form: a signature is checked against a certificate, and a certificate by
// its issuer. So these parsers are patient with what cards really answer (padding, other orders, needless
// zeros, wrong flags) and strict only where two readings are possible.
#pragma once

#include <optional>

#include "base/bytes.hpp"
#include "pcsc/tlv.hpp"

namespace cardgate::pcsc::piv {

/// One level of data objects, without what cards put before, between and behind them: bytes 00 and FF where
/// a tag belongs (ISO/IEC 7816-4, 5.2.2.1).
class PaddedReader {
 public:
  explicit PaddedReader(BytesView bytes) : rest_(bytes) {}
  /// The next element; nothing when only padding is left. Errors: as TlvReader::next().
  Result<std::optional<Tlv>> next();
  /// The last element as it stands, tag and length included.
  BytesView raw() const { return raw_; }

 private:
  BytesView rest_, raw_;
};

/// The content of a data object (53); empty when the card answered with nothing, which some do for what they
/// do not have. Errors: malformed (another tag, cut off), too_large.
Result<BytesView> object_content(BytesView answer);

/// Whether the answer to SELECT names applications, and PIV is none of them. A card that took PIV's name and
/// says nothing, or nothing that can be read, has not named another.
bool names_another_application(BytesView answer);

/// Whether the Discovery Object says that people of this card know the global passcode. An object that cannot
/// be read says nothing.
bool global_pin_is_primary(BytesView discovery);

/// The certificate in a certificate object, unpacked when it is packed: the content decides, not the flag.
/// Empty when the object holds none. Errors: malformed, too_large (over `max_bytes`).
Result<Bytes> certificate_in(BytesView answer, std::size_t max_bytes);

/// The signature in an answer to GENERAL AUTHENTICATE. Errors: malformed.
Result<BytesView> signature_in(BytesView answer);

/// An RSA signature of exactly `size` bytes: cards add or leave out zeros in front. Errors: malformed.
Result<Bytes> rsa_signature(BytesView signature, std::size_t size);

/// DER SEQUENCE {INTEGER r, INTEGER s} (RFC 3279 2.2.3), each of at most `size` bytes: cards write them with
/// needless zeros, and without the zero that a high first bit needs. Errors: malformed (no such two numbers, one
/// is 0 or too long).
Result<Bytes> ecdsa_signature(BytesView signature, std::size_t size);

}  // namespace cardgate::pcsc::piv
