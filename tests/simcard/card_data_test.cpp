// SPDX-License-Identifier: Apache-2.0
// The card's folder, and names as people write them.
#include <sys/stat.h>

#include <fstream>

#include "base/file.hpp"
#include "tests/simcard/card_fixture.hpp"

namespace cardgate::simcard {
namespace {

using cardgate::testing::TempDir;

class CardFolder : public CardTest {};

TEST_F(CardFolder, GivesBackWhatWasSaved) {
  const TempDir dir;
  CardData data = sample(KeyKind::rsa2048);
  data.pin_tries = 1;
  data.puk = "87654321";
  data.gzip_certificates = true;
  data.chuid_signature = {1, 2, 3};
  ASSERT_TRUE(save_card(dir.path(), data));
  const CardData again = load_card(dir.path()).value();
  EXPECT_EQ(again.person, data.person);
  EXPECT_EQ(again.uuid, data.uuid);
  EXPECT_EQ(again.pin_tries, 1);
  EXPECT_EQ(again.puk, "87654321");
  EXPECT_EQ(again.gzip_certificates, true);
  EXPECT_EQ(again.chuid_signature, data.chuid_signature);
  EXPECT_EQ(again.authentication.kind, KeyKind::rsa2048);
  EXPECT_EQ(again.authentication.certificate, data.authentication.certificate);
  EXPECT_EQ(again.card_authentication.private_key, data.card_authentication.private_key);
  EXPECT_EQ(again.ca, ca().directory());
}

TEST_F(CardFolder, ACardWithoutCertificatesStaysSo) {
  const TempDir dir;
  CardData data = sample(KeyKind::p256);
  ASSERT_TRUE(save_card(dir.path(), data));
  data.authentication.certificate.clear();
  ASSERT_TRUE(save_card(dir.path(), data));
  EXPECT_TRUE(load_card(dir.path()).value().authentication.certificate.empty());
}

TEST_F(CardFolder, KeysAreForTheOwner) {
  const TempDir dir;
  ASSERT_TRUE(save_card(dir / "card", sample(KeyKind::p256)));
  for (const char* name : {"card/9a.key", "card/9e.key", "card/card.json"}) {
    struct stat status{};
    ASSERT_EQ(::stat((dir / name).c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777U, 0600U) << name;
  }
}

TEST_F(CardFolder, BrokenStateIsNamed) {
  const TempDir dir;
  EXPECT_EQ(load_card(dir.path()).error().code, Errc::not_found);
  ASSERT_TRUE(save_card(dir.path(), sample(KeyKind::p256)));
  const std::string whole = read_file(dir / "card.json", 1 << 20).value();
  for (std::size_t size = 0; size + 2 < whole.size(); size += 7) {
    std::ofstream(dir / "card.json", std::ios::trunc) << whole.substr(0, size);
    EXPECT_EQ(load_card(dir.path()).error().code, Errc::malformed) << size;
  }
}

TEST(Uuid, ReadsAndWritesItself) {
  const std::string text = "0f8fad5b-d9cb-469f-a165-70867728950e";
  EXPECT_EQ(to_text(parse_uuid(text).value()), text);
  for (const char* wrong : {"", "0f8fad5bd9cb469fa16570867728950e", "0f8fad5b-d9cb-469f-a165-70867728950",
                            "0f8fad5b-d9cb-469f-a165-7086772895zz", "0f8fad5b-d9cb-469f-a165 70867728950e"})
    EXPECT_FALSE(parse_uuid(wrong)) << wrong;
  EXPECT_EQ(to_text(random_uuid())[14], '4');
}

}  // namespace
}  // namespace cardgate::simcard
