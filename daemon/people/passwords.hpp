// SPDX-License-Identifier: Apache-2.0
// Hashing passwords away from the service's thread: few threads and a short queue, so that neither memory nor time of the
// service is at the mercy of who guesses. Used on one thread.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/thread_pool.hpp>
#include <functional>
#include <memory>
#include <string>

#include "base/password.hpp"
#include "daemon/raised.hpp"

namespace cardgate::daemon {

class Passwords {
 public:
  using Typed = std::shared_ptr<const Secret>;

  /// Both are called on the thread that asked: `hashed` for each hash that was made, `news` when memory ran out for them
  /// (with words for people) and when there is enough again (with none).
  using News = std::function<void(const std::string& problem)>;
  Passwords(const PasswordCost& cost, std::function<void()> hashed, News news);
  ~Passwords();
  Passwords(const Passwords&) = delete;
  Passwords& operator=(const Passwords&) = delete;

  void set_cost(const PasswordCost& cost);
  const PasswordCost& cost() const { return cost_; }
  /// There is no room in the queue now.
  bool busy() const;
  /// Why no password can be checked, for people; empty: they can, as far as the last one shows.
  const std::string& problem() const { return problem_; }

  /// Is it the password that `stored` was made of? An empty `stored` is nobody's, and as much work. Errors: unavailable.
  boost::asio::awaitable<Result<bool>> fits(std::string stored, Typed typed);
  /// Errors: unavailable.
  boost::asio::awaitable<Result<std::string>> hash(Typed typed);

 private:
  void note(bool had_memory);

  PasswordCost cost_;
  std::string nobodys_;
  std::function<void()> hashed_;
  News news_;
  std::string problem_;
  Count waiting_;
  boost::asio::thread_pool threads_;
};

}  // namespace cardgate::daemon
