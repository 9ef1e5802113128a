// SPDX-License-Identifier: Apache-2.0
// The driver for vendors' cards and its helper at the seam, with SoftHSM as the vendor's module: what it
// signs, which passcodes it believes, and what a bad module can do.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <p11-kit/p11-kit.h>

#include <cstdlib>

#include "base/crypto.hpp"
#include "daemon/drivers/driver.hpp"
#include "daemon/vendor/module.hpp"
#include "tests/simcard/ca.hpp"
#include "tests/support/folders.hpp"
#include "tests/support/process.hpp"
#include "trust/possession.hpp"

namespace cardgate::daemon {
namespace {

using simcard::KeyKind;
using std::chrono::seconds;
using testing::Process;
using testing::TempDir;

constexpr const char* soft_module = "/usr/lib/softhsm/libsofthsm2.so";
constexpr const char* label = "ward card";
constexpr const char* pin = "123456";

/// cardgate-vendor-cards with one module, and the driver that asks it.
struct Helper {
  Helper(const TempDir& dir, const std::string& module,
         const std::string& client = std::to_string(::geteuid()), int deadline = 15) {
    const auto socket = dir / "vendor.sock";
    std::filesystem::remove(socket);
    process =
        *Process::start({built_file("daemon/vendor/cardgate-vendor-cards"), "--module", module, "--listen",
                         socket, "--client-uid", client, "--deadline", std::to_string(deadline)});
    EXPECT_TRUE(process->wait_for_line("serving", seconds(10))) << process->output();
    CardSettings settings;
    settings.drivers = {"pkcs11"};
    settings.vendor_socket = socket;
    settings.vendor_token = label;
    driver = make_drivers(settings)->front();
  }

  std::unique_ptr<Process> process;
  std::shared_ptr<const CardDriver> driver;
};

/// A token of SoftHSM's in a folder of its own, with a key and the certificate that a simulated CA gave it.
class SoftToken : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!std::filesystem::exists(soft_module) || !testing::has_program("softhsm2-util") ||
        !testing::has_program("pkcs11-tool"))
      GTEST_SKIP() << "SoftHSM2 or pkcs11-tool is missing: run script/bootstrap";
    std::filesystem::create_directory(dir / "tokens");
    write("softhsm2.conf",
          fmt::format("directories.tokendir = {}/tokens\nlog.level = ERROR\n", dir.path().string()));
    ::setenv("SOFTHSM2_CONF", (dir / "softhsm2.conf").c_str(), 1);
    run({"softhsm2-util", "--init-token", "--free", "--label", label, "--so-pin", "12345678", "--pin", pin});
  }
  void TearDown() override { ::unsetenv("SOFTHSM2_CONF"); }

  void write(const std::string& name, std::string_view text) {
    ASSERT_TRUE(write_file_atomic(dir / name, as_bytes(text), 0600));
  }
  static void run(std::vector<std::string> argv) {
    const auto done = testing::run(std::move(argv));
    ASSERT_TRUE(done);
    ASSERT_EQ(done->status, 0) << done->all;
  }
  void personalise(KeyKind kind) {
    auto ca = simcard::Ca::open_or_create(dir / "ca");
    ASSERT_TRUE(ca);
    simcard::Personalisation person;
    person.key = kind;
    const auto data = simcard::personalise(*ca, person);
    ASSERT_TRUE(data);
    certificate = data->authentication.certificate;
    write("key.pem", data->authentication.private_key);
    write("certificate.der", as_text(certificate));
    run({"softhsm2-util", "--import", dir / "key.pem", "--token", label, "--label", "sign in", "--id", "01",
         "--pin", pin});
    run({"pkcs11-tool", "--module", soft_module, "--token-label", label, "--login", "--pin", pin,
         "--write-object", dir / "certificate.der", "--type", "cert", "--id", "01"});
  }

  static PasscodeUse use(const CardContents& card, std::string_view passcode = pin) {
    PasscodeUse out;
    out.reader = "no reader";
    out.passcode_key = card.passcode_key;
    out.tries_shown = tries_unknown;
    out.passcode = Secret(passcode);
    return out;
  }
  Result<Bytes> sign(const CardDriver& driver, const CardContents& card, PasscodeUse passcode) const {
    const auto info = TRY(trust::describe(card.certificate));
    return driver.sign(std::move(passcode), info, TRY(trust::block_to_sign(info.key, message)), {});
  }

  TempDir dir;
  Bytes certificate;
  const Bytes message = trust::challenge_message(random_bytes(32), "ward-pc", "sign-in");
};

