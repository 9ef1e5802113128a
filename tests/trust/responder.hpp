// SPDX-License-Identifier: Apache-2.0
// An HTTP server on the loopback that answers as a test says, right or wrong. Threads of its own.
#pragma once

#include <atomic>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/bytes.hpp"
#include "base/file.hpp"

namespace cardgate::test {

class Responder {
 public:
  /// `answer` gets a request's target and body, and gives what goes back over the wire, as it is; nothing
  /// more is sent and the connection closes. Called by several threads at once.
  using Answer = std::function<std::string(const std::string& target, const Bytes& body)>;
  enum class Loopback : std::uint8_t { v4, v6 };
  /// Throws when the machine has no such loopback.
  explicit Responder(Answer answer, Loopback loopback = Loopback::v4);
  ~Responder();
  Responder(const Responder&) = delete;
  Responder& operator=(const Responder&) = delete;

  std::string host() const { return (v6_ ? "[::1]:" : "127.0.0.1:") + port(); }
  std::string port() const { return std::to_string(port_); }
  std::string url(const std::string& path = "/") const { return "http://" + host() + path; }
  int requests() const { return requests_; }
  /// Request line and fields of the last one, in lower case.
  std::string last_head() const {
    const std::lock_guard lock(mutex_);
    return last_head_;
  }
  /// After the answer the connection is reset instead of closed.
  void reset_connections(bool reset) { reset_ = reset; }

 private:
  void accept_all();
  void serve(int fd);

  Answer answer_;
  FileDescriptor listening_;
  bool v6_ = false;
  unsigned port_ = 0;
  std::atomic<int> requests_ = 0;
  std::atomic<bool> reset_ = false, stopping_ = false;
  mutable std::mutex mutex_;
  std::string last_head_;
  std::vector<std::thread> threads_;
  std::thread acceptor_;
};

/// "HTTP/1.1 200 OK" and so on around the content.
std::string http_ok(BytesView content, const std::string& type = "application/ocsp-response");

}  // namespace cardgate::test
