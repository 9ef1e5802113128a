// SPDX-License-Identifier: Apache-2.0
// What the extensions of a list and of its entries say (RFC 5280 5.2, 5.3), and which of them make a list one
// that is not understood.
#include <openssl/objects.h>

#include <algorithm>
#include <array>

#include "trust/crl.hpp"
#include "trust/der.hpp"

namespace cardgate::trust {

namespace {

/// Far more than any list has; each is compared with each.
constexpr int max_extensions = 64;
constexpr std::size_t max_entry_extensions = 16;
constexpr int max_number_octets = 20;  // RFC 5280 5.2.3

/// The value of an extension, when it is that in DER and nothing else.
template <class T, auto Decode, auto Encode, auto Free>
std::unique_ptr<T, Releases<Free>> decode(const ASN1_OCTET_STRING* value) {
  std::unique_ptr<T, Releases<Free>> out;
  const BytesView der{ASN1_STRING_get0_data(value), static_cast<std::size_t>(ASN1_STRING_length(value))};
  if (!decode_strictly(der, out, Decode, Encode)) out.reset();
  ERR_clear_error();
  return out;
}

/// Magnitude of a CRL number (RFC 5280 5.2.3): not negative, and of 20 octets at most.
std::optional<Bytes> number_in(const ASN1_OCTET_STRING* value) {
  const auto number = decode<ASN1_INTEGER, d2i_ASN1_INTEGER, i2d_ASN1_INTEGER, ASN1_INTEGER_free>(value);
  if (!number || ASN1_STRING_type(number.get()) != V_ASN1_INTEGER) return std::nullopt;
  const int size = ASN1_STRING_length(number.get());
  if (size > max_number_octets) return std::nullopt;
  const unsigned char* first = ASN1_STRING_get0_data(number.get());
  const unsigned char* last = first + size;
  first = std::find_if(first, last, [](auto octet) { return octet != 0; });
  return Bytes(first, last);
}

/// ReasonFlags (RFC 5280 4.2.1.13): a bit that has a meaning, and none beyond. The first one is `unused`, and
/// is set all the same by some.
bool reasons_are_known(const ASN1_BIT_STRING* reasons) {
  const unsigned char* octets = ASN1_STRING_get0_data(reasons);
  const int size = ASN1_STRING_length(reasons);
  if (size < 1 || size > 2) return false;
  const unsigned second = size > 1 ? octets[1] : 0U;
  return (second & 0x7fU) == 0 && ((octets[0] & 0x7fU) != 0 || second != 0);
}

std::string extension_name(const ASN1_OBJECT* object) {
  char text[128];
  return OBJ_obj2txt(text, sizeof text, object, 0) > 0 ? text : "?";
}

}  // namespace

void Crl::read_extensions() {
  const int count = X509_CRL_get_ext_count(shell_.get());
  if (count > max_extensions) return not_understood("it has too many extensions");
  if (count > 0 && !version_2_) not_understood("it has extensions, but its version knows none");
  std::optional<Bytes> base;
  std::vector<const ASN1_OBJECT*> seen;
  for (int i = 0; i < count; ++i) {
    X509_EXTENSION* extension = X509_CRL_get_ext(shell_.get(), i);
    const ASN1_OBJECT* object = X509_EXTENSION_get_object(extension);
    const ASN1_OCTET_STRING* value = X509_EXTENSION_get_data(extension);
    const std::string name = extension_name(object);
    if (std::ranges::any_of(seen, [&](const auto* other) { return OBJ_cmp(other, object) == 0; })) {
      not_understood("it has the extension " + name + " twice");
    }
    seen.push_back(object);
    bool may_be_critical = false;
    bool good = true;
    switch (OBJ_obj2nid(object)) {
      case NID_authority_key_identifier:
        may_be_critical = true;
        key_identifier_ =
            decode<AUTHORITY_KEYID, d2i_AUTHORITY_KEYID, i2d_AUTHORITY_KEYID, AUTHORITY_KEYID_free>(value);
        good = key_identifier_ != nullptr;
        break;
      case NID_crl_number:
        number_ = number_in(value);
        good = number_.has_value();
        break;
      case NID_delta_crl:
        may_be_critical = delta_ = true;
        base = number_in(value);
        good = base.has_value();
        break;
      case NID_issuing_distribution_point:
        may_be_critical = true;
        read_scope(value);
        break;
      case NID_freshest_crl:
        good = decode<CRL_DIST_POINTS, d2i_CRL_DIST_POINTS, i2d_CRL_DIST_POINTS, CRL_DIST_POINTS_free>(
                   value) != nullptr;
        break;
      default:
        break;
    }
    if (!good) not_understood("its extension " + name + " is damaged");
    if (!may_be_critical && X509_EXTENSION_get_critical(extension) != 0) {
      not_understood("it has a critical extension that is not understood: " + name);
    }
  }
  if (!delta_ || !base) return;
  if (!number_) return not_understood("it is a delta list without a number");
  if (number_less(*number_, *base)) not_understood("it is a delta list older than its own base");
}

void Crl::read_scope(const ASN1_OCTET_STRING* value) {
  scope_.assign(ASN1_STRING_get0_data(value), ASN1_STRING_get0_data(value) + ASN1_STRING_length(value));
  const auto scope =
      decode<ISSUING_DIST_POINT, d2i_ISSUING_DIST_POINT, i2d_ISSUING_DIST_POINT, ISSUING_DIST_POINT_free>(
          value);
  if (!scope) return not_understood("its issuing distribution point is damaged");
  indirect_ = scope->indirectCRL > 0;
  attributes_only_ = scope->onlyattr > 0;
  const int kinds =
      (scope->onlyuser > 0 ? 1 : 0) + (scope->onlyCA > 0 ? 1 : 0) + (scope->onlyattr > 0 ? 1 : 0);
  if (kinds > 1) not_understood("its issuing distribution point contradicts itself");
  if (scope->onlysomereasons != nullptr && !reasons_are_known(scope->onlysomereasons)) {
    not_understood("its issuing distribution point names reasons that are not known");
  }
}

Result<void> Crl::read_entry_extensions(BytesView list, std::uint32_t offset) {
  static constexpr std::uint8_t reason_code[] = {0x55, 0x1d, 0x15};         // 2.5.29.21
  static constexpr std::uint8_t certificate_issuer[] = {0x55, 0x1d, 0x1d};  // 2.5.29.29
  if (!version_2_) not_understood("an entry has extensions, but the version of the list knows none");
  std::array<BytesView, max_entry_extensions> seen;
  std::size_t count = 0;
  DerWalk walk(list);
  while (!walk.at_end()) {
    const auto extension = walk.next_if(V_ASN1_SEQUENCE);
    if (!extension) return malformed("an extension of an entry is damaged");
    DerWalk fields(extension->content);
    const auto id = fields.next_if(V_ASN1_OBJECT);
    const auto critical = fields.next_if(V_ASN1_BOOLEAN);
    const auto value = fields.next_if(V_ASN1_OCTET_STRING);
    if (!id || !value || !fields.at_end()) return malformed("an extension of an entry is damaged");
    const auto same = [&](BytesView other) { return std::ranges::equal(other, id->content); };
    if (std::any_of(seen.begin(), seen.begin() + static_cast<std::ptrdiff_t>(count), same)) {
      not_understood("an entry has the same extension twice");
    }
    if (count == seen.size()) {
      not_understood("an entry has too many extensions");
    } else {
      seen[count++] = id->content;
    }
    if (!same(certificate_issuer)) {
      // As OpenSSL has it: whatever changes what an entry means is refused, reasons are not critical.
      const bool set =
          critical && std::ranges::any_of(critical->content, [](auto octet) { return octet != 0; });
      if (set) not_understood("an entry has a critical extension that is not understood");
      if (!same(reason_code)) continue;
      DerWalk inside(value->content);
      const auto reason = inside.next_if(V_ASN1_ENUMERATED);
      const bool known = reason && inside.at_end() && reason->content.size() == 1 &&
                         reason->content[0] <= CRL_REASON_AA_COMPROMISE && reason->content[0] != 7;
      if (!known) not_understood("an entry gives a reason that is not known");
      takes_back_ = takes_back_ || (known && reason->content[0] == CRL_REASON_REMOVE_FROM_CRL);
      continue;
    }
    const unsigned char* at = value->content.data();
    decltype(Group::issuers) issuers{
        d2i_GENERAL_NAMES(nullptr, &at, static_cast<long>(value->content.size()))};
    if (!issuers || at != value->content.data() + value->content.size()) {
      ERR_clear_error();
      return malformed("the issuer named by an entry is damaged");
    }
    const auto* names = issuers.get();
    bool named = false;
    for (int i = 0; i < sk_GENERAL_NAME_num(names); ++i) {
      named = named || sk_GENERAL_NAME_value(names, i)->type == GEN_DIRNAME;
    }
    if (!named) not_understood("an entry names its issuer in a way that is not known");
    groups_.push_back({offset, std::move(issuers)});
  }
  return {};
}

}  // namespace cardgate::trust
