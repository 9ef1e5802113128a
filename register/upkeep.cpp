// SPDX-License-Identifier: Apache-2.0
#include "register/upkeep.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/file.hpp"
#include "register/checked_copy.hpp"
#include "register/database.hpp"
#include "register/pool.hpp"
#include "register/sql.hpp"
#include "register/writing.hpp"

namespace cardgate::reg {
namespace {

constexpr int pages_a_step = 512;
constexpr int steps_an_interruption = 100'000;  // of SQLite's virtual machine
constexpr std::size_t max_findings = 100;

using std::filesystem::path;

/// Long statements of this connection end when `stop` becomes true.
void stop_when(SQLite::Database& database, const std::atomic<bool>& stop) {
  ::sqlite3_progress_handler(
      database.getHandle(), steps_an_interruption,
      [](void* flag) { return static_cast<const std::atomic<bool>*>(flag)->load() ? 1 : 0; },
      const_cast<std::atomic<bool>*>(&stop));
}

Error cancelled() {
  return {Errc::cancelled, "the service is stopping"};
}

std::vector<std::string> findings(SQLite::Database& database, Depth depth) {
  std::vector<std::string> out;
  SQLite::Statement check(database,
                          depth == Depth::quick ? "PRAGMA quick_check(100)" : "PRAGMA integrity_check(100)");
  while (check.executeStep()) {
    std::string text = check.getColumn(0).getString();
    if (text != "ok") out.push_back(std::move(text));
  }
  if (depth == Depth::quick) return out;
  SQLite::Statement keys(database, "PRAGMA foreign_key_check");
  while (keys.executeStep() && out.size() < max_findings) {
    out.push_back(fmt::format("a row of {} names somebody who is not there", keys.getColumn(0).getString()));
  }
  return out;
}

/// Pages go over in small steps, so that neither memory nor other connections notice.
Result<void> copy_pages(SQLite::Database& from, SQLite::Database& to, const std::atomic<bool>* stop) {
  constexpr int patience = 100;  // times a connection's own wait
  auto* copy = ::sqlite3_backup_init(to.getHandle(), "main", from.getHandle(), "main");
  if (copy == nullptr) throw SQLite::Exception(to.getHandle());
  int state = SQLITE_OK;
  int waits = 0;
  bool stopped = false;
  while (!stopped && (state == SQLITE_OK || state == SQLITE_BUSY || state == SQLITE_LOCKED)) {
    state = ::sqlite3_backup_step(copy, pages_a_step);
    if (state == SQLITE_BUSY || state == SQLITE_LOCKED) {
      if (++waits == patience) break;
      ::sqlite3_sleep(10);
    }
    stopped = stop != nullptr && stop->load();
  }
  const int ended = ::sqlite3_backup_finish(copy);
  if (stopped && state != SQLITE_DONE) return cancelled();
  if (state != SQLITE_DONE) throw SQLite::Exception(to.getHandle(), ended == SQLITE_OK ? state : ended);
  return {};
}

std::size_t people_in(SQLite::Database& database) {
  return static_cast<std::size_t>(database.execAndGet(sql::count).getInt64());
}

/// Only the owner's, before anything is in it.
Result<void> make_empty(const path& file) {
  const FileDescriptor fd(
      ::open(file.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, S_IRUSR | S_IWUSR));
  if (!fd) return errno_error(file.string(), errno);
  return {};
}

Result<void> sync_file(const path& file) {
  const FileDescriptor fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!fd || sync_all(fd.get()) != 0) return errno_error(file.string(), errno);
  return {};
}

Result<Copied> copy_out(const path& file, const path& part, const std::atomic<bool>& stop) {
  auto from = TRY(open_database(file, Opening::again));
  TRY(make_empty(part));
  Copied out;
  {
    SQLite::Database to(part.string(), SQLite::OPEN_READWRITE | SQLite::OPEN_NOFOLLOW);
    to.exec("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF");  // thrown away unless it gets whole
    // One state of the register, whatever is written meanwhile.
    SQLite::Transaction state(*from);
    out.people = people_in(*from);
    TRY(copy_pages(*from, to, &stop));
    // A backup is one file: no log beside it.
    to.exec("PRAGMA journal_mode = DELETE");
  }
  struct stat status{};
  if (::stat(part.c_str(), &status) != 0) return errno_error(part.string(), errno);
  out.bytes = static_cast<std::uint64_t>(status.st_size);
  TRY(sync_file(part));
  return out;
}

/// What was taken away in `live` since the backup in `main` was made stays taken away.
constexpr const char* keep_removals = R"sql(
INSERT INTO main.person (id, name, removed, removed_reason)
  SELECT l.id, l.name, 1, l.removed_reason FROM live.person l
  WHERE l.removed = 1 AND l.id NOT IN (SELECT id FROM main.person);
UPDATE main.person SET removed = 1,
    removed_reason = (SELECT l.removed_reason FROM live.person l WHERE l.id = person.id)
  WHERE removed = 0 AND id IN (SELECT id FROM live.person WHERE removed = 1);
CREATE TEMP TABLE carried AS
  SELECT r.*, p.pk AS here FROM live.removal r
    JOIN live.person l ON l.pk = r.person JOIN main.person p ON p.id = l.id
    LEFT JOIN main.removal m ON m.id = r.id AND m.person = p.pk
  WHERE r.state IN ('requested', 'done', 'restoring') AND (m.id IS NULL OR m.state <> r.state);
DELETE FROM main.removal WHERE EXISTS
  (SELECT 1 FROM carried c WHERE c.id = main.removal.id AND c.here = main.removal.person);
INSERT INTO main.removal (id, person, state, reason, requested_by, requested_on, done_by, done_on, restore_by,
    restore_reason, closed_by, closed_on, closed_reason)
  SELECT CASE WHEN EXISTS (SELECT 1 FROM main.removal m WHERE m.id = c.id) THEN NULL ELSE c.id END, c.here, c.state,
    c.reason, c.requested_by, c.requested_on, c.done_by, c.done_on, c.restore_by, c.restore_reason, c.closed_by,
    c.closed_on, c.closed_reason FROM carried c ORDER BY c.id;
DROP TABLE carried;
INSERT INTO main.setting (name, value) SELECT name, value FROM live.setting WHERE name = 'setup' AND value = 'closed'
  ON CONFLICT (name) DO UPDATE SET value = excluded.value;
UPDATE main.sqlite_sequence SET seq = max(seq, coalesce(
  (SELECT l.seq FROM live.sqlite_sequence l WHERE l.name = main.sqlite_sequence.name), 0));
INSERT INTO main.sqlite_sequence (name, seq) SELECT l.name, l.seq FROM live.sqlite_sequence l
  WHERE l.name NOT IN (SELECT name FROM main.sqlite_sequence);
)sql";
// Numbers are never used again, so that the same number of the same person is the same form.
constexpr const char* keep_withdrawals = R"sql(
CREATE TEMP VIEW same AS
  SELECT p.pk AS here, l.pk AS there FROM main.person p JOIN live.person l ON l.id = p.id;
