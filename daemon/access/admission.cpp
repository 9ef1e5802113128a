// SPDX-License-Identifier: Apache-2.0
#include "daemon/access/admission.hpp"

namespace cardgate::daemon {
namespace {

Rate per_second(std::int64_t count) {
  return {static_cast<double>(count), seconds(1)};
}

Rate per_minute(std::int64_t count) {
  return {static_cast<double>(count), std::chrono::minutes(1)};
}

}  // namespace

Admission::Admission(Entries entries, const Clock& clock, std::function<bool(uid_t)> has_session)
    : entries_(std::move(entries)),
      clock_(clock),
      has_session_(std::move(has_session)),
      requests_(per_second(limits().requests_per_second)),
      tokens_(per_second(limits().tokens_per_second)),
      sign_ins_(per_minute(limits().sign_ins_per_minute)) {}

void Admission::set(Entries entries) {
  entries_ = std::move(entries);
  requests_ = per_second(limits().requests_per_second);
  tokens_ = per_second(limits().tokens_per_second);
  sign_ins_ = per_minute(limits().sign_ins_per_minute);
}

bool Admission::may_sign_in_at(const Peer& peer, const std::string& reader) const {
  if (signs_in(peer) == nullptr) return false;
  return peer.uid == 0 || is_at(reader, peer.uid);
}

bool Admission::knows(const Peer& peer) const {
  return client_for(peer) != nullptr || has_session_(peer.uid);
}

}  // namespace cardgate::daemon
