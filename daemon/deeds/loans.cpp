// SPDX-License-Identifier: Apache-2.0
#include "daemon/deeds/loans.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/use_awaitable.hpp>

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
    if (is_over(loan)) {
      end(loan);
    } else if (!next_) {
      next_ = loan.until;  // the first: they come in this order
    }
  }
  // A little later: the two clocks may drift.
  timer_.set(next_ ? clock_.boot_time_of(*next_ + milliseconds(1)) : std::nullopt);
}

bool Loans::is_over(const reg::Loan& loan) {
  const auto now = clock_.now();
  return loan.until <= now || (loan.from && *loan.from > now + loan_clock_drift);
}

Result<std::optional<Loans::Running>> Loans::running(const std::string& card) {
  const auto pooled = roll_.staff().pool_card(card);
  if (!pooled && pooled.error().code == Errc::not_found) return std::optional<Running>();
  if (!pooled) return pooled.error();
  if (pooled->status != "active") return std::optional<Running>();
  const auto holder = TRY(roll_.record_of(pooled->holder));
  const auto lent = std::ranges::find(holder.cards, card, &reg::Card::uuid);
  if (lent == holder.cards.end() || !lent->on_loan()) return std::optional<Running>();
  return std::optional(Running{holder.id, card, lent->loan, lent->must_change_passcode});
}

boost::asio::awaitable<Result<void>> Loans::passcode_chosen(Running of) {
  const std::vector<std::string> whom(1, of.person);
  std::function<Result<reg::Person>(reg::Register&)> change = [of = std::move(of)](reg::Register& staff) {
    return staff.change(of.person, [&](reg::Person& next) -> Result<void> {
      for (auto& card : next.cards) {
        if (card.uuid == of.card && card.on_loan() && card.loan == of.loan) card.must_change_passcode = false;
      }
      return {};
    });
  };
  auto changing = register_.write<reg::Person>(std::move(change));
  const auto changed = co_await std::move(changing);
  sessions_.people_changed(whom);
  if (!changed) co_return changed.error();
  co_return Result<void>();
}

void Loans::end(const reg::Loan& loan) {
  Deed deed;
  deed.record.event = name_of(audit::Event::loan);
  const bool by_time = loan.until <= clock_.now();
  deed.record.reason =
      by_time ? "its time is over" : "the clock shows a time before it was lent, so its end cannot be told";
  deed.record.details = {
      {"act", "ended"}, {"card", loan.card}, {"lent_by", loan.lent_by}, {"until", to_rfc3339(loan.until)}};
  deed.people = {loan.person};
  deed.taking = {.kind = work::Taking::Kind::end_loan,
                 .number = to_unix_seconds(loan.until),
                 .card = loan.card,
                 .doer = {{}, clock_.today()}};
  deed.notice = fmt::format("Card {} was lent to you until {}. It no longer works. Give it back to the desk.",
                            loan.card, moment_text(loan.until));
  boost::asio::co_spawn(io_, deeds_.take_away_by_itself(std::move(deed)), boost::asio::detached);
}

}  // namespace cardgate::daemon
