// SPDX-License-Identifier: Apache-2.0
// Result<T>, Error and TRY: how every function that can fail says so.
//
// A failure carries a code (for programs), a sentence (for people; each layer may put its own words in front)
// and sometimes a number that belongs to the code (tries left, a status word). A refusal that the rules
// foresee (a policy decision) is a value, not an Error.
#pragma once

#include <boost/system/result.hpp>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace cardgate {

enum class Errc : std::uint8_t {
  ok = 0,
  // anywhere
  invalid_argument,  // the caller's value is malformed
  malformed,         // bytes or text do not parse
  too_large,         // a limit was reached
  not_found,
  already_exists,
  permission_denied,
  io,        // the operating system refused; context has errno's text
  no_space,  // disk full or reserve exhausted
  timeout,
  cancelled,
  unavailable,  // a service that is needed is not there now; may come back
  corrupt,      // stored data fails its own check
  internal,
  // cards and readers
  pcsc_no_service,  // pcscd is not running or unreachable
  pcsc_no_reader,
  pcsc_no_card,
  pcsc_card_removed,
  pcsc_card_reset,
  pcsc_sharing_violation,  // another program holds the card
  pcsc_access_denied,      // polkit or socket mode
  pcsc_card_mute,          // unresponsive or unpowered
  pcsc_transport,          // any other PC/SC failure
  card_not_piv,            // PIV application is not there
  card_data_missing,       // data object absent (6A82)
  card_protocol,           // the card answered against the specification
  card_status,             // a status word nobody expected; number = SW
  pin_incorrect,           // number = tries left
  pin_blocked,
  pin_last_try,   // refused before spending the last try; number = 1
  pin_format,     // wrong length or characters; no try spent
  puk_incorrect,  // number = tries left of the unblocking key
  puk_blocked,
  card_changed,  // not the card, or not the tries left, that the person was shown
  // trust
  certificate_malformed,
  crl_malformed,
  signature_invalid,
  key_unsupported,
  // files people write
  config_invalid,
  // tokens
  token_malformed,
  token_signature,
  token_expired,
  token_not_yet_valid,
};

/// The stable, lower-case name of a code (`pin_incorrect`), for logs and JSON.
std::string_view name(Errc code);

struct [[nodiscard]] Error {
  Errc code = Errc::internal;
  std::string context;      // a sentence for people, without a full stop at the end
  std::int64_t number = 0;  // meaning depends on the code

  Error() = default;
  // Implicit, so that `return Errc::timeout;` reads as it is meant.
  Error(Errc c, std::string text = {}, std::int64_t n = 0) : code(c), context(std::move(text)), number(n) {}

  /// The same error with the caller's words in front: "reading policy.yaml: no such file".
  Error with(std::string_view prefix) &&;
  /// "context (code)" for a log line.
  std::string message() const;
};

/// Tries left carried by pin_incorrect / pin_last_try.
inline int tries_left(const Error& e) {
  return static_cast<int>(e.number);
}

/// Called by Result::value() on an error: a broken invariant, so it throws.
[[noreturn]] void throw_exception_from_error(const Error& error, const boost::source_location& where);

template <class T>
using Result = boost::system::result<T, Error>;

}  // namespace cardgate

// Gives the value of a Result, or returns its error from the enclosing function. Not for coroutines: co_await
// first, then test (a co_await inside a statement expression crashes g++ 12).
#define TRY(...) CARDGATE_TRY(CARDGATE_TRY_NAME(cardgate_try_, __COUNTER__), __VA_ARGS__)
#define CARDGATE_TRY_NAME(a, b) CARDGATE_TRY_JOIN(a, b)
#define CARDGATE_TRY_JOIN(a, b) a##b
#define CARDGATE_TRY(result, ...)                  \
  __extension__({                                  \
    auto result = (__VA_ARGS__);                   \
    if (!result) return std::move(result).error(); \
    *std::move(result);                            \
  })
