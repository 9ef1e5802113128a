// SPDX-License-Identifier: Apache-2.0
#include "daemon/sessions/token_desk.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "daemon/journal.hpp"

namespace cardgate::daemon {
namespace {

/// Half of the hash, as 22 characters: the log may have it, and nobody makes the token of it.
std::string jti_of(const Digest& hash) {
  return to_base64url(BytesView(hash).first(16));
}

/// After a key could not be written; the disk is full, say.
constexpr seconds try_keys_again{60};
/// The timer takes no time that is further away.
constexpr std::chrono::days look_at_keys_at_least{30};
/// A set of keys stays one that everybody reads.
constexpr std::size_t max_token_keys = 16;

}  // namespace

Response unauthorized(std::string_view error, std::string detail) {
  auto answer = problem(401, error, std::move(detail));
  answer.headers.emplace_back("WWW-Authenticate", "Bearer error=\"invalid_token\"");
  return answer;
}

bool may_verify(const ClientEntry& client, std::string_view audience) {
  return std::ranges::find(client.verifies, audience) != client.verifies.end();
}

json::object to_json(const TokenKeys::Key& key) {
  json::object out{{"kid", key.shown.kid},
                   {"algorithm", proto::name(key.shown.algorithm)},
                   {"state", name(key.state)},
                   {"published_at", to_rfc3339(key.published)},
                   {"signs_at", to_rfc3339(key.signs_from)}};
  if (key.ends) out["ends_at"] = to_rfc3339(*key.ends);
  return out;
}

TokenDesk::TokenDesk(boost::asio::io_context& io, TokenKeys keys, std::size_t signing_threads,
                     RuleBook& rules, Admission& admission, SessionDesk& sessions, Recorder& recorder,
                     GuardedClock& clock)
    : keys_(std::move(keys)),
      signers_(io, signing_threads),
      rules_(rules),
      admission_(admission),
      sessions_(sessions),
      recorder_(recorder),
      clock_(clock),
      timer_(io, [this] { look(); }) {
  auto random = random_bytes(32);
  reference_secret_ = Secret(BytesView(random));
  wipe(random.data(), random.size());
}

std::string TokenDesk::reference_text(std::string_view id) const {
  return std::string(reference_prefix) + to_base64url(blake2b_keyed(reference_secret_.bytes(), as_bytes(id)));
}

// The kernel's random numbers cost a call for each token; the secret was made of them.
TokenDesk::Reference TokenDesk::new_reference() {
  Reference out;
  out.id = fmt::format("ref {}", ++made_);
  out.text = reference_text(out.id);
  out.hash = blake2b(as_bytes(out.text));
  out.jti = jti_of(out.hash);
  return out;
}

std::string TokenDesk::new_jti() {
  return jti_of(blake2b_keyed(reference_secret_.bytes(), as_bytes(fmt::format("jti {}", ++made_))));
}

Signers::Ticket TokenDesk::start_signing(std::shared_ptr<const proto::Claims> claims) {
  return signers_.start(keys_.sign(std::move(claims)));
}

boost::asio::awaitable<std::string> TokenDesk::signed_text(Signers::Ticket ticket, const std::string& jti) {
  auto making = signers_.made(std::move(ticket));
  auto made = co_await std::move(making);
  if (made.text.empty()) {
    log(Level::error, fmt::format("A token could not be signed: {}", made.failure));
  } else {
    sessions_.token_made(jti, made.hash);
  }
  co_return std::move(made.text);
}

/// Whether this text is the token that was made with these claims, and active.
TokenDesk::Live TokenDesk::known(proto::Claims claims, std::string_view text) const {
  Live live;
  live.claims = std::move(claims);
  const Token* token = sessions_.active_token(live.claims.jti);
  if (token == nullptr || !token->hash) {
    live.why = "not_active";
  } else if (!equal_constant_time(*token->hash, blake2b(as_bytes(text)))) {
    live.why = name(Errc::token_signature);
  } else if (live.claims.iss != rules_.config().issuer) {
    live.why = "issuer";
  } else if (auto times = proto::check_times(live.claims, clock_.now()); !times) {
    live.why = name(times.error().code);
  } else {
    live.token = token;
  }
  return live;
}

TokenDesk::Live TokenDesk::look_up(std::string_view text) const {
  if (text.starts_with(reference_prefix)) {
    const Token* token = sessions_.active_token(jti_of(blake2b(as_bytes(text))));
    if (token != nullptr && token->claims) return known(*token->claims, text);
    return {{}, nullptr, "not_active"};
  }
  auto claims = proto::read_claims(text);
  if (claims) {
    auto live = known(std::move(*claims), text);
    if (live.token != nullptr) return live;
  }
  // It is refused in any case; whether anybody's key signed it is said in the log.
  auto checked = keys_.check(text);
  if (!checked) return {{}, nullptr, std::string(name(checked.error().code))};
  return known(std::move(*checked), text);
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

void TokenDesk::note_key(const TokenKeys::Key& key, std::string_view act, std::string_view by) {
  audit::Record record;
  record.event = name_of(audit::Event::token_key);
  record.details = to_json(key);
  record.details["act"] = act;
  if (act != "published" && act != "signs") record.details.erase("state");  // it is no key any more
  if (!by.empty()) record.details["by"] = by;
  recorder_.note(std::move(record));
  std::string words = "has ended";
  if (act == "published") words = "is published, and signs from " + moment_text(key.signs_from) + " on";
  if (act == "signs") words = "signs tokens from now on";
  if (act == "withdrawn") words = "is not to sign: another algorithm was configured";
  if (act == "revoked") words = "was revoked, with every token that it signed";
  log(audit::Event::token_key, fmt::format("The token key {} {}.", key.shown.kid, words),
      {{"CARDGATE_REASON", std::string(act)}});
}

milliseconds TokenDesk::longest_life() const {
  milliseconds longest{0};
  for (const auto& role : rules_.policy()->roles()) longest = std::max(longest, role.token_life);
  return longest;
}

/// The next key signs from now on; what the one before has signed ends by itself.
void TokenDesk::switch_over(std::string_view by) {
  const WallTime now = clock_.now();
  keys_.switch_over(now, now + longest_life());
  note_key(keys_.signing(), "signs", by);
}

Result<void> TokenDesk::publish(WallTime signs_from, std::string_view by) {
  const auto published = TRY(keys_.publish(rules_.config().tokens.algorithm, clock_.now(), signs_from));
  note_key(published, "published", by);
  return {};
}

/// A next key that is of another algorithm than is configured by now never signs.
void TokenDesk::drop_next_of_another_algorithm() {
  const auto* next = keys_.next();
  if (next == nullptr || next->shown.algorithm == rules_.config().tokens.algorithm) return;
  const TokenKeys::Key key = *next;
  keys_.forget(key.number);
  note_key(key, "withdrawn", {});
}

bool TokenDesk::wants_next(WallTime now) const {
  const auto& settings = rules_.config().tokens;
  const auto& signing = keys_.signing();
  if (keys_.next() != nullptr) return false;
  return signing.shown.algorithm != settings.algorithm ||
         (settings.rotate_every &&
          signing.signs_from + *settings.rotate_every <= now + settings.publish_ahead);
}

void TokenDesk::look() {
  const auto& settings = rules_.config().tokens;
  const WallTime now = clock_.now();
  if (keys_.is_new() && !std::exchange(told_of_first_, true)) note_key(keys_.signing(), "signs", {});
  keys_.clamp(now + settings.publish_ahead, now, now + longest_life());
  drop_next_of_another_algorithm();
  bool again = false;
  if (wants_next(now)) {
    const auto done = publish(now + settings.publish_ahead, {});
    again = !done;
    if (!done) log(Level::error, "The next token key could not be made: " + done.error().message());
  }
  if (const auto* next = keys_.next(); next != nullptr && next->signs_from <= now) switch_over({});
  for (const auto& key : keys_.all()) {
    if (key.state != TokenKeys::State::old || !key.ends || *key.ends > now) continue;
    keys_.forget(key.number);
    note_key(key, "ended", {});
  }
  if (const auto saved = keys_.save(); !saved) {
    again = true;
    log(Level::error, "The token keys could not be written, and are as they were before after a restart: " +
                          saved.error().message());
  }
  arm(now, again);
}

void TokenDesk::arm(WallTime now, bool again) {
  const auto& settings = rules_.config().tokens;
  WallTime at = now + look_at_keys_at_least;
  const auto consider = [&](WallTime when) { at = std::min(at, std::max(when, now + seconds(1))); };
  if (again) consider(now + try_keys_again);
  for (const auto& key : keys_.all()) {
    if (key.state == TokenKeys::State::next) consider(key.signs_from);
    if (key.state == TokenKeys::State::old && key.ends) consider(*key.ends);
    if (key.state == TokenKeys::State::signing && settings.rotate_every && keys_.next() == nullptr && !again)
      consider(key.signs_from + *settings.rotate_every - settings.publish_ahead);
  }
  timer_.set(clock_.boot_time_of(at + milliseconds(1)));
}

Result<TokenKeys::Key> TokenDesk::rotate(bool at_once) {
  const WallTime now = clock_.now();
  drop_next_of_another_algorithm();
  if (keys_.next() != nullptr && !at_once)
    return Error{Errc::invalid_argument,
                 fmt::format("The next key is published already, and signs from {} on. For at once: "
                             "cardgate token-key rotate --at-once",
                             moment_text(keys_.next()->signs_from))};
  if (keys_.next() == nullptr && keys_.published().size() >= max_token_keys)
    return Error{
        Errc::invalid_argument,
        fmt::format("{} keys are published, which is the limit. The old ones go by themselves when their "
                    "last token has ended",
                    max_token_keys)};
  if (keys_.next() == nullptr)
    TRY(publish(at_once ? now : now + rules_.config().tokens.publish_ahead, "root"));
  const std::string kid = keys_.next()->shown.kid;
  if (at_once) switch_over("root");
  look();
  return *keys_.find(kid);
}

/// Its tokens first: that needs neither a disk nor a key. Then all in one step, so that no crash leaves half of it.
Result<TokenKeys::Key> TokenDesk::revoke_key(std::string_view kid) {
  const auto* found = keys_.find(kid);
  if (found == nullptr) return Error{Errc::not_found, "There is no token key with this id"};
  const TokenKeys::Key key = *found;
  sessions_.revoke_signed_by(key.number);
  if (key.state == TokenKeys::State::signing) {
    drop_next_of_another_algorithm();
    if (keys_.next() == nullptr) TRY(publish(clock_.now(), "root"));
    switch_over("root");
  }
  keys_.forget(key.number);
  note_key(key, "revoked", "root");
  look();
  return key;
}

}  // namespace cardgate::daemon
