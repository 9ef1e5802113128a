// SPDX-License-Identifier: Apache-2.0
// One thing that happened, as the audit log keeps it.
//
// Pure; thread-safe. The caller sees to it that no passcode, key or whole token is in a record; this room
// sees to it that nothing in a record can break a line or grow without bound. See docs/audit-format.md.
#pragma once

#include <string>
#include <string_view>

#include "audit/event.hpp"
#include "base/json.hpp"
#include "base/result.hpp"

namespace cardgate::audit {

/// Empty members are left out of the line.
struct Record {
  std::string event{};     // name_of() an event that is recorded
  std::string person{};    // the register's id of the person
  std::string role{};      // the role asked for or held
  std::string client{};    // the peer, as the kernel attested it
  std::string session{};   // session id
  std::string reason{};    // why: a stable code or a sentence
  std::string policy{};    // hash of the policy that decided
  json::object details{};  // what belongs to this event only
};

/// Longest text of one member, in bytes; what is longer is cut and ends in "…". Control characters and bytes
/// that are not UTF-8 are escaped (base/shown.hpp).
inline constexpr std::size_t max_field_bytes = 512;
/// Longest JSON text of `details`. Texts inside are cleaned and cut too. Details that are larger or deeper,
/// or have a key that is not printable ASCII of at most 64 bytes, are replaced by {"cut":true}.
inline constexpr std::size_t max_details_bytes = 4096;
inline constexpr std::size_t max_details_depth = 8;

/// The members of the record as JSON without the surrounding braces: `"event":"stop","reason":"asked"`.
/// Errors: invalid_argument (no such event, or an internal one).
Result<std::string> encode(const Record& record);
/// The same for events of any kind.
std::string encode_unchecked(const Record& record);

/// `text` cleaned and cut as a member of a record is.
std::string clean(std::string_view text, std::size_t max_bytes = max_field_bytes);

}  // namespace cardgate::audit
