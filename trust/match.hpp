// SPDX-License-Identifier: Apache-2.0
// Which certificates a mapping rule speaks of: a matching expression in the manner of sss_certmap(5).
//
//   [&& | ||] <ISSUER>REGEX <SUBJECT>REGEX <KU>NAME,... <EKU>NAME|OID,... <SAN:TYPE>REGEX <POLICY>OID,...
//
// Components follow each other without anything between them. `&&` (the default) asks for all of them, `||`
// for one.
//   <ISSUER>, <SUBJECT>  the name as RFC 4514 text, most specific part first: "CN=Zoe,O=Example Trust"
//   <KU>                 every one of these key usages (RFC 5280 4.2.1.3): digitalSignature,keyAgreement
//   <EKU>                every one of these: clientAuth, msScLogin, ... or dotted OIDs
//   <SAN:TYPE>           one alternative name of this type: email (rfc822Name), upn (NTPrincipalName), uri
//                        (uniformResourceIdentifier), dNSName
//   <POLICY>             one of these certificate policies, dotted OIDs
// REGEX is a POSIX extended regular expression over bytes, case-sensitive, found anywhere in the text unless
// ^ and $ say otherwise; without back-references or repetitions of what may be empty, and of bounded size,
// because it is tried while a person waits. It ends at the next '<'; `\<` stands for the character itself.
//
// Immutable; a copy shares the content; thread-safe.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "trust/certificate.hpp"

namespace cardgate::trust {

inline constexpr std::size_t max_match_bytes = 4096;
inline constexpr std::size_t max_match_components = 32;
inline constexpr std::size_t max_pattern_bytes = 512;
/// A pattern written out, every repetition in full: what the regular expression costs in memory and time.
inline constexpr std::size_t max_pattern_size = 2000;
/// A longer name of a certificate matches no pattern.
inline constexpr std::size_t max_matched_text = 4096;

class Match {
 public:
  /// Matches every certificate.
  Match() = default;
  /// Errors: invalid_argument, saying which component is wrong and what was expected.
  static Result<Match> parse(std::string_view text);

  /// Why the certificate does not match, in plain English, with what it has instead; empty when it matches.
  std::string mismatch(const CertificateInfo& certificate) const;
  /// As written; empty for the one that matches everything.
  const std::string& text() const;

  struct Expression;

 private:
  std::shared_ptr<const Expression> expression_;
};

}  // namespace cardgate::trust
