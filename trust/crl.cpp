// SPDX-License-Identifier: Apache-2.0
#include "trust/crl.hpp"

#include <algorithm>
#include <ctime>

#include "trust/authorities.hpp"
#include "trust/der.hpp"
#include "trust/store.hpp"

namespace cardgate::trust {

namespace {

/// Keys whose verdict one list remembers; a list has one issuer, seldom two at a change of keys.
constexpr std::size_t max_verified_keys = 16;
/// The parts of the outer SEQUENCE and of tbsCertList (RFC 5280 5.1).
struct Anatomy {
  BytesView tbs, algorithm, signature;
  BytesView before, entries, after;  // content of tbs, and of revokedCertificates
  std::optional<BytesView> version;  // content of the INTEGER
};

std::optional<Anatomy> dissect(BytesView der) {
  Anatomy parts;
  DerWalk outside(der);
  const auto list = outside.next_if(V_ASN1_SEQUENCE);
  if (!list || !outside.at_end()) return std::nullopt;
  DerWalk three(list->content);
  const auto tbs = three.next_if(V_ASN1_SEQUENCE);
  const auto algorithm = three.next_if(V_ASN1_SEQUENCE);
  const auto signature = three.next_if(V_ASN1_BIT_STRING);
  if (!tbs || !algorithm || !signature || !three.at_end()) return std::nullopt;
  parts.tbs = tbs->whole;
  parts.algorithm = algorithm->whole;
  parts.signature = signature->whole;

  DerWalk walk(tbs->content);
  if (const auto version = walk.next_if(V_ASN1_INTEGER)) parts.version = version->content;
  const auto inner_algorithm = walk.next_if(V_ASN1_SEQUENCE);
  // RFC 5280 5.1.1.2: or somebody could have the signature read under other rules than it was made.
  if (!inner_algorithm || !std::ranges::equal(inner_algorithm->whole, algorithm->whole)) return std::nullopt;
  if (!walk.next_if(V_ASN1_SEQUENCE)) return std::nullopt;  // issuer
  const auto time = [&walk] {
    auto found = walk.next_if(V_ASN1_UTCTIME);
    return found ? found : walk.next_if(V_ASN1_GENERALIZEDTIME);
  };
  auto last = time();
  if (!last) return std::nullopt;
  if (const auto next_update = time()) last = next_update;
  const auto* content_end = tbs->content.data() + tbs->content.size();
  const auto* before_end = last->whole.data() + last->whole.size();
  parts.before = {tbs->content.data(), before_end};
  const auto entries = walk.next_if(V_ASN1_SEQUENCE);
  if (entries) parts.entries = entries->content;
  const auto* after = entries ? entries->whole.data() + entries->whole.size() : before_end;
  parts.after = {after, content_end};
  return parts;
}

/// Called by OpenSSL in the place of its own hashing; lists that are not ours do not occur in this process.
int verify_shell(X509_CRL* shell, EVP_PKEY* key) {
  const auto* list = static_cast<const Crl*>(X509_CRL_get_meth_data(shell));
  return list != nullptr && list->signed_by(key) ? 1 : 0;
}

int no_entries(X509_CRL*, X509_REVOKED**, const ASN1_INTEGER*, const X509_NAME*) {
  return 0;
}

/// OpenSSL gives its methods to a list when it is made, from one setting for the process.
void install_methods() {
  [[maybe_unused]] static const bool once = [] {
    X509_CRL_set_default_method(X509_CRL_METHOD_new(nullptr, nullptr, no_entries, verify_shell));
    return true;
  }();
}

std::string_view reason_text(long reason) {
  switch (reason) {
    case CRL_REASON_KEY_COMPROMISE:
      return "keyCompromise";
    case CRL_REASON_CA_COMPROMISE:
      return "cACompromise";
    case CRL_REASON_AFFILIATION_CHANGED:
      return "affiliationChanged";
    case CRL_REASON_SUPERSEDED:
      return "superseded";
    case CRL_REASON_CESSATION_OF_OPERATION:
      return "cessationOfOperation";
    case CRL_REASON_CERTIFICATE_HOLD:
      return "certificateHold";
    case CRL_REASON_PRIVILEGE_WITHDRAWN:
      return "privilegeWithdrawn";
    case CRL_REASON_AA_COMPROMISE:
      return "aACompromise";
    default:
      return "unspecified";
  }
}

/// Without octets that say nothing (X.690 8.3.2): a list that is not DER must not hide whom it lists.
BytesView shortest(BytesView serial) {
  const auto needless = [&] {
    return serial.size() > 1 && ((serial[0] == 0x00 && (serial[1] & 0x80U) == 0) ||
                                 (serial[0] == 0xff && (serial[1] & 0x80U) != 0));
  };
  while (needless()) serial = serial.subspan(1);
  return serial;
}

bool is_a_date(const ASN1_TIME* time) {
  std::time_t moment = 0;
  const bool good = X509_cmp_time(time, &moment) != 0;  // in the form that RFC 5280 5.1.2.4 wants
  ERR_clear_error();
  return good;
}

/// Content octets of the INTEGER, as they stand in a list.
Bytes serial_of(const X509* certificate) {
  unsigned char* der = nullptr;
  const int size = i2d_ASN1_INTEGER(X509_get0_serialNumber(certificate), &der);
  if (size <= 0) return {};
  Bytes content;
  if (const auto element = DerWalk({der, static_cast<std::size_t>(size)}).next()) {
    content.assign(element->content.begin(), element->content.end());
  }
  OPENSSL_free(der);
  return content;
}

}  // namespace

Result<std::shared_ptr<const Crl>> Crl::parse(Bytes der) {
  if (der.size() > max_crl_file_bytes) return malformed("the CRL is too large");
  install_methods();
  std::shared_ptr<Crl> list(new Crl(std::move(der)));
  TRY(list->read());
  return std::shared_ptr<const Crl>(std::move(list));
}

Result<void> Crl::read() {
  const auto parts = dissect(der_);
  if (!parts) return malformed("not one DER certificate revocation list");
  tbs_ = parts->tbs;
  algorithm_ = parts->algorithm;
  signature_ = parts->signature;
  const Bytes tbs = der_around(V_ASN1_SEQUENCE, {parts->before, parts->after});
  shell_ = TRY(parse_crl(der_around(V_ASN1_SEQUENCE, {tbs, algorithm_, signature_})));
  X509_CRL_set_meth_data(shell_.get(), this);
  issuer_hash_ = name_hash(issuer());
  static constexpr std::uint8_t version_2 = 1;
  version_2_ = parts->version && std::ranges::equal(*parts->version, BytesView(&version_2, 1));
  if (parts->version && !version_2_) not_understood("it is of a version that is not known");
  read_times();
  read_extensions();
  TRY(index(parts->entries));
  if (takes_back_ && !delta_) not_understood("it takes a revocation back, which only a delta list may do");
  if (!groups_.empty() && !indirect_) {
    not_understood("an entry names another issuer, but the list does not say that it is indirect");
  }
  return {};
}

Error Crl::malformed(std::string text) {
  return {Errc::crl_malformed, std::move(text)};
}

void Crl::not_understood(std::string why) {
  if (flaw_.empty()) flaw_ = std::move(why);
}

void Crl::read_times() {
  const ASN1_TIME* from = X509_CRL_get0_lastUpdate(shell_.get());
  const ASN1_TIME* next = X509_CRL_get0_nextUpdate(shell_.get());
  const auto begin = wall_time(from);
  if (!begin || !is_a_date(from)) return not_understood("its thisUpdate is not a date");
  this_update_ = *begin;
  if (next == nullptr) return;  // which is judged where it is used
  const auto end = wall_time(next);
  if (!end || !is_a_date(next)) return not_understood("its nextUpdate is not a date");
  if (*end < *begin) not_understood("it ends before it begins");
}

bool Crl::newer_than(const Crl& other) const {
  const bool both = number_ && other.number_;
  if (both && number_less(*number_, *other.number_)) return false;
  if (this_update_ != other.this_update_) return this_update_ > other.this_update_;
  return both && number_less(*other.number_, *number_);
}

bool Crl::comes_before(const Crl& other) const {
  if (this_update_ != other.this_update_) return this_update_ > other.this_update_;
  const Bytes mine = number_.value_or(Bytes{});
  const Bytes others = other.number_.value_or(Bytes{});
  return mine != others ? number_less(others, mine) : der_ < other.der_;
}

bool Crl::same_scope(const Crl& other) const {
  return X509_NAME_cmp(issuer(), other.issuer()) == 0 && scope_ == other.scope_;
}

bool Crl::names_key_of(const X509* certificate) const {
  return X509_check_akid(certificate, key_identifier_.get()) == X509_V_OK;
}

Result<void> Crl::index(BytesView entries) {
  DerWalk walk(entries);
  while (!walk.at_end()) {
    const auto entry = walk.next_if(V_ASN1_SEQUENCE);
    if (!entry) return malformed("an entry of the list is damaged");
    const auto offset = static_cast<std::uint32_t>(entry->whole.data() - der_.data());
    DerWalk fields(entry->content);
    const auto serial = fields.next_if(V_ASN1_INTEGER);
    if (!serial || serial->content.empty()) return malformed("an entry of the list has no serial number");
    if (shortest(serial->content).size() != serial->content.size()) {
      not_understood("a serial number in it is written with needless zeros");
    }
    if (!fields.next_if(V_ASN1_UTCTIME) && !fields.next_if(V_ASN1_GENERALIZEDTIME)) {
      return malformed("an entry of the list has no date");
    }
    if (!fields.at_end()) {
      const auto extensions = fields.next_if(V_ASN1_SEQUENCE);
      if (!extensions || !fields.at_end()) return malformed("an entry of the list has more than it may");
      TRY(read_entry_extensions(extensions->content, offset));
    }
    by_serial_.push_back(offset);
  }
  by_serial_.shrink_to_fit();
  std::ranges::sort(by_serial_, [this](std::uint32_t a, std::uint32_t b) {
    const BytesView first = serial_at(a);
    const BytesView second = serial_at(b);
    return std::ranges::equal(first, second) ? a < b : number_less(first, second);
  });
  return {};
}

BytesView Crl::serial_at(std::uint32_t offset) const {
  DerWalk walk(BytesView(der_).subspan(offset));
  DerWalk fields(walk.next()->content);  // index() found both there
  return shortest(fields.next()->content);
}

bool Crl::names_issuer(std::uint32_t offset, const X509_NAME* whose) const {
  const auto after = std::ranges::upper_bound(groups_, offset, {}, &Group::offset);
  if (after == groups_.begin()) return X509_NAME_cmp(whose, issuer()) == 0;
  const GENERAL_NAMES* names = std::prev(after)->issuers.get();
  for (int i = 0; i < sk_GENERAL_NAME_num(names); ++i) {
    const GENERAL_NAME* name = sk_GENERAL_NAME_value(names, i);
    if (name->type == GEN_DIRNAME && X509_NAME_cmp(whose, name->d.directoryName) == 0) return true;
  }
  return false;
}

Crl::Entry Crl::entry_at(std::uint32_t offset) const {
  const BytesView whole = DerWalk(BytesView(der_).subspan(offset)).next()->whole;
  const unsigned char* at = whole.data();
  const std::unique_ptr<X509_REVOKED, Releases<X509_REVOKED_free>> revoked{
      d2i_X509_REVOKED(nullptr, &at, static_cast<long>(whole.size()))};
  Entry entry;
  if (!revoked) {
    ERR_clear_error();
    return entry;  // revoked all the same
  }
  int critical = 0;
  const std::unique_ptr<ASN1_ENUMERATED, Releases<ASN1_ENUMERATED_free>> reason{static_cast<ASN1_ENUMERATED*>(
      X509_REVOKED_get_ext_d2i(revoked.get(), NID_crl_reason, &critical, nullptr))};
  ERR_clear_error();
  if (!reason) return entry;
  const long code = ASN1_ENUMERATED_get(reason.get());
  entry.removed = code == CRL_REASON_REMOVE_FROM_CRL;
  entry.reason = reason_text(code);
  return entry;
}

std::optional<Crl::Entry> Crl::find(const X509* certificate) const {
  const Bytes serial = serial_of(certificate);
  const X509_NAME* whose = X509_get_issuer_name(certificate);
  // In a list that is not indirect every entry is the issuer's own, whatever the entry says; in one that is
  // not understood it may be.
  const bool all_ours = (!indirect_ || !flaw_.empty()) && X509_NAME_cmp(whose, issuer()) == 0;
  const auto badness = [](const Entry& entry) { return entry.removed ? 0 : entry.hold() ? 1 : 2; };
  std::optional<Entry> worst;
  auto at = std::ranges::lower_bound(by_serial_, BytesView(serial), number_less,
                                     [this](std::uint32_t offset) { return serial_at(offset); });
  for (; at != by_serial_.end() && std::ranges::equal(serial_at(*at), serial); ++at) {
    if (!all_ours && !names_issuer(*at, whose)) continue;
    Entry entry = entry_at(*at);
    if (!delta_ || !flaw_.empty()) entry.removed = false;
    if (!worst || badness(entry) > badness(*worst)) worst = std::move(entry);
  }
  return worst;
}

bool Crl::signed_by(EVP_PKEY* key) const {
  if (key == nullptr) return false;
  const std::lock_guard lock(mutex_);
  for (const auto& known : verified_) {
    if (known.key.get() == key) return known.good;
  }
  // Two certificates of one key, and a reload, bring the same key as another object.
  for (const auto& known : verified_) {
    if (EVP_PKEY_eq(known.key.get(), key) == 1) return known.good;
  }
  // ANY of tag SEQUENCE encodes to the very bytes it was given: OpenSSL hashes what the issuer signed.
  const unsigned char* at = algorithm_.data();
  const std::unique_ptr<X509_ALGOR, Releases<X509_ALGOR_free>> algorithm{
      d2i_X509_ALGOR(nullptr, &at, static_cast<long>(algorithm_.size()))};
  at = signature_.data();
  const std::unique_ptr<ASN1_BIT_STRING, Releases<ASN1_BIT_STRING_free>> signature{
      d2i_ASN1_BIT_STRING(nullptr, &at, static_cast<long>(signature_.size()))};
  at = tbs_.data();
  const std::unique_ptr<ASN1_TYPE, Releases<ASN1_TYPE_free>> tbs{
      d2i_ASN1_TYPE(nullptr, &at, static_cast<long>(tbs_.size()))};
  const bool good =
      algorithm && signature && tbs &&
      ASN1_item_verify(ASN1_ITEM_rptr(ASN1_ANY), algorithm.get(), signature.get(), tbs.get(), key) == 1;
  ERR_clear_error();
  if (verified_.size() == max_verified_keys) verified_.erase(verified_.begin());
  EVP_PKEY_up_ref(key);
  verified_.push_back({decltype(Verified::key){key}, good});
  return good;
}

}  // namespace cardgate::trust