class SoftTokenKeys : public SoftToken, public ::testing::WithParamInterface<KeyKind> {};

TEST_P(SoftTokenKeys, SignForTheRightPasscode) {
  personalise(GetParam());
  const Helper helper(dir, soft_module);
  EXPECT_FALSE(helper.driver->transaction_guaranteed());
  const auto card = helper.driver->read("no reader", message, ChuidPart::none, {});
  ASSERT_TRUE(card) << card.error().message();
  EXPECT_EQ(card->certificate, certificate);
  EXPECT_EQ(card->tries_left, tries_unknown);
  const auto tries = helper.driver->count_tries("no reader", card->passcode_key, {});
  ASSERT_TRUE(tries) << tries.error().message();
  EXPECT_EQ(*tries, tries_unknown);
  const auto signature = sign(*helper.driver, *card, use(*card));
  ASSERT_TRUE(signature) << signature.error().message();
  EXPECT_TRUE(trust::verify_possession(certificate, message, *signature));
}
INSTANTIATE_TEST_SUITE_P(Each, SoftTokenKeys, ::testing::ValuesIn(simcard::all_key_kinds),
                         [](const auto& one) { return std::string(simcard::name(one.param)); });

TEST_F(SoftToken, AWrongPasscodeSignsNothing) {
  personalise(KeyKind::p256);
  const Helper helper(dir, soft_module);
  const auto card = helper.driver->read("no reader", message, ChuidPart::none, {});
  ASSERT_TRUE(card) << card.error().message();
  const auto wrong = sign(*helper.driver, *card, use(*card, "654321"));
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().code, Errc::pin_incorrect);
  EXPECT_EQ(tries_left(wrong.error()), tries_unknown);
  const auto too_short = sign(*helper.driver, *card, use(*card, "1"));
  ASSERT_FALSE(too_short);
  EXPECT_EQ(too_short.error().code, Errc::pin_format);
  EXPECT_TRUE(sign(*helper.driver, *card, use(*card)));
}

// Two cards of one ward: the passcode of the person who was shown the first must not be tried on the second.
TEST_F(SoftToken, ACardInPlaceOfTheOneThatWasReadSpendsNothing) {
  personalise(KeyKind::p256);
  const Helper helper(dir, soft_module);
  const auto card = helper.driver->read("no reader", message, ChuidPart::none, {});
  ASSERT_TRUE(card) << card.error().message();
  auto elsewhere = use(*card);
  ++elsewhere.passcode_key;
  const auto another_token = sign(*helper.driver, *card, std::move(elsewhere));
  ASSERT_FALSE(another_token);
  EXPECT_EQ(another_token.error().code, Errc::card_changed);

  auto info = trust::describe(card->certificate);
  info->fingerprint.front() ^= 1;
  const auto another_certificate =
      helper.driver->sign(use(*card), *info, *trust::block_to_sign(info->key, message), {});
  ASSERT_FALSE(another_certificate);
  EXPECT_EQ(another_certificate.error().code, Errc::card_changed);

  auto other_tries = use(*card);
  other_tries.tries_shown = 3;
  const auto not_shown = sign(*helper.driver, *card, std::move(other_tries));
  ASSERT_FALSE(not_shown);
  EXPECT_EQ(not_shown.error().code, Errc::card_changed);
}