UPDATE main.form SET state = f.state, closed_by = f.closed_by, closed_on = f.closed_on, closed_reason = f.closed_reason
  FROM live.form f JOIN same s ON s.there = f.person
  WHERE main.form.id = f.id AND main.form.person = s.here AND main.form.role = f.role
    AND f.state IN ('rejected', 'withdrawn');
UPDATE main.delegation SET revoked = 1 FROM live.delegation d JOIN same s ON s.there = d.person
  WHERE main.delegation.id = d.id AND main.delegation.person = s.here AND d.revoked = 1;
UPDATE main.acting SET revoked = 1 FROM live.acting a JOIN same s ON s.there = a.person
  WHERE main.acting.id = a.id AND main.acting.person = s.here AND a.revoked = 1;
INSERT INTO main.password (person, hash, changed_at, must_change, expires_at, failures)
  SELECT s.here, w.hash, w.changed_at, w.must_change, w.expires_at, w.failures
    FROM live.password w JOIN same s ON s.there = w.person WHERE true
  ON CONFLICT (person) DO UPDATE SET hash = excluded.hash, changed_at = excluded.changed_at,
    must_change = excluded.must_change, expires_at = excluded.expires_at, failures = excluded.failures
    WHERE excluded.changed_at >= password.changed_at;
