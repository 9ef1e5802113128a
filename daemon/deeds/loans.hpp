// SPDX-License-Identifier: Apache-2.0
// Cards of the pool that are on loan: each is returned by itself at its end, also one that ended while the service was off. Whether
// or not that can be written, such a card opens nothing any more: the policy asks for its time (policy/decide). One thread.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <optional>

#include "daemon/deeds/deeds.hpp"
#include "daemon/people/roll.hpp"
#include "daemon/time/guarded_clock.hpp"
#include "daemon/time/timers.hpp"

namespace cardgate::daemon {

class Loans {
 public:
  Loans(boost::asio::io_context& io, Roll& roll, Deeds& deeds, GuardedClock& clock)
      : io_(io), roll_(roll), deeds_(deeds), clock_(clock), timer_(io, [this] { changed(); }) {}
  Loans(const Loans&) = delete;
  Loans& operator=(const Loans&) = delete;

  /// Another loan, or the first look: ends what is over, and waits for the next end.
  void changed();
  /// Time went by, or the clock was set.
  void end_if_due() {
    if (next_) changed();
  }

 private:
  void end(const reg::Loan& loan);

  boost::asio::io_context& io_;
  Roll& roll_;
  Deeds& deeds_;
  GuardedClock& clock_;
  std::optional<WallTime> next_;  // something is on loan until then
  BootTimer timer_;
};

}  // namespace cardgate::daemon
