// SPDX-License-Identifier: Apache-2.0
#include "daemon/people/passwords.hpp"

#include <fmt/format.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "daemon/limits.hpp"

namespace cardgate::daemon {
namespace {

namespace asio = boost::asio;

Error too_busy() {
  return {Errc::unavailable, "too many passwords are being checked"};
}

asio::awaitable<Result<bool>> compare(std::string stored, Passwords::Typed typed) {
  co_return verify_password(stored, *typed);
}
asio::awaitable<Result<std::string>> make(PasswordCost cost, Passwords::Typed typed) {
  co_return hash_password(*typed, cost);
}

}  // namespace

Passwords::Passwords(const PasswordCost& cost, std::function<void()> hashed, News news)
    : cost_(cost),
      nobodys_(unmatchable_hash(cost)),
      hashed_(std::move(hashed)),
      news_(std::move(news)),
      threads_(password_threads) {}

Passwords::~Passwords() {
  threads_.join();
}

void Passwords::set_cost(const PasswordCost& cost) {
  if (cost == cost_) return;
  cost_ = cost;
  nobodys_ = unmatchable_hash(cost);
}

bool Passwords::busy() const {
  return waiting_ >= max_passwords_waiting;
}

void Passwords::note(bool had_memory) {
  if (had_memory == problem_.empty()) return;
  problem_.clear();
  if (!had_memory) {
    problem_ = fmt::format(
        "This machine has too little memory to check passwords, so nobody can sign in by password. Each "
        "check takes {} MiB (`passwords.memory` in cardgated.yaml). The service goes on by itself when there "
        "is enough.",
        cost_.memory_bytes >> 20U);
  }
  news_(problem_);
}

// What is awaited has a name of its own first: g++ 12 destroys temporaries in a co_await twice.
asio::awaitable<Result<bool>> Passwords::fits(std::string stored, Typed typed) {
  if (busy()) co_return too_busy();
  const Counted one(waiting_);
  auto work = compare(stored.empty() ? nobodys_ : std::move(stored), std::move(typed));
  auto running = asio::co_spawn(threads_, std::move(work), asio::use_awaitable);
  auto outcome = co_await std::move(running);
  hashed_();
  note(outcome.has_value());
  co_return outcome;
}

asio::awaitable<Result<std::string>> Passwords::hash(Typed typed) {
  if (busy()) co_return too_busy();
  const Counted one(waiting_);
  auto work = make(cost_, std::move(typed));
  auto running = asio::co_spawn(threads_, std::move(work), asio::use_awaitable);
  auto outcome = co_await std::move(running);
  hashed_();
  note(outcome.has_value());
  co_return outcome;
}

}  // namespace cardgate::daemon