DELETE FROM main.activation;
INSERT INTO main.activation (person, requested_at, code_hash, expires_at, failures)
  SELECT s.here, a.requested_at, a.code_hash, a.expires_at, a.failures
    FROM live.activation a JOIN same s ON s.there = a.person;
DROP VIEW same;
)sql";
constexpr const char* add_blocked_cards = R"sql(
INSERT INTO main.card (uuid, person, status, valid_until, lent_until)
  SELECT c.uuid, p.pk, c.status, c.valid_until, c.lent_until FROM live.card c
    JOIN live.person l ON l.pk = c.person JOIN main.person p ON p.id = l.id
  WHERE c.status NOT IN ('active', 'waiting', 'ended') AND c.uuid NOT IN (SELECT uuid FROM main.card)
)sql";
constexpr const char* keep_blocked_cards = R"sql(
UPDATE main.card SET status = (SELECT l.status FROM live.card l WHERE l.uuid = card.uuid)
  WHERE status = 'active' AND uuid IN (SELECT uuid FROM live.card WHERE status <> 'active')
)sql";

// Who has a card of the pool now is what the running register says. A loan of the backup may be another person's by now.
constexpr const char* end_loans = R"sql(
DELETE FROM main.card WHERE lent_until IS NOT NULL AND status IN ('active', 'waiting', 'ended')
)sql";
constexpr const char* keep_loans = R"sql(
INSERT INTO main.pool_card (uuid, certificate_name, added_by, added_on, removed, removed_number, unblocking_key)
  SELECT uuid, certificate_name, added_by, added_on, removed, removed_number, unblocking_key FROM live.pool_card
  WHERE removed = 1 OR uuid NOT IN (SELECT uuid FROM main.card)
  ON CONFLICT (uuid) DO UPDATE SET certificate_name = excluded.certificate_name, removed = excluded.removed,
    removed_number = excluded.removed_number, unblocking_key = excluded.unblocking_key;
DELETE FROM main.unblocking;
INSERT INTO main.unblocking (person, card, loan, code_hash, expires_at, failures)
  SELECT p.pk, u.card, u.loan, u.code_hash, u.expires_at, u.failures FROM live.unblocking u
    JOIN live.person l ON l.pk = u.person JOIN main.person p ON p.id = l.id;
INSERT INTO main.card (uuid, person, status, valid_until, registered_by, registered_on, registered_card_by, confirmed_by,
    certificate_name, replaces, lent_until, lent_at, loan, must_change)
  SELECT c.uuid, p.pk, c.status, c.valid_until, c.registered_by, c.registered_on, c.registered_card_by, c.confirmed_by,
    c.certificate_name, c.replaces, c.lent_until, c.lent_at, c.loan, c.must_change
  FROM live.card c JOIN live.person l ON l.pk = c.person JOIN main.person p ON p.id = l.id
  WHERE c.lent_until IS NOT NULL AND c.status IN ('active', 'waiting', 'ended') AND c.uuid NOT IN (SELECT uuid FROM main.card)
    AND c.uuid IN (SELECT uuid FROM main.pool_card WHERE removed = 0)
)sql";

// What is announced, declared and reported is what the running register says.
constexpr const char* keep_downtime = R"sql(
DELETE FROM main.downtime;
INSERT INTO main.downtime SELECT * FROM live.downtime;
DELETE FROM main.fault;
INSERT INTO main.fault SELECT * FROM live.fault;
)sql";

Restored keep_what_was_taken_away(SQLite::Database& backup, const path& live) {
  Restored out;
  {
    SQLite::Statement attach(backup, "ATTACH ? AS live");
    attach.bind(1, live.string());
    attach.exec();
  }
  {
    SQLite::Transaction transaction(backup, SQLite::TransactionBehavior::IMMEDIATE);
    {
      SQLite::Statement removed(backup,
                                "SELECT l.id FROM live.person l LEFT JOIN main.person p ON p.id = l.id "
                                "WHERE l.removed = 1 AND coalesce(p.removed, 0) = 0 ORDER BY l.id");
      while (removed.executeStep()) out.still_removed.push_back(removed.getColumn(0).getString());
    }
    backup.exec(keep_removals);
    backup.exec(end_loans);
    out.still_blocked_cards = static_cast<std::size_t>(backup.exec(keep_blocked_cards));
    out.still_blocked_cards += static_cast<std::size_t>(backup.exec(add_blocked_cards));
    backup.exec(keep_loans);
    SQLite::Statement forget(backup, sql::forget_removed_pool_cards);
    Query(forget, static_cast<std::int64_t>(max_removed_pool_cards)).run();
    backup.exec(keep_withdrawals);
    backup.exec(keep_downtime);
    transaction.commit();
  }
  backup.exec("DETACH live");
  return out;
}

}  // namespace

