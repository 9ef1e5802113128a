// SPDX-License-Identifier: Apache-2.0
// Every event that is told of, in the audit log, in the journal or in both, and the one table of what each is. The documents that
// list events and the journal's catalog are made from it. Pure; thread-safe.
//
// This room writes the audit log alone. What the journal says of an event stands here too, so that there is one list.
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace cardgate::audit {

/// In the order of the documentation. Names stay as they are: logs, searches and alarms out there hold on to them.
enum class Event : std::uint8_t {
  start,
  start_refused,
  stop,
  state_lost,
  installation_unmarked,
  reload,
  reload_refused,
  trust_files,
  trust_files_refused,
  crl_passed_over,
  authority_useless,
  revocation_answer,
  answers,
  policy_finding,
  import,
  sign_in,
  sign_in_refused,
  session_locked,
  session_grace,
  session_kept,
  session_resumed,
  session_ended,
  card_removed,
  card_twice,
  pcscd_unreachable,
  pcscd_reachable,
  token,
  token_refused,
  token_key,
  certificate_explained,
  introspected,
  revoked,
  access_removed,
  client_refused,
  admin_refused,
  passcode_changed,
  card_blocked,
  card_refused,
  card_unblocked,
  register_changed,
  card_pool,
  loan,
  form,
  declaration_signed,
  training_recorded,
  delegation,
  acting_manager,
  removal,
  act_unwritten,
  act_written,
  act_not_done,
  looked_at,
  record_asked,
  setup,
  setup_closed,
  break_glass,
  enrolment,
  password_changed,
  password_reset,
  passwords_failing,
  passwords_working,
  notice,
  notice_lost,
  downtime,
  fault,
  hook_failed,
  signatures_void,
  register_copied,
  register_check,
  register_damaged,
  register_restored,
  register_unwritable,
  register_writable,
  clock_jump,
  repeated,
  incident,
  audit_failing,
  audit_late,
  audit_lost,
  audit_caught_up,
  audit_checkpoint,
  audit_checkpoint_kept_back,
  segment,
  checkpoint,
  healed,
  audit_key,
  audit_hold,
  retention,
};

/// Of a journal entry, as syslog(3) numbers them.
enum class Level : std::uint8_t { error = 3, warning = 4, notice = 5, info = 6 };

/// What `journalctl -x` shows beside an entry.
struct CatalogEntry {
  std::string_view message_id{};  // 32 hex digits; empty: no explanation
  std::string_view subject{};
  std::string_view explanation{};  // one paragraph, not wrapped
};

/// Texts are for people, and may have `code` in them.
struct EventInfo {
  Event event;
  std::string_view name;

  // Of the audit log:
  std::string_view members{};   // that a record of it usually has: "person, reason, details.reader"
  std::string_view recorded{};  // what happened; empty: never in the audit log
  bool internal = false;        // written by the log itself; append() refuses it
  bool frequent = false;        // comes as often as a person or a program likes

  // Of the journal:
  Level level = Level::info;     // where it is not always the same, the most severe
  std::string_view said{};       // what happened; empty: never in the journal
  std::string_view next_step{};  // what to do; empty: nothing
  std::string_view refusal{};    // how the entry of a refusal begins
  CatalogEntry catalog{};

  bool is_recorded() const { return !recorded.empty(); }
  bool is_said() const { return !said.empty(); }
};

/// Every event, in the order of the enumeration.
std::span<const EventInfo> events();
const EventInfo& info_of(Event event);
/// As it is written in the log and the journal. Lives as long as the program.
std::string_view name_of(Event event);
/// nullptr when the audit log has no such event.
const EventInfo* find_event(std::string_view name);

}  // namespace cardgate::audit
