// SPDX-License-Identifier: Apache-2.0
#include "trust/path_check.hpp"

#include <openssl/x509_vfy.h>

#include <algorithm>

#include "trust/held.hpp"
#include "trust/judge.hpp"
#include "trust/key.hpp"
#include "trust/usage.hpp"

namespace cardgate::trust {

namespace {

/// 112 bits: RSA 2048, P-224, SHA-224. It reaches certificates of which only OpenSSL knows (issuers of
/// indirect CRLs); our own floor, which is higher, is asked for the path itself.
constexpr int auth_level = 2;

void set_policies(X509_VERIFY_PARAM* parameters, const PolicyRules& rules) {
  unsigned long flags = X509_V_FLAG_POLICY_CHECK;
  if (rules.require_explicit) flags |= X509_V_FLAG_EXPLICIT_POLICY;
  if (rules.inhibit_mapping) flags |= X509_V_FLAG_INHIBIT_MAP;
  if (rules.inhibit_any) flags |= X509_V_FLAG_INHIBIT_ANY;
  X509_VERIFY_PARAM_set_flags(parameters, flags);
  const auto add = [&](ASN1_OBJECT* object) {
    if (X509_VERIFY_PARAM_add0_policy(parameters, object) != 1) ASN1_OBJECT_free(object);
  };
  for (const auto& text : rules.acceptable) {
    if (auto object = dotted_object(text)) add(object->release());
  }
  // With no policy named OpenSSL rejects valid chains that require an explicit one.
  if (rules.acceptable.empty()) add(OBJ_nid2obj(NID_any_policy));
}

void set_rules(X509_STORE_CTX* context, const Rules& rules, WallTime at) {
  X509_VERIFY_PARAM* parameters = X509_STORE_CTX_get0_param(context);
  unsigned long flags = X509_V_FLAG_X509_STRICT | X509_V_FLAG_PARTIAL_CHAIN | X509_V_FLAG_TRUSTED_FIRST;
  if (rules.revocation != Revocation::off) {
    flags |= X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL | X509_V_FLAG_EXTENDED_CRL_SUPPORT |
             X509_V_FLAG_USE_DELTAS;
  }
  X509_VERIFY_PARAM_set_flags(parameters, flags);
  X509_VERIFY_PARAM_set_depth(parameters, max_path_length);
  X509_VERIFY_PARAM_set_auth_level(parameters, auth_level);
  X509_VERIFY_PARAM_set_time(parameters, static_cast<time_t>(to_unix_seconds(at)));
  if (rules.purpose == Purpose::smartcard || rules.purpose == Purpose::client) {
    // A person's common name is no host name, whatever it looks like.
    X509_VERIFY_PARAM_set_hostflags(parameters, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
  }
  set_policies(parameters, rules.policy);
}

/// What OpenSSL does not ask, or not as high: strength, usage, and flaws in extensions that it passes over.
void judge_chain(const std::vector<X509*>& chain, const Rules& rules, Judge& judge) {
  for (std::size_t i = 0; i < chain.size(); ++i) {
    const int depth = static_cast<int>(i);
    if ((X509_get_extension_flags(chain[i]) & EXFLAG_INVALID) != 0) {
      judge.record(Status::malformed, depth, chain[i], "an extension does not parse, or stands twice");
    }
    if (auto weak = key_weakness(X509_get0_pubkey(chain[i]), rules.floor); !weak.empty()) {
      judge.record(Status::weak_key, depth, chain[i], std::move(weak));
    }
    // Nothing rests on an anchor's signature.
    const bool anchor = i > 0 && i + 1 == chain.size();
    if (anchor) continue;
    if (auto weak = signature_weakness(chain[i], rules.floor); !weak.empty()) {
      judge.record(Status::weak_signature, depth, chain[i], std::move(weak));
    }
  }
  if (auto mismatch = key_usage_mismatch(chain.front(), rules.purpose); !mismatch.empty()) {
    judge.record(Status::wrong_key_usage, 0, chain.front(), std::move(mismatch));
  }
  for (auto& mismatch : extended_key_usage_mismatches(chain, rules)) {
    judge.record(Status::wrong_extended_key_usage, mismatch.depth,
                 chain[static_cast<std::size_t>(mismatch.depth)], std::move(mismatch.detail));
  }
}

std::string revocation_word(const Rules& rules, const Verdict& verdict) {
  const auto& findings = verdict.findings;
  if (std::ranges::find(findings, Status::revoked, &Finding::status) != findings.end()) return "revoked";
  const bool proved = !verdict.proofs.empty() && std::ranges::none_of(verdict.proofs, [](const auto& proof) {
    return proof.by.empty();
  });
  // OpenSSL may have stopped before it looked at any CRL.
  const bool cut_short = std::ranges::any_of(findings, [](const Finding& f) {
    return f.status == Status::incomplete_chain || f.status == Status::untrusted_issuer ||
           f.status == Status::internal;
  });
  if (rules.revocation == Revocation::off || !proved || cut_short) return "unchecked";
  return verdict.late > milliseconds{0} ? "cached" : "good";
}

Verdict verdict_of(const std::vector<X509*>& chain, const Rules& rules, WallTime at, Judge& judge) {
  Verdict verdict;
  verdict.findings = judge.findings();
  std::ranges::stable_sort(verdict.findings, {},
                           [](const Finding& f) { return std::pair{f.status, f.depth}; });
  for (X509* certificate : chain) verdict.chain.push_back(name_text(X509_get_subject_name(certificate)));
  for (int depth = 0; depth + 1 < static_cast<int>(chain.size()); ++depth) {
    verdict.proofs.push_back(judge.proof(depth));
  }
  WallTime fresh_until = WallTime::max();
  WallTime refresh_at = WallTime::max();
  for (const auto& proof : verdict.proofs) {
    fresh_until = std::min(fresh_until, proof.by.empty() ? at : proof.fresh_until);
    refresh_at = std::min(refresh_at, proof.by.empty() ? at : proof.refresh_at);
  }
  if (rules.revocation == Revocation::off) fresh_until = refresh_at = WallTime::max();
  verdict.late = std::max(milliseconds{0}, at - fresh_until);
  verdict.revocation = revocation_word(rules, verdict);
  verdict.valid = verdict.findings.empty();
  if (!verdict.valid) return verdict;
  WallTime ends = WallTime::max();
  for (X509* certificate : chain) {
    const auto until = wall_time(X509_get0_notAfter(certificate));
    ends = until ? std::min(ends, *until) : WallTime{};
  }
  verdict.fresh_until = std::min(ends, fresh_until);
  verdict.refresh_at = std::min(ends, refresh_at);
  verdict.good_until = fresh_until == WallTime::max() ? ends : std::min(ends, fresh_until + rules.stale_for);
  return verdict;
}

Verdict failed(std::string detail) {
  Verdict verdict;
  verdict.findings.push_back({Status::internal, 0, {}, std::move(detail)});
  return verdict;
}

/// What OCSP says of each certificate of the path.
std::vector<OcspFinding> ocsp_findings(const Evidence& evidence, X509* leaf, const Path& path,
                                       const Rules& rules, WallTime at) {
  std::vector<OcspFinding> findings;
  if (evidence.answers == nullptr || rules.revocation == Revocation::off) return findings;
  X509* certificate = leaf;
  for (const Node* issuer : path.issuers) {
    findings.push_back(judge_answer(evidence, certificate, issuer->certificate.get(), rules, at));
    certificate = issuer->certificate.get();
  }
  return findings;
}

CrlsAtHand all_crls(const Evidence& evidence) {
  CrlsAtHand all = evidence.authorities.impl().crls;
  if (evidence.answers != nullptr)
    std::ranges::move(evidence.answers->impl().all_crls(), std::back_inserter(all));
  return all;
}

std::vector<X509*> certificates_of(X509* leaf, const Path& path) {
  std::vector<X509*> certificates{leaf};
  for (const Node* issuer : path.issuers) certificates.push_back(issuer->certificate.get());
  return certificates;
}

/// The path's certificates but the anchor, and those that signed the CRLs.
X509Stack helpers_of(const Path& path, const ListsOfPath& lists) {
  X509Stack helpers{sk_X509_new_null()};
  if (!helpers) return helpers;
  // Ahead of the others, so that OpenSSL meets the path's own certificates first.
  for (std::size_t i = 0; i + 1 < path.issuers.size(); ++i) {
    sk_X509_push(helpers.get(), path.issuers[i]->certificate.get());
  }
  for (X509* signer : lists.signers()) sk_X509_push(helpers.get(), signer);
  return helpers;
}

}  // namespace

OcspFinding judge_answer(const Evidence& evidence, X509* certificate, X509* issuer, const Rules& rules,
                         WallTime at) {
  // RFC 6960 4.2.2.2.1: how a responder's own certificate is checked is the issuer's choice; without its
  // no-check mark, by CRL.
  const auto responder_is_good = [&](X509* responder, bool revocation_needed, WallTime then) {
    Rules asked = rules;
    asked.purpose = Purpose::any;
    asked.extended_key_usages = {};
    asked.policy = {};
    asked.stale_for = milliseconds{0};
    if (!revocation_needed) asked.revocation = Revocation::off;
    return check_paths({evidence.authorities, nullptr}, responder, asked, then).verdict.valid;
  };
  return judge_ocsp(evidence.answers->impl().ocsp_about(certificate), certificate, issuer, rules, at,
                    responder_is_good);
}

Verdict check_path(const Evidence& evidence, X509* leaf, const Path& path, const Rules& rules, WallTime at) {
  const ContextPtr context{X509_STORE_CTX_new()};
  const bool asked = rules.revocation != Revocation::off;
  const ListsOfPath lists{evidence.authorities.impl(), asked ? all_crls(evidence) : CrlsAtHand{},
                          certificates_of(leaf, path), at};
  Judge judge{rules, at, ocsp_findings(evidence, leaf, path, rules, at), lists};
  const X509Stack helpers = helpers_of(path, lists);
  const CrlStack crls{sk_X509_CRL_new_null()};
  if (!context || !helpers || !crls) return failed("no memory");
  for (const auto& crl : lists.usable()) sk_X509_CRL_push(crls.get(), crl->shell());
  const Node& anchor = *path.issuers.back();
  if (X509_STORE_CTX_init(context.get(), anchor.anchor_store.get(), leaf, helpers.get()) != 1) {
    return failed(take_openssl_error());
  }
  X509_STORE_CTX_set0_crls(context.get(), crls.get());
  set_rules(context.get(), rules, at);
  judge.listen(context.get());
  const int outcome = X509_verify_cert(context.get());

  std::vector<X509*> chain;
  const STACK_OF(X509)* built = X509_STORE_CTX_get0_chain(context.get());
  for (int i = 0; i < sk_X509_num(built); ++i) chain.push_back(sk_X509_value(built, i));
  if (chain.empty()) chain.push_back(leaf);
  judge.judge_lists(chain);
  judge.judge_ocsp_answers(chain);
  judge_chain(chain, rules, judge);
  if (outcome != 1 && judge.findings().empty()) {
    judge.record(Status::internal, 0, leaf,
                 X509_verify_cert_error_string(X509_STORE_CTX_get_error(context.get())));
  }
  ERR_clear_error();
  return verdict_of(chain, rules, at, judge);
}

Verdict without_path(const Authorities::Impl& authorities, X509* leaf, const DeadEnd& end, const Rules& rules,
                     WallTime at) {
  const ListsOfPath no_lists{authorities, {}, {}, at};
  Judge judge{rules, at, {}, no_lists};
  std::vector<X509*> chain{leaf};
  for (const Node* issuer : end.issuers) chain.push_back(issuer->certificate.get());
  const int depth = static_cast<int>(end.issuers.size());
  const std::string issuer = name_text(X509_get_issuer_name(end.last));
  if (end.too_long) {
    judge.record(Status::path_too_long, depth, end.last,
                 "more than " + std::to_string(max_path_length) + " certificates");
  } else if (end.self_signed && !end.other_key) {
    judge.record(Status::untrusted_issuer, depth, end.last, "it names itself as issuer and is not an anchor");
  } else if (end.other_key) {
    judge.record(Status::untrusted_issuer, depth, end.last,
                 "a certificate of its issuer " + issuer + " is configured, but with another key");
  } else {
    judge.record(Status::incomplete_chain, depth, end.last,
                 "no certificate of its issuer " + issuer + " is configured");
  }
  const auto from = wall_time(X509_get0_notBefore(leaf));
  const auto until = wall_time(X509_get0_notAfter(leaf));
  if (!from || !until) {
    judge.record(Status::malformed, 0, leaf, "its validity has a date that is none");
  } else {
    if (at < *from) judge.record(Status::not_yet_valid, 0, leaf, "valid from " + to_rfc3339(*from));
    if (is_past(*until, at)) judge.record(Status::expired, 0, leaf, "valid until " + to_rfc3339(*until));
  }
  judge_chain({leaf}, rules, judge);
  return verdict_of(chain, rules, at, judge);
}

namespace {

/// Of two failures, the one closer to success: its worst finding is less bad, or it has fewer.
bool closer(const Verdict& a, const Verdict& b) {
  return std::ranges::lexicographical_compare(b.findings, a.findings, {}, &Finding::status, &Finding::status);
}

}  // namespace

Checked check_paths(const Evidence& evidence, X509* leaf, const Rules& rules, WallTime at) {
  Search search = find_paths(evidence.authorities.impl(), leaf, at);
  if (search.paths.empty())
    return {without_path(evidence.authorities.impl(), leaf, search.dead_end, rules, at), {}};
  Checked best;
  for (auto& path : search.paths) {
    Verdict verdict = check_path(evidence, leaf, path, rules, at);
    const bool better = verdict.valid || best.verdict.findings.empty() || closer(verdict, best.verdict);
    if (!better) continue;
    best = {std::move(verdict), std::move(path)};
    if (best.verdict.valid) break;
  }
  return best;
}

}  // namespace cardgate::trust
