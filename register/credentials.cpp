// SPDX-License-Identifier: Apache-2.0
#include "register/credentials.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/crypto.hpp"
#include "register/database.hpp"
#include "register/normal.hpp"
#include "register/sql.hpp"
#include "register/writing.hpp"

namespace cardgate::reg {
namespace {

std::string_view name(CredentialKind kind) {
  return kind == CredentialKind::password ? "password" : "code";
}

/// A user name that somebody mistyped may be their password, so none is kept in clear. Other spellings of one name share
/// its tries.
std::string pair_mark(CredentialKind kind, std::string_view username, uid_t uid) {
  const auto digest =
      blake2b(as_bytes(fmt::format("{} {} ", name(kind), uid)), as_bytes(normal_username(username)));
  return to_hex(BytesView(digest).first(16));
}
std::string uid_mark(std::string_view what, uid_t uid) {
  return fmt::format("uid {} {}", uid, what);
}

class SqliteCredentials final : public Credentials {
 public:
  SqliteCredentials(std::unique_ptr<SQLite::Database> database, const ThrottleRules& rules)
      : database_(std::move(database)),
        rules_(rules),
        by_login_(*database_, sql::by_login),
        key_of_(*database_, sql::key_of),
        stored_{SQLite::Statement(*database_, sql::password), SQLite::Statement(*database_, sql::activation)},
        add_failures_{SQLite::Statement(*database_, sql::add_password_failures),
                      SQLite::Statement(*database_, sql::add_code_failures)},
        clear_failures_{SQLite::Statement(*database_, sql::clear_password_failures),
                        SQLite::Statement(*database_, sql::clear_code_failures)},
        throttle_(*database_, sql::throttle),
        set_throttle_(*database_, sql::set_throttle),
        drop_throttle_(*database_, sql::drop_throttle),
        prune_(*database_, sql::prune_throttle),
        marks_(*database_, sql::marks),
        oldest_(*database_, sql::oldest_mark),
        set_password_(*database_, sql::set_password),
        rehash_(*database_, sql::rehash_password),
        drop_activation_(*database_, sql::drop_activation),
        add_request_(*database_, sql::add_request),
        requested_since_(*database_, sql::requested_since),
        set_code_(*database_, sql::set_code),
        writing_(*database_) {}

  Result<Attempt> begin(CredentialKind kind, std::string_view username, uid_t uid, WallTime now) override {
    return in_transaction([&]() -> Result<Attempt> {
      const std::int64_t at = to_unix_seconds(now);
      prune(at);
      const std::string pair = pair_mark(kind, username, uid);
      const std::string all = uid_mark("guesses", uid);
      const Counter of_pair = counter(pair, at);
      const Counter of_uid = leaked(counter(all, at), rules_.uid_failures, at);
      Attempt attempt;
      attempt.wait = std::max(pair_wait(of_pair, at), bucket_wait(of_uid, rules_.uid_failures, at));
      if (attempt.wait.count() > 0) return attempt;
      set(pair, {of_pair.failures + 1, at});
      set(all, {of_uid.failures + 1, of_uid.last_at});
      attempt.credential = take(kind, username);
      return attempt;
    });
  }

  Result<void> succeeded(CredentialKind kind, std::string_view username, uid_t uid,
                         std::string_view person) override {
    return in_transaction([&]() -> Result<void> {
      Query(drop_throttle_, pair_mark(kind, username, uid)).run();
      add(uid_mark("guesses", uid), -1);
      if (const auto key = key_of(person)) Query(clear_failures_[index(kind)], *key).run();
      return {};
    });
  }

  Result<void> undone(CredentialKind kind, std::string_view username, uid_t uid,
                      std::string_view person) override {
    return in_transaction([&]() -> Result<void> {
      add(pair_mark(kind, username, uid), -1);
      add(uid_mark("guesses", uid), -1);
      if (const auto key = key_of(person)) add_failures(kind, *key, -1);
      return {};
    });
  }

  Result<PasswordState> password_state(std::string_view person) override {
    return guarded([&]() -> Result<PasswordState> {
      const auto key = key_of(person);
      if (!key) return PasswordState();
      const auto found = read(CredentialKind::password, *key);
      if (!found) return PasswordState();
      return PasswordState{true, found->dead, found->must_change, found->expires};
    });
  }

