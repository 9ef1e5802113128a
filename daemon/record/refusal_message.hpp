// SPDX-License-Identifier: Apache-2.0
// What the journal says of a refusal, in words. Pure; thread-safe.
#pragma once

#include <string>

#include "audit/record.hpp"

namespace cardgate::daemon {

/// "A sign-in was refused: passcode incorrect. Person 1000, reader Ward 4 00 00." What the record does not have is left out.
std::string refusal_message(const audit::Record& record);

}  // namespace cardgate::daemon
