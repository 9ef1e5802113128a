// SPDX-License-Identifier: Apache-2.0
// For this room's own files only: OpenSSL's objects owned, and read as plain values. Thread-safe.
#pragma once

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <memory>
#include <string>

#include "base/bytes.hpp"
#include "base/clock.hpp"

namespace cardgate::trust {

template <auto Free>
struct Releases {
  template <class T>
  void operator()(T* object) const {
    Free(object);
  }
};

using X509Ptr = std::unique_ptr<X509, Releases<X509_free>>;
using CrlPtr = std::unique_ptr<X509_CRL, Releases<X509_CRL_free>>;
using BioPtr = std::unique_ptr<BIO, Releases<BIO_free_all>>;
using StorePtr = std::unique_ptr<X509_STORE, Releases<X509_STORE_free>>;
using ContextPtr = std::unique_ptr<X509_STORE_CTX, Releases<X509_STORE_CTX_free>>;

/// Takes the thread's oldest OpenSSL error as text and empties the queue, so that it does not speak for a
/// later call.
std::string take_openssl_error();

/// Another owner of the same object.
X509Ptr copy(X509* certificate);
/// One strict DER certificate with its extensions already decoded. Errors: certificate_malformed.
Result<X509Ptr> parse_certificate(BytesView der);
/// One strict DER CRL. Errors: crl_malformed.
Result<CrlPtr> parse_crl(BytesView der);

/// RFC 4514 text.
std::string name_text(const X509_NAME* name);
/// Lower-case hex of whole bytes.
std::string serial_text(const ASN1_INTEGER* serial);
/// Errors: malformed.
Result<WallTime> wall_time(const ASN1_TIME* time);

}  // namespace cardgate::trust
