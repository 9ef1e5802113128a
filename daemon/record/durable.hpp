// SPDX-License-Identifier: Apache-2.0
// Waiting for an audit record to be durable, without a thread: the log's writer thread collects what is done
// and wakes the io_context once for a whole group commit.
//
//   auto ticket = durable.start(log, record);   the disk works ...
//   sign();                                     ... and so do we
//   auto outcome = co_await durable.wait(ticket);
#pragma once

#include <boost/asio/async_result.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "audit/log.hpp"

namespace cardgate::daemon {

class Durable {
 public:
  /// One record on its way to the disk. Used on the io_context's thread only.
  struct Pending {
    std::chrono::steady_clock::time_point begun = std::chrono::steady_clock::now();
    std::optional<Result<void>> outcome;
    std::function<void(Result<void>)> waiter;
  };
  using Ticket = std::shared_ptr<Pending>;

  /// `took` is told how long each took that got to the disk, on the io_context's thread.
  Durable(boost::asio::io_context& io, std::function<void(std::chrono::nanoseconds)> took)
      : shared_(std::make_shared<Shared>(io, std::move(took))) {}

  /// `keep`: what becomes of it when the log does not take it.
  Ticket start(audit::Log& log, audit::Record record, audit::Keep keep = audit::Keep::no,
               audit::Begin begin = audit::Begin::at_once) {
    auto ticket = std::make_shared<Pending>();
    log.append(
        std::move(record),
        [shared = shared_, ticket](const Result<void>& outcome) { shared->add(ticket, outcome); }, keep,
        begin);
    return ticket;
  }

  /// For waiting until everything that was given to the log before is on disk, or kept where the log is not.
  Ticket settled(audit::Log& log) {
    auto ticket = std::make_shared<Pending>();
    log.when_settled(
        [shared = shared_, ticket](const Result<void>& outcome) { shared->add(ticket, outcome); });
    return ticket;
  }

  /// Success means the record is on disk. One wait a ticket.
  auto wait(Ticket ticket) {
    auto initiate = [shared = shared_](auto handler, Ticket what) {
      auto mine = std::make_shared<decltype(handler)>(std::move(handler));
      what->waiter = [mine](Result<void> outcome) { std::move (*mine)(std::move(outcome)); };
      // Done already: still by way of the loop, so that a coroutine is never resumed inside its own
      // suspension.
      if (what->outcome) boost::asio::post(shared->io, [what] { what->waiter(*what->outcome); });
    };
    return boost::asio::async_initiate<const boost::asio::use_awaitable_t<>, void(Result<void>)>(
        std::move(initiate), boost::asio::use_awaitable, std::move(ticket));
  }

 private:
  struct Shared : std::enable_shared_from_this<Shared> {
    Shared(boost::asio::io_context& context, std::function<void(std::chrono::nanoseconds)> told)
        : io(context), took(std::move(told)) {}
    void add(const Ticket& ticket, const Result<void>& outcome) {
      bool first = false;
      {
        const std::lock_guard lock(mutex);
        first = done.empty();
        done.emplace_back(ticket, outcome);
      }
      if (!first) return;
      boost::asio::post(io, [self = shared_from_this()] {
        std::vector<std::pair<Ticket, Result<void>>> ready;
        {
          const std::lock_guard lock(self->mutex);
          ready.swap(self->done);
        }
        const auto now = std::chrono::steady_clock::now();
        for (auto& [each, result] : ready) {
          if (result) self->took(now - each->begun);
          each->outcome = result;
          if (each->waiter) each->waiter(std::move(result));
        }
      });
    }
    boost::asio::io_context& io;
    std::function<void(std::chrono::nanoseconds)> took;
    std::mutex mutex;
    std::vector<std::pair<Ticket, Result<void>>> done;
  };
  std::shared_ptr<Shared> shared_;
};

}  // namespace cardgate::daemon
