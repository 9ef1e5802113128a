// SPDX-License-Identifier: Apache-2.0
#include "daemon/sessions/token_desk.hpp"

#include <algorithm>

namespace cardgate::daemon {

Response unauthorized(std::string_view error, std::string detail) {
  auto answer = problem(401, error, std::move(detail));
  answer.headers.emplace_back("WWW-Authenticate", "Bearer error=\"invalid_token\"");
  return answer;
}

bool may_verify(const ClientEntry& client, std::string_view audience) {
  return std::ranges::find(client.verifies, audience) != client.verifies.end();
}

TokenDesk::TokenDesk(SigningKey key, RuleBook& rules, Admission& admission, SessionDesk& sessions,
                     Recorder& recorder, GuardedClock& clock)
    : key_(std::move(key)),
      key_id_(proto::key_id(key_.public_key())),
      verifying_keys_{{key_id_, key_.public_key()}},
      rules_(rules),
      admission_(admission),
      sessions_(sessions),
      recorder_(recorder),
      clock_(clock) {}

TokenDesk::Live TokenDesk::look_up(std::string_view text) const {
  Live live;
  auto claims = proto::check_signature(text, verifying_keys_);
  if (!claims) {
    live.why = name(claims.error().code);
    return live;
  }
  live.claims = std::move(*claims);
  if (live.claims.iss != rules_.config().issuer) {
    live.why = "issuer";
  } else if (auto times = proto::check_times(live.claims, clock_.now()); !times) {
    live.why = name(times.error().code);
  } else {
    live.token = sessions_.active_token(live.claims.jti);
    if (live.token == nullptr) live.why = "not_active";
  }
  return live;
}

TokenDesk::Bearer TokenDesk::token_of(const Request& request) const {
  const std::string_view given = bearer_token(request.authorization);
  if (given.empty()) {
    auto answer = problem(401, "token_missing", "Give a token: Authorization: Bearer TOKEN.");
    answer.headers.emplace_back("WWW-Authenticate", "Bearer");
    return {{}, std::move(answer)};
  }
  return {look_up(given), std::nullopt};
}

TokenDesk::Bearer TokenDesk::shown_token(const Request& request) {
  auto bearer = token_of(request);
  if (bearer.refusal) return bearer;
  const auto& live = bearer.live;
  const bool registered = admission_.client_for(*request.peer, [&](const ClientEntry& client) {
    return may_verify(client, live.claims.aud);
  }) != nullptr;
  if (live.token == nullptr || !registered) {
    audit::Record record;
    record.event = name_of(audit::Event::introspected);
    record.reason = live.token == nullptr ? live.why : "audience_not_registered";
    recorder_.refuse(*request.peer, std::move(record));
    bearer.refusal =
        unauthorized("token_inactive", "The token is not active. Sign in and ask for a new one.");
  }
  return bearer;
}

}  // namespace cardgate::daemon
