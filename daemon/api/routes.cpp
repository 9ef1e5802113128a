// SPDX-License-Identifier: Apache-2.0
#include "daemon/api/routes.hpp"

#include <array>
#include <string_view>

#include "daemon/http/router.hpp"

namespace cardgate::daemon {
namespace {

using Call = Gate::Answer (Gate::*)(Request&);
using CallWithId = Gate::Answer (Gate::*)(Request&, const std::string&);

struct Route {
  Rule rule;
  Call call = nullptr;
  CallWithId call_with_id = nullptr;
};

constexpr std::string_view json_type = "application/json";
constexpr std::string_view form_type = "application/x-www-form-urlencoded";
constexpr std::string_view staff_types = "application/yaml or text/csv";

constexpr std::string_view nothing;
constexpr std::string_view the_session = "session";
constexpr std::string_view a_page = "after session";

// On which socket, method, path, body, parameters of the query; then who answers.
constexpr Route routes[] = {
    {{On::both, "GET", "/v1/status", nothing, nothing}, &Gate::status},
    {{On::both, "GET", "/v1/events", nothing, nothing}, &Gate::events},
    {{On::main, "POST", "/v1/sessions", json_type, nothing}, &Gate::sign_in},
    {{On::both, "GET", "/v1/sessions", nothing, nothing}, &Gate::list_sessions},
    {{On::both, "GET", "/v1/sessions/{id}", nothing, nothing}, nullptr, &Gate::show_session},
    {{On::both, "DELETE", "/v1/sessions/{id}", nothing, nothing}, nullptr, &Gate::end_session},
    {{On::main, "POST", "/v1/sessions/{id}/resume", json_type, nothing}, nullptr, &Gate::resume},
    {{On::main, "POST", "/v1/password", json_type, nothing}, &Gate::change_password},
    {{On::main, "POST", "/v1/password/reset", json_type, the_session}, &Gate::reset_password},
    {{On::main, "POST", "/v1/enrolment", json_type, nothing}, &Gate::enrol},
    {{On::main, "POST", "/v1/enrolment/codes", json_type, the_session}, &Gate::make_code},
    {{On::main, "POST", "/v1/enrolment/activate", json_type, nothing}, &Gate::activate},
    {{On::main, "POST", "/v1/cards/{id}/passcode", json_type, nothing}, nullptr, &Gate::change_passcode},
    {{On::main, "POST", "/v1/cards/{id}/unblock", json_type, nothing}, nullptr, &Gate::unblock_card},
    {{On::main, "POST", "/v1/token", json_type, nothing}, &Gate::token},
    {{On::main, "POST", "/v1/introspect", form_type, nothing}, &Gate::introspect},
    {{On::both, "POST", "/v1/revoke", form_type, nothing}, &Gate::revoke},
    {{On::main, "GET", "/v1/verify", nothing, "audience role"}, &Gate::verify},
    {{On::both, "GET", "/.well-known/jwks.json", nothing, nothing}, &Gate::jwks},
    {{On::main, "GET", "/v1/access", nothing, "role session"}, &Gate::access},
    {{On::main, "GET", "/v1/forms", nothing, "person after session"}, &Gate::list_forms},
    {{On::main, "POST", "/v1/forms", json_type, the_session}, &Gate::submit_form},
    {{On::main, "POST", "/v1/forms/{id}/verify", json_type, the_session}, nullptr, &Gate::verify_form},
    {{On::main, "POST", "/v1/forms/{id}/approve", json_type, the_session}, nullptr, &Gate::approve_form},
    {{On::main, "POST", "/v1/forms/{id}/reject", json_type, the_session}, nullptr, &Gate::reject_form},
    {{On::main, "POST", "/v1/forms/{id}/withdraw", json_type, the_session}, nullptr, &Gate::withdraw_form},
    {{On::main, "POST", "/v1/forms/{id}/renew", json_type, the_session}, nullptr, &Gate::renew_form},
    {{On::main, "GET", "/v1/declarations", nothing, the_session}, &Gate::list_declarations},
    {{On::main, "POST", "/v1/declarations", json_type, the_session}, &Gate::sign_declaration},
    {{On::main, "GET", "/v1/training", nothing, "person session"}, &Gate::list_training},
    {{On::main, "POST", "/v1/training", json_type, the_session}, &Gate::record_training},
    {{On::main, "GET", "/v1/delegations", nothing, a_page}, &Gate::list_delegations},
    {{On::main, "POST", "/v1/delegations", json_type, the_session}, &Gate::give_delegation},
    {{On::main, "DELETE", "/v1/delegations/{id}", nothing, the_session}, nullptr, &Gate::revoke_delegation},
    {{On::main, "POST", "/v1/acting", json_type, the_session}, &Gate::appoint_acting},
    {{On::main, "DELETE", "/v1/acting/{id}", nothing, the_session}, nullptr, &Gate::end_acting},
    {{On::main, "GET", "/v1/removals", nothing, a_page}, &Gate::list_removals},
    {{On::main, "POST", "/v1/removals", json_type, the_session}, &Gate::request_removal},
    {{On::main, "POST", "/v1/removals/restore", json_type, the_session}, &Gate::restore_access},
    {{On::main, "POST", "/v1/removals/{id}/restore", json_type, the_session},
     nullptr,
     &Gate::restore_removal},
    {{On::main, "POST", "/v1/removals/{id}/do", json_type, the_session}, nullptr, &Gate::do_removal},
    {{On::main, "POST", "/v1/removals/{id}/decline", json_type, the_session},
     nullptr,
     &Gate::decline_removal},
    {{On::main, "GET", "/v1/team", nothing, a_page}, &Gate::team},
    {{On::main, "GET", "/v1/staff", nothing, "name role manager state after session"}, &Gate::list_staff},
    {{On::main, "GET", "/v1/staff/{id}", nothing, the_session}, nullptr, &Gate::show_staff},
    {{On::main, "POST", "/v1/staff/{id}/changes", json_type, the_session}, nullptr, &Gate::change_staff},
    {{On::main, "POST", "/v1/staff/{id}/cards", json_type, the_session}, nullptr, &Gate::change_card},
    {{On::main, "GET", "/v1/records/{id}/allowed", nothing, "role session"}, nullptr, &Gate::record_allowed},
    {{On::main, "GET", "/v1/notices", nothing, the_session}, &Gate::list_notices},
    {{On::main, "DELETE", "/v1/notices/{id}", nothing, the_session}, nullptr, &Gate::drop_notice},
    {{On::admin, "POST", "/v1/setup", json_type, nothing}, &Gate::set_up},
    {{On::admin, "POST", "/v1/reload", nothing, nothing}, &Gate::reload_now},
    {{On::both, "GET", "/metrics", nothing, nothing}, &Gate::metrics},
    {{On::both, "GET", "/v1/openapi.json", nothing, nothing}, &Gate::openapi},
    {{On::admin, "POST", "/v1/staff/import", staff_types,
      "dry_run leavers allow_leavers allow_newcomers break_glass encoding", max_import_bytes},
     &Gate::import_staff},
    {{On::admin, "GET", "/v1/staff/import", nothing, nothing}, &Gate::import_progress},
    {{On::admin, "GET", "/v1/register", nothing, nothing}, &Gate::show_register},
    {{On::admin, "GET", "/v1/register/check", nothing, nothing}, &Gate::check_register},
    {{On::admin, "POST", "/v1/register/backup", json_type, nothing}, &Gate::back_up_register},
    {{On::admin, "POST", "/v1/register/restore", json_type, nothing}, &Gate::restore_register},
    {{On::both, "GET", "/v1/policy/explain", nothing, "person role at sign_in session"},
     &Gate::explain_policy},
    {{On::both, "GET", "/v1/policy/forecast", nothing, "days role session"}, &Gate::forecast_policy},
    {{On::admin, "POST", "/v1/certificates/explain", json_type, nothing}, &Gate::explain_certificate},
};

constexpr auto route_rules = [] {
  std::array<Rule, std::size(routes)> out{};
  for (std::size_t row = 0; row < out.size(); ++row) out[row] = routes[row].rule;
  return out;
}();

}  // namespace

std::size_t body_limit(const Request& head, bool admin) {
  return body_limit(route_rules, head, admin);
}

boost::asio::awaitable<Response> route(Gate& gate, Request& request) {
  const Peer& peer = *request.peer;
  if (gate.shutting_down()) {
    co_return problem(503, "draining", "The service is stopping. Try again in a moment.");
  }
  if (!peer.admin_socket && !gate.allow_request(peer)) {
    gate.count("rate_limited");
    co_return problem(429, "rate_limited",
                      "Programs of this user of the machine have sent too many requests in a short time. "
                      "Wait a moment, then try again.");
  }
  if (request.refused) {
    gate.count("requests", "malformed");
    co_return std::move(*request.refused);
  }
  auto routed = find_route(route_rules, request, peer.admin_socket);
  gate.count("requests", routed.row ? route_rules[*routed.row].path : "unknown");
  if (routed.refusal) co_return std::move(*routed.refusal);
  const Route& entry = routes[*routed.row];
  Response answer;
  if (entry.call != nullptr) {
    answer = co_await (gate.*entry.call)(request);
  } else {
    answer = co_await (gate.*entry.call_with_id)(request, routed.id);
  }
  co_return answer;
}

}  // namespace cardgate::daemon
