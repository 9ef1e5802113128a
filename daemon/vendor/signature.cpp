// SPDX-License-Identifier: Apache-2.0
#include "daemon/vendor/signature.hpp"

#include <algorithm>

namespace cardgate::daemon::vendor {
namespace {

constexpr std::size_t least_padding = 8;    // RFC 8017 9.2
constexpr std::size_t most_raw_bytes = 96;  // P-384: a DER length below 128

void put_integer(Bytes& out, BytesView number) {
  while (number.size() > 1 && number.front() == 0) number = number.subspan(1);
  const bool looks_negative = (number.front() & 0x80U) != 0;
  out.push_back(0x02);
  out.push_back(static_cast<std::uint8_t>(number.size() + (looks_negative ? 1 : 0)));
  if (looks_negative) out.push_back(0);
  out.insert(out.end(), number.begin(), number.end());
}

}  // namespace

Result<BytesView> digest_info(BytesView block) {
  const Error malformed{Errc::malformed, "not a padded block"};
  if (block.size() < 2 || block[0] != 0x00 || block[1] != 0x01) return malformed;
  const auto rest = block.subspan(2);
  const auto end = std::ranges::find_if(rest, [](std::uint8_t byte) { return byte != 0xff; });
  const auto padding = static_cast<std::size_t>(end - rest.begin());
  if (padding < least_padding || padding + 1 >= rest.size() || *end != 0x00) return malformed;
  return rest.subspan(padding + 1);
}

Result<Bytes> ecdsa_to_der(BytesView raw) {
  if (raw.empty() || raw.size() % 2 != 0 || raw.size() > most_raw_bytes)
    return Error{Errc::card_protocol, "a signature of a length that no curve has"};
  Bytes numbers;
  put_integer(numbers, raw.first(raw.size() / 2));
  put_integer(numbers, raw.subspan(raw.size() / 2));
  Bytes out{0x30, static_cast<std::uint8_t>(numbers.size())};
  out.insert(out.end(), numbers.begin(), numbers.end());
  return out;
}

}  // namespace cardgate::daemon::vendor
