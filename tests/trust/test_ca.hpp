// SPDX-License-Identifier: Apache-2.0
// A small certification authority for tests: issues whatever a test wants, right or wrong.
#pragma once

#include <openssl/evp.h>
#include <openssl/ocsp.h>
#include <openssl/x509.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.hpp"
#include "base/clock.hpp"
#include "trust/authorities.hpp"

namespace cardgate::test {

using Key = std::shared_ptr<EVP_PKEY>;
Key new_rsa(unsigned bits = 2048);
Key new_p256();
Key new_p384();
/// Signs as a card would: PKCS#1 v1.5 or ECDSA over SHA-256 (SHA-384 for P-384).
Bytes sign(const Key& key, BytesView message);

/// Noon of 1 June 2026: the moment at which the tests validate.
WallTime noon();
inline constexpr auto day = std::chrono::hours{24};

struct Extension {
  std::string name, value;  // as in openssl.cnf: {"keyUsage", "critical,digitalSignature"}
};

struct Issue {
  std::string subject = "/O=Example Trust/CN=Jo Bloggs/UID=10001";
  Key key{};  // of the subject; none: a fresh P-256
  WallTime from = noon() - 30 * day, until = noon() + 30 * day;
  bool ca = false;
  std::string basic_constraints{}, key_usage{};  // empty: the right ones for `ca`; "none": none
  std::string extended_key_usage = "clientAuth,msSmartcardLogin";  // of a leaf; empty: none
  std::vector<std::string>
      alternative_names{};  // "email:jo@example.org", "otherName:msUPN;UTF8:jo@example.org"
  std::vector<Extension> more{};
  const EVP_MD* hash = EVP_sha256();
  bool with_key_identifiers = true;
  bool version_1 = false;  // and so without extensions
};

struct RevocationList {
  std::vector<std::string> serials{};  // hex
  std::optional<WallTime> next = noon() + 7 * day;
  WallTime from = noon() - day;
  Key signed_by{};  // none: the right key
  const EVP_MD* hash = EVP_sha256();
  bool indirect = false;  // an issuing distribution point says that it speaks for others (RFC 5280 5.2.5)
  std::string scope{};    // the issuing distribution point, as in openssl.cnf, in the place of `indirect`
  std::optional<long> number = 7;
  std::optional<long> base{};  // some: a delta over the list of that number
  std::string reason{};        // of all entries, as in openssl.cnf; empty: none
  bool with_key_identifier = true;
  std::string certificate_issuer{};  // "/CN=...": whose the entries are, in an indirect list
};

/// An OCSP responder's certificate and key.
struct ResponderKey {
  Bytes certificate;
  Key key;
};

struct OcspAnswer {
  enum class State : std::uint8_t { good, revoked, unknown };
  /// One more word of the same answer about the same certificate.
  struct Word {
    State state = State::good;
    WallTime from = noon() - std::chrono::hours{1};
    std::optional<WallTime> next = noon() + std::chrono::hours{4};
    const EVP_MD* id_hash = EVP_sha1();  // by which the certificate is named
    int reason = OCSP_REVOKED_STATUS_KEYCOMPROMISE;
    std::string extension{};  // a dotted OID: an extension of this word
    bool critical = false;
  };
  State state = State::good;
  WallTime from = noon() - std::chrono::hours{1};
  std::optional<WallTime> next = noon() + std::chrono::hours{4};
  Bytes request{};                          // whose nonce is repeated; empty: no nonce
  std::optional<ResponderKey> responder{};  // none: the authority itself signs
  const EVP_MD* hash = EVP_sha256();
  const EVP_MD* id_hash = EVP_sha1();
  int reason = OCSP_REVOKED_STATUS_KEYCOMPROMISE;
  std::vector<Word> before{}, behind{};  // the words around the first
  std::string extension{};               // a dotted OID: an extension of the whole answer
  bool critical = false;
  std::optional<WallTime> produced{};     // none: `from`
  std::optional<std::uint8_t> version{};  // as it is written: 0 is version 1
};

class Ca {
 public:
  /// One that is there already.
  static Ca of(Key key, Bytes der) { return {std::move(key), std::move(der)}; }
  static Ca root(const std::string& subject = "/O=Example Trust/CN=Example Root", Key key = nullptr);
  /// A root of any form; of the usual dates when `from` and `until` are those of a leaf.
  static Ca self_signed(Issue issue);
  /// A CA below this one.
  Ca sub(Issue issue) const;
  Ca issuing(const std::string& subject = "/O=Example Trust/CN=Example Issuing CA") const;

  Bytes issue(Issue issue) const;
  Bytes crl(RevocationList list = {}) const;
  /// What a responder says of `leaf`, DER (RFC 6960 4.2).
  Bytes ocsp(BytesView leaf, OcspAnswer answer = {}) const;
  /// A responder whose certificate this authority issued, with the no-check mark unless `extra` says
  /// otherwise.
  ResponderKey responder(std::string extended_key_usage = "OCSPSigning",
                         std::vector<Extension> extra = {{"noCheck", "ignored"}}) const;
  const Bytes& der() const { return der_; }
  const Key& key() const { return key_; }

 private:
  Ca(Key key, Bytes der) : key_(std::move(key)), der_(std::move(der)) {}
  Key key_;
  Bytes der_;
};

std::string to_pem(BytesView der, const std::string& label);

/// Authorities over what is given; fails the test when they do not load.
trust::Authorities authorities(std::vector<Bytes> anchors, std::vector<Bytes> intermediates,
                               std::vector<Bytes> crls);

}  // namespace cardgate::test
