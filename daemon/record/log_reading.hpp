// SPDX-License-Identifier: Apache-2.0
// Where the audit log is read for people: never on the service's thread, which goes on meanwhile, and never two at a time of a
// kind. Pages are short; reports may take a minute, and do not hold up pages. The index of the log is used and kept by the thread
// of the pages alone. All functions are called on the service's thread; what is awaited here comes back on it.
//
// Where an act is asked for: `begin_dear` of PeopleDesk says whose turn it is.
#pragma once

#include <atomic>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <filesystem>
#include <functional>
#include <memory>

#include "audit/index.hpp"
#include "base/clock.hpp"
#include "base/result.hpp"

namespace cardgate::daemon {

class LogReading {
 public:
  /// `log` is the log's directory; the index stands in a folder of its own in `state`.
  LogReading(std::filesystem::path log, const std::filesystem::path& state);
  LogReading(const LogReading&) = delete;
  LogReading& operator=(const LogReading&) = delete;
  ~LogReading() {
    stop();
    pages_.join();
    reports_.join();
  }
  /// What runs ends as soon as it looks, with cancelled, so that it holds up no end of the service.
  void stop() { *stop_ = true; }

  /// So much of a page's time at the most is for the index to catch up: the rest is for what was asked.
  static constexpr milliseconds longest_catch_up{900};

  /// Work with the log; `index` is nullptr where none can be kept. It asks `go_on` often: false once its time is over or the
  /// service stops. Must have a name of its own, as the work of RegisterThreads.
  template <class T>
  using PageWork = std::function<Result<T>(const std::filesystem::path& log, audit::Index* index,
                                           const std::function<bool()>& go_on)>;
  template <class T>
  boost::asio::awaitable<Result<T>> page(PageWork<T> work) {
    return on(pages_, [work = std::move(work), kept = kept_, log = log_, stop = stop_]() -> Result<T> {
      const auto until = std::chrono::steady_clock::now() + longest_page;
      return work(log, index_of(*kept), [&] { return !*stop && std::chrono::steady_clock::now() < until; });
    });
  }
  /// Longer work, without the index and without an end but the service's.
  template <class T>
  using ReportWork =
      std::function<Result<T>(const std::filesystem::path& log, const std::atomic<bool>& stop)>;
  template <class T>
  boost::asio::awaitable<Result<T>> report(ReportWork<T> work) {
    return on(reports_, [work = std::move(work), log = log_, stop = stop_] { return work(log, *stop); });
  }

 private:
  struct Kept {
    std::filesystem::path folder;
    std::unique_ptr<audit::Index> index;
    bool told = false;          // that it cannot be kept
    bool told_damaged = false;  // that it was made anew
  };
  static constexpr milliseconds longest_page{1500};

  /// On the pages' thread. nullptr: none can be kept now; the journal says why, once.
  static audit::Index* index_of(Kept& kept);

  template <class Work>
  static auto on(boost::asio::thread_pool& threads, Work work) -> boost::asio::awaitable<decltype(work())> {
    auto run = [work = std::move(work)]() -> boost::asio::awaitable<decltype(work())> { co_return work(); };
    auto running = boost::asio::co_spawn(threads, std::move(run), boost::asio::use_awaitable);
    co_return co_await std::move(running);
  }

  std::filesystem::path log_;
  std::shared_ptr<Kept> kept_;
  std::shared_ptr<std::atomic<bool>> stop_ = std::make_shared<std::atomic<bool>>(false);
  boost::asio::thread_pool pages_{1}, reports_{1};
};

}  // namespace cardgate::daemon
