// SPDX-License-Identifier: Apache-2.0
// The staff register: who people are and what is on file about them, behind a narrow interface, so that
// another engine can take SQLite's place. One Register is used by one thread at a time; several may have the
// same file open (a long import in its own thread does not hold up look-ups), and each look-up sees one state
// of the file.
#pragma once

#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "register/downtime.hpp"
#include "register/fault.hpp"
#include "register/import/report.hpp"
#include "register/person.hpp"
#include "register/pool.hpp"

namespace cardgate::reg {

struct Notice {
  std::int64_t id = 0;
  WallTime made_at;
  std::string text;
};

/// Of the error of a change: it is not known whether the change lasts, because the disk failed while it was written and
/// fails still. The next change that succeeds settles it: what was in doubt before it is not done. Every other error
/// means that nothing was done, and that no crash brings it about later.
bool in_doubt(const Error& error);

/// A notice that was read is forgotten so long after it was made.
inline constexpr std::chrono::days read_notices_are_known{400};

class Register {
 public:
  virtual ~Register() = default;

  /// Errors: not_found, corrupt, io, unavailable (another program holds the file).
  virtual Result<Person> person(std::string_view id) = 0;

  /// The person's name, without the rest of the record. Errors: as person().
  virtual Result<std::string> name_of(std::string_view id) = 0;

  /// Whether the person's access is removed; false for nobody. Errors: corrupt, io, unavailable.
  virtual Result<bool> removed(std::string_view id) = 0;

  /// The ids of all who fit, sorted, each once. kind "card_uuid" looks among the cards, whatever their
  /// status; others (upn, email, uri, issuer_serial, fasc_n, ski, subject:FIELD) among the identities. Nobody
  /// is an empty list. Errors: corrupt, io, unavailable.
  virtual Result<std::vector<std::string>> people_by_identity(std::string_view kind,
                                                              std::string_view value) = 0;

  /// The ids of all to whom the Unix account belongs, sorted. Errors: corrupt, io, unavailable.
  virtual Result<std::vector<std::string>> people_by_unix_account(std::string_view account) = 0;

  /// The ids of all whose date of birth and beginning of the National Insurance number these are (enrolment.hpp),
  /// sorted. Errors: corrupt, io, unavailable.
  virtual Result<std::vector<std::string>> people_by_enrolment(Date born, std::string_view ni_start) = 0;

  /// All or nothing, durable on return. What only the register can tell (unknown people, a card that is
  /// somebody else's, loops of managers through it) is in the report's problems, and then nothing was
  /// changed. Errors: corrupt, io, no_space, unavailable.
  virtual Result<ImportReport> import(const ImportFile& file, const ImportOptions& options) = 0;
  Result<ImportReport> import(const ImportFile& file) { return import(file, {}); }

  /// The ids of all who stand in a relation, sorted, each once. Errors: corrupt, io, unavailable.
  enum class Relation : std::uint8_t {
    staff_of,       // value: their line manager's id
    in_team,        // the team's name
    form_waits,     // "submitted" or "verified"
    removal_waits,  // "requested" or "restoring"
    delegates_of,   // the id of who delegates, now or once
    stands_in_for,  // the line manager's id, now or once
    form_for,       // the role of an approved form; the only one whose time grows with the register
    leaving_on,     // the last day of employment, as 2026-01-31
    // Whose it is; value: its number.
    of_form,
    of_delegation,
    of_acting,
    of_removal,
  };
  virtual Result<std::vector<std::string>> people_by(Relation relation, std::string_view value) = 0;
  /// Whoever signed this version of a declaration with another text than the one of `text_hash`, and never with that one. Its
  /// time grows with the register.
  virtual Result<std::vector<std::string>> people_who_signed_another_text(std::string_view declaration,
                                                                          std::string_view version,
                                                                          std::string_view text_hash) = 0;

  /// What people are told at the next sign-in. The same `mark` again is no second notice, read or not, for as long as it is
  /// known: the answer is for whom it is new.
  /// Errors: as change().
  virtual Result<std::vector<std::string>> tell(const std::vector<std::string>& ids, std::string_view mark,
                                                std::string_view text, WallTime at) = 0;
  virtual Result<std::vector<Notice>> notices(std::string_view id) = 0;
  /// False when that person has no such notice.
  virtual Result<bool> drop_notice(std::string_view id, std::int64_t notice) = 0;

  /// What the service keeps beside the people; empty when it was never set. Errors: corrupt, io, unavailable, no_space.
  virtual Result<std::string> setting(std::string_view name) = 0;
  virtual Result<void> set_setting(std::string_view name, std::string_view value) = 0;

