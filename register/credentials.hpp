// SPDX-License-Identifier: Apache-2.0
// Passwords, activation codes and who has guessed at them too often. Hashes come and go as text; nobody here knows a
// password. A connection of its own to the register's file; one thread at a time. Every change is durable on return.
//
// An attempt is counted as failed before it is checked and taken back when it was right, so that neither many at once nor
// a restart gets free tries. `now` is the caller's guarded time. Should it all the same stand before what is on file (a
// clock set back while the service was stopped), a wait begins anew: nobody is freed by it, nor kept out for long.
//
// Errors of each function: corrupt, io, no_space, unavailable; and what it says.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.hpp"
#include "base/result.hpp"

namespace cardgate::reg {

/// How often may be guessed. Only the first two ever make a person wait, and only where it was guessed: nobody can keep
/// others' passwords from being used elsewhere but by `account_failures` wrong ones.
struct ThrottleRules {
  std::int64_t free_failures;     // of one user name from one uid; after that each try waits for
  seconds first_wait;             // this, doubled for each further failure
  seconds longest_wait;           // up to this
  std::int64_t uid_failures;      // of one uid, whomever it names, within
  seconds uid_period;             // this; then as many again trickle in over it
  std::int64_t account_failures;  // of one password or code since it was last right: then it is dead
  std::int64_t enrolments;        // asked for by one uid within uid_period
  seconds remembered;             // a user name's failures, after the last one
  std::int64_t marks;             // so many counters at most; the oldest go first
};

enum class CredentialKind : std::uint8_t { password, code };

struct Credential {
  std::string person;  // the id; empty: there is nobody of that user name
  std::string hash;    // empty: nothing to compare with
  bool dead = false;   // it failed too often; no hash is given any more
  bool must_change = false;
  std::optional<WallTime> expires;
};

struct Attempt {
  seconds wait{0};  // more than 0: it is not to be made; it was not counted
  Credential credential;
};

/// How somebody stands with their password; no hash.
struct PasswordState {
  bool exists = false;
  bool dead = false;         // it failed too often
  bool must_change = false;  // another member of staff made it
  std::optional<WallTime> expires;
};

struct NewPassword {
  std::string person, hash;
  bool must_change = false;
  std::optional<WallTime> expires;
};

class Credentials {
 public:
  virtual ~Credentials() = default;

  /// Counts an attempt. A user name is a person's `username`, or the id of who has none.
  virtual Result<Attempt> begin(CredentialKind kind, std::string_view username, uid_t uid, WallTime now) = 0;
  /// It was right.
  virtual Result<void> succeeded(CredentialKind kind, std::string_view username, uid_t uid,
                                 std::string_view person) = 0;
  /// It was never checked: as if it had not been made.
  virtual Result<void> undone(CredentialKind kind, std::string_view username, uid_t uid,
                              std::string_view person) = 0;

  /// Counts nothing.
  virtual Result<PasswordState> password_state(std::string_view person) = 0;
  /// Voids the person's activation code. `replaces`: only if this is still the hash; empty: whatever there is.
  /// Errors: not_found (the person), cancelled (another hash by now).
  virtual Result<void> set_password(const NewPassword& next, std::string_view replaces, WallTime now) = 0;
  /// The same password at another cost; nothing when it was changed meanwhile.
  virtual Result<void> rehash(std::string_view person, std::string_view replaces, std::string_view hash) = 0;
  /// Spends the code and sets the password, both or neither. Errors: as set_password().
  virtual Result<void> activate(std::string_view person, std::string_view code_hash, std::string_view hash,
                                WallTime now) = 0;

  /// Counts a request for an activation code by `uid` and notes it for `person` (empty: nobody was meant). More than 0:
  /// the wait; nothing was noted. Errors: not_found.
  virtual Result<seconds> request_activation(uid_t uid, std::string_view person, WallTime now) = 0;
  /// Has the person asked after `since`?
  virtual Result<bool> has_request(std::string_view person, WallTime since) = 0;
  /// In place of an older one. Errors: not_found (no request after `since`).
  virtual Result<void> set_code(std::string_view person, std::string_view hash, WallTime since,
                                WallTime expires) = 0;

 protected:
  Credentials() = default;
  Credentials(const Credentials&) = delete;
  Credentials& operator=(const Credentials&) = delete;
};

/// Opens a register that open_sqlite() opened in this process. Errors: as there; not_found (it is gone).
Result<std::unique_ptr<Credentials>> open_credentials(const std::filesystem::path& path,
                                                      const ThrottleRules& rules);

}  // namespace cardgate::reg
