// SPDX-License-Identifier: Apache-2.0
#include "daemon/api/token_api.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/bytes.hpp"
#include "base/crypto.hpp"
#include "daemon/people/answers.hpp"
#include "daemon/people/people_view.hpp"
#include "daemon/people/teams.hpp"
#include "daemon/sessions/halt.hpp"

namespace cardgate::daemon {
namespace {

Response inactive() {
  return json_response(200, json::object{{"active", false}});
}

Response role_not_allowed() {
  return problem(403, "role_not_allowed",
                 "This program may not ask for this role. The people who run this machine can allow it: "
                 "`clients` in cardgate's configuration.");
}

/// Written by hand: a token is base64url and needs no escaping, and this is the hot path.
Response token_answer(std::string_view token, std::int64_t life) {
  Response answer;
  answer.body = fmt::format(R"({{"access_token":"{}","token_type":"Bearer","expires_in":{}}})", token, life);
  return answer;
}

}  // namespace

struct TokenApi::Issue {
  const Peer& peer;
  proto::TokenRequest ask;
  audit::Record record{};  // as it is refused
  std::string client{};
  policy::Facts facts{};
  policy::Decision decision{};
  WallTime at{};     // what is decided holds at this time
  BootTime begun{};  // the same
  TokenFormat format{};
  std::optional<TokenDesk::Reference> reference{};
  proto::Claims claims{};                       // until it is entered, and then ...
  std::shared_ptr<const proto::Claims> kept{};  // ... for all who need them
};

Response TokenApi::refused(const Issue& issue, Response answer, std::string_view reason) {
  audit::Record record = issue.record;
  record.reason = reason;
  record.policy = rules_.policy()->hash();
  recorder_.refuse(issue.peer, std::move(record));
  return answer;
}

const ClientEntry* TokenApi::entry_for(const Issue& issue) const {
  return admission_.client_for(issue.peer, [&](const ClientEntry& client) {
    return std::ranges::any_of(client.tokens, [&](const auto& grant) {
      return grant.audience == issue.ask.audience &&
             std::ranges::find(grant.roles, issue.ask.role) != grant.roles.end();
    });
  });
}

std::optional<Response> TokenApi::admit(Issue& issue) {
  const auto for_audience = [&](const ClientEntry& client) {
    return std::ranges::any_of(client.tokens,
                               [&](const auto& grant) { return grant.audience == issue.ask.audience; });
  };
  if (admission_.client_for(issue.peer, for_audience) == nullptr) {
    return refused(issue,
                   problem(403, "audience_not_allowed",
                           "This program may not ask for tokens for this audience. The people who run "
                           "this machine can allow it: `clients` in cardgate's configuration."),
                   "audience_not_allowed");
  }
  const ClientEntry* entry = entry_for(issue);
  if (entry == nullptr) return refused(issue, role_not_allowed(), "role_not_allowed");
  issue.client = issue.record.client = entry->name;
  issue.format = entry->format;
  return std::nullopt;
}

SessionDesk::Chosen TokenApi::choose(Issue& issue) {
  auto chosen = sessions_.choose(issue.peer, issue.ask.session);
  if (chosen.refusal) {
    chosen.refusal = refused(issue, std::move(*chosen.refusal), "no_session");
    return chosen;
  }
  const Session& session = *chosen.session;
  issue.record.person = session.person;
  issue.record.session = session.id;
  if (const Halt why = halt(session); why != Halt::none)
    chosen.refusal = refused(issue, halted(why, session, {}), halt_code(why));
  return chosen;
}

std::optional<Response> TokenApi::decide(Issue& issue, const Session& session) {
  auto facts = sessions_.facts_for(session);
  if (!facts) {
    auto answer = register_unavailable(facts.error());
    add_continuity(answer, rules_.config().downtime, roll_.staff());
    return refused(issue, std::move(answer), "register_unavailable");
  }
  issue.facts = std::move(*facts);
  const auto& policy = *rules_.policy();
  auto& decision = issue.decision;
  decision = policy::decide(policy, issue.facts, {issue.ask.role, session.sign_in}, clock_.now());
  if (!decision.allowed) {
    json::array missing;
    std::string detail;
    for (const auto& item : decision.unmet) {
      missing.push_back(json::string(item.prerequisite));
      detail += (detail.empty() ? "" : " ") + item.text + ".";
    }
    issue.record.details["unmet"] = std::move(missing);
    json::object more{{"unmet", to_json(decision.unmet)}};
    if (const auto* role = policy.role(issue.ask.role)) more["guidance"] = to_json(policy.guidance(*role));
    add_continuity(more, rules_.config().downtime, issue.facts.teams, roll_.staff());
    return refused(issue, problem(403, "access_denied", std::move(detail), std::move(more)), "access_denied");
  }
  if (session.sign_in == policy::SignIn::password && !opens_by_password(*policy.role(issue.ask.role))) {
    return refused(
        issue,
        problem(403, "access_denied",
                "With a password you can only see your own record. Sign in with your card: cardgate login",
                {{"unmet", json::array{}}}),
        "password");
  }
  if (downtime_.closed(*policy.role(issue.ask.role), session.signed_in))
    return refused(issue, downtime_.refusal(issue.facts.teams), "downtime");
  if (!recorder_.works()) return recorder_.unavailable();
  return std::nullopt;
}

std::optional<Response> TokenApi::refuse_halted(const Issue& issue, const Session& session) {
  const Terms terms = session.asked_by(*rules_.policy()->role(issue.ask.role));
  // A second before it is too late: a token that ends as it is made is of no use.
  const Halt why = halt(session, terms, clock_.boot() + seconds(1));
  if (why == Halt::none) return std::nullopt;
  if (needs_proof(why)) sessions_.step_up_needed(session.id, issue.ask.role);
  return refused(issue, halted(why, session, terms), halt_code(why));
}

proto::Claims TokenApi::claims_of(const Issue& issue, const Session& session, WallTime at) {
  const policy::Role& role = *rules_.policy()->role(issue.ask.role);
  // Never past the session's end, the role's longest session or the first prerequisite to lapse.
  const Terms terms = session.asked_by(role);
  WallTime expires = std::min(at + role.token_life, session.expires);
  if (terms.max_session) expires = std::min(expires, session.signed_in + *terms.max_session);
  // Nor past the time for which the role believes card and passcode: who holds its token gave them within that time.
  if (terms.step_up_age)
    expires = std::min(
        expires, at + std::chrono::floor<milliseconds>(session.proved + *terms.step_up_age - clock_.boot()));
  if (issue.decision.valid_until) expires = std::min(expires, *issue.decision.valid_until);
  if (const auto closes = downtime_.role_ends(role)) expires = std::min(expires, *closes);
  proto::Claims claims;
  claims.records_of = records_of(role, issue.facts, rules_.policy()->calendar().date_of(at));
  // A gate asks GET /v1/records/ID/allowed in any case; a list that grows is of no use to anybody.
  if (claims.records_of.size() > max_managers_in_token) claims.records_of.clear();
  claims.exp = to_unix_seconds(expires);
  claims.iat = claims.nbf = to_unix_seconds(at);
  claims.iss = rules_.config().issuer;
  claims.sub = session.person;
  claims.aud = issue.ask.audience;
  claims.sid = session.id;
  claims.client_id = issue.client;
  claims.role = issue.ask.role;
  claims.records = issue.decision.records;
  claims.acr = policy::name(session.sign_in);
  claims.amr = {"pwd"};
  claims.auth_time = to_unix_seconds(session.auth_time);
  if (session.sign_in == policy::SignIn::card) {
    claims.amr = {"sc", "pin"};
    claims.revocation = revocation_word(session, at);
  }
  claims.policy = rules_.policy()->hash();
  return claims;
}

std::optional<Response> TokenApi::same_again(const Issue& issue, const Session& session) {
  if (issue.ask.fresh) return std::nullopt;
  const auto handed = sessions_.handed_before(session, issue.ask.role, issue.ask.audience, issue.client);
  if (handed == nullptr) return std::nullopt;
  const auto& old = *handed->claims;
  // It may end earlier than a new one would, and not later.
  if (old.exp > issue.claims.exp) return std::nullopt;
  // The client's entry may say another format by now.
  if (handed->is_reference != (issue.format == TokenFormat::reference)) return std::nullopt;
  proto::Claims now = issue.claims;
  now.exp = old.exp;
  now.iat = now.nbf = old.iat;
  now.jti = old.jti;
  if (now != old) return std::nullopt;
  recorder_.token_again({old.jti, old.sub, old.role, old.client_id, old.sid});
  return token_answer(handed->is_reference ? tokens_.reference_text(handed->text) : handed->text,
                      old.exp - issue.claims.iat);
}

std::optional<Response> TokenApi::enter(Issue& issue, const Session& session) {
  const WallTime at = issue.at;
  if (issue.format == TokenFormat::reference) issue.reference = tokens_.new_reference();
  issue.claims.jti = issue.reference ? issue.reference->jti : tokens_.new_jti();
  issue.kept = std::make_shared<const proto::Claims>(std::move(issue.claims));
  const auto& claims = *issue.kept;
  if (claims.exp <= claims.iat) {
    return refused(
        issue,
        problem(401, "no_session", "Your session is too old for this role. Sign in again: cardgate login"),
        "time_up");
  }
  const policy::Role& role = *rules_.policy()->role(claims.role);
  Token token{claims.sid,
              claims.role,
              claims.aud,
              issue.client,
              clock_.boot() + (seconds(claims.exp) - at.time_since_epoch()),
              claims.records_of};
  if (issue.reference) {
    token.hash = issue.reference->hash;
    token.claims = issue.kept;
  } else {
    token.key = tokens_.keys().signing().number;
  }
  if (!sessions_.token_issued(claims.jti, std::move(token), session.asked_by(role))) {
    return refused(
        issue,
        problem(429, "too_many_tokens",
                "This session already has too many tokens. The program can keep using the one it has."),
        "too_many_tokens");
  }
  if (issue.decision.valid_until) sessions_.review_by(claims.sid, *issue.decision.valid_until);
  return std::nullopt;
}

/// Of a token whose record is there already: that it never was is recorded, too.
void TokenApi::note_kept_back(const Issue& issue, std::string reason) {
  const auto& claims = *issue.kept;
  audit::Record record;
  record.event = name_of(audit::Event::token_refused);
  record.person = claims.sub;
  record.role = claims.role;
  record.client = issue.client;
  record.session = claims.sid;
  record.reason = std::move(reason);
  record.details = {{"jti", claims.jti}};
  recorder_.note(std::move(record));
}

Response TokenApi::not_signed(const Issue& issue) {
  sessions_.forget_token(issue.kept->jti);
  note_kept_back(issue, "not done: the token could not be signed");
  return problem(
      500, "internal",
      "The token could not be signed. Try again. If it happens again, tell the people who run this "
      "machine: the journal says what it was.");
}

std::optional<Response> TokenApi::refuse_to_send(Issue& issue) {
  const auto& claims = *issue.kept;
  // A reload in between may have taken this client its role.
  if (const ClientEntry* entry = entry_for(issue); entry == nullptr || entry->name != issue.client) {
    sessions_.revoke(claims.jti);
    issue.record.details["jti"] = claims.jti;
    return refused(issue, role_not_allowed(), "role_not_allowed");
  }
  if (sessions_.active_token(claims.jti) != nullptr) return std::nullopt;
  note_kept_back(issue, "not done: the session ended while the token was being recorded");
  return problem(401, "no_session",
                 "The session ended while the token was being made. Sign in: cardgate login");
}

Answer TokenApi::token(Request& request) {
  const auto begun = std::chrono::steady_clock::now();
  auto parsed = proto::parse_token_request(request.body);
  if (!parsed) co_return problem(400, "bad_request", parsed.error().context + ".");
  Issue issue{*request.peer, std::move(*parsed)};
  if (!admission_.allow_token(issue.peer)) {
    co_return problem(429, "rate_limited",
                      "This program has asked for too many tokens in a short time. It can keep using the "
                      "token it has until that ends.");
  }
  issue.record.event = name_of(audit::Event::token_refused);
  issue.record.role = issue.ask.role;
  issue.record.details["audience"] = issue.ask.audience;

  if (auto no = admit(issue)) co_return std::move(*no);
  auto chosen = choose(issue);
  if (chosen.refusal) co_return std::move(*chosen.refusal);
  if (auto no = decide(issue, *chosen.session)) co_return std::move(*no);
  if (auto no = refuse_halted(issue, *chosen.session)) co_return std::move(*no);
  issue.at = clock_.now();
  issue.begun = clock_.boot();
  issue.claims = claims_of(issue, *chosen.session, issue.at);
  if (auto same = same_again(issue, *chosen.session)) co_return std::move(*same);
  if (auto no = enter(issue, *chosen.session)) co_return std::move(*no);

  const auto& claims = *issue.kept;
  audit::Record granted = issue.record;
  granted.event = name_of(audit::Event::token);
  granted.policy = claims.policy;
  granted.details["jti"] = claims.jti;
  granted.details["expires"] = claims.exp;
  if (!claims.revocation.empty()) granted.details["revocation"] = claims.revocation;
  // Signed while the disk works; it leaves only when the record is there.
  auto ticket = recorder_.start_of_many(std::move(granted));
  Signers::Ticket signing = issue.reference ? nullptr : tokens_.start_signing(issue.kept);
  auto recording = recorder_.wait(std::move(ticket));
  const auto recorded = co_await std::move(recording);
  if (!recorded) {
    sessions_.forget_token(claims.jti);
    co_return recorder_.unavailable();
  }
  std::string text;
  if (issue.reference) {
    text = issue.reference->text;
  } else {
    auto making = tokens_.signed_text(std::move(signing), claims.jti);
    text = co_await std::move(making);
  }
  if (text.empty()) co_return not_signed(issue);
  if (auto no = refuse_to_send(issue)) co_return std::move(*no);
  recorder_.count("tokens_issued");
  recorder_.took("token_seconds", {}, begun);
  const auto life = claims.exp - claims.iat;
  auto answer = token_answer(text, life);
  sessions_.handed_out(claims.jti, {issue.reference ? issue.reference->id : std::move(text), issue.kept,
                                    issue.begun + seconds(life) / 2, issue.reference.has_value()});
  wipe(text);  // the answer has it, and is wiped when it is written
  if (issue.reference) wipe(issue.reference->text);
  co_return answer;
}

Answer TokenApi::introspect(Request& request) {
  const Peer& peer = *request.peer;
  const auto token = proto::parse_form_token(request.body);
  if (!token) co_return problem(400, "bad_request", token.error().context + ".");
  if (admission_.client_for(peer, [](const ClientEntry& client) { return !client.verifies.empty(); }) ==
      nullptr) {
    audit::Record record;
    record.event = name_of(audit::Event::client_refused);
    record.reason = "introspect: not registered";
    recorder_.refuse(peer, std::move(record));
    co_return problem(
        403, "client_not_allowed",
        "This program is not registered to look up tokens: see `clients` in cardgate's configuration.");
  }
  auto live = tokens_.look_up(*token);
  const auto registered = [&](const ClientEntry& client) { return may_verify(client, live.claims.aud); };
  if (live.token != nullptr && admission_.client_for(peer, registered) == nullptr) {
    live.token = nullptr;
    live.why = "audience_not_registered";
  }
  recorder_.count("introspections", live.token != nullptr ? "active" : "inactive");
  if (live.token == nullptr) {
    audit::Record record;
    record.event = name_of(audit::Event::introspected);
    record.reason = live.why;
    recorder_.refuse(peer, std::move(record));
    co_return inactive();
  }
  sessions_.used(live.claims.sid);
  json::object body{{"active", true}, {"token_type", "Bearer"}};
  for (auto& [key, value] : proto::to_json(live.claims)) body[key] = value;
  co_return json_response(200, body);
}

Answer TokenApi::revoke(Request& request) {
  const Peer& peer = *request.peer;
  const auto token = proto::parse_form_token(request.body);
  if (!token) co_return problem(400, "bad_request", token.error().context + ".");
  const auto live = tokens_.look_up(*token);
  // RFC 7009 2.2: a token that is not active is as good as revoked.
  if (live.token == nullptr) co_return json_response(200, json::object{});
  const Session* session = sessions_.find(live.claims.sid);
  if (peer.uid != 0 && (session == nullptr || session->uid != peer.uid)) {
    audit::Record record;
    record.event = name_of(audit::Event::client_refused);
    record.reason = "revoke: not the owner";
    recorder_.refuse(peer, std::move(record));
    co_return problem(403, "not_owner",
                      "Only the user of the machine who owns the session, or root, can revoke its tokens.");
  }
  sessions_.revoke(live.claims.jti);
  co_await recorder_.noted();
  co_return json_response(200, json::object{});
}

Answer TokenApi::verify(Request& request) {
  const Peer& peer = *request.peer;
  const std::string* audience = request.parameter("audience");
  const std::string* role = request.parameter("role");
  if (audience == nullptr) co_return problem(400, "bad_request", "Give one `audience` in the query.");
  if (admission_.client_for(peer, [&](const ClientEntry& client) { return may_verify(client, *audience); }) ==
      nullptr) {
    audit::Record record;
    record.event = name_of(audit::Event::client_refused);
    record.reason = "verify: not registered for the audience";
    recorder_.refuse(peer, std::move(record));
    co_return problem(
        403, "client_not_allowed",
        "This program is not registered for that audience: see `clients` in cardgate's configuration.");
  }
  auto bearer = tokens_.token_of(request);
  if (bearer.refusal) co_return std::move(*bearer.refusal);
  const TokenDesk::Live& live = bearer.live;
  const auto refused = [&](const std::string& reason) {
    audit::Record record;
    record.event = name_of(audit::Event::introspected);
    record.reason = reason;
    record.person = live.claims.sub;
    record.role = live.claims.role;
    recorder_.refuse(peer, std::move(record));
  };
  if (live.token == nullptr) {
    refused(live.why);
    co_return unauthorized("token_inactive", "The token is not active. Sign in and ask for a new one.");
  }
  if (live.claims.aud != *audience || (role != nullptr && live.claims.role != *role)) {
    refused(live.claims.aud != *audience ? "other audience" : "other role");
    co_return problem(403, "token_not_for_this", "The token is for another audience or role.");
  }
  sessions_.used(live.claims.sid);
  recorder_.count("verifications");
  Response answer;
  answer.status = 204;
  answer.headers = {{"X-Cardgate-Subject", live.claims.sub},
                    {"X-Cardgate-Session", live.claims.sid},
                    {"X-Cardgate-Role", live.claims.role}};
  co_return answer;
}

Answer TokenApi::jwks(Request&) {
  Response answer;
  answer.content_type = "application/jwk-set+json";
  answer.body = proto::jwks(tokens_.verifying_keys());
  co_return answer;
}

}  // namespace cardgate::daemon
