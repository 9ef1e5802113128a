// SPDX-License-Identifier: Apache-2.0
// The PIV application inside a Card: state and commands, SP 800-73-4 part 2. Not thread-safe; Card locks.
#pragma once

#include <filesystem>
#include <optional>
#include <string>

#include "tests/simcard/card.hpp"
#include "tests/simcard/command.hpp"

namespace cardgate::simcard {

/// Status words used here (ISO 7816-4 5.1.3; SP 800-73-4 part 2, section 2.4.2).
enum class Sw : std::uint16_t {
  ok = 0x9000,
  more = 0x6100,   // + bytes waiting
  tries = 0x63C0,  // + tries left
  memory_failure = 0x6581,
  wrong_length = 0x6700,
  last_of_chain_expected = 0x6883,
  security_status_not_satisfied = 0x6982,
  blocked = 0x6983,
  conditions_not_satisfied = 0x6985,
  wrong_data = 0x6A80,
  not_found = 0x6A82,
  wrong_p1_p2 = 0x6A86,
  no_such_reference = 0x6A88,
  unknown_instruction = 0x6D00,
  unknown_class = 0x6E00,
};

struct Answer {
  Bytes data;
  std::uint16_t sw;
  Answer(Sw word, int low = 0) : sw(static_cast<std::uint16_t>(static_cast<int>(word) | low)) {}
  Answer(Bytes content) : data(std::move(content)), sw(0x9000) {}
};

class Applet {
 public:
  Applet(CardData data, std::filesystem::path directory)
      : data_(std::move(data)), directory_(std::move(directory)) {}

  /// Answer to one command, as Card::process.
  Bytes process(BytesView apdu, const Faults& faults);
  /// Power-on, power-off, reset: nothing of a conversation stays.
  void forget();

  const CardData& data() const { return data_; }
  CardData& data() { return data_; }
  bool verified() const { return verified_; }
  /// True when the card has no folder or its state was written.
  bool save() const;
  Result<void> save_all() const;

 private:
  Answer run(const Command& command, const Faults& faults);
  Answer select(const Command& command, const Faults& faults);
  Answer get_data(const Command& command, const Faults& faults) const;
  Answer verify(const Command& command, const Faults& faults);
  Answer change_reference(const Command& command);
  Answer reset_retry_counter(const Command& command);
  Answer general_authenticate(const Command& command, const Faults& faults);

  std::optional<Answer> check(BytesView given, std::string& reference, int& tries);
  Bytes cut(std::size_t ne);
  Bytes chuid() const;
  Answer certificate(const KeySlot& slot, const Faults& faults) const;

  CardData data_;
  std::filesystem::path directory_;
  bool selected_ = false;
  bool verified_ = false;
  std::optional<Command> chain_;  // what came so far of a chained command
  Bytes waiting_;                 // what GET RESPONSE may fetch
};

/// What the key makes of a block: raw RSA of a padded block, ECDSA (DER) of a hash. Nothing when it does not
/// fit.
std::optional<Bytes> sign_block(const std::string& private_key, KeyKind kind, BytesView block);

}  // namespace cardgate::simcard
