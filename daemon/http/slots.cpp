// SPDX-License-Identifier: Apache-2.0
#include "daemon/http/slots.hpp"

#include <tuple>

namespace cardgate::daemon {

std::size_t Slots::count_of(uid_t account) const {
  const auto found = per_account_.find(account);
  return found == per_account_.end() ? 0 : found->second;
}

/// Of whoever has most, the one that is longest in its state.
std::optional<Slots::Id> Slots::weakest(const std::function<bool(const Held&)>& among,
                                        const std::function<bool(Id)>& can_go) const {
  std::optional<Id> found;
  std::tuple<std::size_t, BootTime::duration> best{};
  for (const auto& [id, held] : held_) {
    if (!among(held)) continue;
    const std::tuple rank(count_of(held.account), -held.since.time_since_epoch());
    if ((found && rank <= best) || !can_go(id)) continue;
    found = id;
    best = rank;
  }
  return found;
}

Slots::Id Slots::take(uid_t account, bool known, BootTime now) {
  const Id id = next_++;
  held_.emplace(id, Held{account, known, State::idle, now});
  ++per_account_[account];
  if (!known) ++strangers_;
  return id;
}

Slots::Admission Slots::admit(uid_t account, bool known, const Bounds& bounds, BootTime now,
                              const std::function<bool(Id)>& can_go) {
  const std::size_t mine = count_of(account);
  const bool own_full = mine >= bounds.per_account;
  const bool full = held_.size() >= bounds.all || (!known && strangers_ + bounds.reserved() >= bounds.all);
  if (!own_full && !full) return {take(account, known, now)};

  std::optional<Id> loser;
  const auto look = [&](const std::function<bool(const Held&)>& among) {
    if (!loser) loser = weakest(among, can_go);
  };
  const auto idle = [](const Held& held) { return held.state == State::idle; };
  if (own_full) {
    look([&](const Held& held) { return held.account == account && idle(held) && (known || !held.known); });
  } else {
    // Nobody loses a connection to somebody who has as many.
    const auto richer = [&](const Held& held) { return count_of(held.account) > mine; };
    look([&](const Held& held) { return !held.known && idle(held) && (known || richer(held)); });
    if (known) {
      look([&](const Held& held) { return !held.known && held.state == State::arriving; });
      look([&](const Held& held) { return idle(held) && richer(held); });
    }
    // An own one, when everybody has as many.
    look([&](const Held& held) { return held.account == account && held.known == known && idle(held); });
  }
  if (!loser) return {std::nullopt};
  leave(*loser);
  return {take(account, known, now), loser};
}

void Slots::enter(Id id, State state, BootTime now) {
  const auto found = held_.find(id);
  if (found == held_.end() || found->second.state == state) return;
  found->second.state = state;
  found->second.since = now;
}

void Slots::leave(Id id) {
  const auto found = held_.find(id);
  if (found == held_.end()) return;
  const Held& held = found->second;
  if (!held.known) --strangers_;
  if (--per_account_[held.account] == 0) per_account_.erase(held.account);
  held_.erase(found);
}

}  // namespace cardgate::daemon
