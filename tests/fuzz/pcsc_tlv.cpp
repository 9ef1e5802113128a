// SPDX-License-Identifier: Apache-2.0
// Any bytes as BER-TLV: what is read lies inside the input, and what is written reads back.
#include "pcsc/tlv.hpp"

#include <algorithm>
#include <cstdlib>

using namespace cardgate;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const BytesView input(data, size);
  for (const auto lengths : {pcsc::TlvReader::Lengths::any, pcsc::TlvReader::Lengths::minimal}) {
    pcsc::TlvReader reader(input, lengths);
    while (!reader.at_end()) {
      const std::size_t before = reader.rest().size();
      const auto element = reader.next();
      if (!element) break;
      if (reader.rest().size() >= before || element->value.size() >= before) std::abort();
      if (lengths != pcsc::TlvReader::Lengths::minimal || element->value.size() > 0xFFFF) continue;
      Bytes again;
      pcsc::append_tlv(again, element->tag, element->value);
      const BytesView original = input.subspan(input.size() - before, before - reader.rest().size());
      if (!std::equal(again.begin(), again.end(), original.begin(), original.end())) std::abort();
    }
  }
  const auto head = pcsc::read_tlv_head(input);
  if (head && head->available.size() > std::min(head->length, size)) std::abort();
  return 0;
}
