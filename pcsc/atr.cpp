// SPDX-License-Identifier: Apache-2.0
#include "pcsc/atr.hpp"

#include <bit>

namespace cardgate::pcsc {
namespace {

constexpr std::size_t max_atr = 33;           // ISO/IEC 7816-3 8.2.1
constexpr std::uint8_t status_inside = 0x80;  // category: COMPACT-TLV objects only
constexpr std::uint8_t status_behind = 0x00;  // category: COMPACT-TLV objects, then 3 bytes of status
constexpr std::size_t status_size = 3;
constexpr std::uint8_t card_capabilities = 0x7;    // COMPACT-TLV tag
constexpr std::uint8_t extended_lc_and_le = 0x40;  // third software function table

}  // namespace

Result<BytesView> historical_bytes(BytesView atr) {
  const Error cut(Errc::malformed, "the ATR ends too early");
  if (atr.size() < 2) return cut;
  if (atr.size() > max_atr) return Error{Errc::malformed, "the ATR has more than 33 bytes"};
  const std::size_t count = atr[1] & 0x0F;
  std::size_t at = 1;
  // T0 and each TDi say in their upper half which of TA, TB, TC and TD follow.
  for (std::uint8_t indicator = atr[1];;) {
    const auto follow = static_cast<std::uint8_t>(indicator >> 4);
    at += static_cast<std::size_t>(std::popcount(follow));
    if (at >= atr.size()) return cut;
    if ((follow & 0x8) == 0) break;
    indicator = atr[at];
  }
  if (atr.size() - (at + 1) < count) return cut;
  return atr.subspan(at + 1, count);
}

bool promises_extended_length(BytesView atr) {
  const auto found = historical_bytes(atr);
  if (!found || found->empty()) return false;
  BytesView objects = found->subspan(1);
  if (found->front() == status_behind) {
    if (objects.size() < status_size) return false;
    objects = objects.first(objects.size() - status_size);
  } else if (found->front() != status_inside) {
    return false;
  }
  while (!objects.empty()) {
    const auto tag = static_cast<std::uint8_t>(objects.front() >> 4);
    const std::size_t length = objects.front() & 0x0F;
    objects = objects.subspan(1);
    if (length > objects.size()) return false;
    if (tag == card_capabilities) return length == 3 && (objects[2] & extended_lc_and_le) != 0;
    objects = objects.subspan(length);
  }
  return false;
}

}  // namespace cardgate::pcsc
