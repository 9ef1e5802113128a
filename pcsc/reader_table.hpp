// SPDX-License-Identifier: Apache-2.0
// What the watcher knows of readers and cards, and what of it is news. Pure: observations in, events out.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "pcsc/watcher.hpp"

namespace cardgate::pcsc {

/// A reader's state as pcscd tells it.
struct ReaderState {
  bool available = true;  // the reader itself can be talked to
  bool present = false;
  bool mute = false;
  std::uint16_t counter = 0;  // of insertions and removals, kept by pcscd; a reset leaves it as it is
  Bytes atr;
};

class ReaderTable {
 public:
  using Events = std::vector<ReaderEvent>;

  /// The readers that there are now. A reader that is gone takes its card with it.
  Events set_readers(const std::vector<std::string>& names);
  /// A reader's state now. Readers that set_readers() did not name are none of our business.
  Events observe(const std::string& reader, const ReaderState& state);
  /// pcscd is gone, and everything with it.
  Events clear();

 private:
  struct Entry {
    std::uint64_t insertion = 0;  // 0: no card
    std::uint16_t counter = 0;
    bool mute = false;
  };
  void remove_card(const std::string& reader, Entry& entry, Events& events);

  std::map<std::string, Entry> readers_;
  std::uint64_t last_insertion_ = 0;
};

}  // namespace cardgate::pcsc
