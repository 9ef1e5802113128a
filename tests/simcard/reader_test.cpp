// SPDX-License-Identifier: Apache-2.0
// The card in vpcd's reader as PC/SC clients see it: in, out, reset, misbehaving, pcscd restarted.
#include <gmock/gmock.h>
#include <winscard.h>

#include <algorithm>
#include <thread>

#include "tests/simcard/card_fixture.hpp"
#include "tests/simcard/vpcd_link.hpp"
#include "tests/support/pcscd.hpp"

namespace cardgate::simcard {
namespace {

using cardgate::testing::eventually;
using cardgate::testing::Pcscd;
using std::chrono::milliseconds;
using std::chrono::seconds;
using std::chrono::steady_clock;

/// A PC/SC context and perhaps a connected card.
class Client {
 public:
  Client() { SCardEstablishContext(SCARD_SCOPE_SYSTEM, nullptr, nullptr, &context_); }
  ~Client() {
    SCardDisconnect(card_, SCARD_LEAVE_CARD);
    SCardReleaseContext(context_);
  }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  /// Low half: flags; high half: pcscd's event counter.
  DWORD state(const char* reader = Pcscd::first_name) {
    SCARD_READERSTATE one{};
    one.szReader = reader;
    SCardGetStatusChange(context_, 0, &one, 1);
    return one.dwEventState;
  }
  bool present(const char* reader = Pcscd::first_name) { return (state(reader) & SCARD_STATE_PRESENT) != 0; }
  LONG connect(const char* reader = Pcscd::first_name) {
    DWORD protocol = 0;
    return SCardConnect(context_, reader, SCARD_SHARE_SHARED, SCARD_PROTOCOL_T1, &card_, &protocol);
  }
  LONG transmit(std::string_view hex, std::string& answer) {
    const Bytes apdu = from_hex(hex).value();
    Bytes buffer(65538);
    DWORD size = buffer.size();
    const LONG result =
        SCardTransmit(card_, SCARD_PCI_T1, apdu.data(), apdu.size(), nullptr, buffer.data(), &size);
    answer = result == SCARD_S_SUCCESS ? to_hex(BytesView(buffer).first(size)) : "";
    return result;
  }
  std::string ask(std::string_view hex) {
    std::string answer;
    const LONG result = transmit(hex, answer);
    return result == SCARD_S_SUCCESS ? answer : pcsc_stringify_error(result);
  }
  LONG reset() {
    DWORD protocol = 0;
    return SCardReconnect(card_, SCARD_SHARE_SHARED, SCARD_PROTOCOL_T1, SCARD_RESET_CARD, &protocol);
  }

 private:
  SCARDCONTEXT context_ = 0;
  SCARDHANDLE card_ = 0;
};

class ReaderTest : public CardTest {
 protected:
  void SetUp() override {
    const auto started = pcscd_.start();
    ASSERT_TRUE(started) << started.error().message();
    card_ = std::make_unique<Card>(sample(KeyKind::p256));
    link_ = std::make_unique<VpcdLink>(*card_);
  }
  void insert() {
    const auto inserted = link_->insert();
    ASSERT_TRUE(inserted) << inserted.error().message();
    Client client;
    ASSERT_TRUE(eventually(seconds(5), [&] { return client.present(); })) << pcscd_.log();
  }

