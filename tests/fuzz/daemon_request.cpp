// SPDX-License-Identifier: Apache-2.0
// Any bytes at a socket: read into requests, routed, their bodies parsed. The first byte says how they come: with or without a
// last byte that goes on for 100,000 more, to the main or the admin socket. Each input comes byte by byte, in one write, and in
// one write of which all that is whole is taken at once; all must be understood alike: else a client could show two things to two
// readers.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "base/bytes.hpp"
#include "base/secret.hpp"
#include "daemon/http/request_reader.hpp"
#include "daemon/http/router.hpp"
#include "proto/body.hpp"
#include "proto/messages.hpp"
#include "proto/token.hpp"

using namespace cardgate;
using daemon::RequestReader;
using Step = RequestReader::Step;

namespace {

constexpr std::size_t import_bound = 4 * daemon::max_body_bytes;

constexpr daemon::Rule rules[] = {
    {daemon::On::both, "GET", "/v1/status", {}, {}},
    {daemon::On::main, "GET", "/v1/verify", {}, "audience role"},
    {daemon::On::main, "POST", "/v1/introspect", "application/x-www-form-urlencoded", {}},
    {daemon::On::main, "POST", "/v1/token", "application/json", {}},
    {daemon::On::both, "DELETE", "/v1/sessions/{id}", {}, {}},
    {daemon::On::main, "POST", "/v1/forms/{id}/verify", "application/json", "session"},
    {daemon::On::admin, "POST", "/v1/staff/import", "application/yaml or text/csv", "dry_run leavers",
     import_bound},
};

void require(bool holds) {
  if (!holds) std::abort();
}

/// What the service does with a request, as far as it needs no person.
std::string answer(const daemon::Request& request, bool admin, bool keep) {
  std::string said = keep ? "keep " : "close ";
  if (request.refused) return said + daemon::head_of(*request.refused, keep) + request.refused->body + "\n";
  require(request.body.size() <= (admin ? import_bound : daemon::max_body_bytes));
  const auto routed = daemon::find_route(rules, request, admin);
  require(routed.refusal || routed.row);
  if (routed.refusal) return said + daemon::head_of(*routed.refusal, keep) + "\n";
  for (const auto& [name, value] : request.query) require(request.parameter(name) == &value);
  said += std::to_string(*routed.row) + " " + routed.id + " ";
  require(routed.id.find('/') == std::string::npos);
  const auto token = daemon::bearer_token(request.authorization);
  require(token.empty() || (token.front() != ' ' && request.authorization.ends_with(token)));
  if (const auto form = proto::parse_form_token(request.body)) require(!form->empty());
  if (const auto ask = proto::parse_token_request(request.body)) require(!ask->role.empty());
  auto body = proto::Body::parse(request.body);
  (void)body.text("role");
  (void)body.finish();
  return said + std::string(token) + " " + request.content_type + " " + request.body + "\n";
}

std::string converse(std::string_view bytes, std::size_t piece, bool admin, bool together = false) {
  std::string said;
  RequestReader reader(
      [admin](const daemon::Request& head) { return daemon::body_limit(rules, head, admin); });
  // Every step takes bytes or ends a request, so there can be no more of them than this.
  for (std::size_t left = 3 * bytes.size() + 8; left > 0; --left) {
    const Step step = reader.step();
    if (step == Step::go_on) continue;
    if (step == Step::more) {
      const auto room = reader.room();
      require(!room.empty());
      if (bytes.empty()) return said + (reader.in_request() ? "half" : "none");
      const std::size_t count = std::min({room.size(), piece, bytes.size()});
      std::ranges::copy(bytes.substr(0, count), room.begin());
      bytes.remove_prefix(count);
      reader.arrived(count);
      continue;
    }
    const bool keep = reader.keep_alive();
    require(step == Step::request || !keep);
    const auto request = reader.take();
    require(step == Step::request || request.refused);
    said += answer(request, admin, keep);
    if (!keep) return said;
    bool goes_on = true;
    while (together && goes_on) {
      const auto also = reader.take_also([](const daemon::Request&) { return true; });
      if (!also) break;
      require(!also->refused);
      goes_on = reader.keep_alive();
      said += answer(*also, admin, goes_on);
    }
    if (!goes_on) return said;
  }
  std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  init_crypto();
  if (size < 2) return 0;
  const bool goes_on = (data[0] & 1) != 0;
  const bool admin = (data[0] & 2) != 0;
  std::string text(as_text({data + 1, size - 1}));
  if (goes_on) text.append(100'000, text.back());
  const auto at_once = converse(text, text.size(), admin);
  require(converse(text, 1, admin) == at_once);
  require(converse(text, text.size(), admin, true) == at_once);
  return 0;
}
