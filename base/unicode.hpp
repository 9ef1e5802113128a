// SPDX-License-Identifier: Apache-2.0
// Text as people mean it, whatever keyboard it came from: the same letters are the same bytes (Unicode's form NFKC, UAX #15).
// Pure; thread-safe. What is no UTF-8 comes back as it is.
#pragma once

#include <string>
#include <string_view>

#include "base/secret.hpp"

namespace cardgate {

/// NFKC, as SP 800-63B 5.1.1.2 wants it of a password before it is hashed.
Secret normal_text(const Secret& text);

/// NFKC, and without regard to case (Unicode's full case folding): for comparisons, never to be shown.
Secret folded_text(const Secret& text);
std::string folded_text(std::string_view text);

}  // namespace cardgate
