// SPDX-License-Identifier: Apache-2.0
#include "trust/key.hpp"

#include <openssl/objects.h>

#include <algorithm>
#include <string_view>

namespace cardgate::trust {

namespace {

/// Bits of a hash that is relied on today; 0 for any other.
int bits_of_hash(int nid) {
  switch (nid) {
    case NID_sha256:
    case NID_sha3_256:
      return 256;
    case NID_sha384:
    case NID_sha3_384:
      return 384;
    case NID_sha512:
    case NID_sha3_512:
      return 512;
    default:
      return 0;
  }
}

/// The hash of an RSASSA-PSS signature; absent parameters mean SHA-1 (RFC 8017 A.2.3).
int pss_hash(const X509_ALGOR* algorithm) {
  const ASN1_OBJECT* object = nullptr;
  const void* value = nullptr;
  int type = 0;
  X509_ALGOR_get0(&object, &type, &value, algorithm);
  if (type != V_ASN1_SEQUENCE) return NID_sha1;
  const auto* sequence = static_cast<const ASN1_STRING*>(value);
  const unsigned char* at = ASN1_STRING_get0_data(sequence);
  const std::unique_ptr<RSA_PSS_PARAMS, Releases<RSA_PSS_PARAMS_free>> parameters{
      d2i_RSA_PSS_PARAMS(nullptr, &at, ASN1_STRING_length(sequence))};
  if (!parameters || parameters->hashAlgorithm == nullptr) return NID_sha1;
  X509_ALGOR_get0(&object, nullptr, nullptr, parameters->hashAlgorithm);
  return OBJ_obj2nid(object);
}

std::string weakness(const X509_ALGOR* algorithm, const Strength& floor) {
  const ASN1_OBJECT* object = nullptr;
  X509_ALGOR_get0(&object, nullptr, nullptr, algorithm);
  const int nid = OBJ_obj2nid(object);
  if (nid == NID_ED25519 || nid == NID_ED448) return {};
  int hash = NID_undef;
  int key = NID_undef;
  if (nid == NID_rsassaPss) {
    hash = pss_hash(algorithm);
  } else if (OBJ_find_sigid_algs(nid, &hash, &key) != 1 ||
             (key != NID_rsaEncryption && key != NID_X9_62_id_ecPublicKey)) {
    return std::string{"signed with "} + (nid == NID_undef ? "an unknown algorithm" : OBJ_nid2ln(nid));
  }
  if (bits_of_hash(hash) >= std::max(256, floor.hash_bits)) return {};
  return std::string{"signed over the hash "} + (hash == NID_undef ? "of an unknown kind" : OBJ_nid2ln(hash));
}

}  // namespace

std::string key_weakness(const EVP_PKEY* key, const Strength& floor) {
  if (key == nullptr) return "its key is of a kind that is not known";
  const int bits = EVP_PKEY_get_bits(key);
  const int rsa_bits = std::max(2048, floor.rsa_bits);
  const int curve_bits = std::max(256, floor.curve_bits);
  switch (EVP_PKEY_get_base_id(key)) {
    case EVP_PKEY_RSA:
    case EVP_PKEY_RSA_PSS:
      if (bits >= rsa_bits) return {};
      return "RSA key of " + std::to_string(bits) + " bits, at least " + std::to_string(rsa_bits) +
             " are needed";
    case EVP_PKEY_EC:
      if (bits >= curve_bits) return {};
      return "elliptic curve of " + std::to_string(bits) + " bits, at least " + std::to_string(curve_bits) +
             " are needed";
    case EVP_PKEY_ED25519:
    case EVP_PKEY_ED448:
      return {};
    default:
      return "its key is not RSA, elliptic curve or Ed25519";
  }
}

std::string signature_weakness(const X509* certificate, const Strength& floor) {
  const X509_ALGOR* algorithm = nullptr;
  X509_get0_signature(nullptr, &algorithm, certificate);
  return weakness(algorithm, floor);
}

std::string signature_weakness(const X509_CRL* crl, const Strength& floor) {
  const X509_ALGOR* algorithm = nullptr;
  X509_CRL_get0_signature(crl, nullptr, &algorithm);
  return weakness(algorithm, floor);
}

std::string signature_weakness(const OCSP_BASICRESP* answer, const Strength& floor) {
  return weakness(OCSP_resp_get0_tbs_sigalg(answer), floor);
}

}  // namespace cardgate::trust
