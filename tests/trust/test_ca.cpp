// SPDX-License-Identifier: Apache-2.0
#include "tests/trust/test_ca.hpp"

#include <gtest/gtest.h>
#include <openssl/bn.h>
#include <openssl/err.h>
#include <openssl/ocsp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <stdexcept>

#include "trust/certificate.hpp"
#include "trust/der.hpp"

namespace cardgate::test {

namespace {

template <class T>
T* require(T* object) {
  if (object == nullptr) throw std::runtime_error(ERR_error_string(ERR_get_error(), nullptr));
  return object;
}
void require(bool ok) {
  if (!ok) throw std::runtime_error(ERR_error_string(ERR_get_error(), nullptr));
}

Key own(EVP_PKEY* key) {
  return {require(key), EVP_PKEY_free};
}

using X509Ptr = std::unique_ptr<X509, decltype(&X509_free)>;
X509Ptr parse(BytesView der) {
  const unsigned char* at = der.data();
  return {require(d2i_X509(nullptr, &at, static_cast<long>(der.size()))), X509_free};
}

template <class T, class Encode>
Bytes encode(T* object, Encode function) {
  unsigned char* out = nullptr;
  const int size = function(object, &out);
  require(size > 0);
  Bytes bytes(out, out + size);
  OPENSSL_free(out);
  return bytes;
}

std::unique_ptr<X509_NAME, decltype(&X509_NAME_free)> parse_name(const std::string& text) {
  std::unique_ptr<X509_NAME, decltype(&X509_NAME_free)> name{require(X509_NAME_new()), X509_NAME_free};
  std::size_t at = 1;
  while (at < text.size()) {
    const std::size_t end = std::min(text.find('/', at), text.size());
    const std::size_t equals = text.find('=', at);
    const std::string value = text.substr(equals + 1, end - equals - 1);
    require(X509_NAME_add_entry_by_txt(name.get(), text.substr(at, equals - at).c_str(), MBSTRING_UTF8,
                                       reinterpret_cast<const unsigned char*>(value.data()),
                                       static_cast<int>(value.size()), -1, 0) == 1);
    at = end + 1;
  }
  return name;
}

void set_time(ASN1_TIME* out, WallTime time) {
  require(ASN1_TIME_set(out, static_cast<time_t>(to_unix_seconds(time))) != nullptr);
}

void add(X509* certificate, X509* issuer, const Extension& extension) {
  const std::unique_ptr<CONF, decltype(&NCONF_free)> empty{require(NCONF_new(nullptr)), NCONF_free};
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509V3_set_nconf(&context, empty.get());
  X509_EXTENSION* made =
      require(X509V3_EXT_nconf(empty.get(), &context, extension.name.c_str(), extension.value.c_str()));
  require(X509_add_ext(certificate, made, -1) == 1);
  X509_EXTENSION_free(made);
}

/// `reason`: as in openssl.cnf, or "removeFromCRL".
void add_entry_extension(X509_REVOKED* entry, int nid, const std::string& reason) {
  static constexpr std::pair<const char*, int> reasons[] = {{"keyCompromise", CRL_REASON_KEY_COMPROMISE},
                                                            {"certificateHold", CRL_REASON_CERTIFICATE_HOLD},
                                                            {"removeFromCRL", CRL_REASON_REMOVE_FROM_CRL}};
  const auto* found = std::ranges::find(reasons, reason, [](const auto& each) { return each.first; });
  require(found != std::end(reasons));
  const std::unique_ptr<ASN1_ENUMERATED, decltype(&ASN1_ENUMERATED_free)> code{require(ASN1_ENUMERATED_new()),
                                                                               ASN1_ENUMERATED_free};
  require(ASN1_ENUMERATED_set(code.get(), found->second) == 1);
  require(X509_REVOKED_add1_ext_i2d(entry, nid, code.get(), 0, X509V3_ADD_DEFAULT) == 1);
}

std::string join(const std::vector<std::string>& parts) {
  std::string text;
  for (const auto& part : parts) text += (text.empty() ? "" : ",") + part;
  return text;
}

/// What names the issuer's key in what it signs, as in openssl.cnf. Authorities make it of their key, whether or not
/// their own certificate says it.
std::string key_identifier_of(X509* issuer) {
  if (X509_get0_subject_key_id(issuer) != nullptr) return "keyid";
  unsigned char hash[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  require(X509_pubkey_digest(issuer, EVP_sha1(), hash, &size) == 1);
  return "DER:30168014" + to_hex({hash, size});
}

/// `issuer` null: self-signed.
Bytes make(const Issue& issue, X509* issuer, EVP_PKEY* issuer_key) {
  const X509Ptr certificate{require(X509_new()), X509_free};
  X509* c = certificate.get();
  require(X509_set_version(c, X509_VERSION_3) == 1);
  const std::unique_ptr<BIGNUM, decltype(&BN_free)> serial{require(BN_new()), BN_free};
  require(BN_rand(serial.get(), 100, BN_RAND_TOP_ONE, BN_RAND_BOTTOM_ANY) == 1);
  require(BN_to_ASN1_INTEGER(serial.get(), X509_get_serialNumber(c)) != nullptr);
  set_time(X509_getm_notBefore(c), issue.from);
  set_time(X509_getm_notAfter(c), issue.until);
  const auto subject = parse_name(issue.subject);
  require(X509_set_subject_name(c, subject.get()) == 1);
  require(X509_set_issuer_name(c, issuer != nullptr ? X509_get_subject_name(issuer) : subject.get()) == 1);
  require(X509_set_pubkey(c, issue.key.get()) == 1);
  X509* above = issuer != nullptr ? issuer : c;
  if (issue.version_1) {
    require(X509_set_version(c, X509_VERSION_1) == 1);
    require(X509_sign(c, issuer_key, issue.hash) > 0);
    return encode(c, i2d_X509);
  }
  if (issue.with_key_identifiers) {
    add(c, above, {"subjectKeyIdentifier", "hash"});
    add(c, above, {"authorityKeyIdentifier", issuer == nullptr ? "keyid" : key_identifier_of(issuer)});
  }
  const auto choose = [](const std::string& given, const char* usual) {
    return given.empty() ? usual : given;
  };
  if (issue.ca) {
    if (issue.basic_constraints != "none")
      add(c, above, {"basicConstraints", choose(issue.basic_constraints, "critical,CA:TRUE")});
    if (issue.key_usage != "none")
      add(c, above, {"keyUsage", choose(issue.key_usage, "critical,keyCertSign,cRLSign")});
  } else {
    if (!issue.basic_constraints.empty()) add(c, above, {"basicConstraints", issue.basic_constraints});
    add(c, above, {"keyUsage", choose(issue.key_usage, "critical,digitalSignature")});
    if (!issue.extended_key_usage.empty()) add(c, above, {"extendedKeyUsage", issue.extended_key_usage});
  }
  if (!issue.alternative_names.empty()) add(c, above, {"subjectAltName", join(issue.alternative_names)});
  for (const auto& extension : issue.more) add(c, above, extension);
  require(X509_sign(c, issuer_key, issue.hash) > 0);
  return encode(c, i2d_X509);
}

}  // namespace

Key new_rsa(unsigned bits) {
  return own(EVP_RSA_gen(bits));
}
Key new_p256() {
  return own(EVP_EC_gen("P-256"));
}
Key new_p384() {
  return own(EVP_EC_gen("P-384"));
}

Bytes sign(const Key& key, BytesView message) {
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context{require(EVP_MD_CTX_new()),
                                                                        EVP_MD_CTX_free};
  const EVP_MD* hash = EVP_PKEY_get_bits(key.get()) == 384 ? EVP_sha384() : EVP_sha256();
  require(EVP_DigestSignInit(context.get(), nullptr, hash, nullptr, key.get()) == 1);
  std::size_t size = 0;
  require(EVP_DigestSign(context.get(), nullptr, &size, message.data(), message.size()) == 1);
  Bytes signature(size);
  require(EVP_DigestSign(context.get(), signature.data(), &size, message.data(), message.size()) == 1);
  signature.resize(size);
  return signature;
}

WallTime noon() {
  return std::chrono::sys_days{std::chrono::year{2026} / 6 / 1} + std::chrono::hours{12};
}

Ca Ca::root(const std::string& subject, Key key) {
  return self_signed({.subject = subject, .key = std::move(key)});
}

Ca Ca::self_signed(Issue issue) {
  if (issue.subject == Issue{}.subject) issue.subject = "/O=Example Trust/CN=Example Root";
  if (!issue.key) issue.key = new_p256();
  issue.ca = true;
  if (issue.from == Issue{}.from) issue.from = noon() - 400 * day;
  if (issue.until == Issue{}.until) issue.until = noon() + 400 * day;
  Bytes der = make(issue, nullptr, issue.key.get());
  return {issue.key, std::move(der)};
}

Ca Ca::sub(Issue issue) const {
  issue.ca = true;
  if (!issue.key) issue.key = new_p256();
  const X509Ptr self = parse(der_);
  Bytes der = make(issue, self.get(), key_.get());
  return {issue.key, std::move(der)};
}

Ca Ca::issuing(const std::string& subject) const {
  Issue issue;
  issue.subject = subject;
  issue.from = noon() - 200 * day;
  issue.until = noon() + 200 * day;
  return sub(std::move(issue));
}

Bytes Ca::issue(Issue issue) const {
  if (!issue.key) issue.key = new_p256();
  const X509Ptr self = parse(der_);
  return make(issue, self.get(), key_.get());
}

Bytes Ca::crl(RevocationList list) const {
  const X509Ptr self = parse(der_);
  const std::unique_ptr<X509_CRL, decltype(&X509_CRL_free)> crl{require(X509_CRL_new()), X509_CRL_free};
  require(X509_CRL_set_version(crl.get(), X509_CRL_VERSION_2) == 1);
  require(X509_CRL_set_issuer_name(crl.get(), X509_get_subject_name(self.get())) == 1);
  const std::unique_ptr<ASN1_TIME, decltype(&ASN1_TIME_free)> time{require(ASN1_TIME_new()), ASN1_TIME_free};
  set_time(time.get(), list.from);
  require(X509_CRL_set1_lastUpdate(crl.get(), time.get()) == 1);
  if (list.next) {
    set_time(time.get(), *list.next);
    require(X509_CRL_set1_nextUpdate(crl.get(), time.get()) == 1);
  }
  for (const auto& hex : list.serials) {
    X509_REVOKED* entry = require(X509_REVOKED_new());
    BIGNUM* number = nullptr;
    require(BN_hex2bn(&number, hex.c_str()) > 0);
    ASN1_INTEGER* serial = require(BN_to_ASN1_INTEGER(number, nullptr));
    BN_free(number);
    require(X509_REVOKED_set_serialNumber(entry, serial) == 1);
    ASN1_INTEGER_free(serial);
    set_time(time.get(), list.from);
    require(X509_REVOKED_set_revocationDate(entry, time.get()) == 1);
    if (!list.reason.empty()) add_entry_extension(entry, NID_crl_reason, list.reason);
    if (!list.certificate_issuer.empty()) {
      const std::unique_ptr<GENERAL_NAMES, decltype(&GENERAL_NAMES_free)> names{require(GENERAL_NAMES_new()),
                                                                                GENERAL_NAMES_free};
      GENERAL_NAME* name = require(GENERAL_NAME_new());
      name->type = GEN_DIRNAME;
      name->d.directoryName = parse_name(list.certificate_issuer).release();
      require(sk_GENERAL_NAME_push(names.get(), name) > 0);
      require(X509_REVOKED_add1_ext_i2d(entry, NID_certificate_issuer, names.get(), 1, X509V3_ADD_DEFAULT) ==
              1);
    }
    require(X509_CRL_add0_revoked(crl.get(), entry) == 1);
  }
  X509V3_CTX context;
  X509V3_set_ctx(&context, self.get(), nullptr, nullptr, crl.get(), 0);
  X509V3_set_ctx_nodb(&context);
  const auto extend = [&](int nid, const std::string& value) {
    X509_EXTENSION* made = require(X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str()));
    require(X509_CRL_add_ext(crl.get(), made, -1) == 1);
    X509_EXTENSION_free(made);
  };
  if (list.with_key_identifier) extend(NID_authority_key_identifier, key_identifier_of(self.get()));
  const auto number = [&](int nid, long value, bool critical) {
    const std::unique_ptr<ASN1_INTEGER, decltype(&ASN1_INTEGER_free)> made{require(ASN1_INTEGER_new()),
                                                                           ASN1_INTEGER_free};
    require(ASN1_INTEGER_set(made.get(), value) == 1);
    require(X509_CRL_add1_ext_i2d(crl.get(), nid, made.get(), critical ? 1 : 0, X509V3_ADD_DEFAULT) == 1);
  };
  if (list.number) number(NID_crl_number, *list.number, false);
  if (list.base) number(NID_delta_crl, *list.base, true);
  const std::string scope = list.indirect ? "critical,indirectCRL:TRUE" : list.scope;
  if (!scope.empty()) extend(NID_issuing_distribution_point, scope);
  require(X509_CRL_sort(crl.get()) == 1);
  require(X509_CRL_sign(crl.get(), (list.signed_by ? list.signed_by : key_).get(), list.hash) > 0);
  return encode(crl.get(), i2d_X509_CRL);
}

ResponderKey Ca::responder(std::string extended_key_usage, std::vector<Extension> extra) const {
  ResponderKey made{{}, new_p256()};
  Issue what;
  what.subject = "/O=Example Trust/CN=Example Responder";
  what.key = made.key;
  what.extended_key_usage = std::move(extended_key_usage);
  what.more = std::move(extra);
  made.certificate = issue(std::move(what));
  return made;
}

namespace {

using TimePtr = std::unique_ptr<ASN1_TIME, decltype(&ASN1_TIME_free)>;
TimePtr generalized(WallTime at) {
  TimePtr made{require(ASN1_TIME_new()), ASN1_TIME_free};
  require(ASN1_GENERALIZEDTIME_set(made.get(), static_cast<time_t>(to_unix_seconds(at))) != nullptr);
  return made;
}

/// An extension without content that means anything.
X509_EXTENSION* strange(const std::string& oid, bool critical) {
  const std::unique_ptr<ASN1_OBJECT, decltype(&ASN1_OBJECT_free)> object{require(OBJ_txt2obj(oid.c_str(), 1)),
                                                                         ASN1_OBJECT_free};
  const std::unique_ptr<ASN1_OCTET_STRING, decltype(&ASN1_OCTET_STRING_free)> value{
      require(ASN1_OCTET_STRING_new()), ASN1_OCTET_STRING_free};
  static constexpr unsigned char null[] = {0x05, 0x00};
  require(ASN1_OCTET_STRING_set(value.get(), null, sizeof null) == 1);
  return require(X509_EXTENSION_create_by_OBJ(nullptr, object.get(), critical ? 1 : 0, value.get()));
}

void add_word(OCSP_BASICRESP* basic, X509* subject, X509* issuer, const OcspAnswer::Word& word) {
  const std::unique_ptr<OCSP_CERTID, decltype(&OCSP_CERTID_free)> id{
      require(OCSP_cert_to_id(word.id_hash, subject, issuer)), OCSP_CERTID_free};
  const TimePtr from = generalized(word.from);
  const TimePtr next = generalized(word.next.value_or(word.from));
  const bool revoked = word.state == OcspAnswer::State::revoked;
  OCSP_SINGLERESP* single = require(
      OCSP_basic_add1_status(basic, id.get(), static_cast<int>(word.state), revoked ? word.reason : 0,
                             revoked ? from.get() : nullptr, from.get(), word.next ? next.get() : nullptr));
  if (word.extension.empty()) return;
  X509_EXTENSION* extension = strange(word.extension, word.critical);
  require(OCSP_SINGLERESP_add_ext(single, extension, -1) == 1);
  X509_EXTENSION_free(extension);
}

/// The answer with another version, signed again: OpenSSL writes only version 1.
Bytes with_version(BytesView basic, std::uint8_t version, const Key& key) {
  trust::DerWalk outside(basic);
  trust::DerWalk four(outside.next()->content);
  const auto data = *four.next();
  const auto algorithm = *four.next();
  four.next();  // the signature
  const Bytes explicit_version{0xa0, 0x03, 0x02, 0x01, version};
  const Bytes made = trust::der_around(V_ASN1_SEQUENCE, {explicit_version, data.content});
  const Bytes signature = sign(key, made);
  Bytes bits{0x03, static_cast<std::uint8_t>(signature.size() + 1), 0x00};
  bits.insert(bits.end(), signature.begin(), signature.end());
  const auto rest = four.next();
  return trust::der_around(V_ASN1_SEQUENCE, {made, algorithm.whole, bits, rest ? rest->whole : BytesView{}});
}

}  // namespace

Bytes Ca::ocsp(BytesView leaf, OcspAnswer answer) const {
  const X509Ptr self = parse(der_);
  const X509Ptr subject = parse(leaf);
  using BasicPtr = std::unique_ptr<OCSP_BASICRESP, decltype(&OCSP_BASICRESP_free)>;
  BasicPtr basic{require(OCSP_BASICRESP_new()), OCSP_BASICRESP_free};
  for (const auto& word : answer.before) add_word(basic.get(), subject.get(), self.get(), word);
  add_word(basic.get(), subject.get(), self.get(),
           {answer.state, answer.from, answer.next, answer.id_hash, answer.reason, {}, false});
  for (const auto& word : answer.behind) add_word(basic.get(), subject.get(), self.get(), word);
  if (!answer.request.empty()) {
    const unsigned char* at = answer.request.data();
    const std::unique_ptr<OCSP_REQUEST, decltype(&OCSP_REQUEST_free)> request{
        require(d2i_OCSP_REQUEST(nullptr, &at, static_cast<long>(answer.request.size()))), OCSP_REQUEST_free};
    require(OCSP_copy_nonce(basic.get(), request.get()) > 0);
  }
  if (!answer.extension.empty()) {
    X509_EXTENSION* extension = strange(answer.extension, answer.critical);
    require(OCSP_BASICRESP_add_ext(basic.get(), extension, -1) == 1);
    X509_EXTENSION_free(extension);
  }
  // OpenSSL would say now; the tests have a clock of their own.
  auto* produced = const_cast<ASN1_GENERALIZEDTIME*>(OCSP_resp_get0_produced_at(basic.get()));
  require(ASN1_GENERALIZEDTIME_set(produced, static_cast<time_t>(to_unix_seconds(
                                                 answer.produced.value_or(answer.from)))) != nullptr);
  const X509Ptr signer = answer.responder ? parse(answer.responder->certificate) : parse(der_);
  const Key& key = answer.responder ? answer.responder->key : key_;
  require(OCSP_basic_sign(basic.get(), signer.get(), key.get(), answer.hash, nullptr, OCSP_NOTIME) == 1);
  if (answer.version) {
    const Bytes changed = with_version(encode(basic.get(), i2d_OCSP_BASICRESP), *answer.version, key);
    const unsigned char* at = changed.data();
    basic.reset(require(d2i_OCSP_BASICRESP(nullptr, &at, static_cast<long>(changed.size()))));
  }
  const std::unique_ptr<OCSP_RESPONSE, decltype(&OCSP_RESPONSE_free)> response{
      require(OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, basic.get())), OCSP_RESPONSE_free};
  return encode(response.get(), i2d_OCSP_RESPONSE);
}

std::string to_pem(BytesView der, const std::string& label) {
  const std::unique_ptr<BIO, decltype(&BIO_free)> out{require(BIO_new(BIO_s_mem())), BIO_free};
  require(PEM_write_bio(out.get(), label.c_str(), "", der.data(), static_cast<long>(der.size())) > 0);
  char* text = nullptr;
  const long size = BIO_get_mem_data(out.get(), &text);
  return {text, static_cast<std::size_t>(size)};
}

trust::Authorities authorities(std::vector<Bytes> anchors, std::vector<Bytes> intermediates,
                               std::vector<Bytes> crls) {
  auto made = trust::Authorities::parse({std::move(anchors), std::move(intermediates), std::move(crls)});
  if (!made) throw std::runtime_error(made.error().context);
  return *made;
}

}  // namespace cardgate::test
