// SPDX-License-Identifier: Apache-2.0
// Tokens: issued after their record is durable, looked up, revoked, verified for a gate.
#include <fmt/format.h>

#include <algorithm>

#include "base/bytes.hpp"
#include "daemon/gate.hpp"
#include "daemon/journal.hpp"
#include "daemon/people/answers.hpp"

namespace cardgate::daemon {
namespace {

bool contains(const std::vector<std::string>& list, std::string_view item) {
  return std::ranges::find(list, item) != list.end();
}

Response inactive() {
  return json_response(200, json::object{{"active", false}});
}

Response role_not_allowed() {
  return problem(403, "role_not_allowed",
                 "This program may not ask for this role. The people who run this machine can allow it: "
                 "`clients` in cardgate's configuration.");
}

Response unauthorized(std::string_view error, std::string detail) {
  auto answer = problem(401, error, std::move(detail));
  answer.headers.emplace_back("WWW-Authenticate", "Bearer error=\"invalid_token\"");
  return answer;
}

}  // namespace

std::vector<std::string> records_of(const policy::Role& role, const policy::Facts& facts, WallTime now) {
  std::vector<std::string> out;
  for (const auto& manager : policy::managers_in_scope(role, facts, now))
    out.push_back(manager.until ? manager.id + "@" + to_text(*manager.until) : manager.id);
  return out;
}

Gate::Chosen Gate::choose_session(const Peer& peer, const std::string& wanted) {
  if (!wanted.empty()) {
    const Session* session = sessions_.find(wanted);
    if (session != nullptr && session->uid == peer.uid) return {session, std::nullopt};
    return {nullptr, problem(401, "no_session",
                             "There is no such session. It may have ended. Sign in: cardgate login")};
  }
  const auto mine = sessions_.of_uid(peer.uid);
  if (mine.empty()) {
    return {nullptr,
            problem(401, "no_session", "Nobody is signed in. Put your card in and sign in: cardgate login")};
  }
  if (mine.size() > 1) {
    json::array ids;
    std::string text = "Several sessions are open. Choose one of them with --session:";
    for (const Session* session : mine) {
      ids.push_back(json::string(session->id));
      text += fmt::format("\n  --session {}  ({}, {})", session->id, session->person_name,
                          session->sign_in == policy::SignIn::card ? "card in " + session->reader
                                                                   : std::string("by password"));
    }
    return {nullptr, problem(409, "session_ambiguous", std::move(text), {{"sessions", std::move(ids)}})};
  }
  return {mine.front(), std::nullopt};
}

Gate::Answer Gate::token(Request& request) {
  const Peer& peer = *request.peer;
  auto parsed = proto::parse_token_request(request.body);
  if (!parsed) co_return problem(400, "bad_request", parsed.error().context + ".");
  const proto::TokenRequest ask = std::move(*parsed);
  if (!token_rate_.allow(peer.counted_as, clock_.boot())) {
    co_return problem(429, "rate_limited",
                      "This program has asked for too many tokens in a short time. It can keep using the "
                      "token it has until that ends.");
  }

  audit::Record record;
  record.event = "token_refused";
  record.role = ask.role;
  record.details["audience"] = ask.audience;
  const auto refused = [&](Response answer, std::string_view reason) {
    record.reason = reason;
    record.policy = policy_->hash();
    refuse(peer, record);
    return answer;
  };
  const auto for_audience = [&](const ClientEntry& client) {
    return std::ranges::any_of(client.tokens,
                               [&](const auto& grant) { return grant.audience == ask.audience; });
  };
  const auto for_role = [&](const ClientEntry& client) {
    return std::ranges::any_of(client.tokens, [&](const auto& grant) {
      return grant.audience == ask.audience && contains(grant.roles, ask.role);
    });
  };
  if (client_for(peer, for_audience) == nullptr) {
    co_return refused(problem(403, "audience_not_allowed",
                              "This program may not ask for tokens for this audience. The people who run "
                              "this machine can allow it: `clients` in cardgate's configuration."),
                      "audience_not_allowed");
  }
  const ClientEntry* entry = client_for(peer, for_role);
  if (entry == nullptr) {
    co_return refused(role_not_allowed(), "role_not_allowed");
  }
  const std::string client = entry->name;
  record.client = client;
  auto chosen = choose_session(peer, ask.session);
  if (chosen.refusal) co_return refused(std::move(*chosen.refusal), "no_session");
  const Session& session = *chosen.session;
  record.person = session.person;
  record.session = session.id;
  if (session.locked || session.card_out) {
    co_return refused(
        problem(423, "session_locked",
                session.card_out
                    ? "Your session waits for its card. Put the card in and type the passcode: cardgate login"
                    : "Your session is locked, because it was not used for a while. Unlock it with the "
                      "passcode: cardgate login"),
        "session_locked");
  }
  const auto facts = facts_for(session);
  if (!facts) {
    co_return refused(register_unavailable(facts.error()), "register_unavailable");
  }
  const WallTime at = now();
  const auto decision = policy::decide(*policy_, **facts, {ask.role, session.sign_in}, at);
  if (!decision.allowed) {
    json::array missing;
    for (const auto& item : decision.unmet) missing.push_back(json::string(item.prerequisite));
    record.details["unmet"] = std::move(missing);
    std::string detail;
    for (const auto& item : decision.unmet) detail += (detail.empty() ? "" : " ") + item.text + ".";
    co_return refused(problem(403, "access_denied", std::move(detail), {{"unmet", to_json(decision.unmet)}}),
                      "access_denied");
  }
  if (session.sign_in == policy::SignIn::password && !opens_by_password(*policy_->role(ask.role))) {
    co_return refused(
        problem(403, "access_denied",
                "With a password you can only see your own record. Sign in with your card: cardgate login",
                {{"unmet", json::array{}}}),
        "password");
  }
  if (!audit_ok()) co_return audit_unavailable();

  // Never past the session's end, the role's longest session or the first prerequisite to lapse.
  const policy::Role& role = *policy_->role(ask.role);
  WallTime expires = std::min({at + role.token_life, session.expires, session.auth_time + role.max_session});
  if (decision.valid_until) expires = std::min(expires, *decision.valid_until);
  proto::Claims claims;
  claims.records_of = records_of(role, **facts, at);
  // A gate asks GET /v1/records/ID/allowed in any case; a list that grows is of no use to anybody.
  if (claims.records_of.size() > max_managers_in_token) claims.records_of.clear();
  claims.exp = to_unix_seconds(expires);
  claims.iat = claims.nbf = to_unix_seconds(at);
  if (claims.exp <= claims.iat) {
    co_return refused(
        problem(401, "no_session", "Your session is too old for this role. Sign in again: cardgate login"),
        "time_up");
  }
  claims.iss = config_.issuer;
  claims.sub = session.person;
  claims.aud = ask.audience;
  claims.jti = random_id();
  claims.sid = session.id;
  claims.client_id = client;
  claims.role = ask.role;
  claims.records = decision.records;
  claims.acr = policy::name(session.sign_in);
  claims.amr = {"pwd"};
  claims.auth_time = to_unix_seconds(session.auth_time);
  if (session.sign_in == policy::SignIn::card) {
    claims.amr = {"sc", "pin"};
    claims.revocation = revocation_word(session, at);
  }
  claims.policy = policy_->hash();

  // Registered first, so that a card pulled while the record is written takes this token with it.
  const BootTime boot = clock_.boot();
  Token entry_of_token{
      session.id,       ask.role, ask.audience, client, boot + (seconds(claims.exp) - at.time_since_epoch()),
      claims.records_of};
  if (auto issued =
          sessions_.token_issued(claims.jti, std::move(entry_of_token), boot, role.idle, role.card_removal);
      !issued) {
    co_return refused(
        problem(429, "too_many_tokens",
                "This session already has too many tokens. The program can keep using the one it has."),
        "too_many_tokens");
  }
  if (decision.valid_until) {
    if (const auto lapse = boot_time_of(*decision.valid_until)) sessions_.review_by(session.id, *lapse);
  }
  on_deadline_changed();

  audit::Record granted = record;
  granted.event = "token";
  granted.policy = claims.policy;
  granted.details["jti"] = claims.jti;
  granted.details["expires"] = claims.exp;
  if (!claims.revocation.empty()) granted.details["revocation"] = claims.revocation;
  // Signed while the disk works; it leaves only when the record is there.
  auto ticket = durable_.start(*log_, std::move(granted));
  std::string signed_token = proto::issue(key_, key_id_, claims);
  const auto recorded = co_await durable_.wait(std::move(ticket));
  if (!recorded) {
    sessions_.revoke(claims.jti);
    co_return audit_unavailable();
  }
  // A reload in between may have taken this client its role.
  if (const ClientEntry* now_entry = client_for(peer, for_role);
      now_entry == nullptr || now_entry->name != client) {
    apply(sessions_.revoke(claims.jti));
    record.details["jti"] = claims.jti;
    co_return refused(role_not_allowed(), "role_not_allowed");
  }
  if (sessions_.active_token(claims.jti, clock_.boot()) == nullptr) {
    audit::Record kept_back;
    kept_back.event = "token_refused";
    kept_back.person = claims.sub;
    kept_back.role = claims.role;
    kept_back.client = client;
    kept_back.session = claims.sid;
    kept_back.reason = "not done: the session ended while the token was being recorded";
    kept_back.details = {{"jti", claims.jti}};
    note(std::move(kept_back));
    co_return problem(401, "no_session",
                      "The session ended while the token was being made. Sign in: cardgate login");
  }
  metrics_.add("tokens_issued");
  Response answer;
  // Written by hand: a token is base64url and needs no escaping, and this is the hot path.
  answer.body = fmt::format(R"({{"access_token":"{}","token_type":"Bearer","expires_in":{}}})", signed_token,
                            claims.exp - claims.iat);
  co_return answer;
}

/// The claims of a token and whether it is active; why not is for the audit alone.
Gate::Live Gate::look_up(std::string_view text) {
  Live live;
  auto claims = proto::check_signature(text, verifying_keys_);
  if (!claims) {
    live.why = name(claims.error().code);
    return live;
  }
  live.claims = std::move(*claims);
  if (live.claims.iss != config_.issuer) {
    live.why = "issuer";
  } else if (auto times = proto::check_times(live.claims, now()); !times) {
    live.why = name(times.error().code);
  } else {
    live.token = sessions_.active_token(live.claims.jti, clock_.boot());
    if (live.token == nullptr) live.why = "not_active";
  }
  return live;
}

Gate::Answer Gate::introspect(Request& request) {
  const Peer& peer = *request.peer;
  const auto token = proto::parse_form_token(request.body);
  if (!token) co_return problem(400, "bad_request", token.error().context + ".");
  if (client_for(peer, [](const ClientEntry& client) { return !client.verifies.empty(); }) == nullptr) {
    audit::Record record;
    record.event = "client_refused";
    record.reason = "introspect: not registered";
    refuse(peer, std::move(record));
    co_return problem(
        403, "client_not_allowed",
        "This program is not registered to look up tokens: see `clients` in cardgate's configuration.");
  }
  auto live = look_up(*token);
  const auto registered = [&](const ClientEntry& client) {
    return contains(client.verifies, live.claims.aud);
  };
  if (live.token != nullptr && client_for(peer, registered) == nullptr) {
    live.token = nullptr;
    live.why = "audience_not_registered";
  }
  metrics_.add("introspections", live.token != nullptr ? "active" : "inactive");
  if (live.token == nullptr) {
    audit::Record record;
    record.event = "introspected";
    record.reason = live.why;
    refuse(peer, std::move(record));
    co_return inactive();
  }
  sessions_.used(live.claims.sid, clock_.boot());
  json::object body{{"active", true}, {"token_type", "Bearer"}};
  for (auto& [key, value] : proto::to_json(live.claims)) body[key] = value;
  co_return json_response(200, body);
}

Gate::Answer Gate::revoke(Request& request) {
  const Peer& peer = *request.peer;
  const auto token = proto::parse_form_token(request.body);
  if (!token) co_return problem(400, "bad_request", token.error().context + ".");
  const auto live = look_up(*token);
  // RFC 7009 2.2: a token that is not active is as good as revoked.
  if (live.token == nullptr) co_return json_response(200, json::object{});
  const Session* session = sessions_.find(live.claims.sid);
  if (peer.uid != 0 && (session == nullptr || session->uid != peer.uid)) {
    audit::Record record;
    record.event = "client_refused";
    record.reason = "revoke: not the owner";
    refuse(peer, std::move(record));
    co_return problem(403, "not_owner",
                      "Only the user of the machine who owns the session, or root, can revoke its tokens.");
  }
  apply(sessions_.revoke(live.claims.jti));
  co_await noted();
  co_return json_response(200, json::object{});
}

Gate::Bearer Gate::token_of(const Request& request) {
  const std::string_view given = bearer_token(request.authorization);
  if (given.empty()) {
    auto answer = problem(401, "token_missing", "Give a token: Authorization: Bearer TOKEN.");
    answer.headers.emplace_back("WWW-Authenticate", "Bearer");
    return {{}, std::move(answer)};
  }
  return {look_up(given), std::nullopt};
}

/// A token as a service shows it that was given one: 401 unless it is live and the service registered for its audience.
Gate::Bearer Gate::shown_token(const Request& request) {
  auto bearer = token_of(request);
  if (bearer.refusal) return bearer;
  const auto& live = bearer.live;
  const bool registered = client_for(*request.peer, [&](const ClientEntry& client) {
                            return contains(client.verifies, live.claims.aud);
                          }) != nullptr;
  if (live.token == nullptr || !registered) {
    audit::Record record;
    record.event = "introspected";
    record.reason = live.token == nullptr ? live.why : "audience_not_registered";
    refuse(*request.peer, std::move(record));
    bearer.refusal =
        unauthorized("token_inactive", "The token is not active. Sign in and ask for a new one.");
  }
  return bearer;
}

Gate::Answer Gate::verify(Request& request) {
  const Peer& peer = *request.peer;
  const std::string* audience = request.parameter("audience");
  const std::string* role = request.parameter("role");
  if (audience == nullptr) co_return problem(400, "bad_request", "Give one `audience` in the query.");
  if (client_for(peer, [&](const ClientEntry& client) { return contains(client.verifies, *audience); }) ==
      nullptr) {
    audit::Record record;
    record.event = "client_refused";
    record.reason = "verify: not registered for the audience";
    refuse(peer, std::move(record));
    co_return problem(
        403, "client_not_allowed",
        "This program is not registered for that audience: see `clients` in cardgate's configuration.");
  }
  auto bearer = token_of(request);
  if (bearer.refusal) co_return std::move(*bearer.refusal);
  const Live& live = bearer.live;
  const auto refused = [&](const std::string& reason) {
    audit::Record record;
    record.event = "introspected";
    record.reason = reason;
    record.person = live.claims.sub;
    record.role = live.claims.role;
    refuse(peer, std::move(record));
  };
  if (live.token == nullptr) {
    refused(live.why);
    co_return unauthorized("token_inactive", "The token is not active. Sign in and ask for a new one.");
  }
  if (live.claims.aud != *audience || (role != nullptr && live.claims.role != *role)) {
    refused(live.claims.aud != *audience ? "other audience" : "other role");
    co_return problem(403, "token_not_for_this", "The token is for another audience or role.");
  }
  sessions_.used(live.claims.sid, clock_.boot());
  metrics_.add("verifications");
  Response answer;
  answer.status = 204;
  answer.headers = {{"X-Cardgate-Subject", live.claims.sub},
                    {"X-Cardgate-Session", live.claims.sid},
                    {"X-Cardgate-Role", live.claims.role}};
  co_return answer;
}

Gate::Answer Gate::jwks(Request&) {
  Response answer;
  answer.content_type = "application/jwk-set+json";
  answer.body = proto::jwks(verifying_keys_);
  co_return answer;
}

}  // namespace cardgate::daemon
