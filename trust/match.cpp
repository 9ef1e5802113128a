// SPDX-License-Identifier: Apache-2.0
#include "trust/match.hpp"

#include <algorithm>
#include <array>
#include <functional>
#include <optional>
#include <vector>

#include "trust/pattern.hpp"

namespace cardgate::trust {

namespace {

struct Named {
  std::string_view name, value;
};

constexpr std::string_view key_usage_names[] = {"digitalSignature", "nonRepudiation", "keyEncipherment",
                                                "dataEncipherment", "keyAgreement",   "keyCertSign",
                                                "cRLSign",          "encipherOnly",   "decipherOnly"};

// The names of sss_certmap(5), and those of the configuration's extended_key_usages.
constexpr Named extended_usages[] = {
    {"serverAuth", "1.3.6.1.5.5.7.3.1"},     {"clientAuth", "1.3.6.1.5.5.7.3.2"},
    {"codeSigning", "1.3.6.1.5.5.7.3.3"},    {"emailProtection", "1.3.6.1.5.5.7.3.4"},
    {"timeStamping", "1.3.6.1.5.5.7.3.8"},   {"OCSPSigning", "1.3.6.1.5.5.7.3.9"},
    {"pkinit", "1.3.6.1.5.2.3.4"},           {"KPClientAuth", "1.3.6.1.5.2.3.4"},
    {"msScLogin", "1.3.6.1.4.1.311.20.2.2"}, {"smartcardLogon", "1.3.6.1.4.1.311.20.2.2"},
};

using Texts = std::vector<std::string>;

struct AlternativeName {
  std::string_view type, other_name, words;  // one of its two names; what people call it
  Texts CertificateInfo::* values;
};
constexpr AlternativeName alternative_names[] = {
    {"email", "rfc822Name", "e-mail address", &CertificateInfo::email},
    {"upn", "NTPrincipalName", "user principal name", &CertificateInfo::upn},
    {"uri", "uniformResourceIdentifier", "URI", &CertificateInfo::uri},
    {"dNSName", "dns", "DNS name", &CertificateInfo::dns},
};

Error bad(const std::string& text) {
  return {Errc::invalid_argument, text};
}

bool is_oid(std::string_view text) {
  bool digit_before = false;
  int dots = 0;
  for (const char c : text) {
    if (c == '.' && !digit_before) return false;
    if (c != '.' && (c < '0' || c > '9')) return false;
    digit_before = c != '.';
    dots += c == '.' ? 1 : 0;
  }
  return digit_before && dots > 0 && text.size() <= 128;
}

std::string in_quotes(std::string_view text) {
  constexpr std::size_t longest = 200;
  const bool cut = text.size() > longest;
  if (cut) {
    std::size_t end = longest;
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
    text = text.substr(0, end);
  }
  return "\"" + std::string(text) + (cut ? "...\"" : "\"");
}

std::string listed(const Texts& items) {
  constexpr std::size_t most = 8;
  std::string text;
  for (std::size_t i = 0; i < std::min(items.size(), most); ++i) text += (i == 0 ? "" : ", ") + items[i];
  if (items.size() > most) text += " and " + std::to_string(items.size() - most) + " more";
  return text;
}

/// "clientAuth (1.3.6.1.5.5.7.3.2)", or the OID alone.
std::string usage_text(const std::string& oid) {
  const auto* known = std::ranges::find(extended_usages, std::string_view(oid), &Named::value);
  return known == std::end(extended_usages) ? oid : std::string(known->name) + " (" + oid + ")";
}

Result<Texts> split_list(std::string_view text, std::string_view what) {
  Texts items;
  for (;;) {
    const auto comma = text.find(',');
    std::string_view item = text.substr(0, comma);
    while (item.starts_with(' ')) item.remove_prefix(1);
    while (item.ends_with(' ')) item.remove_suffix(1);
    if (item.empty()) return bad("expected " + std::string(what) + ", separated by commas");
    items.emplace_back(item);
    if (comma == std::string_view::npos) return items;
    text.remove_prefix(comma + 1);
  }
}

using Test = std::function<std::string(const CertificateInfo&)>;

Result<Test> name_test(std::string_view key, const std::string& value) {
  const bool issuer = key == "ISSUER";
  return Test([issuer, pattern = TRY(Pattern::compile(value))](const CertificateInfo& info) -> std::string {
    const std::string& name = issuer ? info.issuer : info.subject;
    if (pattern.found_in(name)) return {};
    return std::string(issuer ? "its issuer is " : "its subject is ") + in_quotes(name) +
           ", which does not match " + in_quotes(pattern.text());
  });
}

Result<Test> alternative_name_test(std::string_view type, const std::string& value) {
  const auto* kind = std::ranges::find_if(
      alternative_names, [&](const auto& one) { return one.type == type || one.other_name == type; });
  if (kind == std::end(alternative_names))
    return bad("there is no alternative name of the type \"" + std::string(type) +
               "\" here; there are email (rfc822Name), upn (NTPrincipalName), uri "
               "(uniformResourceIdentifier) and dNSName");
  return Test([kind, pattern = TRY(Pattern::compile(value))](const CertificateInfo& info) -> std::string {
    const Texts& names = info.*kind->values;
    const std::string words(kind->words);
    if (names.empty()) return "it has no " + words;
    if (std::ranges::any_of(names, [&](const auto& name) { return pattern.found_in(name); })) return {};
    return "no " + words + " of it matches " + in_quotes(pattern.text()) + "; it has " +
           in_quotes(listed(names));
  });
}

Result<Test> key_usage_test(const std::string& value) {
  Texts wanted = TRY(split_list(value, "names of key usages"));
  for (auto& name : wanted) {
    if (name == "contentCommitment") name = "nonRepudiation";
    if (std::ranges::find(key_usage_names, name) == std::end(key_usage_names))
      return bad("there is no key usage " + in_quotes(name) + "; there are " +
                 listed(Texts(std::begin(key_usage_names), std::end(key_usage_names) - 1)) +
                 " and decipherOnly");
  }
  return Test([wanted](const CertificateInfo& info) -> std::string {
    for (const auto& name : wanted) {
      if (std::ranges::find(info.key_usages, name) != info.key_usages.end()) continue;
      return "it lacks the key usage " + name + "; it has " +
             (info.key_usages.empty() ? "none" : listed(info.key_usages));
    }
    return {};
  });
}

Result<Test> extended_usage_test(const std::string& value) {
  Texts wanted = TRY(split_list(value, "names or OIDs of extended key usages"));
  for (auto& name : wanted) {
    if (is_oid(name)) continue;
    const auto* known = std::ranges::find(extended_usages, std::string_view(name), &Named::name);
    if (known == std::end(extended_usages)) {
      std::string all;
      for (const auto& one : extended_usages) all += std::string(one.name) + ", ";
      return bad("there is no extended key usage " + in_quotes(name) + "; there are " + all +
                 "and dotted OIDs");
    }
    name = known->value;
  }
  return Test([wanted](const CertificateInfo& info) -> std::string {
    for (const auto& oid : wanted) {
      if (std::ranges::find(info.extended_key_usages, oid) != info.extended_key_usages.end()) continue;
      Texts there;
      for (const auto& one : info.extended_key_usages) there.push_back(usage_text(one));
      return "it lacks the extended key usage " + usage_text(oid) + "; it has " +
             (there.empty() ? "none" : listed(there));
    }
    return {};
  });
}

Result<Test> policy_test(const std::string& value) {
  const Texts wanted = TRY(split_list(value, "dotted OIDs of certificate policies"));
  for (const auto& oid : wanted) {
    if (!is_oid(oid)) return bad(in_quotes(oid) + " is no dotted OID of a certificate policy");
  }
  return Test([wanted](const CertificateInfo& info) -> std::string {
    for (const auto& oid : wanted) {
      if (std::ranges::find(info.policies, oid) != info.policies.end()) return {};
    }
    return std::string(wanted.size() == 1 ? "it lacks the certificate policy "
                                          : "it has none of the certificate policies ") +
           listed(wanted) + "; it has " + (info.policies.empty() ? "none" : listed(info.policies));
  });
}

Result<Test> make_test(std::string_view key, const std::string& value) {
  constexpr std::string_view san = "SAN:";
  if (key == "ISSUER" || key == "SUBJECT") return name_test(key, value);
  if (key == "KU") return key_usage_test(value);
  if (key == "EKU") return extended_usage_test(value);
  if (key == "POLICY") return policy_test(value);
  if (key.starts_with(san)) return alternative_name_test(key.substr(san.size()), value);
  return bad("no such component; there are <ISSUER>, <SUBJECT>, <KU>, <EKU>, <SAN:TYPE> and <POLICY>");
}

/// Up to the next '<' that no backslash stands before; `\<` becomes '<'.
std::string take_value(std::string_view& rest) {
  std::string value;
  while (!rest.empty() && rest.front() != '<') {
    const bool escape = rest.front() == '\\' && rest.size() > 1;
    if (!escape) {
      value += rest.front();
    } else if (rest[1] == '<') {
      value += '<';
    } else {
      value += rest.substr(0, 2);
    }
    rest.remove_prefix(escape ? 2 : 1);
  }
  return value;
}

}  // namespace

struct Match::Expression {
  std::string text;
  bool any = false;  // one component is enough
  std::vector<Test> tests;
};

Result<Match> Match::parse(std::string_view text) {
  if (text.size() > max_match_bytes)
    return bad("a matching expression has at most " + std::to_string(max_match_bytes) + " bytes");
  if (!is_plain_utf8(text)) return bad("a matching expression holds no control characters");
  Expression made{std::string(text), text.starts_with("||"), {}};
  std::string_view rest = text;
  if (rest.starts_with("||") || rest.starts_with("&&")) rest.remove_prefix(2);
  if (!rest.starts_with('<'))
    return bad("a matching expression begins with a component such as <ISSUER>, or with && or || and one");
  while (!rest.empty()) {
    const auto end = rest.find('>');
    if (end == std::string_view::npos) return bad("the last component has no '>'");
    const std::string_view key = rest.substr(1, end - 1);
    rest.remove_prefix(end + 1);
    auto test = make_test(key, take_value(rest));
    if (!test) return std::move(test).error().with("<" + std::string(key) + ">");
    made.tests.push_back(std::move(*test));
    if (made.tests.size() > max_match_components)
      return bad("a matching expression has at most " + std::to_string(max_match_components) + " components");
  }
  Match match;
  match.expression_ = std::make_shared<const Expression>(std::move(made));
  return match;
}

std::string Match::mismatch(const CertificateInfo& certificate) const {
  if (!expression_) return {};
  std::string why;
  for (const auto& test : expression_->tests) {
    const std::string reason = test(certificate);
    if (expression_->any && reason.empty()) return {};
    if (!reason.empty()) why += (why.empty() ? "" : "; ") + reason;
  }
  return why;
}

const std::string& Match::text() const {
  static const std::string none;
  return expression_ ? expression_->text : none;
}

}  // namespace cardgate::trust