TEST_F(SoftToken, ANewPasscodeTakesTheOldOnesPlace) {
  personalise(KeyKind::p256);
  const Helper helper(dir, soft_module);
  const auto card = helper.driver->read("no reader", message, ChuidPart::none, {});
  ASSERT_TRUE(card) << card.error().message();
  const auto refused =
      helper.driver->change_passcode(use(*card, "000000"), Secret(std::string_view("24682468")), {});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::pin_incorrect);
  ASSERT_TRUE(helper.driver->change_passcode(use(*card), Secret(std::string_view("24682468")), {}));
  EXPECT_FALSE(sign(*helper.driver, *card, use(*card)));
  EXPECT_TRUE(sign(*helper.driver, *card, use(*card, "24682468")));
  UnblockUse unblocking;
  unblocking.reader = "no reader";
  unblocking.unblocking_key = Secret(std::string_view("12345678"));
  const auto unblocked = helper.driver->unblock(std::move(unblocking), Secret(std::string_view(pin)), {});
  ASSERT_FALSE(unblocked);
  EXPECT_EQ(unblocked.error().code, Errc::key_unsupported);
}

// What PKCS#11 programs get wrong: a login is the token's, so another program's login lets any passcode
// through.
TEST_F(SoftToken, SomebodyElsesLoginIsNotTheRightPasscode) {
  personalise(KeyKind::p256);
  auto module = vendor::Module::load(soft_module);
  ASSERT_TRUE(module) << module.error().message();
  // The same module in the same process, so that the logins are shared; it was started already.
  CK_FUNCTION_LIST* rival = p11_kit_module_load(soft_module, P11_KIT_MODULE_UNMANAGED);
  ASSERT_NE(rival, nullptr);
  CK_SLOT_ID slot = 0;
  CK_ULONG count = 1;
  rival->C_GetSlotList(CK_TRUE, nullptr, &count);
  std::vector<CK_SLOT_ID> slots(count);
  ASSERT_EQ(rival->C_GetSlotList(CK_TRUE, slots.data(), &count), CKR_OK);
  slot = slots.front();
  CK_SESSION_HANDLE session = 0;
  ASSERT_EQ(rival->C_OpenSession(slot, CKF_SERIAL_SESSION, nullptr, nullptr, &session), CKR_OK);
  const auto log_in = [&](std::string text) {
    return rival->C_Login(session, CKU_USER, reinterpret_cast<CK_UTF8CHAR_PTR>(text.data()), text.size());
  };

  vendor::Request ask;
  ask.token_label = label;
  const auto read = module->answer(ask);
  ASSERT_EQ(read.code, Errc::ok) << read.text;
  const auto sign_with = [&](std::string_view passcode) {
    vendor::Request request;
    request.verb = vendor::Verb::sign;
    request.token_label = label;
    request.passcode_key = read.passcode_key;
    request.tries_shown = tries_unknown;
    const auto fingerprint = sha256(certificate);
    request.fingerprint.assign(fingerprint.begin(), fingerprint.end());
    request.block = *trust::block_to_sign(trust::KeyKind::p256, message);
    request.passcode = Secret(passcode);
    return module->answer(request);
  };

  ASSERT_EQ(log_in(pin), CKR_OK);
  ASSERT_EQ(log_in("654321"), CKR_USER_ALREADY_LOGGED_IN) << "there is no trap to fall into";
  EXPECT_EQ(sign_with("654321").code, Errc::pin_incorrect);
  ASSERT_EQ(log_in(pin), CKR_OK) << "the rival was not logged out";
  const auto signed_now = sign_with(pin);
  ASSERT_EQ(signed_now.code, Errc::ok) << signed_now.text;
  EXPECT_TRUE(trust::verify_possession(certificate, message, signed_now.signature));
  // Nor does the rival inherit our login.
  CK_SESSION_INFO info{};
  ASSERT_EQ(rival->C_GetSessionInfo(session, &info), CKR_OK);
  EXPECT_EQ(info.state, static_cast<CK_ULONG>(CKS_RO_PUBLIC_SESSION));
  p11_kit_module_release(rival);
}

