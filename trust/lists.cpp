// SPDX-License-Identifier: Apache-2.0
#include "trust/lists.hpp"

#include <algorithm>

#include "trust/paths.hpp"

namespace cardgate::trust {

namespace {

bool is_named(const X509* certificate, const X509_NAME* name) {
  return X509_NAME_cmp(X509_get_subject_name(certificate), name) == 0;
}

bool is_of_its_issuer(const Crl& list, const X509* certificate) {
  return X509_NAME_cmp(list.issuer(), X509_get_issuer_name(certificate)) == 0;
}

/// Does a distribution point of the certificate say that lists of this name speak of it (RFC 5280 4.2.1.13)?
bool names_crl_issuer(const X509* certificate, const X509_NAME* name) {
  const std::unique_ptr<CRL_DIST_POINTS, Releases<CRL_DIST_POINTS_free>> points{static_cast<CRL_DIST_POINTS*>(
      X509_get_ext_d2i(certificate, NID_crl_distribution_points, nullptr, nullptr))};
  ERR_clear_error();
  for (int i = 0; i < sk_DIST_POINT_num(points.get()); ++i) {
    const GENERAL_NAMES* issuers = sk_DIST_POINT_value(points.get(), i)->CRLissuer;
    for (int k = 0; k < sk_GENERAL_NAME_num(issuers); ++k) {
      const GENERAL_NAME* each = sk_GENERAL_NAME_value(issuers, k);
      if (each->type == GEN_DIRNAME && X509_NAME_cmp(each->d.directoryName, name) == 0) return true;
    }
  }
  return false;
}

/// Calls `each` with every configured certificate of the list's issuer, until it returns true.
template <class Each>
bool any_of_its_name(const Authorities::Impl& authorities, const Crl& list, Each each) {
  const auto [first, last] = authorities.by_subject.equal_range(list.issuer_hash());
  return std::any_of(first, last, [&](const auto& entry) {
    X509* certificate = entry.second->certificate.get();
    return is_named(certificate, list.issuer()) && each(certificate);
  });
}

bool signed_by(const Crl& list, const X509* certificate) {
  return list.signed_by(X509_get0_pubkey(certificate));
}

std::string of_whom(const Crl& list) {
  return "the CRL of " + name_text(list.issuer()) + " of " + to_rfc3339(list.this_update());
}

}  // namespace

bool may_sign_lists(X509* certificate) {
  return (X509_get_key_usage(certificate) & KU_CRL_SIGN) != 0;  // all bits, when there is no key usage
}

ListsOfPath::ListsOfPath(const Authorities::Impl& authorities, CrlsAtHand at_hand, std::vector<X509*> path,
                         WallTime at)
    : authorities_(authorities), path_(std::move(path)), at_(at) {
  std::vector<unsigned long> issuers;
  for (std::size_t i = 0; i + 1 < path_.size(); ++i) {
    issuers.push_back(name_hash(X509_get_issuer_name(path_[i])));
  }
  for (auto& list : at_hand) {
    const bool ours = std::ranges::find(issuers, list->issuer_hash()) != issuers.end();
    if (!issuers.empty() && (ours || list->speaks_for_others())) lists_.push_back(std::move(list));
  }
  std::ranges::sort(lists_, [](const auto& a, const auto& b) { return a->comes_before(*b); });
  choose();
}

/// Which list OpenSSL is given for which certificate of the path it decides itself, by names and scopes.
void ListsOfPath::choose() {
  for (const auto& list : lists_) {
    if (!list->flaw().empty()) continue;
    bool usable = false;
    for (std::size_t i = 0; i + 1 < path_.size(); ++i) {
      const Above above = Above(path_).subspan(i + 1);
      X509* from = signer(*list, path_[i], above);
      if (from == nullptr || !found_by_openssl(*list, from, path_[i], above)) {
        // OpenSSL would take it for this certificate by its name alone, whomever else it speaks for.
        if (!is_of_its_issuer(*list, path_[i])) continue;
        usable = false;
        break;
      }
      usable = true;
      const bool known = std::ranges::find(path_, from) != path_.end() ||
                         std::ranges::find(signers_, from) != signers_.end();
      if (!known) signers_.push_back(from);
    }
    if (usable) usable_.push_back(list);
  }
}

/// Who signed the list, when that may speak of the certificate; nullptr when it was somebody else.
X509* ListsOfPath::signer(const Crl& list, X509* certificate, Above above) const {
  const bool own = is_of_its_issuer(list, certificate);
  if (above.empty() || (!own && !list.speaks_for_others())) return nullptr;
  for (X509* each : above) {
    if (is_named(each, list.issuer()) && signed_by(list, each)) return named_one(list, each);
  }
  X509* found = nullptr;
  any_of_its_name(authorities_, list, [&](X509* each) {
    const bool may = may_sign_lists(each) && signed_by(list, each) &&
                     (own ? delegated(each, above.front()) : leads_to_the_anchor(each));
    if (may) found = each;
    return may;
  });
  return found;
}

/// Of the certificates of one name and key, as a renewal leaves them, the one that the list's key identifier means.
X509* ListsOfPath::named_one(const Crl& list, X509* signer) const {
  X509* named = signer;
  if (list.names_key_of(signer)) return named;
  any_of_its_name(authorities_, list, [&](X509* each) {
    const bool same =
        EVP_PKEY_eq(X509_get0_pubkey(each), X509_get0_pubkey(signer)) == 1 && list.names_key_of(each);
    if (same) named = each;
    return same;
  });
  return named;
}

/// A key of the issuer's name that is not the issuer's signs its lists when the issuer itself certified that
/// key, or when the issuer's own key signs certificates alone and the other one has the same anchor. Otherwise
/// it is the key of another time, and says nothing of what this one issued.
bool ListsOfPath::delegated(X509* signer, X509* issuer) const {
  const bool certified =
      X509_check_issued(issuer, signer) == X509_V_OK && X509_verify(signer, X509_get0_pubkey(issuer)) == 1;
  ERR_clear_error();
  return certified || (!may_sign_lists(issuer) && leads_to_the_anchor(signer));
}

bool ListsOfPath::leads_to_the_anchor(X509* certificate) const {
  const auto search = find_paths(authorities_, certificate, at_);
  return std::ranges::any_of(search.paths, [&](const Path& path) {
    return X509_cmp(path.issuers.back()->certificate.get(), path_.back()) == 0;
  });
}

/// OpenSSL takes the first certificate of the list's name and key identifier for the one that signed it, and
/// refuses the list when it was another. Such a list must not stand in the way of a good one.
bool ListsOfPath::found_by_openssl(const Crl& list, const X509* signer, X509* certificate,
                                   Above above) const {
  for (X509* each : above) {
    const bool looked_at = each != above.front() || is_of_its_issuer(list, certificate);
    if (looked_at && is_named(each, list.issuer()) && list.names_key_of(each)) return signed_by(list, each);
  }
  return list.names_key_of(signer);
}

bool ListsOfPath::may_speak(const Crl& list, X509* certificate, Above above) const {
  return signer(list, certificate, above) != nullptr;
}

std::optional<std::string> ListsOfPath::against(X509* certificate, Above above) const {
  for (const auto& list : lists_) {
    if (list->attribute_certificates_only()) continue;
    const auto entry = list->find(certificate);
    if (!entry || entry->removed) continue;
    X509* from = signer(*list, certificate, above);
    if (from == nullptr) continue;
    if (!is_of_its_issuer(*list, certificate) && !names_crl_issuer(certificate, list->issuer())) continue;
    if (entry->hold() && lifted(*list, from, certificate)) continue;
    return of_whom(*list) + " lists it" + (entry->reason.empty() ? "" : ": " + entry->reason);
  }
  return std::nullopt;
}

/// RFC 5280 3.3: an entry stays until the certificate has expired; only a hold may go.
bool ListsOfPath::lifted(const Crl& list, X509* signer, const X509* certificate) const {
  return std::ranges::any_of(lists_, [&](const auto& later) {
    if (!later->flaw().empty() || later->this_update() > at_) return false;
    if (!later->newer_than(list) || !later->same_scope(list) || !signed_by(*later, signer)) return false;
    const auto entry = later->find(certificate);
    return later->delta() ? entry && entry->removed : !entry;
  });
}

std::optional<std::string> ListsOfPath::passed_over(X509* certificate, Above above) const {
  for (const auto& list : lists_) {
    if (!is_of_its_issuer(*list, certificate)) continue;
    if (std::ranges::find(usable_, list) != usable_.end()) continue;
    if (const auto why = why_passed_over(authorities_, *list); !why.empty()) return why;
    X509* from = signer(*list, certificate, above);
    if (from != nullptr && !found_by_openssl(*list, from, certificate, above)) {
      return of_whom(*list) + " is passed over: it names another key than the one that signed it";
    }
  }
  return std::nullopt;
}

std::string why_passed_over(const Authorities::Impl& authorities, const Crl& list) {
  const std::string passed = of_whom(list) + " is passed over: ";
  if (!list.flaw().empty()) {
    return passed + list.flaw() + ". Ask its issuer for a good one; what it lists stays revoked.";
  }
  bool known = false;
  bool signed_at_all = false;
  const bool good = any_of_its_name(authorities, list, [&](X509* each) {
    known = true;
    const bool by_this = signed_by(list, each);
    signed_at_all = signed_at_all || by_this;
    return by_this && list.names_key_of(each);
  });
  if (good) return {};
  if (!known) {
    return passed + "no certificate of its issuer is configured. Add that certificate, or remove the list.";
  }
  if (!signed_at_all) {
    return passed +
           "no configured certificate of its issuer has the key that signed it, so it is of an earlier "
           "key, or forged. Add the certificate of that key, or remove the list.";
  }
  return passed + "it names another key than the one that signed it. Ask its issuer for a good one.";
}

}  // namespace cardgate::trust
