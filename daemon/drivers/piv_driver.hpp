// SPDX-License-Identifier: Apache-2.0
// PIV cards (NIST SP 800-73-4) through pcscd: every conversation is one exclusive transaction that begins and
// ends with a reset.
//
//   read    SELECT, [discovery,] tries left, certificate | [CHUID when the certificate names no card]
//           card authentication (9E), when the card has it
//   sign    SELECT, tries left, VERIFY, GENERAL AUTHENTICATE
//
// Of a card that proved itself before, only the first part of a certificate is read: it stands for the whole,
// and the signature proves it again.
#pragma once

#include "daemon/drivers/driver.hpp"

namespace cardgate::daemon {

/// Needs no settings. Errors: none.
Result<std::shared_ptr<const CardDriver>> make_piv_driver(const CardSettings& settings);

}  // namespace cardgate::daemon
