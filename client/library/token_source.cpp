// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <mutex>

#include "client/library/reading.hpp"
#include "client/library/state.hpp"

namespace cardgate::inline v0 {
namespace {

constexpr std::int64_t shortest_pause_ms = 250;  // between two questions that found no answer
constexpr std::int64_t longest_pause_ms = 10'000;

/// The service did not say no: it could not be asked.
bool is_passing(Errc code) {
  return code == Errc::not_reachable || code == Errc::timeout || code == Errc::try_later;
}

}  // namespace

Token::Token(std::string text, std::int64_t asked_ms, std::int64_t life_ms)
    : text_(std::move(text)), ends_ms_(asked_ms + life_ms), life_ms_(life_ms) {}
Token::Token(const Token&) = default;
Token::Token(Token&& other) noexcept
    : text_(std::move(other.text_)), ends_ms_(other.ends_ms_), life_ms_(other.life_ms_) {
  inside::wipe(other.text_);
}
Token& Token::operator=(const Token& other) {
  if (this != &other) *this = Token(other);
  return *this;
}
Token& Token::operator=(Token&& other) noexcept {
  if (this == &other) return *this;
  inside::wipe(text_);
  text_.swap(other.text_);
  ends_ms_ = other.ends_ms_;
  life_ms_ = other.life_ms_;
  return *this;
}
Token::~Token() {
  inside::wipe(text_);
}

std::chrono::milliseconds Token::left() const noexcept {
  return std::chrono::milliseconds(std::max<std::int64_t>(0, ends_ms_ - inside::boot_ms()));
}

struct TokenSource::State {
  Client client;
  std::string role, audience, session;
  std::mutex mutex;
  std::optional<Token> held;
  std::int64_t next_try_ms = 0;
  std::int64_t pause_ms = shortest_pause_ms;
  bool forgotten = false;  // the service would hand out the same one again
};

TokenSource::TokenSource(const Client& client, std::string role, std::string audience, std::string session)
    : state_(new State{client, std::move(role), std::move(audience), std::move(session), {}, {}}) {}
TokenSource::TokenSource(TokenSource&&) noexcept = default;
TokenSource& TokenSource::operator=(TokenSource&&) noexcept = default;
TokenSource::~TokenSource() = default;

Result<Token> TokenSource::get() {
  State& state = *state_;
  const std::lock_guard lock(state.mutex);
  const auto left_ms = state.held ? state.held->left().count() : 0;
  if (state.held && left_ms > state.held->life_ms_ / 4) return *state.held;
  // What lives on is used meanwhile; without it every caller hears for itself that the service cannot be asked.
  if (left_ms > 0 && inside::boot_ms() < state.next_try_ms) return *state.held;
  auto fresh = state.client.token(state.role, state.audience, state.session, state.forgotten);
  if (fresh) {
    state.forgotten = false;
    state.pause_ms = shortest_pause_ms;
    state.next_try_ms = 0;
    state.held = *std::move(fresh);
    return *state.held;
  }
  if (is_passing(fresh.error().code) && state.held && state.held->left().count() > 0) {
    const std::chrono::milliseconds told = fresh.error().retry_after;
    state.next_try_ms = inside::boot_ms() + std::max<std::int64_t>(state.pause_ms, told.count());
    state.pause_ms = std::min(state.pause_ms * 2, longest_pause_ms);
    return *state.held;
  }
  state.held.reset();
  return fresh;
}

void TokenSource::forget() {
  const std::lock_guard lock(state_->mutex);
  state_->held.reset();
  state_->forgotten = true;
}

}  // namespace cardgate::inline v0
