// SPDX-License-Identifier: Apache-2.0
// cardgate for applications: who is signed in at this machine, a token for them, and a word when they leave.
// C++17. Link with `pkg-config --cflags --libs cardgate`, or with cardgate::cardgate after CMake's find_package(cardgate).
//
//   cardgate::Client client;
//   cardgate::TokenSource tokens(client, "core", "esr");
//   if (auto token = tokens.get()) {
//     call_the_record_system("Authorization: Bearer " + token->text());
//   } else {
//     show(token.error().text);  // "You need: ESR06 access form. ..."
//   }
//
// Which program may ask for what is decided by the kernel's word about it and by `clients` in cardgate's configuration;
// there is no key or password to give.
//
// Errors are values (Error). Nothing is thrown but std::bad_alloc, and std::bad_variant_access by whoever takes the value of a
// Result that has none. No call waits longer than its deadline, also when the machine sleeps meanwhile.
//
// Threads: a Client and a TokenSource may be used by any number of threads. A Watch is for one thread, except stop(). The
// library starts no thread, changes no signal, reads no environment variable and writes nothing anywhere. Its descriptors are
// closed on exec.
//
// Secrets: a token opens records for whoever has it. Token is wiped when it goes, and so is every buffer that it passed
// through. It cannot be printed by accident; give text() to nobody but the application that the token is for.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <iosfwd>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#define CARDGATE_PUBLIC __attribute__((visibility("default")))
#define CARDGATE_INSIDE __attribute__((visibility("hidden")))

