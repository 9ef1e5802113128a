// SPDX-License-Identifier: Apache-2.0
#include "trust/issuer_flaws.hpp"

namespace cardgate::trust {

namespace {

bool lacks_subject(const X509* certificate) {
  return X509_NAME_entry_count(X509_get_subject_name(certificate)) == 0;
}

std::string not_understood(X509* certificate) {
  const std::uint32_t flags = X509_get_extension_flags(certificate);
  if ((flags & EXFLAG_INVALID) != 0) return "an extension of it is damaged, or stands in it twice";
  if ((flags & EXFLAG_CRITICAL) != 0) return "it has a critical extension that is not understood";
  if (lacks_subject(certificate)) return "it has no subject name";
  if (X509_get0_pubkey(certificate) == nullptr) return "its key cannot be read";
  return {};
}

}  // namespace

std::string anchor_flaw(X509* certificate) {
  if (auto why = not_understood(certificate); !why.empty()) return why;
  if (X509_check_ca(certificate) != 0) return {};
  const std::uint32_t flags = X509_get_extension_flags(certificate);
  const bool may_sign = (X509_get_key_usage(certificate) & KU_KEY_CERT_SIGN) != 0;
  if (!may_sign) return "its key usage does not allow it to sign certificates";
  if ((flags & EXFLAG_BCONS) != 0) return "its basic constraints say that it is no certification authority";
  return "nothing in it says that it is a certification authority: it has neither basic constraints nor key "
         "usage";
}

std::string intermediate_flaw(X509* certificate) {
  if (auto why = not_understood(certificate); !why.empty()) return why;
  const std::uint32_t flags = X509_get_extension_flags(certificate);
  const bool may_sign = (X509_get_key_usage(certificate) & KU_KEY_CERT_SIGN) != 0;
  if (!may_sign) return "its key usage does not allow it to sign certificates";
  if ((flags & EXFLAG_BCONS) == 0) return "it has no basic constraints";
  if ((flags & EXFLAG_CA) == 0) return "its basic constraints say that it is no certification authority";
  if ((flags & EXFLAG_BCONS_CRITICAL) == 0) return "its basic constraints are not critical";
  if ((flags & EXFLAG_KUSAGE) == 0) return "it has no key usage";
  if (X509_get0_subject_key_id(certificate) == nullptr) return "it has no subject key identifier";
  if ((flags & (EXFLAG_SKID_CRITICAL | EXFLAG_AKID_CRITICAL)) != 0)
    return "a key identifier in it is critical";
  return {};
}

}  // namespace cardgate::trust
