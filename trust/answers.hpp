// SPDX-License-Identifier: Apache-2.0
// Revocation answers that come over the network (CRLs and OCSP): what is to be asked for a certificate, and
// what came back, judged before it is kept. This room fetches nothing: whoever does brings the bytes.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "trust/validate.hpp"

namespace cardgate::trust {

/// One exchange over HTTP that would help.
struct Question {
  enum class Kind : std::uint8_t { ocsp, crl };
  Kind kind = Kind::ocsp;
  std::string url;            // http://HOST..., the host one of FetchRules::hosts
  Bytes body;                 // ocsp: the request (RFC 6960 A.1), to be POSTed; crl: empty, a GET
  Bytes certificate, issuer;  // DER: whom it is about
};

/// Who answers for an issuer, whatever its certificates say.
struct Responder {
  std::string issuer;  // subject of the issuing authority, RFC 4514; empty: any
  std::string url;
};

/// Where answers may be got.
struct FetchRules {
  std::vector<std::string>
      hosts{};  // HOST or HOST:PORT; a URL in a certificate counts only when it leads here
  std::vector<Responder> responders{};
  bool nonce_required = true;  // an OCSP answer without our nonce may be an old one played again
};
/// Errors: invalid_argument, naming what is no http URL or host.
Result<void> check_fetch_rules(const FetchRules& rules);

/// What is held. Thread-safe. With a folder, it outlives the process: an answer is a file there, as it came,
/// and judged again whenever it is used.
class Answers {
 public:
  /// Holds nothing, keeps nothing on disk.
  Answers();
  /// Reads the folder; damaged files are removed and named in `problems`. Errors: not_found,
  /// permission_denied, io.
  static Result<std::shared_ptr<Answers>> open(const std::filesystem::path& folder,
                                               std::vector<std::string>& problems);

  /// Judges an answer, and keeps it when it is good and not older than what is held. Errors: malformed,
  /// unavailable (the responder cannot answer now), signature_invalid, crl_malformed, too_large; io,
  /// no_space (it is held, but not on disk).
  Result<void> take(const Question& question, Bytes answer, const Authorities& authorities,
                    const Rules& rules, const FetchRules& fetch, WallTime at);
  /// An OCSP answer of a file, judged only when it is used. Errors: malformed, unavailable.
  Result<void> add_ocsp(Bytes answer);
  /// Forgets, here and on disk, what ended more than a month ago.
  void prune(WallTime at);
  std::size_t size() const;
  struct OcspTimes {
    std::size_t count = 0;
    WallTime oldest{};  // when the oldest was made; when there is one
  };
  OcspTimes ocsp_times() const;

  ~Answers();
  Answers(const Answers&) = delete;
  Answers& operator=(const Answers&) = delete;

  struct Impl;
  const Impl& impl() const { return *impl_; }  // for this room's own files

 private:
  std::unique_ptr<Impl> impl_;
};

/// What to ask so that the certificate's verdict becomes better or lasts longer, most helpful first; OCSP
/// before CRL. Nothing for certificates whose answers are not due (Verdict::refresh_at) unless `anew`, and
/// nothing at all for one that is refused for another reason than its revocation.
std::vector<Question> questions(const Authorities& authorities, const Answers& answers, BytesView leaf_der,
                                const Rules& rules, const FetchRules& fetch, WallTime at, bool anew = false);

}  // namespace cardgate::trust
