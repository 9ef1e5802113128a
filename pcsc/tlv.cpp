// SPDX-License-Identifier: Apache-2.0
#include "pcsc/tlv.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace cardgate::pcsc {
namespace {

Error truncated(std::string_view what) {
  return {Errc::malformed, fmt::format("TLV is cut off in its {}", what)};
}

struct Header {
  std::uint32_t tag;
  std::size_t length;
  BytesView after;  // what follows the length field
};

Result<std::uint32_t> take_tag(BytesView& bytes) {
  if (bytes.empty()) return truncated("tag");
  std::uint32_t tag = bytes[0];
  bytes = bytes.subspan(1);
  if ((tag & 0x1F) != 0x1F) return tag;
  for (int more = 0; more < 3; ++more) {
    if (bytes.empty()) return truncated("tag");
    const std::uint8_t byte = bytes[0];
    bytes = bytes.subspan(1);
    if (more == 0 && byte == 0x80) return Error{Errc::malformed, "TLV tag starts with a zero"};
    tag = (tag << 8) | byte;
    if ((byte & 0x80) == 0) return tag;
  }
  return Error{Errc::malformed, "TLV tag is longer than four bytes"};
}

Result<std::size_t> take_length(BytesView& bytes, TlvReader::Lengths lengths) {
  if (bytes.empty()) return truncated("length");
  const std::uint8_t first = bytes[0];
  bytes = bytes.subspan(1);
  if (first < 0x80) return first;
  const std::size_t count = first & 0x7FU;
  if (count == 0) return Error{Errc::malformed, "TLV length is indefinite"};
  if (count > 4) return Error{Errc::malformed, "TLV length is longer than four bytes"};
  if (bytes.size() < count) return truncated("length");
  std::size_t length = 0;
  for (std::size_t i = 0; i < count; ++i) length = (length << 8) | bytes[i];
  const bool minimal = length >= 0x80 && bytes[0] != 0;
  if (lengths == TlvReader::Lengths::minimal && !minimal)
    return Error{Errc::malformed, "TLV length is not in its shortest form"};
  bytes = bytes.subspan(count);
  if (length > max_tlv_value)
    return Error{Errc::too_large, fmt::format("TLV of {} bytes, the limit is {}", length, max_tlv_value)};
  return length;
}

Result<Header> take_header(BytesView bytes, TlvReader::Lengths lengths) {
  const std::uint32_t tag = TRY(take_tag(bytes));
  const std::size_t length = TRY(take_length(bytes, lengths));
  return Header{tag, length, bytes};
}

}  // namespace

Result<Tlv> TlvReader::next() {
  const Header header = TRY(take_header(rest_, lengths_));
  if (header.after.size() < header.length) return truncated("value");
  rest_ = header.after.subspan(header.length);
  return Tlv{header.tag, header.after.first(header.length)};
}

Result<BytesView> TlvReader::expect(std::uint32_t tag) {
  const Tlv element = TRY(next());
  if (element.tag != tag)
    return Error{Errc::malformed, fmt::format("TLV tag {:02X} where {:02X} belongs", element.tag, tag)};
  return element.value;
}

Result<void> TlvReader::finish() const {
  if (!rest_.empty())
    return Error{Errc::malformed, fmt::format("{} bytes left over after the TLV", rest_.size())};
  return {};
}

Result<TlvHead> read_tlv_head(BytesView bytes) {
  const Header header = TRY(take_header(bytes, TlvReader::Lengths::any));
  return TlvHead{header.tag, header.length, header.after.first(std::min(header.length, header.after.size()))};
}

void append_tlv(Bytes& out, std::uint32_t tag, BytesView value) {
  for (int shift = 24; shift >= 0; shift -= 8)
    if (shift == 0 || (tag >> shift) != 0) out.push_back(static_cast<std::uint8_t>(tag >> shift));
  const std::size_t length = value.size();
  if (length > 0xFF)
    out.push_back(0x82);
  else if (length >= 0x80)
    out.push_back(0x81);
  if (length > 0xFF) out.push_back(static_cast<std::uint8_t>(length >> 8));
  out.push_back(static_cast<std::uint8_t>(length));
  out.insert(out.end(), value.begin(), value.end());
}

}  // namespace cardgate::pcsc
