// SPDX-License-Identifier: Apache-2.0
// Watches pcscd, its readers and their cards, and tells of every change in the order in which it happened.
//
// Own thread, own PC/SC context. The callback runs on that thread, one call at a time, must not block for
// long and must not destroy the Watcher; what it does with the events (post them to its own loop) is its own
// business.
//
// Promised: a card is removed before its reader, and everything before its service; a card that was pulled
// and put back is card_removed + card_inserted with a new insertion number, however fast; a card that is
// reset is neither.
//
// A pcscd that hangs is a pcscd that is gone: when it has not answered for Line::patience, cards, readers and
// service are told to be away, because nobody can say that a card is still in. When it answers again, all of
// them come anew.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/bytes.hpp"

namespace cardgate::pcsc {

struct ReaderEvent {
  enum class Kind : std::uint8_t {
    service_up,
    service_down,
    reader_added,
    reader_removed,
    card_inserted,
    card_removed,
  };
  Kind kind = Kind::service_down;
  std::string reader;  // as it is shown (base/shown.hpp); empty for service_*
  std::uint64_t insertion =
      0;              // card_*: unique to this Watcher, from 1 on; card_removed repeats that of its insertion
  Bytes atr;          // card_inserted; empty when mute
  bool mute = false;  // card_inserted: a card is there but does not answer
  Error why;          // service_down: what is wrong and how to cure it; elsewhere Errc::ok
};

class Watcher {
 public:
  /// Starts at once. The first event is service_up, or service_down when pcscd cannot be reached, which it
  /// goes on trying.
  explicit Watcher(std::function<void(ReaderEvent)> on_event);
  /// Stops within milliseconds, even when pcscd hangs; no event comes after it.
  ~Watcher();
  Watcher(const Watcher&) = delete;
  Watcher& operator=(const Watcher&) = delete;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace cardgate::pcsc
