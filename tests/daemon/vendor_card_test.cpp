// SPDX-License-Identifier: Apache-2.0
// The whole service with a card that it reaches only through a vendor's PKCS#11 module: OpenSC's, on the
// virtual card in the real pcscd.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <p11-kit/p11-kit.h>
#include <unistd.h>

#include "tests/daemon/stage.hpp"
#include "tests/support/folders.hpp"

namespace cardgate::daemon {
namespace {

using simcard::KeyKind;
using std::chrono::seconds;
using testing::HttpAnswer;
using testing::Process;
using testing::Stage;

constexpr const char* opensc = "/usr/lib/x86_64-linux-gnu/opensc-pkcs11.so";
constexpr const char* softhsm = "/usr/lib/softhsm/libsofthsm2.so";

class VendorCard : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!testing::Pcscd::available())
      GTEST_SKIP() << "pcscd or the virtual reader is missing: run script/bootstrap";
    if (!std::filesystem::exists(opensc))
      GTEST_SKIP() << "OpenSC's PKCS#11 module is missing: run script/bootstrap";
  }

  void start_helper(const std::string& module) {
    helper = *Process::start({built_file("daemon/vendor/cardgate-vendor-cards"), "--module", module,
                              "--listen", socket(), "--client-uid", std::to_string(::geteuid())});
    ASSERT_TRUE(helper->wait_for_line("serving", seconds(10))) << helper->output();
  }
  std::string socket() const { return stage.dir / "vendor.sock"; }
  /// Started again with these drivers.
  void up(KeyKind key = KeyKind::p256, const std::string& drivers = "pkcs11") {
    stage.up(key);
    ASSERT_EQ(stage.stop_daemon(), 0);
    stage.write_config(fmt::format("cards: {{drivers: [{}], vendor_socket: {}}}\n", drivers, socket()));
    stage.start_daemon();
  }
  HttpAnswer sign_in(const std::string& passcode, const json::value& tries = nullptr) const {
    const json::object body{{"reader", Stage::reader},
                            {"card", simcard::to_text(stage.card->data().uuid)},
                            {"tries_left", tries},
                            {"passcode", passcode}};
    return stage.ask("POST", "/v1/sessions", json::serialize(body), {"Content-Type: application/json"});
  }

  Stage stage;
  std::unique_ptr<Process> helper;
};

class VendorCardKeys : public VendorCard, public ::testing::WithParamInterface<KeyKind> {};

TEST_P(VendorCardKeys, SignInAndTheirTokenDiesWithTheCard) {
  start_helper(opensc);
  up(GetParam());
  stage.insert_and_wait();
  const auto card = stage.card_status();
  ASSERT_EQ(card.at("state"), "ready") << json::serialize(card);
  EXPECT_TRUE(card.at("tries_left").is_null()) << json::serialize(card);
  EXPECT_EQ(card.at("transaction"), "not guaranteed");
  EXPECT_EQ(card.at("genuine"), "not shown");
  const int resets = stage.card->resets();
  const auto session = sign_in(Stage::pin);
  ASSERT_EQ(session.status, 201) << session.body;
  EXPECT_GE(stage.card->resets() - resets, 2) << "not reset before and after";
  EXPECT_FALSE(stage.card->pin_verified()) << "the next program inherits the unlocked card";
  const auto token = stage.token_text();
  EXPECT_TRUE(stage.is_active(token));
  stage.pull();
  EXPECT_FALSE(stage.is_active(token));
}
INSTANTIATE_TEST_SUITE_P(Each, VendorCardKeys,
                         ::testing::Values(KeyKind::rsa2048, KeyKind::p256, KeyKind::p384),
                         [](const auto& one) { return std::string(simcard::name(one.param)); });

TEST_F(VendorCard, TheCommandSaysThatTheTriesAreNotTold) {
  start_helper(opensc);
  up();
  stage.insert_and_wait();
  const auto status = stage.cardgate({"status"});
  EXPECT_NE(status.all.find("does not say how many tries are left"), std::string::npos) << status.all;
  const auto login = stage.cardgate({"login", "--passcode-stdin"}, Stage::pin);
  EXPECT_EQ(login.status, 0) << login.all;
}

