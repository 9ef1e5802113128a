// SPDX-License-Identifier: Apache-2.0
#include "pcsc/piv.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "pcsc/apdu.hpp"
#include "pcsc/gzip.hpp"
#include "pcsc/piv_data.hpp"
#include "pcsc/tlv.hpp"

namespace cardgate::pcsc::piv {
namespace {

// Right-truncated, so that any version of the application answers (SP 800-73-4 Part 1, 2.2).
constexpr std::array<std::uint8_t, 9> piv_aid{0xA0, 0x00, 0x00, 0x03, 0x08, 0x00, 0x00, 0x10, 0x00};
constexpr std::size_t rid_size = 5;

constexpr std::uint32_t discovery_object = 0x7E;
constexpr std::size_t min_pin = 6;
constexpr std::size_t max_pin = 8;

constexpr std::size_t max_certificate = 16384;
struct SlotFacts {
  Slot slot;
  std::uint32_t certificate_object;
  std::string_view name;
};
constexpr std::array slots{
    SlotFacts{Slot::authentication, 0x5FC105, "9A"},
    SlotFacts{Slot::signature, 0x5FC10A, "9C"},
    SlotFacts{Slot::key_management, 0x5FC10B, "9D"},
    SlotFacts{Slot::card_authentication, 0x5FC101, "9E"},
};

enum class Answer : std::uint8_t { modulus_length, ecdsa_der };
struct AlgorithmFacts {
  Algorithm algorithm;
  std::size_t block;  // bytes in
  Answer answer;
  std::size_t number;  // bytes of the modulus, or of r and of s
};
constexpr std::array algorithms{
    AlgorithmFacts{Algorithm::rsa2048, 256, Answer::modulus_length, 256},
    AlgorithmFacts{Algorithm::rsa3072, 384, Answer::modulus_length, 384},
    AlgorithmFacts{Algorithm::p256, 32, Answer::ecdsa_der, 32},
    AlgorithmFacts{Algorithm::p384, 48, Answer::ecdsa_der, 48},
};

const SlotFacts* facts_of(Slot slot) {
  const auto* found =
      std::find_if(slots.begin(), slots.end(), [&](const auto& row) { return row.slot == slot; });
  return found == slots.end() ? nullptr : &*found;
}
const AlgorithmFacts* facts_of(Algorithm algorithm) {
  const auto* found = std::find_if(algorithms.begin(), algorithms.end(),
                                   [&](const auto& row) { return row.algorithm == algorithm; });
  return found == algorithms.end() ? nullptr : &*found;
}

bool starts_with(BytesView bytes, BytesView prefix) {
  return bytes.size() >= prefix.size() && std::equal(prefix.begin(), prefix.end(), bytes.begin());
}

/// 61 {4F AID or its last part, ...}: cards leave out the RID in 4F and give it in 79.
Result<void> check_property_template(BytesView answer) {
  TlvReader outer(answer);
  TlvReader inner(TRY(outer.expect(0x61)));
  TRY(outer.finish());
  while (!inner.at_end()) {
    const Tlv element = TRY(inner.next());
    if (element.tag != 0x4F) continue;
    if (starts_with(element.value, piv_aid) ||
        starts_with(element.value, BytesView(piv_aid).subspan(rid_size)))
      return {};
    return Error{Errc::malformed, "another application"};
  }
  return Error{Errc::malformed, "no application identifier"};
}

/// The usage policy of the passcodes: two bytes.
Result<std::array<std::uint8_t, 2>> parse_discovery(BytesView answer) {
  TlvReader outer(answer);
  TlvReader inner(TRY(outer.expect(0x7E)));
  TRY(outer.finish());
  while (!inner.at_end()) {
    const Tlv element = TRY(inner.next());
    if (element.tag != 0x5F2F) continue;
    if (element.value.size() != 2) return Error{Errc::malformed, "PIN usage policy is not of 2 bytes"};
    return std::array<std::uint8_t, 2>{element.value[0], element.value[1]};
  }
  return Error{Errc::malformed, "no PIN usage policy"};
}

struct CertificateObject {
  BytesView certificate;
  bool compressed = false;
};

Result<CertificateObject> parse_certificate_object(BytesView answer) {
  TlvReader outer(answer);
  TlvReader inner(TRY(outer.expect(0x53)));
  TRY(outer.finish());
  CertificateObject object;
  bool have_certificate = false;
  bool have_info = false;
  while (!inner.at_end()) {
    const Tlv element = TRY(inner.next());
    if (element.tag == 0x70) {
      if (std::exchange(have_certificate, true)) return Error{Errc::malformed, "two certificates"};
      object.certificate = element.value;
    } else if (element.tag == 0x71) {
      if (std::exchange(have_info, true) || element.value.size() != 1)
        return Error{Errc::malformed, "bad CertInfo"};
      // 01 by the specification; cards from before SP 800-73-3 set 80.
      object.compressed = (element.value[0] & 0x81) != 0;
    }
  }
  return object;
}

Result<BytesView> parse_authenticate_answer(BytesView answer) {
  TlvReader outer(answer);
  TlvReader inner(TRY(outer.expect(0x7C)));
  TRY(outer.finish());
  const BytesView signature = TRY(inner.expect(0x82));
  TRY(inner.finish());
  return signature;
}

Result<void> check_der_integer(TlvReader& sequence, std::size_t size) {
  const BytesView number = TRY(sequence.expect(0x02));
  const bool zero_first = !number.empty() && number[0] == 0;
  if (number.empty() || (number[0] & 0x80) != 0 || (zero_first && (number.size() == 1 || number[1] < 0x80)) ||
      number.size() > size + (zero_first ? 1 : 0))
    return Error{Errc::malformed, "r or s is not a positive integer of the curve's size"};
  return {};
}

/// DER SEQUENCE {INTEGER r, INTEGER s} and nothing else (RFC 3279 2.2.3).
Result<void> check_ecdsa_signature(BytesView signature, std::size_t size) {
  TlvReader outer(signature, TlvReader::Lengths::minimal);
  TlvReader sequence(TRY(outer.expect(0x30)), TlvReader::Lengths::minimal);
  TRY(outer.finish());
  TRY(check_der_integer(sequence, size));
  TRY(check_der_integer(sequence, size));
  TRY(sequence.finish());
  return {};
}

}  // namespace

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
  if (answer.sw == 0x6A82) return Error{Errc::card_data_missing, fmt::format("{}: the card has none", doing)};
  return unexpected(answer.sw, doing);
}

