// SPDX-License-Identifier: Apache-2.0
#include "daemon/drivers/piv_words.hpp"

#include <fmt/format.h>

namespace cardgate::daemon {
namespace piv = pcsc::piv;

Result<piv::Algorithm> algorithm_of(trust::KeyKind key) {
  switch (key) {
    case trust::KeyKind::rsa2048:
      return piv::Algorithm::rsa2048;
    case trust::KeyKind::rsa3072:
      return piv::Algorithm::rsa3072;
    case trust::KeyKind::p256:
      return piv::Algorithm::p256;
    case trust::KeyKind::p384:
      return piv::Algorithm::p384;
    case trust::KeyKind::rsa4096:
    case trust::KeyKind::other:
      break;
  }
  return Error{
      Errc::key_unsupported,
      fmt::format("its key is {}, and only RSA-2048, RSA-3072, P-256 and P-384 can be used with a PIV card",
                  key == trust::KeyKind::rsa4096 ? "RSA-4096" : "of another kind")};
}

bool is_about_an_object(Errc code) {
  switch (code) {
    case Errc::card_data_missing:
    case Errc::card_status:
    case Errc::card_protocol:
    case Errc::permission_denied:
    case Errc::too_large:
      return true;
    default:
      return false;
  }
}

Error not_signed(Error error) {
  // The certificate names a key of this kind: whoever copies a card has its certificate alone.
  if (error.code == Errc::key_unsupported || error.code == Errc::card_data_missing)
    return Error(Errc::signature_invalid, std::move(error.context), error.number);
  if (is_about_an_object(error.code))
    return Error(Errc::permission_denied, std::move(error.context), error.number);
  return error;
}

bool ends_the_reading(Errc code) {
  switch (code) {
    case Errc::pcsc_card_removed:
    case Errc::pcsc_no_card:
    case Errc::pcsc_no_service:
    case Errc::pcsc_no_reader:
    case Errc::pcsc_access_denied:
    case Errc::cancelled:
    case Errc::internal:
      return true;
    default:
      return false;
  }
}

std::string why_not_shown(const Error& error) {
  constexpr auto key_is_missing =
      "it has a certificate for card authentication, and the key that belongs to it is missing or cannot be "
      "used";
  constexpr std::int64_t conditions_not_satisfied = 0x6985;
  switch (error.code) {
    case Errc::permission_denied:
      return "its card authentication wants a passcode";
    case Errc::key_unsupported:
      if (error.number == 0)
        return "the key of its card authentication is of a kind that cannot be used here";
      [[fallthrough]];
    case Errc::card_data_missing:
      return key_is_missing;
    case Errc::card_status:
      if (error.number == conditions_not_satisfied) return key_is_missing;
      break;
    case Errc::pcsc_card_mute:
    case Errc::timeout:
      return "the key of its card authentication does not answer in time: it may wait for a touch";
    case Errc::certificate_malformed:
      return "its certificate for card authentication cannot be read";
    default:
      break;
  }
  return "its card authentication does not work (" + error.context + ")";
}

bool is_the_cards_word(Errc code) {
  switch (code) {
    case Errc::pin_incorrect:
    case Errc::pin_blocked:
    case Errc::pin_format:
    case Errc::puk_incorrect:
    case Errc::puk_blocked:
    case Errc::key_unsupported:
    case Errc::pcsc_card_removed:
    case Errc::pcsc_no_card:
      return true;
    default:
      return false;
  }
}

}  // namespace cardgate::daemon
