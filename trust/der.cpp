// SPDX-License-Identifier: Apache-2.0
#include "trust/der.hpp"

#include <openssl/asn1.h>
#include <openssl/err.h>

#include <algorithm>

namespace cardgate::trust {

std::optional<DerElement> DerWalk::next() {
  const unsigned char* at = rest_.data();
  long length = 0;
  DerElement element;
  const int outcome =
      ASN1_get_object(&at, &length, &element.tag, &element.tag_class, static_cast<long>(rest_.size()));
  if ((outcome & 0x81) != 0) {  // an error, or an indefinite length
    ERR_clear_error();
    return std::nullopt;
  }
  const auto header = static_cast<std::size_t>(at - rest_.data());
  const auto size = static_cast<std::size_t>(length);
  const bool constructed = (outcome & V_ASN1_CONSTRUCTED) != 0;
  if (ASN1_object_size(constructed ? 1 : 0, static_cast<int>(length), element.tag) !=
      static_cast<int>(header + size)) {
    return std::nullopt;
  }
  element.whole = rest_.first(header + size);
  element.content = element.whole.subspan(header);
  rest_ = rest_.subspan(header + size);
  return element;
}

std::optional<DerElement> DerWalk::next_if(int universal_tag) {
  const BytesView before = rest_;
  auto element = next();
  if (element && element->tag == universal_tag && element->tag_class == V_ASN1_UNIVERSAL) return element;
  rest_ = before;
  return std::nullopt;
}

bool number_less(BytesView a, BytesView b) {
  return a.size() != b.size() ? a.size() < b.size() : std::ranges::lexicographical_compare(a, b);
}

Bytes der_around(int universal_tag, std::initializer_list<BytesView> parts) {
  std::size_t size = 0;
  for (const auto part : parts) size += part.size();
  Bytes out(static_cast<std::size_t>(ASN1_object_size(1, static_cast<int>(size), universal_tag)));
  unsigned char* at = out.data();
  ASN1_put_object(&at, 1, static_cast<int>(size), universal_tag, V_ASN1_UNIVERSAL);
  for (const auto part : parts) at = std::copy(part.begin(), part.end(), at);
  return out;
}

}  // namespace cardgate::trust
