// SPDX-License-Identifier: Apache-2.0
// Work that must be done one after the other, whoever asks for it. One thread.
#pragma once

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <memory>

namespace cardgate::daemon {

class Turns {
 public:
  explicit Turns(boost::asio::io_context& io) : bell_(std::make_shared<boost::asio::steady_timer>(io)) {
    bell_->expires_at(boost::asio::steady_timer::time_point::max());
  }

  /// The turn lasts until it is destroyed.
  class Turn {
   public:
    Turn(std::shared_ptr<bool> taken, std::shared_ptr<boost::asio::steady_timer> bell)
        : taken_(std::move(taken)), bell_(std::move(bell)) {
      *taken_ = true;
    }
    ~Turn() {
      *taken_ = false;
      bell_->cancel_one();
    }
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;

   private:
    std::shared_ptr<bool> taken_;
    std::shared_ptr<boost::asio::steady_timer> bell_;
  };

  boost::asio::awaitable<std::unique_ptr<Turn>> mine() {
    const auto taken = taken_;
    const auto bell = bell_;
    while (*taken) {
      const auto rung = co_await bell->async_wait(boost::asio::as_tuple(boost::asio::use_awaitable));
      (void)rung;  // that the wait was cut short is what rings
    }
    co_return std::make_unique<Turn>(taken, bell);
  }

 private:
  std::shared_ptr<bool> taken_ = std::make_shared<bool>(false);
  std::shared_ptr<boost::asio::steady_timer> bell_;
};

}  // namespace cardgate::daemon
