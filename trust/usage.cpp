// SPDX-License-Identifier: Apache-2.0
#include "trust/usage.hpp"

#include <openssl/objects.h>

#include <algorithm>

namespace cardgate::trust {

namespace {

struct KnownUsage {
  std::string_view name;
  int nid;
};
constexpr KnownUsage known_usages[] = {
    {"clientAuth", NID_client_auth},
    {"serverAuth", NID_server_auth},
    {"smartcardLogon", NID_ms_smartcard_login},
    {"emailProtection", NID_email_protect},
};

using UsageList = std::unique_ptr<EXTENDED_KEY_USAGE, Releases<EXTENDED_KEY_USAGE_free>>;

UsageList usages_of(X509* certificate) {
  return UsageList{
      static_cast<EXTENDED_KEY_USAGE*>(X509_get_ext_d2i(certificate, NID_ext_key_usage, nullptr, nullptr))};
}

bool lists(const EXTENDED_KEY_USAGE* usages, const ASN1_OBJECT* wanted) {
  for (int i = 0; i < sk_ASN1_OBJECT_num(usages); ++i) {
    if (OBJ_cmp(sk_ASN1_OBJECT_value(usages, i), wanted) == 0) return true;
  }
  return false;
}

bool lists_any(const EXTENDED_KEY_USAGE* usages) {
  return lists(usages, OBJ_nid2obj(NID_anyExtendedKeyUsage));
}

/// Which usages would do. Nothing: none is asked for.
std::vector<ObjectPtr> wanted_usages(const Rules& rules) {
  std::vector<ObjectPtr> wanted;
  for (const auto& text : rules.extended_key_usages) {
    if (auto object = usage_object(text)) wanted.push_back(std::move(*object));
  }
  if (!rules.extended_key_usages.empty()) return wanted;
  const auto add = [&](int nid) { wanted.emplace_back(OBJ_nid2obj(nid)); };
  if (rules.purpose == Purpose::smartcard) {
    add(NID_client_auth);
    add(NID_ms_smartcard_login);
  }
  if (rules.purpose == Purpose::client) add(NID_client_auth);
  if (rules.purpose == Purpose::server) add(NID_server_auth);
  return wanted;
}

}  // namespace

Result<ObjectPtr> dotted_object(std::string_view text) {
  const std::string copy{text};
  const bool dotted = !copy.empty() && copy.size() < 128 && copy.find('.') != std::string::npos &&
                      copy.find_first_not_of("0123456789.") == std::string::npos;
  ObjectPtr object{dotted ? OBJ_txt2obj(copy.c_str(), 1) : nullptr};
  ERR_clear_error();
  if (!object) return Error{Errc::invalid_argument, "\"" + copy + "\" is not an object identifier"};
  return object;
}

Result<ObjectPtr> usage_object(std::string_view text) {
  const auto* known = std::ranges::find(known_usages, text, &KnownUsage::name);
  if (known != std::end(known_usages)) return ObjectPtr{OBJ_nid2obj(known->nid)};
  auto object = dotted_object(text);
  if (object) return object;
  return Error{
      Errc::invalid_argument,
      "\"" + std::string{text} +
          "\" is no extended key usage; expected clientAuth, serverAuth, smartcardLogon, emailProtection or "
          "a dotted object identifier"};
}

std::string key_usage_mismatch(X509* leaf, Purpose purpose) {
  if (purpose == Purpose::any) return {};
  const std::uint32_t usage = X509_get_key_usage(leaf);  // all bits when the extension is absent
  std::uint32_t accepted = X509v3_KU_DIGITAL_SIGNATURE;
  if (purpose == Purpose::server) accepted |= X509v3_KU_KEY_ENCIPHERMENT | X509v3_KU_KEY_AGREEMENT;
  if ((usage & accepted) != 0) return {};
  return purpose == Purpose::server ? "key usage allows neither signatures nor key exchange"
                                    : "key usage does not allow digital signatures";
}

std::vector<UsageMismatch> extended_key_usage_mismatches(const std::vector<X509*>& chain,
                                                         const Rules& rules) {
  std::vector<ObjectPtr> wanted = wanted_usages(rules);
  if (wanted.empty()) return {};
  std::vector<UsageMismatch> mismatches;
  const bool must_be_listed = !rules.extended_key_usages.empty() || rules.purpose == Purpose::smartcard;
  const std::size_t count = chain.size() > 1 ? chain.size() - 1 : 1;
  for (std::size_t depth = 0; depth < count; ++depth) {
    const UsageList listed = usages_of(chain[depth]);
    ERR_clear_error();
    const bool strict = depth == 0 && must_be_listed;
    if (!listed) {
      const bool present = X509_get_ext_by_NID(chain[depth], NID_ext_key_usage, -1) >= 0;
      if (strict || present) {
        mismatches.push_back({static_cast<int>(depth), present
                                                           ? "the extension does not parse, or stands twice"
                                                           : "no extended key usage is listed"});
      }
      continue;
    }
    if (!strict && lists_any(listed.get())) continue;
    std::vector<ObjectPtr> left;
    for (auto& usage : wanted) {
      if (lists(listed.get(), usage.get())) left.push_back(std::move(usage));
    }
    if (left.empty()) {
      mismatches.push_back({static_cast<int>(depth), depth == 0 ? "none of the accepted usages is listed"
                                                                : "this issuer may not issue for the usage"});
      return mismatches;
    }
    wanted = std::move(left);
  }
  return mismatches;
}

}  // namespace cardgate::trust
