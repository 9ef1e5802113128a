// SPDX-License-Identifier: Apache-2.0
#include "register/sqlite_register.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "register/import_run.hpp"
#include "register/normal.hpp"

namespace cardgate::reg {
namespace {

/// A person's rows are read from one state of the file, even while another connection imports.
class OneState {
 public:
  OneState(SQLite::Statement& begin, SQLite::Statement& end) : end_(end) { Query(begin).run(); }
  ~OneState() {
    end_.tryReset();
    end_.tryExecuteStep();  // nothing was written, and unlike COMMIT this cannot be held up
    end_.tryReset();
  }
  OneState(const OneState&) = delete;
  OneState& operator=(const OneState&) = delete;

 private:
  SQLite::Statement& end_;
};

std::vector<std::string> ids(Query query) {
  std::vector<std::string> out;
  while (query.next()) out.push_back(query.text());
  std::ranges::sort(out);
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

template <class List, class Read>
void read_all(SQLite::Statement& statement, std::int64_t key, List& to, Read read) {
  Query query(statement, key);
  while (query.next()) to.push_back(read(query));
}

template <class State>
State state_of(std::string_view text) {
  for (const auto state : states<State>) {
    if (name(state) == text) return state;
  }
  throw BadRow{"an unknown state"};
}

// Braces read the columns from left to right.
std::string read_text(Query& q) {
  return q.text();
}
Card read_card(Query& q) {
  return Card{q.text(), q.text(), q.optional_date()};
}
Identity read_identity(Query& q) {
  return Identity{q.text(), q.text()};
}
Form read_form(Query& q) {
  return Form{q.integer(),
              q.text(),
              q.text(),
              q.text(),
              q.text(),
              q.text(),
              q.text(),
              q.optional_date(),
              q.optional_date(),
              q.optional_date(),
              q.optional_date(),
              q.optional_date(),
              state_of<Form::State>(q.text()),
              q.text(),
              q.text(),
              q.optional_date()};
}
Declaration read_declaration(Query& q) {
  return Declaration{q.text(), q.text(), q.date(), q.optional_date(), q.text()};
}
Training read_training(Query& q) {
  return Training{q.text(), q.date(), q.optional_date(), q.text()};
}
Delegation read_delegation(Query& q) {
  return Delegation{q.integer(), q.text(), q.text(), q.optional_date(), q.optional_date(), q.flag()};
}
Acting read_acting(Query& q) {
  return Acting{q.integer(), q.text(), q.optional_date(), q.optional_date(), q.text(), q.flag()};
}
Removal read_removal(Query& q) {
  return Removal{q.integer(),       state_of<Removal::State>(q.text()),
                 q.text(),          q.text(),
                 q.text(),          q.text(),
                 q.text(),          q.text(),
                 q.text(),          q.optional_date(),
                 q.optional_date(), q.optional_date()};
}

}  // namespace

Error nobody(std::string_view id) {
  return {Errc::not_found, fmt::format("the staff register has nobody with the id '{}'", id.substr(0, 64))};
}

PersonReader::PersonReader(SQLite::Database& database)
    : person_(database, sql::person),
      unix_accounts_(database, sql::unix_accounts),
      teams_(database, sql::teams),
      cards_(database, sql::cards),
      identities_(database, sql::identities),
      forms_(database, sql::forms),
      declarations_(database, sql::declarations),
      training_(database, sql::training),
      delegations_(database, sql::delegations),
      acting_(database, sql::acting),
      removals_(database, sql::removals) {}

std::optional<PersonReader::Row> PersonReader::read(std::string_view id) {
  Row row;
  Person& person = row.person;
  {
    Query query(person_, id);
    if (!query.next()) return std::nullopt;
    row.key = query.integer();
    person.id = query.text();
    person.name = query.text();
    person.email = query.text();
    person.line_manager = query.text();  // NULL reads as empty
    person.username = query.text();
    person.employed_from = query.optional_date();
    person.employed_until = query.optional_date();
    person.leave_from = query.optional_date();
    person.leave_until = query.optional_date();
    person.removed = query.flag();
    person.removed_reason = query.text();
    person.is_line_manager = query.flag();
  }
  read_all(unix_accounts_, row.key, person.unix_accounts, read_text);
  read_all(teams_, row.key, person.teams, read_text);
  read_all(cards_, row.key, person.cards, read_card);
  read_all(identities_, row.key, person.identities, read_identity);
  read_all(forms_, row.key, person.forms, read_form);
  read_all(declarations_, row.key, person.declarations, read_declaration);
  read_all(training_, row.key, person.training, read_training);
  read_all(delegations_, row.key, person.delegations, read_delegation);
  read_all(acting_, row.key, person.acting, read_acting);
  read_all(removals_, row.key, person.removals, read_removal);
  return row;
}

SqliteRegister::SqliteRegister(std::unique_ptr<SQLite::Database> database)
    : database_(std::move(database)),
      reader_(*database_),
      writer_(*database_),
      by_card_(*database_, sql::by_card),
      by_identity_(*database_, sql::by_identity),
      by_unix_account_(*database_, sql::by_unix_account),
      ids_after_(*database_, sql::ids_after),
      count_(*database_, sql::count),
      removed_(*database_, sql::removed),
      begin_(*database_, "BEGIN"),
      end_(*database_, "ROLLBACK") {}

Result<Person> SqliteRegister::person(std::string_view id) {
  return guarded([&]() -> Result<Person> {
    const OneState state(begin_, end_);
    auto row = reader_.read(id);
    if (!row) return nobody(id);
    return std::move(row->person);
  });
}

Result<std::vector<std::string>> SqliteRegister::people_by_identity(std::string_view kind,
                                                                    std::string_view value) {
  return guarded([&]() -> Result<std::vector<std::string>> {
    const std::string wanted = normal_identity(kind, value);
    if (kind == "card_uuid") return ids(Query(by_card_, wanted));
    return ids(Query(by_identity_, kind, wanted));
  });
}

Result<std::vector<std::string>> SqliteRegister::people_by_unix_account(std::string_view account) {
  return guarded([&]() -> Result<std::vector<std::string>> { return ids(Query(by_unix_account_, account)); });
}

Result<bool> SqliteRegister::removed(std::string_view id) {
  return guarded([&]() -> Result<bool> {
    Query query(removed_, id);
    return query.next() && query.flag();
  });
}

Result<std::vector<std::string>> SqliteRegister::ids_after(std::string_view id, std::size_t limit) {
  return guarded([&]() -> Result<std::vector<std::string>> {
    return ids(Query(ids_after_, id, static_cast<std::int64_t>(limit)));
  });
}

Result<std::size_t> SqliteRegister::count() {
  return guarded([&]() -> Result<std::size_t> {
    Query query(count_);
    if (!query.next()) throw BadRow{"the people cannot be counted"};
    return static_cast<std::size_t>(query.integer());
  });
}

Result<ImportReport> SqliteRegister::import(const ImportFile& file) {
  return guarded([&]() -> Result<ImportReport> { return run_import(*database_, reader_, file); });
}

Result<std::unique_ptr<Register>> open_sqlite(const std::filesystem::path& path) {
  auto database = TRY(open_database(path));
  return guarded([&]() -> Result<std::unique_ptr<Register>> {
    return std::unique_ptr<Register>(std::make_unique<SqliteRegister>(std::move(database)));
  });
}

}  // namespace cardgate::reg
