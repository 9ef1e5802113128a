// SPDX-License-Identifier: Apache-2.0
#include "trust/mapping.hpp"

#include <algorithm>
#include <cctype>

#include "base/bytes.hpp"
#include "base/card_id.hpp"

namespace cardgate::trust {

namespace {

/// What a rule may look at.
struct Sight {
  const CertificateInfo& certificate;
  const Chuid* chuid;  // null: not read
};
struct Names {
  std::vector<std::string> values;
  std::string why_none;
};

/// Why the certificate has no name of this kind: there is one that is none, or there is none.
std::string why_without(const CertificateInfo& certificate, const std::string& kind, const char* none) {
  const auto unusable = certificate.unusable_names.find(kind);
  return unusable == certificate.unusable_names.end() ? none : unusable->second;
}

/// Why none of several names of one kind is the card's; empty when there are not several.
std::string why_undecided(const std::vector<std::string>& all, const char* kind, const Chuid* chuid,
                          const std::string& in_chuid) {
  if (all.size() < 2) return {};
  const std::string several = "the certificate has " + std::to_string(all.size()) + " " + kind + "s";
  const std::string decides = ": the card's CHUID would say which one is the card's, but it ";
  if (chuid == nullptr) return several + decides + "was not read";
  if (in_chuid.empty()) return several + decides + "has none";
  return several + ", and none of them is the one that the card's CHUID has (" + in_chuid + ")";
}

/// Why the CHUID may not speak for more than the certificate says; empty when it may.
std::string why_untied(const Sight& sight) {
  const auto& [certificate, chuid] = sight;
  if (chuid == nullptr) return "the card's CHUID was not read";
  if (!chuid->verified)
    return "the CHUID's signature was not verified (the configuration's trust.content_signers)";
  if (of_two_cards(certificate, *chuid)) return "the card's CHUID and its certificate belong to two cards";
  const bool same_uuid = certificate.card_uuid && !chuid->card_uuid.empty();
  const bool same_fasc_n = certificate.fasc_n && !chuid->fasc_n.empty();
  if (!same_uuid && !same_fasc_n)
    return "the certificate has neither the card UUID nor the FASC-N of the card's CHUID, so nothing ties "
           "the two";
  return {};
}

Names card_uuid(const Sight& sight, const std::string&) {
  const auto& [certificate, chuid] = sight;
  const std::string in_chuid = chuid == nullptr ? std::string() : chuid->card_uuid;
  if (!certificate.card_uuid) {
    auto why = why_undecided(certificate.card_uuids, "UUID", chuid, in_chuid);
    return {{},
            why.empty() ? why_without(certificate, "card_uuid", "the certificate has no card UUID") : why};
  }
  if (!in_chuid.empty() && *certificate.card_uuid != in_chuid)
    return {{}, "the card's CHUID has another card UUID (" + in_chuid + ")"};
  return {{*certificate.card_uuid}, {}};
}

Names chuid_uuid(const Sight& sight, const std::string&) {
  if (sight.chuid == nullptr) return {{}, why_untied(sight)};
  if (sight.chuid->card_uuid.empty()) return {{}, "the card's CHUID has no card UUID, or a placeholder"};
  const auto& in_certificate = sight.certificate.card_uuid;
  const bool same = in_certificate && *in_certificate == sight.chuid->card_uuid;
  if (same) return {{sight.chuid->card_uuid}, {}};
  if (auto why = why_untied(sight); !why.empty()) return {{}, std::move(why)};
  return {{sight.chuid->card_uuid}, {}};
}

Names fasc_n(const Sight& sight, const std::string&) {
  const auto& [certificate, chuid] = sight;
  const std::string in_chuid = chuid == nullptr ? std::string() : chuid->fasc_n;
  if (certificate.fasc_n) {
    if (!in_chuid.empty() && *certificate.fasc_n != in_chuid)
      return {{}, "the card's CHUID has another FASC-N (" + in_chuid + ")"};
    return {{*certificate.fasc_n}, {}};
  }
  if (auto why = why_undecided(certificate.fasc_ns, "FASC-N", chuid, in_chuid); !why.empty())
    return {{}, std::move(why)};
  const std::string none = why_without(certificate, "fasc_n", "the certificate has no FASC-N");
  if (chuid != nullptr && in_chuid.empty())
    return {{}, none + ", and the card's CHUID has none that names one card"};
  if (auto why = why_untied(sight); !why.empty()) return {{}, none + ", and " + why};
  return {{in_chuid}, {}};
}

Names issuer_serial(const Sight& sight, const std::string&) {
  return {{sight.certificate.issuer + ";" + sight.certificate.serial}, {}};
}

Names ski(const Sight& sight, const std::string&) {
  if (sight.certificate.ski.empty()) return {{}, "the certificate has no subject key identifier"};
  return {{sight.certificate.ski}, {}};
}

Names all_lower(std::vector<std::string> values, std::string why_none) {
  for (auto& value : values) value = ascii_lower(std::move(value));
  return {std::move(values), std::move(why_none)};
}
Names upn(const Sight& sight, const std::string&) {
  return all_lower(sight.certificate.upn,
                   why_without(sight.certificate, "upn", "the certificate has no user principal name"));
}
Names email(const Sight& sight, const std::string&) {
  return all_lower(sight.certificate.email,
                   why_without(sight.certificate, "email", "the certificate has no e-mail address"));
}

Names uri(const Sight& sight, const std::string&) {
  return {sight.certificate.uri, why_without(sight.certificate, "uri", "the certificate has no URI")};
}

Names subject(const Sight& sight, const std::string& field) {
  const std::string none = "the certificate's subject has no " + field;
  Names names{{}, why_without(sight.certificate, "subject:" + field, none.c_str())};
  const auto [first, last] = sight.certificate.subject_fields.equal_range(field);
  for (auto i = first; i != last; ++i) names.values.push_back(i->second);
  return names;
}

struct Kind {
  std::string_view name;
  std::string_view in_register;
  bool needs_chuid;
  Names (*names)(const Sight&, const std::string& field);
};
constexpr Kind kinds[] = {
    {"card_uuid", "card_uuid", false, card_uuid},
    {"chuid_uuid", "card_uuid", true, chuid_uuid},
    {"fasc_n", "fasc_n", true, fasc_n},
    {"issuer_serial", "issuer_serial", false, issuer_serial},
    {"ski", "ski", false, ski},
    {"upn", "upn", false, upn},
    {"email", "email", false, email},
    {"uri", "uri", false, uri},
    {"subject", "subject", false, subject},
};

const Kind* kind_of(std::string_view by) {
  const auto* found = std::ranges::find(kinds, by, &Kind::name);
  return found == std::end(kinds) ? nullptr : found;
}

bool is_field_name(std::string_view text) {
  return !text.empty() && text.size() <= 64 && std::ranges::all_of(text, [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '.' || c == '-';
  });
}

RuleReport apply(const MapRule& rule, const Sight& sight) {
  RuleReport report{rule.name, rule.priority, false, rule.match.mismatch(sight.certificate), {}};
  report.matched = report.reason.empty();
  const Kind* kind = kind_of(rule.by);
  if (!report.matched || kind == nullptr) return report;
  Names names = kind->names(sight, rule.field);
  for (auto& value : names.values) {
    Identity identity{std::string(kind->in_register), std::move(value)};
    if (!rule.field.empty()) identity.kind += ":" + rule.field;
    if (identity.value.empty() || std::ranges::find(report.identities, identity) != report.identities.end())
      continue;
    if (auto why = why_placeholder(identity.kind, identity.value); !why.empty()) {
      names.why_none = std::move(why);
      continue;
    }
    report.identities.push_back(std::move(identity));
  }
  if (report.identities.empty()) report.reason = std::move(names.why_none);
  return report;
}

}  // namespace

Result<MapRule> parse_map_rule(std::string_view map) {
  MapRule rule;
  rule.name = map;
  rule.by = map.substr(0, map.find(':'));
  const Kind* kind = kind_of(rule.by);
  const bool takes_field = rule.by == "subject";
  if (takes_field && map.size() > rule.by.size()) rule.field = map.substr(rule.by.size() + 1);
  const bool whole = takes_field ? is_field_name(rule.field) : map == rule.by;
  if (kind != nullptr && whole) return rule;
  return Error{
      Errc::invalid_argument,
      "\"" + std::string{map} +
          "\" is no way to find a person; expected card_uuid, chuid_uuid, fasc_n, issuer_serial, ski, "
          "upn, email, uri or subject:FIELD (for instance subject:UID)"};
}

bool need_chuid(const std::vector<MapRule>& rules) {
  return std::ranges::any_of(rules, [](const MapRule& rule) {
    const Kind* kind = kind_of(rule.by);
    return kind != nullptr && kind->needs_chuid;
  });
}

std::vector<RuleReport> apply_rules(const std::vector<MapRule>& rules, const CertificateInfo& certificate,
                                    const Chuid* chuid) {
  CertificateInfo chosen = certificate;
  if (chuid != nullptr) choose_card_names(chosen, *chuid);
  std::vector<RuleReport> reports;
  reports.reserve(rules.size());
  for (const auto& rule : rules) reports.push_back(apply(rule, {chosen, chuid}));
  std::ranges::stable_sort(reports, {}, &RuleReport::priority);
  return reports;
}

}  // namespace cardgate::trust
