// SPDX-License-Identifier: Apache-2.0
// Accounts of this machine, looked up beside the service's thread: behind the name service (NSS) may stand a directory that is slow,
// or does not answer at all. Few threads, a short queue and a deadline; what hangs is left behind. One thread, the io_context's.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <optional>

#include "base/result.hpp"
#include "daemon/access/surroundings.hpp"

namespace cardgate::daemon {

class AccountLookups {
 public:
  explicit AccountLookups(boost::asio::io_context& io);
  /// Waits a moment for what is being looked up, and no longer.
  ~AccountLookups();
  AccountLookups(const AccountLookups&) = delete;
  AccountLookups& operator=(const AccountLookups&) = delete;

  /// Is called on another thread, and may outlive this object: it owns what it uses.
  using Look = std::function<std::optional<UnixAccount>()>;
  /// Nothing: there is no such account. Errors: unavailable (too many are asked for, or there was no answer in time).
  boost::asio::awaitable<Result<std::optional<UnixAccount>>> find(Look look);

 private:
  struct Shared;
  struct Waiting;
  std::shared_ptr<Shared> shared_;
};

}  // namespace cardgate::daemon
