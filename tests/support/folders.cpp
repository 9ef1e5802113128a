// SPDX-License-Identifier: Apache-2.0
#include "tests/support/folders.hpp"

namespace cardgate {

std::string source_file(std::string_view relative) {
  return std::string(CARDGATE_SOURCE_DIR "/").append(relative);
}

std::string built_file(std::string_view relative) {
  return std::string(CARDGATE_BINARY_DIR "/").append(relative);
}

}  // namespace cardgate
