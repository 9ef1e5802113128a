// SPDX-License-Identifier: Apache-2.0
// `cardgated --check-config`: looks the files over as a start would, beside a service that runs or does not, and changes nothing.
#pragma once

#include <filesystem>

#include "base/json.hpp"
#include "daemon/rules/settings.hpp"

namespace cardgate::daemon {

/// What the configuration names, for `cardgate setup`: how many trust files there are and where, who sits at which reader,
/// and which programs may ask for what. `wrong`: files under `trust` that are of no use, a sentence each.
json::object overview(const Settings& settings, WallTime now);

/// Says on stdout, or as JSON there, what it found, and on stderr what is wrong. The exit code: 0 when the files are good. Without a
/// trust anchor they are not; only the JSON says that by its count.
int check_config(const std::filesystem::path& file, bool as_json);

}  // namespace cardgate::daemon
