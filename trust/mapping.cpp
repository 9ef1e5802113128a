// SPDX-License-Identifier: Apache-2.0
#include "trust/mapping.hpp"

#include <algorithm>
#include <cctype>

namespace cardgate::trust {

namespace {

constexpr std::string_view plain_rules[] = {"card_uuid", "issuer_serial", "upn", "email", "uri"};

std::string lower(std::string text) {
  // ASCII only: register and certificate must agree byte for byte, whatever the locale.
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return text;
}

bool is_field_name(std::string_view text) {
  return !text.empty() && text.size() <= 64 && std::ranges::all_of(text, [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '.' || c == '-';
  });
}

std::vector<std::string> values_of(const MapRule& rule, const CertificateInfo& certificate) {
  std::vector<std::string> values;
  if (rule.by == "card_uuid" && certificate.card_uuid) values.push_back(lower(*certificate.card_uuid));
  if (rule.by == "issuer_serial") values.push_back(certificate.issuer + ";" + certificate.serial);
  if (rule.by == "uri") values = certificate.uri;
  if (rule.by == "upn") std::ranges::transform(certificate.upn, std::back_inserter(values), lower);
  if (rule.by == "email") std::ranges::transform(certificate.email, std::back_inserter(values), lower);
  if (rule.by == "subject") {
    const auto [first, last] = certificate.subject_fields.equal_range(rule.field);
    for (auto i = first; i != last; ++i) values.push_back(i->second);
  }
  return values;
}

}  // namespace

Result<MapRule> parse_map_rule(std::string_view text) {
  if (std::ranges::find(plain_rules, text) != std::end(plain_rules)) return MapRule{std::string{text}, {}};
  constexpr std::string_view prefix = "subject:";
  if (text.starts_with(prefix) && is_field_name(text.substr(prefix.size()))) {
    return MapRule{"subject", std::string{text.substr(prefix.size())}};
  }
  return Error{Errc::invalid_argument,
               "\"" + std::string{text} +
                   "\" is no way to find a person; expected card_uuid, issuer_serial, upn, "
                   "email, uri or subject:FIELD (for instance subject:UID)"};
}

std::vector<Identity> identities(const std::vector<MapRule>& rules, const CertificateInfo& certificate) {
  std::vector<Identity> found;
  for (const auto& rule : rules) {
    const std::string kind = rule.field.empty() ? rule.by : rule.by + ":" + rule.field;
    for (auto& value : values_of(rule, certificate)) {
      Identity identity{kind, std::move(value)};
      if (identity.value.empty() || std::ranges::find(found, identity) != found.end()) continue;
      found.push_back(std::move(identity));
    }
  }
  return found;
}

}  // namespace cardgate::trust
