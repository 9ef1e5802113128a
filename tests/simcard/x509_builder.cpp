// SPDX-License-Identifier: Apache-2.0
#include "tests/simcard/x509_builder.hpp"

#include <openssl/asn1.h>

namespace cardgate::simcard {

namespace {

using Extension = Owned<X509_EXTENSION, X509_EXTENSION_free>;
using GeneralNames = Owned<GENERAL_NAMES, GENERAL_NAMES_free>;
using Number = Owned<BIGNUM, BN_free>;
using Integer = Owned<ASN1_INTEGER, ASN1_INTEGER_free>;
using Time = Owned<ASN1_TIME, ASN1_TIME_free>;

Integer integer_of(const std::string& hex) {
  BIGNUM* raw = nullptr;
  BN_hex2bn(&raw, hex.c_str());
  const Number number(raw);
  return Integer(BN_to_ASN1_INTEGER(number.get(), nullptr));
}

Time time_of(WallTime time) {
  return Time(ASN1_TIME_set(nullptr, to_unix_seconds(time)));
}

bool add_extension(X509* certificate, X509V3_CTX* context, int nid, const std::string& value) {
  const Extension extension(X509V3_EXT_conf_nid(nullptr, context, nid, value.c_str()));
  return extension && X509_add_ext(certificate, extension.get(), -1) == 1;
}

bool add_alternative_names(X509* certificate, const Bytes& der) {
  if (der.empty()) return true;
  const unsigned char* at = der.data();
  const GeneralNames names(d2i_GENERAL_NAMES(nullptr, &at, static_cast<long>(der.size())));
  return names &&
         X509_add1_ext_i2d(certificate, NID_subject_alt_name, names.get(), 0, X509V3_ADD_APPEND) == 1;
}

bool add_uri_or_email(GENERAL_NAMES* names, int type, const std::string& text) {
  if (text.empty()) return true;
  GENERAL_NAME* general = GENERAL_NAME_new();
  ASN1_IA5STRING* string = ASN1_IA5STRING_new();
  ASN1_STRING_set(string, text.data(), static_cast<int>(text.size()));
  GENERAL_NAME_set0_value(general, type, string);
  return sk_GENERAL_NAME_push(names, general) > 0;
}

bool add_upn(GENERAL_NAMES* names, const std::string& upn) {
  if (upn.empty()) return true;
  GENERAL_NAME* general = GENERAL_NAME_new();
  ASN1_TYPE* value = ASN1_TYPE_new();
  ASN1_UTF8STRING* string = ASN1_UTF8STRING_new();
  ASN1_STRING_set(string, upn.data(), static_cast<int>(upn.size()));
  ASN1_TYPE_set(value, V_ASN1_UTF8STRING, string);
  GENERAL_NAME_set0_othername(general, OBJ_txt2obj("1.3.6.1.4.1.311.20.2.3", 1), value);
  return sk_GENERAL_NAME_push(names, general) > 0;
}

Result<Certificate> build(const CertificateContent& content, X509* issuer, EVP_PKEY* issuer_key,
                          const std::string& comment) {
  Certificate certificate(X509_new());
  X509* raw = certificate.get();
  X509_set_version(raw, X509_VERSION_3);
  X509_set_serialNumber(raw, integer_of(content.serial).get());
  X509_set1_notBefore(raw, time_of(content.not_before).get());
  X509_set1_notAfter(raw, time_of(content.not_after).get());
  X509_NAME* subject = X509_get_subject_name(raw);
  for (const auto& entry : content.subject)
    if (X509_NAME_add_entry_by_txt(subject, entry.field, MBSTRING_UTF8,
                                   reinterpret_cast<const unsigned char*>(entry.value.data()),
                                   static_cast<int>(entry.value.size()), -1, 0) != 1)
      return openssl_error("subject " + entry.value);
  X509_set_issuer_name(raw, issuer == nullptr ? subject : X509_get_subject_name(issuer));
  if (X509_set_pubkey(raw, content.public_key) != 1) return openssl_error("public key");
  X509V3_CTX context{};
  X509V3_set_ctx(&context, issuer == nullptr ? raw : issuer, raw, nullptr, nullptr, 0);
  for (const auto& [nid, value] : content.extensions)
    if (!add_extension(raw, &context, nid, value)) return openssl_error("extension " + value);
  if (!add_alternative_names(raw, content.alternative_names)) return openssl_error("alternative names");
  if (!comment.empty() && !add_extension(raw, &context, NID_netscape_comment, comment))
    return openssl_error("comment");
  if (X509_sign(raw, issuer_key, EVP_sha256()) == 0) return openssl_error("signing");
  return certificate;
}

}  // namespace

Result<Certificate> build_certificate(const CertificateContent& content, X509* issuer, EVP_PKEY* issuer_key) {
  auto certificate = TRY(build(content, issuer, issuer_key, {}));
  constexpr std::size_t comment_overhead = 19;  // an empty comment's own TLVs
  const std::size_t size = to_der(certificate.get()).size();
  if (content.size < size + comment_overhead + 1) return certificate;
  return build(content, issuer, issuer_key, std::string(content.size - size - comment_overhead, '-'));
}

Result<std::string> build_crl(const CrlContent& content, X509* issuer, EVP_PKEY* issuer_key) {
  const Crl crl(X509_CRL_new());
  X509_CRL_set_version(crl.get(), X509_CRL_VERSION_2);
  X509_CRL_set_issuer_name(crl.get(), X509_get_subject_name(issuer));
  X509_CRL_set1_lastUpdate(crl.get(), time_of(content.this_update).get());
  X509_CRL_set1_nextUpdate(crl.get(), time_of(content.next_update).get());
  using Reason = Owned<ASN1_ENUMERATED, ASN1_ENUMERATED_free>;
  for (const auto& entry : content.revoked) {
    Owned<X509_REVOKED, X509_REVOKED_free> revoked(X509_REVOKED_new());
    X509_REVOKED_set_serialNumber(revoked.get(), integer_of(entry.serial).get());
    X509_REVOKED_set_revocationDate(revoked.get(), time_of(entry.at).get());
    const Reason reason(ASN1_ENUMERATED_new());
    ASN1_ENUMERATED_set(reason.get(), CRL_REASON_KEY_COMPROMISE);
    X509_REVOKED_add1_ext_i2d(revoked.get(), NID_crl_reason, reason.get(), 0, X509V3_ADD_DEFAULT);
    if (X509_CRL_add0_revoked(crl.get(), revoked.get()) != 1) return openssl_error("revoked entry");
    (void)revoked.release();  // the list owns it now
  }
  const Integer number(ASN1_INTEGER_new());
  ASN1_INTEGER_set_int64(number.get(), content.number);
  X509_CRL_add1_ext_i2d(crl.get(), NID_crl_number, number.get(), 0, X509V3_ADD_DEFAULT);
  X509V3_CTX context{};
  X509V3_set_ctx(&context, issuer, nullptr, nullptr, crl.get(), 0);
  const Extension key_identifier(
      X509V3_EXT_conf_nid(nullptr, &context, NID_authority_key_identifier, "keyid:always"));
  if (!key_identifier || X509_CRL_add_ext(crl.get(), key_identifier.get(), -1) != 1)
    return openssl_error("CRL");
  X509_CRL_sort(crl.get());
  if (X509_CRL_sign(crl.get(), issuer_key, EVP_sha256()) == 0) return openssl_error("signing the CRL");
  const Bio bio = memory_bio();
  PEM_write_bio_X509_CRL(bio.get(), crl.get());
  return cardgate::simcard::content(bio);
}

Result<Bytes> alternative_names(const std::string& upn, const std::string& email, const std::string& uri) {
  const GeneralNames names(GENERAL_NAMES_new());
  if (!add_upn(names.get(), upn) || !add_uri_or_email(names.get(), GEN_EMAIL, email) ||
      !add_uri_or_email(names.get(), GEN_URI, uri))
    return openssl_error("alternative names");
  unsigned char* der = nullptr;
  const int size = i2d_GENERAL_NAMES(names.get(), &der);
  if (size < 0) return openssl_error("alternative names");
  Bytes result(der, der + size);
  OPENSSL_free(der);
  return result;
}

}  // namespace cardgate::simcard
