// SPDX-License-Identifier: Apache-2.0
// PC/SC return values in the project's words, each with its cure. Inside the room only: it includes
// winscard.h. Pure.
#pragma once

#include <winscard.h>

#include "base/result.hpp"

namespace cardgate::pcsc {

/// "DOING: what is wrong and how to cure it (0x8010001D)"; number = the PC/SC code. REQUIRES: status is not
/// success.
Error winscard_error(LONG status, std::string_view doing);

}  // namespace cardgate::pcsc
