// SPDX-License-Identifier: Apache-2.0
// The register on SQLite: relations between people, changes and notices. Statements are made when they are used:
// these are acts of people, some in a minute.
#include <fmt/format.h>

#include <algorithm>

#include "base/number.hpp"
#include "register/normal.hpp"
#include "register/sqlite_register.hpp"

namespace cardgate::reg {
namespace {

using Relation = Register::Relation;

const char* sql_of(Relation relation) {
  switch (relation) {
    case Relation::staff_of:
      return sql::staff_of;
    case Relation::in_team:
      return sql::in_team;
    case Relation::form_waits:
      return sql::form_waits;
    case Relation::removal_waits:
      return sql::removal_waits;
    case Relation::delegates_of:
      return sql::delegates_of;
    case Relation::stands_in_for:
      return sql::stands_in_for;
    case Relation::form_for:
      return sql::form_for;
    case Relation::leaving_on:
      return sql::leaving_on;
    case Relation::of_form:
      return sql::of_form;
    case Relation::of_delegation:
      return sql::of_delegation;
    case Relation::of_acting:
      return sql::of_acting;
    case Relation::of_removal:
      return sql::of_removal;
  }
  return sql::staff_of;
}

/// What the column is compared with; nothing: no such value can be in it.
std::optional<std::int64_t> number_of(Relation relation, std::string_view value) {
  if (relation == Relation::leaving_on) {
    const auto day = parse_date(value);
    if (!day) return std::nullopt;
    return std::chrono::sys_days(*day).time_since_epoch().count();
  }
  return whole_number<std::int64_t>(value);
}

}  // namespace

Result<std::vector<std::string>> SqliteRegister::people_by(Relation relation, std::string_view value) {
  return guarded([&]() -> Result<std::vector<std::string>> {
    SQLite::Statement statement(*database_, sql_of(relation));
    if (relation < Relation::leaving_on) return ids(Query(statement, value));
    const auto number = number_of(relation, value);
    if (!number) return std::vector<std::string>();
    return ids(Query(statement, *number));
  });
}

Result<std::vector<std::string>> SqliteRegister::people_who_signed_another_text(std::string_view declaration,
                                                                                std::string_view version,
                                                                                std::string_view text_hash) {
  return guarded([&]() -> Result<std::vector<std::string>> {
    SQLite::Statement statement(*database_, sql::signed_another_text);
    return ids(Query(statement, declaration, version, text_hash));
  });
}

Result<std::vector<std::string>> SqliteRegister::tell(const std::vector<std::string>& ids,
                                                      std::string_view mark, std::string_view text,
                                                      WallTime at) {
  return writing_.change([&]() -> Result<std::vector<std::string>> {
    std::vector<std::string> told;
    SQLite::Transaction transaction(*database_, SQLite::TransactionBehavior::IMMEDIATE);
    SQLite::Statement statement(*database_, sql::add_notice);
    SQLite::Statement forget(*database_, sql::forget_notices);
    for (const auto& id : ids) {
      Query(forget, id, to_unix_seconds(at - read_notices_are_known)).run();
      Query(statement, mark, to_unix_seconds(at), text, id).run();
      if (database_->getChanges() != 0) told.push_back(id);
    }
    transaction.commit();
    return told;
  });
}

Result<std::vector<Notice>> SqliteRegister::notices(std::string_view id) {
  return guarded([&]() -> Result<std::vector<Notice>> {
    SQLite::Statement statement(*database_, sql::notices);
    Query query(statement, id);
    std::vector<Notice> out;
    while (query.next()) {
      Notice notice;
      notice.id = query.integer();
      notice.made_at = WallTime(seconds(query.integer()));
      notice.text = query.text();
      out.push_back(std::move(notice));
    }
    std::ranges::sort(out, {}, &Notice::id);
    return out;
  });
}

Result<bool> SqliteRegister::drop_notice(std::string_view id, std::int64_t notice) {
  return writing_.change([&]() -> Result<bool> {
    SQLite::Statement statement(*database_, sql::drop_notice);
    Query(statement, notice, id).run();
    return database_->getChanges() != 0;
  });
}

Result<Person> SqliteRegister::change(std::string_view id, const Change& how) {
  auto changed = TRY(
      change_several({std::string(id)}, [&](std::vector<Person>& people) { return how(people.front()); }));
  return std::move(changed.front());
}

Result<std::vector<Person>> SqliteRegister::change_several(const std::vector<std::string>& ids,
                                                           const ChangeSeveral& how) {
  using Changed = Result<std::vector<Person>>;
  return writing_.change([&]() -> Changed {
    try {
      SQLite::Transaction transaction(*database_, SQLite::TransactionBehavior::IMMEDIATE);
      std::vector<PersonReader::Row> rows;
      std::vector<Person> people;
      for (const auto& id : ids) {
        auto row = reader_.read(id);
        if (!row) return nobody(id);
        people.push_back(row->person);
        rows.push_back(std::move(*row));
      }
      TRY(how(people));
      for (std::size_t i = 0; i < rows.size(); ++i) {
        if (people[i].username != rows[i].person.username)
          people[i].username = normal_username(people[i].username);
      }
      for (std::size_t i = 0; i < rows.size(); ++i) writer_.save(rows[i].key, rows[i].person, people[i]);
      std::vector<Person> saved;
      for (const auto& id : ids) saved.push_back(reader_.read(id).value().person);
      transaction.commit();
      return saved;
    } catch (const Refused& refused) {
      return Error{refused.code, refused.what};
    }
  });
}

Result<std::int64_t> SqliteRegister::take_number(Numbered kind) {
  static constexpr const char* tables[] = {"form", "delegation", "acting", "removal"};
  const std::string table = tables[static_cast<std::size_t>(kind)];
  return writing_.change([&]() -> Result<std::int64_t> {
    // SQLite's own count of numbers given (AUTOINCREMENT), an ordinary table. It has no row before the first number.
    SQLite::Transaction transaction(*database_, SQLite::TransactionBehavior::IMMEDIATE);
    SQLite::Statement add(*database_, sql::add_number_row);
    SQLite::Statement next(*database_, sql::next_number);
    SQLite::Statement last(*database_, sql::last_number);
    Query(add, table, table).run();
    Query(next, table).run();
    std::int64_t number = 0;
    {
      Query query(last, table);
      if (!query.next()) throw BadRow{"the numbers of its entries cannot be counted"};
      number = query.integer();
    }
    transaction.commit();
    return number;
  });
}

}  // namespace cardgate::reg
