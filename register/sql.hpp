// SPDX-License-Identifier: Apache-2.0
// Every look-up the register makes, in one place, so that a test can hold each against its index. Internal to
// register/.
#pragma once

#include <array>

/// Its columns, in the order in which a card is bound (row_writer.hpp: with_card_values).
#define CARDGATE_ADD_CARD                                                                                   \
  "INSERT INTO card (person, uuid, status, valid_until, registered_by, registered_on, registered_card_by, " \
  "confirmed_by, certificate_name, replaces, lent_until, lent_at, loan, must_change) "                      \
  "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"

namespace cardgate::reg::sql {

inline constexpr const char* person =
    "SELECT p.pk, p.id, p.name, p.email, m.id, p.username, p.employed_from, p.employed_until, p.leave_from, "
    "p.leave_until, p.removed, p.removed_reason,"
    " EXISTS (SELECT 1 FROM person s WHERE s.line_manager = p.pk)"
    " FROM person p LEFT JOIN person m ON m.pk = p.line_manager WHERE p.id = ?";
inline constexpr const char* unix_accounts =
    "SELECT account FROM unix_account WHERE person = ? ORDER BY rowid";
inline constexpr const char* teams = "SELECT team FROM team WHERE person = ? ORDER BY rowid";
inline constexpr const char* cards =
    "SELECT uuid, status, valid_until, registered_by, registered_on, registered_card_by, confirmed_by, "
    "certificate_name, replaces, lent_until, lent_at, loan, must_change FROM card WHERE person = ? ORDER BY "
    "rowid";
inline constexpr const char* identities = "SELECT kind, value FROM identity WHERE person = ? ORDER BY rowid";
inline constexpr const char* forms =
    "SELECT id, kind, role, requested_by, reason, verified_by, approved_by, requested_on, verified_on, "
    "approved_on,"
    " valid_from, valid_until, state, closed_by, closed_reason, closed_on, requested_card_by, "
    "verified_card_by,"
    " EXISTS (SELECT 1 FROM person v WHERE v.id = form.verified_by),"
    " EXISTS (SELECT 1 FROM person a WHERE a.id = form.approved_by) FROM form WHERE person = ? ORDER BY id";
inline constexpr const char* declarations =
    "SELECT name, version, signed_on, valid_until, text_hash FROM declaration WHERE person = ? ORDER BY "
    "rowid";
inline constexpr const char* training =
    "SELECT course, completed_on, valid_until, recorded_by FROM training WHERE person = ? ORDER BY rowid";
inline constexpr const char* delegations =
    "SELECT d.id, g.id, d.role, d.valid_from, d.valid_until, d.revoked FROM delegation d JOIN person g ON "
    "g.pk = "
    "d.grantor"
    " WHERE d.person = ? ORDER BY d.id";
inline constexpr const char* acting =
    "SELECT a.id, m.id, a.valid_from, a.valid_until, a.appointed_by, a.revoked FROM acting a JOIN person m "
    "ON m.pk = "
    "a.manager WHERE a.person = ? ORDER BY a.id";
inline constexpr const char* removals =
    "SELECT id, state, reason, requested_by, done_by, restore_by, restore_reason, closed_by, closed_reason, "
    "requested_on,"
    " done_on, closed_on, restore_card_by FROM removal WHERE person = ? ORDER BY id";

inline constexpr const char* by_card =
    "SELECT p.id FROM card c JOIN person p ON p.pk = c.person WHERE c.uuid = ?";
inline constexpr const char* by_identity =
    "SELECT p.id FROM identity i JOIN person p ON p.pk = i.person WHERE i.kind = ? AND i.value = ?";
inline constexpr const char* by_unix_account =
    "SELECT p.id FROM unix_account u JOIN person p ON p.pk = u.person WHERE u.account = ?";

inline constexpr const char* staff_of =
    "SELECT s.id FROM person m JOIN person s ON s.line_manager = m.pk WHERE m.id = ?";
inline constexpr const char* in_team =
    "SELECT p.id FROM team t JOIN person p ON p.pk = t.person WHERE t.team = ?";
inline constexpr const char* form_waits =
    "SELECT p.id FROM form f JOIN person p ON p.pk = f.person WHERE f.state = ? AND f.state IN ('submitted', "
    "'verified')";
inline constexpr const char* removal_waits =
    "SELECT p.id FROM removal r JOIN person p ON p.pk = r.person WHERE r.state = ? AND r.state IN "
    "('requested', 'restoring')";
inline constexpr const char* delegates_of =
    "SELECT p.id FROM person g JOIN delegation d ON d.grantor = g.pk JOIN person p ON p.pk = d.person WHERE "
    "g.id = ?";
inline constexpr const char* stands_in_for =
    "SELECT p.id FROM person m JOIN acting a ON a.manager = m.pk JOIN person p ON p.pk = a.person WHERE m.id "
    "= ?";
inline constexpr const char* leaving_on = "SELECT id FROM person WHERE employed_until = ?";
inline constexpr const char* of_form =
    "SELECT p.id FROM form f JOIN person p ON p.pk = f.person WHERE f.id = ?";
inline constexpr const char* of_delegation =
    "SELECT p.id FROM delegation d JOIN person p ON p.pk = d.person WHERE d.id = ?";
inline constexpr const char* of_acting =
    "SELECT p.id FROM acting a JOIN person p ON p.pk = a.person WHERE a.id = ?";
inline constexpr const char* of_removal =
    "SELECT p.id FROM removal r JOIN person p ON p.pk = r.person WHERE r.id = ?";
inline constexpr const char* notices =
    "SELECT n.id, n.made_at, n.text FROM person p JOIN notice n ON n.person = p.pk WHERE p.id = ? AND n.read "
    "= 0";

inline constexpr const char* setting = "SELECT value FROM setting WHERE name = ?";
inline constexpr const char* ids_after = "SELECT id FROM person WHERE id > ? ORDER BY id LIMIT ?";
inline constexpr const char* names_after = "SELECT id, name FROM person WHERE id > ? ORDER BY id LIMIT ?";
inline constexpr const char* name_of = "SELECT name FROM person WHERE id = ?";
inline constexpr const char* by_enrolment = "SELECT id FROM person WHERE enrolment = ? AND enrolment <> ''";
inline constexpr const char* by_username = "SELECT pk FROM person WHERE username = ?";
// A person as an import compares them: without what other tables hold.
inline constexpr const char* on_file =
    "SELECT pk, name, email, line_manager, username, employed_from, employed_until, removed, removed_reason, "
    "enrolment FROM person WHERE id = ?";
inline constexpr const char* id_from = "SELECT id FROM person WHERE pk >= ? ORDER BY pk LIMIT 1";
inline constexpr const char* last_key = "SELECT max(pk) FROM person";

inline constexpr const char* key_of = "SELECT pk FROM person WHERE id = ?";
inline constexpr const char* id_of = "SELECT id FROM person WHERE pk = ?";
inline constexpr const char* manager_of = "SELECT line_manager FROM person WHERE pk = ?";
inline constexpr const char* has_staff = "SELECT 1 FROM person WHERE line_manager = ? LIMIT 1";
// A user name is somebody's `username`, or the id of who has none. ?1: as it was typed; ?2: its normal form. A name that
// fits as it was typed comes first.
inline constexpr const char* by_login =
    "SELECT pk, id FROM person WHERE username = ?1 UNION ALL SELECT pk, id FROM person WHERE id = ?1 AND "
    "username IS NULL UNION ALL SELECT pk, id FROM person WHERE username = ?2 UNION ALL SELECT pk, id FROM "
    "person "
    "WHERE id = ?2 AND username IS NULL";
inline constexpr const char* password =
    "SELECT hash, must_change, expires_at, failures FROM password WHERE person = ?";
inline constexpr const char* activation =
    "SELECT code_hash, 0, expires_at, failures FROM activation WHERE person = ?";
inline constexpr const char* requested_since =
    "SELECT 1 FROM activation WHERE person = ? AND requested_at > ?";
inline constexpr const char* throttle = "SELECT failures, last_at FROM throttle WHERE mark = ?";

inline constexpr const char* working_members =
    "SELECT p.pk FROM team t JOIN person p ON p.pk = t.person WHERE t.team = ?1 AND p.removed <= ?3 AND "
    "p.employed_from <= ?2 AND (p.employed_until IS NULL OR p.employed_until >= ?2)";

inline constexpr const char* removed = "SELECT removed FROM person WHERE id = ?";

inline constexpr const char* pool_cards =
    "SELECT o.uuid, o.certificate_name, o.added_by, o.added_on, p.id, c.status, c.registered_by, "
    "c.lent_until, coalesce(c.must_change, 0), o.unblocking_key <> ''"
    " FROM pool_card o LEFT JOIN card c ON c.uuid = o.uuid LEFT JOIN person p ON p.pk = c.person"
    " WHERE o.uuid > ? AND o.removed = 0 ORDER BY o.uuid";
inline constexpr const char* pool_card =
    "SELECT o.uuid, o.certificate_name, o.added_by, o.added_on, p.id, c.status, c.registered_by, "
    "c.lent_until, coalesce(c.must_change, 0), o.unblocking_key <> ''"
    " FROM pool_card o LEFT JOIN card c ON c.uuid = o.uuid LEFT JOIN person p ON p.pk = c.person"
    " WHERE o.uuid = ? AND o.removed = 0";
inline constexpr const char* unblock_code =
    "SELECT u.code_hash, u.expires_at, u.failures FROM person p JOIN unblocking u ON u.person = p.pk"
    " JOIN card c ON c.uuid = u.card AND c.person = p.pk AND c.loan = u.loan"
    " WHERE p.id = ? AND u.card = ? AND c.lent_until IS NOT NULL AND c.status = 'active'";
inline constexpr const char* key_for_code =
    "SELECT o.unblocking_key FROM person p JOIN unblocking u ON u.person = p.pk"
    " JOIN card c ON c.uuid = u.card AND c.person = p.pk AND c.loan = u.loan JOIN pool_card o ON o.uuid = "
    "u.card"
    " WHERE p.id = ? AND u.card = ? AND u.code_hash = ? AND c.lent_until IS NOT NULL AND c.status = 'active'"
    " AND o.removed = 0 AND o.unblocking_key <> ''";
inline constexpr const char* in_pool = "SELECT 1 FROM pool_card WHERE uuid = ? AND removed = 0";
inline constexpr const char* loans =
    "SELECT p.id, c.uuid, c.status, c.registered_by, c.lent_until, c.lent_at FROM card c JOIN person p ON "
    "p.pk = c.person"
    " WHERE c.lent_until > ? AND c.status IN ('active', 'waiting') ORDER BY c.lent_until";

inline constexpr const char* open_downtime =
    "SELECT id, kind, severity, closes, begins_at, ends_at, text, made_by, made_at, told_at, ticket "
    "FROM downtime"
    " WHERE state = 'open'";

inline constexpr const char* open_faults =
    "SELECT id, state, reported_by, part, reported_at, text, severity, told, classed_by, classed_at, "
    "joined_to, "
    "ticket, expected_at, closed_at, outcome, told_at FROM fault WHERE state IN ('reported', 'classed')";

inline constexpr std::array look_ups{
    person,        unix_accounts,   teams,         cards,         identities,      forms,
    declarations,  training,        delegations,   acting,        removals,        by_card,
    by_identity,   by_unix_account, key_of,        id_of,         manager_of,      has_staff,
    staff_of,      in_team,         form_waits,    removal_waits, delegates_of,    stands_in_for,
    leaving_on,    of_form,         of_delegation, of_acting,     of_removal,      notices,
    ids_after,     by_enrolment,    by_username,   setting,       on_file,         last_key,
    id_from,       by_login,        password,      activation,    requested_since, throttle,
    removed,       working_members, pool_cards,    pool_card,     in_pool,         loans,
    open_downtime, open_faults};

inline constexpr const char* add_notice =
    "INSERT OR IGNORE INTO notice (person, mark, made_at, text) SELECT pk, ?, ?, ? FROM person WHERE id = ?";
inline constexpr const char* forget_notices =
    "DELETE FROM notice WHERE person = (SELECT pk FROM person WHERE id = ?) AND read = 1 AND made_at < ?";
inline constexpr const char* drop_notice =
    "UPDATE notice SET read = 1, text = '' WHERE id = ? AND read = 0 AND person = (SELECT pk FROM person "
    "WHERE id = ?)";

// The only ones whose time grows with the register.
inline constexpr const char* form_for =
    "SELECT p.id FROM form f JOIN person p ON p.pk = f.person WHERE f.role = ? AND f.state = 'approved'";
/// Signed this version with another text, and never with this one.
inline constexpr const char* signed_another_text =
    "SELECT DISTINCT p.id FROM declaration d JOIN person p ON p.pk = d.person WHERE d.name = ?1 AND "
    "d.version = ?2 "
    "AND d.text_hash <> '' AND d.text_hash <> ?3 AND NOT EXISTS (SELECT 1 FROM declaration s WHERE s.person "
    "= "
    "d.person AND s.name = ?1 AND s.version = ?2 AND s.text_hash = ?3)";
inline constexpr const char* count = "SELECT count(*) FROM person";
inline constexpr const char* employed =
    "SELECT pk, id, name, coalesce(username, ''), enrolment, employed_from, employed_until FROM person WHERE "
    "employed_from <= ?1 AND "
    "(employed_until IS NULL "
    "OR "
    "employed_until >= ?1)";

inline constexpr const char* all_ids = "SELECT id FROM person";

inline constexpr const char* marks = "SELECT count(*) FROM throttle";
// But of a whole uid: those are few, and each stands for all that its programs guess.
inline constexpr const char* oldest_mark =
    "SELECT mark FROM throttle WHERE mark NOT LIKE 'uid %' ORDER BY last_at LIMIT 1";

inline constexpr const char* set_throttle =
    "INSERT INTO throttle (mark, failures, last_at) VALUES (?, ?, ?) ON CONFLICT (mark) DO UPDATE SET "
    "failures = excluded.failures, last_at = excluded.last_at";
inline constexpr const char* drop_throttle = "DELETE FROM throttle WHERE mark = ?";
inline constexpr const char* prune_throttle = "DELETE FROM throttle WHERE last_at < ?";
inline constexpr const char* add_password_failures =
    "UPDATE password SET failures = max(0, failures + ?) WHERE person = ?";
inline constexpr const char* add_code_failures =
    "UPDATE activation SET failures = max(0, failures + ?) WHERE person = ?";
inline constexpr const char* clear_password_failures = "UPDATE password SET failures = 0 WHERE person = ?";
inline constexpr const char* clear_code_failures = "UPDATE activation SET failures = 0 WHERE person = ?";
inline constexpr const char* set_password =
    "INSERT INTO password (person, hash, changed_at, must_change, expires_at) VALUES (?, ?, ?, ?, ?) ON "
    "CONFLICT (person) DO UPDATE SET hash = excluded.hash, changed_at = excluded.changed_at, "
    "must_change = excluded.must_change, expires_at = excluded.expires_at, failures = 0";
inline constexpr const char* rehash_password = "UPDATE password SET hash = ? WHERE person = ? AND hash = ?";
inline constexpr const char* drop_activation = "DELETE FROM activation WHERE person = ?";
inline constexpr const char* add_request =
    "INSERT INTO activation (person, requested_at) VALUES (?, ?) ON CONFLICT (person) DO UPDATE SET "
    "requested_at = excluded.requested_at";
inline constexpr const char* set_code =
    "UPDATE activation SET code_hash = ?, expires_at = ?, failures = 0 WHERE person = ?";
inline constexpr const char* set_setting =
    "INSERT INTO setting (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value";
inline constexpr const char* add_person =
    "INSERT INTO person (pk, id, name, email, line_manager, employed_from, employed_until, removed, "
    "removed_reason, enrolment) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
inline constexpr const char* change_on_file =
    "UPDATE person SET name = ?, email = ?, line_manager = ?, employed_from = ?, employed_until = ?, "
    "removed = ?, removed_reason = ?, enrolment = ? WHERE pk = ?";
inline constexpr const char* set_username = "UPDATE person SET username = ? WHERE pk = ?";
inline constexpr const char* end_employment = "UPDATE person SET employed_until = ? WHERE pk = ?";
inline constexpr const char* change_person =
    "UPDATE person SET name = ?, email = ?, line_manager = ?, username = ?, employed_from = ?, "
    "employed_until = ?, "
    "leave_from = ?, leave_until = ?, removed = ?, removed_reason = ? WHERE pk = ?";
inline constexpr const char* add_unix_account = "INSERT INTO unix_account (person, account) VALUES (?, ?)";
inline constexpr const char* add_team = "INSERT INTO team (person, team) VALUES (?, ?)";
inline constexpr const char* add_card = CARDGATE_ADD_CARD;
inline constexpr const char* add_card_if_free = CARDGATE_ADD_CARD " ON CONFLICT (uuid) DO NOTHING";
inline constexpr const char* pool_size = "SELECT count(*) FROM pool_card WHERE removed = 0";
inline constexpr const char* add_pool_card =
    "INSERT INTO pool_card (uuid, certificate_name, added_by, added_on) VALUES (?, ?, ?, ?) ON CONFLICT "
    "(uuid) DO UPDATE SET certificate_name = excluded.certificate_name, added_by = excluded.added_by, "
    "added_on = excluded.added_on, removed = 0, removed_number = 0";
inline constexpr const char* remove_pool_card =
    "UPDATE pool_card SET removed = 1, unblocking_key = '', removed_number = (SELECT "
    "coalesce(max(removed_number), 0) + 1 FROM pool_card) WHERE uuid = ? AND removed = 0";
inline constexpr const char* forget_removed_pool_cards =
    "DELETE FROM pool_card WHERE removed = 1 AND uuid NOT IN (SELECT uuid FROM pool_card WHERE removed = 1 "
    "ORDER BY removed_number DESC LIMIT ?)";
inline constexpr const char* keep_unblocking_key =
    "UPDATE pool_card SET unblocking_key = ? WHERE uuid = ? AND removed = 0";
inline constexpr const char* set_unblock_code =
    "INSERT INTO unblocking (person, card, loan, code_hash, expires_at) SELECT p.pk, c.uuid, c.loan, ?1, ?2 "
    "FROM person p"
    " JOIN card c ON c.person = p.pk JOIN pool_card o ON o.uuid = c.uuid WHERE p.id = ?3 AND c.lent_until IS "
    "NOT NULL AND c.status = 'active' AND o.removed = 0 AND o.unblocking_key <> '' LIMIT 1"
    " ON CONFLICT (person) DO UPDATE SET card = excluded.card, loan = excluded.loan, code_hash = "
    "excluded.code_hash, "
    "expires_at = excluded.expires_at, failures = 0";
inline constexpr const char* count_unblock_try =
    "UPDATE unblocking SET failures = max(0, failures + ?) WHERE person = (SELECT pk FROM person WHERE id = "
    "?)";
inline constexpr const char* drop_unblock_code =
    "DELETE FROM unblocking WHERE person = (SELECT pk FROM person WHERE id = ?)";
inline constexpr const char* add_identity = "INSERT INTO identity (person, kind, value) VALUES (?, ?, ?)";
inline constexpr const char* add_form =
    "INSERT INTO form (person, id, kind, role, requested_by, reason, verified_by, approved_by, requested_on, "
    "verified_on,"
    " approved_on, valid_from, valid_until, state, closed_by, closed_reason, closed_on, requested_card_by,"
    " verified_card_by) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
inline constexpr const char* add_declaration =
    "INSERT INTO declaration (person, name, version, signed_on, valid_until, text_hash) VALUES (?, ?, ?, ?, "
    "?, ?)";
inline constexpr const char* add_training =
    "INSERT INTO training (person, course, completed_on, valid_until, recorded_by) VALUES (?, ?, ?, ?, ?)";
inline constexpr const char* add_delegation =
    "INSERT INTO delegation (person, id, grantor, role, valid_from, valid_until, revoked) VALUES (?, ?, ?, "
    "?, ?, ?, ?)";
inline constexpr const char* add_acting =
    "INSERT INTO acting (person, id, manager, valid_from, valid_until, appointed_by, revoked) VALUES (?, ?, "
    "?, ?, ?, ?, ?)";
inline constexpr const char* add_removal =
    "INSERT INTO removal (person, id, state, reason, requested_by, done_by, restore_by, restore_reason, "
    "closed_by,"
    " closed_reason, requested_on, done_on, closed_on, restore_card_by) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, "
    "?, ?,"
    " ?, ?, ?)";
inline constexpr const char* drop_unix_accounts = "DELETE FROM unix_account WHERE person = ?";
inline constexpr const char* drop_teams = "DELETE FROM team WHERE person = ?";
inline constexpr const char* drop_cards = "DELETE FROM card WHERE person = ?";
inline constexpr const char* drop_identities = "DELETE FROM identity WHERE person = ?";
inline constexpr const char* drop_forms = "DELETE FROM form WHERE person = ?";
inline constexpr const char* drop_declarations = "DELETE FROM declaration WHERE person = ?";
inline constexpr const char* drop_training = "DELETE FROM training WHERE person = ?";
inline constexpr const char* drop_delegations = "DELETE FROM delegation WHERE person = ?";
inline constexpr const char* drop_acting = "DELETE FROM acting WHERE person = ?";
inline constexpr const char* drop_removals = "DELETE FROM removal WHERE person = ?";

inline constexpr const char* save_downtime =
    "INSERT INTO downtime (id, kind, state, severity, closes, begins_at, ends_at, text, made_by, made_at, "
    "told_at, ended_at, outcome, ticket) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) "
    "DO UPDATE "
    "SET "
    "state = excluded.state, severity = excluded.severity, begins_at = excluded.begins_at, "
    "ends_at = excluded.ends_at, text = excluded.text, told_at = excluded.told_at, "
    "ended_at = excluded.ended_at, outcome = excluded.outcome, ticket = excluded.ticket";

inline constexpr const char* save_fault =
    "INSERT INTO fault (id, state, reported_by, part, reported_at, text, severity, told, classed_by, "
    "classed_at, "
    "joined_to, ticket, expected_at, closed_at, outcome, told_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, "
    "?, ?, ?, "
    "?, ?) ON CONFLICT (id) DO UPDATE SET state = excluded.state, severity = excluded.severity, "
    "told = excluded.told, classed_by = excluded.classed_by, classed_at = excluded.classed_at, "
    "joined_to = excluded.joined_to, ticket = excluded.ticket, expected_at = excluded.expected_at, "
    "closed_at = excluded.closed_at, outcome = excluded.outcome, told_at = excluded.told_at";

inline constexpr const char* add_number_row =
    "INSERT INTO sqlite_sequence (name, seq) SELECT ?, 0 WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence "
    "WHERE name = ?)";
inline constexpr const char* next_number = "UPDATE sqlite_sequence SET seq = seq + 1 WHERE name = ?";
inline constexpr const char* last_number = "SELECT seq FROM sqlite_sequence WHERE name = ?";

}  // namespace cardgate::reg::sql

#undef CARDGATE_ADD_CARD
