// SPDX-License-Identifier: Apache-2.0
// Any bytes at a socket against any table of calls: the router must find what a slow reader of the table finds, who takes paths
// apart segment by segment. The first byte says which socket, the next two which of the rules below are in the table; the rest
// is read as requests. (The service's own table needs every call behind it; that it says the same as openapi.yaml is tested
// elsewhere.)
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <iterator>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.hpp"
#include "base/secret.hpp"
#include "daemon/http/request_reader.hpp"
#include "daemon/http/router.hpp"

using namespace cardgate;
using daemon::On;
using daemon::RequestReader;
using daemon::Rule;
using Step = RequestReader::Step;

namespace {

constexpr std::size_t import_bound = 4 * daemon::max_body_bytes;
constexpr std::string_view json_type = "application/json";

// Pairs that could be taken for each other: a fixed path and an {id}, on one socket and on two; one path by several methods.
constexpr Rule rules[] = {
    {On::both, "GET", "/v1/status", {}, {}},
    {On::main, "GET", "/v1/staff/{id}", {}, "session"},
    {On::admin, "GET", "/v1/staff/import", {}, {}},
    {On::admin, "POST", "/v1/staff/import", "application/yaml or text/csv", "dry_run encoding", import_bound},
    {On::main, "POST", "/v1/staff/{id}/changes", json_type, "session"},
    {On::main, "POST", "/v1/removals/restore", json_type, "session"},
    {On::main, "POST", "/v1/removals/{id}/restore", json_type, "session"},
    {On::main, "POST", "/v1/removals/{id}/do", json_type, "session"},
    {On::both, "GET", "/v1/sessions", {}, {}},
    {On::main, "POST", "/v1/sessions", json_type, {}},
    {On::both, "GET", "/v1/sessions/{id}", {}, {}},
    {On::both, "DELETE", "/v1/sessions/{id}", {}, {}},
    {On::main, "GET", "/v1/records/{id}/allowed", {}, "role session"},
    {On::main, "GET", "/v1/verify", {}, "audience role"},
    {On::main, "POST", "/v1/introspect", "application/x-www-form-urlencoded", {}},
    {On::both, "GET", "/.well-known/jwks.json", {}, {}},
};

void require(bool holds) {
  if (!holds) std::abort();
}

std::vector<std::string> parts(std::string_view text, char between) {
  std::vector<std::string> out(1);
  for (const char c : text) {
    if (c == between) {
      out.emplace_back();
    } else {
      out.back() += c;
    }
  }
  return out;
}

/// Whether the path fits; `id` is set where the rule has one.
bool fits(const Rule& rule, const std::string& path, std::string& id) {
  const auto wanted = parts(rule.path, '/');
  const auto given = parts(path, '/');
  if (wanted.size() != given.size()) return false;
  for (std::size_t i = 0; i < wanted.size(); ++i) {
    if (wanted[i] == "{id}" && !given[i].empty()) {
      id = given[i];
    } else if (wanted[i] != given[i]) {
      return false;
    }
  }
  return true;
}

bool takes_body(const Rule& rule, const std::string& content_type) {
  if (rule.body.empty()) return true;
  std::string types(rule.body);
  for (std::size_t at = 0; (at = types.find(" or ", at)) != std::string::npos;) types.replace(at, 4, "|");
  return std::ranges::count(parts(types, '|'), content_type) > 0;
}

bool takes_query(const Rule& rule, const daemon::Request& request) {
  const auto taken = parts(rule.parameters, ' ');
  return std::ranges::all_of(request.query, [&](const auto& given) {
    return !given.first.empty() && std::ranges::count(taken, given.first) > 0 &&
           std::ranges::count(request.query, given.first, &std::pair<std::string, std::string>::first) == 1;
  });
}

/// What the table says of a request that is whole.
void look_up(const std::vector<Rule>& table, const daemon::Request& request, bool admin) {
  const bool fixed =
      std::ranges::count(table, request.path, [](const Rule& r) { return std::string(r.path); }) > 0;
  const std::string method = request.method == "HEAD" ? "GET" : request.method;
  std::optional<std::size_t> row;
  std::string id;
  std::string allowed;
  for (std::size_t i = 0; i < table.size() && !row; ++i) {
    const Rule& rule = table[i];
    const bool here = rule.on == On::both || (rule.on == On::admin) == admin;
    std::string found;
    if (!here || !fits(rule, request.path, found) || (fixed && rule.path != request.path)) continue;
    if (rule.method == method) {
      row = i;
      id = found;
    } else {
      allowed += (allowed.empty() ? "" : ", ") + std::string(rule.method);
    }
  }
  const auto routed = daemon::find_route(table, request, admin);
  require(routed.row == row && routed.id == id);
  const int refused = routed.refusal ? routed.refusal->status : 0;
  if (row) {
    const Rule& rule = table[*row];
    require(refused == (!takes_body(rule, request.content_type) ? 415
                        : takes_query(rule, request)            ? 0
                                                                : 400));
  } else {
    require(refused == (allowed.empty() ? 404 : 405));
  }
  if (refused == 405)
    require(routed.refusal->headers == std::vector<std::pair<std::string, std::string>>{{"Allow", allowed}});
  if (routed.refusal) require(daemon::head_of(*routed.refusal, true).ends_with("\r\n\r\n"));
  // By its head alone, a body is bounded as the call takes it.
  const bool large =
      row && table[*row].method == request.method && table[*row].body_limit > daemon::max_body_bytes;
  require(daemon::body_limit(table, request, admin) == (large ? import_bound : daemon::max_body_bytes));
}

void converse(std::string_view bytes, const std::vector<Rule>& table, bool admin) {
  RequestReader reader([&](const daemon::Request& head) { return daemon::body_limit(table, head, admin); });
  for (;;) {
    const Step step = reader.step();
    if (step == Step::go_on) continue;
    if (step == Step::more) {
      if (bytes.empty()) return;
      const auto room = reader.room();
      const std::size_t count = std::min(room.size(), bytes.size());
      require(count > 0);
      std::ranges::copy(bytes.substr(0, count), room.begin());
      bytes.remove_prefix(count);
      reader.arrived(count);
      continue;
    }
    const bool keep = reader.keep_alive();
    const auto request = reader.take();
    if (!request.refused) look_up(table, request, admin);
    if (!keep) return;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  init_crypto();
  if (size < 3) return 0;
  static_assert(std::size(rules) == 16);
  const unsigned chosen = data[1] * 256U + data[2];
  std::vector<Rule> table;
  for (std::size_t i = 0; i < std::size(rules); ++i) {
    if ((chosen >> i & 1U) != 0) table.push_back(rules[i]);
  }
  converse(as_text({data + 3, size - 3}), table, (data[0] & 1) != 0);
  return 0;
}
