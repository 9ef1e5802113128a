// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "base/crypto.hpp"
#include "base/file.hpp"
#include "trust/held.hpp"
#include "trust/intake.hpp"
#include "trust/path_check.hpp"
#include "trust/store.hpp"

namespace cardgate::trust {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t max_held_ocsp = 20'000;
constexpr std::size_t max_held_crls = 512;
constexpr auto kept_after_the_end = std::chrono::days{31};
constexpr std::string_view ocsp_suffix = ".ocsp";
constexpr std::string_view crl_suffix = ".crl";

/// Where an answer is kept: one place for each certificate, and for each CRL's URL.
std::string file_name(const Question& question) {
  if (question.kind == Question::Kind::crl) {
    return to_hex(sha256(as_bytes(question.url))) + std::string{crl_suffix};
  }
  Bytes both = question.issuer;
  both.insert(both.end(), question.certificate.begin(), question.certificate.end());
  return to_hex(sha256(both)) + std::string{ocsp_suffix};
}

Error answer_refused(std::string why) {
  return {Errc::signature_invalid, std::move(why)};
}

WallTime update_of(const Crl& crl) {
  const auto from = wall_time(X509_CRL_get0_lastUpdate(crl.shell()));
  return from ? *from : WallTime{};
}

WallTime end_of(const Crl& crl) {
  const auto next = wall_time(X509_CRL_get0_nextUpdate(crl.shell()));
  return next ? *next : WallTime{};
}

bool signed_by_one_of(const Authorities::Impl& authorities, const Crl& crl) {
  const auto [first, last] = authorities.by_subject.equal_range(crl.issuer_hash());
  return std::any_of(first, last, [&](const auto& entry) {
    return crl.signed_by(X509_get0_pubkey(entry.second->certificate.get()));
  });
}

/// A responder's answers, as they are filed when nobody asked: by their own bytes.
std::string own_name(const OcspResponse& response) {
  return to_hex(sha256(response.der())) + std::string{ocsp_suffix};
}

/// A list that is not understood whole must not take the place of the one before it.
Result<std::shared_ptr<const Crl>> understood(Bytes der) {
  auto crl = TRY(Crl::parse(std::move(der)));
  if (!crl->flaw().empty()) return Error{Errc::crl_malformed, "the CRL is not understood: " + crl->flaw()};
  return crl;
}

/// Servers give a CRL as DER (RFC 5280 4.2.1.13); many give PEM all the same.
Result<std::shared_ptr<const Crl>> parse_fetched_crl(Bytes content) {
  auto blocks = TRY(split_blocks(content, BlockKind::crl));
  if (blocks.size() != 1) return Error{Errc::crl_malformed, "more than one CRL in one answer"};
  return understood(std::move(blocks.front()));
}

}  // namespace

std::vector<std::shared_ptr<const OcspResponse>> Answers::Impl::ocsp_about(const X509* certificate) const {
  const std::string serial = serial_text(X509_get0_serialNumber(certificate));
  const std::lock_guard lock(mutex);
  std::vector<std::shared_ptr<const OcspResponse>> found;
  const auto [first, last] = by_serial.equal_range(serial);
  for (auto i = first; i != last; ++i) {
    if (const auto held = ocsp.find(i->second); held != ocsp.end()) found.push_back(held->second.response);
  }
  return found;
}

std::vector<std::shared_ptr<const Crl>> Answers::Impl::all_crls() const {
  const std::lock_guard lock(mutex);
  std::vector<std::shared_ptr<const Crl>> found;
  for (const auto& [file, crl] : crls) found.push_back(crl);
  return found;
}

/// The caller holds the mutex.
void Answers::Impl::hold(const std::string& id, Ocsp answer) {
  std::erase_if(by_serial, [&](const auto& entry) { return entry.second == id; });
  for (auto& serial : answer.response->serials()) by_serial.emplace(std::move(serial), id);
  ocsp.insert_or_assign(id, std::move(answer));
}

Result<void> Answers::Impl::write(const std::string& file, BytesView content) const {
  if (folder.empty()) return {};
  return write_file_atomic(folder / file, content, 0600);
}

Answers::Answers() : impl_(std::make_unique<Impl>()) {}
Answers::~Answers() = default;

Result<std::shared_ptr<Answers>> Answers::open(const fs::path& folder, std::vector<std::string>& problems) {
  auto answers = std::make_shared<Answers>();
  answers->impl_->folder = folder;
  for (const auto& file : TRY(files_of(folder))) {
    const std::string id = file.filename().string();
    const auto drop = [&](const Error& error) {
      problems.push_back(file.string() + ": " + error.message());
      std::error_code code;
      fs::remove(file, code);
    };
    auto content = read_file(file, max_crl_file_bytes);
    if (!content) {
      drop(content.error());
      continue;
    }
    Bytes der(content->begin(), content->end());
    content->clear();
    if (id.ends_with(ocsp_suffix)) {
      auto response = OcspResponse::parse(std::move(der));
      if (response) {
        answers->impl_->hold(id, {std::move(*response), {}});
      } else {
        drop(response.error());
      }
    } else if (id.ends_with(crl_suffix)) {
      auto crl = understood(std::move(der));
      if (crl) {
        answers->impl_->crls.insert_or_assign(id, std::move(*crl));
      } else {
        drop(crl.error());
      }
    }
  }
  return answers;
}

