// SPDX-License-Identifier: Apache-2.0
// Where work with the staff register is done that could take long: never on the service's thread, which goes on meanwhile.
// All functions are called on one thread, the service's. What is awaited here comes back on it.
//
// g++ 12 destroys a lambda twice that stands inside a co_await: `work` needs a name of its own before it.
#pragma once

#include <atomic>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <filesystem>
#include <functional>
#include <memory>

#include "base/crypto.hpp"
#include "daemon/people/register_health.hpp"
#include "register/credentials.hpp"
#include "register/register.hpp"

namespace cardgate::daemon {

class RegisterThreads {
 public:
  /// `file` is the register's; both connections are to it, and used here alone.
  RegisterThreads(std::filesystem::path file, std::unique_ptr<reg::Register> writer,
                  std::unique_ptr<reg::Credentials> credentials)
      : file_(std::move(file)),
        writer_(std::move(writer)),
        credentials_(std::move(credentials)),
        health_(file_) {}
  RegisterThreads(const RegisterThreads&) = delete;
  RegisterThreads& operator=(const RegisterThreads&) = delete;
  ~RegisterThreads() {
    stop();
    changes_.join();
    beside_.join();
    lists_.join();
  }

  const std::filesystem::path& file() const { return file_; }
  /// Work beside the changes ends as soon as it looks, so that it holds up no end of the service.
  void stop() { stop_ = true; }

  /// Changes the register, one work after the other: a long import holds up later ones.
  template <class T>
  boost::asio::awaitable<Result<T>> write(std::function<Result<T>(reg::Register&)> work) {
    auto running = on(changes_, [work = std::move(work), writer = writer_] { return work(*writer); });
    auto outcome = co_await std::move(running);
    if (!outcome) failed(outcome.error());
    co_return outcome;
  }
  /// Work with the passwords on file, in the same order as changes.
  template <class T>
  boost::asio::awaitable<Result<T>> on_file(std::function<Result<T>(reg::Credentials&)> work) {
    auto running = on(changes_, [work = std::move(work), file = credentials_] { return work(*file); });
    auto outcome = co_await std::move(running);
    if (!outcome) failed(outcome.error());
    co_return outcome;
  }
  /// With both, for passwords whose change stands on what the register says of whoever changes them.
  template <class T>
  boost::asio::awaitable<Result<T>> on_both(
      std::function<Result<T>(reg::Register& staff, reg::Credentials& file)> work) {
    auto running = on(changes_, [work = std::move(work), writer = writer_, file = credentials_] {
      return work(*writer, *file);
    });
    auto outcome = co_await std::move(running);
    if (!outcome) failed(outcome.error());
    co_return outcome;
  }

  /// Why the register cannot be changed, in whole sentences; empty while it can.
  const std::string& problem() const { return health_.problem(); }
  /// Called with news: that it cannot be changed, or that it can be again.
  std::function<void(const std::string& text, bool good)> on_news;
  /// Something about it failed elsewhere.
  void failed(const Error& error) {
    if (health_.failed(error) && on_news) on_news(health_.problem(), false);
  }
  /// Writes something that means nothing, again and again until it works, so that the service knows without waiting for
  /// somebody who wants a change. To be spawned at the start and after bad news.
  boost::asio::awaitable<void> try_until_written() {
    if (std::exchange(trying_, true)) co_return;
    const std::function<Result<void>(reg::Register&)> work = [](reg::Register& staff) {
      return staff.set_setting("written", random_id());  // SQLite writes nothing where nothing changes
    };
    boost::asio::steady_timer pause(co_await boost::asio::this_coro::executor);
    while (!stop_) {
      if (health_.has_room()) {
        auto writing = write<void>(work);
        const auto outcome = co_await std::move(writing);
        if (outcome) break;
      } else {
        failed(Errc::no_space);
      }
      pause.expires_after(retry_after);
      co_await pause.async_wait(boost::asio::use_awaitable);
    }
    trying_ = false;
    std::string news;
    if (!stop_ && health_.written(news) && on_news) on_news(news, true);
  }

  /// Beside everything else, by connections of its own; to end early, with cancelled, once `stop` is true.
  template <class T>
  using LongWork = std::function<Result<T>(const std::filesystem::path& file, const std::atomic<bool>& stop)>;
  template <class T>
  boost::asio::awaitable<Result<T>> beside(LongWork<T> work) {
    return on(beside_, [work = std::move(work), this] { return work(file_, stop_); });
  }
  /// The same for what people look at: short, and never behind a copy or a check of the whole register.
  template <class T>
  boost::asio::awaitable<Result<T>> look(LongWork<T> work) {
    return on(lists_, [work = std::move(work), this] { return work(file_, stop_); });
  }

 private:
  template <class Work>
  static auto on(boost::asio::thread_pool& threads, Work work) -> boost::asio::awaitable<decltype(work())> {
    auto run = [work = std::move(work)]() -> boost::asio::awaitable<decltype(work())> { co_return work(); };
    auto running = boost::asio::co_spawn(threads, std::move(run), boost::asio::use_awaitable);
    co_return co_await std::move(running);
  }

  std::filesystem::path file_;
  std::shared_ptr<reg::Register> writer_;
  std::shared_ptr<reg::Credentials> credentials_;
  RegisterHealth health_;
  static constexpr std::chrono::seconds retry_after{2};
  bool trying_ = false;
  std::atomic<bool> stop_ = false;
  boost::asio::thread_pool changes_{1}, beside_{2}, lists_{2};
};

}  // namespace cardgate::daemon
