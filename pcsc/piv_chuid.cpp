// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/card_id.hpp"
#include "pcsc/piv.hpp"
#include "pcsc/piv_data.hpp"
#include "pcsc/piv_objects.hpp"
#include "pcsc/tlv.hpp"

namespace cardgate::pcsc::piv {
namespace {

constexpr std::uint32_t chuid_object = 0x5FC102;  // SP 800-73-4 Part 1, table 3
constexpr std::size_t fasc_n_size = 25;

/// FASC-N and GUID, wherever they stand in what there is of the object. `whole`: nothing of it is missing.
Result<Chuid> parse_chuid(BytesView content, bool whole) {
  Chuid chuid;
  bool have_guid = false;
  PaddedReader reader(content);
  for (;;) {
    auto element = reader.next();
    if (!element && whole && !have_guid) return std::move(element).error();
    if (!element || !*element) break;  // padding, or what the first answer did not hold
    const Tlv& one = **element;
    if (one.tag == 0x30 && chuid.fasc_n.empty()) {
      if (one.value.size() != fasc_n_size) return Error{Errc::malformed, "FASC-N is not of 25 bytes"};
      chuid.fasc_n.assign(one.value.begin(), one.value.end());
    } else if (one.tag == 0x34 && !std::exchange(have_guid, true)) {
      if (one.value.size() != chuid.guid.size()) return Error{Errc::malformed, "GUID is not of 16 bytes"};
      std::copy(one.value.begin(), one.value.end(), chuid.guid.begin());
    }
  }
  if (!have_guid) return Error{Errc::malformed, "no GUID"};
  return chuid;
}

Result<SignedChuid> parse_signed_chuid(BytesView content) {
  SignedChuid whole;
  whole.chuid = TRY(parse_chuid(content, true));
  PaddedReader reader(content);
  bool have_signature = false;
  while (const auto element = TRY(reader.next())) {
    if (element->tag == 0x3E) {
      if (std::exchange(have_signature, true)) return Error{Errc::malformed, "two signatures"};
      whole.signature.assign(element->value.begin(), element->value.end());
      continue;
    }
    // What is signed must be what is read: a second field of a kind could say something else.
    if (element->tag == 0x30 && !std::ranges::equal(element->value, whole.chuid.fasc_n))
      return Error{Errc::malformed, "two FASC-Ns"};
    if (element->tag == 0x34 && !std::ranges::equal(element->value, whole.chuid.guid))
      return Error{Errc::malformed, "two GUIDs"};
    if (element->tag == 0x35) {
      if (!whole.expiry.empty()) return Error{Errc::malformed, "two dates of expiry"};
      whole.expiry = as_text(element->value);
    }
    whole.signed_content.insert(whole.signed_content.end(), reader.raw().begin(), reader.raw().end());
  }
  return whole;
}

/// Errors: card_data_missing (an empty object).
Result<BytesView> chuid_content(const Response& answer, std::string_view doing) {
  const bool whole = answer.sw == 0x9000;
  if (whole) {
    auto content = object_content(answer.data);
    if (!content) return protocol(content.error(), doing);
    if (content->empty()) return Error{Errc::card_data_missing, fmt::format("{}: the card has none", doing)};
    return content;
  }
  const auto head = read_tlv_head(answer.data);
  if (!head) return protocol(head.error(), doing);
  if (head->tag != 0x53)
    return protocol(Error{Errc::malformed, fmt::format("tag {:02X} where 53 belongs", head->tag)}, doing);
  return head->available;
}

}  // namespace

std::string Chuid::card_uuid() const {
  return uuid_text(guid);
}

Result<Chuid> read_chuid(CardChannel& card) {
  constexpr std::string_view doing = "reading the card's identifier (CHUID)";
  const Response answer = TRY(get_data(card, chuid_object, doing, Read::first_part));
  auto chuid = parse_chuid(TRY(chuid_content(answer, doing)), answer.sw == 0x9000);
  if (!chuid) return protocol(chuid.error(), doing);
  return chuid;
}

Result<SignedChuid> read_signed_chuid(CardChannel& card) {
  constexpr std::string_view doing = "reading the card's identifier (CHUID) with its signature";
  const Response answer = TRY(get_data(card, chuid_object, doing, Read::whole));
  auto chuid = parse_signed_chuid(TRY(chuid_content(answer, doing)));
  if (!chuid) return protocol(chuid.error(), doing);
  return chuid;
}

}  // namespace cardgate::pcsc::piv
