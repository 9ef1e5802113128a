// SPDX-License-Identifier: Apache-2.0
#include "trust/validate.hpp"

#include <openssl/x509_vfy.h>

#include <algorithm>

#include "trust/judge.hpp"
#include "trust/key.hpp"
#include "trust/paths.hpp"
#include "trust/usage.hpp"

namespace cardgate::trust {

namespace {

struct ReleasesStack {
  void operator()(STACK_OF(X509) * stack) const { sk_X509_free(stack); }
};
using X509Stack = std::unique_ptr<STACK_OF(X509), ReleasesStack>;

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
  const int floor = std::max(2048, rules.min_rsa_bits);
  for (std::size_t i = 0; i < chain.size(); ++i) {
    const int depth = static_cast<int>(i);
    if ((X509_get_extension_flags(chain[i]) & EXFLAG_INVALID) != 0) {
      judge.record(Status::malformed, depth, chain[i], "an extension does not parse, or stands twice");
    }
    if (auto weak = key_weakness(X509_get0_pubkey(chain[i]), floor); !weak.empty()) {
      judge.record(Status::weak_key, depth, chain[i], std::move(weak));
    }
    // Nothing rests on an anchor's signature.
    const bool anchor = i > 0 && i + 1 == chain.size();
    if (anchor) continue;
    if (auto weak = signature_weakness(chain[i]); !weak.empty()) {
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

std::string revocation_word(const Rules& rules, Judge& judge) {
  bool unknown = rules.revocation == Revocation::off || judge.missing_accepted();
  for (const auto& finding : judge.findings()) {
    if (finding.status == Status::revoked) return "revoked";
    unknown = unknown || finding.status == Status::crl_missing || finding.status == Status::crl_stale ||
              finding.status == Status::crl_invalid || finding.status == Status::incomplete_chain ||
              finding.status == Status::untrusted_issuer || finding.status == Status::internal;
  }
  if (unknown) return "unchecked";
  return judge.stale_accepted() ? "stale" : "good";
}

Verdict verdict_of(const std::vector<X509*>& chain, const Rules& rules, Judge& judge) {
  Verdict verdict;
  verdict.findings = judge.findings();
  std::ranges::stable_sort(verdict.findings, {},
                           [](const Finding& f) { return std::pair{f.status, f.depth}; });
  for (X509* certificate : chain) verdict.chain.push_back(name_text(X509_get_subject_name(certificate)));
  verdict.revocation = revocation_word(rules, judge);
  verdict.valid = verdict.findings.empty();
  if (!verdict.valid) return verdict;
  verdict.good_until = judge.crls_good_until().value_or(WallTime::max());
  for (X509* certificate : chain) {
    const auto until = wall_time(X509_get0_notAfter(certificate));
    verdict.good_until = until ? std::min(verdict.good_until, *until) : WallTime{};
  }
  return verdict;
}

Verdict failed(std::string detail) {
  Verdict verdict;
  verdict.findings.push_back({Status::internal, 0, {}, std::move(detail)});
  return verdict;
}

Verdict try_path(const Authorities::Impl& authorities, X509* leaf, const Path& path, const Rules& rules,
                 WallTime at) {
  const ContextPtr context{X509_STORE_CTX_new()};
  const X509Stack helpers{sk_X509_new_null()};
  if (!context || !helpers) return failed("no memory");
  const auto offer = [&](X509* certificate) { return sk_X509_push(helpers.get(), certificate) > 0; };
  bool offered = true;
  for (std::size_t i = 0; i + 1 < path.issuers.size(); ++i) {
    offered = offered && offer(path.issuers[i]->certificate.get());
  }
  // Behind the path, so that OpenSSL meets the path's own certificates first.
  for (X509* issuer : authorities.crl_issuers) {
    const bool in_path =
        std::ranges::any_of(path.issuers, [&](const Node* n) { return n->certificate.get() == issuer; });
    if (!in_path) offered = offered && offer(issuer);
  }
  const Node& anchor = *path.issuers.back();
  if (!offered || X509_STORE_CTX_init(context.get(), anchor.anchor_store.get(), leaf, helpers.get()) != 1) {
    return failed(take_openssl_error());
  }
  X509_STORE_CTX_set0_crls(context.get(), authorities.crls.get());
  set_rules(context.get(), rules, at);
  Judge judge{rules, at};
  judge.listen(context.get());
  const int outcome = X509_verify_cert(context.get());

  std::vector<X509*> chain;
  const STACK_OF(X509)* built = X509_STORE_CTX_get0_chain(context.get());
  for (int i = 0; i < sk_X509_num(built); ++i) chain.push_back(sk_X509_value(built, i));
  if (chain.empty()) chain.push_back(leaf);
  judge_chain(chain, rules, judge);
  if (outcome != 1 && judge.findings().empty()) {
    judge.record(Status::internal, 0, leaf,
                 X509_verify_cert_error_string(X509_STORE_CTX_get_error(context.get())));
  }
  ERR_clear_error();
  return verdict_of(chain, rules, judge);
}

/// No way to an anchor: says where it broke off, and whatever else can be said without an issuer.
Verdict without_path(X509* leaf, const DeadEnd& end, const Rules& rules, WallTime at) {
  Judge judge{rules, at};
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
    if (at > *until) judge.record(Status::expired, 0, leaf, "valid until " + to_rfc3339(*until));
  }
  judge_chain({leaf}, rules, judge);
  return verdict_of(chain, rules, judge);
}

/// Of two failures, the one closer to success: its worst finding is less bad, or it has fewer.
bool closer(const Verdict& a, const Verdict& b) {
  return std::ranges::lexicographical_compare(b.findings, a.findings, {}, &Finding::status, &Finding::status);
}

bool too_many_names(X509* leaf) {
  const std::unique_ptr<GENERAL_NAMES, Releases<GENERAL_NAMES_free>> names{
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(leaf, NID_subject_alt_name, nullptr, nullptr))};
  ERR_clear_error();
  return names && static_cast<std::size_t>(sk_GENERAL_NAME_num(names.get())) > max_alternative_names;
}

}  // namespace

Result<void> check_rules(const Rules& rules) {
  for (const auto& text : rules.extended_key_usages) TRY(usage_object(text));
  for (const auto& text : rules.policy.acceptable) TRY(dotted_object(text));
  if (rules.stale_for < milliseconds{0})
    return Error{Errc::invalid_argument, "the delay allowed to a CRL is negative"};
  return {};
}

Verdict validate(const Authorities& authorities, BytesView leaf_der, const Rules& rules, WallTime at) {
  if (auto usable = check_rules(rules); !usable) return failed(usable.error().context);
  auto leaf = parse_certificate(leaf_der);
  if (!leaf || too_many_names(leaf->get())) {
    Verdict verdict;
    verdict.findings.push_back(
        {Status::malformed, 0, {}, leaf ? "too many subject alternative names" : leaf.error().context});
    return verdict;
  }
  const Search search = find_paths(authorities.impl(), leaf->get(), at);
  if (search.paths.empty()) return without_path(leaf->get(), search.dead_end, rules, at);
  Verdict best;
  for (const auto& path : search.paths) {
    Verdict verdict = try_path(authorities.impl(), leaf->get(), path, rules, at);
    if (verdict.valid) return verdict;
    if (best.findings.empty() || closer(verdict, best)) best = std::move(verdict);
  }
  return best;
}

}  // namespace cardgate::trust
