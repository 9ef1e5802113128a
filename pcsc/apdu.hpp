// SPDX-License-Identifier: Apache-2.0
// Command and response APDUs (ISO/IEC 7816-4:2013, 5.1-5.3), and one logical exchange over a channel. Pure
// but for the channel; a Command belongs to one thread at a time.
//
//   Command --encode--> [chain of short APDUs | one extended APDU] --transmit--> 61xx: GET RESPONSE, 6Cxx:
//   again --> Response
//
// Command data lives in a Secret, so that a PIN or a challenge is wiped however the exchange ends.
#pragma once

#include <array>
#include <cstdint>
#include <optional>

#include "base/bytes.hpp"
#include "base/secret.hpp"
#include "pcsc/channel.hpp"

namespace cardgate::pcsc {

inline constexpr std::size_t max_short_data = 255;       // Lc of one short APDU
inline constexpr std::size_t max_command_data = 4096;    // of one logical command, all links of its chain
inline constexpr std::size_t max_response_data = 65536;  // of one logical answer, all its parts
inline constexpr std::size_t first_part_bytes =
    64;  // that Read::first_part brings at least, or the whole answer
inline constexpr int max_exchanges =
    300;  // transmits of one logical command: 64 KiB in 256-byte parts, and chaining

/// Le: how much of an answer the command asks for: nothing, what one short APDU brings (256 bytes), or all there is.
enum class Le : std::uint8_t { none, one_part, as_many_as_fit };

class Command {
 public:
  // By case (ISO 7816-4 5.1): 1 no data, no answer; 2 answer; 3 data; 4 both. `data` is copied; the caller
  // wipes its own.
  static Command case1(std::uint8_t ins, std::uint8_t p1, std::uint8_t p2);
  static Command case2(std::uint8_t ins, std::uint8_t p1, std::uint8_t p2);
  static Command case3(std::uint8_t ins, std::uint8_t p1, std::uint8_t p2, BytesView data);
  static Command case4(std::uint8_t ins, std::uint8_t p1, std::uint8_t p2, BytesView data,
                       Le le = Le::as_many_as_fit);

  // By instruction (SP 800-73-4 Part 2, 3.1-3.2).
  /// CLA 00 INS A4 P1 04 P2 00, Lc = AID, Le 00.
  static Command select(BytesView aid);
  /// CLA 00 INS CB P1 3F P2 FF, data `tag_list` = 5C L tag, Le 00.
  static Command get_data(BytesView tag_list);
  /// CLA 00 INS 20 P1 00 P2 `key`, no data: asks for the tries left and spends none.
  static Command verify_status(std::uint8_t key);
  /// CLA 00 INS 20 P1 00 P2 `key`, Lc 08, the PIN already padded.
  static Command verify(std::uint8_t key, BytesView padded_pin);
  /// CLA 00 INS 24 P1 00 P2 `key`, Lc 10: old and new PIN, each padded.
  static Command change_reference_data(std::uint8_t key, BytesView old_and_new);
  /// CLA 00 INS 2C P1 00 P2 `key`, Lc 10: PUK and new PIN, each padded.
  static Command reset_retry_counter(std::uint8_t key, BytesView puk_and_new);
  /// CLA 00|10 INS 87 P1 `algorithm` P2 `key`, data = dynamic authentication template, Le 00.
  static Command general_authenticate(std::uint8_t algorithm, std::uint8_t key, BytesView dynamic_template);

  std::uint8_t ins() const { return header_[1]; }
  BytesView data() const { return data_.bytes(); }
  Le le() const { return le_; }

  /// How many short APDUs the command needs (at least 1).
  std::size_t links() const;
  /// The short APDU of link `index` < links(); all but the last carry CLA bit 10 and no Le. `le` overrides Le
  /// of the last. At `t0` no Le follows data, and a bare header gets the P3 that every command has there (ISO/IEC
  /// 7816-3:2006 12.2.2 and 12.2.5).
  Secret encode_short(std::size_t index, std::optional<std::uint8_t> le = {}, bool t0 = false) const;
  /// The one extended-length APDU.
  Secret encode_extended() const;

 private:
  Command(std::uint8_t ins, std::uint8_t p1, std::uint8_t p2, BytesView data, Le le);
  std::array<std::uint8_t, 4> header_;  // CLA INS P1 P2
  Secret data_;
  Le le_;
};

struct Response {
  Bytes data;
  std::uint16_t sw = 0;
};

/// Whether to follow 61xx with GET RESPONSE to the end, or to leave unread what the first part did not hold: the first
/// `first_part_bytes` are there in any case, also of a card that says 61xx without data first (T=0).
enum class Read : std::uint8_t { whole, first_part };

/// One logical command: chained when long, GET RESPONSE while the card says 61xx, once again with the right
/// Le on 6Cxx. The status word comes back unjudged (61xx only with Read::first_part; a chain that the card
/// refuses ends with its word). Errors: card_protocol (answer under 2 or over 65538 bytes, 6Cxx or 61xx
/// without end), too_large (command or answer over its limit), and the channel's own.
///
/// Extended length goes where it saves exchanges (a chain, or a long answer that is wanted whole) and the channel has it. What a
/// card or a reader cannot take so is asked again in short APDUs; when that goes better, the channel is told.
///
/// A card that says 6985 right behind an answer that was read in part gets that answer fetched to its end, and the command once
/// more. A command that wants no answer (a VERIFY) is never sent twice: it waits until such an answer is fetched.
Result<Response> exchange(CardChannel& channel, const Command& command, Read read = Read::whole);

/// What Read::first_part left: the whole answer of the same command.
Result<Response> read_rest(CardChannel& channel, Response first);

}  // namespace cardgate::pcsc
