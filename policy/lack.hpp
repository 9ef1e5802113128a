// SPDX-License-Identifier: Apache-2.0
// A prerequisite in two or three words, for lists of what somebody lacks. Pure; thread-safe.
#pragma once

#include <string_view>

namespace cardgate::policy {

/// `prerequisite` is an Unmet's code: of "form" this is "approved form". A code that this version does not know stays as it is.
std::string_view lack(std::string_view prerequisite);

/// Of removed access. It stands alone: whoever reads it needs no list of what else is missing.
inline constexpr std::string_view removed_code = "not-removed";

}  // namespace cardgate::policy
