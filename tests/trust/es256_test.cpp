// SPDX-License-Identifier: Apache-2.0
// ECDSA on P-256 for tokens.
#include "trust/es256.hpp"

#include <gtest/gtest.h>

namespace cardgate::trust {
namespace {

Es256Key key_of(std::uint8_t byte) {
  return Es256Key::from_seed(Bytes(32, byte)).value();
}

TEST(Es256, TheSameSeedIsTheSameKey) {
  EXPECT_EQ(key_of(1).point().x, key_of(1).point().x);
  EXPECT_NE(key_of(1).point().x, key_of(2).point().x);
  EXPECT_FALSE(Es256Key::from_seed(Bytes(31)));
}

TEST(Es256, OnlyItsOwnSignatureIsGood) {
  const auto key = key_of(1);
  const auto message = as_bytes(std::string_view("header.payload"));
  for (int i = 0; i < 200; ++i) {  // r and s with zeros in front, too
    const auto signature = key.sign(message);
    ASSERT_TRUE(verify_es256(key.point(), message, signature));
  }
  auto signature = key.sign(message);
  EXPECT_FALSE(verify_es256(key_of(2).point(), message, signature));
  EXPECT_FALSE(verify_es256(key.point(), as_bytes(std::string_view("header.other")), signature));
  EXPECT_FALSE(verify_es256(key.point(), message, BytesView(signature).first(63)));
  signature[40] ^= 1;
  EXPECT_FALSE(verify_es256(key.point(), message, signature));
  EXPECT_FALSE(verify_es256(key.point(), message, Signature{})) << "r and s of zero";
}

TEST(Es256, APointThatIsNotOnTheCurveIsNoKey) {
  const auto key = key_of(1);
  const auto message = as_bytes(std::string_view("text"));
  auto point = key.point();
  point.y[31] ^= 1;
  EXPECT_FALSE(verify_es256(point, message, key.sign(message)));
}

}  // namespace
}  // namespace cardgate::trust
