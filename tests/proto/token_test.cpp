// SPDX-License-Identifier: Apache-2.0
#include "proto/token.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

namespace cardgate::proto {
namespace {

// RFC 8037 appendix A.1.
SigningKey rfc_key() {
  return SigningKey::from_seed(*from_base64url("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A")).value();
}

WallTime at(std::int64_t unix_seconds) {
  return WallTime(seconds(unix_seconds));
}

struct TokenTest : testing::Test {
  SigningKey key = rfc_key();
  std::string kid = key_id(key.public_key());
  std::vector<VerifyingKey> keys{{kid, key.public_key()}};
  Claims claims{.iss = "https://cardgate.example",
                .sub = "p-1001",
                .aud = "esr",
                .exp = 1'900'000'300,
                .iat = 1'900'000'000,
                .nbf = 1'900'000'000,
                .jti = "AAECAwQFBgcICQoLDA0ODw",
                .sid = "EBESExQVFhcYGRobHB0eHw",
                .client_id = "esr-desktop",
                .role = "core",
                .scope = "role:core",
                .records = "all",
                .records_of = {"2000", "2001@2027-02-28"},
                .acr = "urn:cardgate:acr:card",
                .amr = {"sc", "pin"},
                .revocation = "good",
                .auth_time = 1'899'999'000,
                .policy = "b2:0011"};

