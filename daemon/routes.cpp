// SPDX-License-Identifier: Apache-2.0
#include "daemon/routes.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

namespace cardgate::daemon {
namespace {

enum class On : std::uint8_t { main, admin, both };
using Call = Gate::Answer (Gate::*)(Request&);
using CallWithId = Gate::Answer (Gate::*)(Request&, const std::string&);

struct Route {
  On on;
  std::string_view method;
  std::string_view path;  // {id} stands for one segment
  std::string_view body;  // the content types it takes, parted by " or "; empty: none
  Call call = nullptr;
  CallWithId call_with_id = nullptr;
};

constexpr std::string_view json_type = "application/json";
constexpr std::string_view form_type = "application/x-www-form-urlencoded";
constexpr std::string_view staff_types = "application/yaml or text/csv";

constexpr Route table[] = {
    {On::both, "GET", "/v1/status", {}, &Gate::status},
    {On::both, "GET", "/v1/events", {}, &Gate::events},
    {On::main, "POST", "/v1/sessions", json_type, &Gate::sign_in},
    {On::both, "GET", "/v1/sessions", {}, &Gate::list_sessions},
    {On::both, "GET", "/v1/sessions/{id}", {}, nullptr, &Gate::show_session},
    {On::both, "DELETE", "/v1/sessions/{id}", {}, nullptr, &Gate::end_session},
    {On::main, "POST", "/v1/sessions/{id}/resume", json_type, nullptr, &Gate::resume},
    {On::main, "POST", "/v1/password", json_type, &Gate::change_password},
    {On::main, "POST", "/v1/password/reset", json_type, &Gate::reset_password},
    {On::main, "POST", "/v1/enrolment", json_type, &Gate::enrol},
    {On::main, "POST", "/v1/enrolment/codes", json_type, &Gate::make_code},
    {On::main, "POST", "/v1/enrolment/activate", json_type, &Gate::activate},
    {On::main, "POST", "/v1/cards/{id}/passcode", json_type, nullptr, &Gate::change_passcode},
    {On::main, "POST", "/v1/cards/{id}/unblock", json_type, nullptr, &Gate::unblock_card},
    {On::main, "POST", "/v1/token", json_type, &Gate::token},
    {On::main, "POST", "/v1/introspect", form_type, &Gate::introspect},
    {On::both, "POST", "/v1/revoke", form_type, &Gate::revoke},
    {On::main, "GET", "/v1/verify", {}, &Gate::verify},
    {On::both, "GET", "/.well-known/jwks.json", {}, &Gate::jwks},
    {On::main, "GET", "/v1/access", {}, &Gate::access},
    {On::main, "GET", "/v1/forms", {}, &Gate::list_forms},
    {On::main, "POST", "/v1/forms", json_type, &Gate::submit_form},
    {On::main, "POST", "/v1/forms/{id}/verify", json_type, nullptr, &Gate::verify_form},
    {On::main, "POST", "/v1/forms/{id}/approve", json_type, nullptr, &Gate::approve_form},
    {On::main, "POST", "/v1/forms/{id}/reject", json_type, nullptr, &Gate::reject_form},
    {On::main, "POST", "/v1/forms/{id}/withdraw", json_type, nullptr, &Gate::withdraw_form},
    {On::main, "POST", "/v1/forms/{id}/renew", json_type, nullptr, &Gate::renew_form},
    {On::main, "GET", "/v1/declarations", {}, &Gate::list_declarations},
    {On::main, "POST", "/v1/declarations", json_type, &Gate::sign_declaration},
    {On::main, "GET", "/v1/training", {}, &Gate::list_training},
    {On::main, "POST", "/v1/training", json_type, &Gate::record_training},
    {On::main, "GET", "/v1/delegations", {}, &Gate::list_delegations},
    {On::main, "POST", "/v1/delegations", json_type, &Gate::give_delegation},
    {On::main, "DELETE", "/v1/delegations/{id}", {}, nullptr, &Gate::revoke_delegation},
    {On::main, "POST", "/v1/acting", json_type, &Gate::appoint_acting},
    {On::main, "DELETE", "/v1/acting/{id}", {}, nullptr, &Gate::end_acting},
    {On::main, "GET", "/v1/removals", {}, &Gate::list_removals},
    {On::main, "POST", "/v1/removals", json_type, &Gate::request_removal},
    {On::main, "POST", "/v1/removals/restore", json_type, &Gate::restore_access},
    {On::main, "POST", "/v1/removals/{id}/do", json_type, nullptr, &Gate::do_removal},
    {On::main, "POST", "/v1/removals/{id}/decline", json_type, nullptr, &Gate::decline_removal},
    {On::main, "GET", "/v1/team", {}, &Gate::team},
    {On::main, "GET", "/v1/staff", {}, &Gate::list_staff},
    {On::main, "GET", "/v1/staff/{id}", {}, nullptr, &Gate::show_staff},
    {On::main, "POST", "/v1/staff/{id}/changes", json_type, nullptr, &Gate::change_staff},
    {On::main, "POST", "/v1/staff/{id}/cards", json_type, nullptr, &Gate::change_card},
    {On::main, "GET", "/v1/records/{id}/allowed", {}, nullptr, &Gate::record_allowed},
    {On::main, "GET", "/v1/notices", {}, &Gate::list_notices},
    {On::main, "DELETE", "/v1/notices/{id}", {}, nullptr, &Gate::drop_notice},
    {On::admin, "POST", "/v1/setup", json_type, &Gate::set_up},
    {On::both, "GET", "/metrics", {}, &Gate::metrics},
    {On::admin, "POST", "/v1/staff/import", staff_types, &Gate::import_staff},
    {On::admin, "GET", "/v1/staff/import", {}, &Gate::import_progress},
    {On::admin, "GET", "/v1/register", {}, &Gate::show_register},
    {On::admin, "GET", "/v1/register/check", {}, &Gate::check_register},
    {On::admin, "POST", "/v1/register/backup", json_type, &Gate::back_up_register},
    {On::admin, "POST", "/v1/register/restore", json_type, &Gate::restore_register},
    {On::both, "GET", "/v1/policy/explain", {}, &Gate::explain_policy},
    {On::both, "GET", "/v1/policy/forecast", {}, &Gate::forecast_policy},
    {On::admin, "POST", "/v1/certificates/explain", json_type, &Gate::explain_certificate},
};

bool takes(std::string_view types, std::string_view type) {
  constexpr std::string_view between = " or ";
  for (;;) {
    const auto end = types.find(between);
    if (types.substr(0, end) == type) return true;
    if (end == std::string_view::npos) return false;
    types.remove_prefix(end + between.size());
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

}  // namespace

boost::asio::awaitable<Response> route(Gate& gate, Request& request) {
  const Peer& peer = *request.peer;
  if (gate.shutting_down()) {
    co_return problem(503, "draining", "The service is stopping. Try again in a moment.");
  }
  if (!peer.admin_socket && !gate.allow_request(peer)) {
    gate.count("rate_limited");
    auto answer = problem(429, "rate_limited", "This user's programs ask too much in a short time.");
    answer.headers.emplace_back("Retry-After", "1");
    co_return answer;
  }
  const std::string_view method =
      request.method == "HEAD" ? std::string_view("GET") : std::string_view(request.method);
  std::string allowed;
  std::string id;
  const bool named_outright =
      std::ranges::any_of(table, [&](const Route& entry) { return entry.path == request.path; });
  for (const auto& entry : table) {
    if (entry.on != On::both && (entry.on == On::admin) != peer.admin_socket) continue;
    if (!matches(entry.path, request.path, id)) continue;
    // What is named outright on the other socket is nobody's number here.
    if (named_outright && entry.path != request.path) continue;
    if (entry.method != method) {
      allowed += (allowed.empty() ? "" : ", ") + std::string(entry.method);
      continue;
    }
    if (!entry.body.empty() && !takes(entry.body, request.content_type)) {
      co_return problem(415, "unsupported_media_type", fmt::format("Send the body as {}.", entry.body));
    }
    gate.count("requests", entry.path);
    Response answer;
    if (entry.call != nullptr) {
      answer = co_await (gate.*entry.call)(request);
    } else {
      answer = co_await (gate.*entry.call_with_id)(request, id);
    }
    co_return answer;
  }
  if (!allowed.empty()) {
    auto answer = problem(405, "method_not_allowed", fmt::format("{} takes {}.", request.path, allowed));
    answer.headers.emplace_back("Allow", allowed);
    co_return answer;
  }
  gate.count("requests", "unknown");
  co_return problem(404, "not_found", "There is nothing at that path.");
}

}  // namespace cardgate::daemon
