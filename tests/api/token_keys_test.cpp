// SPDX-License-Identifier: Apache-2.0
// The kinds of tokens, and the life of the keys that sign them.
#include <gmock/gmock.h>

#include "base/file.hpp"
#include "proto/token.hpp"
#include "tests/api/house.hpp"

namespace cardgate::testing {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
using ::testing::StartsWith;

class Tokens : public ::testing::Test {
 protected:
  void configure(const std::string& more, bool reference = false) {
    auto clients = House::usual_clients();
    if (reference) {
      const std::string place = "    sign_in: true\n";
      clients.insert(clients.find(place), "    format: reference\n");
    }
    house.write_config(clients + more);
    house.reload();
  }
  std::string token() {
    const auto reply = house.ask("POST", "/v1/token", {{"role", "core"}, {"audience", "esr"}}, House::ada());
    EXPECT_EQ(reply.status, 200) << reply.body;
    return reply.text("access_token");
  }
  bool is_active(const std::string& text) {
    return house.ask_form("/v1/introspect", "token=" + text, House::ada()).json().at("active").as_bool();
  }
  /// The keys as gates see them: the kids.
  std::vector<proto::VerifyingKey> published() {
    return proto::parse_jwks(house.ask("GET", "/.well-known/jwks.json", House::vera()).body).value();
  }
  static std::string kid_of(const std::string& token) {
    const auto header = from_base64url(token.substr(0, token.find('.'))).value();
    return std::string(parse_json(as_text(header))->at("kid").as_string());
  }
  static std::string algorithm_of(const std::string& token) {
    const auto header = from_base64url(token.substr(0, token.find('.'))).value();
    return std::string(parse_json(as_text(header))->at("alg").as_string());
  }
  Reply rotate(bool at_once = false) {
    return house.ask("POST", "/v1/token-keys", {{"at_once", at_once}}, House::root());
  }
  std::vector<std::string> acts() {
    std::vector<std::string> out;
    for (const auto& record : house.records("token_key"))
      out.emplace_back(record.at("details").at("act").as_string());
    return out;
  }
  House house;
};

TEST_F(Tokens, AReferenceSaysNothingAndIsKnownHereAlone) {
  configure("", true);
  house.sign_in(House::ada());
  const auto text = token();
  EXPECT_THAT(text, StartsWith("cgr_"));
  EXPECT_EQ(text.size(), 4U + 43U) << "32 bytes in base64url";
  EXPECT_EQ(token(), text) << "the same again";
  const auto shown = house.ask_form("/v1/introspect", "token=" + text, House::ada());
  EXPECT_EQ(shown.json().at("active").as_bool(), true) << shown.body;
  EXPECT_EQ(shown.json().at("sub").as_string(), "1000");
  EXPECT_EQ(shown.json().at("role").as_string(), "core");
  const auto verified = house.ask_by_token("/v1/verify?audience=esr&role=core", text, House::ada());
  EXPECT_EQ(verified.status, 204) << verified.body;
  auto other = text;
  other.back() = other.back() == 'A' ? 'E' : 'A';
  EXPECT_FALSE(is_active(other));
  EXPECT_FALSE(is_active("cgr_")) << "a prefix is no token";
  const auto record = house.records("token").back();
  const auto jti = std::string(record.at("details").at("jti").as_string());
  EXPECT_THAT(text, Not(HasSubstr(jti))) << "the log does not tell the token";
  EXPECT_FALSE(is_active("cgr_" + jti));
  house.remove_card(House::reader_of(House::ada()));
  EXPECT_FALSE(is_active(text)) << "it lives no second longer than its session";
}

TEST_F(Tokens, AnotherFormatIsANewToken) {
  house.sign_in(House::ada());
  const auto jwt = token();
  configure("", true);
  const auto reference = token();
  EXPECT_THAT(reference, StartsWith("cgr_"));
  EXPECT_TRUE(is_active(jwt));
  configure("");
  EXPECT_EQ(algorithm_of(token()), "EdDSA");
}

TEST_F(Tokens, OnlyTheVeryTextThatWasMadeIsAToken) {
  house.sign_in(House::ada());
  const auto text = token();
  ASSERT_TRUE(is_active(text));
  auto other = text;
  const auto dot = other.rfind('.') + 1;
  other[dot + 3] = other[dot + 3] == 'A' ? 'B' : 'A';
  EXPECT_FALSE(is_active(other)) << "its signature was changed";
  EXPECT_THAT(house.reasons("introspected"), ElementsAre("token_signature"));
}

TEST_F(Tokens, TheNextKeyIsPublishedBeforeItSignsAndTheOldOneStaysForItsTokens) {
  configure("tokens: {publish_ahead: 10m}\n");
  house.sign_in(House::ada());
  const auto old = token();
  ASSERT_THAT(published(), SizeIs(1));
  const auto rotated = rotate();
  ASSERT_EQ(rotated.status, 201) << rotated.body;
  EXPECT_THAT(rotated.text("message"), HasSubstr("signs by itself from 1 June 2026 at 12:10"));
  EXPECT_EQ(rotate().error(), "not_possible") << "one at a time";
  ASSERT_THAT(published(), SizeIs(2));
  EXPECT_EQ(kid_of(token()), kid_of(old)) << "it is only published";
  house.forward(minutes(9));
  const auto last = token();
  EXPECT_EQ(kid_of(last), kid_of(old));
  house.forward(seconds(61));
  const auto reply =
      house.ask("POST", "/v1/token", {{"role", "core"}, {"audience", "esr"}, {"fresh", true}}, House::ada());
  ASSERT_EQ(reply.status, 200) << reply.body;
  const auto fresh = reply.text("access_token");
  EXPECT_NE(kid_of(fresh), kid_of(old));
  EXPECT_TRUE(is_active(last)) << "the old one signed it, and its time is not over";
  EXPECT_TRUE(is_active(fresh));
  EXPECT_THAT(published(), SizeIs(2));
  EXPECT_TRUE(proto::check_signature(last, published())) << "offline, too";
  EXPECT_TRUE(proto::check_signature(fresh, published()));
  house.forward(minutes(6));
  EXPECT_THAT(published(), SizeIs(1));
  EXPECT_THAT(acts(), ElementsAre("signs", "published", "signs", "ended"));
}

TEST_F(Tokens, ARestartBetweenLosesNothing) {
  configure("tokens: {publish_ahead: 10m}\n");
  ASSERT_EQ(rotate().status, 201);
  const auto before = published();
  house.restart();
  const auto after = published();
  ASSERT_THAT(after, SizeIs(2));
  EXPECT_EQ(after.at(0).kid, before.at(0).kid);
  EXPECT_EQ(after.at(1).kid, before.at(1).kid);
  house.forward(minutes(11));
  house.restart();
  house.sign_in(House::ada());
  EXPECT_EQ(kid_of(token()), before.at(1).kid);
  house.forward(minutes(6));
  EXPECT_THAT(published(), SizeIs(1));
}

TEST_F(Tokens, ARevokedKeyGoesAtOnceWithItsTokens) {
  house.sign_in(House::ada());
  const auto text = token();
  ASSERT_EQ(house.ask("DELETE", "/v1/token-keys/nobody", House::root()).error(), "not_found");
  const auto revoked = house.ask("DELETE", "/v1/token-keys/" + kid_of(text), House::root());
  ASSERT_EQ(revoked.status, 200) << revoked.body;
  EXPECT_FALSE(is_active(text));
  const auto fresh = token();
  EXPECT_NE(kid_of(fresh), kid_of(text)) << "the token of the old key is not handed out again";
  EXPECT_TRUE(is_active(fresh));
  ASSERT_THAT(published(), SizeIs(1));
  EXPECT_EQ(published().front().kid, kid_of(fresh));
  EXPECT_THAT(acts(), ElementsAre("signs", "published", "signs", "revoked"));
  house.restart();
  ASSERT_THAT(published(), SizeIs(1));
  EXPECT_EQ(published().front().kid, kid_of(fresh)) << "it does not come back";
}

TEST_F(Tokens, AKeyIsRevokedAlsoWhenNoDiskTakesIt) {
  house.sign_in(House::ada());
  const auto text = token();
  House::break_disks();
  const auto revoked = house.ask("DELETE", "/v1/token-keys/" + kid_of(text), House::root());
  EXPECT_EQ(revoked.status, 200) << revoked.body;
  EXPECT_THAT(revoked.text("message"), HasSubstr("could not be written"));
  EXPECT_FALSE(is_active(text));
  House::mend_disks();
  house.forward(minutes(2));
  const auto now = published();
  house.restart();
  EXPECT_EQ(published().front().kid, now.front().kid) << "written as soon as it could be";
}

TEST_F(Tokens, KeysRotateByTheirAge) {
  configure("tokens: {publish_ahead: 10m, rotate_every: 24h}\n");
  house.forward(hours(23) + minutes(49));
  EXPECT_THAT(published(), SizeIs(1));
  house.forward(minutes(2));
  EXPECT_THAT(published(), SizeIs(2));
  house.forward(minutes(11));
  EXPECT_THAT(acts(), ElementsAre("signs", "published", "signs"));
}

TEST_F(Tokens, AnotherAlgorithmComesWithTheNextKey) {
  configure("tokens: {algorithm: ES256, publish_ahead: 10m}\n");
  house.sign_in(House::ada());
  EXPECT_EQ(algorithm_of(token()), "EdDSA");
  ASSERT_THAT(published(), SizeIs(2)) << "gates learn of it first";
  ASSERT_EQ(rotate(true).status, 201);
  const auto fresh =
      house.ask("POST", "/v1/token", {{"role", "core"}, {"audience", "esr"}, {"fresh", true}}, House::ada())
          .text("access_token");
  EXPECT_EQ(algorithm_of(fresh), "ES256");
  EXPECT_TRUE(is_active(fresh));
  const auto keys = published();
  EXPECT_EQ(proto::check_signature(fresh, keys).error().code, Errc::token_signature)
      << "not without somebody who can check it";
  auto altered = fresh;
  const auto dot = altered.rfind('.') + 1;
  altered[dot + 3] = altered[dot + 3] == 'A' ? 'B' : 'A';
  EXPECT_FALSE(is_active(altered));
  house.restart();
  house.sign_in(House::ada());
  EXPECT_EQ(algorithm_of(token()), "ES256");
}

TEST_F(Tokens, AnAlgorithmThatIsTakenBackNeverSigns) {
  configure("tokens: {algorithm: ES256, publish_ahead: 10m}\n");
  ASSERT_THAT(published(), SizeIs(2));
  configure("tokens: {publish_ahead: 10m}\n");
  EXPECT_THAT(published(), SizeIs(1));
  house.forward(minutes(11));
  house.sign_in(House::ada());
  EXPECT_EQ(algorithm_of(token()), "EdDSA");
  EXPECT_THAT(acts(), ElementsAre("signs", "published", "withdrawn"));
}

TEST_F(Tokens, AClockThatWasWrongForAMomentStopsNoRotation) {
  configure("tokens: {publish_ahead: 10m, rotate_every: 24h}\n");
  house.clock.slip(hours(24 * 365));
  house.service().clock_was_set();
  house.clock.slip(-hours(24 * 365));
  house.service().clock_was_set();
  for (const auto& key : house.owners().tokens.keys().all())
    EXPECT_LE(key.signs_from, house.clock.wall() + minutes(10));
  house.forward(minutes(16));
  house.forward(hours(25));
  const auto done = acts();
  EXPECT_EQ(std::ranges::count(done, "published"), 2) << "it goes on by itself";
}

TEST_F(Tokens, AFileOfSaltsThatIsGoneBringsNoOldKeyBack) {
  const auto first = published().front().kid;
  ASSERT_EQ(house.ask("DELETE", "/v1/token-keys/" + first, House::root()).status, 200);
  std::filesystem::remove(house.dir / "state/token-keys");
  house.restart();
  ASSERT_THAT(published(), SizeIs(1));
  EXPECT_NE(published().front().kid, first);
}

TEST_F(Tokens, KeysAreNotMadeWithoutEnd) {
  Reply last;
  for (int i = 0; i < 20; ++i) last = rotate(true);
  EXPECT_EQ(last.error(), "not_possible");
  EXPECT_LE(published().size(), 16U);
}

TEST_F(Tokens, AreForRootToRotate) {
  EXPECT_EQ(house.ask("GET", "/v1/token-keys", House::ada()).status, 404);
  const auto listed = house.ask("GET", "/v1/token-keys", House::root());
  ASSERT_EQ(listed.status, 200) << listed.body;
  EXPECT_EQ(listed.json().at("keys").at(0).at("state").as_string(), "signing");
  EXPECT_THAT(listed.body, Not(HasSubstr("salt")));
}

TEST_F(Tokens, ADamagedListOfKeysIsSaidAtTheStart) {
  ASSERT_EQ(rotate().status, 201);
  const auto text = read_file(house.dir / "state/token-keys", 65536).value();
  const auto file = house.dir / "keys";
  const auto open = [&](const std::string& content) {
    EXPECT_TRUE(write_file_atomic(file, as_bytes(content), 0600));
    const auto seed = read_file(house.dir / "state/token-key", 64).value();
    return daemon::TokenKeys::open(SigningKey::from_seed(as_bytes(seed)).value(), file,
                                   proto::Algorithm::eddsa, house.clock.wall());
  };
  EXPECT_TRUE(open(text));
  for (std::size_t length = 0; length + 1 < text.size(); length += 7) {
    const auto opened = open(text.substr(0, length));
    ASSERT_FALSE(opened) << length;
    EXPECT_EQ(opened.error().code, Errc::corrupt);
    EXPECT_THAT(opened.error().context, HasSubstr("put it back from a backup"));
  }
  auto two = text;
  two.replace(two.find("\"next\""), 6, "\"signing\"");
  EXPECT_FALSE(open(two)) << "two that sign";
  ASSERT_TRUE(write_file_atomic(file, as_bytes(text), 0600));
  const auto other = daemon::TokenKeys::open(SigningKey::from_seed(Bytes(32, 2)).value(), file,
                                             proto::Algorithm::eddsa, house.clock.wall());
  ASSERT_TRUE(other) << "its secret is gone, so it begins anew";
  EXPECT_EQ(other->published().size(), 1U);
}

}  // namespace
}  // namespace cardgate::testing
