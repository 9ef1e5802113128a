// SPDX-License-Identifier: Apache-2.0
// The keys that sign tokens, from their publication to the end of the last token that they signed:
//
//   next     published (JWKS), signs nothing yet: whoever verifies offline learns of it in time
//   signing  one at a time
//   old      signs nothing any more; published until the last of its tokens has ended
//
// All are made of the service's one secret (keys.hpp: a file, or sealed) and of random salts in a file of their own, of which
// neither tells a key alone. So a key can be made anew without touching what is sealed. Where the file of salts is gone, a new
// key signs: none comes back that was taken away. One thread.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/clock.hpp"
#include "base/crypto.hpp"
#include "proto/token.hpp"
#include "trust/es256.hpp"

namespace cardgate::daemon {

class TokenKeys {
 public:
  enum class State : std::uint8_t { next, signing, old };
  struct Key {
    std::uint32_t number = 1;
    State state = State::signing;
    proto::VerifyingKey shown;
    WallTime published, signs_from;
    std::optional<WallTime> ends;  // of an old one
  };

  /// Without `file`, or with one of another secret, one new key signs at once. Errors: corrupt, io, permission_denied; internal.
  static Result<TokenKeys> open(SigningKey secret, std::filesystem::path file, proto::Algorithm algorithm,
                                WallTime now);

  const Key& signing() const;
  const Key* next() const;
  const Key* find(std::string_view kid) const;
  std::vector<Key> all() const;
  /// All that are not over.
  const std::vector<proto::VerifyingKey>& published() const { return published_; }
  /// What makes the token of these claims, by the key that signs now. It may be called on any thread, and throws std::runtime_error
  /// where it cannot (no memory).
  std::function<std::string()> sign(std::shared_ptr<const proto::Claims> claims);
  /// Whether one of them signed it, and if not, why.
  Result<proto::Claims> check(std::string_view token) const;

  // Each holds at once in memory, so that a key can be taken away whatever the disk says; save() follows. A restart that comes before
  // ends all tokens in any case.
  /// Publishes the next one. REQUIRES: there is none. Errors: internal.
  Result<Key> publish(proto::Algorithm algorithm, WallTime now, WallTime signs_from);
  /// The next one signs; the one before stays until `old_ends`, and until the last of its tokens has ended. REQUIRES: there is a next one.
  void switch_over(WallTime now, WallTime old_ends);
  /// Of a wall clock that was ahead by mistake: no time stays further away than it would be from now.
  void clamp(WallTime next_signs, WallTime signs, WallTime old_ends);
  /// Forgets a key that is not the signing one. Which: its number.
  void forget(std::uint32_t number);

  /// It began with a key that nobody has seen before.
  bool is_new() const { return new_; }
  bool is_saved() const { return saved_; }
  /// Writes what was not written yet. Errors: io, no_space, permission_denied.
  Result<void> save();

 private:
  using Private = std::variant<SigningKey, trust::Es256Key>;
  struct Held {
    Key key;
    std::string salt;  // base64url
    std::shared_ptr<const Private> secret;
    WallTime last_end{};  // of the tokens that it signed in this process
  };

  TokenKeys(SigningKey secret, std::filesystem::path file)
      : secret_(std::move(secret)), file_(std::move(file)) {}
  Result<Held> make(std::uint32_t number, proto::Algorithm algorithm, std::string salt) const;
  Result<Held> make_new(std::uint32_t number, proto::Algorithm algorithm) const;
  Result<void> load(std::string_view text);
  Result<Held> read_entry(const json::value& item) const;
  void changed();

  SigningKey secret_;
  std::filesystem::path file_;
  std::vector<Held> held_;  // in the order of their numbers
  std::uint32_t last_ = 0;  // the last number that was used
  std::vector<proto::VerifyingKey> published_;
  bool saved_ = true;
  bool new_ = false;
};

/// Stable codes: "next", "signing", "old".
std::string_view name(TokenKeys::State state);

}  // namespace cardgate::daemon
