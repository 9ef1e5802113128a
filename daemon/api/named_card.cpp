// SPDX-License-Identifier: Apache-2.0
#include "daemon/api/named_card.hpp"

#include <fmt/format.h>

#include "base/card_id.hpp"
#include "register/person.hpp"

namespace cardgate::daemon {

Result<std::string> named_card(const std::optional<std::string>& uuid,
                               const std::optional<std::string>& issuer_serial) {
  if (uuid.has_value() == issuer_serial.has_value()) {
    return Error{Errc::invalid_argument,
                 "Name the card by \"uuid\" or, when it has none of its own, by \"issuer_serial\""};
  }
  // A placeholder that an older register holds can still be stopped; registering it is refused.
  if (uuid && (reg::is_card_uuid(*uuid) || is_placeholder_uuid(*uuid))) return reg::card_uuid(*uuid);
  if (uuid)
    return Error{Errc::invalid_argument,
                 "A card is named by its UUID, like 8b1f6c1e-2d5a-4d0e-9a53-0c2f7b6f1a01"};
  auto made = card_id_from(*issuer_serial);
  if (!made.empty()) return made;
  return Error{
      Errc::invalid_argument,
      "\"issuer_serial\" is the issuer and the serial number of the card's certificate, as cardgate status "
      "shows them: CN=Example Issuing CA,O=Example;0a1b2c"};
}

std::optional<Response> refuse_placeholder(const std::string& uuid) {
  const auto why = why_placeholder("card_uuid", uuid);
  if (why.empty()) return std::nullopt;
  return problem(422, "not_possible",
                 fmt::format("That card cannot be registered by its UUID: {}. Nothing was done. Register "
                             "it by its certificate's issuer and serial number (cardgate status shows "
                             "them).",
                             why));
}

}  // namespace cardgate::daemon
