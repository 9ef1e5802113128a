// SPDX-License-Identifier: Apache-2.0
// Answers to reset that no card should give.
#include "pcsc/atr.hpp"

#include <cstdlib>

using namespace cardgate;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const BytesView atr(data, size);
  const auto historical = pcsc::historical_bytes(atr);
  if (historical && historical->size() > 15) std::abort();
  if (!historical && pcsc::promises_extended_length(atr)) std::abort();
  return 0;
}
