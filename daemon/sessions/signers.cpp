// SPDX-License-Identifier: Apache-2.0
#include "daemon/sessions/signers.hpp"

#include <algorithm>
#include <atomic>
#include <boost/asio/async_result.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <thread>

#include "base/secret.hpp"

namespace cardgate::daemon {

namespace asio = boost::asio;

class Signers::Pending {
 public:
  ~Pending() { wipe(made.text); }

  void sign(const std::function<std::string()>& signs) noexcept {
    try {
      made.text = signs();
      made.hash = blake2b(as_bytes(made.text));
    } catch (const std::exception& thrown) {
      made.text.clear();
      fail(thrown.what());
    }
  }
  void fail(const char* why) noexcept {
    try {
      made.failure = why;
    } catch (const std::bad_alloc&) {
      made.failure.clear();  // there is no memory even for saying so
    }
  }

  Made made;
  /// Of whoever waits. Taken out to be called, so that the ticket does not own what owns the ticket.
  std::function<void()> go_on;
  enum class State : std::uint8_t { neither, signed_already, waited_for };
  std::atomic<State> state{State::neither};
};

Signers::Signers(asio::io_context& io, std::size_t threads) : io_(io) {
  if (threads > 0) pool_.emplace(threads);
}

Signers::~Signers() {
  if (pool_) pool_->join();
}

Signers::Ticket Signers::start(std::function<std::string()> sign) {
  auto ticket = std::make_shared<Pending>();
  if (!pool_) {
    ticket->sign(sign);
    ticket->state = Pending::State::signed_already;
    return ticket;
  }
  asio::post(*pool_, [&io = io_, ticket, sign = std::move(sign)] {
    ticket->sign(sign);
    if (ticket->state.exchange(Pending::State::signed_already) == Pending::State::waited_for)
      asio::post(io, std::exchange(ticket->go_on, nullptr));
  });
  return ticket;
}

asio::awaitable<Signers::Made> Signers::made(Ticket ticket) {
  auto initiate = [this](auto handler, Pending* what) {
    auto mine = std::make_shared<decltype(handler)>(std::move(handler));
    what->go_on = [mine] { std::move (*mine)(); };
    // Signed by now: still by way of the loop, so that a coroutine is never resumed inside its own suspension.
    if (what->state.exchange(Pending::State::waited_for) == Pending::State::signed_already)
      asio::post(io_, std::exchange(what->go_on, nullptr));
  };
  if (ticket->state != Pending::State::signed_already) {
    co_await asio::async_initiate<const asio::use_awaitable_t<>, void()>(std::move(initiate),
                                                                         asio::use_awaitable, ticket.get());
  }
  co_return std::exchange(ticket->made, {});
}

std::size_t signing_threads() {
  constexpr std::size_t others = 2;  // the service's own thread, and the log's
  constexpr std::size_t most = 4;    // the service's own thread keeps no more than that busy
  const std::size_t processors = std::thread::hardware_concurrency();
  return processors > others ? std::min(processors - others, most) : 0;
}

}  // namespace cardgate::daemon
