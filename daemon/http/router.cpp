// SPDX-License-Identifier: Apache-2.0
#include "daemon/http/router.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace cardgate::daemon {
namespace {

/// Whether `one` is among `all`, which are parted by `between`.
bool among(std::string_view all, std::string_view between, std::string_view one) {
  for (;;) {
    const auto end = all.find(between);
    if (all.substr(0, end) == one) return true;
    if (end == std::string_view::npos) return false;
    all.remove_prefix(end + between.size());
  }
}

/// True when `path` fits `pattern`; the segment in the place of {id} is put into `id`.
bool matches(std::string_view pattern, std::string_view path, std::string& id) {
  const auto brace = pattern.find("{id}");
  if (brace == std::string_view::npos) return pattern == path;
  const std::string_view before = pattern.substr(0, brace);
  const std::string_view after = pattern.substr(brace + 4);
  if (path.size() <= before.size() + after.size() || !path.starts_with(before) || !path.ends_with(after))
    return false;
  const std::string_view segment = path.substr(before.size(), path.size() - before.size() - after.size());
  if (segment.find('/') != std::string_view::npos) return false;
  id = segment;
  return true;
}

/// A parameter that is passed over would mean something else to the caller than to us: `role` given twice is not no `role`.
std::optional<Response> refuse_parameters(const Rule& rule, const Request& request) {
  for (auto at = request.query.begin(); at != request.query.end(); ++at) {
    const auto& name = at->first;
    if (rule.parameters.empty()) {
      return problem(400, "bad_request", "This call takes no parameters in the query. Nothing was done.");
    }
    if (name.empty() || !among(rule.parameters, " ", name)) {
      return problem(
          400, "bad_request",
          fmt::format(
              "The query has a parameter that this call does not take. It takes: {}. Nothing was done.",
              rule.parameters));
    }
    if (std::any_of(request.query.begin(), at, [&](const auto& other) { return other.first == name; })) {
      return problem(400, "bad_request",
                     fmt::format("The query has `{}` twice. Give it once. Nothing was done.", name));
    }
  }
  return std::nullopt;
}

bool is_on(const Rule& rule, bool admin) {
  return rule.on == On::both || (rule.on == On::admin) == admin;
}

/// By its method and path alone; nullptr: none.
const Rule* rule_of(std::span<const Rule> rules, const Request& head, bool admin) {
  std::string ignored;
  const auto found = std::ranges::find_if(rules, [&](const Rule& rule) {
    return is_on(rule, admin) && rule.method == head.method && matches(rule.path, head.path, ignored);
  });
  return found == rules.end() ? nullptr : &*found;
}

}  // namespace

std::size_t body_limit(std::span<const Rule> rules, const Request& head, bool admin) {
  const Rule* rule = rule_of(rules, head, admin);
  return rule == nullptr ? max_body_bytes : rule->body_limit;
}

Turn turn_of(std::span<const Rule> rules, const Request& request, bool admin) {
  const Rule* rule = rule_of(rules, request, admin);
  return rule == nullptr ? Turn::after : rule->turn;
}

Routed find_route(std::span<const Rule> rules, const Request& request, bool admin) {
  const std::string_view method =
      request.method == "HEAD" ? std::string_view("GET") : std::string_view(request.method);
  const bool fixed = std::ranges::any_of(rules, [&](const Rule& rule) { return rule.path == request.path; });
  Routed out;
  std::string allowed;
  for (std::size_t row = 0; row < rules.size(); ++row) {
    const Rule& rule = rules[row];
    if (!is_on(rule, admin)) continue;
    std::string id;
    if (!matches(rule.path, request.path, id)) continue;
    // A fixed path of the other socket must not match {id} here.
    if (fixed && rule.path != request.path) continue;
    if (rule.method != method) {
      allowed += (allowed.empty() ? "" : ", ") + std::string(rule.method);
      continue;
    }
    out.row = row;
    out.id = std::move(id);
    if (!rule.body.empty() && !among(rule.body, " or ", request.content_type)) {
      out.refusal = problem(415, "unsupported_media_type", fmt::format("Send the body as {}.", rule.body));
    } else {
      out.refusal = refuse_parameters(rule, request);
    }
    return out;
  }
  if (allowed.empty()) {
    out.refusal = problem(404, "not_found", "There is nothing at that path.");
  } else {
    out.refusal = problem(405, "method_not_allowed", fmt::format("{} takes {}.", request.path, allowed));
    out.refusal->headers.emplace_back("Allow", allowed);
  }
  return out;
}

}  // namespace cardgate::daemon
