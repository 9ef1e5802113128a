// SPDX-License-Identifier: Apache-2.0
// Context, Card and Transaction on the real pcscd: others in the way, cards pulled, pcscd gone.
#include <grp.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <csignal>
#include <stop_token>
#include <thread>

#include "tests/pcsc/reader_fixture.hpp"

namespace cardgate::pcsc {
namespace {

using std::chrono::steady_clock;

const std::string select_piv = "00A4040009A0000003080000100000";
const std::string verify_right = "0020008008313233343536FFFF";

class Transactions : public ReaderTest {};

TEST_F(Transactions, ReadersAndCardsThatAreNotThereAreToldApart) {
  auto context = Context::establish();
  ASSERT_TRUE(context) << context.error().message();
  const auto readers = context->readers();
  ASSERT_TRUE(readers);
  EXPECT_EQ(readers->size(), 2U);
  EXPECT_EQ(code_of(context->connect(first_reader)), Errc::pcsc_no_card);
  EXPECT_EQ(code_of(context->connect("No Such Reader 00 00")), Errc::pcsc_no_reader);
}

TEST_F(Transactions, ACardThatDoesNotWakeIsMute) {
  simcard::Faults faults;
  faults.no_atr = true;
  card_->set_faults(faults);
  ASSERT_TRUE(link_->insert());
  auto context = Context::establish();
  ASSERT_TRUE(context);
  EXPECT_TRUE(eventually(patience, [&] {
    auto card = context->connect(first_reader);
    return card && code_of(card->begin(milliseconds(500))) == Errc::pcsc_card_mute;
  }));
  // It was a bad contact: the next attempt powers it up again.
  card_->set_faults({});
  EXPECT_TRUE(eventually(patience, [&] {
    auto card = context->connect(first_reader);
    return card && card->begin(milliseconds(500));
  }));
}

TEST_F(Transactions, ASocketThatIsClosedToThisUserIsNoAbsentService) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root to become another user";
  ASSERT_EQ(chmod("/run/pcscd/pcscd.comm", 0600), 0);
  const pid_t child = fork();
  if (child == 0) {
    const bool other = setgroups(0, nullptr) == 0 && setresgid(65534, 65534, 65534) == 0 &&
                       setresuid(65534, 65534, 65534) == 0;
    const auto context = Context::establish();
    _exit(!other ? 255 : context ? 0 : static_cast<int>(context.error().code));
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  ASSERT_TRUE(WIFEXITED(status));
  if (WEXITSTATUS(status) == 255) GTEST_SKIP() << "this user namespace has no other user";
  EXPECT_EQ(name(static_cast<Errc>(WEXITSTATUS(status))), name(Errc::pcsc_access_denied));
}

TEST_F(Transactions, ACardThatStopsAnsweringIsMute) {
  insert();
  auto transaction = begin();
  ASSERT_TRUE(transaction);
  simcard::Faults faults;
  faults.mute = true;
  card_->set_faults(faults);
  const auto failed = piv::select(*transaction);
  ASSERT_FALSE(failed);
  EXPECT_NE(failed.error().code, Errc::card_not_piv);
  EXPECT_TRUE(failed.error().code == Errc::pcsc_card_mute || failed.error().code == Errc::card_protocol)
      << failed.error().message();
}

TEST_F(Transactions, AnotherProgramsUnlockIsNotInherited) {
  insert();
  OtherProgram other;
  ASSERT_TRUE(other.ask(select_piv).ends_with("9000"));
  ASSERT_EQ(other.ask(verify_right), "9000");
  ASSERT_TRUE(card_->pin_verified());

  auto transaction = begin();
  ASSERT_TRUE(transaction) << transaction.error().message();
  EXPECT_FALSE(card_->pin_verified());
  ASSERT_TRUE(piv::select(*transaction));
  EXPECT_EQ(piv::tries_left(*transaction).value(), 3);
}

TEST_F(Transactions, OurUnlockIsNotLeftToOthers) {
  insert();
  {
    auto transaction = begin();
    ASSERT_TRUE(transaction);
    ASSERT_TRUE(piv::select(*transaction));
    ASSERT_TRUE(piv::verify_pin(*transaction, Secret(std::string_view("123456"))));
    ASSERT_TRUE(card_->pin_verified());
  }
  EXPECT_FALSE(card_->pin_verified());
  OtherProgram other;
  ASSERT_TRUE(other.ask(select_piv).ends_with("9000"));
  EXPECT_EQ(other.ask("00200080"), "63c3");
}

TEST_F(Transactions, NobodyElseGetsInMeanwhile) {
  insert();
  OtherProgram other;
  auto transaction = begin();
  ASSERT_TRUE(transaction) << transaction.error().message();
  ASSERT_TRUE(piv::select(*transaction));
  const auto ended = std::make_shared<std::atomic<bool>>(false);
  std::thread asking([&] {
    other.ask(select_piv);  // waits for our transaction, then finds the card reset
    EXPECT_TRUE(*ended);
  });
  std::this_thread::sleep_for(milliseconds(300));
  ASSERT_TRUE(piv::verify_pin(*transaction, Secret(std::string_view("123456"))));
  *ended = true;
  EXPECT_TRUE(transaction->end());
  asking.join();
}

TEST_F(Transactions, AHeldCardIsWaitedForNoLongerThanAsked) {
  insert();
  OtherProgram other;
  other.lock();
  auto context = Context::establish();
  ASSERT_TRUE(context);
  auto card = context->connect(first_reader);
  ASSERT_TRUE(card) << card.error().message();
  for (int attempt = 0; attempt < 2; ++attempt) {  // the second finds the first one's thread still waiting
    const auto start = steady_clock::now();
    EXPECT_EQ(code_of(card->begin(milliseconds(300))), Errc::pcsc_sharing_violation);
    EXPECT_LT(steady_clock::now() - start, milliseconds(1500));
  }
  std::thread later([&] {
    std::this_thread::sleep_for(milliseconds(300));
    other.unlock(SCARD_RESET_CARD);
  });
  const auto taken = card->begin(patience);
  later.join();
  EXPECT_TRUE(taken) << taken.error().message();
}

TEST_F(Transactions, AProgramThatWantsTheCardAloneIsWaitedForAsLong) {
  insert();
  {
    OtherProgram other(SCARD_SHARE_EXCLUSIVE);
    EXPECT_EQ(code_of(begin(milliseconds(300))), Errc::pcsc_sharing_violation);
  }
  EXPECT_TRUE(begin());
}

TEST_F(Transactions, AResetByAnotherProgramIsNoObstacle) {
  insert();
  auto context = Context::establish();
  ASSERT_TRUE(context);
  auto card = context->connect(first_reader);
  ASSERT_TRUE(card);
  for (int i = 0; i < 3; ++i) {
    OtherProgram().reset();
    auto transaction = card->begin(patience);
    ASSERT_TRUE(transaction) << transaction.error().message();
    EXPECT_TRUE(piv::select(*transaction));
  }
}

TEST_F(Transactions, ACardPulledInTheMiddleSaysSo) {
  insert();
  auto context = Context::establish();
  ASSERT_TRUE(context);
  auto card = context->connect(first_reader);
  ASSERT_TRUE(card);
  {
    auto transaction = card->begin(patience);
    ASSERT_TRUE(transaction);
    ASSERT_TRUE(piv::select(*transaction));
    link_->pull();
    EXPECT_EQ(code_of(piv::tries_left(*transaction)), Errc::pcsc_card_removed);
    EXPECT_EQ(code_of(piv::tries_left(*transaction)), Errc::pcsc_card_removed);
    const auto ended = transaction->end();
    EXPECT_TRUE(ended) << "gone is as good as reset: " << ended.error().message();
    EXPECT_EQ(code_of(transaction->transmit(Bytes{0, 0, 0, 0})), Errc::invalid_argument);
  }
  EXPECT_EQ(code_of(card->begin(patience)), Errc::pcsc_card_removed);
  insert();
  EXPECT_TRUE(begin()) << "the lock was given back";
}

TEST_F(Transactions, ACardPulledInTheMiddleOfACommandSaysSo) {
  insert();
  auto transaction = begin();
  ASSERT_TRUE(transaction);
  simcard::Faults faults;
  faults.pulled_in_command = true;
  card_->set_faults(faults);
  EXPECT_EQ(code_of(piv::select(*transaction)), Errc::pcsc_card_removed)
      << "the driver calls it a success of no bytes";
}

TEST_F(Transactions, ACardOfT0IsReadAndSignsLikeAnyOther) {
  make_card(simcard::KeyKind::rsa2048);
  ASSERT_TRUE(card_->change([](simcard::CardData& data) { data.t0 = true; }));
  insert();
  auto transaction = begin();
  ASSERT_TRUE(transaction) << transaction.error().message();
  EXPECT_TRUE(transaction->t0());
  EXPECT_FALSE(transaction->extended_length()) << "whatever its ATR promises";
  ASSERT_TRUE(piv::select(*transaction));
  EXPECT_EQ(piv::tries_left(*transaction).value(), 3);
  EXPECT_EQ(piv::read_certificate(*transaction, piv::Slot::authentication).value(),
            card_->data().authentication.certificate);
  EXPECT_TRUE(piv::read_chuid(*transaction)) << "its first part is there though none comes by itself";
  ASSERT_TRUE(piv::verify_pin(*transaction, Secret(std::string_view("123456"))));
  EXPECT_TRUE(piv::sign(*transaction, piv::Slot::authentication, piv::Algorithm::rsa2048, Bytes(256, 0x01)));
}

TEST_F(Transactions, AReaderThatCarriesNoLongCommandIsFoundOutOnce) {
  make_card(simcard::KeyKind::rsa2048);
  ASSERT_TRUE(card_->change([](simcard::CardData& data) { data.extended_length = true; }));
  std::atomic<int> long_commands{0};
  simcard::Faults faults;
  faults.intercept = [&](BytesView apdu) -> std::optional<Bytes> {
    if (apdu.size() <= 261) return std::nullopt;
    ++long_commands;
    return Bytes{};  // nothing comes back, and the card keeps its state
  };
  card_->set_faults(faults);
  insert();
  const auto memory = std::make_shared<LengthMemory>();
  for (int sign_in = 0; sign_in < 2; ++sign_in) {
    auto context = Context::establish();
    ASSERT_TRUE(context);
    auto card = context->connect(first_reader);
    ASSERT_TRUE(card);
    auto transaction = card->begin(patience, memory);
    ASSERT_TRUE(transaction) << transaction.error().message();
    ASSERT_TRUE(piv::select(*transaction));
    ASSERT_TRUE(piv::verify_pin(*transaction, Secret(std::string_view("123456"))));
    const auto signature =
        piv::sign(*transaction, piv::Slot::authentication, piv::Algorithm::rsa2048, Bytes(256, 0x01));
    EXPECT_TRUE(signature) << signature.error().message();
  }
  EXPECT_EQ(long_commands, 1);
}

TEST_F(Transactions, AReaderWhoseNameIsNoUtf8IsUsedByTheNameThatIsShown) {
  pcscd_.stop();
  pcscd_.call_readers("Lecteur \xe9tage");
  start_pcscd();
  ASSERT_TRUE(link_->insert());
  const std::string shown = "Lecteur \\xE9tage 00 00";
  auto context = Context::establish();
  ASSERT_TRUE(context);
  const auto readers = context->readers();
  ASSERT_TRUE(readers);
  EXPECT_EQ(*readers, (std::vector<std::string>{shown, "Lecteur \\xE9tage 00 01"}));
  ASSERT_TRUE(eventually(patience, [&] { return context->connect(shown).has_value(); }));
  auto transaction = context->connect(shown)->begin(patience);
  ASSERT_TRUE(transaction) << transaction.error().message();
  EXPECT_TRUE(piv::select(*transaction));
  EXPECT_EQ(code_of(context->connect("Lecteur \\xE8tage 00 00")), Errc::pcsc_no_reader);
}

TEST_F(Transactions, ACardSwappedAfterConnectingIsNotTheCard) {
  insert();
  auto context = Context::establish();
  ASSERT_TRUE(context);
  auto card = context->connect(first_reader);
  ASSERT_TRUE(card);
  pull();
  insert();
  EXPECT_EQ(code_of(card->begin(patience)), Errc::pcsc_card_removed);
}

TEST_F(Transactions, WithoutPcscdTheCureIsNamed) {
  pcscd_.stop();
  const auto context = Context::establish();
  ASSERT_FALSE(context);
  EXPECT_EQ(context.error().code, Errc::pcsc_no_service);
  EXPECT_NE(context.error().context.find("systemctl start pcscd.socket"), std::string::npos);
}

TEST_F(Transactions, AHungPcscdIsNotWaitedForWithoutEnd) {
  insert();
  auto context = Context::establish();
  ASSERT_TRUE(context);
  pcscd_.signal(SIGSTOP);
  const auto connected = context->connect(first_reader);
  ASSERT_FALSE(connected);
  EXPECT_EQ(connected.error().code, Errc::pcsc_no_service);
  EXPECT_NE(connected.error().context.find("does not answer"), std::string::npos);
  EXPECT_EQ(code_of(context->readers()), Errc::pcsc_no_service) << "this connection is of no more use";
  pcscd_.signal(SIGCONT);
  EXPECT_TRUE(begin());
}

TEST_F(Transactions, WhoeverIsAskedToStopWaitsForNothing) {
  insert();
  std::stop_source stop;
  auto context = Context::establish(stop.get_token());
  ASSERT_TRUE(context);
  auto card = context->connect(first_reader);
  ASSERT_TRUE(card);
  OtherProgram other;
  other.lock();
  std::atomic<bool> waits{false};
  Errc outcome = Errc::ok;
  std::thread asking([&] {
    waits = true;
    outcome = code_of(card->begin(std::chrono::hours(1)));
  });
  ASSERT_TRUE(eventually(patience, [&] { return waits.load(); }));
  stop.request_stop();
  asking.join();
  EXPECT_EQ(outcome, Errc::cancelled);
  EXPECT_EQ(code_of(card->begin(patience)), Errc::cancelled);
  other.unlock();
  EXPECT_TRUE(begin()) << "others are not concerned";
}

TEST_F(Transactions, AHungPcscdIsLeftAtOnceByWhoeverIsAskedToStop) {
  insert();
  std::stop_source stop;
  auto context = Context::establish(stop.get_token());
  ASSERT_TRUE(context);
  auto card = context->connect(first_reader);
  ASSERT_TRUE(card);
  auto transaction = card->begin(patience);
  ASSERT_TRUE(transaction);
  pcscd_.signal(SIGSTOP);
  Errc outcome = Errc::ok;
  std::thread asking([&] { outcome = code_of(piv::select(*transaction)); });
  stop.request_stop();
  asking.join();
  EXPECT_EQ(outcome, Errc::cancelled);
  // Fails when the call was already on its way, and not when the stop came first; it waits in neither case.
  static_cast<void>(transaction->end());
  pcscd_.signal(SIGCONT);
  ASSERT_TRUE(eventually(patience, [&] { return begin().has_value(); })) << "the card is given back";
}

TEST_F(Transactions, PcscdKilledUnderATransactionIsAnErrorAndNoMore) {
  insert();
  auto context = Context::establish();
  ASSERT_TRUE(context);
  auto card = context->connect(first_reader);
  ASSERT_TRUE(card);
  auto transaction = card->begin(patience);
  ASSERT_TRUE(transaction);
  pcscd_.kill();
  EXPECT_EQ(code_of(piv::select(*transaction)), Errc::pcsc_no_service);
  EXPECT_FALSE(transaction->end());
  start_pcscd();
  EXPECT_EQ(code_of(card->begin(patience)), Errc::pcsc_no_service) << "it may be another card by now";
  ASSERT_TRUE(eventually(patience, [&] { return begin().has_value(); }))
      << "the card connects again by itself";
}

}  // namespace
}  // namespace cardgate::pcsc