  Result<void> set_password(const NewPassword& next, std::string_view replaces, WallTime now) override {
    return in_transaction([&]() -> Result<void> {
      const auto key = key_of(next.person);
      if (!key) return nobody();
      if (!replaces.empty()) TRY(must_be(CredentialKind::password, *key, replaces));
      std::optional<std::int64_t> expires;
      if (next.expires) expires = to_unix_seconds(*next.expires);
      Query(set_password_, *key, next.hash, to_unix_seconds(now), next.must_change, expires).run();
      Query(drop_activation_, *key).run();
      return {};
    });
  }

  Result<void> rehash(std::string_view person, std::string_view replaces, std::string_view hash) override {
    return in_transaction([&]() -> Result<void> {
      if (const auto key = key_of(person)) Query(rehash_, hash, *key, replaces).run();
      return {};
    });
  }

  Result<void> activate(std::string_view person, std::string_view code_hash, std::string_view hash,
                        WallTime now) override {
    return in_transaction([&]() -> Result<void> {
      const auto key = key_of(person);
      if (!key) return nobody();
      TRY(must_be(CredentialKind::code, *key, code_hash));
      Query(drop_activation_, *key).run();
      Query(set_password_, *key, hash, to_unix_seconds(now), false, std::optional<std::int64_t>()).run();
      return {};
    });
  }

  Result<seconds> request_activation(uid_t uid, std::string_view person, WallTime now) override {
    return in_transaction([&]() -> Result<seconds> {
      const std::int64_t at = to_unix_seconds(now);
      prune(at);
      const std::string mark = uid_mark("enrolments", uid);
      const Counter of_uid = leaked(counter(mark, at), rules_.enrolments, at);
      if (const auto wait = bucket_wait(of_uid, rules_.enrolments, at); wait.count() > 0) return wait;
      set(mark, {of_uid.failures + 1, of_uid.last_at});
      if (person.empty()) return seconds(0);
      const auto key = key_of(person);
      if (!key) return nobody();
      Query(add_request_, *key, at).run();
      return seconds(0);
    });
  }

  Result<bool> has_request(std::string_view person, WallTime since) override {
    return guarded([&]() -> Result<bool> {
      const auto key = key_of(person);
      return key && Query(requested_since_, *key, to_unix_seconds(since)).next();
    });
  }

  Result<void> set_code(std::string_view person, std::string_view hash, WallTime since,
                        WallTime expires) override {
    return in_transaction([&]() -> Result<void> {
      const auto key = key_of(person);
      if (!key || !Query(requested_since_, *key, to_unix_seconds(since)).next())
        return Error{Errc::not_found, "there is no open request for an activation code"};
      Query(set_code_, hash, to_unix_seconds(expires), *key).run();
      return {};
    });
  }

 private:
  struct Counter {
    std::int64_t failures = 0, last_at = 0;
  };

  /// Rolled back unless the work succeeds.
  template <class Work>
  auto in_transaction(Work work) -> decltype(work()) {
    return writing_.change([&]() -> decltype(work()) {
      SQLite::Transaction transaction(*database_, SQLite::TransactionBehavior::IMMEDIATE);
      auto result = work();
      if (result) transaction.commit();
      return result;
    });
  }

  static std::size_t index(CredentialKind kind) { return kind == CredentialKind::password ? 0 : 1; }
  static Error nobody() { return {Errc::not_found, "the staff register has no such person"}; }

  std::optional<std::int64_t> key_of(std::string_view person) {
    if (person.empty()) return std::nullopt;
    Query query(key_of_, person);
    if (!query.next()) return std::nullopt;
    return query.integer();
  }

  Result<void> must_be(CredentialKind kind, std::int64_t key, std::string_view hash) {
    Query query(stored_[index(kind)], key);
    if (query.next() && query.text() == hash) return {};
    return Error{Errc::cancelled, "it was changed at the same moment by somebody else"};
  }

  void add_failures(CredentialKind kind, std::int64_t key, std::int64_t count) {
    Query(add_failures_[index(kind)], count, key).run();
  }

