// SPDX-License-Identifier: Apache-2.0
// Cards without a reader: a driver that answers as a test tells it, and keeps the service waiting for as long as it is told.
// Thread-safe, as every driver.
#pragma once

#include <condition_variable>
#include <map>
#include <mutex>
#include <string>

#include "daemon/drivers/driver.hpp"
#include "tests/trust/test_ca.hpp"

namespace cardgate::testing {

/// Somebody's card: a P-256 key, its certificate, and a passcode.
struct ScriptedCard {
  std::string id;  // its UUID, as the register has it
  test::Key key;
  Bytes certificate;
  std::string passcode = "123456";
  int tries_left = 3;
  std::string unblocking_key = "12345678";
  int unblocking_tries_left = 3;
  Bytes presence_certificate = {};  // card authentication, with the same key; empty: it has none
};

class ScriptedDriver final : public daemon::CardDriver {
 public:
  void put(const std::string& reader, ScriptedCard card);
  void take(const std::string& reader);

  /// From here on no use of a passcode answers (sign(), change_passcode(), unblock()), until release() or until it is stopped.
  void hold();
  void release();
  /// A conversation waits there now.
  bool held() const;
  /// How often a passcode, or an unblocking key, was given to a card.
  int passcodes_spent() const;

  std::string_view name() const override { return "scripted"; }
  bool transaction_guaranteed() const override { return true; }
  Result<daemon::CardContents> read(const std::string& reader, BytesView message, daemon::ChuidPart chuid,
                                    std::stop_token stop) const override;
  Result<int> count_tries(const std::string& reader, int passcode_key, std::stop_token stop) const override;
  Result<Bytes> sign(daemon::PasscodeUse use, const trust::CertificateInfo& certificate, BytesView block,
                     std::stop_token stop) const override;
  Result<void> change_passcode(daemon::PasscodeUse use, Secret fresh, std::stop_token stop) const override;
  Result<void> unblock(daemon::UnblockUse use, Secret fresh, std::stop_token stop) const override;

 private:
  /// Waits while it is held; then the card in the reader. With mutex_ held. Errors: cancelled, pcsc_no_card.
  Result<ScriptedCard*> card_when_let_go(std::unique_lock<std::mutex>& lock, const std::string& reader,
                                         std::stop_token stop) const;

  mutable std::mutex mutex_;
  mutable std::condition_variable_any changed_;
  mutable std::map<std::string, ScriptedCard> cards_;  // by reader
  bool holding_ = false;
  mutable int waiting_ = 0;
  mutable int spent_ = 0;
};

}  // namespace cardgate::testing
