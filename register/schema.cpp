// SPDX-License-Identifier: Apache-2.0
#include "register/schema.hpp"

#include <fmt/format.h>

#include <array>

namespace cardgate::reg {
namespace {

// Dates are days since 1970-01-01. Rows of one person keep their order by rowid. What is looked up has an
// index.
constexpr const char* step_1 = R"sql(
CREATE TABLE person (
  pk INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  name TEXT NOT NULL,
  email TEXT NOT NULL DEFAULT '',
  line_manager INTEGER REFERENCES person(pk),
  employed_from INTEGER,
  employed_until INTEGER,
  removed INTEGER NOT NULL DEFAULT 0 CHECK (removed IN (0, 1)),
  removed_reason TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX person_line_manager ON person(line_manager);

CREATE TABLE unix_account (
  person INTEGER NOT NULL REFERENCES person(pk),
  account TEXT NOT NULL
) STRICT;
CREATE INDEX unix_account_person ON unix_account(person);
CREATE INDEX unix_account_account ON unix_account(account);

CREATE TABLE team (
  person INTEGER NOT NULL REFERENCES person(pk),
  team TEXT NOT NULL
) STRICT;
CREATE INDEX team_person ON team(person);

CREATE TABLE card (
  uuid TEXT NOT NULL UNIQUE,
  person INTEGER NOT NULL REFERENCES person(pk),
  status TEXT NOT NULL CHECK (status IN ('active', 'lost', 'replaced', 'revoked')),
  valid_until INTEGER
) STRICT;
CREATE INDEX card_person ON card(person);

CREATE TABLE identity (
  person INTEGER NOT NULL REFERENCES person(pk),
  kind TEXT NOT NULL,
  value TEXT NOT NULL
) STRICT;
CREATE INDEX identity_person ON identity(person);
CREATE INDEX identity_value ON identity(kind, value);

CREATE TABLE form (
  person INTEGER NOT NULL REFERENCES person(pk),
  kind TEXT NOT NULL,
  role TEXT NOT NULL,
  verified INTEGER NOT NULL CHECK (verified IN (0, 1)),
  approved INTEGER NOT NULL CHECK (approved IN (0, 1)),
  withdrawn INTEGER NOT NULL CHECK (withdrawn IN (0, 1)),
  verified_by TEXT NOT NULL,
  approved_by TEXT NOT NULL,
  verified_on INTEGER,
  approved_on INTEGER,
  valid_from INTEGER,
  valid_until INTEGER
) STRICT;
CREATE INDEX form_person ON form(person);

CREATE TABLE declaration (
  person INTEGER NOT NULL REFERENCES person(pk),
  name TEXT NOT NULL,
  version TEXT NOT NULL,
  signed_on INTEGER NOT NULL,
  valid_until INTEGER
) STRICT;
CREATE INDEX declaration_person ON declaration(person);

CREATE TABLE training (
  person INTEGER NOT NULL REFERENCES person(pk),
  course TEXT NOT NULL,
  completed_on INTEGER NOT NULL,
  valid_until INTEGER
) STRICT;
CREATE INDEX training_person ON training(person);

CREATE TABLE delegation (
  person INTEGER NOT NULL REFERENCES person(pk),
  grantor INTEGER NOT NULL REFERENCES person(pk),
  role TEXT NOT NULL,
  valid_from INTEGER,
  valid_until INTEGER,
  revoked INTEGER NOT NULL CHECK (revoked IN (0, 1))
) STRICT;
CREATE INDEX delegation_person ON delegation(person);
CREATE INDEX delegation_grantor ON delegation(grantor);
)sql";

constexpr std::array<const char*, 1> steps{step_1};

}  // namespace

int newest_schema() {
  return static_cast<int>(steps.size());
}

void migrate(SQLite::Database& database, int version) {
  for (auto next = static_cast<std::size_t>(version); next < steps.size(); ++next) {
    SQLite::Transaction transaction(database, SQLite::TransactionBehavior::IMMEDIATE);
    database.exec(steps[next]);
    database.exec(
        fmt::format("PRAGMA application_id = {}; PRAGMA user_version = {}", application_id, next + 1));
    transaction.commit();
  }
}

}  // namespace cardgate::reg
