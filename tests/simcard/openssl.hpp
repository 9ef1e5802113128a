// SPDX-License-Identifier: Apache-2.0
// Owners for OpenSSL's objects, and the few conversions that the card and its CA share. Thread-safe as
// OpenSSL is.
#pragma once

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <memory>
#include <string>

#include "base/bytes.hpp"
#include "base/result.hpp"

namespace cardgate::simcard {

template <auto release>
struct Release {
  template <class T>
  void operator()(T* object) const {
    release(object);
  }
};
template <class T, auto release>
using Owned = std::unique_ptr<T, Release<release>>;

using Key = Owned<EVP_PKEY, EVP_PKEY_free>;
using KeyContext = Owned<EVP_PKEY_CTX, EVP_PKEY_CTX_free>;
using Certificate = Owned<X509, X509_free>;
using Crl = Owned<X509_CRL, X509_CRL_free>;
using Bio = Owned<BIO, BIO_free_all>;

/// An Error with OpenSSL's own words; empties its queue.
inline Error openssl_error(std::string_view what) {
  std::string text(what);
  while (const unsigned long code = ERR_get_error()) {
    char buffer[256];
    ERR_error_string_n(code, buffer, sizeof buffer);
    text += std::string(": ") + buffer;
  }
  return {Errc::internal, text};
}

inline Bio memory_bio() {
  return Bio(BIO_new(BIO_s_mem()));
}
inline Bio memory_bio(BytesView content) {
  return Bio(BIO_new_mem_buf(content.data(), static_cast<int>(content.size())));
}
inline std::string content(const Bio& bio) {
  const char* data = nullptr;
  const long size = BIO_get_mem_data(bio.get(), &data);
  return {data, static_cast<std::size_t>(size)};
}

inline Result<Key> read_private_key(std::string_view pem) {
  const Bio bio = memory_bio(as_bytes(pem));
  Key key(PEM_read_bio_PrivateKey(bio.get(), nullptr, nullptr, nullptr));
  if (!key) return openssl_error("not a private key in PEM");
  return key;
}
inline Result<Certificate> read_certificate(BytesView der) {
  const unsigned char* at = der.data();
  Certificate certificate(d2i_X509(nullptr, &at, static_cast<long>(der.size())));
  if (!certificate) return openssl_error("not a certificate in DER");
  return certificate;
}
inline Bytes to_der(X509* certificate) {
  unsigned char* der = nullptr;
  const int size = i2d_X509(certificate, &der);
  Bytes result(der, der + (size > 0 ? size : 0));
  OPENSSL_free(der);
  return result;
}

}  // namespace cardgate::simcard
