// SPDX-License-Identifier: Apache-2.0
// A virtual PIV card (NIST SP 800-73-4 part 2, ISO 7816-4): commands in, answers out, no reader.
//
// Knows SELECT, GET DATA, VERIFY, CHANGE REFERENCE DATA, RESET RETRY COUNTER, GENERAL AUTHENTICATE (RSA-2048,
// P-256), command chaining, GET RESPONSE, short and extended length. It is strict where cards are: nothing
// works before SELECT, an interrupted chain is forgotten, a changed counter is on disk before its answer
// leaves. Thread-safe: one thread is the reader's (VpcdLink), others look at it or change its faults
// meanwhile.
#pragma once

#include <atomic>
#include <chrono>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "tests/simcard/card_data.hpp"

namespace cardgate::simcard {

/// How a test makes the card misbehave. Everything off: a good card.
struct Faults {
  /// Sees every command first (called under the card's lock: do not call the card from it). A value is the
  /// answer instead of the card's own, which then does not see the command; an empty value is a card that
  /// does not answer.
  std::function<std::optional<Bytes>(BytesView apdu)> intercept;
  /// Sees every answer of the card last, and returns what is sent.
  std::function<Bytes(BytesView apdu, Bytes answer)> alter;

  bool no_atr = false;            // does not wake up on power-on: SCARD_W_UNPOWERED_CARD
  bool mute = false;              // answers no command; VpcdLink says what a client sees
  bool hang = false;              // never answers: the reader waits until pull() or until this is cleared
  bool nonsense = false;          // answers every command with random bytes
  bool not_piv = false;           // SELECT says 6A82
  bool short_only = false;        // extended length refused with 6700
  bool strict_le = false;         // a command without Le gets 61xx and no data, instead of up to 256 bytes
  bool answers_later = false;     // a command with data gets 61xx first and no data, also with an Le
  bool half_read_blocks = false;  // no signature (6985) while an answer waits to be fetched to its end
  bool pulled_in_command =
      false;  // as the next command comes: VpcdLink leaves without an answer, and stays away
  bool no_certificate = false;    // both certificate objects absent (6A82)
  bool verify_always_ok = false;  // VERIFY answers 9000 and the key works whatever the PIN
  Bytes foreign_certificate;      // DER shown for 9A instead of the card's own
  std::string sign_with;          // PEM of another key of the same kind that 9A signs with
  std::map<std::uint32_t, Bytes>
      objects;  // shown by GET DATA instead of the card's own; empty: 9000 without data
  bool tells_unblocking_tries = false;  // an empty VERIFY of the PUK (81) says how many tries it has
  std::chrono::milliseconds delay{0};   // before each answer (applied by VpcdLink; pull() cuts it short)
};

class Applet;

class Card {
 public:
  /// A card that lives in memory only, or in `directory`.
  explicit Card(CardData data, const std::filesystem::path& directory = {});
  /// A card in a folder: each change of a counter or PIN is on disk before its answer leaves. Errors: as
  /// load_card.
  static Result<std::unique_ptr<Card>> open(const std::filesystem::path& directory);
  ~Card();
  Card(const Card&) = delete;
  Card& operator=(const Card&) = delete;

  /// Answer to one command APDU, status word included; an empty answer is a mute card. Counted in
  /// exchanges().
  Bytes process(BytesView apdu);
  /// Power-on. The ATR of a PIV card; empty when Faults::no_atr.
  Bytes power_on();
  void power_off();
  /// As power_on().
  Bytes reset();
  Bytes atr() const;

  Faults faults() const;
  void set_faults(Faults faults);
  /// Commands processed since construction or clear_exchanges(): the round trips of a sign-in.
  int exchanges() const { return exchanges_.load(); }
  void clear_exchanges() { exchanges_.store(0); }
  /// Power-ons and resets seen, in sum.
  int resets() const { return resets_.load(); }

  /// A copy of what the card holds now (counters, PIN, certificates).
  CardData data() const;
  int pin_tries() const { return data().pin_tries; }
  bool pin_verified() const;
  /// Changes what the card holds, as personalising it anew would; saved when the card has a folder.
  /// Errors: as save_card.
  Result<void> change(const std::function<void(CardData&)>& edit);

 private:
  mutable std::mutex mutex_;
  std::unique_ptr<Applet> applet_;
  Faults faults_;
  std::atomic<int> exchanges_{0};
  std::atomic<int> resets_{0};
};

}  // namespace cardgate::simcard
