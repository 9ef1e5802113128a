// SPDX-License-Identifier: Apache-2.0
#include "trust/certificate.hpp"

#include <openssl/ec.h>
#include <openssl/objects.h>

#include <algorithm>

#include "base/card_id.hpp"
#include "trust/intake.hpp"
#include "trust/key.hpp"
#include "trust/openssl.hpp"

namespace cardgate::trust {

namespace {

constexpr std::string_view fasc_n_name = "2.16.840.1.101.3.6.6";  // pivFASC-N, FIPS 201-2 4.2.1
constexpr int fasc_n_size = 25;

struct KeyUsage {
  std::uint32_t bit;
  const char* name;
};
constexpr KeyUsage key_usages[] = {
    {KU_DIGITAL_SIGNATURE, "digitalSignature"},
    {KU_NON_REPUDIATION, "nonRepudiation"},
    {KU_KEY_ENCIPHERMENT, "keyEncipherment"},
    {KU_DATA_ENCIPHERMENT, "dataEncipherment"},
    {KU_KEY_AGREEMENT, "keyAgreement"},
    {KU_KEY_CERT_SIGN, "keyCertSign"},
    {KU_CRL_SIGN, "cRLSign"},
    {KU_ENCIPHER_ONLY, "encipherOnly"},
    {KU_DECIPHER_ONLY, "decipherOnly"},
};

Error malformed(std::string text) {
  return {Errc::certificate_malformed, std::move(text)};
}

/// Text of a name, or why it is none.
struct Text {
  std::string value;
  std::string why_none{};
};

/// Bytes beyond ASCII mean nothing, or different things to different readers, in strings of these kinds.
bool is_seven_bit(const ASN1_STRING* value) {
  const int type = ASN1_STRING_type(value);
  if (type == V_ASN1_UTF8STRING || type == V_ASN1_BMPSTRING || type == V_ASN1_UNIVERSALSTRING) return true;
  const BytesView bytes{ASN1_STRING_get0_data(value), static_cast<std::size_t>(ASN1_STRING_length(value))};
  return std::ranges::all_of(bytes, [](auto byte) { return byte < 0x80; });
}

/// A NUL or control character in a name is an attempt to be read as another name.
Text plain_text(const ASN1_STRING* value) {
  unsigned char* utf8 = nullptr;
  const int size = ASN1_STRING_to_UTF8(&utf8, value);
  if (size < 0) {
    ERR_clear_error();
    return {{}, "is not text"};
  }
  std::string text{reinterpret_cast<const char*>(utf8), static_cast<std::size_t>(size)};
  OPENSSL_free(utf8);
  if (text.empty()) return {{}, "is empty"};
  if (!is_plain_utf8(text)) return {{}, "holds control characters"};
  return {std::move(text)};
}

/// Text of an alternative name, which only ASCII or Unicode can be (RFC 5280 4.2.1.6).
Text alternative_text(const ASN1_STRING* value) {
  return is_seven_bit(value) ? plain_text(value) : Text{{}, "holds bytes that are no ASCII"};
}

std::string dotted(const ASN1_OBJECT* object) {
  std::string text(128, '\0');
  const int size = OBJ_obj2txt(text.data(), static_cast<int>(text.size()), object, 1);
  text.resize(static_cast<std::size_t>(std::clamp(size, 0, 127)));
  return text;
}

std::string field_name(const ASN1_OBJECT* object) {
  const int nid = OBJ_obj2nid(object);
  return nid != NID_undef ? OBJ_nid2sn(nid) : dotted(object);
}

/// The UUID of "urn:uuid:f81d4fae-...", lower case (RFC 4122 3).
std::optional<std::string> uuid_of(std::string_view uri) {
  constexpr std::string_view prefix = "urn:uuid:";
  std::string lower = ascii_lower(uri);
  if (!lower.starts_with(prefix)) return std::nullopt;
  lower.erase(0, prefix.size());
  return is_uuid(lower) ? std::optional(std::move(lower)) : std::nullopt;
}

/// Takes the name, or notes why it cannot be used.
void take(CertificateInfo& info, const char* kind, const char* words, Text text,
          std::vector<std::string>& names) {
  if (text.why_none.empty()) {
    names.push_back(std::move(text.value));
  } else {
    info.unusable_names.emplace(kind, std::string("the certificate's ") + words + " " + text.why_none);
  }
}

/// One address and nothing else (RFC 5280 4.2.1.6: a Mailbox without its quoted forms).
Text address(Text text) {
  if (!text.why_none.empty()) return text;
  const auto at = text.value.find('@');
  const bool one = at != std::string::npos && at > 0 && at + 1 < text.value.size() &&
                   text.value.find('@', at + 1) == std::string::npos &&
                   text.value.find_first_of(" <>()[]\",;:\\") == std::string::npos;
  return one ? std::move(text) : Text{{}, "\"" + text.value + "\" is no e-mail address"};
}

Text principal_name(const ASN1_TYPE& value) {
  switch (value.type) {
    case V_ASN1_UTF8STRING:  // as it should be ([MS-WCCE] 2.2.2.7.7.2)
    case V_ASN1_BMPSTRING:   // as older authorities write it
    case V_ASN1_UNIVERSALSTRING:
    case V_ASN1_IA5STRING:
    case V_ASN1_PRINTABLESTRING:
    case V_ASN1_VISIBLESTRING:
    case V_ASN1_T61STRING:
      return alternative_text(value.value.asn1_string);
    default:
      return {{}, "is not text"};
  }
}

void note_once(std::vector<std::string>& names, std::string name) {
  if (std::ranges::find(names, name) == names.end()) names.push_back(std::move(name));
}

void read_fasc_n(const ASN1_TYPE& value, CertificateInfo& info) {
  if (value.type != V_ASN1_OCTET_STRING || ASN1_STRING_length(value.value.octet_string) != fasc_n_size) {
    info.unusable_names.emplace("fasc_n", "the certificate's FASC-N is not an OCTET STRING of 25 bytes");
    return;
  }
  const BytesView number{ASN1_STRING_get0_data(value.value.octet_string), fasc_n_size};
  std::string hex = to_hex(number);
  const bool says_nothing =
      std::ranges::all_of(number, [&](std::uint8_t byte) { return byte == number.front(); });
  if (!says_nothing) note_once(info.written_fasc_ns, hex);
  if (auto why = why_placeholder("fasc_n", hex); !why.empty()) {
    info.unusable_names.emplace("fasc_n", std::move(why));
  } else {
    note_once(info.fasc_ns, std::move(hex));
  }
}

void read_uuid(const std::string& uri, CertificateInfo& info) {
  auto uuid = uuid_of(uri);
  if (!uuid) return;
  if (auto why = why_placeholder("card_uuid", *uuid); !why.empty()) {
    info.unusable_names.emplace("card_uuid", std::move(why));
  } else {
    note_once(info.card_uuids, std::move(*uuid));
  }
}

void read_alternative_name(const GENERAL_NAME& name, CertificateInfo& info) {
  if (name.type == GEN_EMAIL) {
    take(info, "email", "e-mail address", address(alternative_text(name.d.rfc822Name)), info.email);
  } else if (name.type == GEN_URI) {
    take(info, "uri", "URI", alternative_text(name.d.uniformResourceIdentifier), info.uri);
  } else if (name.type == GEN_OTHERNAME && OBJ_obj2nid(name.d.otherName->type_id) == NID_ms_upn) {
    take(info, "upn", "user principal name", principal_name(*name.d.otherName->value), info.upn);
  } else if (name.type == GEN_DNS) {
    take(info, "dns", "DNS name", alternative_text(name.d.dNSName), info.dns);
  } else if (name.type == GEN_OTHERNAME && dotted(name.d.otherName->type_id) == fasc_n_name) {
    read_fasc_n(*name.d.otherName->value, info);
  }
}

Result<void> read_alternative_names(const X509* certificate, CertificateInfo& info) {
  int critical = 0;
  const std::unique_ptr<GENERAL_NAMES, Releases<GENERAL_NAMES_free>> names{
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(certificate, NID_subject_alt_name, &critical, nullptr))};
  if (!names) {
    ERR_clear_error();
    if (critical == -1) return {};
    return malformed("the subject alternative name does not parse, or stands twice");
  }
  const int count = sk_GENERAL_NAME_num(names.get());
  if (static_cast<std::size_t>(count) > max_alternative_names) {
    return malformed("it has " + std::to_string(count) + " alternative names, and " +
                     std::to_string(max_alternative_names) + " are the most that are read");
  }
  for (int i = 0; i < count; ++i) read_alternative_name(*sk_GENERAL_NAME_value(names.get(), i), info);
  for (const auto& uri : info.uri) read_uuid(uri, info);
  if (info.card_uuids.size() == 1) info.card_uuid = info.card_uuids.front();
  if (info.fasc_ns.size() == 1) info.fasc_n = info.fasc_ns.front();
  return {};
}

Result<void> read_usages(X509* certificate, CertificateInfo& info) {
  if ((X509_get_extension_flags(certificate) & EXFLAG_KUSAGE) != 0) {
    const std::uint32_t bits = X509_get_key_usage(certificate);
    for (const auto& usage : key_usages) {
      if ((bits & usage.bit) != 0) info.key_usages.emplace_back(usage.name);
    }
  }
  int found = 0;
  const std::unique_ptr<EXTENDED_KEY_USAGE, Releases<EXTENDED_KEY_USAGE_free>> extended{
      static_cast<EXTENDED_KEY_USAGE*>(X509_get_ext_d2i(certificate, NID_ext_key_usage, &found, nullptr))};
  if (!extended && found != -1) return malformed("the extended key usage does not parse, or stands twice");
  for (int i = 0; extended && i < sk_ASN1_OBJECT_num(extended.get()); ++i)
    info.extended_key_usages.push_back(dotted(sk_ASN1_OBJECT_value(extended.get(), i)));
  const std::unique_ptr<CERTIFICATEPOLICIES, Releases<CERTIFICATEPOLICIES_free>> policies{
      static_cast<CERTIFICATEPOLICIES*>(
          X509_get_ext_d2i(certificate, NID_certificate_policies, &found, nullptr))};
  if (!policies && found != -1) return malformed("the certificate policies do not parse, or stand twice");
  for (int i = 0; policies && i < sk_POLICYINFO_num(policies.get()); ++i)
    info.policies.push_back(dotted(sk_POLICYINFO_value(policies.get(), i)->policyid));
  if (const ASN1_OCTET_STRING* id = X509_get0_subject_key_id(certificate)) {
    info.ski = to_hex({ASN1_STRING_get0_data(id), static_cast<std::size_t>(ASN1_STRING_length(id))});
  }
  return {};
}

void read_subject(const X509* certificate, CertificateInfo& info) {
  const X509_NAME* subject = X509_get_subject_name(certificate);
  for (int i = 0; i < X509_NAME_entry_count(subject); ++i) {
    const X509_NAME_ENTRY* entry = X509_NAME_get_entry(subject, i);
    const std::string field = field_name(X509_NAME_ENTRY_get_object(entry));
    auto text = plain_text(X509_NAME_ENTRY_get_data(entry));
    if (text.why_none.empty()) {
      info.subject_fields.emplace(field, std::move(text.value));
    } else {
      info.unusable_names.emplace("subject:" + field,
                                  "the " + field + " of the certificate's subject " + text.why_none);
    }
  }
}

}  // namespace

