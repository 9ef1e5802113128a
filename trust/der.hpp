// SPDX-License-Identifier: Apache-2.0
// For this room's own files only: walks over DER that is too large to be decoded into objects (X.690 10).
// Pure; thread-safe.
#pragma once

#include <optional>

#include "base/bytes.hpp"

namespace cardgate::trust {

struct DerElement {
  int tag = -1;       // V_ASN1_..., or the number of a context-specific tag
  int tag_class = 0;  // V_ASN1_UNIVERSAL, V_ASN1_CONTEXT_SPECIFIC
  BytesView whole;    // header and content
  BytesView content;
};

/// Elements one behind the other. Views live as long as what is walked over.
class DerWalk {
 public:
  explicit DerWalk(BytesView bytes) : rest_(bytes) {}
  bool at_end() const { return rest_.empty(); }
  /// Nothing at the end, and for what is no DER (indefinite or needlessly long lengths, cut off).
  std::optional<DerElement> next();
  /// The next element when it has this universal tag; nothing, and not a step on, when it has another.
  std::optional<DerElement> next_if(int universal_tag);

 private:
  BytesView rest_;
};

/// Of magnitudes without leading zeros, and of serial numbers: the shorter one, or the smaller of one length.
bool number_less(BytesView a, BytesView b);

/// A constructed element of the universal tag around `parts`, one behind the other.
Bytes der_around(int universal_tag, std::initializer_list<BytesView> parts);

}  // namespace cardgate::trust
