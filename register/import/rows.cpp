// SPDX-License-Identifier: Apache-2.0
#include "register/import/rows.hpp"

#include "register/enrolment.hpp"
#include "register/sql.hpp"

namespace cardgate::reg {

ImportRows::ImportRows(SQLite::Database& database)
    : database_(database),
      on_file_(database, sql::on_file),
      by_username_(database, sql::by_username),
      add_(database, sql::add_person),
      change_(database, sql::change_on_file),
      set_username_(database, sql::set_username),
      add_card_(database, sql::add_card_if_free),
      setting_(database, sql::setting),
      end_(database, sql::end_employment) {}

std::optional<ImportRows::OnFile> ImportRows::read(std::string_view id) {
  Query query(on_file_, id);
  if (!query.next()) return std::nullopt;
  OnFile out;
  Person& person = out.person;
  person.id = id;
  out.key = query.integer();
  person.name = query.text();
  person.email = query.text();
  out.manager = query.optional_integer();
  person.username = query.text();
  person.employed_from = query.optional_date();
  person.employed_until = query.optional_date();
  person.removed = query.flag();
  person.removed_reason = query.text();
  out.enrolment = query.text();
  return out;
}

void ImportRows::add(const OnFile& somebody) {
  const Person& p = somebody.person;
  Query(add_, somebody.key, p.id, p.name, p.email, somebody.manager, p.employed_from, p.employed_until,
        p.removed, p.removed_reason, somebody.enrolment)
      .run();
}

void ImportRows::change(const OnFile& somebody) {
  const Person& p = somebody.person;
  Query(change_, p.name, p.email, somebody.manager, p.employed_from, p.employed_until, p.removed,
        p.removed_reason, somebody.enrolment, somebody.key)
      .run();
}

void ImportRows::set_username(Key person, const std::optional<std::string>& username) {
  Query(set_username_, username, person).run();
}

KeyOrNone ImportRows::with_username(std::string_view username) {
  Query query(by_username_, username);
  return query.next() ? KeyOrNone(query.integer()) : std::nullopt;
}

bool ImportRows::add_card(Key person, const Card& card) {
  with_card_values(person, card, [&](const auto&... values) { Query(add_card_, values...).run(); });
  return database_.getChanges() > 0;
}

std::string ImportRows::setting(std::string_view name) {
  Query query(setting_, name);
  return query.next() ? query.text() : std::string();
}

std::string ImportRows::enrolment_key() {
  if (enrolment_key_.empty()) enrolment_key_ = setting(enrolment_key_setting);
  if (enrolment_key_.empty()) {
    enrolment_key_ = new_enrolment_key();
    SQLite::Statement set(database_, sql::set_setting);
    Query(set, enrolment_key_setting, enrolment_key_).run();
  }
  return enrolment_key_;
}

Key ImportRows::last_key() {
  SQLite::Statement last(database_, sql::last_key);
  Query query(last);
  return query.next() ? query.optional_integer().value_or(0) : 0;
}

void ImportRows::each_employed(Date on, const std::function<void(Employed)>& visit) {
  SQLite::Statement employed(database_, sql::employed);
  Query query(employed, on);
  while (query.next())
    visit(Employed{query.integer(), query.text(), query.text(), query.text(), query.text(), query.date(),
                   query.optional_date()});
}

void ImportRows::end_employment(Key person, Date last_day) {
  Query(end_, last_day, person).run();
}

KnownForms ImportRows::forms() {
  KnownForms out;
  SQLite::Statement all(database_, sql::all_ids);
  Query query(all);
  while (query.next()) out.add(query.text());
  out.settle();
  return out;
}

std::set<Key> ImportRows::working_members(const std::vector<std::string>& teams, Date on, bool with_removed) {
  std::set<Key> members;
  SQLite::Statement of_team(database_, sql::working_members);
  for (const auto& team : teams) {
    Query query(of_team, team, on, with_removed);
    while (query.next()) members.insert(query.integer());
  }
  return members;
}

}  // namespace cardgate::reg
