// SPDX-License-Identifier: Apache-2.0
#include "daemon/deeds/loans.hpp"

#include <fmt/format.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include "base/day_text.hpp"
#include "daemon/journal.hpp"

namespace cardgate::daemon {

void Loans::changed() {
  next_.reset();
  const auto loans = roll_.staff().loans();
  if (!loans) {
    log(Level::error, "The cards on loan could not be read: " + loans.error().message());
    next_ = clock_.now() + look_for_loans_again;
    return timer_.set(clock_.boot() + look_for_loans_again);
  }
  for (const auto& loan : *loans) {
    if (loan.until > clock_.now()) {
      next_ = loan.until;
      break;
    }
    end(loan);
  }
  // A little later: the two clocks may drift.
  timer_.set(next_ ? clock_.boot_time_of(*next_ + milliseconds(1)) : std::nullopt);
}

void Loans::end(const reg::Loan& loan) {
  Deed deed;
  deed.record.event = name_of(audit::Event::loan);
  deed.record.reason = "its time is over";
  deed.record.details = {
      {"act", "ended"}, {"card", loan.card}, {"lent_by", loan.lent_by}, {"until", to_rfc3339(loan.until)}};
  deed.people = {loan.person};
  deed.taking = {.kind = work::Taking::Kind::return_card,
                 .number = to_unix_seconds(loan.until),
                 .card = loan.card,
                 .doer = {{}, clock_.today()}};
  deed.notice = fmt::format("Card {} was lent to you until {}. It no longer works. Give it back to the desk.",
                            loan.card, moment_text(loan.until));
  boost::asio::co_spawn(io_, deeds_.take_away_by_itself(std::move(deed)), boost::asio::detached);
}

}  // namespace cardgate::daemon
