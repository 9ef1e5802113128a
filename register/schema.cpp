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

// What people do with each other: forms and delegations get numbers that are never used again, because people quote them.
// `form_open` and `removal_open` are what waits for somebody. Instants are seconds since 1970.
constexpr const char* step_2 = R"sql(
ALTER TABLE person ADD COLUMN username TEXT;
ALTER TABLE person ADD COLUMN enrolment TEXT NOT NULL DEFAULT '';
ALTER TABLE person ADD COLUMN leave_from INTEGER;
ALTER TABLE person ADD COLUMN leave_until INTEGER;
CREATE UNIQUE INDEX person_username ON person(username) WHERE username IS NOT NULL;
CREATE INDEX person_leaving ON person(employed_until) WHERE employed_until IS NOT NULL;
CREATE INDEX team_team ON team(team);
CREATE INDEX person_enrolment ON person(enrolment) WHERE enrolment <> '';

CREATE TABLE form_2 (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  person INTEGER NOT NULL REFERENCES person(pk),
  kind TEXT NOT NULL,
  role TEXT NOT NULL,
  requested_by TEXT NOT NULL DEFAULT '',
  requested_on INTEGER,
  reason TEXT NOT NULL DEFAULT '',
  verified_by TEXT NOT NULL DEFAULT '',
  verified_on INTEGER,
  approved_by TEXT NOT NULL DEFAULT '',
  approved_on INTEGER,
  valid_from INTEGER,
  valid_until INTEGER,
  state TEXT NOT NULL CHECK (state IN ('submitted', 'verified', 'approved', 'rejected', 'withdrawn')),
  closed_by TEXT NOT NULL DEFAULT '',
  closed_on INTEGER,
  closed_reason TEXT NOT NULL DEFAULT ''
) STRICT;
INSERT INTO form_2 (person, kind, role, verified_by, verified_on, approved_by, approved_on, valid_from, valid_until, state)
  SELECT person, kind, role, verified_by, verified_on, approved_by, approved_on, valid_from, valid_until,
    CASE WHEN withdrawn THEN 'withdrawn' WHEN approved THEN 'approved' WHEN verified THEN 'verified' ELSE 'submitted' END
  FROM form ORDER BY rowid;
DROP TABLE form;
ALTER TABLE form_2 RENAME TO form;
CREATE INDEX form_person ON form(person);
CREATE INDEX form_open ON form(state) WHERE state IN ('submitted', 'verified');

ALTER TABLE declaration ADD COLUMN text_hash TEXT NOT NULL DEFAULT '';
ALTER TABLE training ADD COLUMN recorded_by TEXT NOT NULL DEFAULT '';

CREATE TABLE delegation_2 (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  person INTEGER NOT NULL REFERENCES person(pk),
  grantor INTEGER NOT NULL REFERENCES person(pk),
  role TEXT NOT NULL,
  valid_from INTEGER,
  valid_until INTEGER,
  revoked INTEGER NOT NULL CHECK (revoked IN (0, 1))
) STRICT;
INSERT INTO delegation_2 (person, grantor, role, valid_from, valid_until, revoked)
  SELECT person, grantor, role, valid_from, valid_until, revoked FROM delegation ORDER BY rowid;
DROP TABLE delegation;
ALTER TABLE delegation_2 RENAME TO delegation;
CREATE INDEX delegation_person ON delegation(person);
CREATE INDEX delegation_grantor ON delegation(grantor);

CREATE TABLE acting (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  person INTEGER NOT NULL REFERENCES person(pk),
  manager INTEGER NOT NULL REFERENCES person(pk),
  valid_from INTEGER,
  valid_until INTEGER,
  appointed_by TEXT NOT NULL,
  revoked INTEGER NOT NULL CHECK (revoked IN (0, 1))
) STRICT;
CREATE INDEX acting_person ON acting(person);
CREATE INDEX acting_manager ON acting(manager);