TEST_F(SoftToken, OnlyTheDaemonsUserMayAsk) {
  personalise(KeyKind::p256);
  const Helper helper(dir, soft_module, std::to_string(::geteuid() + 1));
  const auto card = helper.driver->read("no reader", message, ChuidPart::none, {});
  ASSERT_FALSE(card);
  EXPECT_EQ(card.error().code, Errc::unavailable);
}

// As the socket unit does it (Accept=yes): each connection gets a process of its own, and two in turn are
// served.
TEST_F(SoftToken, ServesConnectionsThatSystemdHandsOver) {
  if (!testing::has_program("systemd-socket-activate")) GTEST_SKIP() << "systemd-socket-activate is missing";
  personalise(KeyKind::p256);
  const auto socket = dir / "activated.sock";
  const auto activator =
      *Process::start({"systemd-socket-activate", "--accept", "--listen", socket, "--setenv=SOFTHSM2_CONF",
                       built_file("daemon/vendor/cardgate-vendor-cards"), "--module", soft_module,
                       "--client-uid", std::to_string(::geteuid())});
  ASSERT_TRUE(activator->wait_for_line("Listening", seconds(10))) << activator->output();
  CardSettings settings;
  settings.drivers = {"pkcs11"};
  settings.vendor_socket = socket;
  settings.vendor_token = label;
  const auto driver = make_drivers(settings)->front();
  const auto card = driver->read("no reader", message, ChuidPart::none, {});
  ASSERT_TRUE(card) << card.error().message() << activator->output();
  const auto signature = sign(*driver, *card, use(*card));
  ASSERT_TRUE(signature) << signature.error().message();
}

TEST_F(SoftToken, ATokenThatIsNotThereIsAnotherDriversBusiness) {
  run({"softhsm2-util", "--delete-token", "--token", label});
  const Helper helper(dir, soft_module);
  const auto card = helper.driver->read("no reader", message, ChuidPart::none, {});
  ASSERT_FALSE(card);
  EXPECT_EQ(card.error().code, Errc::card_not_piv);
}

Error read_with_bad_module(const std::string& module) {
  const TempDir dir;
  const Helper helper(dir, module, std::to_string(::geteuid()), 1);
  const auto card = helper.driver->read("no reader", {}, ChuidPart::none, {});
  EXPECT_FALSE(card);
  return card ? Error{} : card.error();
}

TEST(VendorModule, ThatHangsHoldsNobodyUp) {
  const auto began = std::chrono::steady_clock::now();
  EXPECT_EQ(read_with_bad_module(CARDGATE_HANGING_MODULE).code, Errc::unavailable);
  EXPECT_LT(std::chrono::steady_clock::now() - began, seconds(10));
}

TEST(VendorModule, ThatCrashesTakesNobodyAlong) {
  EXPECT_EQ(read_with_bad_module(CARDGATE_CRASHING_MODULE).code, Errc::unavailable);
}

TEST(VendorModule, ThatIsMissingIsSaidByName) {
  const auto error = read_with_bad_module("/nonexistent/vendor.so");
  EXPECT_EQ(error.code, Errc::unavailable);
  EXPECT_NE(error.context.find("/nonexistent/vendor.so"), std::string::npos) << error.context;
}

TEST(VendorModule, ThatOthersCanWriteIsNotLoaded) {
  const TempDir dir;
  const auto module = dir / "module.so";
  std::filesystem::copy_file(CARDGATE_CRASHING_MODULE, module);
  std::filesystem::permissions(module, std::filesystem::perms(0777));
  const auto error = read_with_bad_module(module);
  EXPECT_NE(error.context.find("nobody else can write"), std::string::npos) << error.context;
}

}  // namespace
}  // namespace cardgate::daemon
