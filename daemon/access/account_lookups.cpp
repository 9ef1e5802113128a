// SPDX-License-Identifier: Apache-2.0
#include "daemon/access/account_lookups.hpp"

#include <signal.h>

#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "daemon/limits.hpp"

namespace cardgate::daemon {
namespace {

namespace asio = boost::asio;

constexpr std::chrono::seconds patience_at_end{2};

Error no_answer(const char* why) {
  return {Errc::unavailable, why};
}

}  // namespace

/// Somebody who waits: lives in their coroutine.
struct AccountLookups::Waiting {
  asio::steady_timer until;
  bool answered = false;
  std::optional<UnixAccount> found{};
};

/// Outlives the object while a thread hangs, or a coroutine waits.
struct AccountLookups::Shared : std::enable_shared_from_this<Shared> {
  using Number = std::uint64_t;
  struct Asked {
    Number number;
    Look look;
  };

  explicit Shared(asio::io_context& context) : io(&context) {}

  /// False: too many wait.
  bool add(Number number, Look look) {
    const std::lock_guard lock(mutex);
    if (io == nullptr || queue.size() >= max_account_lookups_waiting) return false;
    queue.push_back({number, std::move(look)});
    if (threads.size() < account_lookup_threads && busy + queue.size() > threads.size()) begin_thread();
    wake.notify_one();
    return true;
  }
  void forget(Number number) {
    const std::lock_guard lock(mutex);
    std::erase_if(queue, [number](const Asked& each) { return each.number == number; });
  }
  void begin_thread() {
    // Signals are for the service's thread.
    sigset_t all, before;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before);
    threads.emplace_back([self = shared_from_this()] { self->work(); });
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  }
  void work() {
    std::unique_lock lock(mutex);
    for (;;) {
      wake.wait(lock, [this] { return io == nullptr || !queue.empty(); });
      if (io == nullptr) return;
      Asked asked = std::move(queue.front());
      queue.pop_front();
      ++busy;
      lock.unlock();
      auto found = asked.look();
      asked.look = nullptr;
      lock.lock();
      --busy;
      idle.notify_all();
      if (io == nullptr) return;
      asio::post(*io, [self = shared_from_this(), number = asked.number, found = std::move(found)]() mutable {
        self->answer(number, std::move(found));
      });
    }
  }
  void answer(Number number, std::optional<UnixAccount> found) {
    const auto waiter = waiting.find(number);
    if (waiter == waiting.end()) return;  // it came too late
    waiter->second->answered = true;
    waiter->second->found = std::move(found);
    waiter->second->until.cancel();
  }

  std::mutex mutex;  // for what follows, but `waiting` and `last`
  std::condition_variable wake, idle;
  asio::io_context* io;  // nullptr: it is over
  std::deque<Asked> queue;
  std::vector<std::thread> threads;
  std::size_t busy = 0;
  // On the io_context's thread alone.
  std::map<Number, Waiting*> waiting;
  Number last = 0;
};

AccountLookups::AccountLookups(asio::io_context& io) : shared_(std::make_shared<Shared>(io)) {}

AccountLookups::~AccountLookups() {
  std::unique_lock lock(shared_->mutex);
  shared_->io = nullptr;
  shared_->queue.clear();
  shared_->wake.notify_all();
  const bool ends = shared_->idle.wait_for(lock, patience_at_end, [this] { return shared_->busy == 0; });
  auto threads = std::move(shared_->threads);
  lock.unlock();
  for (auto& each : threads) ends ? each.join() : each.detach();
}

asio::awaitable<Result<std::optional<UnixAccount>>> AccountLookups::find(Look look) {
  // This object may be gone when the frame is destroyed, and what was posted is not called then.
  const auto shared = shared_;
  const auto number = ++shared->last;
  const auto executor = co_await asio::this_coro::executor;
  Waiting waiter{.until = asio::steady_timer(executor, account_lookup_patience)};
  if (!shared->add(number, std::move(look))) co_return no_answer("too many accounts are being looked up");
  struct Registered {
    Shared& with;
    Shared::Number number;
    ~Registered() { with.waiting.erase(number); }
  } registered{*shared, number};
  shared->waiting[number] = &waiter;
  boost::system::error_code cancelled;
  co_await waiter.until.async_wait(asio::redirect_error(asio::use_awaitable, cancelled));
  if (waiter.answered) co_return std::move(waiter.found);
  shared->forget(number);
  co_return no_answer("the directory of accounts does not answer");
}

}  // namespace cardgate::daemon
