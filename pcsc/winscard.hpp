// SPDX-License-Identifier: Apache-2.0
// PC/SC (pcsc-lite 1.9): context, card, exclusive transaction. winscard.h itself stays inside the room.
//
// Context, Card and Transaction share ownership of what they stand on, so any may outlive the object it came
// from. Each is for one thread at a time, and all that came from one Context count as one; use a Context a
// thread. Any pcsc_no_service or pcsc_transport error makes the Context useless: establish another (pcscd may
// have restarted).
//
// No call waits for ever: a pcscd that does not answer for 5 s is pcsc_no_service. The stop token that a
// Context is given ends every wait at once, of its Cards and Transactions too, with `cancelled`: a command
// that was under way may then have been carried out, and the card is reset as soon as pcscd lets go of it.
#pragma once

#include <memory>
#include <stop_token>
#include <string>
#include <vector>

#include "base/bytes.hpp"
#include "base/clock.hpp"
#include "pcsc/channel.hpp"
#include "pcsc/length_memory.hpp"

namespace cardgate::pcsc {

/// Exclusive use of a card that was reset when the transaction began; reset again when it ends, so that
/// nobody inherits an unlocked card. Move-only; the destructor ends it.
class Transaction final : public CardChannel {
 public:
  Transaction(Transaction&&) noexcept;
  Transaction& operator=(Transaction&&) noexcept;
  ~Transaction() override;

  /// Errors: pcsc_card_removed, pcsc_card_reset, pcsc_card_mute (no answer in 10 s, or 30 s over in all: the
  /// transaction is over), pcsc_no_service, pcsc_transport, invalid_argument (after end()).
  Result<Bytes> transmit(BytesView command) override;
  /// The card's ATR promises it, it speaks T=1, and the memory knows nothing against card or reader.
  bool extended_length() const override;
  void refuse_extended_length(Refusal by) override;
  bool t0() const override;
  /// What is left of the conversation takes this long at most: a command without an answer by then ends it, with
  /// pcsc_card_mute. pcscd may keep the card until the answer comes.
  void end_within(milliseconds limit);
  /// transmit() calls so far.
  int round_trips() const;
  /// Resets the card and lets others in. Idempotent: a second call succeeds. Errors: as transmit(); the lock
  /// is released, and the card's state lost, in every case but a pcscd that no longer answers.
  Result<void> end();

 private:
  friend class Card;
  struct Impl;
  explicit Transaction(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

/// One insertion of a card into a reader: once it is pulled, this Card is of no more use, whatever is put in
/// after it. Nothing is held between transactions, so other programs are not kept from the card. Move-only.
class Card {
 public:
  Card(Card&&) noexcept;
  Card& operator=(Card&&) noexcept;
  ~Card();

  /// Waits until no other program holds the card, `wait_at_most` at the longest, takes it, and resets it.
  /// Errors: pcsc_sharing_violation (still held), pcsc_card_removed, pcsc_card_mute, pcsc_no_service,
  /// pcsc_transport.
  /// `lengths` is asked whether this card and reader take extended length, and told when they do not; none: each transaction
  /// finds out for itself.
  Result<Transaction> begin(milliseconds wait_at_most, std::shared_ptr<LengthMemory> lengths = {});
  /// As the card gave it when it was connected.
  const Bytes& atr() const;

 private:
  friend class Context;
  friend class Transaction;
  struct Impl;
  explicit Card(std::shared_ptr<Impl> impl);
  std::shared_ptr<Impl> impl_;
};

class Context {
 public:
  /// Errors: pcsc_no_service, pcsc_access_denied, pcsc_transport, cancelled.
  static Result<Context> establish(std::stop_token stop = {});
  Context(Context&&) noexcept;
  Context& operator=(Context&&) noexcept;
  ~Context();

  /// Names of all readers as they are shown (base/shown.hpp); none is an empty list, not an error. Errors: pcsc_no_service,
  /// pcsc_transport.
  Result<std::vector<std::string>> readers();
  /// `reader`: as readers() and the watcher name it. Errors: pcsc_no_reader, pcsc_no_card, pcsc_access_denied, pcsc_no_service, pcsc_transport.
  Result<Card> connect(const std::string& reader);

 private:
  friend class Card;
  struct Impl;
  explicit Context(std::shared_ptr<Impl> impl);
  std::shared_ptr<Impl> impl_;
};

}  // namespace cardgate::pcsc
