// SPDX-License-Identifier: Apache-2.0
// One logical command against any card: it ends, within its limits.
#include "pcsc/apdu.hpp"

#include <cstdlib>

#include "base/secret.hpp"
#include "tests/fuzz/replay_channel.hpp"

using namespace cardgate;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  init_crypto();
  if (size < 2) return 0;
  const std::size_t length = static_cast<std::size_t>(data[1]) * 4;  // up to four links
  const Bytes payload(length, 0x42);
  fuzz::ReplayChannel card({data + 2, size - 2}, (data[0] & 1) != 0);
  const auto command = (data[0] & 2) != 0 ? pcsc::Command::case4(0xCB, 0x3F, 0xFF, payload)
                                          : pcsc::Command::case3(0x20, 0x00, 0x80, payload);
  const auto answer =
      pcsc::exchange(card, command, (data[0] & 4) != 0 ? pcsc::Read::first_part : pcsc::Read::whole);
  if (card.exchanges > pcsc::max_exchanges) std::abort();
  if (command.le() == pcsc::Le::none && card.exchanges > static_cast<int>(command.links())) std::abort();
  if (answer && answer->data.size() > pcsc::max_response_data) std::abort();
  return 0;
}
