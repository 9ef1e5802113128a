// SPDX-License-Identifier: Apache-2.0
// A person as the staff register holds them. Plain data. Dates are days in UTC; an "until" day is the last
// that counts.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"

namespace cardgate::reg {

/// A card comes by a staff file, or is registered by hand: then it says by whom. One that waits opens nothing until a second
/// person has confirmed it.
struct Card {
  std::string uuid;  // lower case, with hyphens
  std::string status =
      "active";  // active, waiting, lost, replaced, revoked; of the pool also ended: not back yet
  std::optional<Date> valid_until;
  std::string registered_by = {};  // by hand: an id; empty: by a staff file
  std::optional<Date> registered_on = {};
  std::string registered_card_by = {};  // who had registered, by hand, the card with which that was done
  std::string confirmed_by = {};        // the second person
  std::string certificate_name = {};    // by hand: the name that its certificate must say
  std::string replaces = {};            // while it waits: the card in whose place it comes
  /// A card of the pool (pool.hpp), which opens nothing from then on; in whole seconds.
  std::optional<WallTime> lent_until = {};
  std::optional<WallTime> lent_at = {};  // of a loan; in whole seconds
  std::string loan = {};  // the id of this loan, so that it is told from the next one of the same card
  /// Of a loan: whoever had the card before may know its passcode, so it opens nothing until there is a new one.
  bool must_change_passcode = false;
  /// The person has it for now: when it is returned, nothing of it stays here. One that was lost meanwhile, or that is not back,
  /// does stay.
  bool on_loan() const { return lent_until && (status == "active" || status == "waiting"); }
  /// One person alone stands for it.
  bool by_one_person() const { return !registered_by.empty() && confirmed_by.empty(); }
  friend bool operator==(const Card&, const Card&) = default;
};

/// Something a certificate may say about its holder: kind is upn, email, uri, issuer_serial, fasc_n, ski or
/// subject:FIELD. upn and email are kept in lower case.
struct Identity {
  std::string kind, value;
  friend bool operator==(const Identity&, const Identity&) = default;
};

/// An access form and how far it has come: submitted -> verified -> approved; rejected and withdrawn at any time before or
/// after. `id` is its number, never used again; 0: not in the register yet.
struct Form {
  enum class State : std::uint8_t { submitted, verified, approved, rejected, withdrawn };
  std::int64_t id = 0;
  std::string kind, role;
  std::string requested_by, reason;
  std::string verified_by, approved_by;
  std::optional<Date> requested_on, verified_on, approved_on, valid_from, valid_until;
  State state = State::submitted;
  std::string closed_by, closed_reason;  // of a rejected or withdrawn one
  std::optional<Date> closed_on;
  // Who had registered, by hand, the card with which it was asked for on behalf of another, or verified.
  std::string requested_card_by = {}, verified_card_by = {};
  // Computed: whoever verified or approved it is on record. What nobody did has no name.
  bool verifier_known = false, approver_known = false;
  friend bool operator==(const Form&, const Form&) = default;
};
/// "submitted", ...
std::string_view name(Form::State state);
/// Set-up gave it: root alone stands for it, which only set-up and breaking the glass can do.
inline constexpr std::string_view root_name = "root";
inline constexpr std::string_view root_by_set_up = "root, by set-up";
bool given_by_set_up(const Form& form);
/// All that there are.
template <class State>
inline constexpr std::array<State, 5> states{State{0}, State{1}, State{2}, State{3}, State{4}};

struct Declaration {
  std::string name, version;
  Date signed_on;
  std::optional<Date> valid_until;
  std::string text_hash = {};  // SHA-256 of the text that was signed, hex; empty when it was not signed here
  friend bool operator==(const Declaration&, const Declaration&) = default;
};

struct Training {
  std::string course;
  Date completed_on;
  std::optional<Date> valid_until;
  std::string recorded_by = {};
  friend bool operator==(const Training&, const Training&) = default;
};

/// `from` (a line manager's id) lets the person act in `role`. `id` as a form's.
struct Delegation {
  std::int64_t id = 0;
  std::string from, role;
  std::optional<Date> valid_from, valid_until;
  bool revoked = false;
  friend bool operator==(const Delegation&, const Delegation&) = default;
};

/// The person stands in for the line manager `manager` (an id). `id` as a form's.
struct Acting {
  std::int64_t id = 0;
  std::string manager;
  std::optional<Date> valid_from, valid_until;
  std::string appointed_by;
  bool revoked = false;
  friend bool operator==(const Acting&, const Acting&) = default;
};

/// An urgent removal: requested -> done -> restoring (one person asked for it) -> restored (another agreed); or declined.
/// `id` as a form's.
struct Removal {
  enum class State : std::uint8_t { requested, declined, done, restoring, restored };
  std::int64_t id = 0;
  State state = State::requested;
  std::string reason, requested_by, done_by, restore_by, restore_reason, closed_by, closed_reason;
  std::optional<Date> requested_on, done_on, closed_on;
  std::string restore_card_by =
      {};  // who had registered, by hand, the card with which restoring was asked for
  friend bool operator==(const Removal&, const Removal&) = default;
};
/// "requested", ...
std::string_view name(Removal::State state);

struct Person {
  std::string id, name, email, line_manager;  // line_manager: an id, or empty
  std::string username;                       // for signing in by password; empty: the id
  std::optional<Date> employed_from, employed_until;
  std::optional<Date> leave_from, leave_until;  // no first day: no leave; no last day: until further notice
  bool removed = false;
  std::string removed_reason;
  std::vector<std::string> unix_accounts, teams;
  std::vector<Card> cards;
  std::vector<Identity> identities;
  std::vector<Form> forms;
  std::vector<Declaration> declarations;
  std::vector<Training> training;
  std::vector<Delegation> delegations;
  std::vector<Acting> acting;
  std::vector<Removal> removals;
  bool is_line_manager = false;  // computed: somebody's line_manager is this person
  friend bool operator==(const Person&, const Person&) = default;
};

/// The entries of a person that people quote by their number.
enum class Numbered : std::uint8_t { form, delegation, acting, removal };
/// The kind of the first entry without a number; nothing when each has one.
std::optional<Numbered> without_number(const Person& person);
/// Gives the number to the first entry of that kind without one.
void set_number(Person& person, Numbered kind, std::int64_t number);

/// 8-4-4-4-12 hex digits (RFC 4122 3), either case, and no placeholder that many cards carry; and the one written form of
/// it.
bool is_card_uuid(std::string_view text);
std::string card_uuid(std::string_view text);

/// A first day other than the one on file, and after the last day on file: a new employment.
bool comes_back(const Person& before, const std::optional<Date>& first_day);

/// A new employment after a former one ended begins with nothing: what was granted before it (forms, delegations, standing in,
/// signatures, cards) is closed. Does nothing unless `next` comes back.
void close_former_employment(const Person& before, Person& next);

}  // namespace cardgate::reg
