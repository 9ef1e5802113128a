// SPDX-License-Identifier: Apache-2.0
#include "register/sqlite_register.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "register/enrolment.hpp"
#include "register/import/run.hpp"
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
std::string text_row(Query& q) {
  return q.text();
}
std::optional<WallTime> time_or_none(Query& q) {
  const auto at = q.optional_integer();
  return at ? std::optional(WallTime(seconds(*at))) : std::nullopt;
}
Card card_row(Query& q) {
  return Card{q.text(), q.text(), q.optional_date(), q.text(),        q.optional_date(), q.text(), q.text(),
              q.text(), q.text(), time_or_none(q),   time_or_none(q), q.text(),          q.flag()};
}
Identity identity_row(Query& q) {
  return Identity{q.text(), q.text()};
}
Form form_row(Query& q) {
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
              q.optional_date(),
              q.text(),
              q.text(),
              q.flag(),
              q.flag()};
}
Declaration declaration_row(Query& q) {
  return Declaration{q.text(), q.text(), q.date(), q.optional_date(), q.text()};
}
Training training_row(Query& q) {
  return Training{q.text(), q.date(), q.optional_date(), q.text()};
}
Delegation delegation_row(Query& q) {
  return Delegation{q.integer(), q.text(), q.text(), q.optional_date(), q.optional_date(), q.flag()};
}
Acting acting_row(Query& q) {
  return Acting{q.integer(), q.text(), q.optional_date(), q.optional_date(), q.text(), q.flag()};
}
Removal removal_row(Query& q) {
  return Removal{q.integer(),       state_of<Removal::State>(q.text()),
                 q.text(),          q.text(),
                 q.text(),          q.text(),
                 q.text(),          q.text(),
                 q.text(),          q.optional_date(),
                 q.optional_date(), q.optional_date(),
                 q.text()};
}

}  // namespace

std::vector<std::string> ids(Query query) {
  std::vector<std::string> out;
  while (query.next()) out.push_back(query.text());
  std::ranges::sort(out);
  out.erase(std::unique(out.begin(), out.end()), out.end());
  return out;
}

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
  read(row.key, Lists().set(), person);
  return row;
}

void PersonReader::read(Key key, const Lists& which, Person& to) {
  if (which[unix_accounts]) read_all(unix_accounts_, key, to.unix_accounts, text_row);
  if (which[teams]) read_all(teams_, key, to.teams, text_row);
  if (which[cards]) read_all(cards_, key, to.cards, card_row);
  if (which[identities]) read_all(identities_, key, to.identities, identity_row);
  if (which[forms]) read_all(forms_, key, to.forms, form_row);
  if (which[declarations]) read_all(declarations_, key, to.declarations, declaration_row);
  if (which[training]) read_all(training_, key, to.training, training_row);
  if (which[delegations]) read_all(delegations_, key, to.delegations, delegation_row);
  if (which[acting]) read_all(acting_, key, to.acting, acting_row);
  if (which[removals]) read_all(removals_, key, to.removals, removal_row);
}

SqliteRegister::SqliteRegister(std::unique_ptr<SQLite::Database> database)
    : database_(std::move(database)),
      reader_(*database_),
      writer_(*database_),
      by_card_(*database_, sql::by_card),
      by_identity_(*database_, sql::by_identity),
      by_unix_account_(*database_, sql::by_unix_account),
      ids_after_(*database_, sql::ids_after),
      names_after_(*database_, sql::names_after),
      name_of_(*database_, sql::name_of),
      by_enrolment_(*database_, sql::by_enrolment),
      setting_(*database_, sql::setting),
      set_setting_(*database_, sql::set_setting),
      count_(*database_, sql::count),
      removed_(*database_, sql::removed),
      begin_(*database_, "BEGIN"),
      end_(*database_, "ROLLBACK"),
      writing_(*database_) {}

Result<void> SqliteRegister::in_place() {
  return guarded([&] { return writing_.in_place(); });
}

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

Result<std::vector<Register::Named>> SqliteRegister::names_after(std::string_view id, std::size_t limit) {
  return guarded([&]() -> Result<std::vector<Named>> {
    std::vector<Named> out;
    Query query(names_after_, id, static_cast<std::int64_t>(limit));
    while (query.next()) out.push_back({query.text(), query.text()});
    return out;
  });
}

Result<std::string> SqliteRegister::name_of(std::string_view id) {
  return guarded([&]() -> Result<std::string> {
    Query query(name_of_, id);
    if (!query.next()) return nobody(id);
    return query.text();
  });
}

Result<std::vector<std::string>> SqliteRegister::people_by_enrolment(Date born, std::string_view ni_start) {
  return guarded([&]() -> Result<std::vector<std::string>> {
    const std::string key = TRY(setting(enrolment_key_setting));
    if (key.empty()) return std::vector<std::string>();  // nobody's details were ever given
    const std::string digest = enrolment_digest(key, born, ni_start);
    if (digest.empty()) throw BadRow{"its enrolment key is no key"};
    return ids(Query(by_enrolment_, digest));
  });
}

Result<std::string> SqliteRegister::setting(std::string_view name) {
  return guarded([&]() -> Result<std::string> {
    Query query(setting_, name);
    return query.next() ? query.text() : std::string();
  });
}

Result<void> SqliteRegister::set_setting(std::string_view name, std::string_view value) {
  return writing_.change([&]() -> Result<void> {
    Query(set_setting_, name, value).run();
    return {};
  });
}

Result<std::size_t> SqliteRegister::count() {
  return guarded([&]() -> Result<std::size_t> {
    Query query(count_);
    if (!query.next()) throw BadRow{"the people cannot be counted"};
    return static_cast<std::size_t>(query.integer());
  });
}

Result<ImportReport> SqliteRegister::import(const ImportFile& file, const ImportOptions& options) {
  // Rows of a large import land all over the indexes: with SQLite's own 2 MB most would go out and come in again.
  constexpr std::size_t large = 1000;
  const bool much = file.people.size() >= large;
  auto report = writing_.change([&]() -> Result<ImportReport> {
    if (much) database_->exec("PRAGMA cache_size = -131072");
    return run_import(*database_, reader_, file, options);
  });
  if (much) {
    (void)guarded([&]() -> Result<void> {
      database_->exec("PRAGMA cache_size = -2000; PRAGMA shrink_memory");
      return {};
    });
  }
  return report;
}

namespace {
Result<std::unique_ptr<Register>> open_register(const std::filesystem::path& path, Opening opening) {
  auto database = TRY(open_database(path, opening));
  return guarded([&]() -> Result<std::unique_ptr<Register>> {
    keep_log_files(*database);
    return std::unique_ptr<Register>(std::make_unique<SqliteRegister>(std::move(database)));
  });
}
}  // namespace

Result<std::unique_ptr<Register>> open_sqlite(const std::filesystem::path& path) {
  return open_register(path, Opening::first);
}

Result<std::unique_ptr<Register>> open_sqlite_again(const std::filesystem::path& path) {
  return open_register(path, Opening::again);
}

}  // namespace cardgate::reg
