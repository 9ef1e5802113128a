// SPDX-License-Identifier: Apache-2.0
// Command APDUs as a card reads them (ISO 7816-4 5.1: cases 1 to 4, short and extended). Pure.
#pragma once

#include <optional>

#include "base/bytes.hpp"

namespace cardgate::simcard {

struct Command {
  std::uint8_t cla = 0, ins = 0, p1 = 0, p2 = 0;
  Bytes data;
  std::size_t ne = 0;  // bytes of answer asked for; 0: no Le field
  bool extended = false;
};

/// Nothing when the lengths do not fit together (SW 6700).
std::optional<Command> parse_command(BytesView apdu);

}  // namespace cardgate::simcard
