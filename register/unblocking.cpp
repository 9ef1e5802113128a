// SPDX-License-Identifier: Apache-2.0
#include "register/unblocking.hpp"

#include "register/database.hpp"
#include "register/sql.hpp"
#include "register/writing.hpp"

namespace cardgate::reg {
namespace {

/// `work` gets the database, inside a transaction that is rolled back unless it succeeds.
template <class Work>
auto unblocking_change(const std::filesystem::path& file, Work work)
    -> decltype(work(std::declval<SQLite::Database&>())) {
  using Outcome = decltype(work(std::declval<SQLite::Database&>()));
  auto database = TRY(open_database(file, Opening::again));
  return guarded([&]() -> Outcome {
    keep_log_files(*database);
    Writing writing(*database);
    return writing.change([&]() -> Outcome {
      SQLite::Transaction transaction(*database, SQLite::TransactionBehavior::IMMEDIATE);
      auto outcome = work(*database);
      if (outcome) transaction.commit();
      return outcome;
    });
  });
}

}  // namespace

Result<void> keep_unblocking_key(const std::filesystem::path& file, std::string_view card,
                                 std::string_view sealed) {
  return unblocking_change(file, [&](SQLite::Database& database) -> Result<void> {
    SQLite::Statement keep(database, sql::keep_unblocking_key);
    Query(keep, sealed, card).run();
    if (database.getChanges() != 0) return {};
    return Error{Errc::not_found,
                 "That card is not in the pool. See the list: cardgate staff pool-card list"};
  });
}

Result<void> set_unblock_code(const std::filesystem::path& file, std::string_view person,
                              std::string_view hash, WallTime expires) {
  return unblocking_change(file, [&](SQLite::Database& database) -> Result<void> {
    SQLite::Statement set(database, sql::set_unblock_code);
    Query(set, hash, to_unix_seconds(expires), person).run();
    if (database.getChanges() != 0) return {};
    return Error{
        Errc::invalid_argument,
        "This person has no card of the pool with an unblocking key that the service holds. For a card "
        "of their own the person types its unblocking key (PUK): cardgate card unblock"};
  });
}

Result<UnblockTry> begin_unblock(const std::filesystem::path& file, std::string_view person,
                                 std::string_view card) {
  return unblocking_change(file, [&](SQLite::Database& database) -> Result<UnblockTry> {
    UnblockTry out;
    {
      SQLite::Statement look(database, sql::unblock_code);
      Query query(look, person, card);
      if (!query.next()) return out;
      out.hash = query.text();
      if (const auto at = query.optional_integer()) out.expires = WallTime(seconds(*at));
      if (query.integer() >= unblock_code_tries) out.hash.clear();
    }
    SQLite::Statement count(database, sql::count_unblock_try);
    Query(count, std::int64_t{1}, person).run();
    return out;
  });
}

Result<void> undo_unblock(const std::filesystem::path& file, std::string_view person) {
  return unblocking_change(file, [&](SQLite::Database& database) -> Result<void> {
    SQLite::Statement count(database, sql::count_unblock_try);
    Query(count, std::int64_t{-1}, person).run();
    return {};
  });
}

Result<std::string> spend_unblock_code(const std::filesystem::path& file, std::string_view person,
                                       std::string_view card, std::string_view hash) {
  return unblocking_change(file, [&](SQLite::Database& database) -> Result<std::string> {
    std::string sealed;
    {
      SQLite::Statement look(database, sql::key_for_code);
      Query query(look, person, card, hash);
      if (!query.next()) return Error{Errc::cancelled, "the code was used, or the card returned, meanwhile"};
      sealed = query.text();
    }
    SQLite::Statement drop(database, sql::drop_unblock_code);
    Query(drop, person).run();
    // Whatever the card makes of it: a key that is sent again and again would cost the card its few tries.
    SQLite::Statement forget(database, sql::keep_unblocking_key);
    Query(forget, std::string_view(), card).run();
    return sealed;
  });
}

}  // namespace cardgate::reg
