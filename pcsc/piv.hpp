// SPDX-License-Identifier: Apache-2.0
// The PIV card application (NIST SP 800-73-4 Parts 1 and 2) over a CardChannel. The only place that judges
// status words.
//
//   select -> read_chuid                                who is it?          (1 + 1 exchanges)
//   select -> pin_in_use -> tries_left -> read_certificate   while the person types
//   select -> passcode_state -> verify_pin -> sign      ONE transaction, freshly reset
//
// Every function is one logical command while all goes well, so exchanges can be counted on. Any may also give the channel's own
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

/// Algorithm identifiers (SP 800-78-5, table 9). Block sizes stand in the table in piv_sign.cpp.
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

/// SELECT. A card that takes PIV's name is PIV, whatever it answers, unless it names another application.
/// Errors: card_not_piv (no such application, or another).
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

/// GET DATA of the slot's certificate: DER, unpacked when the card keeps it so, whatever its flag says. Whether it
/// is a certificate is trust/'s business. Errors: card_data_missing (an empty object, too), permission_denied (the
/// card does not show it in this reader), too_large (over 16 KiB unpacked).
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
/// the primary one (SP 800-73-4 Part 1, 3.3.2). One exchange; a card without the object, however it says so, or
/// with one that cannot be read, has the application's.
Result<Pin> pin_in_use(CardChannel& card);

/// A card that does not tell how many tries are left.
inline constexpr int tries_not_told = -1;

struct PasscodeState {
  int tries_left = tries_not_told;  // 0 when blocked
  /// The passcode was still verified although the card had been reset, and is no longer: log_out() when you are
  /// done, or others inherit an unlocked card.
  bool outlived_reset = false;
};

/// The passcode of a card that was just reset, by an empty VERIFY that spends no try: 63 CX, 63 0X, 6983 and 6984
/// (blocked), 6300 (not told). One exchange; a card that wants to read a length of 0 takes one more. Errors:
/// permission_denied (the card takes no passcode in this reader: it lies on one without contacts),
/// card_data_missing (it has no such passcode), card_not_piv
/// (it knows no PIV command), card_protocol (it stays unlocked whatever it is told).
Result<PasscodeState> passcode_state(CardChannel& card, Pin pin = Pin::application);

/// Its tries alone; 0 when blocked, or tries_not_told. Errors: as passcode_state().
Result<int> tries_left(CardChannel& card, Pin pin = Pin::application);

/// VERIFY with P1 FF (SP 800-73-4 Part 2, 3.2.1): the passcode is no longer verified. Whether the card did it is
/// for passcode_state() to see.
Result<void> log_out(CardChannel& card, Pin pin);

/// Tries left of the unblocking key (PUK), in the same way; tries_not_told by the many cards that do not tell.
Result<int> puk_tries_left(CardChannel& card);

/// 6 to 8 ASCII digits (SP 800-73-4 Part 2, 2.4.3); needs no card. Errors: pin_format.
Result<void> check_pin_format(const Secret& pin);

/// VERIFY, padded with FF to 8: sent once, never repeated. Only 9000 is a yes; whatever else the card answers is a
/// failure, behind which the tries are asked for again. The PIN is wiped on every path. Errors: pin_format
/// (nothing sent), pin_incorrect (number = tries left now, or tries_not_told), pin_blocked.
Result<void> verify_pin(CardChannel& card, Secret pin, Pin which = Pin::application);

/// CHANGE REFERENCE DATA: from `pin` to `fresh`. Spends a try when `pin` is wrong. `tries_before`: as
/// passcode_state() told, to know a refused new passcode from a wrong old one. Errors: as verify_pin; pin_format
/// for either (number 0: nothing sent; else the SW with which the card refused the new one).
Result<void> change_pin(CardChannel& card, Secret pin, Secret fresh, Pin which = Pin::application,
                        int tries_before = tries_not_told);

/// RESET RETRY COUNTER: a new application PIN by the PUK. Spends one of the PUK's tries when it is wrong.
/// Errors: pin_format (number 0: nothing sent; else the SW with which the card refused the new passcode),
/// puk_incorrect (number = its tries left, or tries_not_told), puk_blocked, key_unsupported (the card has no such
/// command).
Result<void> unblock_pin(CardChannel& card, Secret puk, Secret fresh);

/// GENERAL AUTHENTICATE. `block`: for RSA padded to the modulus' length, for ECDSA the hash. The answer: for
/// RSA the raw signature of the modulus' length; for ECDSA DER SEQUENCE {r, s} in its shortest form, whatever
/// zeros the card wrote. Errors: invalid_argument (length of block), permission_denied (PIN not verified),
/// card_data_missing (no such key), key_unsupported (the card does not do this algorithm with this slot),
/// card_status (number = SW; 6985: a key that may not be used, or is not there).
Result<Bytes> sign(CardChannel& card, Slot slot, Algorithm algorithm, BytesView block);

}  // namespace cardgate::pcsc::piv
