// SPDX-License-Identifier: Apache-2.0
// Whose request is served, and whose answer is written next: one of each uid in turn, however many one of them has. Reading a
// request costs little and waits for nobody. One thread.
#pragma once

#include <sys/types.h>

#include <boost/asio/async_result.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <deque>
#include <functional>
#include <memory>
#include <unordered_map>

namespace cardgate::daemon {

class FairTurns {
 public:
  explicit FairTurns(boost::asio::io_context& io) : state_(std::make_shared<State>(io)) {}

  /// Comes back when it is this request's turn: behind each other uid that waits once at most.
  auto wait(uid_t uid) {
    // Not shared: what waits is owned by the state, and must not own it in turn.
    auto initiate = [state = state_.get(), uid](auto handler) {
      auto mine = std::make_shared<decltype(handler)>(std::move(handler));
      state->add(uid, [mine] { std::move (*mine)(); });
    };
    return boost::asio::async_initiate<const boost::asio::use_awaitable_t<>, void()>(
        std::move(initiate), boost::asio::use_awaitable);
  }

 private:
  struct State : std::enable_shared_from_this<State> {
    explicit State(boost::asio::io_context& context) : io(context) {}

    void add(uid_t uid, std::function<void()> go_on) {
      auto& waiting = of_uid[uid];
      if (waiting.empty()) ring.push_back(uid);
      waiting.push_back(std::move(go_on));
      if (!running) run_later();
    }
    void run_later() {
      running = true;
      boost::asio::post(io, [self = shared_from_this()] { self->run_one(); });
    }
    void run_one() {
      const uid_t uid = ring.front();
      ring.pop_front();
      const auto waiting = of_uid.find(uid);
      const auto go_on = std::move(waiting->second.front());
      waiting->second.pop_front();
      if (waiting->second.empty()) {
        of_uid.erase(waiting);
      } else {
        ring.push_back(uid);
      }
      running = false;
      if (!ring.empty()) run_later();
      go_on();
    }

    boost::asio::io_context& io;
    std::unordered_map<uid_t, std::deque<std::function<void()>>> of_uid;  // none is empty
    std::deque<uid_t> ring;
    bool running = false;
  };
  std::shared_ptr<State> state_;
};

}  // namespace cardgate::daemon
