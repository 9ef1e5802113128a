// SPDX-License-Identifier: Apache-2.0
// For this room's own files only: every way from a certificate up to an anchor, by names and key identifiers
// (RFC 4158). OpenSSL follows one way and never turns back, so the ways are found here and given to it one by
// one.
#pragma once

#include <string>
#include <vector>

#include "trust/store.hpp"

namespace cardgate::trust {

struct Path {
  std::vector<const Node*> issuers;  // the leaf's issuer first; the last one is an anchor
};

/// Where the longest way broke off, when none reached an anchor.
struct DeadEnd {
  std::vector<const Node*> issuers;
  X509* last = nullptr;      // the certificate whose issuer was not found; not owned
  bool self_signed = false;  // `last` names itself as its issuer
  bool other_key = false;    // a certificate of the issuer's name is there, with another key
  bool too_long = false;
};

struct Search {
  std::vector<Path> paths;  // most promising first
  DeadEnd dead_end;
};

Search find_paths(const Authorities::Impl& authorities, X509* leaf, WallTime at);

}  // namespace cardgate::trust
