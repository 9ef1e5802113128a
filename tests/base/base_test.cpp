// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstdlib>
#include <filesystem>

#include "base/bytes.hpp"
#include "base/clock.hpp"
#include "base/crypto.hpp"
#include "base/file.hpp"
#include "base/json.hpp"

namespace cardgate {
namespace {

Result<int> half(int n) {
  if (n % 2 != 0) return Error{Errc::invalid_argument, "odd"};
  return n / 2;
}
Result<int> quarter(int n) {
  return TRY(half(TRY(half(n))));
}
Result<void> must_halve(int n) {
  TRY(half(n));
  return {};
}

TEST(Result, TryReturnsTheFirstError) {
  EXPECT_EQ(*quarter(8), 2);
  EXPECT_EQ(quarter(6).error().code, Errc::invalid_argument);
  EXPECT_TRUE(must_halve(2));
  EXPECT_FALSE(must_halve(1));
  EXPECT_EQ(half(1).error().with("halving").message(), "halving: odd (invalid_argument)");
}

TEST(Base64url, IsDecodedStrictly) {
  EXPECT_EQ(to_base64url(as_bytes("\xff\xfe")), "__4");
  EXPECT_EQ(*from_base64url("__4"), (Bytes{0xff, 0xfe}));
  for (const char* bad : {"__5", "__4=", "_ _4", "+/4", "_", "__4\n"})
    EXPECT_FALSE(from_base64url(bad)) << bad;
}

TEST(Hex, TakesSpacesBetweenBytesOnly) {
  EXPECT_EQ(*from_hex("00 a4 04"), (Bytes{0, 0xa4, 4}));
  EXPECT_FALSE(from_hex("0"));
  EXPECT_FALSE(from_hex("0 0"));
  EXPECT_FALSE(from_hex("zz"));
}

TEST(PlainUtf8, RefusesWhatCouldForgeALogLine) {
  EXPECT_TRUE(is_plain_utf8("Zo\xc3\xab \xe6\xbc\xa2 O'Neil"));
  for (const char* bad : {"a\nb", "a\x1b[2J", "\xc0\xaf", "\xed\xa0\x80", "\xe2\x80\xae", "\xc3"}) {
    EXPECT_FALSE(is_plain_utf8(bad));
  }
}

TEST(Times, RoundTripAndRefuseNonsense) {
  const auto time = *parse_rfc3339("2026-02-28T23:59:59.250Z");
  EXPECT_EQ(to_rfc3339(time), "2026-02-28T23:59:59.250Z");
  EXPECT_EQ(*parse_rfc3339("2026-03-01T01:59:59.25+02:00"), time);
  for (const char* bad : {"2026-02-30T00:00:00Z", "2026-02-01T24:00:00Z", "2026-02-01", "2026-02-01T00:00:00",
                          "2026-02-01T00:00:00Zx", "2026-02-01T00:00:00.Z"}) {
    EXPECT_FALSE(parse_rfc3339(bad)) << bad;
  }
  EXPECT_FALSE(parse_date("2025-02-29"));
  EXPECT_FALSE(parse_date("2025-2-09"));
  EXPECT_EQ(*parse_duration("15m"), std::chrono::minutes(15));
  for (const char* bad : {"15", "m", "-5m", "5 m", "99999999999s"}) EXPECT_FALSE(parse_duration(bad)) << bad;
}

TEST(Json, RefusesDuplicateKeysDepthAndTrailingText) {
  EXPECT_TRUE(parse_json(R"({"a":{"a":1},"b":[{"a":2},{"a":3}]})"));
  EXPECT_EQ(parse_json(R"({"a":1,"\u0061":2})").error().context, "the key \"a\" stands twice");
  EXPECT_FALSE(parse_json(R"({"a":1} x)"));
  EXPECT_FALSE(parse_json(std::string(40, '[') + std::string(40, ']')));
  EXPECT_FALSE(parse_json(""));
  EXPECT_EQ(parse_json("[1]", 2).error().code, Errc::too_large);
}

TEST(Signing, VerifiesOwnSignatureAndNoOther) {
  const auto key = SigningKey::generate();
  const auto signature = key.sign(as_bytes("hello"));
  EXPECT_TRUE(verify(key.public_key(), as_bytes("hello"), signature));
  EXPECT_FALSE(verify(key.public_key(), as_bytes("hellO"), signature));
  const auto again = *SigningKey::from_seed(key.seed().bytes());
  EXPECT_EQ(again.public_key(), key.public_key());
  EXPECT_FALSE(SigningKey::from_seed(Bytes(31)));
}

TEST(Secret, MovesLeaveNothingBehind) {
  Secret a(std::string_view("123456"));
  Secret b = std::move(a);
  EXPECT_TRUE(a.empty());  // NOLINT(bugprone-use-after-move): what a move leaves is the point
  EXPECT_EQ(b.text(), "123456");
}

TEST(Files, AreReplacedWholeWithTheirMode) {
  char pattern[] = "/tmp/cardgate-base-XXXXXX";
  const std::filesystem::path dir = ::mkdtemp(pattern);
  const auto path = dir / "key";
  ASSERT_TRUE(write_file_atomic(path, as_bytes("one"), 0600));
  ASSERT_TRUE(write_file_atomic(path, as_bytes("two"), 0600));
  EXPECT_EQ(*read_file(path, 100), "two");
  EXPECT_EQ(read_file(path, 2).error().code, Errc::too_large);
  EXPECT_EQ(read_file(dir / "none", 2).error().code, Errc::not_found);
  EXPECT_FALSE(read_file(dir, 100));
  struct stat status{};
  ASSERT_EQ(::stat(path.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0600U);
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(dir), {}), 1) << "a temporary was left behind";
  std::filesystem::remove_all(dir);
}

}  // namespace
}  // namespace cardgate
