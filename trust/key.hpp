// SPDX-License-Identifier: Apache-2.0
// For this room's own files only: what kind of key, and whether keys and signatures are strong enough.
// Thread-safe.
#pragma once

#include <string>

#include "trust/certificate.hpp"
#include "trust/openssl.hpp"

namespace cardgate::trust {

KeyKind key_kind(const EVP_PKEY* key);

/// Why the key is below the floor (RSA `min_rsa_bits`, an EC curve of 256 bits, Ed25519); empty when it is
/// not.
std::string key_weakness(const EVP_PKEY* key, int min_rsa_bits);
/// Why the signature on a certificate or CRL is below the floor (SHA-256); empty when it is not.
std::string signature_weakness(const X509* certificate);
std::string signature_weakness(const X509_CRL* crl);

}  // namespace cardgate::trust
