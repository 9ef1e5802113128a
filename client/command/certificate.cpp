// SPDX-License-Identifier: Apache-2.0
// cardgate cert verify: the very validation that the service uses, on files, without the service.
#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <memory>
#include <optional>

#include "base/file.hpp"
#include "client/command/output.hpp"
#include "trust/answers.hpp"
#include "trust/authorities.hpp"
#include "trust/certificate.hpp"
#include "trust/validate.hpp"

namespace cardgate::client {
namespace {

constexpr std::size_t max_ocsp_file_bytes = 1 << 20;

enum VerifyExit : int { exit_valid = 0, exit_not_valid = 1, exit_verify_usage = 2 };

struct CertificateOptions {
  std::vector<std::string> anchors, intermediates, crls, ocsp_responses, policies;
  std::string time, leaf;
  std::string purpose = "smartcard";
  bool no_revocation_check = false;
  bool require_explicit_policy = false, inhibit_policy_mapping = false, inhibit_any_policy = false;
};

const std::map<std::string, trust::Purpose> purposes{{"smartcard", trust::Purpose::smartcard},
                                                     {"client", trust::Purpose::client},
                                                     {"server", trust::Purpose::server},
                                                     {"any", trust::Purpose::any}};

/// RFC 3339, or a day (its first instant, UTC). Errors: invalid_argument.
Result<WallTime> parse_time(const std::string& text) {
  if (text.empty()) return system_clock().wall();
  if (const auto time = parse_rfc3339(text)) return *time;
  if (const auto date = parse_date(text)) return start_of(*date);
  return Error{Errc::invalid_argument,
               fmt::format("--time: \"{}\" is neither 2026-01-31 nor 2026-01-31T09:30:00Z", text)};
}

trust::Verdict not_a_certificate(const std::string& why) {
  trust::Verdict verdict;
  verdict.findings.push_back({trust::Status::malformed, 0, "", why});
  return verdict;
}

struct Judged {
  trust::Verdict verdict;
  std::vector<std::string> passed_over{};  // lists and authorities that show nobody to be good
  /// The last instant of the certificate itself. When a list ends is told with it: lists renew themselves, and a card does not
  /// end with them.
  std::optional<WallTime> expires{};
};

Result<Judged> judge(const CertificateOptions& options) {
  const auto at = TRY(parse_time(options.time));
  trust::Locations files;
  files.anchors.assign(options.anchors.begin(), options.anchors.end());
  files.intermediates.assign(options.intermediates.begin(), options.intermediates.end());
  files.crls.assign(options.crls.begin(), options.crls.end());
  trust::Rules rules;
  rules.purpose = purposes.at(options.purpose);
  if (options.no_revocation_check) rules.revocation = trust::Revocation::off;
  rules.policy = {.acceptable = options.policies,
                  .require_explicit = options.require_explicit_policy,
                  .inhibit_mapping = options.inhibit_policy_mapping,
                  .inhibit_any = options.inhibit_any_policy};
  TRY(trust::check_rules(rules));
  const auto authorities = TRY(trust::Authorities::load(files));
  const auto leaf = trust::load_certificate(options.leaf);
  if (!leaf && leaf.error().code == Errc::certificate_malformed)
    return Judged{not_a_certificate(leaf.error().context)};
  if (!leaf) return leaf.error();
  trust::Answers answers;
  for (const auto& file : options.ocsp_responses) {
    const auto content = TRY(read_file(file, max_ocsp_file_bytes));
    if (auto added = answers.add_ocsp(Bytes(content.begin(), content.end())); !added)
      return std::move(added).error().with(file);
  }
  Judged judged{trust::validate(authorities, answers, *leaf, rules, at), authorities.passed_over()};
  if (const auto info = trust::describe(*leaf)) judged.expires = info->not_after;
  std::ranges::move(authorities.useless(at), std::back_inserter(judged.passed_over));
  return judged;
}

void print_verdict(const std::string& leaf, const Judged& judged) {
  const auto& verdict = judged.verdict;
  if (verdict.valid) {
    say(fmt::format("{}: valid, until {} (revocation: {})", leaf,
                    judged.expires ? to_rfc3339(*judged.expires) : "?", verdict.revocation));
    for (std::size_t i = 0; i < verdict.proofs.size(); ++i) {
      const auto& proof = verdict.proofs[i];
      if (proof.by.empty()) continue;
      say(fmt::format("  {}: not revoked, by {} until {}", verdict.chain[i],
                      proof.by == "crl" ? "CRL" : "OCSP", to_rfc3339(proof.fresh_until)));
    }
    return;
  }
  say(fmt::format("{}: not valid", leaf));
  for (const auto& finding : verdict.findings) {
    say(fmt::format("  - {} ({})", trust::explain(finding), trust::name(finding.status)));
    if (!finding.subject.empty()) say(fmt::format("    certificate: {}", finding.subject));
    if (!finding.detail.empty()) say(fmt::format("    detail: {}", finding.detail));
  }
}

json::object to_json(const Judged& judged) {
  const auto& verdict = judged.verdict;
  json::array findings;
  for (const auto& finding : verdict.findings) {
    findings.push_back(json::object{{"status", trust::name(finding.status)},
                                    {"text", trust::explain(finding)},
                                    {"depth", finding.depth},
                                    {"subject", finding.subject},
                                    {"detail", finding.detail}});
  }
  json::array proofs;
  for (const auto& proof : verdict.proofs) {
    const bool there = !proof.by.empty();
    proofs.push_back(
        json::object{{"by", there ? json::value(proof.by) : json::value(nullptr)},
                     {"ends_at", there ? json::value(to_rfc3339(proof.fresh_until)) : json::value(nullptr)}});
  }
  return {{"valid", verdict.valid},
          {"expires_at", judged.expires ? json::value(to_rfc3339(*judged.expires)) : json::value(nullptr)},
          {"revocation", verdict.revocation},
          {"proofs", std::move(proofs)},
          {"chain", json::array(verdict.chain.begin(), verdict.chain.end())},
          {"findings", std::move(findings)},
          {"passed_over", json::array(judged.passed_over.begin(), judged.passed_over.end())}};
}

bool is_of_a_file(const Error& error) {
  return error.code == Errc::not_found || error.code == Errc::permission_denied || error.code == Errc::io ||
         error.code == Errc::too_large;
}

int verify_certificate(const Cli& cli, const CertificateOptions& options) {
  const auto judged = judge(options);
  // It says nothing about the certificate.
  if (!judged && is_of_a_file(judged.error())) return say_error(cli, judged.error());
  if (!judged) return say_usage(cli, judged.error().context);
  if (cli.json) {
    print_json(to_json(*judged));
  } else {
    print_verdict(options.leaf, *judged);
    for (const auto& text : judged->passed_over) say("  note: " + text);
  }
  return judged->verdict.valid ? exit_valid : exit_not_valid;
}

}  // namespace

void add_certificate(CLI::App& app, Cli& cli) {
  auto* group =
      add_command(app, "cert", "Certificates: whether they are good, and which person they belong to",
                  "cardgate cert verify --anchor root.pem leaf.pem", "");
  group->require_subcommand(1);
  add_certificate_explain(*group, cli);
  auto* command = add_command(
      *group, "verify", "Check whether a certificate is good",
      "cardgate cert verify --anchor root.pem --intermediate issuing.pem --crl issuing.crl leaf.pem\n"
      "  cardgate cert verify --anchor root.pem --no-revocation-check --time 2026-01-31 --json leaf.pem",
      "0 valid; 1 not valid; 2 wrong usage; 4 a file cannot be read");
  auto options = std::make_shared<CertificateOptions>();
  const auto repeatable = [&](const std::string& name, std::vector<std::string>& to,
                              const std::string& what) {
    return command->add_option(name, to, what)->allow_extra_args(false);
  };
  repeatable("--anchor", options->anchors,
             "A trusted root: file or directory, PEM or DER; may be given again")
      ->required();
  repeatable("--intermediate", options->intermediates,
             "A certificate between leaf and root; may be given again");
  repeatable("--crl", options->crls, "A revocation list; may be given again");
  repeatable("--ocsp-response", options->ocsp_responses,
             "An answer of an OCSP responder, DER; may be given again");
  repeatable("--policy", options->policies, "An acceptable certificate policy (OID); may be given again");
  command->add_flag("--require-explicit-policy", options->require_explicit_policy,
                    "An acceptable policy must be there");
  command->add_flag("--inhibit-policy-mapping", options->inhibit_policy_mapping, "Policies of one name only");
  command->add_flag("--inhibit-any-policy", options->inhibit_any_policy, "anyPolicy does not count");
  command->add_option("--purpose", options->purpose, "smartcard, client, server or any")
      ->check(CLI::IsMember(purposes))
      ->capture_default_str();
  command->add_option("--time", options->time,
                      "Judge as of this time: 2026-01-31 or 2026-01-31T09:30:00Z; else now");
  command->add_flag("--no-revocation-check", options->no_revocation_check,
                    "Do not ask for revocation lists; here only, never in the service");
  command->add_option("LEAF", options->leaf, "The certificate, PEM or DER")->required();
  command->callback(
      [&cli, options] { cli.action = [&cli, options] { return verify_certificate(cli, *options); }; });
}

}  // namespace cardgate::client
