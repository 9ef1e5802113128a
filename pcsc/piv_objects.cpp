// SPDX-License-Identifier: Apache-2.0
#include "pcsc/piv_objects.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "pcsc/gzip.hpp"

namespace cardgate::pcsc::piv {
namespace {

constexpr std::array<std::uint8_t, 5> nist{0xA0, 0x00, 0x00, 0x03, 0x08};  // the registered provider of PIV

bool begins_with(BytesView bytes, BytesView prefix) {
  return bytes.size() >= prefix.size() && std::equal(prefix.begin(), prefix.end(), bytes.begin());
}

/// What an answer to SELECT says about which application it is.
struct Names {
  bool piv = false;      // or a part of its name: cards leave out its front, or write it their own way
  bool another = false;  // the full name of somebody else's application
};

// A full name begins with its provider, whose first digit is A, D or F (ISO/IEC 7816-4, 8.2.1.2). The part behind
// PIV's provider, which some cards give alone, begins with zeros.
bool is_anothers_name(BytesView name) {
  return name.size() >= nist.size() && name[0] >= 0xA0 && !begins_with(name, nist);
}

void collect_names(BytesView level, int depth, Names& names) {
  PaddedReader reader(level);
  for (;;) {
    const auto element = reader.next();
    if (!element || !*element) return;
    const Tlv& one = **element;
    const bool holds_more = one.tag == 0x61 || one.tag == 0x6F || one.tag == 0xA5;
    if (holds_more && depth > 0) collect_names(one.value, depth - 1, names);
    if (one.tag == 0x4F || one.tag == 0x84) (is_anothers_name(one.value) ? names.another : names.piv) = true;
    // Coexistent tag allocation authority: {4F RID}, or the RID alone.
    if (one.tag == 0x79 &&
        std::search(one.value.begin(), one.value.end(), nist.begin(), nist.end()) != one.value.end())
      names.piv = true;
  }
}

/// A DER certificate in front, without what stands behind it.
std::optional<BytesView> leading_sequence(BytesView bytes) {
  if (bytes.empty() || bytes[0] != 0x30) return std::nullopt;
  TlvReader reader(bytes);
  if (!reader.next()) return std::nullopt;
  return bytes.first(bytes.size() - reader.rest().size());
}

bool looks_packed(BytesView bytes) {
  if (bytes.size() < 2) return false;
  const bool gzip = bytes[0] == 0x1F && bytes[1] == 0x8B;
  const bool zlib = (bytes[0] & 0x8F) == 0x08 && ((bytes[0] << 8) + bytes[1]) % 31 == 0;  // RFC 1950 2.2
  return gzip || zlib;
}

/// Net iD's middleware writes 01 00 and the unpacked length in two bytes before the packed certificate.
BytesView without_length(BytesView stored) {
  constexpr std::size_t head = 4;
  const bool headed = stored.size() > head && stored[0] == 0x01 && stored[1] == 0x00;
  return headed && looks_packed(stored.subspan(head)) ? stored.subspan(head) : stored;
}

Result<Bytes> unpacked(BytesView stored, bool said_packed, std::size_t max_bytes) {
  const auto to_bytes = [](BytesView view) { return Bytes(view.begin(), view.end()); };
  Bytes certificate;
  if (const auto der = leading_sequence(stored)) {
    certificate = to_bytes(*der);
  } else if (const BytesView packed = without_length(stored); said_packed || looks_packed(packed)) {
    certificate = TRY(gunzip(packed, max_bytes));
    if (const auto inner = leading_sequence(certificate)) certificate.resize(inner->size());
  } else {
    certificate = to_bytes(stored);  // trust/ says what is wrong with it
  }
  if (certificate.size() > max_bytes)
    return Error{Errc::too_large, fmt::format("{} bytes, the limit is {}", certificate.size(), max_bytes)};
  return certificate;
}

/// One of the two numbers of an ECDSA signature, without its leading zeros.
Result<BytesView> take_number(TlvReader& sequence, std::size_t size) {
  BytesView number = TRY(sequence.expect(0x02));
  while (!number.empty() && number[0] == 0) number = number.subspan(1);
  if (number.empty() || number.size() > size)
    return Error{Errc::malformed, "r or s is not a positive integer of the curve's size"};
  return number;
}

Bytes der_integer(BytesView number) {
  Bytes value;
  if ((number[0] & 0x80) != 0) value.push_back(0);
  value.insert(value.end(), number.begin(), number.end());
  return value;
}

}  // namespace

Result<std::optional<Tlv>> PaddedReader::next() {
  while (!rest_.empty() && (rest_[0] == 0x00 || rest_[0] == 0xFF)) rest_ = rest_.subspan(1);
  if (rest_.empty()) return std::optional<Tlv>();
  TlvReader reader(rest_);
  const Tlv element = TRY(reader.next());
  raw_ = rest_.first(rest_.size() - reader.rest().size());
  rest_ = reader.rest();
  return std::optional(element);
}

Result<BytesView> object_content(BytesView answer) {
  PaddedReader reader(answer);
  const auto object = TRY(reader.next());
  if (!object) return BytesView();
  if (object->tag != 0x53)
    return Error{Errc::malformed, fmt::format("TLV tag {:02X} where 53 belongs", object->tag)};
  return object->value;
}

bool names_another_application(BytesView answer) {
  constexpr int deepest = 2;
  Names names;
  collect_names(answer, deepest, names);
  return names.another && !names.piv;
}

bool global_pin_is_primary(BytesView discovery) {
  PaddedReader reader(discovery);
  for (;;) {
    const auto element = reader.next();
    if (!element || !*element) return false;
    const Tlv& one = **element;
    if (one.tag == 0x7E || one.tag == 0x53) reader = PaddedReader(one.value);
    // Bit 6 of the first byte: the global PIN serves as well; the second byte says which one people know.
    if (one.tag == 0x5F2F) return one.value.size() == 2 && (one.value[0] & 0x20) != 0 && one.value[1] == 0x20;
  }
}

Result<Bytes> certificate_in(BytesView answer, std::size_t max_bytes) {
  PaddedReader reader(TRY(object_content(answer)));
  std::optional<BytesView> certificate;
  bool said_packed = false;
  for (;;) {
    auto element = reader.next();
    // What stands behind the certificate and cannot be read is padding.
    if (!element && !certificate) return std::move(element).error();
    if (!element || !*element || ((*element)->tag == 0xFE && certificate)) break;
    const Tlv& one = **element;
    if (one.tag == 0x70) {
      if (certificate && !std::ranges::equal(*certificate, one.value))
        return Error{Errc::malformed, "two certificates"};
      certificate = one.value;
    }
    // 01 by the specification; cards from before SP 800-73-3 set 80.
    if (one.tag == 0x71) said_packed = !one.value.empty() && (one.value[0] & 0x81) != 0;
  }
  if (!certificate || certificate->empty()) return Bytes();
  return unpacked(*certificate, said_packed, max_bytes);
}

Result<BytesView> signature_in(BytesView answer) {
  PaddedReader outer(answer);
  const auto object = TRY(outer.next());
  if (!object || object->tag != 0x7C) return Error{Errc::malformed, "no dynamic authentication template"};
  PaddedReader inner(object->value);
  const auto response = TRY(inner.next());
  if (!response || response->tag != 0x82) return Error{Errc::malformed, "no response in it"};
  return response->value;
}

Result<Bytes> rsa_signature(BytesView signature, std::size_t size) {
  constexpr std::size_t most_missing = 3;  // one card in 16 million would leave out more
  const std::size_t given = signature.size();
  while (signature.size() > size && signature[0] == 0) signature = signature.subspan(1);
  if (signature.size() > size || signature.size() + most_missing < size)
    return Error{Errc::malformed, fmt::format("a signature of {} bytes", given)};
  Bytes whole(size - signature.size(), 0);
  whole.insert(whole.end(), signature.begin(), signature.end());
  return whole;
}

Result<Bytes> ecdsa_signature(BytesView signature, std::size_t size) {
  TlvReader outer(signature);
  TlvReader sequence(TRY(outer.expect(0x30)));
  const BytesView r = TRY(take_number(sequence, size));
  const BytesView s = TRY(take_number(sequence, size));
  TRY(sequence.finish());
  if (PaddedReader behind(outer.rest()); TRY(behind.next()))
    return Error{Errc::malformed, "something stands behind the signature"};
  Bytes numbers;
  append_tlv(numbers, 0x02, der_integer(r));
  append_tlv(numbers, 0x02, der_integer(s));
  Bytes whole;
  append_tlv(whole, 0x30, numbers);
  return whole;
}

}  // namespace cardgate::pcsc::piv
