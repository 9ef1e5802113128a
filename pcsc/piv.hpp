// SPDX-License-Identifier: Apache-2.0
// The PIV card application (NIST SP 800-73-4 Parts 1 and 2) over a CardChannel. The only place that judges
// status words.
//
//   select -> read_chuid                                who is it?          (1 + 1 exchanges)
//   select -> pin_in_use -> tries_left -> read_certificate   while the person types
//   select -> tries_left -> verify_pin -> sign          ONE transaction, freshly reset
//
// Every function is one logical command, so exchanges can be counted on. Any may also give the channel's own
// errors (pcsc_*), card_protocol (the answer is not as specified) and card_status (a status word nobody
// expected; number = SW). A channel belongs to one thread at a time; no state is kept here.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "base/bytes.hpp"
#include "base/secret.hpp"
#include "pcsc/channel.hpp"

namespace cardgate::pcsc::piv {

/// Key references (SP 800-73-4 Part 1, table 4b).
enum class Slot : std::uint8_t {
  authentication = 0x9A,
  signature = 0x9C,
  key_management = 0x9D,
  card_authentication = 0x9E,
};

/// Algorithm identifiers (SP 800-78-5, table 9). Block sizes stand in the table in piv.cpp.
enum class Algorithm : std::uint8_t { rsa3072 = 0x05, rsa2048 = 0x07, p256 = 0x11, p384 = 0x14 };

/// Key references of the passcodes (SP 800-73-4 Part 1, table 4a).
enum class Pin : std::uint8_t { global = 0x00, application = 0x80 };

/// What identifies a card in its Card Holder Unique Identifier (SP 800-73-4 Part 1, 3.1.2).
struct Chuid {
  Bytes fasc_n;                         // 25 bytes, or empty when the card leaves it out
  std::array<std::uint8_t, 16> guid{};  // the card UUID; all zero when the issuer set none

  /// RFC 4122 text: 8-4-4-4-12, lower case.
  std::string card_uuid() const;
};

/// SELECT. Errors: card_not_piv (no such application, or an answer that is not PIV's).
Result<void> select(CardChannel& card);

/// GET DATA 5FC102, one exchange: FASC-N and GUID stand in the first 60 bytes, the signature behind them
/// stays unread, so this identifies a card and proves nothing. Errors: card_data_missing.
Result<Chuid> read_chuid(CardChannel& card);

/// The whole CHUID, with what its issuer signed.
struct SignedChuid {
  Chuid chuid;
  std::string expiry;  // YYYYMMDD; empty when it is missing
  /// The object's content without the signature field (3E), as it stands, and that field's value (empty when
  /// it is missing): SP 800-73-4 Part 1, 3.1.2.
  Bytes signed_content, signature;
};

/// All of GET DATA 5FC102: 1 to 3 KB, so as many exchanges as a certificate. Nothing is verified. Errors:
/// card_data_missing.
Result<SignedChuid> read_signed_chuid(CardChannel& card);

/// GET DATA of the slot's certificate: DER, gunzipped when the card keeps it so. Whether it is a certificate
/// is trust/'s business. Errors: card_data_missing, too_large (over 16 KiB unzipped).
Result<Bytes> read_certificate(CardChannel& card, Slot slot);

/// Certificates of cards seen before, by the first part of their data object (the card's first answer, at
/// most 256 bytes, which holds serial number and issuer). What is recalled is claimed by the card, not
/// proved; and so is what keep() is handed: another card may show the same first part and go on otherwise. A
/// memory that serves more than one card must not take it in before a signature has proved it.
class CertificateMemory {
 public:
  virtual ~CertificateMemory() = default;
  virtual std::optional<Bytes> recall(BytesView head) = 0;
  virtual void keep(BytesView head, const Bytes& certificate) = 0;
};

/// The same, but one exchange for a certificate that `memory` knows: the rest stays unread. Keeps what it
/// reads whole.
Result<Bytes> read_certificate(CardChannel& card, Slot slot, CertificateMemory& memory);

/// Which passcode people of this card know: the global one only where the Discovery Object says that it is
/// the primary one (SP 800-73-4 Part 1, 3.3.2). One exchange; a card without the object has the
/// application's.
Result<Pin> pin_in_use(CardChannel& card);

/// Tries left of the passcode, by an empty VERIFY that spends none; 0 when blocked.
/// Errors: card_protocol when the card says it is already unlocked, which a freshly reset one cannot be.
Result<int> tries_left(CardChannel& card, Pin pin = Pin::application);

/// 6 to 8 ASCII digits (SP 800-73-4 Part 2, 2.4.3); needs no card. Errors: pin_format.
Result<void> check_pin_format(const Secret& pin);

/// VERIFY, padded with FF to 8. Spends a try when the PIN is wrong; never repeats. The PIN is wiped on
/// every path. Errors: pin_format (nothing sent, or the card refused the form: number = SW), pin_incorrect
/// (number = tries left), pin_blocked.
Result<void> verify_pin(CardChannel& card, Secret pin, Pin which = Pin::application);

/// CHANGE REFERENCE DATA: from `pin` to `fresh`. Spends a try when `pin` is wrong. Errors: as verify_pin,
/// pin_format for either.
Result<void> change_pin(CardChannel& card, Secret pin, Secret fresh, Pin which = Pin::application);

/// RESET RETRY COUNTER: a new application PIN by the PUK. Spends one of the PUK's tries when it is wrong.
/// Errors: pin_format (either; nothing sent, or the card refused the form), puk_incorrect (number = its tries
/// left), puk_blocked.
Result<void> unblock_pin(CardChannel& card, Secret puk, Secret fresh);

/// GENERAL AUTHENTICATE. `block`: for RSA padded to the modulus' length, for ECDSA the hash. The answer: for
/// RSA the raw signature of the modulus' length; for ECDSA DER SEQUENCE {r, s}, checked to be that. Errors:
/// invalid_argument (length of block), permission_denied (PIN not verified), card_data_missing (no such key),
/// key_unsupported (the card does not do this algorithm with this slot).
Result<Bytes> sign(CardChannel& card, Slot slot, Algorithm algorithm, BytesView block);

}  // namespace cardgate::pcsc::piv