std::string_view name(KeyKind kind) {
  switch (kind) {
    case KeyKind::rsa2048:
      return "rsa2048";
    case KeyKind::rsa3072:
      return "rsa3072";
    case KeyKind::rsa4096:
      return "rsa4096";
    case KeyKind::p256:
      return "p256";
    case KeyKind::p384:
      return "p384";
    case KeyKind::other:
      break;
  }
  return "other";
}

KeyKind key_kind(const EVP_PKEY* key) {
  if (key == nullptr) return KeyKind::other;
  if (EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA) {
    switch (EVP_PKEY_get_bits(key)) {
      case 2048:
        return KeyKind::rsa2048;
      case 3072:
        return KeyKind::rsa3072;
      case 4096:
        return KeyKind::rsa4096;
      default:
        return KeyKind::other;
    }
  }
  if (EVP_PKEY_get_base_id(key) == EVP_PKEY_EC) {
    char group[64] = {};
    std::size_t size = 0;
    if (EVP_PKEY_get_group_name(key, group, sizeof group, &size) != 1) return KeyKind::other;
    const std::string_view text{group, size};
    if (text == SN_X9_62_prime256v1) return KeyKind::p256;
    if (text == SN_secp384r1) return KeyKind::p384;
  }
  return KeyKind::other;
}

