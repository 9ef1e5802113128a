// SPDX-License-Identifier: Apache-2.0
// A YAML document as JSON. Thread-safe.
#pragma once

#include "base/json.hpp"
#include "base/strict_yaml.hpp"

namespace cardgate {

/// Quoted scalars become texts, and so does all that is neither true, false nor a whole number; what is empty becomes null.
json::value to_json(const Yaml& node);

}  // namespace cardgate
