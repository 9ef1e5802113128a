// SPDX-License-Identifier: Apache-2.0
#include "trust/judge.hpp"

#include <algorithm>

#include "trust/key.hpp"

namespace cardgate::trust {

namespace {

struct Meaning {
  int error;
  Status status;
};

/// What is not listed is `internal`, and so refused.
constexpr Meaning meanings[] = {
    {X509_V_ERR_CERT_REVOKED, Status::revoked},
    {X509_V_ERR_CERT_SIGNATURE_FAILURE, Status::bad_signature},
    {X509_V_ERR_UNABLE_TO_DECRYPT_CERT_SIGNATURE, Status::bad_signature},
    {X509_V_ERR_UNABLE_TO_DECODE_ISSUER_PUBLIC_KEY, Status::bad_signature},
    {X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE, Status::bad_signature},
    {X509_V_ERR_NO_ISSUER_PUBLIC_KEY, Status::bad_signature},
    {X509_V_ERR_UNSUPPORTED_SIGNATURE_ALGORITHM, Status::bad_signature},
    {X509_V_ERR_SIGNATURE_ALGORITHM_MISMATCH, Status::bad_signature},
    {X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT, Status::untrusted_issuer},
    {X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, Status::untrusted_issuer},
    {X509_V_ERR_CERT_UNTRUSTED, Status::untrusted_issuer},
    {X509_V_ERR_CERT_REJECTED, Status::untrusted_issuer},
    {X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT, Status::incomplete_chain},
    {X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY, Status::incomplete_chain},
    {X509_V_ERR_ERROR_IN_CERT_NOT_BEFORE_FIELD, Status::malformed},
    {X509_V_ERR_ERROR_IN_CERT_NOT_AFTER_FIELD, Status::malformed},
    {X509_V_ERR_INVALID_EXTENSION, Status::malformed},
    {X509_V_ERR_UNSUPPORTED_EXTENSION_FEATURE, Status::malformed},
    {X509_V_ERR_SIGNATURE_ALGORITHM_INCONSISTENCY, Status::malformed},
    {X509_V_ERR_PATHLEN_INVALID_FOR_NON_CA, Status::malformed},
    {X509_V_ERR_PATHLEN_WITHOUT_KU_KEY_CERT_SIGN, Status::malformed},
    {X509_V_ERR_KU_KEY_CERT_SIGN_INVALID_FOR_NON_CA, Status::malformed},
    {X509_V_ERR_ISSUER_NAME_EMPTY, Status::malformed},
    {X509_V_ERR_SUBJECT_NAME_EMPTY, Status::malformed},
    {X509_V_ERR_MISSING_AUTHORITY_KEY_IDENTIFIER, Status::malformed},
    {X509_V_ERR_MISSING_SUBJECT_KEY_IDENTIFIER, Status::malformed},
    {X509_V_ERR_EMPTY_SUBJECT_ALT_NAME, Status::malformed},
    {X509_V_ERR_EMPTY_SUBJECT_SAN_NOT_CRITICAL, Status::malformed},
    {X509_V_ERR_CA_BCONS_NOT_CRITICAL, Status::malformed},
    {X509_V_ERR_AUTHORITY_KEY_IDENTIFIER_CRITICAL, Status::malformed},
    {X509_V_ERR_SUBJECT_KEY_IDENTIFIER_CRITICAL, Status::malformed},
    {X509_V_ERR_CA_CERT_MISSING_KEY_USAGE, Status::malformed},
    {X509_V_ERR_EXTENSIONS_REQUIRE_VERSION_3, Status::malformed},
    {X509_V_ERR_UNHANDLED_CRITICAL_EXTENSION, Status::unknown_critical_extension},
    {X509_V_ERR_INVALID_CA, Status::not_a_ca},
    {X509_V_ERR_INVALID_NON_CA, Status::not_a_ca},
    {X509_V_ERR_KEYUSAGE_NO_CERTSIGN, Status::not_a_ca},
    {X509_V_ERR_PROXY_CERTIFICATES_NOT_ALLOWED, Status::not_a_ca},
    {X509_V_ERR_CERT_CHAIN_TOO_LONG, Status::path_too_long},
    {X509_V_ERR_PATH_LENGTH_EXCEEDED, Status::path_too_long},
    {X509_V_ERR_PROXY_PATH_LENGTH_EXCEEDED, Status::path_too_long},
    {X509_V_ERR_PATH_LOOP, Status::path_too_long},
    {X509_V_ERR_UNNESTED_RESOURCE, Status::name_constraint},
    {X509_V_ERR_PERMITTED_VIOLATION, Status::name_constraint},
    {X509_V_ERR_EXCLUDED_VIOLATION, Status::name_constraint},
    {X509_V_ERR_SUBTREE_MINMAX, Status::name_constraint},
    {X509_V_ERR_UNSUPPORTED_CONSTRAINT_TYPE, Status::name_constraint},
    {X509_V_ERR_UNSUPPORTED_CONSTRAINT_SYNTAX, Status::name_constraint},
    {X509_V_ERR_UNSUPPORTED_NAME_SYNTAX, Status::name_constraint},
    {X509_V_ERR_INVALID_POLICY_EXTENSION, Status::policy_unmet},
    {X509_V_ERR_NO_EXPLICIT_POLICY, Status::policy_unmet},
    {X509_V_ERR_CERT_HAS_EXPIRED, Status::expired},
    {X509_V_ERR_CERT_NOT_YET_VALID, Status::not_yet_valid},
    {X509_V_ERR_KEYUSAGE_NO_DIGITAL_SIGNATURE, Status::wrong_key_usage},
    {X509_V_ERR_INVALID_PURPOSE, Status::wrong_extended_key_usage},
    {X509_V_ERR_EE_KEY_TOO_SMALL, Status::weak_key},
    {X509_V_ERR_CA_KEY_TOO_SMALL, Status::weak_key},
    {X509_V_ERR_EC_KEY_EXPLICIT_PARAMS, Status::weak_key},
    {X509_V_ERR_CA_MD_TOO_WEAK, Status::weak_signature},
    {X509_V_ERR_UNABLE_TO_GET_CRL, Status::crl_missing},
    {X509_V_ERR_CRL_HAS_EXPIRED, Status::crl_stale},
    {X509_V_ERR_UNABLE_TO_DECRYPT_CRL_SIGNATURE, Status::crl_invalid},
    {X509_V_ERR_CRL_SIGNATURE_FAILURE, Status::crl_invalid},
    {X509_V_ERR_CRL_NOT_YET_VALID, Status::crl_invalid},
    {X509_V_ERR_ERROR_IN_CRL_LAST_UPDATE_FIELD, Status::crl_invalid},
    {X509_V_ERR_ERROR_IN_CRL_NEXT_UPDATE_FIELD, Status::crl_invalid},
    {X509_V_ERR_UNABLE_TO_GET_CRL_ISSUER, Status::crl_invalid},
    {X509_V_ERR_KEYUSAGE_NO_CRL_SIGN, Status::crl_invalid},
    {X509_V_ERR_UNHANDLED_CRITICAL_CRL_EXTENSION, Status::crl_invalid},
    {X509_V_ERR_DIFFERENT_CRL_SCOPE, Status::crl_invalid},
    {X509_V_ERR_CRL_PATH_VALIDATION_ERROR, Status::crl_invalid},
};

Status meaning_of(int error) {
  const auto* found = std::ranges::find(meanings, error, &Meaning::error);
  return found != std::end(meanings) ? found->status : Status::internal;
}

bool about_crl(Status status) {
  return status == Status::crl_missing || status == Status::crl_stale || status == Status::crl_invalid;
}

/// OpenSSL verifies the issuer of an indirect CRL in a context of its own below the first.
X509_STORE_CTX* outermost(X509_STORE_CTX* context) {
  while (X509_STORE_CTX* parent = X509_STORE_CTX_get0_parent_ctx(context)) context = parent;
  return context;
}

/// What a certificate's form must be when somebody issued it. An anchor is trusted because it is configured, and
/// RFC 5280 6.1 takes from it no more than its name and key; what makes it unfit is found when it is loaded.
constexpr int forms_of_issued[] = {
    X509_V_ERR_MISSING_SUBJECT_KEY_IDENTIFIER,
    X509_V_ERR_CA_CERT_MISSING_KEY_USAGE,
    X509_V_ERR_CA_BCONS_NOT_CRITICAL,
    X509_V_ERR_PATHLEN_WITHOUT_KU_KEY_CERT_SIGN,
    X509_V_ERR_SUBJECT_KEY_IDENTIFIER_CRITICAL,
    X509_V_ERR_AUTHORITY_KEY_IDENTIFIER_CRITICAL,
    X509_V_ERR_SIGNATURE_ALGORITHM_INCONSISTENCY,
    X509_V_ERR_EXTENSIONS_REQUIRE_VERSION_3,
    X509_V_ERR_EMPTY_SUBJECT_ALT_NAME,
    X509_V_ERR_INVALID_CA,
    X509_V_ERR_KU_KEY_CERT_SIGN_INVALID_FOR_NON_CA,
};

/// Which key its issuer used cannot be told by its identifier, because the issuer, an anchor, has none. It only
/// helps to find the issuer (RFC 5280 4.2.1.1).
bool below_anchor_without_identifier(X509_STORE_CTX* context) {
  const STACK_OF(X509)* chain = X509_STORE_CTX_get0_chain(context);
  const int anchor = sk_X509_num(chain) - 1;
  return X509_STORE_CTX_get_error_depth(context) + 1 == anchor &&
         X509_get0_subject_key_id(sk_X509_value(chain, anchor)) == nullptr;
}

bool at_anchor(X509_STORE_CTX* context) {
  return X509_STORE_CTX_get_error_depth(context) + 1 == sk_X509_num(X509_STORE_CTX_get0_chain(context));
}

}  // namespace

/// The functions that OpenSSL calls. No exception may cross it, so each ends the verification instead.
struct JudgeHooks {
  static Judge* judge_of(X509_STORE_CTX* context) {
    return static_cast<Judge*>(X509_STORE_CTX_get_app_data(outermost(context)));
  }