Result<void> select(CardChannel& card) {
  const Response answer = TRY(exchange(card, Command::select(piv_aid)));
  switch (answer.sw) {
    case 0x9000:
      break;
    case 0x6A82:  // no such application
    case 0x6A81:  // SELECT by name is not supported
    case 0x6A86:
    case 0x6D00:
    case 0x6E00:
      return Error{Errc::card_not_piv,
                   fmt::format("this card has no PIV application (SELECT: {:04X})", answer.sw), answer.sw};
    default:
      return unexpected(answer.sw, "selecting the PIV application");
  }
  const auto checked = check_property_template(answer.data);
  if (!checked)
    return Error{Errc::card_not_piv,
                 "this card has no PIV application (its answer: " + checked.error().context + ")"};
  return {};
}

namespace {

Result<Bytes> unpack_certificate(const Response& answer, const std::string& doing) {
  if (answer.sw != 0x9000) return unexpected(answer.sw, doing);
  const auto object = parse_certificate_object(answer.data);
  if (!object) return protocol(object.error(), doing);
  // A deleted certificate leaves an empty object behind on some cards.
  if (object->certificate.empty()) return Error{Errc::card_data_missing, doing + ": the card has none"};
  if (!object->compressed) {
    if (object->certificate.size() > max_certificate)
      return Error{Errc::too_large, fmt::format("{}: {} bytes, the limit is {}", doing,
                                                object->certificate.size(), max_certificate)};
    return Bytes(object->certificate.begin(), object->certificate.end());
  }
  auto certificate = gunzip(object->certificate, max_certificate);
  if (!certificate) return protocol(certificate.error(), doing);
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
  // With extended length the whole again is one exchange, and the rest would be one for each 256 bytes.
  const Response answer = whole ? std::move(first)
                                : card.extended_length()
                              ? TRY(get_data(card, facts_of(slot)->certificate_object, doing, Read::whole))
                                                   : TRY(read_rest(card, std::move(first)));
                                                   auto certificate = TRY(unpack_certificate(answer, doing));
                                                   if (!whole) memory.keep(head, certificate);
                                                   return certificate;
}

Result<Pin> pin_in_use(CardChannel& card) {
  constexpr std::string_view doing = "reading where the passcode is kept (Discovery Object)";
  const auto answer = get_data(card, discovery_object, doing, Read::whole);
  if (!answer && answer.error().code == Errc::card_data_missing) return Pin::application;
  if (!answer) return answer.error();
  auto policy = parse_discovery(answer->data);
  if (!policy) return protocol(policy.error(), doing);
  // Bit 6 of the first byte: the global PIN serves as well; the second byte says which one people know.
  const bool global = ((*policy)[0] & 0x20) != 0 && (*policy)[1] == 0x20;
  return global ? Pin::global : Pin::application;
}

Result<int> tries_left(CardChannel& card, Pin pin) {
  const Response answer = TRY(exchange(card, Command::verify_status(static_cast<std::uint8_t>(pin))));
  if ((answer.sw & 0xFFF0) == 0x63C0) return answer.sw & 0x0F;
  if (answer.sw == 0x6983) return 0;
  if (answer.sw == 0x9000)
    return Error{Errc::card_protocol,
                 "the card says that its passcode is verified already, right after a reset"};
  return unexpected(answer.sw, "asking for the tries left");
}

Result<void> check_pin_format(const Secret& pin) {
  const BytesView bytes = pin.bytes();
  const bool digits =
      std::all_of(bytes.begin(), bytes.end(), [](std::uint8_t c) { return c >= '0' && c <= '9'; });
  if (!digits || bytes.size() < min_pin || bytes.size() > max_pin)
    return Error{Errc::pin_format,
                 fmt::format("a passcode has {} to {} digits and nothing else", min_pin, max_pin)};
  return {};
}

namespace {

/// Each padded with FF to 8, one behind the other; the originals are wiped.
Secret padded(Secret first, Secret second = {}) {
  Secret field(second.empty() ? max_pin : 2 * max_pin);
  std::fill(field.bytes().begin(), field.bytes().end(), std::uint8_t{0xFF});
  std::copy(first.bytes().begin(), first.bytes().end(), field.bytes().begin());
  if (!second.empty())
    std::copy(second.bytes().begin(), second.bytes().end(), field.bytes().begin() + max_pin);
  return field;
}

/// What a card says to a passcode, or to a PUK with its own two codes.
Result<void> judge_pin(std::uint16_t sw, std::string_view doing, Errc incorrect = Errc::pin_incorrect,
                       Errc blocked = Errc::pin_blocked) {
  const std::string_view what = incorrect == Errc::pin_incorrect ? "passcode" : "unblocking key";
  if (sw == 0x9000) return {};
  if (sw == 0x6983 || sw == 0x63C0)
    return Error{blocked, fmt::format("the {} is blocked: no tries are left", what)};
  if ((sw & 0xFFF0) == 0x63C0) {
    const int left = sw & 0x0F;
    return Error{incorrect, fmt::format("wrong {}, {} {} left", what, left, left == 1 ? "try" : "tries"),
                 left};
  }
  if (sw == 0x6A80) return Error{Errc::pin_format, "the card refuses a passcode of this form", sw};
  if (sw == 0x6300)
    return unexpected(sw, fmt::format("wrong {}, and the card does not say how many tries are left", what));
  return unexpected(sw, doing);
}

}  // namespace

Result<void> verify_pin(CardChannel& card, Secret pin, Pin which) {
  TRY(check_pin_format(pin));
  const Secret field = padded(std::move(pin));
  const Response answer =
      TRY(exchange(card, Command::verify(static_cast<std::uint8_t>(which), field.bytes())));
  return judge_pin(answer.sw, "verifying the passcode");
}

Result<void> change_pin(CardChannel& card, Secret pin, Secret fresh, Pin which) {
  TRY(check_pin_format(pin));
  TRY(check_pin_format(fresh));
  const Secret fields = padded(std::move(pin), std::move(fresh));
  const Response answer =
      TRY(exchange(card, Command::change_reference_data(static_cast<std::uint8_t>(which), fields.bytes())));
  return judge_pin(answer.sw, "changing the passcode");
}

Result<void> unblock_pin(CardChannel& card, Secret puk, Secret fresh) {
  if (puk.empty() || puk.size() > max_pin)
    return Error{Errc::pin_format, fmt::format("an unblocking key has 1 to {} characters", max_pin)};
  TRY(check_pin_format(fresh));
  const Secret fields = padded(std::move(puk), std::move(fresh));
  const Response answer = TRY(exchange(
      card, Command::reset_retry_counter(static_cast<std::uint8_t>(Pin::application), fields.bytes())));
  return judge_pin(answer.sw, "unblocking the card", Errc::puk_incorrect, Errc::puk_blocked);
}

Result<Bytes> sign(CardChannel& card, Slot slot, Algorithm algorithm, BytesView block) {
  const SlotFacts* key = facts_of(slot);
  const AlgorithmFacts* facts = facts_of(algorithm);
  if (key == nullptr || facts == nullptr)
    return Error{Errc::invalid_argument, "no such key slot or algorithm"};
  if (block.size() != facts->block)
    return Error{Errc::invalid_argument,
                 fmt::format("{} bytes to sign where {} belong", block.size(), facts->block)};
  const std::string doing = fmt::format("signing with slot {}", key->name);

  Bytes request;  // an empty 82 asks for the response, 81 is the challenge (SP 800-73-4 Part 2, 3.2.4)
  append_tlv(request, 0x82, {});
  append_tlv(request, 0x81, block);
  Bytes dynamic_template;
  append_tlv(dynamic_template, 0x7C, request);
  const Response answer =
      TRY(exchange(card, Command::general_authenticate(static_cast<std::uint8_t>(algorithm),
                                                       static_cast<std::uint8_t>(slot), dynamic_template)));
  switch (answer.sw) {
    case 0x9000:
      break;
    case 0x6982:
      return Error{Errc::permission_denied, doing + ": the card wants its passcode first", answer.sw};
    case 0x6A88:
      return Error{Errc::card_data_missing, doing + ": the card has no such key", answer.sw};
    case 0x6A80:
    case 0x6A81:
    case 0x6A86:
      return Error{Errc::key_unsupported, doing + ": the card does not do this algorithm with this key",
                   answer.sw};
    default:
      return unexpected(answer.sw, doing);
  }
  const auto signature = parse_authenticate_answer(answer.data);
  if (!signature) return protocol(signature.error(), doing);
  if (facts->answer == Answer::modulus_length) {
    if (signature->size() != facts->number)
      return Error{Errc::card_protocol, fmt::format("{}: a signature of {} bytes", doing, signature->size())};
  } else if (const auto checked = check_ecdsa_signature(*signature, facts->number); !checked) {
    return protocol(checked.error(), doing);
  }
  return Bytes(signature->begin(), signature->end());
}

}  // namespace cardgate::pcsc::piv