  Errc refusal(std::string_view token) const {
    const auto result = check_signature(token, keys);
    return result ? Errc::ok : result.error().code;
  }
  /// A token with any header and payload, properly signed.
  std::string signed_token(std::string_view header, std::string_view payload) const {
    auto token = to_base64url(as_bytes(header)) + "." + to_base64url(as_bytes(payload));
    const auto signature = key.sign(as_bytes(token));
    return token + "." + to_base64url(signature);
  }
  std::string good_header() const {
    return fmt::format(R"({{"alg":"EdDSA","typ":"at+jwt","kid":"{}"}})", kid);
  }
  std::string good_payload() const { return json::serialize(to_json(claims)); }
};

TEST_F(TokenTest, ComesBackAsItWasIssued) {
  const auto token = issue(key, kid, claims);
  const auto read = check_signature(token, keys);
  ASSERT_TRUE(read) << read.error().message();
  EXPECT_EQ(*read, claims);
}

TEST_F(TokenTest, IsTheJsonOfItsClaims) {
  EXPECT_EQ(issue(key, kid, claims), signed_token(good_header(), good_payload()));
}

TEST_F(TokenTest, LeavesOutWhatIsEmpty) {
  claims.scope.clear();
  claims.amr.clear();
  claims.nbf = 0;
  EXPECT_FALSE(to_json(claims).contains("scope"));
  EXPECT_FALSE(to_json(claims).contains("amr"));
  EXPECT_FALSE(to_json(claims).contains("nbf"));
  const auto read = check_signature(issue(key, kid, claims), keys);
  ASSERT_TRUE(read);
  EXPECT_EQ(*read, claims);
}

TEST_F(TokenTest, CarriesAnyTextUnchanged) {
  claims.sub = "quote \" back\\slash \n tab\t bell\a é 漢 \U0001F600";
  claims.aud = std::string(1000, '"');
  const auto read = check_signature(issue(key, kid, claims), keys);
  ASSERT_TRUE(read) << read.error().message();
  EXPECT_EQ(*read, claims);
}

TEST_F(TokenTest, MatchesTheSignatureOfRfc8037AppendixA4) {
  constexpr std::string_view signing_input = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc";
  constexpr std::string_view expected =
      "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";
  EXPECT_EQ(to_base64url(key.sign(as_bytes(signing_input))), expected);
  // A perfect signature, but not over a token of ours.
  EXPECT_EQ(refusal(fmt::format("{}.{}", signing_input, expected)), Errc::token_malformed);
}

TEST_F(TokenTest, AlteredAnywhereIsRefused) {
  const auto token = issue(key, kid, claims);
  for (std::size_t i = 0; i < token.size(); ++i) {
    for (const char replacement : {'A', 'B', '_', '.', '=', ' ', '\0'}) {
      if (token[i] == replacement) continue;
      auto altered = token;
      altered[i] = replacement;
      EXPECT_NE(refusal(altered), Errc::ok) << "byte " << i;
    }
    auto flipped = token;
    flipped[i] = static_cast<char>(flipped[i] ^ 1);
    EXPECT_NE(refusal(flipped), Errc::ok) << "byte " << i;
    auto shorter = token;
    shorter.erase(i, 1);
    EXPECT_NE(refusal(shorter), Errc::ok) << "byte " << i;
    auto longer = token;
    longer.insert(i, 1, 'A');
    EXPECT_NE(refusal(longer), Errc::ok) << "byte " << i;
    EXPECT_NE(refusal(token.substr(0, i)), Errc::ok) << "first " << i << " bytes";
  }
}

TEST_F(TokenTest, HasExactlyThreeParts) {
  const auto token = issue(key, kid, claims);
  for (const auto& text :
       {token + ".", token + ".AA", "." + token, token + "=", token + "\n", std::string("..")}) {
    EXPECT_EQ(refusal(text), Errc::token_malformed) << text;
  }
}

TEST_F(TokenTest, RefusesOtherAlgorithmsAndTypes) {
  for (const std::string_view header : {
           R"({{"alg":"none","typ":"at+jwt","kid":"{}"}})", R"({{"alg":"HS256","typ":"at+jwt","kid":"{}"}})",
           R"({{"alg":"eddsa","typ":"at+jwt","kid":"{}"}})", R"({{"alg":"EdDSA","typ":"JWT","kid":"{}"}})",
           R"({{"alg":"EdDSA","kid":"{}"}})", R"({{"typ":"at+jwt","kid":"{}"}})",
           R"({{"alg":["EdDSA"],"typ":"at+jwt","kid":"{}"}})",
           R"({{"alg":"EdDSA","typ":"at+jwt","kid":"{}","crit":["exp"]}})",
           R"({{"alg":"EdDSA","typ":"at+jwt","kid":"{}","jku":"https://keys.example"}})",
           R"({{"alg":"none","alg":"EdDSA","typ":"at+jwt","kid":"{}"}})",
           R"({{"alg":"EdDSA","typ":"at+jwt","kid":"{}"}} )",  // white space is fine JSON; see below
       }) {
    const auto text = fmt::format(fmt::runtime(header), kid);
    const auto expected = text.ends_with(' ') ? Errc::ok : Errc::token_malformed;
    EXPECT_EQ(refusal(signed_token(text, good_payload())), expected) << text;
  }
  // The signature part emptied, as with alg none.
  const auto token = issue(key, kid, claims);
  EXPECT_EQ(refusal(token.substr(0, token.rfind('.') + 1)), Errc::token_malformed);
}

TEST_F(TokenTest, RefusesAKeyItDoesNotKnow) {
  const auto foreign = SigningKey::generate();
  EXPECT_EQ(refusal(issue(foreign, key_id(foreign.public_key()), claims)), Errc::token_signature);
  EXPECT_EQ(refusal(issue(foreign, kid, claims)), Errc::token_signature);
  EXPECT_EQ(check_signature(issue(key, kid, claims), {}).error().code, Errc::token_signature);
  keys.push_back({key_id(foreign.public_key()), foreign.public_key()});  // keys rotate with overlap
  EXPECT_EQ(refusal(issue(foreign, key_id(foreign.public_key()), claims)), Errc::ok);
  EXPECT_EQ(refusal(issue(key, kid, claims)), Errc::ok);
}

TEST_F(TokenTest, AKeyIsForOneAlgorithm) {
  const auto sign = [&](BytesView message) { return key.sign(message); };
  const auto named = issue(Algorithm::ed25519, kid, claims, sign);
  EXPECT_EQ(refusal(named), Errc::token_signature) << "the header does not choose";
  keys.front().algorithm = Algorithm::ed25519;
  EXPECT_EQ(refusal(named), Errc::ok);
  EXPECT_EQ(refusal(issue(key, kid, claims)), Errc::token_signature);
  keys.front().algorithm = Algorithm::es256;
  const auto by_curve = issue(Algorithm::es256, kid, claims, sign);
  EXPECT_EQ(refusal(by_curve), Errc::token_signature) << "without anybody who can check it";
  const CheckEs256 yes = [](const VerifyingKey&, BytesView, BytesView) { return true; };
  EXPECT_TRUE(check_signature(by_curve, keys, yes));
  EXPECT_FALSE(check_signature(issue(key, kid, claims), keys, yes));
}

TEST_F(TokenTest, RefusesClaimsThatAreMissingOrOfAnotherType) {
  for (const auto* name : {"iss", "sub", "aud", "exp", "iat", "jti", "client_id"}) {
    auto object = to_json(claims);
    object.erase(name);
    EXPECT_EQ(refusal(signed_token(good_header(), json::serialize(object))), Errc::token_malformed) << name;
  }
  for (const auto& member : to_json(claims)) {
    for (const json::value& wrong : {json::value(nullptr), json::value(1.5), json::value(true),
                                     json::value(""), json::value(json::array{1}), json::value(-5)}) {
      auto object = to_json(claims);
      object[member.key()] = wrong;
      EXPECT_EQ(refusal(signed_token(good_header(), json::serialize(object))), Errc::token_malformed)
          << member.key() << " " << wrong;
    }
  }
  EXPECT_EQ(refusal(signed_token(good_header(), "[]")), Errc::token_malformed);
  EXPECT_EQ(refusal(signed_token(good_header(), good_payload() + "{}")), Errc::token_malformed);
  auto twice = good_payload();
  twice.insert(1, R"("sub":"p-9999",)");
  EXPECT_EQ(refusal(signed_token(good_header(), twice)), Errc::token_malformed);
}

TEST_F(TokenTest, LooksAtNothingOverItsSizeLimit) {
  claims.policy = std::string(max_token_bytes, 'x');
  EXPECT_EQ(refusal(issue(key, kid, claims)), Errc::token_malformed);
}

TEST_F(TokenTest, TellsExpiredFromNotYetValid) {
  EXPECT_TRUE(check_times(claims, at(claims.nbf)));
  EXPECT_TRUE(check_times(claims, at(claims.exp) - milliseconds(1)));
  EXPECT_EQ(check_times(claims, at(claims.exp)).error().code, Errc::token_expired);
  EXPECT_EQ(check_times(claims, at(claims.nbf) - milliseconds(1)).error().code, Errc::token_not_yet_valid);
  claims.nbf = 0;
  EXPECT_TRUE(check_times(claims, at(1)));
}

}  // namespace
}  // namespace cardgate::proto