Result<std::vector<std::string>> check_register(const path& file, Depth depth,
                                                const std::atomic<bool>& stop) {
  auto outcome = guarded([&]() -> Result<std::vector<std::string>> {
    auto database = TRY(open_database(file, Opening::again));
    stop_when(*database, stop);
    return findings(*database, depth);
  });
  if (stop) return cancelled();
  // Damage that ends the check is what was looked for.
  if (!outcome && outcome.error().code == Errc::corrupt) return std::vector{outcome.error().context};
  return outcome;
}

Result<Copied> back_up(const path& file, const path& to, const std::atomic<bool>& stop) {
  const Error there(Errc::already_exists, to.string() + ": already exists");
  if (struct stat status{}; ::lstat(to.c_str(), &status) == 0) return there;
  const path part = to.string() + ".part";
  ::unlink(part.c_str());  // of a copy that was broken off
  auto copied = guarded([&] { return copy_out(file, part, stop); });
  if (copied && ::link(part.c_str(), to.c_str()) != 0)
    copied = errno == EEXIST ? there : errno_error(to.string(), errno);
  ::unlink(part.c_str());
  if (!copied) return copied;
  TRY(sync_directory(to.parent_path()));
  return copied;
}

Result<void> check_copy(const path& copy, const std::atomic<bool>& stop) {
  auto good = guarded([&]() -> Result<void> {
    SQLite::Database database(copy.string(), SQLite::OPEN_READONLY | SQLite::OPEN_NOFOLLOW);
    stop_when(database, stop);
    const auto found = findings(database, Depth::full);
    if (found.empty()) return {};
    return Error{Errc::corrupt, fmt::format("the staff register is damaged ({}), so no backup was made of it",
                                            found.front())};
  });
  if (!good) ::unlink(copy.c_str());
  if (!good && stop) return cancelled();
  return good;
}

Result<void> check_backup(const path& backup, const std::atomic<bool>& stop) {
  auto outcome = guarded([&]() -> Result<void> {
    for (const char* suffix : {"-wal", "-journal"}) {
      struct stat status{};
      const std::string log = backup.string() + suffix;
      if (::lstat(log.c_str(), &status) != 0 || status.st_size == 0) continue;
      return Error{Errc::corrupt,
                   fmt::format("{}: has a log beside it ({}), so it is a copy of a running register's files",
                               backup.string(), path(log).filename().string())};
    }
    auto database = TRY(open_database(backup, Opening::there));
    stop_when(*database, stop);
    const auto found = findings(*database, Depth::full);
    if (found.empty()) return {};
    return Error{Errc::corrupt, fmt::format("{}: is damaged ({})", backup.string(), found.front())};
  });
  if (!outcome && stop) return cancelled();
  return outcome;
}

Result<Restored> restore(const path& backup, const path& file) {
  return guarded([&]() -> Result<Restored> {
    auto from = TRY(open_database(backup, Opening::again));
    auto kept = guarded([&]() -> Result<Restored> { return keep_what_was_taken_away(*from, file); });
    if (!kept && kept.error().code == Errc::corrupt) {
      return Error{
          Errc::corrupt,
          "the running register is too damaged to say which people had access removed since the backup was "
          "made. Stop the service and put the backup in its place by hand, as operations.md says"};
    }
    Restored out = TRY(std::move(kept));
    out.people = people_in(*from);
    auto to = TRY(open_database(file, Opening::again));
    Writing writing(*to);
    TRY(writing.change([&] { return copy_pages(*from, *to, nullptr); }));
    // Its log holds the whole register now; whoever reads an older state still may keep it so for a while.
    to->exec("PRAGMA wal_checkpoint(TRUNCATE)");
    return out;
  });
}

}  // namespace cardgate::reg
