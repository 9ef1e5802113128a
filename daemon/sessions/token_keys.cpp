// SPDX-License-Identifier: Apache-2.0
#include "daemon/sessions/token_keys.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/file.hpp"
#include "base/json.hpp"

namespace cardgate::daemon {
namespace {

constexpr std::size_t max_keys_file_bytes = 64UL * 1024;
constexpr std::size_t salt_bytes = 32;
constexpr std::int64_t max_number = 1'000'000'000;

using KeyState = TokenKeys::State;

std::optional<KeyState> parse_key_state(std::string_view text) {
  for (const auto each : {KeyState::next, KeyState::signing, KeyState::old}) {
    if (name(each) == text) return each;
  }
  return std::nullopt;
}

/// Of a secret and a salt. Neither tells it alone.
Digest key_seed(const SigningKey& secret, BytesView salt) {
  static constexpr std::string_view domain = "cardgate token key v1";
  Bytes message(domain.begin(), domain.end());
  message.insert(message.end(), salt.begin(), salt.end());
  const Secret seed = secret.seed();
  return blake2b_keyed(seed.bytes(), message);
}

}  // namespace

std::string_view name(TokenKeys::State state) {
  static constexpr std::array<std::string_view, 3> names{"next", "signing", "old"};
  return names[static_cast<std::size_t>(state)];
}

Result<TokenKeys> TokenKeys::open(SigningKey secret, std::filesystem::path file, proto::Algorithm algorithm,
                                  WallTime now) {
  TokenKeys keys(std::move(secret), std::move(file));
  const auto text = read_file(keys.file_, max_keys_file_bytes);
  const auto loaded = text ? keys.load(*text) : Result<void>(text.error());
  if (loaded) return keys;
  // Salts of another secret, which is lost, are of no use: nobody has a key of theirs any more.
  if (loaded.error().code != Errc::not_found) return loaded.error();
  auto first = TRY(keys.make_new(1, algorithm));
  first.key.published = first.key.signs_from = std::chrono::floor<seconds>(now);
  keys.last_ = first.key.number;
  keys.held_.push_back(std::move(first));
  keys.changed();
  keys.new_ = true;
  return keys;
}

/// A kid that begins with a dash would be taken for an option of a command.
Result<TokenKeys::Held> TokenKeys::make_new(std::uint32_t number, proto::Algorithm algorithm) const {
  for (;;) {
    auto made = TRY(make(number, algorithm, to_base64url(random_bytes(salt_bytes))));
    if (!made.key.shown.kid.starts_with('-')) return made;
  }
}

Result<TokenKeys::Held> TokenKeys::make(std::uint32_t number, proto::Algorithm algorithm,
                                        std::string salt) const {
  Key key;
  key.number = number;
  key.shown.algorithm = algorithm;
  const auto bytes = from_base64url(salt);
  if (!bytes || bytes->size() != salt_bytes) return Error{Errc::corrupt, "a salt that is not 32 bytes"};
  Digest made = key_seed(secret_, *bytes);
  const Secret seed{BytesView(made)};
  wipe(made.data(), made.size());
  if (algorithm == proto::Algorithm::es256) {
    auto by_curve = TRY(trust::Es256Key::from_seed(seed.bytes()));
    key.shown.key = by_curve.point().x;
    key.shown.y = by_curve.point().y;
    key.shown.kid = proto::key_id(key.shown);
    return Held{std::move(key), std::move(salt), std::make_shared<const Private>(std::move(by_curve))};
  }
  auto plain = TRY(SigningKey::from_seed(seed.bytes()));
  key.shown.key = plain.public_key();
  key.shown.kid = proto::key_id(key.shown);
  return Held{std::move(key), std::move(salt), std::make_shared<const Private>(std::move(plain))};
}

Result<TokenKeys::Held> TokenKeys::read_entry(const json::value& item) const {
  const Error no_key{Errc::corrupt, "has an entry that is no key"};
  const auto* entry = item.if_object();
  if (entry == nullptr) return no_key;
  const auto text = [&](std::string_view member) {
    const auto* value = find_string(*entry, member);
    return value == nullptr ? std::string() : std::string(*value);
  };
  const auto algorithm = proto::parse_algorithm(text("algorithm"));
  const auto state = parse_key_state(text("state"));
  const auto published = parse_rfc3339(text("published_at"));
  const auto signs_from = parse_rfc3339(text("signs_at"));
  const auto* number = entry->if_contains("number");
  if (!algorithm || !state || !published || !signs_from || number == nullptr || !number->is_int64() ||
      number->get_int64() < 1 || number->get_int64() > max_number)
    return no_key;
  auto made = TRY(make(static_cast<std::uint32_t>(number->get_int64()), *algorithm, text("salt")));
  if (made.key.shown.kid != text("kid")) return Error{Errc::not_found, "belongs to another token-key"};
  made.key.state = *state;
  made.key.published = *published;
  made.key.signs_from = *signs_from;
  if (*state == State::old) {
    const auto ends = parse_rfc3339(text("ends_at"));
    if (!ends) return no_key;
    made.key.ends = *ends;
  }
  return made;
}

Result<void> TokenKeys::load(std::string_view text) {
  const auto damaged = [this](std::string_view what) {
    return Error{Errc::corrupt,
                 fmt::format("{}: {}; put it back from a backup, or move it away: then a new key signs, and "
                             "programs that verify tokens offline must fetch the keys anew",
                             file_.string(), what)};
  };
  const auto document = parse_json(text, max_keys_file_bytes);
  const auto* root = document ? document->if_object() : nullptr;
  const auto* list = root == nullptr ? nullptr : find_array(*root, "keys");
  const auto* last = root == nullptr ? nullptr : root->if_contains("last");
  if (list == nullptr || last == nullptr || !last->is_int64() || list->empty())
    return damaged("is no list of token keys");
  std::vector<Held> held;
  for (const auto& item : *list) {
    auto read = read_entry(item);
    if (!read && read.error().code == Errc::not_found) return read.error();
    if (!read) return damaged(read.error().context);
    if (!held.empty() && read->key.number <= held.back().key.number)
      return damaged("has its keys in no order");
    held.push_back(std::move(*read));
  }
  const auto count = [&](State state) {
    return std::ranges::count(held, state, [](const Held& each) { return each.key.state; });
  };
  if (count(State::signing) != 1) return damaged("does not have one key that signs");
  if (count(State::next) > 1) return damaged("has several keys that are next");
  if (last->get_int64() < held.back().key.number || last->get_int64() > max_number)
    return damaged("does not know its last number");
  held_ = std::move(held);
  last_ = static_cast<std::uint32_t>(last->get_int64());
  changed();
  saved_ = true;
  return {};
}

void TokenKeys::changed() {
  saved_ = false;
  published_.clear();
  for (const auto& each : held_) published_.push_back(each.key.shown);
}

Result<void> TokenKeys::save() {
  if (saved_) return {};
  json::array list;
  for (const auto& [key, salt, secret, last_end] : held_) {
    json::object entry{{"number", key.number},
                       {"kid", key.shown.kid},
                       {"algorithm", proto::name(key.shown.algorithm)},
                       {"state", name(key.state)},
                       {"salt", salt},
                       {"published_at", to_rfc3339(key.published)},
                       {"signs_at", to_rfc3339(key.signs_from)}};
    if (key.ends) entry["ends_at"] = to_rfc3339(*key.ends);
    list.push_back(std::move(entry));
  }
  const std::string text = json::serialize(json::object{{"keys", std::move(list)}, {"last", last_}}) + "\n";
  TRY(write_file_atomic(file_, as_bytes(text), 0600));
  saved_ = true;
  return {};
}

const TokenKeys::Key& TokenKeys::signing() const {
  return std::ranges::find(held_, KeyState::signing, [](const Held& each) { return each.key.state; })->key;
}

const TokenKeys::Key* TokenKeys::next() const {
  const auto found =
      std::ranges::find(held_, KeyState::next, [](const Held& each) { return each.key.state; });
  return found == held_.end() ? nullptr : &found->key;
}

const TokenKeys::Key* TokenKeys::find(std::string_view kid) const {
  const auto found =
      std::ranges::find(held_, kid, [](const Held& each) -> std::string_view { return each.key.shown.kid; });
  return found == held_.end() ? nullptr : &found->key;
}

std::vector<TokenKeys::Key> TokenKeys::all() const {
  std::vector<Key> out;
  for (const auto& each : held_) out.push_back(each.key);
  return out;
}

std::function<std::string()> TokenKeys::sign(std::shared_ptr<const proto::Claims> claims) {
  auto& held = *std::ranges::find(held_, KeyState::signing, [](const Held& each) { return each.key.state; });
  held.last_end = std::max(held.last_end, WallTime(seconds(claims->exp)));
  return [claims = std::move(claims), key = held.secret, algorithm = held.key.shown.algorithm,
          kid = held.key.shown.kid] {
    return proto::issue(algorithm, kid, *claims, [&](BytesView message) {
      return std::visit([&](const auto& secret) { return secret.sign(message); }, *key);
    });
  };
}

Result<proto::Claims> TokenKeys::check(std::string_view token) const {
  return proto::check_signature(token, published_,
                                [](const proto::VerifyingKey& key, BytesView message, BytesView signature) {
                                  return trust::verify_es256({key.key, key.y}, message, signature);
                                });
}

Result<TokenKeys::Key> TokenKeys::publish(proto::Algorithm algorithm, WallTime now, WallTime signs_from) {
  auto made = TRY(make_new(last_ + 1, algorithm));
  made.key.state = State::next;
  made.key.published = std::chrono::floor<seconds>(now);
  made.key.signs_from = std::chrono::floor<seconds>(signs_from);
  Key out = made.key;
  ++last_;
  held_.push_back(std::move(made));
  changed();
  return out;
}

void TokenKeys::switch_over(WallTime now, WallTime old_ends) {
  for (auto& each : held_) {
    if (each.key.state == State::signing) {
      each.key.state = State::old;
      each.key.ends = std::chrono::ceil<seconds>(std::max(old_ends, each.last_end));
    } else if (each.key.state == State::next) {
      each.key.state = State::signing;
      each.key.signs_from = std::min<WallTime>(each.key.signs_from, now);
    }
  }
  changed();
}

void TokenKeys::clamp(WallTime next_signs, WallTime signs, WallTime old_ends) {
  const auto bound = [this](WallTime& time, WallTime latest) {
    if (time <= latest) return;
    time = std::chrono::floor<seconds>(latest);
    saved_ = false;
  };
  for (auto& each : held_) {
    if (each.key.state == State::next) bound(each.key.signs_from, next_signs);
    if (each.key.state == State::signing) bound(each.key.signs_from, signs);
    if (each.key.ends) bound(*each.key.ends, std::max(old_ends, each.last_end));
  }
}

void TokenKeys::forget(std::uint32_t number) {
  std::erase_if(
      held_, [&](const Held& each) { return each.key.number == number && each.key.state != State::signing; });
  changed();
}

}  // namespace cardgate::daemon
