// SPDX-License-Identifier: Apache-2.0
// A card made of fuzz input: each answer is a length (two bytes, big-endian) and so many bytes; then it is
// pulled.
#pragma once

#include <algorithm>

#include "pcsc/channel.hpp"

namespace cardgate::fuzz {

class ReplayChannel final : public pcsc::CardChannel {
 public:
  ReplayChannel(BytesView input, bool extended) : rest_(input), extended_(extended) {}

  Result<Bytes> transmit(BytesView command) override {
    constexpr std::size_t empty_with_length = 5;
    const bool spends = command.size() > empty_with_length &&
                        (command[1] == 0x20 || command[1] == 0x24 || command[1] == 0x2C);
    ++exchanges;
    if (spends) ++secrets;
    if (rest_.size() < 2) return Errc::pcsc_card_removed;
    const std::size_t announced = static_cast<std::size_t>(rest_[0]) << 8 | rest_[1];
    const BytesView answer = rest_.subspan(2, std::min(announced, rest_.size() - 2));
    rest_ = rest_.subspan(2 + answer.size());
    return Bytes(answer.begin(), answer.end());
  }
  bool extended_length() const override { return extended_; }

  int exchanges = 0;
  int secrets = 0;  // commands with a passcode or an unblocking key

 private:
  BytesView rest_;
  bool extended_;
};

}  // namespace cardgate::fuzz
