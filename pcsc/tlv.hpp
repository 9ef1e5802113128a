// SPDX-License-Identifier: Apache-2.0
// A BER-TLV reader (ISO/IEC 7816-4:2013, 5.2.2; X.690 8.1). Pure; a view over bytes that the caller keeps
// alive.
//
// Tags stay as the specification prints them (0x5FC102). Lengths are definite, at most four bytes, and
// minimal save where a caller allows otherwise (real cards write 82 00 xx). Leftovers are an error: finish()
// says so.
#pragma once

#include <cstdint>

#include "base/bytes.hpp"

namespace cardgate::pcsc {

inline constexpr std::size_t max_tlv_value = 65536;

struct Tlv {
  std::uint32_t tag = 0;
  BytesView value;
};

class TlvReader {
 public:
  enum class Lengths : std::uint8_t { any, minimal };  // minimal: DER
  explicit TlvReader(BytesView bytes, Lengths lengths = Lengths::any) : rest_(bytes), lengths_(lengths) {}

  bool at_end() const { return rest_.empty(); }
  BytesView rest() const { return rest_; }

  /// The next element. Errors: malformed (truncated, indefinite, over-long tag or length), too_large.
  Result<Tlv> next();
  /// The next element, which must carry `tag`. Errors: malformed, too_large.
  Result<BytesView> expect(std::uint32_t tag);
  /// Nothing may be left. Errors: malformed.
  Result<void> finish() const;

 private:
  BytesView rest_;
  Lengths lengths_;
};

/// Tag and length of one element whose value may go on beyond `bytes`: for reading only the head of a long
/// object.
struct TlvHead {
  std::uint32_t tag = 0;
  std::size_t length = 0;  // as announced
  BytesView available;     // what of the value is there, never more than `length`
};
/// Errors: malformed, too_large.
Result<TlvHead> read_tlv_head(BytesView bytes);

/// Appends tag, minimal length and value. REQUIRES: value of at most 65535 bytes.
void append_tlv(Bytes& out, std::uint32_t tag, BytesView value);

}  // namespace cardgate::pcsc
