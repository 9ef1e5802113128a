// SPDX-License-Identifier: Apache-2.0
// The register on SQLite: reading. Importing is the business of import_run.hpp. Internal to register/. One
// thread at a time.
#pragma once

#include <memory>
#include <optional>

#include "register/database.hpp"
#include "register/register.hpp"
#include "register/row_writer.hpp"
#include "register/sql.hpp"
#include "register/writing.hpp"

namespace cardgate::reg {

/// not_found, in words.
/// What one column says, sorted, each once.
std::vector<std::string> ids(Query query);
Error nobody(std::string_view id);

/// Reads people by kept statements, inside whatever transaction is open. Throws SQLite::Exception and BadRow.
class PersonReader {
 public:
  explicit PersonReader(SQLite::Database& database);
  struct Row {
    std::int64_t key = 0;
    Person person;
  };
  std::optional<Row> read(std::string_view id);
  /// These lists of a person.
  void read(Key person, const Lists& which, Person& to);

 private:
  SQLite::Statement person_, unix_accounts_, teams_, cards_, identities_, forms_, declarations_, training_,
      delegations_, acting_, removals_;
};

class SqliteRegister final : public Register {
 public:
  explicit SqliteRegister(std::unique_ptr<SQLite::Database> database);

  Result<Person> person(std::string_view id) override;
  Result<std::vector<std::string>> people_by_identity(std::string_view kind, std::string_view value) override;
  Result<std::vector<std::string>> people_by_unix_account(std::string_view account) override;
  Result<std::vector<std::string>> people_by_enrolment(Date born, std::string_view ni_start) override;
  using Register::import;
  Result<ImportReport> import(const ImportFile& file, const ImportOptions& options) override;
  Result<std::vector<std::string>> people_by(Relation relation, std::string_view value) override;
  Result<std::vector<std::string>> people_who_signed_another_text(std::string_view declaration,
                                                                  std::string_view version,
                                                                  std::string_view text_hash) override;
  Result<std::string> name_of(std::string_view id) override;
  Result<bool> removed(std::string_view id) override;
  Result<std::vector<std::string>> tell(const std::vector<std::string>& ids, std::string_view mark,
                                        std::string_view text, WallTime at) override;
  Result<std::vector<Notice>> notices(std::string_view id) override;
  Result<bool> drop_notice(std::string_view id, std::int64_t notice) override;
  Result<Person> change(std::string_view id, const Change& how) override;
  Result<std::vector<Person>> change_several(const std::vector<std::string>& ids,
                                             const ChangeSeveral& how) override;
  Result<std::vector<PoolCard>> pool_cards() override;
  Result<PoolCard> pool_card(std::string_view uuid) override;
  Result<std::vector<Loan>> loans() override;
  Result<void> add_pool_card(const PoolCard& card, const std::function<Result<void>()>& with) override;
  Result<void> remove_pool_card(std::string_view uuid, const std::function<Result<void>()>& with) override;
  Result<Downtimes> downtimes() override;
  Result<void> save_downtime(const Downtime& downtime, const std::function<Result<void>()>& with) override;
  Result<Faults> faults() override;
  Result<void> save_fault(const Fault& fault) override;
  Result<std::int64_t> take_number(Numbered kind) override;
  Result<std::vector<std::string>> ids_after(std::string_view id, std::size_t limit) override;
  Result<std::vector<Named>> names_after(std::string_view id, std::size_t limit) override;
  Result<std::size_t> count() override;
  Result<std::string> setting(std::string_view name) override;
  Result<void> set_setting(std::string_view name, std::string_view value) override;
  Result<void> in_place() override;

 private:
  std::unique_ptr<SQLite::Database> database_;  // outlives the statements
  PersonReader reader_;
  RowWriter writer_;
  SQLite::Statement by_card_, by_identity_, by_unix_account_, ids_after_, names_after_, name_of_,
      by_enrolment_, setting_, set_setting_, count_, removed_, begin_, end_;
  Writing writing_;
};

}  // namespace cardgate::reg
