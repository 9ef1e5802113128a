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

/// Text as people see it: NFC, every run of white space of any kind one blank, no blank at the ends, and nothing that
/// cannot be seen (soft hyphens, zero-width characters, marks of byte order and direction). The two joiners stay
/// between letters, where Persian and Indian names need them. Control characters stay, for the caller to refuse.
std::string visible_text(std::string_view text);

/// The one form of a name that only its owner may have, such as a user name: visible_text(), NFKC without regard to
/// case and without invisible characters (toNFKC_Casefold, Unicode 3.13).
std::string key_text(std::string_view text);

/// A person's name for searching: no regard to case, accents, apostrophes of any shape or full stops. Hyphens, commas
/// and white space part words; one blank stands between two.
std::string search_text(std::string_view text);

/// Whether `name` has every word of `wanted`, or the beginning or middle of one. Both are search_text().
bool has_words(std::string_view name, std::string_view wanted);

}  // namespace cardgate
