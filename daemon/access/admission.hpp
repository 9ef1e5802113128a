// SPDX-License-Identifier: Apache-2.0
// Which client a peer is, where it sits, and how much it may ask for. The entries are the configuration's, and another set of
// them after a reload. One thread.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "daemon/access/match.hpp"
#include "daemon/access/peer.hpp"
#include "daemon/access/rates.hpp"
#include "daemon/limits.hpp"

namespace cardgate::daemon {

class Admission {
 public:
  struct Entries {
    std::vector<ClientEntry> clients;
    std::vector<ReaderRule> readers;
    Limits limits;
  };
  /// `has_session`: whether a session of this uid is open.
  Admission(Entries entries, const Clock& clock, std::function<bool(uid_t)> has_session);
  Admission(const Admission&) = delete;
  Admission& operator=(const Admission&) = delete;

  /// Every share is full again: what a peer had used up was counted by other limits.
  void set(Entries entries);
  const Limits& limits() const { return entries_.limits; }

  /// The first entry that the peer fits and `right` holds for; nullptr. Valid until set().
  const ClientEntry* client_for(const Peer& peer, const auto& right) const {
    for (const auto& client : entries_.clients) {
      if (fits(client.match, peer) && right(client)) return &client;
    }
    return nullptr;
  }
  const ClientEntry* client_for(const Peer& peer) const {
    return client_for(peer, [](const ClientEntry&) { return true; });
  }
  /// The entry by which the peer may sign people in.
  const ClientEntry* signs_in(const Peer& peer) const {
    return client_for(peer, [](const ClientEntry& client) { return client.sign_in; });
  }
  /// ... at this reader, where it must sit, too.
  bool may_sign_in_at(const Peer& peer, const std::string& reader) const;
  bool is_at(const std::string& reader, uid_t uid) const { return sits_at(entries_.readers, reader, uid); }
  /// Whether this user has a session or the program an entry of its own: a share of what there is is theirs.
  bool knows(const Peer& peer) const;

  // One more of these, if the peer's share has room for it.
  bool allow_request(const Peer& peer) { return requests_.allow(peer.counted_as, clock_.boot()); }
  bool allow_token(const Peer& peer) { return tokens_.allow(peer.counted_as, clock_.boot()); }
  bool allow_sign_in(const Peer& peer) { return sign_ins_.allow(peer.counted_as, clock_.boot()); }
  /// A request that costs as much as `cost` others.
  void charge_request(const Peer& peer, double cost) {
    requests_.charge(peer.counted_as, clock_.boot(), cost);
  }

 private:
  Entries entries_;
  const Clock& clock_;
  std::function<bool(uid_t)> has_session_;
  Rate requests_, tokens_, sign_ins_;
};

}  // namespace cardgate::daemon
