// SPDX-License-Identifier: Apache-2.0
// The acts of people's work, as changes of one person's record: each either makes the change or says in a sentence why it
// cannot be made (and then the record is to be thrown away). Whether the actor may act on this person at all is asked
// before (deeds/actors). Pure; thread-safe.
//
// Errors of all: invalid_argument (it cannot be done now), not_found (no such form, ...), permission_denied (not by this
// person).
#pragma once

#include <string>

#include "daemon/work/facts.hpp"
#include "policy/records.hpp"
#include "register/person.hpp"

namespace cardgate::daemon::work {

/// So many forms, delegations or stand-ins has nobody in a working life; each makes every change of the person dearer.
inline constexpr std::size_t max_entries = 200;
inline constexpr const char* too_many =
    "This person already has 200 entries of this kind, which is the limit. Ask the people who run this "
    "machine";

/// Who acts, and when.
struct Doer {
  std::string id;
  Date today;
  std::string card_by = {};  // who registered, by hand, the card that the doer uses
  /// Where two people must act: whoever registered somebody's card counts as that person, too, because they may hold it.
  bool may_be(std::string_view other) const { return !other.empty() && (id == other || card_by == other); }
};

// --- access forms: submitted -> verified by the line manager -> approved by the team ---
struct FormAsk {
  std::string role, reason;
  std::optional<Date> valid_from, valid_until;
};
/// By its name, or by its title as people know it; null: there is none.
const policy::Role* find_role(const policy::Policy& policy, std::string_view wanted);
Result<void> submit_form(reg::Person& person, const policy::Policy& policy, const FormAsk& ask,
                         const Doer& doer);
/// `manages`: the doer is still the person's line manager, or stands in.
Result<void> verify_form(reg::Person& person, const policy::Policy& policy, std::int64_t form,
                         const Doer& doer, bool manages);
Result<void> approve_form(reg::Person& person, const policy::Policy& policy, std::int64_t form,
                          const Doer& doer);
Result<void> reject_form(reg::Person& person, std::int64_t form, const std::string& reason, const Doer& doer);
Result<void> withdraw_form(reg::Person& person, std::int64_t form, const std::string& reason,
                           const Doer& doer);
/// A new form that goes on where this one ends.
Result<void> renew_form(reg::Person& person, const policy::Policy& policy, std::int64_t form,
                        const std::string& reason, std::optional<Date> until, const Doer& doer);

// --- declarations and training ---
struct Text {
  policy::Prerequisite wanted;     // as the policy asks for it; of several lives of a signature the longest
  std::string text, hash;          // hash: SHA-256, hex
  std::vector<std::string> roles;  // whose titles ask for it
};
std::vector<Text> declaration_texts(const policy::Policy& policy);
Result<void> sign_declaration(reg::Person& person, const policy::Policy& policy, const std::string& name,
                              const std::string& version, const std::string& hash, const Doer& doer);
Result<void> record_training(reg::Person& person, const policy::Policy& policy, reg::Training training,
                             const Doer& doer);

// --- delegation and standing in ---
/// Of the doer, for whom may_delegate() holds, to `person`.
Result<void> give_delegation(reg::Person& person, const policy::Policy& policy, const std::string& role,
                             std::optional<Date> from, Date until, const Doer& doer);
Result<void> may_delegate(const reg::Person& giver);
Result<void> revoke_delegation(reg::Person& person, std::int64_t delegation);
/// `manager`: an id for which may_be_stood_in_for() holds.
Result<void> appoint_acting(reg::Person& person, const std::string& manager, std::optional<Date> from,
                            Date until, const Doer& doer);
Result<void> may_be_stood_in_for(const reg::Person& manager);
Result<void> end_acting(reg::Person& person, std::int64_t acting);

// --- urgent removals ---
Result<void> request_removal(reg::Person& person, const std::string& reason, bool at_once, const Doer& doer);
Result<void> do_removal(reg::Person& person, std::int64_t removal, const Doer& doer);
/// One that was asked for; or giving back, which one person has asked for: then the access stays removed.
Result<void> decline_removal(reg::Person& person, std::int64_t removal, const std::string& reason,
                             const Doer& doer);
/// The first person asks for it, the second agrees and gives the access back. `number`: of the removal; 0: whichever holds.
Result<void> restore(reg::Person& person, const std::string& reason, const Doer& doer,
                     std::int64_t number = 0);

// --- staff ---
struct StaffChange {
  std::optional<std::string> name, line_manager, username;  // "none" for nobody
  std::optional<Date> employed_from;
  std::optional<Date> employed_until, leave_from, leave_until;
  bool no_employed_until = false, no_leave = false, no_leave_until = false;  // taken away
};
Result<void> change_staff(reg::Person& person, const StaffChange& change, const Doer& doer);
/// May this person decide for others, now or as soon as they have signed what they sign themselves: by a role, by staff of
/// their own, or by standing in? Their cards take two people.
bool decides_for_others(const reg::Person& person, const policy::Policy& policy, Date today);
/// What the person must hear who uses `card`: a sentence for each other card that somebody registered to them by hand and that
/// opens something, or may. Said at each sign-in, because a notice can be dropped by whoever holds the other card.
std::vector<std::string> other_cards(const reg::Person& person, const std::string& card,
                                     const RecordOf& record_of);
struct CardChange {
  std::string uuid, status, replaces;
  std::optional<Date> valid_until;
  /// The name in the card's certificate where it is not the person's, which the doer has looked at; empty: the person's.
  std::string certificate_name;
};
/// The card is lost, replaced or revoked (`status`).
Result<void> stop_card(reg::Person& person, const std::string& uuid, const std::string& status,
                       std::optional<Date> valid_until, const Doer& doer);
/// A card of somebody who decides for others waits for a second person, who does the same; so do both stand for any card.
Result<void> change_card(reg::Person& person, const policy::Policy& policy, const CardChange& change,
                         const Doer& doer);

// --- cards of the pool (register/pool.hpp) ---
/// To be renewed by the desk, which looks at the person each time.
inline constexpr std::chrono::hours longest_loan{24};
struct LoanAsk {
  std::string uuid;
  std::string certificate_name;  // as the pool has it
  WallTime until, now;
  std::string loan = {};  // the id of the new loan
};
/// Until then it is one of the person's cards. Of somebody who decides for others it waits for a second person, who does the same.
Result<void> lend_card(reg::Person& person, const policy::Policy& policy, const LoanAsk& ask,
                       const Doer& doer);
/// The loan of this card that runs until then, and no later one, is over by its time. The card is not free before it is back.
Result<void> end_loan(reg::Person& person, const std::string& uuid, WallTime until);
/// The card is back, whether its loan runs or is over.
Result<void> return_card(reg::Person& person, const std::string& uuid, WallTime until);
/// Is a new passcode to be chosen before this card opens anything?
bool needs_new_passcode(const reg::Person& person, const std::string& card);
/// What the person must hear who uses `card`, when it is on loan; empty: it is their own.
std::string loan_words(const reg::Person& person, const std::string& card);

}  // namespace cardgate::daemon::work
