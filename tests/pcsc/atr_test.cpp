// SPDX-License-Identifier: Apache-2.0
#include "pcsc/atr.hpp"

#include <gtest/gtest.h>

namespace cardgate::pcsc {
namespace {

Bytes hex(std::string_view text) {
  return from_hex(text).value();
}

TEST(Atr, HistoricalBytesAreFoundBehindTheInterfaceBytes) {
  const Bytes plain = hex("3b0514a1a2a3a4");
  EXPECT_EQ(historical_bytes(plain)->size(), 5U);
  const Bytes with_td = hex("3b8580018073800140a5");  // TD1, TD2, then 5 bytes and the check byte
  const auto found = historical_bytes(with_td);
  ASSERT_TRUE(found);
  EXPECT_EQ(to_hex(*found), "8073800140");
}

TEST(Atr, ThatEndsTooEarlyOrTooLateIsRefused) {
  const Bytes whole = hex("3b8580018073800140");
  for (std::size_t size = 0; size < whole.size(); ++size)
    EXPECT_FALSE(historical_bytes(BytesView(whole).first(size))) << size;
  EXPECT_FALSE(historical_bytes(Bytes(34, 0x3b)));
  EXPECT_FALSE(historical_bytes(Bytes(33, 0xff))) << "interface bytes without end";
}

TEST(Atr, ExtendedLengthIsPromisedByCardCapabilities) {
  EXPECT_TRUE(promises_extended_length(hex("3b8580018073800140a5")));
  EXPECT_FALSE(promises_extended_length(hex("3b8580018073800100a5"))) << "capabilities without that bit";
  EXPECT_FALSE(promises_extended_length(hex("3b84800180718001a5"))) << "one software function table only";
  EXPECT_FALSE(promises_extended_length(hex("3b8b800180f9a0000003080000100018")))
      << "a name, no capabilities";
  EXPECT_TRUE(promises_extended_length(hex("3b8880010073800140009000"))) << "status bytes behind the objects";
  EXPECT_FALSE(promises_extended_length(hex("3b8580014173800140a5"))) << "a category of its own";
  EXPECT_FALSE(promises_extended_length(hex("")));
}

}  // namespace
}  // namespace cardgate::pcsc
