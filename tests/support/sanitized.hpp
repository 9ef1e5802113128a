// SPDX-License-Identifier: Apache-2.0
// Under a sanitizer everything takes ten times as long: what only gets larger, or is tried at one more place, is tried less there.
// The other builds try all of it.
#pragma once

namespace cardgate {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
inline constexpr bool under_sanitizer = true;
#else
inline constexpr bool under_sanitizer = false;
#endif

}  // namespace cardgate
