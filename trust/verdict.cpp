// SPDX-License-Identifier: Apache-2.0
#include "trust/verdict.hpp"

#include <algorithm>
#include <array>

namespace cardgate::trust {

namespace {

struct Words {
  Status status;
  std::string_view name;
  std::string_view sentence;
};

constexpr std::array<Words, static_cast<std::size_t>(last_status) + 1> table{{
    {Status::revoked, "revoked",
     "This certificate was withdrawn by its issuer. The card can no longer be used. Ask the office that "
     "issues cards for a new one."},
    {Status::bad_signature, "bad_signature",
     "The certificate was not signed by the issuer it names, so it may be forged or damaged. Do not use this "
     "card; "
     "report it to the office that issues cards."},
    {Status::untrusted_issuer, "untrusted_issuer",
     "The card comes from an issuer that this machine does not trust. Use the card issued for this "
     "organisation; if it "
     "is that one, ask the administrator to add its root certificate to the anchors."},
    {Status::incomplete_chain, "incomplete_chain",
     "This machine lacks a certificate between the card and a trusted root. The card may well be good: ask "
     "the "
     "administrator to add the issuer's certificate to the intermediates."},
    {Status::malformed, "malformed",
     "The card's certificate breaks the rules of its format. The card has to be issued anew: tell the office "
     "that issues cards."},
    {Status::unknown_critical_extension, "unknown_critical_extension",
     "A certificate makes a demand that this machine does not understand but must. Ask the administrator "
     "whether this "
     "kind of card is supported."},
    {Status::not_a_ca, "not_a_ca",
     "The certificate was issued by one that may not issue certificates, so it may be forged. Report the "
     "card to the "
     "office that issues cards."},
    {Status::path_too_long, "path_too_long",
     "There are more issuers between the card and the trusted root than an issuer, or this machine, allows. "
     "Tell the "
     "administrator."},
    {Status::name_constraint, "name_constraint",
     "The issuer may not issue certificates for the name on this card. Report the card to the office that "
     "issues "
     "cards."},
    {Status::policy_unmet, "policy_unmet",
     "The card was not issued under the certificate policy that is asked for here. Use a card of the right "
     "kind, or ask "
     "the administrator which one that is."},
    {Status::expired, "expired",
     "The card's certificate has expired. Ask the office that issues cards to renew it."},
    {Status::not_yet_valid, "not_yet_valid",
     "The card's certificate is not valid yet. Check the date and time of this machine; if they are right, "
     "wait "
     "for the card's first day."},
    {Status::wrong_key_usage, "wrong_key_usage",
     "This certificate's key is meant for something else than signing in. Use the card's authentication "
     "certificate."},
    {Status::wrong_extended_key_usage, "wrong_extended_key_usage",
     "This certificate was not issued for signing in. Use a card made for sign-in, or ask the administrator "
     "which "
     "usages are accepted here."},
    {Status::weak_key, "weak_key",
     "The card's key is too short, or of a kind too weak, to be relied on today. The card has to be issued "
     "anew "
     "with a stronger key."},
    {Status::weak_signature, "weak_signature",
     "A signature uses a method too weak to be relied on today. The issuer has to sign again with SHA-256 or "
     "better; "
     "tell the administrator."},
    {Status::crl_missing, "crl_missing",
     "Whether the card was withdrawn cannot be checked: the issuer's revocation list is not on this machine, "
     "and no answer came from the issuer's revocation service. Try again in a moment; if it still fails, "
     "tell the administrator."},
    {Status::crl_stale, "crl_stale",
     "Whether the card was withdrawn cannot be checked, because the issuer's revocation list is out of date. "
     "The "
     "administrator has to supply a new one."},
    {Status::crl_invalid, "crl_invalid",
     "Whether the card was withdrawn cannot be checked, because a revocation list is not properly signed or "
     "not meant "
     "for it. Tell the administrator."},
    {Status::ocsp_unknown, "ocsp_unknown",
     "The issuer's revocation service does not know this certificate, so it may be forged. Tell the "
     "administrator."},
    {Status::ocsp_invalid, "ocsp_invalid",
     "Whether the card was withdrawn cannot be checked, because the answer of the issuer's revocation "
     "service is not properly signed, not for this card, or too old. Try again; if it still fails, tell the "
     "administrator."},
    {Status::internal, "internal",
     "The check could not be carried out. Try again; if it still fails, tell the administrator."},
}};

/// For the certificate of an authority: its cards are not at fault, and a new card would not help.
constexpr Words of_authorities[] = {
    {Status::revoked,
     {},
     "The certificate of the authority that issued this card was withdrawn, so none of its cards can be "
     "used. Ask the office that issues cards for a new one."},
    {Status::malformed,
     {},
     "The certificate of an authority above this card breaks the rules of its format, so none of its cards "
     "can "
     "be used here. Your card need not be at fault: tell the administrator."},
    {Status::expired,
     {},
     "The certificate of an authority above this card has expired, so none of its cards can be used here. "
     "Your "
     "card need not be at fault: tell the administrator."},
    {Status::not_yet_valid,
     {},
     "The certificate of an authority above this card is not valid yet. Check the date and time of this "
     "machine; "
     "if they are right, tell the administrator."},
    {Status::weak_key,
     {},
     "The key of an authority above this card is too weak to be relied on today, so none of its cards can be "
     "used here. Your card need not be at fault: tell the administrator."},
    {Status::wrong_extended_key_usage,
     {},
     "The authority that issued this card may not issue cards for signing in. Tell the administrator."},
};

constexpr bool in_order() {
  for (std::size_t i = 0; i < table.size(); ++i) {
    if (static_cast<std::size_t>(table[i].status) != i) return false;
  }
  return true;
}
static_assert(in_order(), "a row for each Status, in its order");

}  // namespace

std::string_view name(Status status) {
  return table.at(static_cast<std::size_t>(status)).name;
}
std::string_view explain(Status status) {
  return table.at(static_cast<std::size_t>(status)).sentence;
}

std::string_view explain(const Finding& finding) {
  const auto* words = std::ranges::find(of_authorities, finding.status, &Words::status);
  const bool of_authority = finding.depth > 0 && words != std::end(of_authorities);
  return of_authority ? words->sentence : explain(finding.status);
}

}  // namespace cardgate::trust
