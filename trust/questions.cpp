// SPDX-License-Identifier: Apache-2.0
// What is to be asked, and where (RFC 5280 4.2.1.13, 4.2.2.1).
#include <openssl/http.h>

#include <algorithm>

#include "trust/held.hpp"
#include "trust/path_check.hpp"

namespace cardgate::trust {

namespace {

constexpr std::size_t max_url_length = 2048;
constexpr std::size_t max_questions = 16;

struct Url {
  std::string host, port;
};

/// http alone: an answer is signed, so TLS would add nothing but another chain of trust; and never a file, a
/// folder service or anything else that a certificate may name.
std::optional<Url> http_url(const std::string& written) {
  if (written.size() > max_url_length || !is_plain_utf8(written)) return std::nullopt;
  // Scheme and host are alike in either case (RFC 3986 6.2.2.1).
  constexpr std::string_view scheme = "http://";
  const auto end = std::min(written.find('/', scheme.size()), written.size());
  const std::string text = ascii_lower(written.substr(0, end)) + written.substr(end);
  if (!text.starts_with(scheme)) return std::nullopt;
  char* user = nullptr;
  char* host = nullptr;
  char* port = nullptr;
  const bool good = OSSL_HTTP_parse_url(text.c_str(), nullptr, &user, &host, &port, nullptr, nullptr, nullptr,
                                        nullptr) == 1;
  ERR_clear_error();
  std::optional<Url> url;
  if (good && (user == nullptr || *user == '\0') && *host != '\0') url = Url{host, port};
  OPENSSL_free(user);
  OPENSSL_free(host);
  OPENSSL_free(port);
  return url;
}

bool allowed(const std::string& text, const FetchRules& fetch) {
  const auto url = http_url(text);
  if (!url) return false;
  return std::ranges::any_of(fetch.hosts, [&](const std::string& host) {
    const std::string allowed_host = ascii_lower(host);
    return allowed_host == url->host + ":" + url->port || (allowed_host == url->host && url->port == "80");
  });
}

std::string text_of(const ASN1_STRING* value) {
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(value)),
          static_cast<std::size_t>(ASN1_STRING_length(value))};
}

std::vector<std::string> ocsp_urls(X509* certificate, const X509* issuer, const FetchRules& fetch) {
  std::vector<std::string> urls;
  const std::string issuer_name = name_text(X509_get_subject_name(issuer));
  for (const auto& responder : fetch.responders) {
    if (responder.issuer.empty() || responder.issuer == issuer_name) return {responder.url};
  }
  STACK_OF(OPENSSL_STRING)* named = X509_get1_ocsp(certificate);
  for (int i = 0; i < sk_OPENSSL_STRING_num(named); ++i) {
    std::string url = sk_OPENSSL_STRING_value(named, i);
    if (allowed(url, fetch)) urls.push_back(std::move(url));
  }
  X509_email_free(named);
  ERR_clear_error();
  return urls;
}

/// CRL distribution points, and where the newest delta is (the extensions are alike).
void add_crl_urls(X509* certificate, int extension, const FetchRules& fetch, std::vector<std::string>& urls) {
  const std::unique_ptr<CRL_DIST_POINTS, Releases<CRL_DIST_POINTS_free>> points{
      static_cast<CRL_DIST_POINTS*>(X509_get_ext_d2i(certificate, extension, nullptr, nullptr))};
  ERR_clear_error();
  for (int i = 0; i < sk_DIST_POINT_num(points.get()); ++i) {
    const DIST_POINT_NAME* name = sk_DIST_POINT_value(points.get(), i)->distpoint;
    if (name == nullptr || name->type != 0) continue;
    for (int k = 0; k < sk_GENERAL_NAME_num(name->name.fullname); ++k) {
      const GENERAL_NAME* each = sk_GENERAL_NAME_value(name->name.fullname, k);
      if (each->type != GEN_URI) continue;
      std::string url = text_of(each->d.uniformResourceIdentifier);
      if (allowed(url, fetch)) urls.push_back(std::move(url));
    }
  }
}

Bytes der_of(X509* certificate) {
  unsigned char* der = nullptr;
  const int size = i2d_X509(certificate, &der);
  if (size <= 0) return {};
  Bytes out(der, der + size);
  OPENSSL_free(der);
  return out;
}

bool about_revocation(Status status) {
  return status == Status::crl_missing || status == Status::crl_stale || status == Status::crl_invalid ||
         status == Status::ocsp_unknown || status == Status::ocsp_invalid;
}

}  // namespace

Result<void> check_fetch_rules(const FetchRules& rules) {
  for (const auto& host : rules.hosts) {
    if (!allowed("http://" + host + "/", rules)) {
      return Error{Errc::invalid_argument, "\"" + host + "\" is no host; expected HOST or HOST:PORT"};
    }
  }
  for (const auto& responder : rules.responders) {
    if (!http_url(responder.url)) {
      return Error{Errc::invalid_argument, "\"" + responder.url + "\" is no URL that begins with http://"};
    }
    if (!allowed(responder.url, rules)) {
      return Error{Errc::invalid_argument, "the host of " + responder.url + " is not among the hosts"};
    }
  }
  return {};
}

std::vector<Question> questions(const Authorities& authorities, const Answers& answers, BytesView leaf_der,
                                const Rules& rules, const FetchRules& fetch, WallTime at, bool anew) {
  std::vector<Question> asked;
  const auto leaf = authorities.impl().parse(leaf_der);
  if (!leaf || fetch.hosts.empty() || rules.revocation == Revocation::off) return asked;
  const auto checked = check_paths({authorities, &answers}, leaf->get(), rules, at);
  // A forged or useless certificate is not worth a question, and must not make this machine ask one.
  if (!std::ranges::all_of(checked.verdict.findings, about_revocation, &Finding::status)) return asked;
  std::vector<Question> lists;
  X509* certificate = leaf->get();
  for (std::size_t depth = 0; depth < checked.path.issuers.size(); ++depth) {
    X509* issuer = checked.path.issuers[depth]->certificate.get();
    const auto& proofs = checked.verdict.proofs;
    const bool proved = depth < proofs.size() && !proofs[depth].by.empty() && at < proofs[depth].refresh_at;
    if (!proved || anew) {
      for (auto& url : ocsp_urls(certificate, issuer, fetch)) {
        if (auto request = ocsp_request(certificate, issuer)) {
          asked.push_back({Question::Kind::ocsp, std::move(url), std::move(*request), der_of(certificate),
                           der_of(issuer)});
        }
      }
      std::vector<std::string> urls;
      add_crl_urls(certificate, NID_crl_distribution_points, fetch, urls);
      add_crl_urls(certificate, NID_freshest_crl, fetch, urls);
      for (auto& url : urls) {
        const bool twice = std::ranges::any_of(lists, [&](const auto& other) { return other.url == url; });
        if (!twice)
          lists.push_back({Question::Kind::crl, std::move(url), {}, der_of(certificate), der_of(issuer)});
      }
    }
    certificate = issuer;
  }
  std::ranges::move(lists, std::back_inserter(asked));
  if (asked.size() > max_questions) asked.resize(max_questions);
  return asked;
}

}  // namespace cardgate::trust
