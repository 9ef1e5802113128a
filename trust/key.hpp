// SPDX-License-Identifier: Apache-2.0
// For this room's own files only: what kind of key, and whether keys and signatures are strong enough.
// Thread-safe.
#pragma once

#include <openssl/ocsp.h>

#include <string>

#include "trust/certificate.hpp"
#include "trust/openssl.hpp"
#include "trust/validate.hpp"

namespace cardgate::trust {

KeyKind key_kind(const EVP_PKEY* key);

/// Why the key is below the floor (RSA and elliptic curves by their bits; Ed25519 and Ed448 never are); empty
/// when it is not.
std::string key_weakness(const EVP_PKEY* key, const Strength& floor);
/// Why the signature on a certificate, CRL or OCSP answer is below the floor; empty when it is not.
std::string signature_weakness(const X509* certificate, const Strength& floor = {});
std::string signature_weakness(const X509_CRL* crl, const Strength& floor = {});
std::string signature_weakness(const OCSP_BASICRESP* answer, const Strength& floor = {});

}  // namespace cardgate::trust
