// SPDX-License-Identifier: Apache-2.0
// GENERAL AUTHENTICATE (SP 800-73-4 Part 2, 3.2.4).
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "pcsc/piv.hpp"
#include "pcsc/piv_data.hpp"
#include "pcsc/piv_objects.hpp"

namespace cardgate::pcsc::piv {
namespace {

struct AlgorithmFacts {
  Algorithm algorithm;
  std::size_t block;  // bytes in
  Result<Bytes> (*signature)(BytesView given, std::size_t size);
  std::size_t size;  // bytes of the modulus, or of r and of s
};
constexpr std::array algorithms{
    AlgorithmFacts{Algorithm::rsa2048, 256, rsa_signature, 256},
    AlgorithmFacts{Algorithm::rsa3072, 384, rsa_signature, 384},
    AlgorithmFacts{Algorithm::p256, 32, ecdsa_signature, 32},
    AlgorithmFacts{Algorithm::p384, 48, ecdsa_signature, 48},
};

const AlgorithmFacts* facts_of(Algorithm algorithm) {
  const auto* found = std::find_if(algorithms.begin(), algorithms.end(),
                                   [&](const auto& row) { return row.algorithm == algorithm; });
  return found == algorithms.end() ? nullptr : &*found;
}

Error not_signed(std::uint16_t sw, const std::string& doing) {
  switch (sw) {
    case 0x6982:
      return {Errc::permission_denied, doing + ": the card wants its passcode first", sw};
    case 0x6A82:
    case 0x6A83:
    case 0x6A88:
      return {Errc::card_data_missing, doing + ": the card has no such key", sw};
    case 0x6A80:
    case 0x6A81:
    case 0x6A86:
      return {Errc::key_unsupported, doing + ": the card does not do this algorithm with this key", sw};
    case 0x6985:
      return {Errc::card_status, doing + ": the card does not let its key be used (6985)", sw};
    default:
      return unexpected(sw, doing);
  }
}

}  // namespace

Result<Bytes> sign(CardChannel& card, Slot slot, Algorithm algorithm, BytesView block) {
  const SlotFacts* key = facts_of(slot);
  const AlgorithmFacts* facts = facts_of(algorithm);
  if (key == nullptr || facts == nullptr)
    return Error{Errc::invalid_argument, "no such key slot or algorithm"};
  if (block.size() != facts->block)
    return Error{Errc::invalid_argument,
                 fmt::format("{} bytes to sign where {} belong", block.size(), facts->block)};
  const std::string doing = fmt::format("signing with slot {}", key->name);

  Bytes request;  // an empty 82 asks for the response, 81 is the challenge
  append_tlv(request, 0x82, {});
  append_tlv(request, 0x81, block);
  Bytes dynamic_template;
  append_tlv(dynamic_template, 0x7C, request);
  const Response answer =
      TRY(exchange(card, Command::general_authenticate(static_cast<std::uint8_t>(algorithm),
                                                       static_cast<std::uint8_t>(slot), dynamic_template)));
  if (answer.sw != 0x9000) return not_signed(answer.sw, doing);
  const auto given = signature_in(answer.data);
  if (!given) return protocol(given.error(), doing);
  auto signature = facts->signature(*given, facts->size);
  if (!signature) return protocol(signature.error(), doing);
  return signature;
}

}  // namespace cardgate::pcsc::piv