Result<CertificateInfo> describe(BytesView der) {
  const X509Ptr certificate = TRY(parse_certificate(der));
  if ((X509_get_extension_flags(certificate.get()) & EXFLAG_INVALID) != 0) {
    return malformed("an extension does not parse, or stands twice");
  }
  CertificateInfo info;
  info.subject = name_text(X509_get_subject_name(certificate.get()));
  info.issuer = name_text(X509_get_issuer_name(certificate.get()));
  info.serial = serial_text(X509_get0_serialNumber(certificate.get()));
  auto from = wall_time(X509_get0_notBefore(certificate.get()));
  auto until = wall_time(X509_get0_notAfter(certificate.get()));
  if (!from || !until) return malformed("its validity has a date that is none");
  info.not_before = *from;
  info.not_after = *until;
  info.key = key_kind(X509_get0_pubkey(certificate.get()));
  info.fingerprint = sha256(der);
  read_subject(certificate.get(), info);
  TRY(read_alternative_names(certificate.get(), info));
  TRY(read_usages(certificate.get(), info));
  ERR_clear_error();
  return info;
}

Result<Bytes> certificate_from_text(std::string_view text) {
  if (text.find("-----BEGIN") == std::string_view::npos) {
    auto der = from_base64(text);
    if (!der) return malformed("it is neither PEM nor base64 of DER");
    TRY(parse_certificate(*der));
    return der;
  }
  auto blocks = TRY(split_blocks(as_bytes(text), BlockKind::certificate));
  if (blocks.size() != 1)
    return malformed("it holds " + std::to_string(blocks.size()) + " certificates, expected one");
  TRY(parse_certificate(blocks.front()));
  return std::move(blocks.front());
}

Result<Bytes> load_certificate(const std::filesystem::path& path) {
  auto blocks = read_blocks(path, BlockKind::certificate);
  if (!blocks) return std::move(blocks).error();
  if (blocks->size() != 1) {
    return malformed(path.string() + ": holds " + std::to_string(blocks->size()) +
                     " certificates, expected one");
  }
  auto checked = parse_certificate(blocks->front());
  if (!checked) return std::move(checked).error().with(path.string());
  return std::move(blocks->front());
}

}  // namespace cardgate::trust
