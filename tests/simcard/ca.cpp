// SPDX-License-Identifier: Apache-2.0
#include "tests/simcard/ca.hpp"

#include <openssl/cms.h>

#include <algorithm>

#include "base/crypto.hpp"
#include "base/file.hpp"
#include "base/json.hpp"
#include "tests/simcard/tlv.hpp"
#include "tests/simcard/x509_builder.hpp"

namespace cardgate::simcard {

namespace {

using std::chrono::days;

constexpr std::size_t max_ca_file = 1 << 20;
constexpr days ca_life{3650};
constexpr days card_life{1095};
constexpr auto margin = std::chrono::hours(1);  // clocks of two machines differ

// As PIV cards carry it: object identifiers of SP 800-73-4 and of Microsoft's smartcard logon.
constexpr const char* smartcard_logon = "1.3.6.1.4.1.311.20.2.2";
constexpr const char* piv_card_authentication = "2.16.840.1.101.3.6.8";
constexpr const char* piv_content_signing = "2.16.840.1.101.3.6.7";
constexpr const char* piv_chuid_security_object = "2.16.840.1.101.3.6.1";

struct Authority {
  Key key;
  Certificate certificate;
};

Result<Authority> load_authority(const std::filesystem::path& key, const std::filesystem::path& certificate) {
  Authority result;
  result.key = TRY(read_private_key(TRY(read_file(key, max_ca_file))));
  const std::string pem = TRY(read_file(certificate, max_ca_file));
  const Bio bio = memory_bio(as_bytes(pem));
  result.certificate.reset(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
  if (!result.certificate) return Error(Errc::malformed, certificate.string() + ": not a certificate in PEM");
  return result;
}

Result<Authority> load_root(const Ca& ca) {
  return load_authority(ca.directory() / "private/root.key", ca.anchors() / "root.pem");
}
Result<Authority> load_issuing(const Ca& ca) {
  return load_authority(ca.directory() / "private/issuing.key", ca.intermediates() / "issuing.pem");
}
Result<Authority> load_content_signer(const Ca& ca) {
  return load_authority(ca.directory() / "private/content-signer.key", ca.content_signing() / "signer.pem");
}

Result<void> write_certificate(const std::filesystem::path& path, X509* certificate) {
  const Bio bio = memory_bio();
  PEM_write_bio_X509(bio.get(), certificate);
  return write_file_atomic(path, as_bytes(content(bio)), 0644);
}

std::string random_serial() {
  Bytes serial = random_bytes(16);
  serial[0] = static_cast<std::uint8_t>((serial[0] & 0x7F) | 0x40);  // positive, and always 16 bytes
  return to_hex(serial);
}

CertificateContent authority_content(const CaOptions& options, const std::string& name, EVP_PKEY* key,
                                     bool root) {
  CertificateContent content;
  content.serial = random_serial();
  content.subject = {{"C", "GB"}, {"O", options.organisation}, {"CN", options.organisation + " " + name}};
  content.public_key = key;
  content.not_before =
      system_clock().wall() - ca_life;  // so that cards with a validity long past can be made
  content.not_after = system_clock().wall() + ca_life;
  content.extensions = {{NID_basic_constraints, root ? "critical,CA:TRUE" : "critical,CA:TRUE,pathlen:0"},
                        {NID_key_usage, "critical,keyCertSign,cRLSign"},
                        {NID_subject_key_identifier, "hash"},
                        {NID_authority_key_identifier, "keyid:always"}};
  return content;
}

std::string joined(const std::vector<std::string>& parts) {
  std::string result;
  for (const auto& part : parts) result += (result.empty() ? "" : ",") + part;
  return result;
}

std::string hex_serial(X509* certificate) {
  const Owned<BIGNUM, BN_free> number(ASN1_INTEGER_to_BN(X509_get_serialNumber(certificate), nullptr));
  Bytes bytes(static_cast<std::size_t>(BN_num_bytes(number.get())));
  BN_bn2bin(number.get(), bytes.data());
  return to_hex(bytes);
}

}  // namespace

Result<KeyPair> generate_key(KeyKind kind) {
  const bool rsa = facts_of(kind).rsa;
  const Key key(rsa ? EVP_RSA_gen(facts_of(kind).block * 8)
                    : EVP_EC_gen(kind == KeyKind::p384 ? "P-384" : "P-256"));
  if (!key) return openssl_error("making a key");
  const Bio private_pem = memory_bio();
  const Bio public_pem = memory_bio();
  PEM_write_bio_PKCS8PrivateKey(private_pem.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr);
  PEM_write_bio_PUBKEY(public_pem.get(), key.get());
  return KeyPair{content(private_pem), content(public_pem)};
}

Result<Ca> Ca::open_or_create(const std::filesystem::path& directory, const CaOptions& options) {
  if (std::filesystem::exists(directory / "private/ca.json")) return open(directory);
  Ca ca;
  ca.directory_ = std::filesystem::absolute(directory).lexically_normal();
  ca.options_ = options;
  TRY(ca.create());
  return ca;
}

Result<Ca> Ca::open(const std::filesystem::path& directory) {
  Ca ca;
  ca.directory_ = std::filesystem::absolute(directory).lexically_normal();
  const std::string text = TRY(read_file(ca.directory_ / "private/ca.json", max_ca_file));
  const json::value value = TRY(parse_json(text));
  const auto* object = value.if_object();
  const auto* organisation = object == nullptr ? nullptr : find_string(*object, "organisation");
  const auto* revoked = object == nullptr ? nullptr : find_array(*object, "revoked");
  const auto* crl_days = object == nullptr ? nullptr : object->if_contains("crl_days");
  const auto* number = object == nullptr ? nullptr : object->if_contains("crl_number");
  const Error broken(Errc::malformed, (ca.directory_ / "private/ca.json").string() + ": not a CA's state");
  if (organisation == nullptr || revoked == nullptr || crl_days == nullptr || !crl_days->is_int64() ||
      number == nullptr || !number->is_int64())
    return broken;
  ca.options_.organisation = std::string(*organisation);
  ca.options_.crl_life = days(crl_days->as_int64());
  ca.last_crl_number_ = number->as_int64();
  for (const auto& entry : *revoked) {
    const auto* one = entry.if_object();
    const auto* serial = one == nullptr ? nullptr : find_string(*one, "serial");
    const auto* at = one == nullptr ? nullptr : one->if_contains("at");
    if (serial == nullptr || at == nullptr || !at->is_int64()) return broken;
    ca.revoked_.push_back({std::string(*serial), at->as_int64()});
  }
  return ca;
}

Result<void> Ca::save() const {
  json::array revoked;
  for (const auto& one : revoked_) revoked.push_back(json::object{{"serial", one.serial}, {"at", one.at}});
  const json::object object{{"organisation", options_.organisation},
                            {"crl_days", options_.crl_life.count()},
                            {"crl_number", last_crl_number_},
                            {"revoked", revoked}};
  return write_file_atomic(directory_ / "private/ca.json", as_bytes(json::serialize(object) + "\n"), 0600);
}

Result<void> Ca::create() {
  for (const auto& path : {directory_ / "private", anchors(), intermediates(), crls()}) {
    std::error_code error;
    std::filesystem::create_directories(path, error);
    if (error) return errno_error(path.string(), error.value());
  }
  std::filesystem::permissions(directory_ / "private", std::filesystem::perms::owner_all);
  const KeyPair root_pair = TRY(generate_key(options_.key));
  const KeyPair issuing_pair = TRY(generate_key(options_.key));
  const Key root_key = TRY(read_private_key(root_pair.private_key));
  const Key issuing_key = TRY(read_private_key(issuing_pair.private_key));
  const Certificate root = TRY(build_certificate(authority_content(options_, "Root CA", root_key.get(), true),
                                                 nullptr, root_key.get()));
  const Certificate issuing = TRY(build_certificate(
      authority_content(options_, "Issuing CA", issuing_key.get(), false), root.get(), root_key.get()));
  TRY(write_file_atomic(directory_ / "private/root.key", as_bytes(root_pair.private_key), 0600));
  TRY(write_file_atomic(directory_ / "private/issuing.key", as_bytes(issuing_pair.private_key), 0600));
  TRY(write_certificate(anchors() / "root.pem", root.get()));
  TRY(write_certificate(intermediates() / "issuing.pem", issuing.get()));
  return write_crls();
}

Result<void> Ca::write_crls(std::optional<WallTime> this_update, std::optional<WallTime> next_update) {
  CrlContent crl;
  crl.number = ++last_crl_number_;
  crl.this_update = this_update.value_or(system_clock().wall() - margin);
  crl.next_update = next_update.value_or(system_clock().wall() + options_.crl_life);
  const Authority root = TRY(load_root(*this));
  TRY(write_file_atomic(crls() / "root.crl",
                        as_bytes(TRY(build_crl(crl, root.certificate.get(), root.key.get()))), 0644));
  for (const auto& one : revoked_) crl.revoked.push_back({one.serial, WallTime(seconds(one.at))});
  const Authority issuing = TRY(load_issuing(*this));
  TRY(write_file_atomic(crls() / "issuing.crl",
                        as_bytes(TRY(build_crl(crl, issuing.certificate.get(), issuing.key.get()))), 0644));
  return save();
}

Result<void> Ca::revoke(BytesView certificate) {
  const Certificate parsed = TRY(read_certificate(certificate));
  const std::string serial = hex_serial(parsed.get());
  const bool known =
      std::any_of(revoked_.begin(), revoked_.end(), [&](const auto& one) { return one.serial == serial; });
  if (!known) revoked_.push_back({serial, to_unix_seconds(system_clock().wall())});
  return write_crls();
}

Result<Bytes> Ca::issue(const CertificateRequest& request) {
  const bool authentication = request.use == CertificateUse::authentication;
  const Bio bio = memory_bio(as_bytes(request.public_key));
  const Key key(PEM_read_bio_PUBKEY(bio.get(), nullptr, nullptr, nullptr));
  if (!key) return Error(Errc::invalid_argument, "not a public key in PEM");

  CertificateContent content;
  content.serial = random_serial();
  content.subject = {{"C", "GB"}, {"O", options_.organisation}};
  if (authentication) {
    content.subject.push_back({"OU", "Staff"});
    content.subject.push_back({"CN", request.person});
  } else {
    content.subject.push_back({"serialNumber", to_text(request.uuid)});  // says nothing of the person
  }
  content.public_key = key.get();
  content.not_before = request.not_before.value_or(system_clock().wall() - margin);
  content.not_after = request.not_after.value_or(system_clock().wall() + card_life);
  std::vector<std::string> usage = request.extended_key_usage;
  if (usage.empty() && authentication) usage = {"clientAuth", smartcard_logon};
  if (usage.empty()) usage = {piv_card_authentication};
  content.extensions = {{NID_basic_constraints, "critical,CA:FALSE"},
                        {NID_key_usage, "critical,digitalSignature"},
                        {NID_ext_key_usage, joined(usage)},
                        {NID_subject_key_identifier, "hash"},
                        {NID_authority_key_identifier, "keyid:always"}};
  content.alternative_names =
      TRY(alternative_names(authentication ? request.upn : "", authentication ? request.email : "",
                            "urn:uuid:" + to_text(request.uuid)));
  if (authentication && !request.alternative_names.empty())
    content.alternative_names = request.alternative_names;
  content.size = request.size;
  const Authority issuing = TRY(load_issuing(*this));
  const Certificate certificate =
      TRY(build_certificate(content, issuing.certificate.get(), issuing.key.get()));
  return to_der(certificate.get());
}

Result<void> Ca::create_content_signer() {
  std::error_code error;
  std::filesystem::create_directories(content_signing(), error);
  if (error) return errno_error(content_signing().string(), error.value());
  const KeyPair pair = TRY(generate_key(options_.key));
  const Key key = TRY(read_private_key(pair.private_key));
  const Authority issuing = TRY(load_issuing(*this));
  CertificateContent content = authority_content(options_, "Card Signer", key.get(), false);
  content.extensions = {{NID_basic_constraints, "critical,CA:FALSE"},
                        {NID_key_usage, "critical,digitalSignature"},
                        {NID_ext_key_usage, piv_content_signing},
                        {NID_subject_key_identifier, "hash"},
                        {NID_authority_key_identifier, "keyid:always"}};
  const Certificate made = TRY(build_certificate(content, issuing.certificate.get(), issuing.key.get()));
  TRY(write_file_atomic(directory_ / "private/content-signer.key", as_bytes(pair.private_key), 0600));
  return write_certificate(content_signing() / "signer.pem", made.get());
}

Result<Bytes> Ca::sign_chuid(BytesView chuid) {
  if (!std::filesystem::exists(content_signing() / "signer.pem")) TRY(create_content_signer());
  const Authority signer = TRY(load_content_signer(*this));
  const Bio data = memory_bio(chuid);
  using Cms = Owned<CMS_ContentInfo, CMS_ContentInfo_free>;
  using Object = Owned<ASN1_OBJECT, ASN1_OBJECT_free>;
  constexpr unsigned flags = CMS_BINARY | CMS_DETACHED | CMS_PARTIAL | CMS_NOSMIMECAP;
  const Cms cms(CMS_sign(nullptr, nullptr, nullptr, nullptr, flags));
  const Object type(OBJ_txt2obj(piv_chuid_security_object, 1));
  if (!cms || CMS_set1_eContentType(cms.get(), type.get()) != 1 ||
      CMS_add1_signer(cms.get(), signer.certificate.get(), signer.key.get(), EVP_sha256(), flags) ==
          nullptr ||
      CMS_final(cms.get(), data.get(), nullptr, flags) != 1)
    return openssl_error("signing the CHUID");
  unsigned char* der = nullptr;
  const int size = i2d_CMS_ContentInfo(cms.get(), &der);
  if (size < 0) return openssl_error("signing the CHUID");
  Bytes result(der, der + size);
  OPENSSL_free(der);
  return result;
}

Result<CardData> personalise(Ca& ca, const Personalisation& what) {
  for (const auto& pin : {what.pin, what.puk}) {
    const bool digits = std::all_of(pin.begin(), pin.end(), [](char c) { return c >= '0' && c <= '9'; });
    if (pin.size() < 6 || pin.size() > 8 || !digits)
      return Error(Errc::invalid_argument, "a PIN or PUK has 6 to 8 digits");
  }
  if (what.person.empty()) return Error(Errc::invalid_argument, "a card needs a person's name");
  CardData card;
  card.person = what.person;
  card.uuid = what.uuid.value_or(random_uuid());
  card.pin = what.pin;
  card.puk = what.puk;
  card.gzip_certificates = what.gzip_certificates;
  card.ca = ca.directory();
  CertificateRequest request;
  request.person = what.person;
  request.upn = what.upn;
  request.email = what.email;
  request.uuid = card.uuid;
  request.alternative_names = what.alternative_names;
  request.not_before = what.not_before;
  request.not_after = what.not_after;
  request.size = what.certificate_size;
  for (const auto use : {CertificateUse::authentication, CertificateUse::card_authentication}) {
    const KeyPair pair = TRY(generate_key(what.key));
    request.use = use;
    request.public_key = pair.public_key;
    request.extended_key_usage.clear();
    if (use == CertificateUse::authentication) request.extended_key_usage = what.extended_key_usage;
    KeySlot& slot = use == CertificateUse::authentication ? card.authentication : card.card_authentication;
    slot = { what.key, pair.private_key, TRY(ca.issue(request)) };
  }
  if (what.signed_chuid) card.chuid_signature = TRY(ca.sign_chuid(chuid_fields(card)));
  return card;
}

}  // namespace cardgate::simcard