  /// The credential, and one more failure of it. Dead ones have no hash.
  Credential take(CredentialKind kind, std::string_view username) {
    Credential out;
    std::int64_t key = 0;
    {
      Query who(by_login_, username, normal_username(username));
      if (!who.next()) return out;
      key = who.integer();
      out.person = who.text();
    }
    auto found = read(kind, key);
    if (!found) return out;
    found->person = std::move(out.person);
    if (found->dead) found->hash.clear();
    add_failures(kind, key, 1);
    return std::move(*found);
  }

  std::optional<Credential> read(CredentialKind kind, std::int64_t key) {
    Query query(stored_[index(kind)], key);
    if (!query.next()) return std::nullopt;
    Credential out;
    out.hash = query.text();
    out.must_change = query.flag();
    if (const auto at = query.optional_integer()) out.expires = WallTime(seconds(*at));
    out.dead = query.integer() >= rules_.account_failures;
    return out;
  }

  std::optional<Counter> stored(const std::string& mark) {
    Query query(throttle_, mark);
    if (!query.next()) return std::nullopt;
    Counter found;
    found.failures = query.integer();
    found.last_at = query.integer();
    return found;
  }
  /// A time from the future is now from here on, so that its wait has an end.
  Counter counter(const std::string& mark, std::int64_t at) {
    const auto found = stored(mark);
    if (!found) return {0, at};
    if (found->last_at > at) set(mark, {found->failures, at});
    return {found->failures, std::min(found->last_at, at)};
  }
  void set(const std::string& mark, const Counter& value) {
    Query(set_throttle_, mark, value.failures, value.last_at).run();
  }
  void add(const std::string& mark, std::int64_t count) {
    const auto found = stored(mark);
    if (found && found->failures + count >= 0) set(mark, {found->failures + count, found->last_at});
  }

  seconds pair_wait(const Counter& counter, std::int64_t at) const {
    if (counter.failures < rules_.free_failures) return seconds(0);
    seconds wait = rules_.first_wait;
    for (auto more = counter.failures - rules_.free_failures; more > 0 && wait < rules_.longest_wait; --more)
      wait *= 2;
    wait = std::min(wait, rules_.longest_wait);
    return std::max(seconds(0), wait - seconds(at - counter.last_at));
  }

  std::int64_t drop_every(std::int64_t allowed) const {
    return std::max<std::int64_t>(1, rules_.uid_period.count() / allowed);
  }
  /// One failure is forgotten every so often.
  Counter leaked(const Counter& counter, std::int64_t allowed, std::int64_t at) const {
    const std::int64_t gone = (at - counter.last_at) / drop_every(allowed);
    if (gone >= counter.failures) return {0, at};
    return {counter.failures - gone, counter.last_at + gone * drop_every(allowed)};
  }
  seconds bucket_wait(const Counter& counter, std::int64_t allowed, std::int64_t at) const {
    if (counter.failures < allowed) return seconds(0);
    return seconds(std::max<std::int64_t>(1, counter.last_at + drop_every(allowed) - at));
  }

  void prune(std::int64_t at) {
    Query(prune_, at - rules_.remembered.count()).run();
    std::int64_t count = 0;
    {
      Query query(marks_);
      if (query.next()) count = query.integer();
    }
    // An attempt adds two at most.
    for (; count + 2 > rules_.marks; --count) {
      std::string mark;
      {
        Query query(oldest_);
        if (!query.next()) return;
        mark = query.text();
      }
      Query(drop_throttle_, mark).run();
    }
  }

  std::unique_ptr<SQLite::Database> database_;  // outlives the statements
  ThrottleRules rules_;
  SQLite::Statement by_login_, key_of_;
  std::array<SQLite::Statement, 2> stored_, add_failures_, clear_failures_;  // by kind
  SQLite::Statement throttle_, set_throttle_, drop_throttle_, prune_, marks_, oldest_, set_password_, rehash_,
      drop_activation_, add_request_, requested_since_, set_code_;
  Writing writing_;
};

}  // namespace

Result<std::unique_ptr<Credentials>> open_credentials(const std::filesystem::path& path,
                                                      const ThrottleRules& rules) {
  auto database = TRY(open_database(path, Opening::again));
  return guarded([&]() -> Result<std::unique_ptr<Credentials>> {
    keep_log_files(*database);
    return std::unique_ptr<Credentials>(std::make_unique<SqliteCredentials>(std::move(database), rules));
  });
}

}  // namespace cardgate::reg
