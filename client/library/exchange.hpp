// SPDX-License-Identifier: Apache-2.0
// A connection to the service for a library that lives in other people's programs: plain sockets, no thread, no signal (one
// that comes is waited out), no environment. Deadlines run on CLOCK_BOOTTIME. What is sent and received is wiped. One thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "client/library/include/cardgate/client.hpp"

namespace cardgate::inside {

inline constexpr std::size_t max_answer_bytes = 4 * 1024 * 1024;
inline constexpr std::size_t max_head_bytes = 32 * 1024;

/// Milliseconds on CLOCK_BOOTTIME.
std::int64_t boot_ms();

/// Writes zeros over it, and makes it empty.
void wipe(std::string& text);

/// Text that is wiped when it goes.
class Wiped {
 public:
  Wiped() = default;
  explicit Wiped(std::string text) : text_(std::move(text)) {}
  ~Wiped() { wipe(text_); }
  Wiped(const Wiped&) = delete;
  Wiped& operator=(const Wiped&) = delete;

  /// Grows in wiped steps: no copy is left behind.
  void append(std::string_view piece);
  /// Takes `count` bytes away from the front.
  void drop(std::size_t count);
  std::string& text() { return text_; }
  std::string_view view() const { return text_; }

 private:
  std::string text_;
};

struct Request {
  std::string_view method = "GET";
  std::string target;         // with its query
  std::string_view body{};    // JSON; empty: none
  std::string_view bearer{};  // Authorization: Bearer
};

/// The head of an answer.
struct Head {
  int status = 0;
  std::vector<std::pair<std::string, std::string>> fields;  // names in lower case
  /// Empty when it is not there.
  std::string_view field(std::string_view name) const;
};

/// Reads "HTTP/1.1 200 OK\r\n...\r\n\r\n". False: it is none.
bool parse_head(std::string_view text, Head& head);

class Connection {
 public:
  Connection() = default;
  ~Connection() { close(); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  /// A descriptor that ends every wait when it becomes readable (Watch::stop()).
  void end_by(int descriptor) { stop_ = descriptor; }
  /// Connects, sends, and reads the head. Errors: bad_argument, not_reachable, no_permission, timeout, bad_answer, stopped.
  Result<Head> ask(const std::string& socket, const Request& request, std::int64_t until_ms);
  /// All of the body. Errors: as ask().
  Result<bool> read_body(const Head& head, std::int64_t until_ms);
  /// Some more of it; false at its end. Errors: as ask(), with timeout when nothing came.
  Result<bool> read_some(std::int64_t until_ms);
  /// What was read behind the head.
  Wiped& body() { return in_; }
  int descriptor() const { return fd_; }
  void close();

 private:
  Result<bool> open(const std::string& socket, std::int64_t until_ms);
  Result<bool> send(std::string_view bytes, std::int64_t until_ms);
  /// Errors: timeout, stopped.
  Result<bool> wait(short events, std::int64_t until_ms) const;

  int fd_ = -1;
  int stop_ = -1;
  std::string socket_;
  Wiped in_;
};

/// One call: its whole answer stands in `connection.body()`.
Result<Head> call(Connection& connection, const std::string& socket, const Request& request,
                  std::chrono::milliseconds deadline);

/// For a query (RFC 3986 2.1).
std::string percent_encoded(std::string_view text);

}  // namespace cardgate::inside
