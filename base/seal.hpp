// SPDX-License-Identifier: Apache-2.0
// Secrets that have to be kept on a disk: sealed with a key that is kept elsewhere (XChaCha20-Poly1305, libsodium). Thread-safe
// after init_crypto().
#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"
#include "base/secret.hpp"

namespace cardgate {

inline constexpr std::size_t seal_key_bytes = 32;

Secret new_seal_key();

/// As hex. It opens for the same `place` only: what was sealed for one card does not serve for another. REQUIRES a key of
/// seal_key_bytes.
std::string seal(const Secret& key, const Secret& plain, std::string_view place);
/// Errors: corrupt (another key or place, or it was changed).
Result<Secret> unseal(const Secret& key, std::string_view sealed, std::string_view place);

}  // namespace cardgate
