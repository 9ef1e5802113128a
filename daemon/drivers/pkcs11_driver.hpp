// SPDX-License-Identifier: Apache-2.0
// Cards that only their vendor's PKCS#11 module knows. The module runs in cardgate-vendor-cards, a process
// and a user of its own, and is asked through a socket (daemon/vendor/message.hpp).
//
//   [reset the card]   request -> cardgate-vendor-cards -> answer   [reset the card]
//
// The module opens the card itself, so cardgate cannot keep other programs from it meanwhile: the resets lock
// it before and after, the helper trusts no login but its own, and transaction_guaranteed() says no.
#pragma once

#include "daemon/drivers/driver.hpp"

namespace cardgate::daemon {

/// Errors: config_invalid.
Result<std::shared_ptr<const CardDriver>> make_pkcs11_driver(const CardSettings& settings);

}  // namespace cardgate::daemon
