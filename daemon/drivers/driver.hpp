// SPDX-License-Identifier: Apache-2.0
// The seam between what cardgate does with a card and the kind of card it is. A driver moves bytes and spends
// tries; it judges no certificate and no signature: that is card_work's. docs/card-drivers.md says how to add
// one.
//
// Drivers are const and may be used by several threads at once, one a reader. Every call is one conversation
// that begins and ends with the card locked to everybody. Any may give pcsc_*, card_*, certificate_malformed,
// and key_unsupported for what this kind of card cannot do.
//
// `stop` ends a conversation at once, whatever hangs: the one who asked has left, the card's time is over, or
// the service stops. The error is then `cancelled`, and no passcode was spent; or `timeout`, when one may have
// been.
#pragma once

#include <memory>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/bytes.hpp"
#include "base/clock.hpp"
#include "base/secret.hpp"
#include "daemon/drivers/card_settings.hpp"
#include "trust/certificate.hpp"
#include "trust/chuid.hpp"

namespace cardgate::daemon {

/// A card that does not tell how many tries are left (PKCS#11 tells only when few are).
inline constexpr int tries_unknown = -1;

/// How much of a card's CHUID is wanted; each exchange costs time while a person waits.
enum class ChuidPart : std::uint8_t { none, head, whole };

/// What stands on a card, unjudged.
struct CardContents {
  Bytes certificate;  // DER; the one to sign in with
  int tries_left = tries_unknown;
  int passcode_key = 0;                       // the driver's own: which of the card's passcodes people use
  int unblocking_tries_left = tries_unknown;  // looked for only where the passcode is blocked
  /// Card authentication (PIV 9E): DER and the card's signature over the presence message; each empty when the card
  /// has none, or it could not be had, which never keeps the rest from being read.
  Bytes presence_certificate, presence_signature;
  std::string presence_problem;  // why what the card seems to have could not be had; a sentence for people
  std::optional<trust::ChuidFields> chuid;  // none: not asked for, or this card has none
  /// By what the driver may know each certificate again, without reading all of it; empty: by nothing.
  Bytes certificate_mark, presence_mark;
};

/// The passcode as a person gave it, with what they were shown: a mismatch spends nothing.
struct PasscodeUse {
  std::string reader;
  int passcode_key = 0;  // as CardContents
  int tries_shown = 0;
  bool spend_last_try = false;
  Secret passcode;
};

/// The unblocking key (PUK) as a person gave it.
struct UnblockUse {
  std::string reader;
  Bytes certificate;  // of the card, as it was read: the tries of its key are remembered by it
  bool spend_last_try = false;
  Secret unblocking_key;
};

class CardDriver {
 public:
  virtual ~CardDriver() = default;
  CardDriver(const CardDriver&) = delete;
  CardDriver& operator=(const CardDriver&) = delete;

  virtual std::string_view name() const = 0;
  /// False when other programs could use the card between our passcode and our signature.
  virtual bool transaction_guaranteed() const = 0;

  /// `presence_message` is what a card with a key of its own signs without a passcode, to show that it is no
  /// copy. Errors: card_not_piv (not a card of this driver's kind: the next driver is asked).
  virtual Result<CardContents> read(const std::string& reader, BytesView presence_message, ChuidPart chuid,
                                    std::stop_token stop) const = 0;
  /// The certificate of this mark is good, and a signature proved that such a card holds its key: from here on
  /// the mark stands for it. What a card only claims must never be remembered, or a forged card would be taken
  /// for its original, and the original for the forgery.
  virtual void remember(BytesView /*mark*/, const Bytes& /*certificate*/) const {}
  /// A card that showed this mark was refused: the next one is read whole.
  virtual void forget(BytesView /*mark*/) const {}
  virtual Result<int> count_tries(const std::string& reader, int passcode_key,
                                  std::stop_token stop) const = 0;
  /// Spends the passcode at most once. `block` as trust::block_to_sign() makes it. Errors: pin_* (number =
  /// tries left), card_changed (number = tries left; nothing spent), key_unsupported; after a right passcode:
  /// signature_invalid (the card has no key of the kind that its certificate names), permission_denied (its key
  /// does not sign).
  virtual Result<Bytes> sign(PasscodeUse use, const trust::CertificateInfo& certificate, BytesView block,
                             std::stop_token stop) const = 0;
  /// Errors: as sign(), for the passcode in use; pin_format for either (number: 0 when nothing was sent).
  virtual Result<void> change_passcode(PasscodeUse use, Secret new_passcode, std::stop_token stop) const = 0;
  /// A new passcode by the PUK, for a blocked card. Errors: puk_incorrect (number = tries left, or tries_unknown),
  /// puk_blocked, pin_last_try (the PUK's, and nothing was spent), pin_format (number: 0 when nothing was sent).
  virtual Result<void> unblock(UnblockUse use, Secret new_passcode, std::stop_token stop) const = 0;

 protected:
  CardDriver() = default;
};

/// May the passcode be spent, as the card is now? Errors: pin_blocked, card_changed (number = tries left),
/// pin_last_try.
Result<void> check_tries(int tries, const PasscodeUse& use);

using CardDrivers = std::vector<std::shared_ptr<const CardDriver>>;

/// The drivers that the settings name. Errors: config_invalid.
Result<CardDrivers> make_drivers(const CardSettings& settings);

}  // namespace cardgate::daemon
