// SPDX-License-Identifier: Apache-2.0
// A pcscd of the test's own and a virtual card for its first reader, and another program that gets in the
// way.
#pragma once

#include <gtest/gtest.h>
#include <winscard.h>

#include <memory>
#include <string>
#include <utility>

#include "pcsc/piv.hpp"
#include "pcsc/winscard.hpp"
#include "tests/simcard/ca.hpp"
#include "tests/simcard/card.hpp"
#include "tests/simcard/vpcd_link.hpp"
#include "tests/support/pcscd.hpp"

namespace cardgate::pcsc {

using cardgate::testing::eventually;
using cardgate::testing::Pcscd;

inline const std::string first_reader = Pcscd::first_name;
inline constexpr milliseconds patience{5000};

template <class T>
Errc code_of(const Result<T>& result) {
  return result ? Errc::ok : result.error().code;
}

class ReaderTest : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!Pcscd::available()) GTEST_SKIP() << "no pcscd with vpcd here: run script/bootstrap";
    make_card(simcard::KeyKind::p256);
    start_pcscd();
  }

  void start_pcscd() {
    const auto started = pcscd_.start();
    ASSERT_TRUE(started) << started.error().message();
  }

  void make_card(simcard::KeyKind key) {
    auto ca = simcard::Ca::open_or_create(folder_.path());
    ASSERT_TRUE(ca) << ca.error().message();
    simcard::Personalisation what;
    what.key = key;
    auto data = simcard::personalise(*ca, what);
    ASSERT_TRUE(data) << data.error().message();
    link_.reset();
    card_ = std::make_unique<simcard::Card>(*data);
    link_ = std::make_unique<simcard::VpcdLink>(*card_);
  }

  /// Puts the card in and waits until pcscd knows it.
  void insert() {
    const auto inserted = link_->insert();
    ASSERT_TRUE(inserted) << inserted.error().message();
    auto context = Context::establish();
    ASSERT_TRUE(context);
    ASSERT_TRUE(eventually(patience, [&] {
      const auto card = context->connect(first_reader);
      return card.has_value();
    }));
  }
  /// Takes the card out and waits until pcscd knows it.
  void pull() {
    link_->pull();
    auto context = Context::establish();
    ASSERT_TRUE(context);
    ASSERT_TRUE(
        eventually(patience, [&] { return code_of(context->connect(first_reader)) == Errc::pcsc_no_card; }));
  }

  /// A transaction on the inserted card.
  Result<Transaction> begin(milliseconds wait = patience) {
    auto context = TRY(Context::establish());
    auto card = TRY(context.connect(first_reader));
    return card.begin(wait);
  }

  cardgate::testing::TempDir folder_;
  Pcscd pcscd_;
  std::unique_ptr<simcard::Card> card_;
  std::unique_ptr<simcard::VpcdLink> link_;
};

/// Any other program at the same card, by winscard itself.
class OtherProgram {
 public:
  explicit OtherProgram(DWORD share = SCARD_SHARE_SHARED) {
    DWORD protocol = 0;
    EXPECT_EQ(SCardEstablishContext(SCARD_SCOPE_SYSTEM, nullptr, nullptr, &context_), SCARD_S_SUCCESS);
    EXPECT_EQ(SCardConnect(context_, first_reader.c_str(), share, SCARD_PROTOCOL_T0 | SCARD_PROTOCOL_T1,
                           &card_, &protocol),
              SCARD_S_SUCCESS);
  }
  ~OtherProgram() {
    SCardDisconnect(card_, SCARD_LEAVE_CARD);
    SCardReleaseContext(context_);
  }
  OtherProgram(const OtherProgram&) = delete;
  OtherProgram& operator=(const OtherProgram&) = delete;

  void lock() { EXPECT_EQ(SCardBeginTransaction(card_), SCARD_S_SUCCESS); }
  void unlock(DWORD disposition = SCARD_LEAVE_CARD) {
    EXPECT_EQ(SCardEndTransaction(card_, disposition), SCARD_S_SUCCESS);
  }
  void reset() {
    DWORD protocol = 0;
    EXPECT_EQ(SCardReconnect(card_, SCARD_SHARE_SHARED, SCARD_PROTOCOL_T0 | SCARD_PROTOCOL_T1,
                             SCARD_RESET_CARD, &protocol),
              SCARD_S_SUCCESS);
  }
  /// The answer in hex; empty when PC/SC refused.
  std::string ask(std::string_view command) {
    const Bytes apdu = from_hex(command).value();
    Bytes answer(4096);
    DWORD size = answer.size();
    if (SCardTransmit(card_, SCARD_PCI_T1, apdu.data(), apdu.size(), nullptr, answer.data(), &size) !=
        SCARD_S_SUCCESS)
      return {};
    return to_hex(BytesView(answer).first(size));
  }

 private:
  SCARDCONTEXT context_ = 0;
  SCARDHANDLE card_ = 0;
};

}  // namespace cardgate::pcsc
