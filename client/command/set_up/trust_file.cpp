// SPDX-License-Identifier: Apache-2.0
#include "client/command/set_up/trust_file.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/file.hpp"
#include "trust/certificate.hpp"
#include "trust/validate.hpp"

namespace cardgate::client {
namespace {

constexpr std::string_view crl_block = "-----BEGIN X509 CRL-----";
constexpr std::string_view certificate_begins = "-----BEGIN CERTIFICATE-----";
constexpr std::string_view certificate_ends = "-----END CERTIFICATE-----";

std::string print_of(const Digest& digest) {
  std::string out;
  for (const auto byte : digest) out += fmt::format("{}{:02X}", out.empty() ? "" : ":", byte);
  return out;
}

std::string common_name(const trust::CertificateInfo& info) {
  const auto found = info.subject_fields.find("CN");
  return found == info.subject_fields.end() ? info.subject : found->second;
}

/// For a file's name: letters and digits alone, the rest as single hyphens.
std::string plain(std::string_view text) {
  std::string out;
  for (const char c : text) {
    const bool good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (good)
      out += c;
    else if (!out.empty() && !out.ends_with('-'))
      out += '-';
  }
  constexpr std::size_t longest = 60;
  out.resize(std::min(out.size(), longest));
  while (out.ends_with('-')) out.pop_back();
  return out.empty() ? "authority" : out;
}

Result<TrustFile> certificate_file(Bytes der, const std::string& path) {
  const auto info = trust::describe(der);
  if (!info) return Error{info.error()}.with(path);
  const bool issues = info->key_usages.empty() ||
                      std::ranges::find(info->key_usages, "keyCertSign") != info->key_usages.end();
  if (!issues) {
    return Error{
        Errc::invalid_argument,
        fmt::format("{}: {} is not the certificate of an authority: it may not sign certificates. Give "
                    "the root certificate of your cards, not a card's own",
                    path, info->subject)};
  }
  TrustFile out;
  out.kind = info->subject == info->issuer ? TrustFile::Kind::anchor : TrustFile::Kind::intermediate;
  out.subject = info->subject;
  out.fingerprint = print_of(info->fingerprint);
  out.until = info->not_after;
  out.file_name =
      fmt::format("{}-{}.der", plain(common_name(*info)), to_hex(BytesView(info->fingerprint).first(4)));
  out.content = std::move(der);
  return out;
}

/// What of a finding speaks against an authority: it is judged as such, and not as somebody's card.
bool concerns_authority(trust::Status status) {
  switch (status) {
    case trust::Status::bad_signature:
    case trust::Status::untrusted_issuer:
    case trust::Status::incomplete_chain:
    case trust::Status::malformed:
    case trust::Status::unknown_critical_extension:
    case trust::Status::not_a_ca:
    case trust::Status::expired:
    case trust::Status::not_yet_valid:
    case trust::Status::weak_key:
    case trust::Status::weak_signature:
      return true;
    default:
      return false;
  }
}

std::string flaw_of_anchor(const TrustFile& file, WallTime now) {
  trust::Contents one;
  one.anchors.push_back(file.content);
  const auto alone = trust::Authorities::parse(one);
  if (!alone) return alone.error().context;
  const auto useless = alone->useless(now);
  return useless.empty() ? std::string() : useless.front();
}

std::string flaw_of_intermediate(const TrustFile& file, const trust::Authorities& known, WallTime now) {
  trust::Rules rules;
  rules.purpose = trust::Purpose::any;
  rules.revocation = trust::Revocation::off;
  const auto verdict = trust::validate(known, file.content, rules, now);
  const auto found = std::ranges::find_if(
      verdict.findings, [](const auto& finding) { return concerns_authority(finding.status); });
  return std::string(found == verdict.findings.end() ? std::string_view() : trust::explain(*found));
}

std::string flaw_of_list(const trust::Authorities& with_list, WallTime now) {
  if (!with_list.passed_over().empty()) return with_list.passed_over().front();
  const auto& times = with_list.list_times();
  if (times.count > 0 && now > times.first_due)
    return fmt::format("a newer list was due by {}. Get the newest one", to_rfc3339(times.first_due));
  return {};
}

}  // namespace

Result<std::vector<TrustFile>> read_trust_file(const std::filesystem::path& path) {
  const auto text = TRY(read_file(path, trust::max_crl_file_bytes));
  const auto as_list = [&] {
    TrustFile out;
    out.kind = TrustFile::Kind::crl;
    out.source = path;
    out.file_name = plain(path.stem().string()) + ".crl";
    out.content.assign(text.begin(), text.end());
    return out;
  };
  std::vector<TrustFile> out;
  if (text.find(crl_block) != std::string::npos) {
    out.push_back(as_list());
    return out;
  }
  for (auto at = text.find(certificate_begins); at != std::string::npos;
       at = text.find(certificate_begins, at + 1)) {
    const auto end = text.find(certificate_ends, at);
    const auto size = end == std::string::npos ? std::string::npos : end + certificate_ends.size() - at;
    auto der = trust::certificate_from_text(text.substr(at, size));
    if (!der) return Error{der.error()}.with(path.string());
    out.push_back(TRY(certificate_file(std::move(*der), path.string())));
  }
  if (!out.empty()) return out;
  const Bytes der(text.begin(), text.end());
  // What is no certificate is looked at as a list; flaw_of() says what is wrong with it.
  if (trust::describe(der))
    out.push_back(TRY(certificate_file(der, path.string())));
  else
    out.push_back(as_list());
  return out;
}

std::string flaw_of(const TrustFile& file, const trust::Locations& places, WallTime now) {
  if (file.kind == TrustFile::Kind::anchor) return flaw_of_anchor(file, now);
  trust::Locations known{places.anchors, places.intermediates, {}};
  if (file.kind == TrustFile::Kind::crl) known.crls.push_back(file.source);
  const auto authorities = trust::Authorities::load(known);
  const bool none =
      authorities ? authorities->anchor_count() == 0 : authorities.error().code == Errc::invalid_argument;
  if (none) return "give the root certificate first: nothing can be checked without it";
  if (!authorities) return authorities.error().context;
  return file.kind == TrustFile::Kind::crl ? flaw_of_list(*authorities, now)
                                           : flaw_of_intermediate(file, *authorities, now);
}

}  // namespace cardgate::client
