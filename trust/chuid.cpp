// SPDX-License-Identifier: Apache-2.0
#include "trust/chuid.hpp"

#include <openssl/cms.h>

#include <algorithm>

#include "base/card_id.hpp"
#include "trust/intake.hpp"
#include "trust/key.hpp"
#include "trust/openssl.hpp"

namespace cardgate::trust {

namespace {

constexpr std::string_view content_signing[] = {
    "2.16.840.1.101.3.6.7",  // id-PIV-content-signing, FIPS 201-2
    "2.16.840.1.101.3.8.7",  // id-fpki-pivi-content-signing, for cards of other issuers (PIV-I)
};
constexpr std::string_view chuid_object = "2.16.840.1.101.3.6.1";  // id-PIV-CHUIDSecurityObject
constexpr int weakest_digest = 32;                                 // SHA-256

using CmsPtr = std::unique_ptr<CMS_ContentInfo, Releases<CMS_ContentInfo_free>>;

Error chuid_refused(const std::string& why) {
  ERR_clear_error();
  return {Errc::signature_invalid, why};
}

std::string dotted_oid(const ASN1_OBJECT* object) {
  char text[128] = {};
  OBJ_obj2txt(text, sizeof text, object, 1);
  return text;
}

Result<CmsPtr> parse_signature(BytesView der) {
  ERR_clear_error();
  const unsigned char* at = der.data();
  CmsPtr cms{d2i_CMS_ContentInfo(nullptr, &at, static_cast<long>(der.size()))};
  if (!cms || at != der.data() + der.size())
    return chuid_refused("the signature of the card's identifier (CHUID) cannot be read");
  if (OBJ_obj2nid(CMS_get0_type(cms.get())) != NID_pkcs7_signed || CMS_is_detached(cms.get()) != 1 ||
      dotted_oid(CMS_get0_eContentType(cms.get())) != chuid_object)
    return chuid_refused("the signature of the card's identifier (CHUID) is not one over a CHUID");
  const auto* infos = CMS_get0_SignerInfos(cms.get());
  if (infos == nullptr || sk_CMS_SignerInfo_num(infos) != 1)
    return chuid_refused("the card's identifier (CHUID) is not signed by exactly one signer");
  return cms;
}

/// Without signed attributes the content type is not covered by the signature; SHA-1 can be forged.
Result<void> check_form(CMS_SignerInfo* signer) {
  X509_ALGOR* digest = nullptr;
  CMS_SignerInfo_get0_algs(signer, nullptr, nullptr, &digest, nullptr);
  const EVP_MD* hash = digest == nullptr ? nullptr : EVP_get_digestbyobj(digest->algorithm);
  if (CMS_signed_get_attr_count(signer) <= 0 || hash == nullptr || EVP_MD_get_size(hash) < weakest_digest)
    return chuid_refused("the signature of the card's identifier (CHUID) is of a weak kind");
  return {};
}

/// Days of "20301231"; the whole of that day still counts.
Result<void> check_expiry(const std::string& text, WallTime at) {
  const std::string day =
      text.size() == 8 ? text.substr(0, 4) + "-" + text.substr(4, 2) + "-" + text.substr(6) : "";
  const auto last = parse_date(day);
  if (!last) return chuid_refused("the card's identifier (CHUID) has no date of expiry");
  if (at >= start_of(*last) + std::chrono::hours(24))
    return chuid_refused("the card's identifier (CHUID) expired on " + day);
  return {};
}

}  // namespace

struct ContentSigners::Impl {
  std::vector<X509Ptr> certificates;
};

Result<Chuid> describe_chuid(const ChuidFields& fields) {
  if (fields.guid.size() != 16 || (!fields.fasc_n.empty() && fields.fasc_n.size() != 25))
    return Error{Errc::malformed, "the CHUID's GUID or FASC-N has a wrong length"};
  Chuid chuid;
  chuid.fasc_n = to_hex(fields.fasc_n);
  if (is_placeholder_fasc_n(chuid.fasc_n)) chuid.fasc_n.clear();
  chuid.card_uuid = uuid_text(fields.guid);
  if (is_placeholder_uuid(chuid.card_uuid)) chuid.card_uuid.clear();
  return chuid;
}

void choose_card_names(CertificateInfo& certificate, const Chuid& chuid) {
  const auto choose = [](std::optional<std::string>& one, const std::vector<std::string>& all,
                         const std::string& wanted) {
    if (!one && std::ranges::find(all, wanted) != all.end()) one = wanted;
  };
  choose(certificate.card_uuid, certificate.card_uuids, chuid.card_uuid);
  choose(certificate.fasc_n, certificate.fasc_ns, chuid.fasc_n);
}

bool of_two_cards(const CertificateInfo& certificate, const Chuid& chuid) {
  const auto differ = [](const std::vector<std::string>& all, const std::string& one) {
    return !all.empty() && !one.empty() && std::ranges::find(all, one) == all.end();
  };
  return differ(certificate.card_uuids, chuid.card_uuid) || differ(certificate.fasc_ns, chuid.fasc_n);
}

Result<ContentSigners> ContentSigners::load(const std::vector<std::filesystem::path>& paths) {
  auto impl = std::make_shared<Impl>();
  for (const auto& path : paths) {
    for (const auto& file : TRY(files_of(path))) {
      for (const auto& der : TRY(read_blocks(file, BlockKind::certificate))) {
        auto info = describe(der);
        if (!info) return std::move(info).error().with(file.string());
        const auto& usages = info->extended_key_usages;
        const bool signs = std::ranges::any_of(content_signing, [&](std::string_view usage) {
          return std::ranges::find(usages, usage) != usages.end();
        });
        if (!signs)
          return Error{Errc::certificate_malformed,
                       file.string() + ": " + info->subject +
                           " is not a certificate for content signing (extended key usage " +
                           std::string(content_signing[0]) + " or " + std::string(content_signing[1]) + ")"};
        if (impl->certificates.size() == max_content_signers)
          return Error{Errc::too_large,
                       "more than " + std::to_string(max_content_signers) + " content-signing certificates"};
        impl->certificates.push_back(TRY(parse_certificate(der)));
      }
    }
  }
  // A folder that is empty would otherwise turn the check off without a word.
  if (!paths.empty() && impl->certificates.empty())
    return Error{Errc::not_found, paths.front().string() + ": holds no content-signing certificate"};
  ContentSigners signers;
  signers.impl_ = std::move(impl);
  return signers;
}

bool ContentSigners::empty() const {
  return !impl_ || impl_->certificates.empty();
}

Result<Chuid> verify_chuid(const ContentSigners& signers, const ChuidFields& fields, WallTime at) {
  Chuid chuid = TRY(describe_chuid(fields));
  if (signers.empty()) return chuid_refused("no content-signing certificate is configured");
  if (fields.signature.empty()) return chuid_refused("the card's identifier (CHUID) is not signed");
  const CmsPtr cms = TRY(parse_signature(fields.signature));
  CMS_SignerInfo* info = sk_CMS_SignerInfo_value(CMS_get0_SignerInfos(cms.get()), 0);
  TRY(check_form(info));

  const X509Stack known{sk_X509_new_null()};
  const BioPtr content{
      BIO_new_mem_buf(fields.signed_content.data(), static_cast<int>(fields.signed_content.size()))};
  if (!known || !content) return Error{Errc::internal, "no memory to check the CHUID's signature"};
  for (const auto& certificate : signers.impl_->certificates) sk_X509_push(known.get(), certificate.get());
  const bool named = std::ranges::any_of(signers.impl_->certificates, [&](const auto& certificate) {
    return CMS_SignerInfo_cert_cmp(info, certificate.get()) == 0;
  });
  if (!named)
    return chuid_refused(
        "the card's identifier (CHUID) is signed with a content-signing certificate that is not configured");
  // NOINTERN: the certificates that the card brings along are nobody's word. Ours are trusted by being
  // configured, so no path is built.
  constexpr unsigned flags = CMS_BINARY | CMS_NOINTERN | CMS_NO_SIGNER_CERT_VERIFY;
  if (CMS_verify(cms.get(), known.get(), nullptr, content.get(), nullptr, flags) != 1)
    return chuid_refused("the signature of the card's identifier (CHUID) is wrong");
  X509* by = nullptr;
  CMS_SignerInfo_get0_algs(info, nullptr, &by, nullptr, nullptr);
  if (by == nullptr) return chuid_refused("the signature of the card's identifier (CHUID) names no signer");
  if (!key_weakness(X509_get0_pubkey(by), {}).empty())
    return chuid_refused("the key that signed the card's identifier (CHUID) is weak");
  const auto from = wall_time(X509_get0_notBefore(by));
  const auto until = wall_time(X509_get0_notAfter(by));
  if (!from || !until || at < *from || is_past(*until, at))
    return chuid_refused("the certificate that signed the card's identifier (CHUID) is not valid now");
  TRY(check_expiry(fields.expiry, at));
  ERR_clear_error();
  chuid.verified = true;
  return chuid;
}

}  // namespace cardgate::trust
