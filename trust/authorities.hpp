// SPDX-License-Identifier: Apache-2.0
// What the machine trusts: anchors, the intermediate certificates that lead to them, and the CRLs of them
// all. Parsed and indexed once; immutable; a copy shares the content, and any number of threads may use it at
// once.
#pragma once

#include <cstddef>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/bytes.hpp"
#include "base/clock.hpp"

namespace cardgate::trust {

/// Limits of intake.
inline constexpr std::size_t max_certificate_file_bytes = 4UL << 20;
inline constexpr std::size_t max_crl_file_bytes = 64UL << 20;
inline constexpr std::size_t max_files_per_directory = 4096;
inline constexpr std::size_t max_certificates = 8192;  // anchors and intermediates together
inline constexpr std::size_t max_crls = 4096;

/// Files, or directories of which every file not hidden is read (not their subdirectories). PEM with any
/// number of blocks, or DER with one.
struct Locations {
  std::vector<std::filesystem::path> anchors{}, intermediates{}, crls{};
  bool operator==(const Locations&) const = default;
};

/// The same as bytes: each element is what a file would hold.
struct Contents {
  std::vector<Bytes> anchors{}, intermediates{}, crls{};
};

/// When the CRLs at hand were made and end: of those that nothing newer replaces and that are not passed over.
struct ListTimes {
  std::size_t count = 0;  // 0: the others say nothing
  WallTime oldest{};      // the earliest thisUpdate
  WallTime first_due{};   // the earliest nextUpdate (RFC 5280 5.1.2.5)
  std::string first_due_file{};
};

class Authorities {
 public:
  /// All or nothing; the error's context names every bad file, a line each, and why no certificate in it can be
  /// an anchor (issuer_flaws.hpp). An anchor's dates, path length and name constraints are applied to what it
  /// issued; nothing else of it is.
  /// Errors: not_found, permission_denied, too_large, io, certificate_malformed, crl_malformed;
  /// invalid_argument when there is no anchor, with the places that were looked at.
  static Result<Authorities> load(const Locations& locations);
  /// Errors: as load().
  static Result<Authorities> parse(const Contents& contents);

  std::size_t anchor_count() const;
  std::size_t intermediate_count() const;
  std::size_t crl_count() const;
  /// CRLs that show no certificate to be good, each with its file and why, in plain English: not understood,
  /// forged, of another key, or of somebody who is not configured. They change nothing for other lists.
  const std::vector<std::string>& passed_over() const;

  /// Certificates of anchors and intermediates by which no other is good at `at`, each with its file and why, in
  /// plain English: over, not valid yet, of a weak key, or of a form that RFC 5280 forbids.
  std::vector<std::string> useless(WallTime at) const;
  const ListTimes& list_times() const;

  struct Impl;
  const Impl& impl() const { return *impl_; }  // for this room's own files

 private:
  explicit Authorities(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}
  std::shared_ptr<const Impl> impl_;
};

}  // namespace cardgate::trust
