// SPDX-License-Identifier: Apache-2.0
// A copy of the register that back_up() (upkeep.hpp) made, before anybody relies on it.
#pragma once

#include <atomic>
#include <filesystem>

#include "base/result.hpp"

namespace cardgate::reg {

/// Reads the copy back and looks it over in full. Nothing in it is changed, so no log comes to lie beside it. A copy that is
/// damaged is removed: it shows that the register is. Errors: corrupt, cancelled (`stop` became true), io.
Result<void> check_copy(const std::filesystem::path& copy, const std::atomic<bool>& stop);

}  // namespace cardgate::reg
