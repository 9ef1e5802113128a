// SPDX-License-Identifier: Apache-2.0
// Tokens' signatures, made beside the service's own thread where the machine has processors for it, and on it where it has not:
// a signature is half of what a token costs. Called on the service's thread alone.
//
//   auto ticket = signers.start(sign);       another processor signs ...
//   co_await the record                      ... while the disk works
//   auto made = co_await signers.made(ticket);
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/thread_pool.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/crypto.hpp"

namespace cardgate::daemon {

class Signers {
 public:
  /// Of one text. It is wiped with the ticket, unless it was taken.
  struct Made {
    std::string text;
    Digest hash{};        // BLAKE2b-256 of it
    std::string failure;  // why there is no text
  };
  class Pending;
  using Ticket = std::shared_ptr<Pending>;

  /// `threads`: 0: start() signs.
  Signers(boost::asio::io_context& io, std::size_t threads);
  /// Waits for what is being signed.
  ~Signers();
  Signers(const Signers&) = delete;
  Signers& operator=(const Signers&) = delete;

  /// `sign` gives the text; it may run on any thread, and what it throws is the failure.
  Ticket start(std::function<std::string()> sign);
  /// Once a ticket.
  boost::asio::awaitable<Made> made(Ticket ticket);

 private:
  boost::asio::io_context& io_;
  std::optional<boost::asio::thread_pool> pool_;
};

/// As many as this machine has processors beyond those that the service's thread and its log use; a few at most.
std::size_t signing_threads();

}  // namespace cardgate::daemon