  /// Makes `next` of a person, in one transaction; durable on return. What it returns as an error changes nothing. It may not
  /// change the id. The answer is the person as saved, with the numbers of new forms and the like.
  /// Errors: those of `how`, not_found, invalid_argument (somebody named is not there, a card is somebody else's, a loop of line
  /// managers), corrupt, io, no_space, unavailable.
  using Change = std::function<Result<void>(Person& next)>;
  virtual Result<Person> change(std::string_view id, const Change& how) = 0;
  /// The same with several people, who are all changed or none. `people` stand in the order of `ids`.
  using ChangeSeveral = std::function<Result<void>(std::vector<Person>& people)>;
  virtual Result<std::vector<Person>> change_several(const std::vector<std::string>& ids,
                                                     const ChangeSeveral& how) = 0;

  /// The cards of the pool, in the order of their UUIDs, with who has them. Errors: corrupt, io, unavailable.
  virtual Result<std::vector<PoolCard>> pool_cards() = 0;
  /// Errors: not_found; corrupt, io, unavailable.
  virtual Result<PoolCard> pool_card(std::string_view uuid) = 0;
  /// Every card on loan, the one that ends first first. Errors: corrupt, io, unavailable.
  virtual Result<std::vector<Loan>> loans() = 0;
  /// What is computed of it does not count. `with` is done in the same transaction. Errors: invalid_argument (it is there already, it is somebody's card, the pool is full),
  /// and those of change().
  virtual Result<void> add_pool_card(const PoolCard& card,
                                     const std::function<Result<void>()>& with = {}) = 0;
  /// Errors: not_found, invalid_argument (it is on loan), and those of change().
  virtual Result<void> remove_pool_card(std::string_view uuid,
                                        const std::function<Result<void>()>& with = {}) = 0;

  /// Every downtime that is not over, by its number, and the last number that was used. Errors: corrupt, io, unavailable.
  virtual Result<Downtimes> downtimes() = 0;
  /// Writes a new one, or what it has become. `with` is done in the same transaction. Errors: those of `with` and of change().
  virtual Result<void> save_downtime(const Downtime& downtime,
                                     const std::function<Result<void>()>& with = {}) = 0;

  /// Every fault that is open, by its number, and the last number that was used. Errors: corrupt, io, unavailable.
  virtual Result<Faults> faults() = 0;
  /// Writes a new one, or what it has become. Errors: as change().
  virtual Result<void> save_fault(const Fault& fault) = 0;

  /// Takes a number that no entry of its kind has or had, for one that is to be written later; durable on return. Errors: corrupt,
  /// io, no_space, unavailable.
  virtual Result<std::int64_t> take_number(Numbered kind) = 0;

  /// The first `limit` ids of those that come after `id`, sorted by their bytes; "" is before all. For going through
  /// everybody without holding up others. Errors: corrupt, io, unavailable.
  virtual Result<std::vector<std::string>> ids_after(std::string_view id, std::size_t limit) = 0;
  /// The same with the names, which takes a small part of the time that reading the people would.
  struct Named {
    std::string id, name;
  };
  virtual Result<std::vector<Named>> names_after(std::string_view id, std::size_t limit) = 0;

  /// How many people there are. Errors: corrupt, io, unavailable.
  virtual Result<std::size_t> count() = 0;

  /// Whether the files that are open still stand by their names; changes are refused when they do not, because the next start
  /// would not find them. Errors: io, with what to do.
  virtual Result<void> in_place() = 0;

 protected:
  Register() = default;
  Register(const Register&) = delete;
  Register& operator=(const Register&) = delete;
};

/// Opens the register, or makes an empty one where there is none. The file is 0600 and its folder writable by
/// its owner alone; anything else is refused, as is a symbolic link. Older layouts are brought up to date.
/// Errors: permission_denied (modes and owners), not_found (the folder), corrupt (damaged, or no register:
/// never rebuilt), unavailable (in use, or written by a newer cardgate), io, no_space.
///
/// A large file is not read whole, so that a start takes no longer for a million people than for a thousand: header,
/// size, layout and some people are looked at, and check_register() (upkeep.hpp) is for whoever has time.
Result<std::unique_ptr<Register>> open_sqlite(const std::filesystem::path& path);
/// One more connection to a file that open_sqlite() has opened: it is not looked over again. Errors: as there;
/// not_found (the file is gone).
Result<std::unique_ptr<Register>> open_sqlite_again(const std::filesystem::path& path);

}  // namespace cardgate::reg