namespace cardgate {
inline namespace v0 {

/// What went wrong. More may follow, so treat one that you do not know as `refused`.
enum class Errc {
  bad_argument,         // the caller's own value: an empty role, a socket path of more than 107 bytes
  not_reachable,        // the service does not run, hung up, or cannot be started
  no_permission,        // this user may not open the socket
  timeout,              // no answer within the deadline; of Watch::next(): nothing happened
  bad_answer,           // what came is not an answer of cardgate
  not_signed_in,        // nobody is signed in, or the session has ended
  several_sessions,     // `sessions` lists them: name one
  locked,               // the session, or the person's screen, is locked
  proof_needed,         // card and passcode must be given again, because they were given too long ago
  denied,               // the person does not have the role; `missing` says what it needs
  program_not_allowed,  // this program may not ask for it: `clients` in cardgate's configuration
  token_not_active,     // the token is over, was taken back, or is none of this service
  token_not_for_this,   // the token is for another application or role
  try_later,            // too many requests, or the service cannot answer just now; `retry_after` says when
  refused,              // for another reason; `reason` has its name
  stopped,              // Watch::stop() was called
};

/// One thing that a role needs and that the person does not have, in sentences for the person.
struct Missing {
  std::string prerequisite;  // its name in the policy
  std::string text;          // what is missing
  std::string who;           // who can put it right
  std::string next_step;     // what to do next
};

struct Error {
  Errc code = Errc::refused;
  std::string reason;  // the service's own name for it ("access_denied"); empty when it said nothing
  std::string text;    // for people: what happened and what to do next
  std::vector<Missing> missing;  // with `denied`
  std::vector<std::string>
      sessions;  // with `several_sessions`: their ids; with `proof_needed`: the one to resume
  std::chrono::seconds retry_after{0};  // with `try_later`
};

/// A value, or the Error why there is none.
template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : outcome_(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : outcome_(std::in_place_index<1>, std::move(error)) {}

  bool has_value() const noexcept { return outcome_.index() == 0; }
  explicit operator bool() const noexcept { return has_value(); }
  T& operator*() & { return std::get<0>(outcome_); }
  const T& operator*() const& { return std::get<0>(outcome_); }
  T&& operator*() && { return std::get<0>(std::move(outcome_)); }
  T* operator->() { return &std::get<0>(outcome_); }
  const T* operator->() const { return &std::get<0>(outcome_); }
  const Error& error() const { return std::get<1>(outcome_); }

 private:
  std::variant<T, Error> outcome_;
};

/// A signed-in person.
struct Session {
  enum class State {
    active,
    locked,  // until the person types the passcode
    grace,   // the card is out; tokens live on for the time that the policy says, and nothing new is issued
  };
  std::string id;        // opens nothing to another user
  std::string person;    // personnel number
  std::string name;      // for people
  bool by_card = false;  // otherwise by password, which opens the person's own record only
  State state = State::active;
  bool card_out = false;  // the session lives on, and its card is not in a reader
  std::string reader;     // by card only
  std::chrono::system_clock::time_point signed_in_at;
  std::chrono::system_clock::time_point expires_at;  // it may end earlier: the card, the clock, the policy
  std::vector<std::string> warnings;                 // sentences for the person
};

/// A bearer token: a JWT, or another text without spaces. Wiped when it goes.
class CARDGATE_PUBLIC Token {
 public:
  Token(const Token&);
  Token(Token&&) noexcept;
  Token& operator=(const Token&);
  Token& operator=(Token&&) noexcept;
  ~Token();

  const std::string& text() const noexcept { return text_; }
  /// Until it is over, by a clock that nobody can set; 0 from then on. It may end earlier: the card, the policy.
  std::chrono::milliseconds left() const noexcept;

 private:
  friend class Client;
  friend class TokenSource;
  Token(std::string text, std::int64_t asked_ms, std::int64_t life_ms);

  std::string text_;
  std::int64_t ends_ms_ = 0;  // on CLOCK_BOOTTIME
  std::int64_t life_ms_ = 0;
};
std::ostream& operator<<(std::ostream&, const Token&) = delete;

/// Whose token it was that verify() looked at.
struct Holder {
  std::string person;  // personnel number
  std::string session;
  std::string role;
};

struct Options {
  std::string socket = "/run/cardgate/cardgate.sock";
  std::chrono::milliseconds deadline{30'000};  // over all of a call
  std::chrono::milliseconds silence{
      45'000};  // of a Watch: the service says a word every 15 s, so longer means that it hangs
};

/// The service on this machine. Cheap to copy; it holds no connection open. Every call also ends in: bad_argument,
/// not_reachable, no_permission, timeout, bad_answer, try_later, refused.
class CARDGATE_PUBLIC Client {
 public:
  explicit Client(Options options = {});
  Client(const Client&);
  Client& operator=(const Client&);
  ~Client();

  /// This user's sessions, perhaps none.
  Result<std::vector<Session>> sessions() const;
  /// The session of this id; without one, the only session of this user.
  /// Errors: not_signed_in, several_sessions.
  Result<Session> session(const std::string& id = {}) const;

  /// A token for the person who is signed in: the same one again while more than half of its life is left, or, with `fresh`, a
  /// new one. Most programs want a TokenSource, which keeps one. `session` is needed only where the user has several.
  /// Errors: not_signed_in, several_sessions, locked, proof_needed, denied, program_not_allowed.
  Result<Token> token(const std::string& role, const std::string& audience, const std::string& session = {},
                      bool fresh = false) const;

  /// For an application that was given a token: does it open this role (any role, when empty) at this audience *now*? A token
  /// of a card that was pulled is refused at once. Never keep the answer: ask for each request.
  /// Errors: token_not_active, token_not_for_this, program_not_allowed.
  Result<Holder> verify(std::string_view token, const std::string& audience,
                        const std::string& role = {}) const;
  /// The public keys (a JWK Set, RFC 7517) for a JWT library. Who checks a token by these alone accepts it until it expires,
  /// whatever became of the card.
  Result<std::string> keys() const;

 private:
  friend class TokenSource;
  friend class Watch;
  struct CARDGATE_INSIDE State;
  std::shared_ptr<const State> state_;
};

/// Keeps one token and asks for the next one before it ends.
///
/// A token is renewed when it is used in the last quarter of its life, and never on its own: a session that nobody uses must
/// be able to lock.
class CARDGATE_PUBLIC TokenSource {
 public:
  TokenSource(const Client& client, std::string role, std::string audience, std::string session = {});
  TokenSource(TokenSource&&) noexcept;
  TokenSource& operator=(TokenSource&&) noexcept;
  ~TokenSource();

  /// A token that has not expired. While the service cannot be reached, the one at hand for as long as it lasts; when the
  /// service refuses a new one, the one at hand is forgotten. Threads that come while one asks wait for its answer.
  /// Errors: as Client::token().
  Result<Token> get();
  /// The application refused the token, or the session has ended: the next get() asks for a new one.
  void forget();

 private:
  struct CARDGATE_INSIDE State;
  std::unique_ptr<State> state_;
};

/// Something that happened at this machine.
struct Event {
  enum class What {
    watching,       // from here on nothing is missed. What happened before is not told: ask for the session
    opened,         // `session`
    resumed,        // `session` is active again
    locked,         // `session`: no new tokens until the passcode is given
    grace,          // `session`: its card is out, and it ends soon unless the card comes back
    ended,          // `session`, with its tokens, and why (`reason`): stop showing what it opened
    token_revoked,  // `token` (the claim jti), and why (`reason`)
    card_in,        // `reader`
    card_out,       // `reader`
    stopping,       // the service stops: all sessions have ended
    other,          // `name` and `kind` say what; more may follow
  };
  What what = What::other;
  std::string name, kind;  // as the service calls it: "session", "ended"
  std::string session, reader, token, reason;
};

/// Follows what happens to this user's sessions (root: to all) and to the cards, in the order in which it happens.
///
///   cardgate::Watch watch(client);
///   while (running) {
///     auto event = watch.next(std::chrono::minutes(1));
///     if (!event && event.error().code == cardgate::Errc::timeout) continue;
///     if (!event || event->what == Event::What::ended) close_the_record();  // nothing is heard: as if the session had ended
///   }
class CARDGATE_PUBLIC Watch {
 public:
  explicit Watch(const Client& client);
  Watch(Watch&&) noexcept;
  Watch& operator=(Watch&&) noexcept;
  ~Watch();

  /// The next event; the first one is `watching`. When the connection is lost, says so once (not_reachable); the next call
  /// connects again, after a pause that grows to 5 s, and begins with `watching`.
  /// Errors: timeout (nothing happened), not_reachable, no_permission, bad_answer, try_later, stopped.
  Result<Event> next(std::chrono::milliseconds patience);
  /// For an event loop: call next(0 ms) until it says timeout, then wait until this is readable or a second has passed.
  /// It changes with each connection; -1 while there is none.
  int descriptor() const noexcept;
  /// From any thread: next() ends with `stopped`, now and from then on.
  void stop() noexcept;

 private:
  struct CARDGATE_INSIDE State;
  std::unique_ptr<State> state_;
};

}  // namespace v0
}  // namespace cardgate
