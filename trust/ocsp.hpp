// SPDX-License-Identifier: Apache-2.0
// For this room's own files only: an answer of an OCSP responder (RFC 6960 4.2). Immutable but for the memory
// of who signed it; thread-safe.
#pragma once

#include <openssl/ocsp.h>

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "trust/openssl.hpp"
#include "trust/validate.hpp"

namespace cardgate::trust {

using OcspIdPtr = std::unique_ptr<OCSP_CERTID, Releases<OCSP_CERTID_free>>;
using OcspRequestPtr = std::unique_ptr<OCSP_REQUEST, Releases<OCSP_REQUEST_free>>;
using OcspBasicPtr = std::unique_ptr<OCSP_BASICRESP, Releases<OCSP_BASICRESP_free>>;

/// An answer without nextUpdate says that there is always a newer one (RFC 6960 4.2.2.1): it lives so long.
inline constexpr seconds life_without_next_update{600};
inline constexpr std::size_t max_ocsp_bytes = 64 * 1024;
inline constexpr int max_ocsp_single_responses = 64;

/// The one certificate, asked for by the SHA-1 identifiers that every responder knows (RFC 5019 2.1.1), with
/// a nonce of 32 octets (RFC 9654 2.1). DER. Errors: internal.
Result<Bytes> ocsp_request(const X509* certificate, const X509* issuer);

class OcspResponse {
 public:
  /// Errors: malformed; unavailable (the responder says that it cannot answer).
  static Result<std::shared_ptr<const OcspResponse>> parse(Bytes der);

  const Bytes& der() const { return der_; }
  /// Serial numbers of whom it speaks, as serial_text() gives them.
  std::vector<std::string> serials() const;

  /// When the last of what it says ends.
  WallTime last_end() const;

  enum class State : std::uint8_t { good, revoked, unknown };
  struct Word {
    State state = State::unknown;
    std::string reason;  // why it was revoked, as in RFC 5280 5.3.1; may be empty
    WallTime this_update{}, next_update{};
    std::string flaw{};  // why it is not understood, in plain English; empty when it is
  };
  /// All that it says of the certificate, by whatever hash the certificate is named; nothing when it speaks of
  /// others.
  std::vector<Word> about(const X509* certificate, const X509* issuer) const;

  /// Why the answer is not understood as a whole (RFC 6960 4.4: unknown critical extensions; version; dates),
  /// in plain English; empty when it is. It then says nothing good, but what it says is revoked stays so.
  const std::string& flaw() const { return flaw_; }
  WallTime produced_at() const { return produced_at_; }

  /// Why its signature is below the floor; empty when it is not.
  std::string weakness(const Strength& floor) const;

  /// Does it repeat the nonce of the request? Nothing when it has none.
  std::optional<bool> repeats_nonce(BytesView request) const;

  /// Whoever signed it, when the issuer lets it (RFC 6960 4.2.2.2): the issuer, or a responder with a
  /// certificate for OCSP signing that the issuer itself issued. Not judged: the responder's dates and
  /// revocation. nullptr: the issuer itself. Errors: signature_invalid.
  Result<X509*> signer(X509* issuer) const;

  OcspResponse(const OcspResponse&) = delete;
  OcspResponse& operator=(const OcspResponse&) = delete;

 private:
  explicit OcspResponse(Bytes der) : der_(std::move(der)) {}
  Result<X509*> find_signer(X509* issuer) const;
  void read();

  Bytes der_;
  std::string flaw_;
  WallTime produced_at_{};
  OcspBasicPtr basic_;
  mutable std::mutex mutex_;
  mutable X509Ptr asked_issuer_;  // for whom `signer_` was found
  mutable Result<X509*> signer_{nullptr};
};

/// What one or several answers say about one certificate, at a moment.
struct OcspFinding {
  enum class Outcome : std::uint8_t { none, good, revoked, unknown, invalid };
  Outcome outcome = Outcome::none;
  std::string detail;
  WallTime fresh_until{}, refresh_at{};  // when good or revoked
};

/// Judges a delegated responder's certificate as of `at`.
using ResponderCheck = std::function<bool(X509* responder, bool revocation_needed, WallTime at)>;
/// All answers together, in whatever order: the worst wins. Revoked is revoked however old the word of it,
/// unless it was a hold and a later answer says good.
OcspFinding judge_ocsp(const std::vector<std::shared_ptr<const OcspResponse>>& answers, X509* certificate,
                       X509* issuer, const Rules& rules, WallTime at,
                       const ResponderCheck& responder_is_good);

/// The moment from which a newer answer is asked for: when three quarters of its life are over.
WallTime refresh_time(WallTime this_update, WallTime next_update);

}  // namespace cardgate::trust
