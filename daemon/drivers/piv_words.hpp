// SPDX-License-Identifier: Apache-2.0
// What the answers of a PIV card mean for those who asked it: errors of pcsc/ turned into those that CardDriver
// promises, and into words. Pure.
#pragma once

#include <string>

#include "pcsc/piv.hpp"
#include "trust/certificate.hpp"

namespace cardgate::daemon {

/// Errors: key_unsupported (number 0), saying which keys can be used.
Result<pcsc::piv::Algorithm> algorithm_of(trust::KeyKind key);

/// What the sign-in key answered after the card had taken the passcode: signature_invalid (it has no key of the kind
/// that its certificate names) or permission_denied (its key does not sign). Errors of the reader stay what they are.
Error not_signed(Error error);

/// A card's word on one of its data objects or keys: it has none, keeps it to itself, or shows what cannot be read.
bool is_about_an_object(Errc code);

/// The card, its reader or the wish to know is gone, and with it all that was read.
bool ends_the_reading(Errc code);

/// Why a card did not show that it is genuine: for the journal, and for people where it must.
std::string why_not_shown(const Error& error);

/// A card's own word on a passcode. Any other failure may have spent a try, too.
bool is_the_cards_word(Errc code);

}  // namespace cardgate::daemon
