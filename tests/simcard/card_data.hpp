// SPDX-License-Identifier: Apache-2.0
// What a virtual card holds, and how it lies in a folder between insertions.
//
// Card folder D (made by `cardgate-simcard init` or save_card):
//   D/card.json   person, card UUID, PIN, PUK, their tries left, the CA's folder; rewritten when they change
//   D/9a.key      PIV authentication key (PKCS#8 PEM, 0600)      D/9a.pem   its certificate
//   D/9e.key      card authentication key                        D/9e.pem   its certificate
//   D/ca/         the CA, unless the card shares another (see ca.hpp)
//   D/control     socket on which the inserted card takes `pull` (only while inserted)
// A test card keeps its PIN in the clear. Plain values: no thread rule of their own.
#pragma once

#include <array>
#include <filesystem>
#include <string>
#include <string_view>

#include "base/bytes.hpp"
#include "base/result.hpp"

namespace cardgate::simcard {

enum class KeyKind : std::uint8_t { p256, rsa2048, p384, rsa3072 };
inline constexpr std::array all_key_kinds{KeyKind::p256, KeyKind::rsa2048, KeyKind::p384, KeyKind::rsa3072};

struct KeyKindFacts {
  std::string_view name;
  std::uint8_t algorithm;  // SP 800-78-5, table 9
  std::size_t block;       // bytes that it signs: the modulus, or at most the curve's size
  bool rsa;
};
const KeyKindFacts& facts_of(KeyKind kind);
std::string_view name(KeyKind kind);
/// "p256", "p384", "rsa2048" or "rsa3072". Errors: invalid_argument.
Result<KeyKind> parse_key_kind(std::string_view text);

using Uuid = std::array<std::uint8_t, 16>;
/// "0f8fad5b-d9cb-469f-a165-70867728950e".
std::string to_text(const Uuid& uuid);
/// Errors: malformed.
Result<Uuid> parse_uuid(std::string_view text);
/// RFC 4122 version 4.
Uuid random_uuid();

/// A PIV key slot: private key and what stands in its certificate object.
struct KeySlot {
  KeyKind kind = KeyKind::p256;
  std::string private_key;  // PKCS#8 PEM
  Bytes certificate;        // DER; empty: the data object is absent
};

inline constexpr int default_tries = 3;

struct CardData {
  std::string person;
  Uuid uuid{};
  std::string expiry = "20400101";  // YYYYMMDD in the CHUID
  KeySlot authentication;           // 9A: needs the PIN
  KeySlot card_authentication;      // 9E: does not
  Bytes chuid_signature;            // CMS in tag 3E of the CHUID; may be empty
  bool extended_length = false;     // the ATR promises extended Lc and Le
  bool t0 =
      false;  // the card speaks T=0 alone: no Le behind data, answers fetched by GET RESPONSE, nothing extended
  bool global_pin = false;  // the Discovery Object names the global PIN as the primary one; `pin` is that
  bool gzip_certificates = false;  // certificate objects stored compressed (certinfo 01)
  std::string pin = "123456";      // 6 to 8 digits
  std::string puk = "12345678";    // 6 to 8 digits
  int pin_tries = default_tries;
  int puk_tries = default_tries;
  int max_tries = default_tries;  // what a success or an unblock sets the counters to
  std::filesystem::path ca;       // folder of the CA that issued the certificates; may be empty
};

/// The CHUID's TLVs that its signature covers: all but 3E, FE included (SP 800-73-4 part 1, 3.1.2).
Bytes chuid_fields(const CardData& data);

/// Writes the whole card folder (made when absent). Errors: io, no_space, permission_denied.
Result<void> save_card(const std::filesystem::path& directory, const CardData& data);
/// Rewrites card.json only: the counters, PIN and PUK. Errors: as save_card.
Result<void> save_card_state(const std::filesystem::path& directory, const CardData& data);
/// Errors: not_found, malformed, io.
Result<CardData> load_card(const std::filesystem::path& directory);

}  // namespace cardgate::simcard
