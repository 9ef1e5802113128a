// SPDX-License-Identifier: Apache-2.0
#include "register/row_writer.hpp"

#include <fmt/format.h>

#include "register/sql.hpp"
#include "register/staff_ids.hpp"

namespace cardgate::reg {
namespace {

/// A number of its own is given where there is none yet.
std::optional<std::int64_t> number(std::int64_t id) {
  return id == 0 ? std::nullopt : std::optional(id);
}

std::optional<std::string> text_or_none(const std::string& text) {
  return text.empty() ? std::nullopt : std::optional(text);
}

}  // namespace

RowWriter::RowWriter(SQLite::Database& db)
    : key_of_(db, sql::key_of),
      id_of_(db, sql::id_of),
      manager_of_(db, sql::manager_of),
      has_staff_(db, sql::has_staff),
      by_card_(db, sql::by_card),
      by_username_(db, sql::by_username),
      change_person_(db, sql::change_person),
      in_pool_(db, sql::in_pool),
      add_{{{db, sql::add_unix_account},
            {db, sql::add_team},
            {db, sql::add_card},
            {db, sql::add_identity},
            {db, sql::add_form},
            {db, sql::add_declaration},
            {db, sql::add_training},
            {db, sql::add_delegation},
            {db, sql::add_acting},
            {db, sql::add_removal}}},
      drop_{{{db, sql::drop_unix_accounts},
             {db, sql::drop_teams},
             {db, sql::drop_cards},
             {db, sql::drop_identities},
             {db, sql::drop_forms},
             {db, sql::drop_declarations},
             {db, sql::drop_training},
             {db, sql::drop_delegations},
             {db, sql::drop_acting},
             {db, sql::drop_removals}}} {}

void RowWriter::set_person(Key person, const Person& next, KeyOrNone manager) {
  Query(change_person_, next.name, next.email, manager, text_or_none(next.username), next.employed_from,
        next.employed_until, next.leave_from, next.leave_until, next.removed, next.removed_reason, person)
      .run();
}

void RowWriter::add(Key person, const Form& f) {
  Query(add_[forms], person, number(f.id), f.kind, f.role, f.requested_by, f.reason, f.verified_by,
        f.approved_by, f.requested_on, f.verified_on, f.approved_on, f.valid_from, f.valid_until,
        name(f.state), f.closed_by, f.closed_reason, f.closed_on, f.requested_card_by, f.verified_card_by)
      .run();
}

void RowWriter::add(Key person, const Declaration& d) {
  Query(add_[declarations], person, d.name, d.version, d.signed_on, d.valid_until, d.text_hash).run();
}

void RowWriter::add(Key person, const Training& t) {
  Query(add_[training], person, t.course, t.completed_on, t.valid_until, t.recorded_by).run();
}

void RowWriter::add(Key person, const Delegation& d, Key grantor) {
  Query(add_[delegations], person, number(d.id), grantor, d.role, d.valid_from, d.valid_until, d.revoked)
      .run();
}

void RowWriter::add(Key person, const Acting& a, Key manager) {
  Query(add_[acting], person, number(a.id), manager, a.valid_from, a.valid_until, a.appointed_by, a.revoked)
      .run();
}

void RowWriter::add(Key person, const Removal& r) {
  Query(add_[removals], person, number(r.id), name(r.state), r.reason, r.requested_by, r.done_by,
        r.restore_by, r.restore_reason, r.closed_by, r.closed_reason, r.requested_on, r.done_on, r.closed_on,
        r.restore_card_by)
      .run();
}

KeyOrNone RowWriter::key_of(std::string_view id) {
  Query query(key_of_, id);
  return query.next() ? KeyOrNone(query.integer()) : std::nullopt;
}

std::string RowWriter::id_of(Key key) {
  Query query(id_of_, key);
  return query.next() ? query.text() : std::string();
}

KeyOrNone RowWriter::manager_of(Key person) {
  Query query(manager_of_, person);
  return query.next() ? query.optional_integer() : std::nullopt;
}

bool RowWriter::has_staff(Key person) {
  return Query(has_staff_, person).next();
}

KeyOrNone RowWriter::other_user(std::string_view username, Key person) {
  KeyOrNone holder;
  if (Query query(by_username_, username); query.next()) holder = query.integer();
  if (!holder) holder = key_of(username);
  // User names are kept in lower case, numbers as they are: "e1001" is typed as "E1001", too.
  for (const auto& number : like_ids(username)) {
    if (!holder || *holder == person) holder = key_of(number);
  }
  return holder == person ? std::nullopt : holder;
}

std::string RowWriter::holder_of(std::string_view card) {
  Query query(by_card_, card);
  return query.next() ? query.text() : std::string();
}

bool RowWriter::in_pool(std::string_view card) {
  return Query(in_pool_, card).next();
}

void RowWriter::check_pool(const Card& card) {
  if (!card.lent_until && in_pool(card.uuid)) {
    throw Refused{Errc::invalid_argument,
                  "that card is one of the pool, which are lent for a day: cardgate staff lend-card"};
  }
  if (card.on_loan() && !in_pool(card.uuid)) {
    throw Refused{Errc::invalid_argument, "that card is not in the pool of cards to lend"};
  }
}

Key RowWriter::must_know(std::string_view id) {
  const auto key = key_of(id);
  if (!key)
    throw Refused{Errc::not_found,
                  fmt::format("the staff register has nobody with the id '{}'", id.substr(0, 64))};
  return *key;
}

void RowWriter::save(Key person, const Person& now, const Person& next) {
  // A username that is another person's id would let two people be meant by one word.
  if (now.username != next.username && !next.username.empty() && other_user(next.username, person))
    throw Refused{Errc::invalid_argument, "that username is somebody else's, or somebody else's id"};
  KeyOrNone manager;
  if (!next.line_manager.empty()) manager = must_know(next.line_manager);
  set_person(person, next, manager);
  if (now.line_manager != next.line_manager) {
    // Nobody is met twice: before this change there was no loop.
    for (auto at = manager; at; at = manager_of(*at)) {
      if (*at == person) {
        throw Refused{Errc::invalid_argument,
                      fmt::format("{} would be their own line manager, directly or through others", next.id)};
      }
    }
  }
  const Lists differ = lists_that_differ(now, next);
  for (std::size_t list = 0; list < list_count; ++list) {
    if (differ[list]) drop(person, static_cast<List>(list));
  }
  const auto fill = [&](List list, const auto& rows, auto row) {
    if (!differ[list]) return;
    for (const auto& each : rows) row(each);
  };
  fill(unix_accounts, next.unix_accounts, [&](const auto& x) { add(person, x, unix_accounts); });
  fill(teams, next.teams, [&](const auto& x) { add(person, x, teams); });
  fill(cards, next.cards, [&](const Card& card) {
    if (!holder_of(card.uuid).empty()) {
      throw Refused{Errc::invalid_argument, "that card is registered to somebody else"};
    }
    check_pool(card);
    add(person, card);
  });
  fill(identities, next.identities, [&](const auto& x) { add(person, x); });
  fill(forms, next.forms, [&](const auto& x) { add(person, x); });
  fill(declarations, next.declarations, [&](const auto& x) { add(person, x); });
  fill(training, next.training, [&](const auto& x) { add(person, x); });
  fill(delegations, next.delegations, [&](const Delegation& x) { add(person, x, must_know(x.from)); });
  fill(acting, next.acting, [&](const Acting& x) { add(person, x, must_know(x.manager)); });
  fill(removals, next.removals, [&](const auto& x) { add(person, x); });
}

Lists lists_that_differ(const Person& a, const Person& b) {
  Lists out;
  out[unix_accounts] = a.unix_accounts != b.unix_accounts;
  out[teams] = a.teams != b.teams;
  out[cards] = a.cards != b.cards;
  out[identities] = a.identities != b.identities;
  out[forms] = a.forms != b.forms;
  out[declarations] = a.declarations != b.declarations;
  out[training] = a.training != b.training;
  out[delegations] = a.delegations != b.delegations;
  out[acting] = a.acting != b.acting;
  out[removals] = a.removals != b.removals;
  return out;
}

}  // namespace cardgate::reg
