// SPDX-License-Identifier: Apache-2.0
#include "daemon/api/routes.hpp"

#include <array>
#include <string_view>
#include <type_traits>

#include "daemon/people/answers.hpp"

namespace cardgate::daemon {
namespace {

using Call = Answer (*)(Apis&, Request&, const std::string& id);

struct Route {
  Rule rule;
  Call call;
};

/// A method of one group of calls, with the {id} of the path where it takes one.
template <auto group, auto method>
Answer call(Apis& apis, Request& request, const std::string& id) {
  auto& api = apis.*group;
  if constexpr (std::is_invocable_v<decltype(method), decltype(api), Request&, const std::string&>) {
    return (api.*method)(request, id);
  } else {
    return (api.*method)(request);
  }
}

constexpr std::string_view json_type = "application/json";
constexpr std::string_view form_type = "application/x-www-form-urlencoded";
constexpr std::string_view staff_types = "application/yaml or text/csv";

constexpr std::string_view nothing;
constexpr std::string_view the_session = "session";
constexpr std::string_view a_page = "after session";

// On which socket, method, path, body, parameters of the query; then who answers.
constexpr Route routes[] = {
    {{On::both, "GET", "/v1/status", nothing, nothing}, call<&Apis::status, &StatusApi::status>},
    {{On::both, "GET", "/v1/events", nothing, nothing}, call<&Apis::session, &SessionApi::events>},
    {{On::main, "GET", "/v1/login", nothing, "account phase"}, call<&Apis::login, &LoginApi::need>},
    {{On::main, "POST", "/v1/sessions", json_type, nothing}, call<&Apis::sign_in, &SignInApi::sign_in>},
    {{On::both, "GET", "/v1/sessions", nothing, nothing}, call<&Apis::session, &SessionApi::list>},
    {{On::both, "GET", "/v1/sessions/{id}", nothing, nothing}, call<&Apis::session, &SessionApi::show>},
    {{On::both, "DELETE", "/v1/sessions/{id}", nothing, "at_logout_of account"},
     call<&Apis::session, &SessionApi::end>},
    {{On::both, "PUT", "/v1/sessions/{id}/screen", json_type, nothing},
     call<&Apis::session, &SessionApi::screen>},
    {{On::main, "POST", "/v1/sessions/{id}/resume", json_type, nothing},
     call<&Apis::sign_in, &SignInApi::resume>},
    {{On::main, "POST", "/v1/password", json_type, nothing}, call<&Apis::password, &PasswordApi::change>},
    {{On::main, "POST", "/v1/password/reset", json_type, the_session},
     call<&Apis::password, &PasswordApi::reset>},
    {{On::main, "POST", "/v1/enrolment", json_type, nothing}, call<&Apis::enrolment, &EnrolmentApi::ask>},
    {{On::main, "POST", "/v1/enrolment/codes", json_type, the_session},
     call<&Apis::enrolment, &EnrolmentApi::make_code>},
    {{On::main, "POST", "/v1/enrolment/activate", json_type, nothing},
     call<&Apis::enrolment, &EnrolmentApi::activate>},
    {{On::main, "POST", "/v1/cards/{id}/passcode", json_type, nothing},
     call<&Apis::card, &CardApi::change_passcode>},
    {{On::main, "POST", "/v1/cards/{id}/unblock", json_type, nothing}, call<&Apis::card, &CardApi::unblock>},
    {{On::main, "POST", "/v1/token", json_type, nothing, max_body_bytes, Turn::beside},
     call<&Apis::token, &TokenApi::token>},
    {{On::main, "POST", "/v1/introspect", form_type, nothing, max_body_bytes, Turn::beside},
     call<&Apis::token, &TokenApi::introspect>},
    {{On::both, "POST", "/v1/revoke", form_type, nothing}, call<&Apis::token, &TokenApi::revoke>},
    {{On::main, "GET", "/v1/verify", nothing, "audience role", max_body_bytes, Turn::beside},
     call<&Apis::token, &TokenApi::verify>},
    {{On::both, "GET", "/.well-known/jwks.json", nothing, nothing}, call<&Apis::token, &TokenApi::jwks>},
    {{On::main, "GET", "/v1/access", nothing, "role session"}, call<&Apis::people, &PeopleApi::access>},
    {{On::main, "GET", "/v1/forms", nothing, "person after session"}, call<&Apis::form, &FormApi::list>},
    {{On::main, "POST", "/v1/forms", json_type, the_session}, call<&Apis::form, &FormApi::submit>},
    {{On::main, "POST", "/v1/forms/{id}/verify", json_type, the_session},
     call<&Apis::form, &FormApi::verify>},
    {{On::main, "POST", "/v1/forms/{id}/approve", json_type, the_session},
     call<&Apis::form, &FormApi::approve>},
    {{On::main, "POST", "/v1/forms/{id}/reject", json_type, the_session},
     call<&Apis::form, &FormApi::reject>},
    {{On::main, "POST", "/v1/forms/{id}/withdraw", json_type, the_session},
     call<&Apis::form, &FormApi::withdraw>},
    {{On::main, "POST", "/v1/forms/{id}/renew", json_type, the_session}, call<&Apis::form, &FormApi::renew>},
    {{On::main, "GET", "/v1/declarations", nothing, the_session},
     call<&Apis::declaration, &DeclarationApi::list>},
    {{On::main, "POST", "/v1/declarations", json_type, the_session},
     call<&Apis::declaration, &DeclarationApi::sign>},
    {{On::main, "GET", "/v1/training", nothing, "person session"}, call<&Apis::training, &TrainingApi::list>},
    {{On::main, "POST", "/v1/training", json_type, the_session}, call<&Apis::training, &TrainingApi::record>},
    {{On::main, "GET", "/v1/delegations", nothing, a_page}, call<&Apis::delegation, &DelegationApi::list>},
    {{On::main, "POST", "/v1/delegations", json_type, the_session},
     call<&Apis::delegation, &DelegationApi::give>},
    {{On::main, "DELETE", "/v1/delegations/{id}", nothing, the_session},
     call<&Apis::delegation, &DelegationApi::revoke>},
    {{On::main, "POST", "/v1/acting", json_type, the_session},
     call<&Apis::delegation, &DelegationApi::appoint>},
    {{On::main, "DELETE", "/v1/acting/{id}", nothing, the_session},
     call<&Apis::delegation, &DelegationApi::end_acting>},
    {{On::main, "GET", "/v1/removals", nothing, a_page}, call<&Apis::removal, &RemovalApi::list>},
    {{On::main, "POST", "/v1/removals", json_type, the_session}, call<&Apis::removal, &RemovalApi::request>},
    {{On::main, "POST", "/v1/removals/restore", json_type, the_session},
     call<&Apis::removal, &RemovalApi::restore_access>},
    {{On::main, "POST", "/v1/removals/{id}/restore", json_type, the_session},
     call<&Apis::removal, &RemovalApi::restore_removal>},
    {{On::main, "POST", "/v1/removals/{id}/do", json_type, the_session},
     call<&Apis::removal, &RemovalApi::carry_out>},
    {{On::main, "POST", "/v1/removals/{id}/decline", json_type, the_session},
     call<&Apis::removal, &RemovalApi::decline>},
    {{On::main, "GET", "/v1/team", nothing, a_page}, call<&Apis::people, &PeopleApi::team>},
    {{On::main, "GET", "/v1/staff", nothing, "name role manager state after session"},
     call<&Apis::people, &PeopleApi::list_staff>},
    {{On::main, "GET", "/v1/staff/{id}", nothing, the_session}, call<&Apis::people, &PeopleApi::show_staff>},
    {{On::main, "POST", "/v1/staff/{id}/changes", json_type, the_session},
     call<&Apis::staff, &StaffApi::change_staff>},
    {{On::main, "POST", "/v1/staff/{id}/cards", json_type, the_session},
     call<&Apis::staff, &StaffApi::change_card>},
    {{On::main, "GET", "/v1/pool-cards", nothing, the_session}, call<&Apis::pool, &PoolApi::list>},
    {{On::main, "POST", "/v1/pool-cards", json_type, the_session}, call<&Apis::pool, &PoolApi::add>},
    {{On::main, "POST", "/v1/pool-cards/{id}/remove", json_type, the_session},
     call<&Apis::pool, &PoolApi::remove>},
    {{On::main, "POST", "/v1/pool-cards/{id}/unblocking-key", json_type, the_session},
     call<&Apis::unblock, &UnblockApi::hand_key>},
    {{On::main, "POST", "/v1/staff/{id}/unblocking-code", json_type, the_session},
     call<&Apis::unblock, &UnblockApi::make_code>},
    {{On::main, "POST", "/v1/cards/{id}/lend", json_type, the_session}, call<&Apis::pool, &PoolApi::lend>},
    {{On::main, "POST", "/v1/cards/{id}/return", json_type, the_session},
     call<&Apis::pool, &PoolApi::give_back>},
    {{On::main, "GET", "/v1/records/{id}/allowed", nothing, "role session"},
     call<&Apis::people, &PeopleApi::record_allowed>},
    {{On::main, "GET", "/v1/notices", nothing, the_session}, call<&Apis::notice, &NoticeApi::list>},
    {{On::main, "DELETE", "/v1/notices/{id}", nothing, the_session}, call<&Apis::notice, &NoticeApi::drop>},
    {{On::both, "GET", "/v1/downtime", nothing, nothing}, call<&Apis::downtime, &DowntimeApi::list>},
    {{On::both, "POST", "/v1/downtime", json_type, the_session}, call<&Apis::downtime, &DowntimeApi::plan>},
    {{On::both, "POST", "/v1/emergencies", json_type, the_session},
     call<&Apis::downtime, &DowntimeApi::declare>},
    {{On::both, "PUT", "/v1/downtime/{id}", json_type, the_session},
     call<&Apis::downtime, &DowntimeApi::change>},
    {{On::both, "DELETE", "/v1/downtime/{id}", nothing, the_session},
     call<&Apis::downtime, &DowntimeApi::withdraw>},
    {{On::both, "POST", "/v1/downtime/{id}/end", json_type, the_session},
     call<&Apis::downtime, &DowntimeApi::end>},
    {{On::both, "POST", "/v1/faults", json_type, nothing}, call<&Apis::fault, &FaultApi::report>},
    {{On::both, "GET", "/v1/faults", nothing, the_session}, call<&Apis::fault, &FaultApi::list>},
    {{On::both, "POST", "/v1/faults/{id}/class", json_type, the_session},
     call<&Apis::fault, &FaultApi::class_fault>},
    {{On::both, "POST", "/v1/faults/{id}/join", json_type, the_session}, call<&Apis::fault, &FaultApi::join>},
    {{On::both, "POST", "/v1/faults/{id}/pass-on", json_type, the_session},
     call<&Apis::fault, &FaultApi::pass_on>},
    {{On::both, "POST", "/v1/faults/{id}/close", json_type, the_session},
     call<&Apis::fault, &FaultApi::close>},
    {{On::admin, "GET", "/v1/token-keys", nothing, nothing}, call<&Apis::token_keys, &TokenKeyApi::list>},
    {{On::admin, "POST", "/v1/token-keys", json_type, nothing},
     call<&Apis::token_keys, &TokenKeyApi::rotate>},
    {{On::admin, "DELETE", "/v1/token-keys/{id}", nothing, nothing},
     call<&Apis::token_keys, &TokenKeyApi::revoke>},
    {{On::admin, "GET", "/v1/setup", nothing, nothing}, call<&Apis::set_up, &SetUpApi::show>},
    {{On::admin, "POST", "/v1/setup", json_type, nothing}, call<&Apis::set_up, &SetUpApi::set_up>},
    {{On::admin, "POST", "/v1/reload", nothing, nothing}, call<&Apis::status, &StatusApi::reload>},
    {{On::both, "GET", "/metrics", nothing, nothing}, call<&Apis::status, &StatusApi::metrics>},
    {{On::both, "GET", "/v1/openapi.json", nothing, nothing}, call<&Apis::status, &StatusApi::openapi>},
    {{On::admin, "POST", "/v1/staff/import", staff_types,
      "dry_run leavers allow_leavers allow_newcomers break_glass encoding", max_import_bytes},
     call<&Apis::imports, &ImportApi::import>},
    {{On::admin, "GET", "/v1/staff/import", nothing, nothing}, call<&Apis::imports, &ImportApi::progress>},
    {{On::admin, "GET", "/v1/register", nothing, nothing}, call<&Apis::registry, &RegisterApi::show>},
    {{On::admin, "GET", "/v1/register/check", nothing, nothing}, call<&Apis::registry, &RegisterApi::check>},
    {{On::admin, "POST", "/v1/register/backup", json_type, nothing},
     call<&Apis::registry, &RegisterApi::back_up>},
    {{On::admin, "POST", "/v1/register/restore", json_type, nothing},
     call<&Apis::registry, &RegisterApi::restore>},
    {{On::both, "GET", "/v1/policy/explain", nothing, "person role at sign_in session"},
     call<&Apis::policy, &PolicyApi::explain>},
    {{On::both, "GET", "/v1/policy/forecast", nothing, "days role session"},
     call<&Apis::policy, &PolicyApi::forecast>},
    {{On::both, "GET", "/v1/audit", nothing,
      "person role client event of_session outcome reason from to order limit after before session"},
     call<&Apis::audit, &AuditApi::show>},
    {{On::both, "GET", "/v1/support", nothing, "person last session"},
     call<&Apis::audit, &AuditApi::support>},
    {{On::admin, "GET", "/v1/audit/standing", nothing, "after"}, call<&Apis::report, &ReportApi::standing>},
    {{On::both, "GET", "/v1/audit/reports/{id}", nothing, "from to format session"},
     call<&Apis::report, &ReportApi::report>},
    {{On::admin, "POST", "/v1/certificates/explain", json_type, nothing},
     call<&Apis::certificate, &CertificateApi::explain>},
};

constexpr auto route_rules = [] {
  std::array<Rule, std::size(routes)> out{};
  for (std::size_t row = 0; row < out.size(); ++row) out[row] = routes[row].rule;
  return out;
}();

/// systemd/cardgate-metrics.service.
constexpr std::string_view metrics_proxy = "cardgate-metrics.service";

}  // namespace

std::size_t body_limit(const Request& head, bool admin) {
  return body_limit(route_rules, head, admin);
}

Turn turn_of(const Request& request, bool admin) {
  return turn_of(route_rules, request, admin);
}

Answer route(Apis& apis, Admission& admission, Recorder& recorder, Request& request) {
  const Peer& peer = *request.peer;
  if (!peer.admin_socket && !LoginApi::counts(request) && !admission.allow_request(peer)) {
    recorder.count("rate_limited");
    co_return too_many_requests();
  }
  if (request.refused) {
    recorder.count("requests", "malformed");
    co_return std::move(*request.refused);
  }
  // Whoever comes to the proxy's port by TCP is the proxy to the kernel, so that it may look at the figures and do nothing else.
  if (peer.unit == metrics_proxy && request.path != "/metrics")
    co_return problem(403, "metrics_only", "This port has the metrics and nothing else: GET /metrics.");
  auto routed = find_route(route_rules, request, peer.admin_socket);
  recorder.count("requests", routed.row ? route_rules[*routed.row].path : "unknown");
  if (routed.refusal) co_return std::move(*routed.refusal);
  auto answering = routes[*routed.row].call(apis, request, routed.id);
  auto answer = co_await std::move(answering);
  co_return answer;
}

}  // namespace cardgate::daemon
