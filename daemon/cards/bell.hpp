// SPDX-License-Identifier: Apache-2.0
// Wakes whoever waits until something has changed. One thread.
#pragma once

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <memory>
#include <vector>

namespace cardgate::daemon {

class Bell {
 public:
  void ring() {
    for (const auto& waiting : *waiting_) {
      if (const auto timer = waiting.lock()) timer->cancel();
    }
    waiting_->clear();
  }
  /// Until it rings, `until` at the latest.
  boost::asio::awaitable<void> wait(std::chrono::steady_clock::time_point until) {
    const auto executor = co_await boost::asio::this_coro::executor;
    auto timer = std::make_shared<boost::asio::steady_timer>(executor, until);
    std::erase_if(*waiting_, [](const auto& each) { return each.expired(); });
    waiting_->emplace_back(timer);
    auto waiting = timer->async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
    co_await std::move(waiting);
  }

 private:
  std::shared_ptr<std::vector<std::weak_ptr<boost::asio::steady_timer>>> waiting_ =
      std::make_shared<std::vector<std::weak_ptr<boost::asio::steady_timer>>>();
};

}  // namespace cardgate::daemon
