// SPDX-License-Identifier: Apache-2.0
// How far long work is, as one line that is drawn over, on a terminal alone.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <thread>

namespace cardgate::client {

/// "[=====     ] 50 % (5,000 of 10,000)".
std::string bar_text(std::uint64_t done, std::uint64_t of);
/// "1,234,567".
std::string with_commas(std::uint64_t number);

/// While it lives, asks `line` four times a second what to show on stderr; does nothing where stderr is no
/// terminal. `line` is called on a thread of its own.
class Progress {
 public:
  explicit Progress(std::function<std::string()> line);

 private:
  std::jthread thread_;  // its end takes the line away
};

}  // namespace cardgate::client
