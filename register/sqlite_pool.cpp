// SPDX-License-Identifier: Apache-2.0
// The register on SQLite: the pool of cards to lend. Statements are made when they are used.
#include <fmt/format.h>

#include "register/sqlite_register.hpp"

namespace cardgate::reg {
namespace {

std::optional<WallTime> instant(Query& query) {
  const auto at = query.optional_integer();
  return at ? std::optional(WallTime(seconds(*at))) : std::nullopt;
}

// Braces read the columns from left to right.
PoolCard pool_row(Query& q) {
  return PoolCard{q.text(), q.text(), q.text(),   q.optional_date(), q.text(),
                  q.text(), q.text(), instant(q), q.flag(),          q.flag()};
}

Error not_in_pool() {
  return {Errc::not_found, "That card is not in the pool. See the list: cardgate staff pool-card list"};
}

}  // namespace

Result<std::vector<PoolCard>> SqliteRegister::pool_cards() {
  return guarded([&]() -> Result<std::vector<PoolCard>> {
    SQLite::Statement statement(*database_, sql::pool_cards);
    Query query(statement, std::string_view());
    std::vector<PoolCard> out;
    while (query.next()) out.push_back(pool_row(query));
    return out;
  });
}

Result<PoolCard> SqliteRegister::pool_card(std::string_view uuid) {
  return guarded([&]() -> Result<PoolCard> {
    SQLite::Statement statement(*database_, sql::pool_card);
    Query query(statement, uuid);
    if (!query.next()) return not_in_pool();
    return pool_row(query);
  });
}

Result<std::vector<Loan>> SqliteRegister::loans() {
  return guarded([&]() -> Result<std::vector<Loan>> {
    SQLite::Statement statement(*database_, sql::loans);
    Query query(statement, std::int64_t{0});
    std::vector<Loan> out;
    while (query.next()) {
      Loan loan{query.text(), query.text(), query.text(), query.text(), {}};
      loan.until = WallTime(seconds(query.integer()));
      loan.from = instant(query);
      out.push_back(std::move(loan));
    }
    return out;
  });
}

Result<void> SqliteRegister::add_pool_card(const PoolCard& card, const std::function<Result<void>()>& with) {
  return writing_.change([&]() -> Result<void> {
    SQLite::Transaction transaction(*database_, SQLite::TransactionBehavior::IMMEDIATE);
    if (writer_.in_pool(card.uuid)) return Error{Errc::invalid_argument, "That card is in the pool already"};
    if (const auto holder = writer_.holder_of(card.uuid); !holder.empty()) {
      return Error{
          Errc::invalid_argument,
          fmt::format("That card is registered to a person ({}), so it cannot be lent to others", holder)};
    }
    if (static_cast<std::size_t>(database_->execAndGet(sql::pool_size).getInt64()) >= max_pool_cards) {
      return Error{Errc::invalid_argument,
                   fmt::format("The pool has {} cards, which is the limit. Take some out", max_pool_cards)};
    }
    SQLite::Statement add(*database_, sql::add_pool_card);
    Query(add, card.uuid, card.certificate_name, card.added_by, card.added_on).run();
    if (with) TRY(with());
    transaction.commit();
    return {};
  });
}

Result<void> SqliteRegister::remove_pool_card(std::string_view uuid,
                                              const std::function<Result<void>()>& with) {
  return writing_.change([&]() -> Result<void> {
    SQLite::Transaction transaction(*database_, SQLite::TransactionBehavior::IMMEDIATE);
    {
      SQLite::Statement statement(*database_, sql::pool_card);
      Query query(statement, uuid);
      if (!query.next()) return not_in_pool();
      const PoolCard card = pool_row(query);
      if (card.status == "active" || card.status == "waiting") {
        return Error{Errc::invalid_argument,
                     fmt::format("That card is lent to a person ({}). First return it: cardgate staff "
                                 "return-card {}",
                                 card.holder, card.uuid)};
      }
      if (card.status == "ended") {
        return Error{Errc::invalid_argument,
                     fmt::format("That card is not back from a person ({}). If you have it: cardgate staff "
                                 "return-card {}. If it is lost: cardgate staff stop-card {} --card {} "
                                 "--status lost --reason REASON",
                                 card.holder, card.uuid, card.holder, card.uuid)};
      }
    }
    SQLite::Statement remove(*database_, sql::remove_pool_card);
    Query(remove, uuid).run();
    SQLite::Statement forget(*database_, sql::forget_removed_pool_cards);
    Query(forget, static_cast<std::int64_t>(max_removed_pool_cards)).run();
    if (with) TRY(with());
    transaction.commit();
    return {};
  });
}

}  // namespace cardgate::reg
