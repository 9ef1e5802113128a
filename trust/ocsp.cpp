// SPDX-License-Identifier: Apache-2.0
#include "trust/ocsp.hpp"

#include <algorithm>

#include "trust/der.hpp"
#include "trust/key.hpp"

namespace cardgate::trust {

namespace {

Error malformed_answer(std::string text) {
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

/// RFC 6960 4.2.1: version 1 is the default and is written as 0 or not at all. OpenSSL reads any and tells
/// none.
std::string version_flaw(BytesView der) {
  const auto inside = [](const std::optional<DerElement>& element) {
    return DerWalk(element ? element->content : BytesView{});
  };
  DerWalk response = inside(DerWalk(der).next());
  response.next();                                         // responseStatus
  DerWalk bytes = inside(inside(response.next()).next());  // [0] ResponseBytes
  bytes.next();                                            // responseType
  const auto data = inside(inside(bytes.next()).next()).next();
  const auto first = inside(data).next();
  if (!first) return "it is not DER";
  if (first->tag_class != V_ASN1_CONTEXT_SPECIFIC || first->tag != 0) return {};
  const auto version = inside(first).next();
  const bool one =
      version && version->tag == V_ASN1_INTEGER && version->content.size() == 1 && version->content[0] == 0;
  return one ? std::string{} : "it is of a version that is not known";
}

/// RFC 6960 4.4: none of the extensions should be critical; of those that are, the nonce is understood.
template <class At>
std::string extension_flaw(int count, At at) {
  constexpr int most = 32;
  if (count > most) return "it has too many extensions";
  for (int i = 0; i < count; ++i) {
    const ASN1_OBJECT* object = X509_EXTENSION_get_object(at(i));
    for (int k = 0; k < i; ++k) {
      if (OBJ_cmp(X509_EXTENSION_get_object(at(k)), object) == 0) return "it has the same extension twice";
    }
    if (X509_EXTENSION_get_critical(at(i)) != 0 && OBJ_obj2nid(object) != NID_id_pkix_OCSP_Nonce) {
      return "it has a critical extension that is not understood";
    }
  }
  return {};
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
  if (der.size() > max_ocsp_bytes) return malformed_answer("the OCSP answer is too large");
  ERR_clear_error();
  const unsigned char* at = der.data();
  const std::unique_ptr<OCSP_RESPONSE, Releases<OCSP_RESPONSE_free>> response{
      d2i_OCSP_RESPONSE(nullptr, &at, static_cast<long>(der.size()))};
  if (!response || at != der.data() + der.size()) {
    ERR_clear_error();
    return malformed_answer("not one DER OCSP answer");
  }
  const int status = OCSP_response_status(response.get());
  if (status != OCSP_RESPONSE_STATUS_SUCCESSFUL) {
    return Error{Errc::unavailable,
                 std::string{"the OCSP responder answers "} + OCSP_response_status_str(status)};
  }
  std::shared_ptr<OcspResponse> made(new OcspResponse(std::move(der)));
  made->basic_.reset(OCSP_response_get1_basic(response.get()));
  ERR_clear_error();
  if (!made->basic_) return malformed_answer("the OCSP answer is not of the basic kind");
  const int count = OCSP_resp_count(made->basic_.get());
  if (count < 1 || count > max_ocsp_single_responses)
    return malformed_answer("the OCSP answer speaks of too many, or of nobody");
  made->read();
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

/// What OpenSSL passes over: the version, and extensions that change what the answer means.
void OcspResponse::read() {
  if (auto flaw = version_flaw(der_); !flaw.empty()) flaw_ = std::move(flaw);
  const auto produced = wall_time(OCSP_resp_get0_produced_at(basic_.get()));
  if (produced) {
    produced_at_ = *produced;
  } else if (flaw_.empty()) {
    flaw_ = "it does not say when it was made";
  }
  const auto flaw = extension_flaw(OCSP_BASICRESP_get_ext_count(basic_.get()),
                                   [&](int i) { return OCSP_BASICRESP_get_ext(basic_.get(), i); });
  if (flaw_.empty()) flaw_ = flaw;
}

std::vector<OcspResponse::Word> OcspResponse::about(const X509* certificate, const X509* issuer) const {
  std::vector<Word> words;
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
    word.state = state == V_OCSP_CERTSTATUS_GOOD      ? State::good
                 : state == V_OCSP_CERTSTATUS_REVOKED ? State::revoked
                                                      : State::unknown;
    if (word.state == State::revoked && reason >= 0) word.reason = OCSP_crl_reason_str(reason);
    word.flaw = extension_flaw(OCSP_SINGLERESP_get_ext_count(single),
                               [&](int k) { return OCSP_SINGLERESP_get_ext(single, k); });
    const auto begin = wall_time(from);
    const auto end = until != nullptr ? wall_time(until) : begin;
    if (begin && end) {
      word.this_update = *begin;
      word.next_update = until != nullptr ? *end : *begin + life_without_next_update;
      if (word.next_update < word.this_update) word.flaw = "it ends before it begins";
    } else {
      word.flaw = "a date in it is not a date";
    }
    words.push_back(std::move(word));
  }
  return words;
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

namespace {

/// A word of somebody who may speak.
struct Said {
  OcspResponse::Word word;
  const OcspResponse* from;
};

bool later(const Said& a, const Said& b) {
  return a.word.this_update != b.word.this_update ? a.word.this_update > b.word.this_update
                                                  : a.word.next_update < b.word.next_update;
}

}  // namespace

OcspFinding judge_ocsp(const std::vector<std::shared_ptr<const OcspResponse>>& answers, X509* certificate,
                       X509* issuer, const Rules& rules, WallTime at,
                       const ResponderCheck& responder_is_good) {
  using Outcome = OcspFinding::Outcome;
  using State = OcspResponse::State;
  OcspFinding found;
  const auto no_word = [&](std::string why) {
    if (found.outcome != Outcome::none) return;
    found.outcome = Outcome::invalid;
    found.detail = std::move(why);
  };
  std::vector<Said> good, revoked, unknown;
  for (const auto& answer : answers) {
    const auto words = answer->about(certificate, issuer);
    if (words.empty()) continue;
    if (const auto weak = answer->weakness(rules.floor); !weak.empty()) {
      no_word("the OCSP answer is " + weak);
      continue;
    }
    const auto signer = answer->signer(issuer);
    if (!signer) {
      no_word(signer.error().context);
      continue;
    }
    X509* responder = *signer;
    const bool check =
        responder != nullptr && X509_get_ext_by_NID(responder, NID_id_pkix_OCSP_noCheck, -1) < 0;
    const bool good_now = responder == nullptr || responder_is_good(responder, check, at);
    for (const auto& word : words) {
      if (word.state == State::revoked) {
        // What was revoked stays so, however old the word of it; its responder's certificate may be over.
        if (good_now || responder_is_good(responder, false, word.this_update)) {
          revoked.push_back({word, answer.get()});
          continue;
        }
      }
      const auto& flaw = answer->flaw().empty() ? word.flaw : answer->flaw();
      if (!good_now) {
        no_word("the certificate of the OCSP responder " + name_text(X509_get_subject_name(responder)) +
                " is not good");
      } else if (!flaw.empty()) {
        no_word("the OCSP answer is not understood: " + flaw);
      } else if (std::max(word.this_update, answer->produced_at()) > at + rules.clock_skew) {
        no_word("the OCSP answer is from the future");
      } else if (word.next_update + rules.clock_skew + rules.stale_for < at) {
        no_word("the OCSP answer of " + issuer_of(certificate) + " ended at " + to_rfc3339(word.next_update));
      } else {
        (word.state == State::good ? good : unknown).push_back({word, answer.get()});
      }
    }
  }
  std::erase_if(revoked, [&](const Said& hold) {
    return hold.word.reason == "certificateHold" && std::ranges::any_of(good, [&](const Said& lift) {
             return lift.from != hold.from && lift.word.this_update > hold.word.this_update;
           });
  });
  const auto take = [&](const std::vector<Said>& words, Outcome outcome) -> const OcspResponse::Word& {
    const auto& word = std::ranges::min_element(words, later)->word;
    found.outcome = outcome;
    found.fresh_until = word.next_update + rules.clock_skew;
    found.refresh_at = refresh_time(word.this_update, word.next_update);
    found.detail.clear();
    return word;
  };
  if (!revoked.empty()) {
    const auto& word = take(revoked, Outcome::revoked);
    found.detail = "the OCSP responder says so" + (word.reason.empty() ? "" : ": " + word.reason);
  } else if (!unknown.empty()) {
    take(unknown, Outcome::unknown);
    found.detail = "the OCSP responder does not know it";
  } else if (!good.empty()) {
    take(good, Outcome::good);
  }
  return found;
}

}  // namespace cardgate::trust
