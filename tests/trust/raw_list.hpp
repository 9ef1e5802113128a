// SPDX-License-Identifier: Apache-2.0
// CRLs put together octet by octet and signed by the right key: the damage that OpenSSL would not make.
#pragma once

#include <initializer_list>
#include <optional>
#include <vector>

#include "tests/trust/test_ca.hpp"

namespace cardgate::test {

/// One DER element (X.690) of less than 64 KiB.
Bytes element(std::uint8_t tag, std::initializer_list<BytesView> parts);
/// 2.5.29.`arc`, as list and entry extensions have it.
Bytes extension(std::uint8_t arc, bool critical, BytesView value);
/// INTEGER with this content.
Bytes integer(std::initializer_list<std::uint8_t> content);
/// reasonCode of an entry.
Bytes reason(std::uint8_t code);
/// An entry of a list: content octets of its serial number, and its extensions.
Bytes entry(BytesView serial, std::initializer_list<Bytes> extensions = {});
/// Content octets of a certificate's serial number.
Bytes serial_octets(BytesView certificate);

struct RawList {
  std::optional<Bytes> version = Bytes{1};  // content of the INTEGER; none: not written
  WallTime from = noon() - std::chrono::hours{1};
  WallTime next = noon() + 7 * day;
  std::vector<Bytes> entries{}, extensions{};
};
Bytes raw_list(const Ca& issuer, const RawList& list);

}  // namespace cardgate::test
