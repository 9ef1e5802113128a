// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "pcsc/piv.hpp"
#include "pcsc/piv_data.hpp"
#include "pcsc/tlv.hpp"

namespace cardgate::pcsc::piv {
namespace {

constexpr std::uint32_t chuid_object = 0x5FC102;  // SP 800-73-4 Part 1, table 3
constexpr std::size_t fasc_n_size = 25;

Result<Chuid> parse_chuid(BytesView answer) {
  const TlvHead object = TRY(read_tlv_head(answer));
  if (object.tag != 0x53)
    return Error{Errc::malformed, fmt::format("tag {:02X} where 53 belongs", object.tag)};
  Chuid chuid;
  TlvReader reader(object.available);
  for (;;) {
    if (reader.at_end()) return Error{Errc::malformed, "no GUID"};
    const Tlv element = TRY(reader.next());
    if (element.tag == 0x30) {
      if (element.value.size() != fasc_n_size) return Error{Errc::malformed, "FASC-N is not of 25 bytes"};
      chuid.fasc_n.assign(element.value.begin(), element.value.end());
    } else if (element.tag == 0x34) {
      if (element.value.size() != chuid.guid.size()) return Error{Errc::malformed, "GUID is not of 16 bytes"};
      std::copy(element.value.begin(), element.value.end(), chuid.guid.begin());
      return chuid;
    }
  }
}

Result<SignedChuid> parse_signed_chuid(BytesView answer) {
  SignedChuid whole;
  whole.chuid = TRY(parse_chuid(answer));
  TlvReader outer(answer);
  TlvReader reader(TRY(outer.expect(0x53)));
  TRY(outer.finish());
  bool have_signature = false;
  while (!reader.at_end()) {
    const BytesView before = reader.rest();
    const Tlv element = TRY(reader.next());
    if (element.tag == 0x3E) {
      if (std::exchange(have_signature, true)) return Error{Errc::malformed, "two signatures"};
      whole.signature.assign(element.value.begin(), element.value.end());
      continue;
    }
    // What is signed must be what is read: a second field of a kind could say something else.
    if (element.tag == 0x30 && !std::ranges::equal(element.value, whole.chuid.fasc_n))
      return Error{Errc::malformed, "two FASC-Ns"};
    if (element.tag == 0x34 && !std::ranges::equal(element.value, whole.chuid.guid))
      return Error{Errc::malformed, "two GUIDs"};
    if (element.tag == 0x35) {
      if (!whole.expiry.empty()) return Error{Errc::malformed, "two dates of expiry"};
      whole.expiry = as_text(element.value);
    }
    const std::size_t size = before.size() - reader.rest().size();
    whole.signed_content.insert(whole.signed_content.end(), before.begin(),
                                before.begin() + static_cast<std::ptrdiff_t>(size));
  }
  return whole;
}

}  // namespace

std::string Chuid::card_uuid() const {
  std::string text = to_hex(guid);
  for (const std::size_t dash : {8U, 13U, 18U, 23U}) text.insert(dash, 1, '-');
  return text;
}

Result<Chuid> read_chuid(CardChannel& card) {
  constexpr std::string_view doing = "reading the card's identifier (CHUID)";
  const Response answer = TRY(get_data(card, chuid_object, doing, Read::first_part));
  auto chuid = parse_chuid(answer.data);
  if (!chuid) return protocol(chuid.error(), doing);
  return chuid;
}

Result<SignedChuid> read_signed_chuid(CardChannel& card) {
  constexpr std::string_view doing = "reading the card's identifier (CHUID) with its signature";
  const Response answer = TRY(get_data(card, chuid_object, doing, Read::whole));
  auto chuid = parse_signed_chuid(answer.data);
  if (!chuid) return protocol(chuid.error(), doing);
  return chuid;
}

}  // namespace cardgate::pcsc::piv
