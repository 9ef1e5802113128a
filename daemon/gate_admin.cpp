// SPDX-License-Identifier: Apache-2.0
// Root asks what the policy would say.
#include <fmt/format.h>

#include "daemon/gate.hpp"

namespace cardgate::daemon {

Gate::Answer Gate::explain_policy(Request& request) {
  const std::string* who = request.parameter("person");
  const std::string* role_name = request.parameter("role");
  if (who == nullptr || role_name == nullptr)
    co_return problem(400, "bad_request", "Give `person` and `role` in the query.");
  const policy::Role* role = policy_->role(*role_name);
  if (role == nullptr) {
    co_return problem(404, "role_unknown", fmt::format("The policy has no role '{}'.", *role_name));
  }
  const auto found = person(*who);
  if (!found) {
    const bool unknown = found.error().code == Errc::not_found;
    co_return problem(unknown ? 404 : 503, unknown ? "person_unknown" : "register_unavailable",
                      unknown ? fmt::format("The register has nobody with the number '{}'.", *who)
                              : "The staff register cannot be read now.");
  }
  // What if this person signed in now with a card that is registered and active?
  policy::Facts facts = (*found)->facts;
  facts.card_active = false;
  for (const auto& card : (*found)->record.cards) {
    if (card.status != "active") continue;
    facts.card_active = true;
    facts.card_valid_until = card.valid_until;
  }
  auto body =
      decision_json(*role, policy::decide(*policy_, facts, {*role_name, policy::SignIn::card}, now()));
  body["person"] = json::object{{"id", (*found)->record.id}, {"name", (*found)->record.name}};
  body["policy"] = policy_->hash();
  co_return json_response(200, body);
}

}  // namespace cardgate::daemon
