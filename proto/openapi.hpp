// SPDX-License-Identifier: Apache-2.0
// proto/openapi.yaml as JSON, made when the room is built. Thread-safe.
#pragma once

#include <string>

namespace cardgate::proto {

const std::string& openapi_json();

}  // namespace cardgate::proto
