// SPDX-License-Identifier: Apache-2.0
// What is done with a card, on a reader's own thread, whatever kind of card it is: the driver moves the
// bytes, the judging is here.
//
//   read_card    on insertion        what stands on it, is it a copy, is its certificate good: while the person
//                                    is still typing
//   prove_card   after the passcode  the challenge signed by the card, checked against that certificate
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>

#include "daemon/drivers/driver.hpp"
#include "daemon/rules/certificate_judge.hpp"
#include "trust/certificate.hpp"

namespace cardgate::daemon {

struct CardFacts {
  std::shared_ptr<const CardDriver> driver;
  std::string id;  // card UUID; for a card without one, made of its certificate's issuer and serial
                   // number (base/card_id.hpp)
  bool named_by_certificate = false;  // the latter
  int tries_left = 0;                 // or tries_unknown
  int passcode_key = 0;               // the driver's own
  Bytes certificate;                  // DER
  trust::CertificateInfo info;
  trust::Verdict verdict;
  Bytes certificate_mark;                     // as CardContents
  bool present = false;                       // it showed that it is no copy
  std::string presence_problem;               // as CardContents
  int unblocking_tries_left = tries_unknown;  // as CardContents
  std::optional<trust::Chuid> chuid;          // as far as it was read
};

/// Asks each driver in turn. `stop` as the drivers'. Errors: card_not_piv (no driver knows it), signature_invalid (it
/// is a copy, its parts do not belong together, or its CHUID is not signed as it must be), key_unsupported (of a kind
/// that cannot be used), permission_denied (it takes no passcode in this reader), pcsc_*, card_*,
/// certificate_malformed. A certificate that is not good is no error: see verdict. Neither is card authentication
/// that cannot be had, unless it is asked for.
Result<CardFacts> read_card(const CardDrivers& drivers, const std::string& reader,
                            const CertificateJudge& judge, WallTime now, std::stop_token stop);

/// What a person should be told 30, 7 and 1 days before their certificate ends, and when it has ended.
std::optional<std::string> certificate_warning(const trust::CertificateInfo& info, WallTime now);

/// A passcode was right, and the card has the key of its certificate, which `verdict` is about.
struct Proof {
  trust::Verdict verdict;
  /// How long it took to judge the certificate by what is at hand, to ask the network, and to talk to the card.
  std::chrono::nanoseconds certificate{}, revocation{}, card{};
};

struct Attempt {
  std::shared_ptr<const CardFacts> card;  // what read_card found in this insertion
  PasscodeUse use;
  std::string host, sign_in_id;  // the challenge is bound to both
};

/// The certificate judged again, now, and the network asked where what is at hand does not do: nothing is
/// spent on one that is not good. The passcode is spent at most once. Errors: pin_* (number = tries left),
/// card_changed (number = tries left; nothing spent), signature_invalid (the card has another key than its
/// certificate says), permission_denied (the passcode was right, and the key does not sign), key_unsupported,
/// pcsc_*, card_*, cancelled (nothing spent), timeout.
Result<Proof> prove_card(Attempt attempt, const CertificateJudge& judge, WallTime now, std::stop_token stop);

}  // namespace cardgate::daemon
