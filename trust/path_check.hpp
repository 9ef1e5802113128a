// SPDX-License-Identifier: Apache-2.0
// For this room's own files only: one path judged with everything at hand. Thread-safe.
#pragma once

#include <vector>

#include "trust/answers.hpp"
#include "trust/ocsp.hpp"
#include "trust/paths.hpp"
#include "trust/verdict.hpp"

namespace cardgate::trust {

/// `answers` may be nullptr.
struct Evidence {
  const Authorities& authorities;
  const Answers* answers;
};

/// What the OCSP answers at hand say of one certificate, the responder's own certificate judged with the
/// rules.
OcspFinding judge_answer(const Evidence& evidence, X509* certificate, X509* issuer, const Rules& rules,
                         WallTime at);

Verdict check_path(const Evidence& evidence, X509* leaf, const Path& path, const Rules& rules, WallTime at);

/// No way to an anchor: says where it broke off, and whatever else can be said without an issuer.
Verdict without_path(const Authorities::Impl& authorities, X509* leaf, const DeadEnd& end, const Rules& rules,
                     WallTime at);

/// The best verdict over all paths, and the path that it is of.
struct Checked {
  Verdict verdict;
  Path path;
};
Checked check_paths(const Evidence& evidence, X509* leaf, const Rules& rules, WallTime at);

}  // namespace cardgate::trust
