// SPDX-License-Identifier: Apache-2.0
// Certificates and CRLs put together with OpenSSL, for Ca. Pure but for OpenSSL's random numbers.
#pragma once

#include <string>
#include <vector>

#include "base/clock.hpp"
#include "tests/simcard/openssl.hpp"

namespace cardgate::simcard {

struct NameEntry {
  const char* field;  // "CN", "O", ...
  std::string value;  // UTF-8
};

struct ExtensionText {
  int nid;
  std::string value;  // OpenSSL's configuration language
};

struct CertificateContent {
  std::string serial;  // hex
  std::vector<NameEntry> subject;
  EVP_PKEY* public_key = nullptr;
  WallTime not_before{};
  WallTime not_after{};
  std::vector<ExtensionText> extensions;
  Bytes alternative_names;  // DER of SubjectAltName; empty: none
  std::size_t size = 0;     // padded up to about so many bytes with a comment
};

/// `issuer` null: signed by itself. Errors: internal.
Result<Certificate> build_certificate(const CertificateContent& content, X509* issuer, EVP_PKEY* issuer_key);

struct CrlContent {
  std::int64_t number = 0;
  WallTime this_update{};
  WallTime next_update{};
  struct Entry {
    std::string serial;
    WallTime at;
  };
  std::vector<Entry> revoked;
};
/// PEM. Errors: internal.
Result<std::string> build_crl(const CrlContent& content, X509* issuer, EVP_PKEY* issuer_key);

/// DER of SubjectAltName: UPN as otherName, e-mail, URI; empty texts are left out. Errors: internal.
Result<Bytes> alternative_names(const std::string& upn, const std::string& email, const std::string& uri);

}  // namespace cardgate::simcard
