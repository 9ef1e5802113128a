// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include "proto/token.hpp"

namespace cardgate::proto {
namespace {

PublicKey rfc_public_key() {
  PublicKey key{};
  std::ranges::copy(*from_base64url("11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"), key.begin());
  return key;
}

TEST(KeyId, IsTheThumbprintOfRfc8037AppendixA3) {
  EXPECT_EQ(key_id(rfc_public_key()), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
}

TEST(Jwks, ComesBackAsItWasWritten) {
  std::vector<VerifyingKey> keys;
  for (int i = 0; i < 3; ++i) {
    const auto key = SigningKey::generate();
    keys.push_back({key_id(key.public_key()), key.public_key()});
  }
  const auto read = parse_jwks(jwks(keys));
  ASSERT_TRUE(read) << read.error().message();
  ASSERT_EQ(read->size(), 3U);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ((*read)[i].kid, keys[i].kid);
    EXPECT_EQ((*read)[i].key, keys[i].key);
  }
  EXPECT_TRUE(parse_jwks(jwks({}))->empty());
}

TEST(Jwks, PassesOverKeysOfOtherTypes) {
  const auto read =
      parse_jwks(R"({"keys":[{"kty":"EC","crv":"P-384","kid":"a"},{"kty":"OKP","crv":"X25519","kid":"b"},
    {"kty":"OKP","crv":"Ed25519","kid":"c","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo","note":"more"}],"more":1})");
  ASSERT_TRUE(read) << read.error().message();
  ASSERT_EQ(read->size(), 1U);
  EXPECT_EQ(read->front().kid, "c");
}

TEST(Jwks, HasKeysOfEachAlgorithm) {
  // The key of RFC 7515 appendix A.3.
  VerifyingKey curve{"c", {}, Algorithm::es256, {}};
  std::ranges::copy(*from_base64url("f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"), curve.key.begin());
  std::ranges::copy(*from_base64url("x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"), curve.y.begin());
  VerifyingKey plain{"p", rfc_public_key(), Algorithm::ed25519, {}};
  const auto read = parse_jwks(jwks(std::vector{curve, plain}));
  ASSERT_TRUE(read) << read.error().message();
  ASSERT_EQ(read->size(), 2U);
  EXPECT_EQ(read->front().algorithm, Algorithm::es256);
  EXPECT_EQ(read->front().key, curve.key);
  EXPECT_EQ(read->front().y, curve.y);
  EXPECT_EQ(read->back().algorithm, Algorithm::ed25519);
  EXPECT_NE(key_id(curve), key_id(plain));
}

TEST(Jwks, RefusesWhatIsNotASetOfPublicKeys) {
  for (
      const std::string_view text : {
          "",
          "[]",
          "{}",
          R"({"keys":{}})",
          R"({"keys":[1]})",
          R"({"keys":[{}]})",
          R"({"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]})",
          R"({"keys":[{"kty":"OKP","crv":"Ed25519","kid":"c"}]})",
          R"({"keys":[{"kty":"EC","crv":"P-256","kid":"a","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"}]})",
          R"({"keys":[{"kty":"OKP","crv":"Ed25519","kid":"c","alg":"ES256","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]})",
          R"({"keys":[{"kty":"OKP","crv":"Ed25519","kid":"c","x":"11qY"}]})",
          R"({"keys":[{"kty":"OKP","crv":"Ed25519","kid":"c","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURp"}]})",
          R"({"keys":[{"kty":"OKP","crv":"Ed25519","kid":"c","use":"enc","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]})",
          R"({"keys":[{"kty":"OKP","crv":"Ed25519","kid":"c","alg":"HS256","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]})",
          R"({"keys":[{"kty":"OKP","crv":"Ed25519","kid":"c","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo",
             "d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"}]})",
          R"({"keys":[{"kty":"OKP","crv":"Ed25519","kid":"c","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"},
             {"kty":"OKP","crv":"Ed25519","kid":"c","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]})",
      }) {
    EXPECT_FALSE(parse_jwks(text)) << text;
  }
}

TEST(Jwks, TruncatedAtAnyLengthIsRefused) {
  const auto text = jwks(std::vector<VerifyingKey>{{"k", rfc_public_key()}});
  for (std::size_t length = 0; length < text.size(); ++length)
    EXPECT_FALSE(parse_jwks(text.substr(0, length)));
}

}  // namespace
}  // namespace cardgate::proto
