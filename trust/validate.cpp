// SPDX-License-Identifier: Apache-2.0
#include "trust/validate.hpp"

#include <algorithm>

#include "trust/certificate.hpp"
#include "trust/path_check.hpp"
#include "trust/store.hpp"
#include "trust/usage.hpp"

namespace cardgate::trust {

namespace {

Verdict refused(Status status, std::string detail) {
  Verdict verdict;
  verdict.findings.push_back({status, 0, {}, std::move(detail)});
  return verdict;
}

bool too_many_names(X509* leaf) {
  const std::unique_ptr<GENERAL_NAMES, Releases<GENERAL_NAMES_free>> names{
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(leaf, NID_subject_alt_name, nullptr, nullptr))};
  ERR_clear_error();
  return names && static_cast<std::size_t>(sk_GENERAL_NAME_num(names.get())) > max_alternative_names;
}

Verdict validate(const Evidence& evidence, BytesView leaf_der, const Rules& rules, WallTime at) {
  if (auto usable = check_rules(rules); !usable) return refused(Status::internal, usable.error().context);
  const auto leaf = evidence.authorities.impl().parse(leaf_der);
  if (!leaf) return refused(Status::malformed, leaf.error().context);
  if (too_many_names(leaf->get()))
    return refused(Status::malformed, "it has more than " + std::to_string(max_alternative_names) +
                                          " alternative names, the most that are read");
  return check_paths(evidence, leaf->get(), rules, at).verdict;
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
  return validate({authorities, nullptr}, leaf_der, rules, at);
}

Verdict validate(const Authorities& authorities, const Answers& answers, BytesView leaf_der,
                 const Rules& rules, WallTime at) {
  return validate({authorities, &answers}, leaf_der, rules, at);
}

}  // namespace cardgate::trust
