// SPDX-License-Identifier: Apache-2.0
// Writing a person's rows. Internal to register/. One thread at a time, inside whatever transaction is open.
#pragma once

#include <array>
#include <bitset>

#include "register/database.hpp"
#include "register/person.hpp"

namespace cardgate::reg {

using Key = std::int64_t;
using KeyOrNone = std::optional<Key>;

/// The lists of a person.
enum List : std::uint8_t {
  unix_accounts,
  teams,
  cards,
  identities,
  forms,
  declarations,
  training,
  delegations,
  acting,
  removals,
  list_count
};
using Lists = std::bitset<list_count>;

/// A person of the one meaning may not be written: the sentence says why. Thrown, so that the transaction is rolled back.
struct Refused {
  Errc code;
  std::string what;
};

inline std::optional<std::int64_t> seconds_of(const std::optional<WallTime>& time) {
  return time ? std::optional(to_unix_seconds(*time)) : std::nullopt;
}

/// Calls `use` with what sql::add_card binds, in its order.
template <class Use>
void with_card_values(Key person, const Card& card, const Use& use) {
  use(person, card.uuid, card.status, card.valid_until, card.registered_by, card.registered_on,
      card.registered_card_by, card.confirmed_by, card.certificate_name, card.replaces,
      seconds_of(card.lent_until), seconds_of(card.lent_at), card.loan, card.must_change_passcode);
}

/// Kept statements for all of it. Throws SQLite::Exception and, for people who are not there, Refused.
class RowWriter {
 public:
  explicit RowWriter(SQLite::Database& database);

  /// Everything but the lists.
  void set_person(Key person, const Person& next, KeyOrNone manager);
  void drop(Key person, List list) { Query(drop_[list], person).run(); }
  void add(Key person, const std::string& account_or_team, List list) {
    Query(add_[list], person, account_or_team).run();
  }
  void add(Key person, const Card& card) {
    with_card_values(person, card, [&](const auto&... values) { Query(add_[cards], values...).run(); });
  }
  void add(Key person, const Identity& identity) {
    Query(add_[identities], person, identity.kind, identity.value).run();
  }
  void add(Key person, const Form& form);
  void add(Key person, const Declaration& declaration);
  void add(Key person, const Training& training);
  void add(Key person, const Delegation& delegation, Key grantor);
  void add(Key person, const Acting& acting, Key manager);
  void add(Key person, const Removal& removal);

  KeyOrNone key_of(std::string_view id);
  std::string id_of(Key key);
  KeyOrNone manager_of(Key person);
  bool has_staff(Key person);
  /// Who but this person would be meant by a user name: it is theirs, or it is their number in any case of letters.
  KeyOrNone other_user(std::string_view username, Key person);
  /// Whose card it is; empty: nobody's.
  std::string holder_of(std::string_view card);
  /// It is one of those that the desk lends.
  bool in_pool(std::string_view card);

  /// Writes what differs between two states of one person. Looks to it that who is named is there, that cards and
  /// usernames are nobody else's and that line managers are in no loop.
  void save(Key person, const Person& now, const Person& next);

 private:
  Key must_know(std::string_view id);
  /// A card of the pool is nobody's own, and no other is lent.
  void check_pool(const Card& card);

  SQLite::Statement key_of_, id_of_, manager_of_, has_staff_, by_card_, by_username_, change_person_,
      in_pool_;
  std::array<SQLite::Statement, list_count> add_, drop_;
};

/// Which lists are not the same.
Lists lists_that_differ(const Person& a, const Person& b);

}  // namespace cardgate::reg
