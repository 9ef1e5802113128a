// SPDX-License-Identifier: Apache-2.0
// The seam between what talks to a card and what carries the bytes: winscard's Transaction, or a test's
// script.
//
// A channel judges nothing: every status word comes back as the card gave it. A channel belongs to one thread
// at a time.
#pragma once

#include <optional>
#include <utility>

#include "base/bytes.hpp"

namespace cardgate::pcsc {

/// Who could not take a command of extended length.
enum class Refusal : std::uint8_t { by_card, by_reader };

class CardChannel {
 public:
  virtual ~CardChannel() = default;

  /// One exchange: the command APDU out, the answer with its two status bytes back. Errors: the pcsc_* codes.
  virtual Result<Bytes> transmit(BytesView command) = 0;

  /// True when the card says that it takes extended-length APDUs (ISO 7816-4 5.1), and nothing has spoken against it yet.
  virtual bool extended_length() const { return false; }
  /// One was refused after all: extended_length() is false from here on.
  virtual void refuse_extended_length(Refusal /*by*/) {}
  /// True when the card speaks T=0, which has no place for Le behind data (ISO/IEC 7816-3:2006 12.2).
  virtual bool t0() const { return false; }

  /// exchange() keeps here that the last answer was read in part: the xx of its 61xx.
  void leave_unread(std::uint8_t xx) { unread_ = xx; }
  std::optional<std::uint8_t> take_unread() { return std::exchange(unread_, std::nullopt); }

 protected:
  CardChannel() = default;
  CardChannel(const CardChannel&) = default;
  CardChannel& operator=(const CardChannel&) = default;
  CardChannel(CardChannel&&) = default;
  CardChannel& operator=(CardChannel&&) = default;

 private:
  std::optional<std::uint8_t> unread_;
};

}  // namespace cardgate::pcsc
