// SPDX-License-Identifier: Apache-2.0
// For this room's own files only: OpenSSL's objects owned, and read as plain values. Thread-safe.
#pragma once

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <algorithm>
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

/// A stack of somebody else's objects.
struct ReleasesStack {
  void operator()(STACK_OF(X509) * stack) const { sk_X509_free(stack); }
  void operator()(STACK_OF(X509_CRL) * stack) const { sk_X509_CRL_free(stack); }
};
using X509Stack = std::unique_ptr<STACK_OF(X509), ReleasesStack>;
using CrlStack = std::unique_ptr<STACK_OF(X509_CRL), ReleasesStack>;

using X509Ptr = std::unique_ptr<X509, Releases<X509_free>>;
using CrlPtr = std::unique_ptr<X509_CRL, Releases<X509_CRL_free>>;
using BioPtr = std::unique_ptr<BIO, Releases<BIO_free_all>>;
using StorePtr = std::unique_ptr<X509_STORE, Releases<X509_STORE_free>>;
using ContextPtr = std::unique_ptr<X509_STORE_CTX, Releases<X509_STORE_CTX_free>>;

/// Decodes with `decode`, then encodes again with `encode`: only what comes out the same was DER, and all of
/// it. Leaves the error queue as OpenSSL left it.
template <class T, class Decode, class Encode>
bool decode_strictly(BytesView der, T& out, Decode decode, Encode encode) {
  const unsigned char* at = der.data();
  out.reset(decode(nullptr, &at, static_cast<long>(der.size())));
  if (!out || at != der.data() + der.size()) return false;
  unsigned char* again = nullptr;
  const int size = encode(out.get(), &again);
  const bool same = size > 0 && std::ranges::equal(der, BytesView{again, static_cast<std::size_t>(size)});
  OPENSSL_free(again);
  return same;
}

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
/// Is `at` behind the last second of a validity? That second still counts (RFC 5280 4.1.2.5: inclusive).
inline bool is_past(WallTime last, WallTime at) {
  return at >= last + seconds{1};
}

}  // namespace cardgate::trust
