// SPDX-License-Identifier: Apache-2.0
// A hostile card against every PIV function, in the order of a sign-in.
#include "pcsc/piv.hpp"

#include <cstdlib>

#include "base/secret.hpp"
#include "tests/fuzz/replay_channel.hpp"

using namespace cardgate;
namespace piv = cardgate::pcsc::piv;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  init_crypto();
  if (size < 1) return 0;
  const std::uint8_t choice = data[0];
  fuzz::ReplayChannel card({data + 1, size - 1}, (choice & 1) != 0);
  // Each bit leaves a step out, so that a short input reaches the later ones.
  if ((choice & 2) == 0) static_cast<void>(piv::select(card));
  if ((choice & 4) == 0) {
    const auto chuid = piv::read_chuid(card);
    if (chuid && chuid->card_uuid().size() != 36) std::abort();
    static_cast<void>(piv::read_signed_chuid(card));
  }
  if ((choice & 8) == 0) {
    const auto certificate = piv::read_certificate(card, piv::Slot::authentication);
    if (certificate && (certificate->empty() || certificate->size() > 16384)) std::abort();
  }
  if ((choice & 16) == 0) {
    const auto tries = piv::tries_left(card);
    if (tries && (*tries < piv::tries_not_told || *tries > 15)) std::abort();
  }
  if ((choice & 16) == 0) static_cast<void>(piv::pin_in_use(card));
  if ((choice & 32) == 0) {
    const auto once = [&](auto&& spend) {
      const int before = card.secrets;
      static_cast<void>(spend());
      if (card.secrets > before + 1) std::abort();  // a passcode, or a PUK, is never sent twice
    };
    const auto secret = [](std::string_view digits) { return Secret(digits); };
    once([&] { return piv::verify_pin(card, secret("123456")); });
    once([&] { return piv::change_pin(card, secret("123456"), secret("654321")); });
    once([&] { return piv::unblock_pin(card, secret("12345678"), secret("654321")); });
  }
  const bool rsa = (choice & 64) != 0;
  const auto signature =
      piv::sign(card, piv::Slot::authentication, rsa ? piv::Algorithm::rsa2048 : piv::Algorithm::p256,
                Bytes(rsa ? 256 : 32, 0x5A));
  if (signature && rsa && signature->size() != 256) std::abort();
  if (signature && !rsa && signature->size() > 72) std::abort();
  return 0;
}
