// SPDX-License-Identifier: Apache-2.0
// Adds an entry to a list of the configuration, whose comments and order are the administrator's and stay. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace cardgate::client {

/// `text` with the entry as the first one of the list `key`, which stands at the left edge. `lines` are YAML, the first without its
/// "- ". A file without that key gets it at its end. Errors: invalid_argument (the list is written in another form, such as
/// [a, b]; then people add it by hand).
Result<std::string> with_entry(std::string_view text, std::string_view key,
                               const std::vector<std::string>& lines);

/// A text as YAML takes it, whatever is in it: in double quotation marks. Errors: invalid_argument (control characters).
Result<std::string> quoted_text(std::string_view text);

}  // namespace cardgate::client
