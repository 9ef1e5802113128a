// SPDX-License-Identifier: Apache-2.0
// For this room's own files only: what stands behind Authorities. Immutable once made; its OpenSSL objects
// are shared between threads, which OpenSSL allows for reading and for verifying.
#pragma once

#include <deque>
#include <map>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/crypto.hpp"
#include "trust/authorities.hpp"
#include "trust/crl.hpp"
#include "trust/openssl.hpp"

namespace cardgate::trust {

/// A CA certificate at hand, with what path building asks of it again and again.
struct Node {
  X509Ptr certificate;
  std::string from;               // the file, and the block in it
  unsigned long issuer_hash = 0;  // X509_NAME_hash of the issuer's name
  WallTime not_before{}, not_after{};
  std::string flaw;       // why no certificate below it is good at any time; empty: nothing is wrong with it
  StorePtr anchor_store;  // holds this certificate alone, when it is an anchor
  bool is_anchor() const { return anchor_store != nullptr; }
};

struct Authorities::Impl {
  std::deque<Node> nodes;  // stable addresses
  std::unordered_multimap<unsigned long, const Node*> by_subject;
  std::vector<std::shared_ptr<const Crl>> crls;
  std::vector<std::string> passed_over;  // see Authorities::passed_over()
  ListTimes list_times;
  std::size_t anchors = 0;

  /// One strict DER certificate; one seen before is not taken apart again, which costs more than its
  /// signature. Errors: certificate_malformed.
  Result<X509Ptr> parse(BytesView der) const;

 private:
  mutable std::mutex mutex_;
  mutable std::map<Digest, X509Ptr> parsed_;
};

unsigned long name_hash(const X509_NAME* name);

}  // namespace cardgate::trust
