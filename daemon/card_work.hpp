// SPDX-License-Identifier: Apache-2.0
// What is done with a card, on a reader's own thread: two short stories, each one exclusive transaction that
// begins and ends with a reset.
//
//   read_card   on insertion     SELECT, tries left, certificate [, CHUID when the certificate names no
//   card]; judged
//                                while the person is still typing
//   prove_card  after the passcode  SELECT, tries left, VERIFY, sign challenge; signature checked
//
// Short APDUs, a certificate of 770 bytes: 6 + 6 exchanges for RSA-2048, 6 + 4 for P-256.
#pragma once

#include <memory>
#include <string>

#include "base/secret.hpp"
#include "pcsc/winscard.hpp"
#include "trust/authorities.hpp"
#include "trust/certificate.hpp"
#include "trust/validate.hpp"

namespace cardgate::daemon {

/// How certificates are judged; replaced as a whole on reload.
struct Judge {
  trust::Authorities authorities;
  trust::Rules rules;
};

struct CardFacts {
  std::string id;  // card UUID
  int tries_left = 0;
  Bytes certificate;  // DER
  trust::CertificateInfo info;
  trust::Verdict verdict;
  int round_trips = 0;
};

/// Errors: pcsc_*, card_*, certificate_malformed. A certificate that is not good is no error: see verdict.
Result<CardFacts> read_card(const std::string& reader, const Judge& judge, WallTime now);

/// How many tries are left now: SELECT and the empty VERIFY. Errors: pcsc_*, card_*.
Result<int> count_tries(const std::string& reader);

struct Attempt {
  std::string reader;
  Bytes certificate;  // what read_card found in this insertion
  trust::KeyKind key = trust::KeyKind::other;
  int tries_shown = 0;
  bool spend_last_try = false;
  Secret passcode;
  std::string host, sign_in_id;  // the challenge is bound to both
};
struct Proof {
  trust::Verdict verdict;  // judged again, now
  int round_trips = 0;
};

/// The passcode is spent at most once. Errors: pin_* (number = tries left), card_changed (number = tries
/// left; nothing spent), signature_invalid (the card has another key than its certificate says),
/// key_unsupported, pcsc_*, card_*.
Result<Proof> prove_card(Attempt attempt, const Judge& judge, WallTime now);

}  // namespace cardgate::daemon
