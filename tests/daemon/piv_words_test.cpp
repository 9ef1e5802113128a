// SPDX-License-Identifier: Apache-2.0
#include "daemon/drivers/piv_words.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "daemon/cards/readers.hpp"
#include "daemon/drivers/tries.hpp"
#include "proto/card_words.hpp"

namespace cardgate::daemon {
namespace {

using proto::last_try_of_unblocking_key;
using proto::unblocking_key_blocked;
using ::testing::HasSubstr;
using ::testing::Not;

TEST(PivWords, AKeyThatCannotBeUsedIsNamedBeforeAnybodyTypes) {
  const auto refused = algorithm_of(trust::KeyKind::rsa4096);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Errc::key_unsupported);
  EXPECT_THAT(explain_card_error(refused.error()), HasSubstr("RSA-4096"));
  EXPECT_FALSE(algorithm_of(trust::KeyKind::other));
  for (const auto key :
       {trust::KeyKind::rsa2048, trust::KeyKind::rsa3072, trust::KeyKind::p256, trust::KeyKind::p384})
    EXPECT_TRUE(algorithm_of(key));
}

TEST(PivWords, AKeyOfAnotherKindIsAForgeryAndOneThatDoesNotSignIsNot) {
  for (const Errc other : {Errc::key_unsupported, Errc::card_data_missing})
    EXPECT_EQ(not_signed({other, "why", 0x6A86}).code, Errc::signature_invalid);
  for (const Errc fails : {Errc::permission_denied, Errc::card_status, Errc::card_protocol, Errc::too_large})
    EXPECT_EQ(not_signed({fails, "why", 0x6985}).code, Errc::permission_denied);
  for (const Errc reader :
       {Errc::pcsc_card_removed, Errc::pcsc_card_mute, Errc::pcsc_transport, Errc::cancelled})
    EXPECT_EQ(not_signed({reader, "why"}).code, reader);
}

TEST(PivWords, ACertificateWithoutItsKeyIsNamedWhateverTheCardCallsIt) {
  for (const auto& [code, sw] : std::vector<std::pair<Errc, int>>{
           {Errc::card_status, 0x6985}, {Errc::key_unsupported, 0x6A86}, {Errc::card_data_missing, 0x6A88}})
    EXPECT_THAT(why_not_shown({code, "why", sw}), HasSubstr("the key that belongs to it is missing"));
  EXPECT_THAT(why_not_shown({Errc::permission_denied, "why", 0x6982}), HasSubstr("wants a passcode"));
  EXPECT_THAT(why_not_shown({Errc::pcsc_card_mute, "why"}), HasSubstr("touch"));
  EXPECT_THAT(why_not_shown({Errc::key_unsupported, "why"}), HasSubstr("of a kind"));
  EXPECT_THAT(why_not_shown({Errc::card_status, "signing: card answered 6F00", 0x6F00}), HasSubstr("6F00"));
}

TEST(PivWords, ABlockedUnblockingKeyIsNotSaidToCostThePasscode) {
  EXPECT_THAT(unblocking_key_blocked(3), HasSubstr("The passcode still works"));
  EXPECT_THAT(unblocking_key_blocked(tries_unknown), HasSubstr("The passcode still works"));
  EXPECT_THAT(unblocking_key_blocked(0), Not(HasSubstr("still works")));
  EXPECT_THAT(last_try_of_unblocking_key(3), HasSubstr("still works"));
  EXPECT_THAT(last_try_of_unblocking_key(0), Not(HasSubstr("still works")));
  EXPECT_THAT(wrong_unblocking_key(tries_unknown), HasSubstr("does not say"));
  EXPECT_THAT(wrong_unblocking_key(1), HasSubstr("One try is left"));
}

}  // namespace
}  // namespace cardgate::daemon