TEST_F(VendorCard, AWrongPasscodeSpendsOneTryAndTheLastIsKept) {
  start_helper(opensc);
  up();
  stage.insert_and_wait();
  const auto first = sign_in("000000");
  EXPECT_EQ(first.error(), "passcode_incorrect") << first.body;
  EXPECT_TRUE(first.json().at("tries_left").is_null()) << first.body;
  EXPECT_EQ(stage.card->pin_tries(), 2);
  // Now the card tells, as PKCS#11 has it: the final try.
  const auto second = sign_in("000000");
  EXPECT_EQ(second.error(), "passcode_incorrect") << second.body;
  EXPECT_EQ(second.json().at("tries_left"), 1) << second.body;
  EXPECT_EQ(stage.card->pin_tries(), 1);
  EXPECT_EQ(sign_in(Stage::pin, 1).error(), "reinsert_card");
  stage.pull();
  stage.insert_and_wait();
  EXPECT_EQ(stage.card_status().at("tries_left"), 1);
  EXPECT_EQ(sign_in("000000").error(), "card_changed");
  EXPECT_EQ(sign_in("000000", 1).error(), "last_try");
  EXPECT_EQ(stage.card->pin_tries(), 1);
}

// Another program of this machine is logged in to the card when the person types a wrong passcode.
TEST_F(VendorCard, UnlockedBySomebodyElseIsNotUnlockedForUs) {
  start_helper(opensc);
  up();
  stage.insert_and_wait();
  CK_FUNCTION_LIST* rival = p11_kit_module_load(opensc, P11_KIT_MODULE_UNMANAGED);
  ASSERT_NE(rival, nullptr);
  ASSERT_EQ(p11_kit_module_initialize(rival), CKR_OK);
  std::array<CK_SLOT_ID, 8> slots{};
  CK_ULONG count = slots.size();
  ASSERT_EQ(rival->C_GetSlotList(CK_TRUE, slots.data(), &count), CKR_OK);
  ASSERT_GE(count, 1U);
  CK_SESSION_HANDLE session = 0;
  ASSERT_EQ(rival->C_OpenSession(slots[0], CKF_SERIAL_SESSION, nullptr, nullptr, &session), CKR_OK);
  std::string pin = Stage::pin;
  ASSERT_EQ(rival->C_Login(session, CKU_USER, reinterpret_cast<CK_UTF8CHAR_PTR>(pin.data()), pin.size()),
            CKR_OK);

  EXPECT_EQ(sign_in("000000").error(), "passcode_incorrect");
  EXPECT_EQ(stage.token().error(), "no_session");
  const auto right = sign_in(Stage::pin);
  EXPECT_EQ(right.status, 201) << right.body;
  p11_kit_module_finalize(rival);
  p11_kit_module_release(rival);
}

TEST_F(VendorCard, WithoutItsHelperIsUnusableAndTheServiceGoesOn) {
  up();
  stage.insert_and_wait();
  const auto card = stage.card_status();
  EXPECT_EQ(card.at("state"), "unusable");
  EXPECT_NE(std::string(card.at("problem").as_string()).find("cardgate-vendor-cards"), std::string::npos);
}

TEST_F(VendorCard, ThatTheModuleDoesNotKnowIsTheNextDrivers) {
  if (!std::filesystem::exists(softhsm)) GTEST_SKIP() << "SoftHSM2 is missing: run script/bootstrap";
  start_helper(softhsm);  // has no readers
  up(KeyKind::p256, "pkcs11, piv");
  stage.insert_and_wait();
  const auto card = stage.card_status();
  EXPECT_EQ(card.at("tries_left"), 3) << json::serialize(card);
  EXPECT_EQ(card.at("transaction"), "guaranteed");
  EXPECT_EQ(stage.sign_in().status, 201);
}

TEST_F(VendorCard, APasscodeIsChangedAndUnblockingIsLeftToTheHelpDesk) {
  start_helper(opensc);
  up();
  stage.insert_and_wait();
  const std::string id = simcard::to_text(stage.card->data().uuid);
  const auto changed = stage.ask("POST", "/v1/cards/" + id + "/passcode",
                                 json::serialize(json::object{{"reader", Stage::reader},
                                                              {"tries_left", nullptr},
                                                              {"passcode", Stage::pin},
                                                              {"new_passcode", "24682468"}}),
                                 {"Content-Type: application/json"});
  EXPECT_EQ(changed.status, 204) << changed.body;
  const auto session = sign_in("24682468");
  EXPECT_EQ(session.status, 201) << session.body;
  const auto unblocked =
      stage.ask("POST", "/v1/cards/" + id + "/unblock",
                json::serialize(json::object{
                    {"reader", Stage::reader}, {"unblocking_key", "12345678"}, {"new_passcode", "123456"}}),
                {"Content-Type: application/json"});
  EXPECT_EQ(unblocked.error(), "card_unusable") << unblocked.body;
}

}  // namespace
}  // namespace cardgate::daemon