CREATE TABLE removal (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  person INTEGER NOT NULL REFERENCES person(pk),
  state TEXT NOT NULL CHECK (state IN ('requested', 'declined', 'done', 'restoring', 'restored')),
  reason TEXT NOT NULL,
  requested_by TEXT NOT NULL,
  requested_on INTEGER,
  done_by TEXT NOT NULL DEFAULT '',
  done_on INTEGER,
  restore_by TEXT NOT NULL DEFAULT '',
  restore_reason TEXT NOT NULL DEFAULT '',
  closed_by TEXT NOT NULL DEFAULT '',
  closed_on INTEGER,
  closed_reason TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX removal_person ON removal(person);
CREATE INDEX removal_open ON removal(state) WHERE state IN ('requested', 'restoring');

CREATE TABLE notice (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  person INTEGER NOT NULL REFERENCES person(pk),
  mark TEXT NOT NULL,
  made_at INTEGER NOT NULL,
  text TEXT NOT NULL,
  UNIQUE (person, mark)
) STRICT;

CREATE TABLE setting (
  name TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE password (
  person INTEGER PRIMARY KEY REFERENCES person(pk),
  hash TEXT NOT NULL,
  changed_at INTEGER NOT NULL,
  must_change INTEGER NOT NULL CHECK (must_change IN (0, 1)),
  expires_at INTEGER,
  failures INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE activation (
  person INTEGER PRIMARY KEY REFERENCES person(pk),
  requested_at INTEGER NOT NULL,
  code_hash TEXT NOT NULL DEFAULT '',
  expires_at INTEGER,
  failures INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE throttle (
  mark TEXT PRIMARY KEY,
  failures INTEGER NOT NULL,
  last_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX throttle_last ON throttle(last_at);
)sql";

// Who stands for a card that was registered by hand, and by whose card a decision was made.
constexpr const char* step_3 = R"sql(
CREATE TABLE card_3 (
  uuid TEXT NOT NULL UNIQUE,
  person INTEGER NOT NULL REFERENCES person(pk),
  status TEXT NOT NULL CHECK (status IN ('active', 'waiting', 'lost', 'replaced', 'revoked')),
  valid_until INTEGER,
  registered_by TEXT NOT NULL DEFAULT '',
  registered_on INTEGER,
  registered_card_by TEXT NOT NULL DEFAULT '',
  confirmed_by TEXT NOT NULL DEFAULT '',
  certificate_name TEXT NOT NULL DEFAULT '',
  replaces TEXT NOT NULL DEFAULT ''
) STRICT;
INSERT INTO card_3 (uuid, person, status, valid_until) SELECT uuid, person, status, valid_until FROM card ORDER BY rowid;
DROP TABLE card;
ALTER TABLE card_3 RENAME TO card;
CREATE INDEX card_person ON card(person);
ALTER TABLE form ADD COLUMN requested_card_by TEXT NOT NULL DEFAULT '';
ALTER TABLE form ADD COLUMN verified_card_by TEXT NOT NULL DEFAULT '';
ALTER TABLE removal ADD COLUMN restore_card_by TEXT NOT NULL DEFAULT '';
)sql";

// Cards that the desk lends. One that was taken out of the pool stays in it as such, so that a backup does not bring it back.
constexpr const char* step_4 = R"sql(
CREATE TABLE pool_card (
  uuid TEXT PRIMARY KEY,
  certificate_name TEXT NOT NULL,
  added_by TEXT NOT NULL,
  added_on INTEGER,
  removed INTEGER NOT NULL DEFAULT 0 CHECK (removed IN (0, 1))
) STRICT, WITHOUT ROWID;
ALTER TABLE card ADD COLUMN lent_until INTEGER;
CREATE INDEX card_lent ON card(lent_until) WHERE lent_until IS NOT NULL;
)sql";

// A card of the pool is unblocked by a code: its unblocking key (PUK), sealed, and the code of whoever has it on loan.
constexpr const char* step_5 = R"sql(
ALTER TABLE pool_card ADD COLUMN unblocking_key TEXT NOT NULL DEFAULT '';
CREATE TABLE unblocking (
  person INTEGER PRIMARY KEY REFERENCES person(pk),
  card TEXT NOT NULL,
  code_hash TEXT NOT NULL,
  expires_at INTEGER NOT NULL,
  failures INTEGER NOT NULL DEFAULT 0
) STRICT;
)sql";

// A loan has an id, and codes are for one loan; its card opens nothing before it has a new passcode, and is not free before it is
// back (ended). Of cards that were taken out of the pool the last ones are remembered.
constexpr const char* step_6 = R"sql(
CREATE TABLE card_6 (
  uuid TEXT NOT NULL UNIQUE,
  person INTEGER NOT NULL REFERENCES person(pk),
  status TEXT NOT NULL CHECK (status IN ('active', 'waiting', 'lost', 'replaced', 'revoked', 'ended')),
  valid_until INTEGER,
  registered_by TEXT NOT NULL DEFAULT '',
  registered_on INTEGER,
  registered_card_by TEXT NOT NULL DEFAULT '',
  confirmed_by TEXT NOT NULL DEFAULT '',
  certificate_name TEXT NOT NULL DEFAULT '',
  replaces TEXT NOT NULL DEFAULT '',
  lent_until INTEGER,
  lent_at INTEGER,
  loan TEXT NOT NULL DEFAULT '',
  must_change INTEGER NOT NULL DEFAULT 0 CHECK (must_change IN (0, 1))
) STRICT;
INSERT INTO card_6 (uuid, person, status, valid_until, registered_by, registered_on, registered_card_by, confirmed_by,
    certificate_name, replaces, lent_until)
  SELECT uuid, person, status, valid_until, registered_by, registered_on, registered_card_by, confirmed_by,
    certificate_name, replaces, lent_until FROM card ORDER BY rowid;
DROP TABLE card;
ALTER TABLE card_6 RENAME TO card;
CREATE INDEX card_person ON card(person);
CREATE INDEX card_lent ON card(lent_until) WHERE lent_until IS NOT NULL;
ALTER TABLE unblocking ADD COLUMN loan TEXT NOT NULL DEFAULT '';
ALTER TABLE pool_card ADD COLUMN removed_number INTEGER NOT NULL DEFAULT 0;
)sql";