  Pcscd pcscd_;
  std::unique_ptr<VpcdLink> link_;
};

TEST_F(ReaderTest, InAndOutAndInAgain) {
  Client client;
  EXPECT_FALSE(client.present());
  insert();
  ASSERT_EQ(client.connect(), SCARD_S_SUCCESS);
  EXPECT_THAT(client.ask(select_piv), ::testing::EndsWith("9000"));
  link_->pull();
  EXPECT_FALSE(link_->inserted());
  EXPECT_TRUE(eventually(seconds(2), [&] { return !client.present(); }));
  std::string answer;
  EXPECT_NE(client.transmit(select_piv, answer), SCARD_S_SUCCESS);
  insert();
  Client again;
  ASSERT_EQ(again.connect(), SCARD_S_SUCCESS);
  EXPECT_THAT(again.ask(select_piv), ::testing::EndsWith("9000"));
}

TEST_F(ReaderTest, AFastReinsertionIsTwoEvents) {
  insert();
  Client client;
  const DWORD before = client.state() >> 16;
  link_->pull();
  ASSERT_TRUE(eventually(seconds(5), [&] { return !client.present(); }));
  ASSERT_TRUE(link_->insert());
  ASSERT_TRUE(eventually(seconds(5), [&] { return client.present() && client.state() >> 16 >= before + 2; }));
  EXPECT_EQ(client.state() >> 16, before + 2);
}

// pcscd alone would never notice the card that comes in after one whose reset failed.
TEST_F(ReaderTest, ACardPulledInAResetAndBackAtOnceIsNoticed) {
  for (int round = 0; round < 3; ++round) {
    insert();
    Client client;
    ASSERT_EQ(client.connect(), SCARD_S_SUCCESS);
    std::thread resets([&] {
      while (client.reset() == SCARD_S_SUCCESS) continue;
    });
    link_->pull();
    resets.join();
    insert();
    link_->pull();
    ASSERT_TRUE(eventually(seconds(5), [&] { return !client.present(); }));
  }
}

TEST_F(ReaderTest, AResetEndsThePin) {
  insert();
  Client client;
  ASSERT_EQ(client.connect(), SCARD_S_SUCCESS);
  client.ask(select_piv);
  EXPECT_EQ(client.ask(verify_right), "9000");
  EXPECT_TRUE(card_->pin_verified());
  EXPECT_EQ(client.reset(), SCARD_S_SUCCESS);
  EXPECT_FALSE(card_->pin_verified());
}

TEST_F(ReaderTest, TwoReadersTwoCards) {
  insert();
  Card second(sample(KeyKind::rsa2048));
  VpcdLink other(second, second_reader);
  ASSERT_TRUE(other.insert());
  Client client;
  ASSERT_TRUE(eventually(seconds(5), [&] { return client.present(Pcscd::second_name); }));
  ASSERT_EQ(client.connect(Pcscd::second_name), SCARD_S_SUCCESS);
  second.clear_exchanges();
  client.ask(select_piv);
  EXPECT_EQ(second.exchanges(), 1);
  other.pull();
  EXPECT_TRUE(eventually(seconds(2), [&] { return !client.present(Pcscd::second_name); }));
  EXPECT_TRUE(client.present());
}

TEST_F(ReaderTest, AnExchangeTakesNoDelayedAcknowledgement) {
  insert();
  Client client;
  ASSERT_EQ(client.connect(), SCARD_S_SUCCESS);
  client.ask(select_piv);
  std::vector<steady_clock::duration> times;
  for (int i = 0; i < 21; ++i) {
    const auto begin = steady_clock::now();
    EXPECT_EQ(client.ask(verify_probe), "63c3");
    times.push_back(steady_clock::now() - begin);
  }
  std::nth_element(times.begin(), times.begin() + 10, times.end());
  EXPECT_LT(times[10], milliseconds(20)) << "40 ms is TCP waiting for an acknowledgement";
}

TEST_F(ReaderTest, TheCardOutlastsARestartOfPcscd) {
  insert();
  pcscd_.kill();
  ASSERT_TRUE(pcscd_.start());
  Client client;
  ASSERT_TRUE(eventually(seconds(5), [&] { return client.present(); })) << pcscd_.log();
  ASSERT_EQ(client.connect(), SCARD_S_SUCCESS);
  EXPECT_THAT(client.ask(select_piv), ::testing::EndsWith("9000"));
}

TEST_F(ReaderTest, PcscdAbsentIsATimeoutAndPullIsHarmless) {
  pcscd_.stop();
  EXPECT_EQ(link_->insert(milliseconds(100)).error().code, Errc::timeout);
  link_->pull();
  ASSERT_TRUE(pcscd_.start());
  insert();
  pcscd_.stop();
  link_->pull();  // while it tries to come back
  EXPECT_FALSE(link_->inserted());
}

TEST_F(ReaderTest, ACardThatDoesNotWakeUpIsUnpowered) {
  Faults faults;
  faults.no_atr = true;
  card_->set_faults(faults);
  ASSERT_TRUE(link_->insert());
  Client client;
  ASSERT_TRUE(eventually(seconds(5), [&] { return client.present(); }));
  const LONG result = client.connect();
  EXPECT_EQ(result, SCARD_W_UNPOWERED_CARD) << pcsc_stringify_error(result);
}

TEST_F(ReaderTest, AMuteCardGivesNoAnswerAndStaysIn) {
  insert();
  Client client;
  ASSERT_EQ(client.connect(), SCARD_S_SUCCESS);
  const DWORD before = client.state() >> 16;
  Faults faults;
  faults.mute = true;
  card_->set_faults(faults);
  const auto no_answer = ::testing::AnyOf("", pcsc_stringify_error(SCARD_E_NOT_TRANSACTED));
  EXPECT_THAT(client.ask(select_piv), no_answer);
  EXPECT_THAT(client.ask(select_piv), no_answer);
  card_->set_faults({});
  EXPECT_TRUE(eventually(seconds(3), [&] { return client.ask(select_piv).ends_with("9000"); }));
  EXPECT_EQ(client.state() >> 16, before) << "it was never out";
}

TEST_F(ReaderTest, AHangingCardCanBePulled) {
  insert();
  Client client;
  ASSERT_EQ(client.connect(), SCARD_S_SUCCESS);
  Faults faults;
  faults.hang = true;
  card_->set_faults(faults);
  card_->clear_exchanges();
  std::thread rescuer([&] {
    EXPECT_TRUE(eventually(seconds(5), [&] { return card_->exchanges() == 1; }));
    link_->pull();
  });
  EXPECT_THAT(client.ask(select_piv), ::testing::Not(::testing::EndsWith("9000")));
  rescuer.join();
  EXPECT_TRUE(eventually(seconds(3), [&] { return !client.present(); }));
}

}  // namespace
}  // namespace cardgate::simcard
