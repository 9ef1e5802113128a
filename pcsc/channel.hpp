// SPDX-License-Identifier: Apache-2.0
// The seam between what talks to a card and what carries the bytes: winscard's Transaction, or a test's
// script.
//
// A channel judges nothing: every status word comes back as the card gave it. A channel belongs to one thread
// at a time.
#pragma once

#include "base/bytes.hpp"

namespace cardgate::pcsc {

class CardChannel {
 public:
  virtual ~CardChannel() = default;

  /// One exchange: the command APDU out, the answer with its two status bytes back. Errors: the pcsc_* codes.
  virtual Result<Bytes> transmit(BytesView command) = 0;

  /// True when card and reader are both known to take extended-length APDUs (ISO 7816-4 5.1).
  virtual bool extended_length() const { return false; }
  /// The card refused one after all: extended_length() is false from here on.
  virtual void refuse_extended_length() {}

 protected:
  CardChannel() = default;
  CardChannel(const CardChannel&) = default;
  CardChannel& operator=(const CardChannel&) = default;
  CardChannel(CardChannel&&) = default;
  CardChannel& operator=(CardChannel&&) = default;
};

}  // namespace cardgate::pcsc