  static int on_verify(int ok, X509_STORE_CTX* context) {
    if (ok != 0) return ok;
    try {
      Judge* judge = judge_of(context);
      return judge != nullptr ? judge->complaint(context) : 0;
    } catch (...) {
      return 0;  // X509_verify_cert() then fails, and validate() reports that as internal
    }
  }

  static int on_cert_crl(X509_STORE_CTX* context, X509_CRL* crl, X509* certificate) {
    try {
      Judge* judge = judge_of(context);
      return judge != nullptr ? judge->look_up(context, crl, certificate) : 0;
    } catch (...) {
      return 0;
    }
  }
};

void install_hooks(X509_STORE* store) {
  X509_STORE_set_cert_crl(store, JudgeHooks::on_cert_crl);
}

void Judge::listen(X509_STORE_CTX* context) {
  X509_STORE_CTX_set_app_data(context, this);
  X509_STORE_CTX_set_verify_cb(context, JudgeHooks::on_verify);
}

void Judge::record(Status status, int depth, X509* certificate, std::string detail) {
  for (auto& finding : findings_) {
    if (finding.status != status || finding.depth != depth) continue;
    if (!detail.empty() && finding.detail.find(detail) == std::string::npos) finding.detail += "; " + detail;
    return;
  }
  std::string subject =
      certificate != nullptr ? name_text(X509_get_subject_name(certificate)) : std::string{};
  findings_.push_back({status, depth, std::move(subject), std::move(detail)});
}

int Judge::complaint(X509_STORE_CTX* context) {
  const int error = X509_STORE_CTX_get_error(context);
  if (excused(context, error)) {
    X509_STORE_CTX_set_error(context, X509_V_OK);
    return 1;
  }
  // The path of a CRL's issuer: one complaint is enough to drop it, and the outer context then says so
  // itself.
  if (X509_STORE_CTX_get0_parent_ctx(context) != nullptr) return 0;
  X509* certificate = X509_STORE_CTX_get_current_cert(context);
  if (certificate == nullptr) certificate = X509_STORE_CTX_get0_cert(context);
  const Status status = meaning_of(error);
  record(status, X509_STORE_CTX_get_error_depth(context), certificate, X509_verify_cert_error_string(error));
  return status == Status::internal || error == X509_V_ERR_CERT_CHAIN_TOO_LONG ? 0 : 1;
}

bool Judge::good_by_ocsp(int depth) const {
  const auto index = static_cast<std::size_t>(depth);
  return index < ocsp_.size() && ocsp_[index].outcome == OcspFinding::Outcome::good;
}

bool Judge::excused(X509_STORE_CTX* context, int error) {
  const Status status = meaning_of(error);
  const bool form = std::ranges::find(forms_of_issued, error) != std::end(forms_of_issued);
  if (form && at_anchor(context) && X509_STORE_CTX_get_error_depth(context) > 0) return true;
  if (error == X509_V_ERR_MISSING_AUTHORITY_KEY_IDENTIFIER) return below_anchor_without_identifier(context);
  // OpenSSL ends a certificate a second early.
  if (error == X509_V_ERR_CERT_HAS_EXPIRED) {
    const X509* certificate = X509_STORE_CTX_get_current_cert(context);
    const auto last = certificate == nullptr ? Result<WallTime>{Error{Errc::internal, ""}}
                                             : wall_time(X509_get0_notAfter(certificate));
    return last && !is_past(*last, at_);
  }
  if (!about_crl(status)) return false;
  // An anchor is trusted because it is configured; no CRL need speak for it (RFC 5280 6.1).
  if (at_anchor(context)) return true;
  if (status == Status::crl_stale && stale_within_limit(X509_STORE_CTX_get0_current_crl(context)))
    return true;
  const bool outer = X509_STORE_CTX_get0_parent_ctx(context) == nullptr;
  const int depth = X509_STORE_CTX_get_error_depth(context);
  if (!outer || !good_by_ocsp(depth)) return false;
  by_crl_[depth].failed = true;
  return true;
}

bool Judge::stale_within_limit(const X509_CRL* crl) const {
  if (crl == nullptr) return false;
  const auto next = wall_time(X509_CRL_get0_nextUpdate(crl));
  return rules_.stale_for > milliseconds{0} && next && at_ <= *next + rules_.stale_for;
}

void Judge::used(X509_STORE_CTX* context, const X509_CRL* crl) {
  if (at_anchor(context)) return;
  const auto complain = [&](Status status, const std::string& what) {
    X509_STORE_CTX* outer = outermost(context);
    record(status, X509_STORE_CTX_get_error_depth(outer), X509_STORE_CTX_get_current_cert(outer),
           "the CRL of " + name_text(X509_CRL_get_issuer(crl)) + " " + what);
  };
  if (const std::string weak = signature_weakness(crl, rules_.floor); !weak.empty()) {
    complain(Status::weak_signature, "is " + weak);
  }
  // OpenSSL takes a CRL without nextUpdate as good for ever; RFC 5280 5.1.2.5 requires it.
  const auto next = wall_time(X509_CRL_get0_nextUpdate(crl));
  if (!next) return complain(Status::crl_invalid, "has no nextUpdate");
  // A base CRL past its time is carried by its delta; a stale one that the rules allow, by their delay.
  if (*next < at_ && !stale_within_limit(crl)) return;
  const auto from = wall_time(X509_CRL_get0_lastUpdate(crl));
  const WallTime refresh_at = refresh_time(from ? *from : at_, *next);
  auto& known = by_crl_[X509_STORE_CTX_get_error_depth(outermost(context))];
  if (!known.until || *next < *known.until) {
    known.until = *next;
    known.refresh_at = refresh_at;
  }
}

int Judge::look_up(X509_STORE_CTX* context, X509_CRL* crl, X509* certificate) {
  used(context, crl);
  if (at_anchor(context)) return 1;
  const bool outer = X509_STORE_CTX_get0_parent_ctx(context) == nullptr;
  std::vector<X509*> above;
  const STACK_OF(X509)* chain = X509_STORE_CTX_get0_chain(context);
  const int depth = X509_STORE_CTX_get_error_depth(context);
  for (int i = depth + 1; i < sk_X509_num(chain); ++i) above.push_back(sk_X509_value(chain, i));
  const auto* list = static_cast<const Crl*>(X509_CRL_get_meth_data(crl));
  // OpenSSL goes by names where it looks for the list's issuer.
  const bool may = list != nullptr && lists_.may_speak(*list, certificate, above);
  if (outer) {
    if (!may)
      record(Status::crl_invalid, depth, certificate, "a CRL of another key than its issuer's was used");
    return 1;  // what the lists say against the path is told at the end, by judge_lists(), for all together
  }
  if (may && !lists_.against(certificate, above)) return 1;
  X509_STORE_CTX_set_error(context, may ? X509_V_ERR_CERT_REVOKED : X509_V_ERR_CRL_PATH_VALIDATION_ERROR);
  return 0;
}

void Judge::judge_lists(const std::vector<X509*>& chain) {
  if (rules_.revocation == Revocation::off) return;
  for (std::size_t i = 0; i < chain.size(); ++i) {
    const int depth = static_cast<int>(i);
    // Nothing stands above an anchor but itself.
    const Above above = Above(chain).subspan(std::min(i + 1, chain.size() - 1));
    if (auto said = lists_.against(chain[i], above)) {
      record(Status::revoked, depth, chain[i], std::move(*said));
    }
    const auto about = [&](Status status) {
      return std::ranges::find_if(findings_,
                                  [&](const Finding& f) { return f.depth == depth && f.status == status; });
    };
    // There is a list, but none that says anything: that is the better word than that there is none.
    const auto missing = about(Status::crl_missing);
    if (missing == findings_.end() || about(Status::crl_invalid) != findings_.end()) continue;
    if (auto why = lists_.passed_over(chain[i], above)) {
      missing->status = Status::crl_invalid;
      missing->detail = std::move(*why);
    }
  }
}

void Judge::judge_ocsp_answers(const std::vector<X509*>& chain) {
  using Outcome = OcspFinding::Outcome;
  for (std::size_t i = 0; i < ocsp_.size() && i < chain.size(); ++i) {
    const int depth = static_cast<int>(i);
    const auto& said = ocsp_[i];
    if (said.outcome == Outcome::revoked) {
      record(Status::revoked, depth, chain[i], said.detail);
      continue;
    }
    const bool unproved = std::ranges::any_of(
        findings_, [&](const Finding& f) { return f.depth == depth && about_crl(f.status); });
    if (!unproved) continue;
    if (said.outcome == Outcome::unknown) record(Status::ocsp_unknown, depth, chain[i], said.detail);
    if (said.outcome == Outcome::invalid) record(Status::ocsp_invalid, depth, chain[i], said.detail);
  }
}

RevocationProof Judge::proof(int depth) const {
  const bool against = std::ranges::any_of(findings_, [&](const Finding& f) {
    return f.depth == depth && (about_crl(f.status) || f.status == Status::revoked);
  });
  RevocationProof proof;
  if (against) return proof;
  if (const auto found = by_crl_.find(depth);
      found != by_crl_.end() && !found->second.failed && found->second.until) {
    proof = {"crl", *found->second.until, *found->second.refresh_at};
  }
  if (good_by_ocsp(depth)) {
    const auto& said = ocsp_[static_cast<std::size_t>(depth)];
    if (proof.by.empty() || said.fresh_until >= proof.fresh_until) {
      proof = {"ocsp", said.fresh_until, said.refresh_at};
    }
  }
  return proof;
}

}  // namespace cardgate::trust
