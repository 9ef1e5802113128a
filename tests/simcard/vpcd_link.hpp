// SPDX-License-Identifier: Apache-2.0
// Puts a Card into a reader of vsmartcard's vpcd (a pcscd driver) over TCP on 127.0.0.1.
//
// Wire: 2-byte big-endian length + bytes; length-1 messages 00 power off, 01 power on, 02 reset, 04 ATR
// asked. There is no "no answer" in it (vpcd waits for ever, or takes an empty answer for the beginning of
// the next one), so a mute card resets the connection and is back at once, without a removal. SCardTransmit
// then succeeds with an answer of no bytes, and says SCARD_E_NOT_TRANSACTED until vpcd has looked for the
// card again (0.4 s); with a real reader it says so from the first.
//
// pcscd forgets a card whose reset fails because it is being pulled, but its own watch over the reader does not: the
// next card that is in before that watch looks again (0.4 s) is never noticed. The link then does what a person does:
// it takes the card out and puts it in again.
//
// The card answers in a thread of the link's own. insert() and pull() belong to one thread; inserted() to
// any.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <thread>

#include "base/file.hpp"
#include "base/result.hpp"
#include "tests/simcard/card.hpp"

namespace cardgate::simcard {

/// The two readers of vpcd.
inline constexpr std::uint16_t first_reader = 35963;
inline constexpr std::uint16_t second_reader = 35964;

class VpcdLink {
 public:
  /// `card` must outlive the link.
  explicit VpcdLink(Card& card, std::uint16_t port = first_reader);
  ~VpcdLink();  // pulls
  VpcdLink(const VpcdLink&) = delete;
  VpcdLink& operator=(const VpcdLink&) = delete;

  /// Connects, trying again until a pcscd listens or `deadline` has passed. From then on the card stays in
  /// the reader: when pcscd restarts it connects again by itself. pcscd reports the card within half a
  /// second. Errors: timeout, already_exists (inserted already), io.
  Result<void> insert(std::chrono::milliseconds deadline = std::chrono::seconds(10));
  /// Powers the card off and closes the connection, then waits (at most `deadline`) until vpcd has noticed,
  /// so that an insert() right after it is a removal and an insertion to pcscd. Nothing happens when not
  /// inserted.
  void pull(std::chrono::milliseconds deadline = std::chrono::seconds(3));

  bool inserted() const { return inserted_.load(); }

 private:
  Result<void> connect_once();
  bool receive(std::span<std::uint8_t> into);
  bool send(BytesView message);
  bool wait_before_answer();
  bool handle(BytesView message);
  void drop();
  bool serve();
  void run();

  Card& card_;
  const std::uint16_t port_;
  FileDescriptor socket_;
  FileDescriptor stop_;  // eventfd, readable once pull() has begun
  bool waking_ = false;  // powered on, ATR not asked yet
  std::optional<int>
      looks_unpowered_;  // times pcscd looked at the card since insert() without powering it on
  std::atomic<bool> inserted_{false};
  std::thread thread_;
};

}  // namespace cardgate::simcard
