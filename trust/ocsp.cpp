// SPDX-License-Identifier: Apache-2.0
#include "trust/ocsp.hpp"

#include <algorithm>

#include "trust/key.hpp"

namespace cardgate::trust {

namespace {

struct ReleasesStack {
  void operator()(STACK_OF(X509) * stack) const { sk_X509_free(stack); }
};
using X509Stack = std::unique_ptr<STACK_OF(X509), ReleasesStack>;

Error malformed(std::string text) {
  return {Errc::malformed, std::move(text)};
}

/// Is `signer` named by the answer, and is the answer signed with its key?
bool signed_by(OCSP_BASICRESP* basic, X509* signer) {
  const X509Stack only{sk_X509_new_null()};
  if (!only || sk_X509_push(only.get(), signer) <= 0) return false;
  const bool good = OCSP_basic_verify(basic, only.get(), nullptr, OCSP_NOINTERN | OCSP_NOVERIFY) == 1;
  ERR_clear_error();
  return good;
}

/// RFC 6960 4.2.2.2: "issued directly by the CA", with the extended key usage for OCSP signing.
bool may_answer_for(X509* responder, X509* issuer) {
  const bool issued = X509_check_issued(issuer, responder) == X509_V_OK &&
                      X509_verify(responder, X509_get0_pubkey(issuer)) == 1;
  ERR_clear_error();
  const std::uint32_t flags = X509_get_extension_flags(responder);
  const bool usage = (flags & EXFLAG_XKUSAGE) != 0 &&
                     (X509_get_extended_key_usage(responder) & XKU_OCSP_SIGN) != 0 &&
                     (X509_get_key_usage(responder) & KU_DIGITAL_SIGNATURE) != 0;
  return issued && usage && (flags & (EXFLAG_CRITICAL | EXFLAG_INVALID)) == 0;
}

std::string issuer_of(const X509* certificate) {
  return name_text(X509_get_issuer_name(certificate));
}

}  // namespace

WallTime refresh_time(WallTime this_update, WallTime next_update) {
  return next_update - (next_update - this_update) / 4;
}

Result<Bytes> ocsp_request(const X509* certificate, const X509* issuer) {
  constexpr int nonce_bytes = 32;
  const OcspRequestPtr request{OCSP_REQUEST_new()};
  OcspIdPtr id{OCSP_cert_to_id(nullptr, certificate, issuer)};
  if (!request || !id || OCSP_request_add0_id(request.get(), id.get()) == nullptr) {
    return Error{Errc::internal, take_openssl_error()};
  }
  (void)id.release();  // the request owns it now
  unsigned char* der = nullptr;
  const int size = OCSP_request_add1_nonce(request.get(), nullptr, nonce_bytes) == 1
                       ? i2d_OCSP_REQUEST(request.get(), &der)
                       : 0;
  if (size <= 0) return Error{Errc::internal, take_openssl_error()};
  Bytes out(der, der + size);
  OPENSSL_free(der);
  return out;
}

Result<std::shared_ptr<const OcspResponse>> OcspResponse::parse(Bytes der) {
  if (der.size() > max_ocsp_bytes) return malformed("the OCSP answer is too large");
  ERR_clear_error();
  const unsigned char* at = der.data();
  const std::unique_ptr<OCSP_RESPONSE, Releases<OCSP_RESPONSE_free>> response{
      d2i_OCSP_RESPONSE(nullptr, &at, static_cast<long>(der.size()))};
  if (!response || at != der.data() + der.size()) {
    ERR_clear_error();
    return malformed("not one DER OCSP answer");
  }
  const int status = OCSP_response_status(response.get());
  if (status != OCSP_RESPONSE_STATUS_SUCCESSFUL) {
    return Error{Errc::unavailable,
                 std::string{"the OCSP responder answers "} + OCSP_response_status_str(status)};
  }
  std::shared_ptr<OcspResponse> made(new OcspResponse(std::move(der)));
  made->basic_.reset(OCSP_response_get1_basic(response.get()));
  ERR_clear_error();
  if (!made->basic_) return malformed("the OCSP answer is not of the basic kind");
  const int count = OCSP_resp_count(made->basic_.get());
  if (count < 1 || count > max_ocsp_single_responses)
    return malformed("the OCSP answer speaks of too many, or of nobody");
  return std::shared_ptr<const OcspResponse>(std::move(made));
}

std::vector<std::string> OcspResponse::serials() const {
  std::vector<std::string> out;
  for (int i = 0; i < OCSP_resp_count(basic_.get()); ++i) {
    const OCSP_SINGLERESP* single = OCSP_resp_get0(basic_.get(), i);
    ASN1_INTEGER* serial = nullptr;
    // Only reads; the signature of this old call does not say so.
    OCSP_id_get0_info(nullptr, nullptr, nullptr, &serial,
                      const_cast<OCSP_CERTID*>(OCSP_SINGLERESP_get0_id(single)));
    if (serial != nullptr) out.push_back(serial_text(serial));
  }
  return out;
}

WallTime OcspResponse::last_end() const {
  WallTime last{};
  for (int i = 0; i < OCSP_resp_count(basic_.get()); ++i) {
    ASN1_GENERALIZEDTIME* from = nullptr;
    ASN1_GENERALIZEDTIME* until = nullptr;
    OCSP_single_get0_status(OCSP_resp_get0(basic_.get(), i), nullptr, nullptr, &from, &until);
    const auto end = wall_time(until != nullptr ? until : from);
    if (end) last = std::max(last, *end);
  }
  return last;
}

Result<std::optional<OcspResponse::Word>> OcspResponse::about(const X509* certificate,
                                                              const X509* issuer) const {
  for (int i = 0; i < OCSP_resp_count(basic_.get()); ++i) {
    OCSP_SINGLERESP* single = OCSP_resp_get0(basic_.get(), i);
    const OCSP_CERTID* id = OCSP_SINGLERESP_get0_id(single);
    ASN1_OBJECT* hash = nullptr;
    OCSP_id_get0_info(nullptr, &hash, nullptr, nullptr, const_cast<OCSP_CERTID*>(id));
    const EVP_MD* method = EVP_get_digestbyobj(hash);
    if (method == nullptr) continue;
    const OcspIdPtr wanted{OCSP_cert_to_id(method, certificate, issuer)};
    ERR_clear_error();
    if (!wanted || OCSP_id_cmp(wanted.get(), id) != 0) continue;

    int reason = -1;
    ASN1_GENERALIZEDTIME* from = nullptr;
    ASN1_GENERALIZEDTIME* until = nullptr;
    const int state = OCSP_single_get0_status(single, &reason, nullptr, &from, &until);
    Word word;
    word.this_update = TRY(wall_time(from));
    word.next_update = until == nullptr ? word.this_update + life_without_next_update : TRY(wall_time(until));
    if (word.next_update < word.this_update) return malformed("the OCSP answer ends before it begins");
    word.state = state == V_OCSP_CERTSTATUS_GOOD      ? State::good
                 : state == V_OCSP_CERTSTATUS_REVOKED ? State::revoked
                                                      : State::unknown;
    if (word.state == State::revoked && reason >= 0) word.reason = OCSP_crl_reason_str(reason);
    return std::optional<Word>(std::move(word));
  }
  return std::optional<Word>();
}

std::string OcspResponse::weakness(const Strength& floor) const {
  return signature_weakness(basic_.get(), floor);
}

std::optional<bool> OcspResponse::repeats_nonce(BytesView request) const {
  const unsigned char* at = request.data();
  const OcspRequestPtr asked{d2i_OCSP_REQUEST(nullptr, &at, static_cast<long>(request.size()))};
  if (!asked) return false;
  const int outcome = OCSP_check_nonce(asked.get(), basic_.get());
  ERR_clear_error();
  if (outcome == 1) return true;
  if (outcome == 2 || outcome == -1) return std::nullopt;  // it has none
  return false;
}

Result<X509*> OcspResponse::signer(X509* issuer) const {
  const std::lock_guard lock(mutex_);
  if (asked_issuer_ == nullptr || X509_cmp(asked_issuer_.get(), issuer) != 0) {
    signer_ = find_signer(issuer);
    asked_issuer_ = copy(issuer);
  }
  return signer_;
}

Result<X509*> OcspResponse::find_signer(X509* issuer) const {
  const auto refused = [](std::string why) { return Error{Errc::signature_invalid, std::move(why)}; };
  if (signed_by(basic_.get(), issuer)) return nullptr;
  const STACK_OF(X509)* enclosed = OCSP_resp_get0_certs(basic_.get());
  for (int i = 0; i < sk_X509_num(enclosed); ++i) {
    X509* responder = sk_X509_value(enclosed, i);
    X509_check_purpose(responder, -1, 0);  // decodes the extensions
    ERR_clear_error();
    if (!signed_by(basic_.get(), responder)) continue;
    if (may_answer_for(responder, issuer)) return responder;
    return refused("the OCSP answer is signed by " + name_text(X509_get_subject_name(responder)) +
                   ", which may not answer for " + name_text(X509_get_subject_name(issuer)));
  }
  return refused("the OCSP answer is not signed by the issuer or a responder of the issuer's");
}

OcspFinding judge_ocsp(const std::vector<std::shared_ptr<const OcspResponse>>& answers, X509* certificate,
                       X509* issuer, const Rules& rules, WallTime at,
                       const ResponderCheck& responder_is_good) {
  using Outcome = OcspFinding::Outcome;
  OcspFinding best;
  WallTime newest{};
  const auto weaker = [&](Outcome outcome, std::string detail) {
    if (best.outcome == Outcome::none || best.outcome == Outcome::invalid) {
      best.outcome = outcome;
      best.detail = std::move(detail);
    }
  };
  for (const auto& answer : answers) {
    auto word = answer->about(certificate, issuer);
    if (word && !*word) continue;
    if (!word) {
      weaker(Outcome::invalid, word.error().context);
      continue;
    }
    const auto& said = **word;
    if (const auto weak = answer->weakness(rules.floor); !weak.empty()) {
      weaker(Outcome::invalid, "the OCSP answer is " + weak);
      continue;
    }
    const auto signer = answer->signer(issuer);
    if (!signer) {
      weaker(Outcome::invalid, signer.error().context);
      continue;
    }
    if (X509* responder = *signer; responder != nullptr) {
      const bool no_check = X509_get_ext_by_NID(responder, NID_id_pkix_OCSP_noCheck, -1) >= 0;
      if (!responder_is_good(responder, !no_check)) {
        weaker(Outcome::invalid, "the certificate of the OCSP responder " +
                                     name_text(X509_get_subject_name(responder)) + " is not good");
        continue;
      }
    }
    if (said.this_update > at + rules.clock_skew) {
      weaker(Outcome::invalid, "the OCSP answer is from the future");
      continue;
    }
    // What was revoked stays so, however old the word of it.
    if (said.state != OcspResponse::State::revoked &&
        said.next_update + rules.clock_skew + rules.stale_for < at) {
      weaker(Outcome::invalid,
             "the OCSP answer of " + issuer_of(certificate) + " ended at " + to_rfc3339(said.next_update));
      continue;
    }
    const bool first = best.outcome == Outcome::none || best.outcome == Outcome::invalid;
    if (!first && said.this_update <= newest) continue;  // the newest word counts
    newest = said.this_update;
    best.fresh_until = said.next_update + rules.clock_skew;
    best.refresh_at = refresh_time(said.this_update, said.next_update);
    switch (said.state) {
      case OcspResponse::State::good:
        best.outcome = Outcome::good;
        best.detail.clear();
        break;
      case OcspResponse::State::revoked:
        best.outcome = Outcome::revoked;
        best.detail = "the OCSP responder says so" + (said.reason.empty() ? "" : ": " + said.reason);
        break;
      case OcspResponse::State::unknown:
        best.outcome = Outcome::unknown;
        best.detail = "the OCSP responder does not know it";
        break;
    }
  }
  return best;
}

}  // namespace cardgate::trust
