// SPDX-License-Identifier: Apache-2.0
#include "daemon/api/session_json.hpp"

#include <algorithm>

#include "daemon/people/names.hpp"

namespace cardgate::daemon {

json::object session_json(const Session& session, WallTime now) {
  json::array warnings;
  for (const auto& warning : session.warnings) warnings.push_back(json::string(warning));
  json::object out{{"id", session.id},
                   {"person", person_json(session.person, session.person_name)},
                   {"acr", policy::name(session.sign_in)},
                   {"amr", json::array{"pwd"}},
                   {"signed_in_at", to_rfc3339(session.signed_in)},
                   {"proved_at", to_rfc3339(session.auth_time)},
                   {"expires_at", to_rfc3339(session.expires)},
                   {"state", session.locked        ? "locked"
                             : session.grace_until ? "grace"
                                                   : "active"},
                   {"locked", session.locked},
                   {"screen_locked", session.screen_locked.has_value()},
                   {"warnings", std::move(warnings)}};
  if (session.sign_in == policy::SignIn::card) {
    out["amr"] = json::array{"sc", "pin"};
    out["reader"] = session.reader;
    out["card"] = session.card;
    out["card_removal"] = policy::name(session.removal().mode);
    out["card_out"] = session.card_out;
    if (session.keeps_card_out())
      out["card_needed_at"] =
          to_rfc3339(std::min(session.auth_time + session.removal().time, session.expires));
    out["revocation"] = revocation_word(session, now);
  } else {
    out["username"] = session.username;
  }
  return out;
}

}  // namespace cardgate::daemon
