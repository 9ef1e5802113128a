// SPDX-License-Identifier: Apache-2.0
// Programs of others believe in the virtual card, through the real pcscd: OpenSC and yubico-piv-tool.
#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>

#include "tests/simcard/ca.hpp"
#include "tests/simcard/vpcd_link.hpp"
#include "tests/support/pcscd.hpp"

namespace cardgate::simcard {

// Found by GoogleTest, which otherwise names the test by the byte.
void PrintTo(KeyKind kind, std::ostream* out);
void PrintTo(KeyKind kind, std::ostream* out) {
  *out << name(kind);
}

namespace {

using cardgate::testing::eventually;
using cardgate::testing::Finished;
using cardgate::testing::has_program;
using cardgate::testing::Pcscd;
using cardgate::testing::TempDir;
using std::chrono::seconds;
using ::testing::HasSubstr;
using ::testing::Not;

/// Skips, visibly, when a program of others is not installed; everything of our own must be there.
#define NEEDS(program) \
  if (!has_program(program)) GTEST_SKIP() << program << " is not installed (script/bootstrap test)"

class Strangers : public ::testing::TestWithParam<KeyKind> {
 protected:
  void SetUp() override {
    const auto started = pcscd_.start();
    ASSERT_TRUE(started) << started.error().message();
    auto ca = Ca::open_or_create(dir_ / "ca");
    ASSERT_TRUE(ca) << ca.error().message();
    Personalisation what;
    what.key = GetParam();
    what.upn = "ada@example.org";
    auto data = personalise(*ca, what);
    ASSERT_TRUE(data) << data.error().message();
    const auto saved = save_card(dir_ / "card", *data);
    ASSERT_TRUE(saved) << saved.error().message();
    card_ = std::make_unique<Card>(*data);
    link_ = std::make_unique<VpcdLink>(*card_);
    const auto inserted = link_->insert();
    ASSERT_TRUE(inserted) << inserted.error().message();
    ASSERT_TRUE(eventually(seconds(10), [&] { return card_->resets() > 0; })) << pcscd_.log();
  }

  Finished run(std::vector<std::string> argv) {
    auto finished = cardgate::testing::run(std::move(argv), seconds(30));
    if (!finished) {
      ADD_FAILURE() << finished.error().message();
      return {};
    }
    return *finished;
  }

  std::string file(std::string_view name) const { return (dir_ / name).string(); }

  TempDir dir_;
  Pcscd pcscd_;
  std::unique_ptr<Card> card_;
  std::unique_ptr<VpcdLink> link_;
};

std::string pkcs11_module() {
  for (const char* path : {"/usr/lib/x86_64-linux-gnu/opensc-pkcs11.so",
                           "/usr/lib/aarch64-linux-gnu/opensc-pkcs11.so", "/usr/lib/opensc-pkcs11.so"})
    if (std::filesystem::exists(path)) return path;
  return "opensc-pkcs11.so";
}

TEST_P(Strangers, OpenscKnowsAPivCard) {
  NEEDS("opensc-tool");
  const auto readers = run({"opensc-tool", "--list-readers"});
  EXPECT_THAT(readers.all, HasSubstr(Pcscd::first_name));
  EXPECT_THAT(readers.all, HasSubstr(Pcscd::second_name));
  const auto named = run({"opensc-tool", "--reader", "0", "-n"});
  EXPECT_EQ(named.status, 0) << named.all;
  EXPECT_THAT(named.all, HasSubstr("Personal Identity Verification Card"));
}

TEST_P(Strangers, Pkcs11ToolSignsWithThePin) {
  NEEDS("pkcs11-tool");
  NEEDS("openssl");
  const bool rsa = GetParam() == KeyKind::rsa2048;
  std::ofstream(file("message")) << "what is signed";
  // The raw RSA-PKCS mechanism and ECDSA both take what the host has hashed.
  ASSERT_EQ(run({"openssl", "dgst", "-sha256", "-binary", "-out", file("hash"), file("message")}).status, 0);
  const auto signing =
      run({"pkcs11-tool", "--module", pkcs11_module(), "--login", "--pin", "123456", "--sign", "--id", "01",
           "-m", rsa ? "SHA256-RSA-PKCS" : "ECDSA", "--signature-format", rsa ? "rs" : "openssl",
           "--input-file", file(rsa ? "message" : "hash"), "--output-file", file("signature")});
  ASSERT_EQ(signing.status, 0) << signing.all;
  ASSERT_EQ(run({"openssl", "x509", "-in", file("card/9a.pem"), "-noout", "-pubkey", "-out", file("key.pem")})
                .status,
            0);
  const auto verifying = run({"openssl", "dgst", "-sha256", "-verify", file("key.pem"), "-signature",
                              file("signature"), file("message")});
  EXPECT_THAT(verifying.all, HasSubstr("Verified OK")) << signing.all;
}

TEST_P(Strangers, Pkcs11ToolIsRefusedWithAWrongPin) {
  NEEDS("pkcs11-tool");
  const auto refused =
      run({"pkcs11-tool", "--module", pkcs11_module(), "--login", "--pin", "654321", "--list-objects"});
  EXPECT_THAT(refused.all, HasSubstr("CKR_PIN_INCORRECT"));
  EXPECT_EQ(card_->pin_tries(), 2);
}

TEST_P(Strangers, YubicoPivToolReadsStatusAndSigns) {
  NEEDS("yubico-piv-tool");
  const auto status = run({"yubico-piv-tool", "--reader", "Virtual PCD", "-a", "status"});
  EXPECT_EQ(status.status, 0) << status.all;
  EXPECT_THAT(status.all, HasSubstr("Slot 9a")) << status.all;
  EXPECT_THAT(status.all, HasSubstr("CN=Ada Example")) << status.all;
  EXPECT_THAT(status.all, HasSubstr("PIN tries left:\t3")) << status.all;
  const auto signing = run({"yubico-piv-tool", "--reader", "Virtual PCD", "-a", "verify-pin", "-P", "123456",
                            "-a", "test-signature", "-s", "9a", "-i", file("card/9a.pem")});
  EXPECT_EQ(signing.status, 0) << signing.all;
  EXPECT_THAT(signing.all, HasSubstr("Successful")) << signing.all;
}

INSTANTIATE_TEST_SUITE_P(Keys, Strangers, ::testing::Values(KeyKind::p256, KeyKind::rsa2048),
                         [](const auto& kind) { return std::string(name(kind.param)); });

}  // namespace
}  // namespace cardgate::simcard
