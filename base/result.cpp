// SPDX-License-Identifier: Apache-2.0
#include "base/result.hpp"

#include <stdexcept>

namespace cardgate {

std::string_view name(Errc code) {
  switch (code) {
    case Errc::ok:
      return "ok";
    case Errc::invalid_argument:
      return "invalid_argument";
    case Errc::malformed:
      return "malformed";
    case Errc::too_large:
      return "too_large";
    case Errc::not_found:
      return "not_found";
    case Errc::already_exists:
      return "already_exists";
    case Errc::permission_denied:
      return "permission_denied";
    case Errc::io:
      return "io";
    case Errc::no_space:
      return "no_space";
    case Errc::timeout:
      return "timeout";
    case Errc::cancelled:
      return "cancelled";
    case Errc::unavailable:
      return "unavailable";
    case Errc::corrupt:
      return "corrupt";
    case Errc::internal:
      return "internal";
    case Errc::pcsc_no_service:
      return "pcsc_no_service";
    case Errc::pcsc_no_reader:
      return "pcsc_no_reader";
    case Errc::pcsc_no_card:
      return "pcsc_no_card";
    case Errc::pcsc_card_removed:
      return "pcsc_card_removed";
    case Errc::pcsc_card_reset:
      return "pcsc_card_reset";
    case Errc::pcsc_sharing_violation:
      return "pcsc_sharing_violation";
    case Errc::pcsc_access_denied:
      return "pcsc_access_denied";
    case Errc::pcsc_card_mute:
      return "pcsc_card_mute";
    case Errc::pcsc_transport:
      return "pcsc_transport";
    case Errc::card_not_piv:
      return "card_not_piv";
    case Errc::card_data_missing:
      return "card_data_missing";
    case Errc::card_protocol:
      return "card_protocol";
    case Errc::card_status:
      return "card_status";
    case Errc::pin_incorrect:
      return "pin_incorrect";
    case Errc::pin_blocked:
      return "pin_blocked";
    case Errc::pin_last_try:
      return "pin_last_try";
    case Errc::puk_incorrect:
      return "puk_incorrect";
    case Errc::puk_blocked:
      return "puk_blocked";
    case Errc::pin_format:
      return "pin_format";
    case Errc::card_changed:
      return "card_changed";
    case Errc::certificate_malformed:
      return "certificate_malformed";
    case Errc::crl_malformed:
      return "crl_malformed";
    case Errc::signature_invalid:
      return "signature_invalid";
    case Errc::key_unsupported:
      return "key_unsupported";
    case Errc::config_invalid:
      return "config_invalid";
    case Errc::token_malformed:
      return "token_malformed";
    case Errc::token_signature:
      return "token_signature";
    case Errc::token_expired:
      return "token_expired";
    case Errc::token_not_yet_valid:
      return "token_not_yet_valid";
  }
  return "unknown";
}

Error Error::with(std::string_view prefix) && {
  context = context.empty() ? std::string(prefix) : std::string(prefix) + ": " + context;
  return std::move(*this);
}

std::string Error::message() const {
  const std::string code_name(name(code));
  return context.empty() ? code_name : context + " (" + code_name + ")";
}

void throw_exception_from_error(const Error& error, const boost::source_location&) {
  throw std::logic_error("value() of a failed Result: " + error.message());
}

}  // namespace cardgate
