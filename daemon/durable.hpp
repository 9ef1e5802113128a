// SPDX-License-Identifier: Apache-2.0
// Waiting for an audit record to be durable, without a thread: the log's writer thread collects what is done
// and wakes the io_context once for a whole group commit.
#pragma once

#include <boost/asio/async_result.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <functional>
#include <memory>
#include <mutex>
#include <vector>

#include "audit/log.hpp"

namespace cardgate::daemon {

class Durable {
 public:
  explicit Durable(boost::asio::io_context& io) : shared_(std::make_shared<Shared>(io)) {}

  /// `co_await wait(log, record)` gives Result<void>: success means the record is on disk.
  auto wait(audit::Log& log, audit::Record record) {
    auto initiate = [shared = shared_, &log](auto handler, audit::Record what) {
      auto mine = std::make_shared<decltype(handler)>(std::move(handler));
      log.append(std::move(what), [shared, mine](const Result<void>& outcome) {
        shared->add([mine, outcome] { std::move (*mine)(outcome); });
      });
    };
    return boost::asio::async_initiate<const boost::asio::use_awaitable_t<>, void(Result<void>)>(
        std::move(initiate), boost::asio::use_awaitable, std::move(record));
  }

 private:
  struct Shared : std::enable_shared_from_this<Shared> {
    explicit Shared(boost::asio::io_context& context) : io(context) {}
    void add(std::function<void()> completion) {
      bool first = false;
      {
        const std::lock_guard lock(mutex);
        first = waiting.empty();
        waiting.push_back(std::move(completion));
      }
      if (first) {
        boost::asio::post(io, [self = shared_from_this()] {
          std::vector<std::function<void()>> ready;
          {
            const std::lock_guard lock(self->mutex);
            ready.swap(self->waiting);
          }
          for (auto& each : ready) each();
        });
      }
    }
    boost::asio::io_context& io;
    std::mutex mutex;
    std::vector<std::function<void()>> waiting;
  };
  std::shared_ptr<Shared> shared_;
};

}  // namespace cardgate::daemon