// Downtime, planned and declared. Numbers are never used again, because people quote them.
constexpr const char* step_7 = R"sql(
CREATE TABLE downtime (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  kind TEXT NOT NULL CHECK (kind IN ('planned', 'emergency')),
  state TEXT NOT NULL CHECK (state IN ('open', 'withdrawn', 'ended')),
  severity TEXT NOT NULL,
  closes INTEGER NOT NULL CHECK (closes IN (0, 1)),
  begins_at INTEGER NOT NULL,
  ends_at INTEGER,
  text TEXT NOT NULL,
  made_by TEXT NOT NULL,
  made_at INTEGER NOT NULL,
  told_at INTEGER NOT NULL,
  ended_at INTEGER,
  outcome TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX downtime_open ON downtime(state) WHERE state = 'open';
)sql";

// Faults: what was reported or found, and what became of it.
constexpr const char* step_8 = R"sql(
CREATE TABLE fault (
  id INTEGER PRIMARY KEY AUTOINCREMENT,
  state TEXT NOT NULL CHECK (state IN ('reported', 'classed', 'joined', 'closed')),
  reported_by TEXT NOT NULL,
  part TEXT NOT NULL,
  reported_at INTEGER NOT NULL,
  text TEXT NOT NULL,
  severity TEXT NOT NULL,
  told TEXT NOT NULL,
  classed_by TEXT NOT NULL,
  classed_at INTEGER,
  joined_to INTEGER NOT NULL,
  ticket TEXT NOT NULL,
  expected_at INTEGER,
  closed_at INTEGER,
  outcome TEXT NOT NULL,
  told_at INTEGER NOT NULL
) STRICT;
CREATE INDEX fault_open ON fault(state) WHERE state IN ('reported', 'classed');
)sql";

// A notice that was read stays, without its text, so that its mark is not told again.
constexpr const char* step_9 = R"sql(
ALTER TABLE notice ADD COLUMN read INTEGER NOT NULL DEFAULT 0 CHECK (read IN (0, 1));
)sql";

// An emergency is passed on under somebody's reference.
constexpr const char* step_10 = R"sql(
ALTER TABLE downtime ADD COLUMN ticket TEXT NOT NULL DEFAULT '';
)sql";

constexpr std::array<const char*, 10> steps{step_1, step_2, step_3, step_4, step_5,
                                            step_6, step_7, step_8, step_9, step_10};

}  // namespace

std::string layout_of(SQLite::Database& database) {
  std::string out;
  SQLite::Statement rows(
      database,
      "SELECT m.type || ' ' || m.name || ' ' || m.tbl_name || ' ' || coalesce(c.name || ' ' || c.type || ' ' "
      "|| "
      "c.\"notnull\" || ' ' || c.pk, '') || ' ' || coalesce(i.name, '') FROM sqlite_schema m"
      " LEFT JOIN pragma_table_info(m.name) c ON m.type = 'table'"
      " LEFT JOIN pragma_index_info(m.name) i ON m.type = 'index'"
      " ORDER BY m.type, m.name, c.cid, i.seqno");
  while (rows.executeStep()) out += rows.getColumn(0).getString() + '\n';
  return out;
}

std::string newest_layout() {
  SQLite::Database fresh(":memory:", SQLite::OPEN_READWRITE);
  migrate(fresh, 0);
  return layout_of(fresh);
}

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
