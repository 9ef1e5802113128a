// SPDX-License-Identifier: Apache-2.0
// Just enough BER-TLV for a card: building answers, reading the flat data of a command. Pure. Written apart
// from pcsc/, so that a mistake there is not mirrored here.
#pragma once

#include <optional>
#include <utility>
#include <vector>

#include "base/bytes.hpp"

namespace cardgate::simcard {

inline void append(Bytes& to, BytesView what) {
  to.insert(to.end(), what.begin(), what.end());
}

/// Tag (1 to 3 bytes, as the specifications print it), length in its shortest form, value.
inline Bytes tlv(std::uint32_t tag, BytesView value) {
  Bytes result;
  for (int shift = 16; shift >= 0; shift -= 8)
    if (tag >> shift != 0) result.push_back(static_cast<std::uint8_t>(tag >> shift));
  const std::size_t size = value.size();
  if (size > 0xFF) {
    append(result, Bytes{0x82, static_cast<std::uint8_t>(size >> 8), static_cast<std::uint8_t>(size)});
  } else if (size > 0x7F) {
    append(result, Bytes{0x81, static_cast<std::uint8_t>(size)});
  } else {
    result.push_back(static_cast<std::uint8_t>(size));
  }
  append(result, value);
  return result;
}

inline Bytes join(std::initializer_list<Bytes> parts) {
  Bytes result;
  for (const auto& part : parts) append(result, part);
  return result;
}

/// The elements of `data`, one-byte tags only; nothing when it is not whole.
inline std::optional<std::vector<std::pair<std::uint8_t, Bytes>>> read_tlvs(BytesView data) {
  std::vector<std::pair<std::uint8_t, Bytes>> result;
  while (!data.empty()) {
    if (data.size() < 2) return std::nullopt;
    const std::uint8_t tag = data[0];
    std::size_t size = data[1];
    std::size_t header = 2;
    if (size == 0x81 || size == 0x82) {
      header += size - 0x80;
      if (data.size() < header) return std::nullopt;
      size = header == 3 ? data[2] : static_cast<std::size_t>(data[2] << 8 | data[3]);
    } else if (size > 0x7F) {
      return std::nullopt;
    }
    if (data.size() - header < size) return std::nullopt;
    const BytesView value = data.subspan(header, size);
    result.emplace_back(tag, Bytes(value.begin(), value.end()));
    data = data.subspan(header + size);
  }
  return result;
}

}  // namespace cardgate::simcard
