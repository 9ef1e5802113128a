// SPDX-License-Identifier: Apache-2.0
#include "pcsc/piv.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "pcsc/apdu.hpp"
#include "pcsc/piv_data.hpp"
#include "pcsc/piv_objects.hpp"
#include "pcsc/tlv.hpp"

namespace cardgate::pcsc::piv {
namespace {

// Right-truncated, so that any version of the application answers (SP 800-73-4 Part 1, 2.2).
constexpr std::array<std::uint8_t, 9> piv_aid{0xA0, 0x00, 0x00, 0x03, 0x08, 0x00, 0x00, 0x10, 0x00};

constexpr std::uint32_t discovery_object = 0x7E;
constexpr std::size_t max_certificate = 16384;
constexpr std::array slots{
    SlotFacts{Slot::authentication, 0x5FC105, "9A"},
    SlotFacts{Slot::signature, 0x5FC10A, "9C"},
    SlotFacts{Slot::key_management, 0x5FC10B, "9D"},
    SlotFacts{Slot::card_authentication, 0x5FC101, "9E"},
};

}  // namespace

const SlotFacts* facts_of(Slot slot) {
  const auto* found =
      std::find_if(slots.begin(), slots.end(), [&](const auto& row) { return row.slot == slot; });
  return found == slots.end() ? nullptr : &*found;
}

Error unexpected(std::uint16_t sw, std::string_view doing) {
  return {Errc::card_status, fmt::format("{}: card answered {:04X}", doing, sw), sw};
}
Error protocol(const Error& error, std::string_view what) {
  if (error.code == Errc::too_large) return {Errc::too_large, fmt::format("{}: {}", what, error.context)};
  return {Errc::card_protocol, fmt::format("{}: {}", what, error.context)};
}

Result<Response> get_data(CardChannel& card, std::uint32_t object, std::string_view doing, Read read) {
  Bytes tag_list;
  const std::array<std::uint8_t, 3> bytes{static_cast<std::uint8_t>(object >> 16),
                                          static_cast<std::uint8_t>(object >> 8),
                                          static_cast<std::uint8_t>(object)};
  append_tlv(tag_list, 0x5C, BytesView(bytes).subspan(object > 0xFF ? 0 : 2));
  Response answer = TRY(exchange(card, Command::get_data(tag_list), read));
  const bool cut = read == Read::first_part && (answer.sw >> 8) == 0x61;
  if (answer.sw == 0x9000 || cut) return answer;
  switch (answer.sw) {
    case 0x6A82:  // what SP 800-73-4 says; the others are what cards say
    case 0x6A80:
    case 0x6A83:
    case 0x6A88:
      return Error{Errc::card_data_missing, fmt::format("{}: the card has none", doing), answer.sw};
    case 0x6982:
      return Error{Errc::permission_denied, fmt::format("{}: the card keeps it to itself", doing), answer.sw};
    default:
      return unexpected(answer.sw, doing);
  }
}

Result<void> select(CardChannel& card) {
  const Response answer = TRY(exchange(card, Command::select(piv_aid)));
  switch (answer.sw) {
    case 0x9000:
      break;
    case 0x6A82:  // no such application
    case 0x6A81:  // SELECT by name is not supported
    case 0x6A86:
    case 0x6A87:
    case 0x6999:  // the card's own manager could not select it
    case 0x6D00:
    case 0x6E00:
      return Error{Errc::card_not_piv,
                   fmt::format("this card has no PIV application (SELECT: {:04X})", answer.sw), answer.sw};
    default:
      return unexpected(answer.sw, "selecting the PIV application");
  }
  if (names_another_application(answer.data))
    return Error{Errc::card_not_piv, "this card has no PIV application (its answer names another)"};
  return {};
}

namespace {

Result<Bytes> unpack_certificate(const Response& answer, const std::string& doing) {
  if (answer.sw != 0x9000) return unexpected(answer.sw, doing);
  auto certificate = certificate_in(answer.data, max_certificate);
  if (!certificate) return protocol(certificate.error(), doing);
  // A deleted certificate leaves an empty object behind on some cards.
  if (certificate->empty()) return Error{Errc::card_data_missing, doing + ": the card has none"};
  return certificate;
}

Result<std::string> reading_certificate_of(Slot slot) {
  const SlotFacts* facts = facts_of(slot);
  if (facts == nullptr) return Error{Errc::invalid_argument, "no such key slot"};
  return fmt::format("reading the certificate of slot {}", facts->name);
}

}  // namespace

Result<Bytes> read_certificate(CardChannel& card, Slot slot) {
  const std::string doing = TRY(reading_certificate_of(slot));
  const Response answer = TRY(get_data(card, facts_of(slot)->certificate_object, doing, Read::whole));
  return unpack_certificate(answer, doing);
}

Result<Bytes> read_certificate(CardChannel& card, Slot slot, CertificateMemory& memory) {
  const std::string doing = TRY(reading_certificate_of(slot));
  Response first = TRY(get_data(card, facts_of(slot)->certificate_object, doing, Read::first_part));
  const bool whole = first.sw == 0x9000;
  const Bytes head = first.data;
  if (auto known = whole ? std::nullopt : memory.recall(head)) return *std::move(known);
  const auto the_whole = [&]() -> Result<Response> {
    if (whole) return std::move(first);
    // With extended length the whole again is one exchange, and the rest would be one for each 256 bytes.
    if (card.extended_length()) return get_data(card, facts_of(slot)->certificate_object, doing, Read::whole);
    return read_rest(card, std::move(first));
  };
  const Response answer = TRY(the_whole());
  // By this part the certificate is known again: a card that shows another's and then its own would take that one's place.
  if (answer.data.size() < head.size() || !std::equal(head.begin(), head.end(), answer.data.begin()))
    return Error{Errc::card_protocol, doing + ": the card gives two different ones"};
  auto certificate = TRY(unpack_certificate(answer, doing));
  if (!whole) memory.keep(head, certificate);
  return certificate;
}

Result<Pin> pin_in_use(CardChannel& card) {
  constexpr std::string_view doing = "reading where the passcode is kept (Discovery Object)";
  const auto answer = get_data(card, discovery_object, doing, Read::whole);
  if (answer) return global_pin_is_primary(answer->data) ? Pin::global : Pin::application;
  // Cards without the object say so in many ways, and every PIV card has the application's passcode.
  const Errc code = answer.error().code;
  const bool refused =
      code == Errc::card_data_missing || code == Errc::permission_denied || code == Errc::card_status;
  if (!refused) return answer.error();
  return Pin::application;
}

}  // namespace cardgate::pcsc::piv
