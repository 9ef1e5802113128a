// SPDX-License-Identifier: Apache-2.0
// What a person proves themselves with at their first enrolment: date of birth and the beginning of the
// National Insurance number. The register keeps neither, only a keyed digest of both. Pure but for the key's
// making; thread-safe.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"

namespace cardgate::reg {

/// The setting under which the key stands, made by the first import that needs it.
inline constexpr std::string_view enrolment_key_setting = "enrolment_key";

/// 32 random bytes in hex.
std::string new_enrolment_key();

/// The first four characters of a National Insurance number, in upper case, from the whole number ("QQ 12 34
/// 56 C", "qq123456c") or from just these four; nothing when the text is neither.
std::optional<std::string> ni_start_of(std::string_view text);

/// BLAKE2b-256, keyed with `key` (as new_enrolment_key() gives it), of both, in hex. Empty when it is no such key.
std::string enrolment_digest(std::string_view key, Date born, std::string_view ni_start);

}  // namespace cardgate::reg
