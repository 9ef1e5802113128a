// SPDX-License-Identifier: Apache-2.0
// Cards of the pool that are on loan: each loan ends by itself at its time, also one that ended while the service was off. Whether
// or not that can be written, such a card opens nothing any more: the policy asks for its time (policy/decide). What has ended stays
// so, whatever the clock shows later; a loan that would begin later than now shows that the clock is wrong, and ends too. The card
// counts as not back until somebody at the desk has it.
//
// And the first passcode of a loan, which others may know: the card opens nothing until it has a new one. One thread.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <optional>

#include "daemon/deeds/deeds.hpp"
#include "daemon/people/register_threads.hpp"
#include "daemon/people/roll.hpp"
#include "daemon/time/guarded_clock.hpp"
#include "daemon/time/timers.hpp"

namespace cardgate::daemon {

class Loans {
 public:
  Loans(boost::asio::io_context& io, Roll& roll, RegisterThreads& register_threads, SessionDesk& sessions,
        Deeds& deeds, GuardedClock& clock)
      : io_(io),
        roll_(roll),
        register_(register_threads),
        sessions_(sessions),
        deeds_(deeds),
        clock_(clock),
        timer_(io, [this] { changed(); }) {}
  Loans(const Loans&) = delete;
  Loans& operator=(const Loans&) = delete;

  /// Another loan, or the first look: ends what is over, and waits for the next end.
  void changed();
  /// Time went by, or the clock was set.
  void end_if_due() {
    if (next_) changed();
  }

  /// A loan that runs, of somebody whose record says so now.
  struct Running {
    std::string person, card, loan;
    bool must_change_passcode = false;
  };
  /// Nothing: this card is nobody's now. Errors: as the register.
  Result<std::optional<Running>> running(const std::string& card);
  /// The card has a new passcode, which whoever has it chose: durable on return, unless that loan is over by now. Errors: of the
  /// register.
  boost::asio::awaitable<Result<void>> passcode_chosen(Running of);

 private:
  bool is_over(const reg::Loan& loan);
  void end(const reg::Loan& loan);

  boost::asio::io_context& io_;
  Roll& roll_;
  RegisterThreads& register_;
  SessionDesk& sessions_;
  Deeds& deeds_;
  GuardedClock& clock_;
  std::optional<WallTime> next_;  // something is on loan until then
  BootTimer timer_;
};

}  // namespace cardgate::daemon
