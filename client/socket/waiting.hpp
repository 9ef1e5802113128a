// SPDX-License-Identifier: Apache-2.0
// Public header of the library cardgate_client.
//
// The calls of service.hpp for a program with an event loop of its own (Asio's): nothing here blocks. One thread, the
// io_context's. Whoever is called back must outlive the io_context's run.
#pragma once

#include <boost/asio/io_context.hpp>
#include <filesystem>
#include <functional>
#include <string>

#include "base/secret.hpp"
#include "client/socket/service.hpp"

namespace cardgate::client {

/// A request that owns what it says; the body is wiped when the call is over.
struct WaitingRequest {
  std::string method = "GET";
  std::string target;
  Secret body{};  // JSON, or empty
};

class WaitingHttp {
 public:
  WaitingHttp(boost::asio::io_context& io, std::filesystem::path socket)
      : io_(io), socket_(std::move(socket)) {}

  /// Calls `done` once, never before this returns. Errors: as Http::call() and read_reply().
  void call(WaitingRequest request, milliseconds deadline, std::function<void(Result<Reply>)> done) const;

  /// Reads server-sent events as Http::listen() does, the event "open" first, until the stream ends; then calls `ended`
  /// once.
  void listen(std::string target, std::function<void(const Event&)> on_event,
              std::function<void(const Error&)> ended) const;

 private:
  boost::asio::io_context& io_;
  std::filesystem::path socket_;
};

}  // namespace cardgate::client
