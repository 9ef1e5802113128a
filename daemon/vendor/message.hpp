// SPDX-License-Identifier: Apache-2.0
// What cardgated and cardgate-vendor-cards say to each other: one request, one answer, and the connection
// ends.
//
//   message   length (4 bytes), then as many bytes
//   request   version, verb (1 byte each), passcode key, tries shown (4), may spend the last try (1), then the
//             fields reader, token label, fingerprint, block, passcode, new passcode
//   answer    version, code (1 byte each), number, tries left, passcode key (4), then the fields text,
//             signature, count (1), and so many certificates
//   field     length (4 bytes), then as many bytes; numbers are big-endian
//
// Neither side believes the other: every length is capped and nothing may be left over. Pure; thread-safe.
#pragma once

#include <string>
#include <vector>

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "base/secret.hpp"

namespace cardgate::daemon::vendor {

inline constexpr std::size_t max_request_bytes = 8 * 1024;
inline constexpr std::size_t max_answer_bytes = 256 * 1024;
inline constexpr std::size_t max_certificates = 16;
inline constexpr std::size_t max_certificate_bytes = 32 * 1024;
inline constexpr std::size_t max_field_bytes = 1024;  // every other field

enum class Verb : std::uint8_t { read = 1, count_tries = 2, sign = 3, change_passcode = 4 };

struct Request {
  Verb verb = Verb::read;
  std::string reader;       // as PC/SC names it
  std::string token_label;  // not empty: the token is found by this label, whatever the reader
  int passcode_key = 0;     // of the token that was read; a card put in its place spends nothing
  int tries_shown = 0;
  bool spend_last_try = false;
  Bytes fingerprint;  // sign: SHA-256 of the certificate whose key signs
  Bytes block;        // sign: as trust::block_to_sign() makes it
  Secret passcode, new_passcode;
};

struct Answer {
  Errc code = Errc::ok;
  std::string text;         // with an error, for people
  std::int64_t number = 0;  // with an error, as its code has it
  int tries_left = -1;      // -1: the token does not tell
  int passcode_key = 0;
  Bytes signature;
  std::vector<Bytes> certificates;  // read: DER, those that may be meant for signing in, the likeliest first
};

/// Errors: too_large.
Result<Secret> encode(const Request& request);
/// Errors: malformed, too_large.
Result<Request> parse_request(BytesView message);

/// What is too large is left out, and the answer says so instead.
Bytes encode(const Answer& answer);
/// An answer that names an error no helper gives, or a text that cannot stand in a log line, is malformed.
Result<Answer> parse_answer(BytesView message);

}  // namespace cardgate::daemon::vendor
