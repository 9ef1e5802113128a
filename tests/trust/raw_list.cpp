// SPDX-License-Identifier: Apache-2.0
#include "tests/trust/raw_list.hpp"

#include <memory>
#include <stdexcept>

namespace cardgate::test {

namespace {

void append(Bytes& out, BytesView part) {
  out.insert(out.end(), part.begin(), part.end());
}

Bytes join(const std::vector<Bytes>& parts) {
  Bytes out;
  for (const auto& part : parts) append(out, part);
  return out;
}

std::unique_ptr<X509, decltype(&X509_free)> certificate_of(BytesView der) {
  const unsigned char* at = der.data();
  return {d2i_X509(nullptr, &at, static_cast<long>(der.size())), X509_free};
}

template <class T, class Encode>
Bytes encoded(T* object, Encode function) {
  unsigned char* out = nullptr;
  const int size = function(object, &out);
  if (size <= 0) throw std::runtime_error("cannot be encoded");
  Bytes bytes(out, out + size);
  OPENSSL_free(out);
  return bytes;
}

Bytes time_of(WallTime at) {
  const std::unique_ptr<ASN1_TIME, decltype(&ASN1_TIME_free)> time{
      ASN1_TIME_set(nullptr, static_cast<time_t>(to_unix_seconds(at))), ASN1_TIME_free};
  return encoded(time.get(), i2d_ASN1_TIME);
}

}  // namespace

Bytes element(std::uint8_t tag, std::initializer_list<BytesView> parts) {
  Bytes content;
  for (const auto part : parts) append(content, part);
  Bytes out{tag};
  const auto size = content.size();
  if (size < 0x80) {
    out.push_back(static_cast<std::uint8_t>(size));
  } else if (size < 0x100) {
    append(out, Bytes{0x81, static_cast<std::uint8_t>(size)});
  } else {
    append(out, Bytes{0x82, static_cast<std::uint8_t>(size >> 8U), static_cast<std::uint8_t>(size & 0xffU)});
  }
  append(out, content);
  return out;
}

Bytes extension(std::uint8_t arc, bool critical, BytesView value) {
  const Bytes id{0x06, 0x03, 0x55, 0x1d, arc};
  const Bytes mark = critical ? Bytes{0x01, 0x01, 0xff} : Bytes{};
  return element(0x30, {id, mark, element(0x04, {value})});
}

Bytes integer(std::initializer_list<std::uint8_t> content) {
  return element(0x02, {Bytes(content)});
}

Bytes reason(std::uint8_t code) {
  return extension(21, false, Bytes{0x0a, 0x01, code});
}

Bytes entry(BytesView serial, std::initializer_list<Bytes> extensions) {
  const Bytes all = join(extensions);
  const Bytes extended = all.empty() ? Bytes{} : element(0x30, {all});
  return element(0x30, {element(0x02, {serial}), time_of(noon() - 3 * day), extended});
}

Bytes serial_octets(BytesView certificate) {
  const auto parsed = certificate_of(certificate);
  const Bytes whole = encoded(X509_get_serialNumber(parsed.get()), i2d_ASN1_INTEGER);
  return {whole.begin() + 2, whole.end()};
}

Bytes raw_list(const Ca& issuer, const RawList& list) {
  const auto self = certificate_of(issuer.der());
  const Bytes name = encoded(X509_get_subject_name(self.get()), i2d_X509_NAME);
  static const Bytes ecdsa_with_sha256{0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86,
                                       0x48, 0xce, 0x3d, 0x04, 0x03, 0x02};
  const Bytes version = list.version ? element(0x02, {*list.version}) : Bytes{};
  const Bytes entries = list.entries.empty() ? Bytes{} : element(0x30, {join(list.entries)});
  const Bytes extensions =
      list.extensions.empty() ? Bytes{} : element(0xa0, {element(0x30, {join(list.extensions)})});
  const Bytes tbs = element(
      0x30, {version, ecdsa_with_sha256, name, time_of(list.from), time_of(list.next), entries, extensions});
  const Bytes unused{0x00};
  return element(0x30, {tbs, ecdsa_with_sha256, element(0x03, {unused, sign(issuer.key(), tbs)})});
}

}  // namespace cardgate::test
