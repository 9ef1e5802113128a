// SPDX-License-Identifier: Apache-2.0
// What cardgated asks of cardgate-fetch, and what comes back.
//
//   request   length (4 bytes), then JSON: {"deadline_ms", "hosts": ["HOST[:PORT]"], "exchanges": [{"url",
//             "body" (base64; empty: GET, else POST as an OCSP request), "max_bytes"}]}
//   outcome   of each exchange, in the order in which they end: index (4 bytes), good (1), length (4), then the
//             content of the answer, or the words why there is none; numbers are big-endian
//
// The bytes of an answer are believed by nobody: trust/ judges them. Pure; thread-safe.
#pragma once

#include <array>
#include <string>
#include <vector>

#include "base/bytes.hpp"
#include "base/clock.hpp"

namespace cardgate::daemon::fetch {

inline constexpr std::size_t max_request_bytes = 256 * 1024;
inline constexpr std::size_t max_exchanges = 16;
inline constexpr std::size_t max_content_bytes = 64UL << 20;  // as large as a CRL may be
inline constexpr milliseconds max_deadline{30'000};

struct Exchange {
  std::string url;
  Bytes body;
  std::size_t max_bytes = 0;
};

struct Request {
  milliseconds deadline{3000};     // over all exchanges together
  std::vector<std::string> hosts;  // where a redirection may lead
  std::vector<Exchange> exchanges;
};

std::string encode(const Request& request);
/// Errors: malformed, too_large.
Result<Request> parse_request(std::string_view message);

inline constexpr std::size_t head_bytes = 9;
struct Head {
  std::size_t index = 0;
  bool good = false;
  std::size_t length = 0;
};
std::array<std::uint8_t, head_bytes> encode(const Head& head);
/// Errors: malformed, too_large.
Result<Head> parse_head(const std::array<std::uint8_t, head_bytes>& bytes);

}  // namespace cardgate::daemon::fetch
