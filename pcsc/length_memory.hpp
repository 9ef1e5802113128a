// SPDX-License-Identifier: Apache-2.0
// Who promised extended length and could not keep it: kinds of cards by their ATR, readers by their name. They are spoken to in
// short APDUs from then on, until the service starts anew. Thread-safe, and bounded.
#pragma once

#include <mutex>
#include <set>
#include <string>

#include "base/bytes.hpp"
#include "pcsc/channel.hpp"

namespace cardgate::pcsc {

class LengthMemory {
 public:
  static constexpr std::size_t most = 256;  // of each; the next one begins anew, which costs some exchanges

  bool keeps_short(const std::string& reader, const Bytes& atr) const;
  void refused(Refusal by, const std::string& reader, const Bytes& atr);

 private:
  mutable std::mutex mutex_;
  std::set<Bytes> cards_;
  std::set<std::string> readers_;
};

}  // namespace cardgate::pcsc
