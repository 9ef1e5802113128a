// SPDX-License-Identifier: Apache-2.0
#include "base/password.hpp"

#include <gtest/gtest.h>

#include <set>

namespace cardgate {
namespace {

constexpr PasswordCost cheap{1, least_password_memory};

TEST(Password, IsKeptAsArgon2idAtTheCostAskedFor) {
  init_crypto();
  const Secret typed("correct horse \xF0\x9F\x90\x8E battery");
  const auto stored = hash_password(typed, {2, 16U << 20U});
  ASSERT_TRUE(stored);
  EXPECT_TRUE(stored->starts_with("$argon2id$v=19$m=16384,t=2,p=1$")) << *stored;
  EXPECT_TRUE(*verify_password(*stored, typed));
  EXPECT_FALSE(*verify_password(*stored, Secret("correct horse battery")));
  EXPECT_NE(*stored, *hash_password(typed, {2, 16U << 20U})) << "two people with one password must not show";
  EXPECT_FALSE(needs_rehash(*stored, {2, 16U << 20U}));
  EXPECT_TRUE(needs_rehash(*stored, {3, 16U << 20U}));
  EXPECT_TRUE(needs_rehash(*stored, cheap));
}

TEST(Password, IsReadOnlyAsItIsWritten) {
  init_crypto();
  const Secret typed("four plain words here");
  const std::string stored = *hash_password(typed, cheap);
  const auto changed = [&](const std::string& from, const std::string& to) {
    std::string text = stored;
    text.replace(text.find(from), from.size(), to);
    return text;
  };
  for (const auto& other :
       {stored + "A", stored.substr(0, stored.size() - 1), " " + stored, changed("argon2id", "argon2i"),
        changed("v=19", "v=16"), changed("p=1", "p=2"), changed("t=1", "t=0"), changed("t=1", "t="),
        changed("t=1", "t=-1"), changed("m=8192", "m=99999999999999999999"),
        changed("$argon2id", "x$argon2id")}) {
    EXPECT_FALSE(*verify_password(other, typed)) << other;
    EXPECT_TRUE(needs_rehash(other, cheap)) << other;
  }
  EXPECT_FALSE(*verify_password(changed("t=1", "t=2"), typed)) << "the cost is part of it";
}

TEST(Password, OfNobodyIsAHashLikeAnyOtherAndMatchesNothing) {
  init_crypto();
  const auto nobodys = unmatchable_hash(cheap);
  // It is read like any other, of this very cost, so checking it is the same work.
  EXPECT_FALSE(needs_rehash(nobodys, cheap)) << nobodys;
  EXPECT_EQ(nobodys.size(), hash_password(Secret("x"), cheap)->size());
  EXPECT_FALSE(*verify_password(nobodys, Secret("x")));
  EXPECT_FALSE(*verify_password("", Secret("")));
  EXPECT_FALSE(*verify_password(std::string(1000, '$'), Secret("x")));
}

TEST(Password, SaysWhenMemoryIsLacking) {
  init_crypto();
  const auto refused = hash_password(Secret("x"), {1, std::size_t{1} << 41U});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::unavailable);
  const auto unknown = verify_password(unmatchable_hash({1, std::size_t{1} << 41U}), Secret("x"));
  ASSERT_FALSE(unknown) << "not the same as a wrong password";
  EXPECT_EQ(unknown.error().code, Errc::unavailable);
}

TEST(Code, IsReadHoweverAPersonTypesIt) {
  init_crypto();
  std::set<std::string> seen;
  for (int i = 0; i < 50; ++i) {
    const Secret code = random_code(3);
    ASSERT_EQ(code.size(), 14U);
    EXPECT_EQ(code.text()[4], '-');
    EXPECT_EQ(normal_code(code).text(), code.text());
    EXPECT_TRUE(seen.insert(std::string(code.text())).second);
  }
  EXPECT_EQ(normal_code(Secret("oil0-k7mq Zz9a")).text(), "0110-K7MQ-ZZ9A");
  for (const char* bad : {"", "-", "ABC", "ABCD-EFGH-JKMU", "ABCD!"})
    EXPECT_TRUE(normal_code(Secret(bad)).empty()) << bad;
  EXPECT_TRUE(normal_code(Secret(std::string(65, 'A'))).empty());
}

}  // namespace
}  // namespace cardgate
