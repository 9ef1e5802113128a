// SPDX-License-Identifier: Apache-2.0
// One call to the service, for a module that lives in other people's programs: plain sockets, no thread, no signal (a signal
// that comes is waited out), no environment. Deadlines run on CLOCK_BOOTTIME.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace cardgate::pam {

inline constexpr std::size_t max_answer_bytes = 256 * 1024;

/// Text that is wiped when it goes. It never grows, so that no copy of it is left behind; what does not fit is not taken.
class Wiped {
 public:
  Wiped() = default;
  ~Wiped() { clear(); }
  Wiped(const Wiped&) = delete;
  Wiped& operator=(const Wiped&) = delete;

  bool add(std::string_view text);
  bool add(char c) { return add(std::string_view(&c, 1)); }
  bool empty() const { return size_ == 0; }
  std::string_view text() const { return {bytes_, size_}; }
  void clear();

 private:
  char bytes_[8192];
  std::size_t size_ = 0;
};

struct Answer {
  int status = 0;  // of HTTP; 0: there was none
  std::string body;
};

/// Sends one request and reads its answer. `body` is JSON; empty: none. Never throws but std::bad_alloc.
Answer call(const std::string& socket, std::string_view method, const std::string& target,
            std::string_view body, int deadline_ms);

/// For a query (RFC 3986 2.1).
std::string percent_encoded(std::string_view text);

}  // namespace cardgate::pam
