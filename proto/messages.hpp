// SPDX-License-Identifier: Apache-2.0
// The request bodies of openapi.yaml, read strictly. Pure; thread-safe.
//
// An unknown member, a wrong type or a value that is too long is refused with a sentence that names the
// member and never repeats a value. Errors of each function: malformed (not JSON, not a form),
// invalid_argument (JSON, but not this message), too_large.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "base/secret.hpp"

namespace cardgate::proto {

// The longest values, in bytes. openapi.yaml states the same.
inline constexpr std::size_t max_sign_in_body = 4 * 1024;
inline constexpr std::size_t max_token_request_body = 4 * 1024;
inline constexpr std::size_t max_form_body =
    32 * 1024;  // a token with every character percent-encoded, and a hint
inline constexpr std::size_t max_reader_bytes = 512;  // as it is shown: a byte may become four characters
inline constexpr std::size_t max_card_bytes = 128;
inline constexpr std::size_t max_passcode_bytes = 64;
inline constexpr std::size_t max_name_bytes =
    256;  // role, audience, session, user name, a person's id or name
inline constexpr std::size_t max_password_bytes = 256;
inline constexpr std::size_t max_code_bytes = 64;
inline constexpr std::size_t max_ni_bytes = 6;  // the first four characters, and spaces
inline constexpr std::size_t max_reason_bytes = 500;

/// `tries_left` of a card that does not tell how many there are; null in JSON.
inline constexpr int tries_not_told = -1;
/// How the names begin of copies of the register on their way through the service's folder.
inline constexpr std::string_view passing_copy = "passing-";

/// POST /v1/sessions and /v1/sessions/ID/resume.
struct SignIn {
  std::string reader;
  std::string card;
  int tries_left = 0;  // as the person was shown; 0..15, or tries_not_told
  Secret passcode;     // its form is judged by the card's room, not here
  std::optional<uid_t> for_uid;
  bool spend_last_try = false;
  std::string account = {};  // of this machine; empty: none is asked for
};
/// The parsed form of a body with a passcode stands in locked memory that is wiped; `body` is the caller's to
/// wipe.
Result<SignIn> parse_sign_in(std::string_view body);

/// The same by user name and password. Passwords, here and below, are in the form NFKC, and may be longer than they came; what one
/// may be is judged elsewhere.
struct PasswordSignIn {
  std::string username;
  Secret password;
};
/// One or the other: a body with a user name or a password is the latter.
using AnySignIn = std::variant<SignIn, PasswordSignIn>;
Result<AnySignIn> parse_any_sign_in(std::string_view body);

/// POST /v1/password.
struct PasswordChange {
  std::string username;
  Secret password, new_password;
};
Result<PasswordChange> parse_password_change(std::string_view body);

/// POST /v1/enrolment.
struct Enrolment {
  std::string name;
  Date date_of_birth;
  Secret national_insurance;  // the first four characters; their form is judged by the register's room
};
Result<Enrolment> parse_enrolment(std::string_view body);

/// POST /v1/enrolment/activate.
struct Activation {
  std::string username;
  Secret code, new_password;
};
Result<Activation> parse_activation(std::string_view body);

/// POST /v1/cards/ID/passcode.
struct PasscodeChange {
  std::string reader;
  int tries_left = 0;  // as SignIn
  Secret passcode, new_passcode;
  bool spend_last_try = false;
};
Result<PasscodeChange> parse_passcode_change(std::string_view body);

/// POST /v1/cards/ID/unblock.
struct Unblock {
  std::string reader;
  Secret unblocking_key, new_passcode;  // PUK; empty where there is a code
  Secret code;                  // of the help desk, for a card whose key the service holds; empty: none
  bool spend_last_try = false;  // of the unblocking key
};
Result<Unblock> parse_unblock(std::string_view body);

/// POST /v1/pool-cards/ID/unblocking-key.
struct HandedKey {
  Secret unblocking_key;
};
Result<HandedKey> parse_handed_key(std::string_view body);

/// POST /v1/token.
struct TokenRequest {
  std::string role, audience;
  std::string session;  // empty: the caller's only session
  bool fresh = false;   // a new one, although the one of before still does
};
Result<TokenRequest> parse_token_request(std::string_view body);

/// PUT /v1/sessions/ID/screen: whether the person's screen is locked.
Result<bool> parse_screen(std::string_view body);

/// POST /v1/introspect and /v1/revoke: the `token` of an application/x-www-form-urlencoded body (RFC
/// 7662 2.1, RFC 7009 2.1). token_type_hint and unknown parameters are passed over; a parameter that stands
/// twice is refused.
Result<std::string> parse_form_token(std::string_view body);

}  // namespace cardgate::proto
