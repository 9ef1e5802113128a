// SPDX-License-Identifier: Apache-2.0
// Strict JSON on top of Boost.JSON, which silently keeps the last of two equal keys.
#pragma once

#include <boost/json.hpp>
#include <string_view>

#include "base/result.hpp"

namespace cardgate {

namespace json = boost::json;

/// One JSON value and nothing after it: duplicate keys, depth over 16 and invalid UTF-8 are refused.
/// Working memory is wiped; everything that outlives the call stands in `storage`, so a caller whose text
/// holds a passcode gives a storage that it wipes. Errors: malformed (with what and where), too_large.
Result<json::value> parse_json(std::string_view text, std::size_t max_bytes = 1 << 20,
                               json::storage_ptr storage = {});

/// Looks up members of an object without throwing. nullptr when absent or of another type.
const json::string* find_string(const json::object& object, std::string_view key);
const json::object* find_object(const json::object& object, std::string_view key);
const json::array* find_array(const json::object& object, std::string_view key);

}  // namespace cardgate
