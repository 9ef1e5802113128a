// SPDX-License-Identifier: Apache-2.0
// The access policy: which role asks for what. policy/reader makes it of a file, checked whole. Immutable once made, so
// it may be read by any number of threads.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/calendar.hpp"
#include "base/clock.hpp"

namespace cardgate::policy {

enum class SignIn : std::uint8_t { password, card };
/// "password", "card".
std::string_view name(SignIn sign_in);

/// One thing that a role asks for.
struct Prerequisite {
  enum class Kind : std::uint8_t {
    not_removed,
    employed,
    card,
    form,
    declaration,
    line_manager,
    delegation,
    team,
    training,
  };
  Kind kind = Kind::not_removed;
  std::string subject;  // the form's kind, the declaration's name, the team, the course; else empty
  std::string version;  // of a declaration; empty: any
  std::string title;    // what people call it
  bool warn = false;    // training only: missing it warns, but does not deny
  std::optional<std::chrono::days> valid_for = {};  // declaration only: for how long a signature counts
  std::string text_hash = {};  // declaration only: SHA-256 of its text, hex; empty: the policy has no text
  friend bool operator==(const Prerequisite&, const Prerequisite&) = default;
};
using Kind = Prerequisite::Kind;
/// The stable code of a kind, as in the file and in answers: "not-removed", "form", ...
std::string_view name(Prerequisite::Kind kind);

/// What taking the card out does to a session that has used the role.
struct CardRemoval {
  enum class Mode : std::uint8_t {  // the strictest first
    end,                            // the session and its tokens end
    lock,   // tokens are suspended until the same card and its passcode resume the session
    grace,  // tokens live on for `time`; the same card, back in that time, goes on
    keep,   // the session lives on, until `time` after its person last gave card and passcode
  };
  Mode mode = Mode::end;
  milliseconds time{0};  // of grace and keep
  friend bool operator==(const CardRemoval&, const CardRemoval&) = default;
};
/// "end", "lock", "grace", "keep".
std::string_view name(CardRemoval::Mode mode);

/// What locking the screen does to a session that has used the role.
struct ScreenLock {
  enum class Mode : std::uint8_t {  // the stricter first
    lock,                           // the session locks, too
    keep,                           // it lives on, and ends `time` later unless the screen is unlocked before
  };
  Mode mode = Mode::lock;
  milliseconds time{0};  // of keep
  friend bool operator==(const ScreenLock&, const ScreenLock&) = default;
};

/// What a role lets its holder do for others, as far as the records that it opens.
enum class Act : std::uint8_t {
  submit_forms,  // ask for access on behalf of others than one's own staff
  approve_forms,
  record_training,
  delegate,  // as a line manager, to an administrator; name who stands in
  request_removal,
  remove_access,
  restore_access,   // with a second person
  manage_staff,     // dates, line manager, leave, name, cards
  give_codes,       // activation codes and new passwords, at the help desk
  see_people,       // what others hold and lack
  manage_downtime,  // plan, change and withdraw downtime; declare and end an emergency
  read_audit,       // what the audit log holds, of everybody whom the role's records reach
};
inline constexpr std::size_t act_count = 12;
/// "submit-forms", ...
std::string_view name(Act act);

/// A document that helps whoever holds a role, or signs a declaration.
struct Guidance {
  std::string title;
  std::string link, file;  // one of them: https://..., or an absolute path on this machine
  friend bool operator==(const Guidance&, const Guidance&) = default;
};

struct Role {
  std::string name, title;
  std::vector<SignIn> sign_in;
  std::vector<Prerequisite> requires_all;
  std::string records;  // own, team, team-view, delegated, by-function or all
  milliseconds max_session = std::chrono::hours(12);
  milliseconds idle = std::chrono::minutes(15);
  milliseconds token_life = std::chrono::minutes(5);
  CardRemoval card_removal;
  ScreenLock screen_lock;
  /// `step_up: card`: card and passcode must have been given within this time. Nothing: the sign-in is enough.
  std::optional<milliseconds> step_up_age = std::nullopt;
  /// How far the answers that the card was not withdrawn may be past their nextUpdate (RFC 5280 5.1.2.5); 0:
  /// not at all.
  milliseconds revocation_delay{0};

  std::vector<Act> may;
  std::vector<Guidance> guidance;

  int line = 0;                     // in the file
  std::vector<int> requires_lines;  // of each of requires_all

  bool accepts(SignIn way) const;
  bool lets(Act act) const;
};

/// What the people who help are called here.
struct Contacts {
  std::string access_team, card_desk, employment;
};

class Policy {
 public:
  /// What a policy is made of, as its file says it.
  struct Parts {
    std::vector<Role> roles;  // in the file's order
    Contacts contacts;
    std::map<std::string, std::string> texts;               // of declarations, by their names
    std::map<std::string, int> text_lines;                  // of each of `texts`, in the file
    std::map<std::string, std::vector<Guidance>> guidance;  // of declarations, by their names
    std::map<Act, milliseconds> step_up;  // acts that ask for card and passcode within this time
    std::map<Act, int> step_up_lines;     // of each of `step_up`, in the file
    std::string hash;                     // BLAKE2b-256 of the file, lower-case hex
  };
  /// Fills in what follows from the parts (each declaration's text_hash, what a sign-in asks for); checks nothing.
  explicit Policy(Parts parts);
  /// Whose days count: UTC's until this is said. Before anybody else sees the policy.
  void live_by(Calendar calendar) { calendar_ = calendar; }
  const Calendar& calendar() const { return calendar_; }

  /// nullptr when there is no such role. Lives as long as the policy.
  const Role* role(std::string_view name) const;
  /// In the file's order.
  const std::vector<Role>& roles() const { return parts_.roles; }
  const Contacts& contacts() const { return parts_.contacts; }
  /// What a session by `sign_in` needs before any role is asked for: what all the roles open to it ask of the
  /// person's standing (employment, training).
  const std::vector<Prerequisite>& standing(SignIn sign_in) const {
    return sign_in == SignIn::card ? card_standing_ : password_standing_;
  }
  /// What people sign; empty: the policy has no text for it.
  const std::string& declaration_text(const std::string& name) const;
  /// What helps with a declaration.
  const std::vector<Guidance>& guidance(const std::string& declaration) const;
  /// What helps with a role: its own documents, then those of the declarations that it asks for; each once.
  std::vector<Guidance> guidance(const Role& role) const;
  /// The names of all declarations that have a text, with the line of each in the file.
  const std::map<std::string, int>& declaration_lines() const { return parts_.text_lines; }
  /// Within which time card and passcode must have been given for it, in whichever role; nothing: as the role says.
  std::optional<milliseconds> step_up_age(Act act) const;
  /// The acts that have such a time, with the line of each in the file.
  const std::map<Act, int>& step_up_lines() const { return parts_.step_up_lines; }
  /// The longest delay of any role.
  milliseconds longest_revocation_delay() const;
  /// BLAKE2b-256 of the file, lower-case hex.
  const std::string& hash() const { return parts_.hash; }

 private:
  Parts parts_;
  Calendar calendar_;
  std::vector<Prerequisite> card_standing_, password_standing_;
};

}  // namespace cardgate::policy