Result<void> Answers::take(const Question& question, Bytes answer, const Authorities& authorities,
                           const Rules& rules, const FetchRules& fetch, WallTime at) {
  const X509Ptr issuer = TRY(parse_certificate(question.issuer));
  const std::string file = file_name(question);
  if (question.kind == Question::Kind::crl) {
    const auto crl = TRY(parse_fetched_crl(std::move(answer)));
    const X509_NAME* expected = X509_get_subject_name(issuer.get());
    if (!crl->speaks_for_others() && X509_NAME_cmp(X509_CRL_get_issuer(crl->shell()), expected) != 0) {
      return answer_refused("the CRL is not one of " + name_text(expected));
    }
    // Nothing unsigned is held, or whoever holds the network could put it in a good list's place. Whether the
    // signer may speak for this certificate, a path says at each use.
    if (!crl->signed_by(X509_get0_pubkey(issuer.get())) && !signed_by_one_of(authorities.impl(), *crl)) {
      return answer_refused("the CRL is not signed by " + name_text(X509_CRL_get_issuer(crl->shell())) +
                            ", or that one's certificate is not configured");
    }
    if (update_of(*crl) > at + rules.clock_skew) return answer_refused("the CRL is from the future");
    if (end_of(*crl) < at) return answer_refused("the CRL ended at " + to_rfc3339(end_of(*crl)));
    {
      const std::lock_guard lock(impl_->mutex);
      auto& held = impl_->crls[file];
      const bool of_same_issuer = held != nullptr && held->issuer_hash() == crl->issuer_hash();
      if (of_same_issuer && update_of(*held) > update_of(*crl)) {
        return answer_refused("the CRL is older than the one that is held");
      }
      if (held == nullptr && impl_->crls.size() > max_held_crls) {
        impl_->crls.erase(file);
        return Error{Errc::too_large, "too many CRLs are held"};
      }
      held = crl;
    }
    return impl_->write(file, crl->der());
  }

  const X509Ptr certificate = TRY(parse_certificate(question.certificate));
  const auto response = TRY(OcspResponse::parse(std::move(answer)));
  const auto words = response->about(certificate.get(), issuer.get());
  if (words.empty()) return answer_refused("the OCSP answer speaks of another certificate");
  const WallTime this_update = std::ranges::max(words, {}, &OcspResponse::Word::this_update).this_update;
  const auto nonce = response->repeats_nonce(question.body);
  if (nonce == false)
    return answer_refused("the OCSP answer has another nonce than was sent: an old one played again");
  if (!nonce && fetch.nonce_required) {
    return answer_refused("the OCSP answer has no nonce, so it may be an old one played again");
  }
  {
    // Judged as at its use, on its own: signature, responder, times.
    Answers alone;
    alone.impl_->hold(file, {response, this_update});
    Rules strict = rules;
    strict.stale_for = milliseconds{0};
    const auto said = judge_answer({authorities, &alone}, certificate.get(), issuer.get(), strict, at);
    if (said.outcome == OcspFinding::Outcome::none || said.outcome == OcspFinding::Outcome::invalid) {
      return answer_refused(said.detail);
    }
  }
  {
    const std::lock_guard lock(impl_->mutex);
    const auto held = impl_->ocsp.find(file);
    if (held != impl_->ocsp.end() && held->second.this_update > this_update) {
      return answer_refused("the OCSP answer is older than the one that is held");
    }
    if (held == impl_->ocsp.end() && impl_->ocsp.size() >= max_held_ocsp) {
      return Error{Errc::too_large, "too many OCSP answers are held"};
    }
    impl_->hold(file, {response, this_update});
  }
  return impl_->write(file, response->der());
}

Result<void> Answers::add_ocsp(Bytes answer) {
  const auto response = TRY(OcspResponse::parse(std::move(answer)));
  const std::lock_guard lock(impl_->mutex);
  impl_->hold(own_name(*response), {response, {}});
  return {};
}

void Answers::prune(WallTime at) {
  std::vector<std::string> gone;
  {
    const std::lock_guard lock(impl_->mutex);
    for (const auto& [file, crl] : impl_->crls) {
      if (end_of(*crl) + kept_after_the_end < at) gone.push_back(file);
    }
    for (const auto& [file, held] : impl_->ocsp) {
      if (held.response->last_end() + kept_after_the_end < at) gone.push_back(file);
    }
    for (const auto& file : gone) {
      impl_->crls.erase(file);
      impl_->ocsp.erase(file);
      std::erase_if(impl_->by_serial, [&](const auto& entry) { return entry.second == file; });
    }
  }
  if (impl_->folder.empty()) return;
  for (const auto& file : gone) {
    std::error_code code;
    fs::remove(impl_->folder / file, code);
  }
}

Answers::OcspTimes Answers::ocsp_times() const {
  const std::lock_guard lock(impl_->mutex);
  OcspTimes out{impl_->ocsp.size(), {}};
  if (const auto oldest = std::ranges::min_element(
          impl_->ocsp, {}, [](const auto& entry) { return entry.second.this_update; });
      oldest != impl_->ocsp.end())
    out.oldest = oldest->second.this_update;
  return out;
}

std::size_t Answers::size() const {
  const std::lock_guard lock(impl_->mutex);
  return impl_->ocsp.size() + impl_->crls.size();
}

}  // namespace cardgate::trust
