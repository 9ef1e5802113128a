// SPDX-License-Identifier: Apache-2.0
#include "pcsc/length_memory.hpp"

namespace cardgate::pcsc {

bool LengthMemory::keeps_short(const std::string& reader, const Bytes& atr) const {
  const std::lock_guard lock(mutex_);
  return readers_.contains(reader) || cards_.contains(atr);
}

void LengthMemory::refused(Refusal by, const std::string& reader, const Bytes& atr) {
  const std::lock_guard lock(mutex_);
  if (by == Refusal::by_reader) {
    if (readers_.size() >= most) readers_.clear();
    readers_.insert(reader);
  } else {
    if (cards_.size() >= most) cards_.clear();
    cards_.insert(atr);
  }
}

}  // namespace cardgate::pcsc
