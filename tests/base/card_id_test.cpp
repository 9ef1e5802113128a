// SPDX-License-Identifier: Apache-2.0
#include "base/card_id.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/bytes.hpp"

namespace cardgate {
namespace {

using ::testing::HasSubstr;

/// ";9999=9999=..." as the 5-bit symbols of a FASC-N: digits, ';' starts, '=' separates, '?' ends; the check
/// symbol is the XOR of all before it.
std::string fasc_n(std::string_view text) {
  std::string bits;
  unsigned check = 0;
  const auto symbol = [&](unsigned value) {
    unsigned ones = 0;
    for (unsigned i = 0; i < 4; ++i) {
      const unsigned bit = (value >> i) & 1U;
      ones += bit;
      bits += bit != 0 ? '1' : '0';
    }
    bits += ones % 2 == 0 ? '1' : '0';
  };
  for (const char c : text) {
    const unsigned value = c == ';' ? 11U : c == '=' ? 13U : c == '?' ? 15U : static_cast<unsigned>(c - '0');
    check ^= value;
    symbol(value);
  }
  symbol(check);
  Bytes bytes(bits.size() / 8);
  for (std::size_t i = 0; i < bits.size(); ++i) {
    if (bits[i] == '1') bytes[i / 8] = static_cast<std::uint8_t>(bytes[i / 8] | (0x80U >> (i % 8)));
  }
  return to_hex(bytes);
}

TEST(PlaceholderUuid, WhatIssuersLeaveInIsNoName) {
  for (const char* uuid : {"00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff",
                           "FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF", "FfFfFfFf-ffff-ffff-ffff-ffffffffffff",
                           "99999999-9999-9999-9999-999999999999", "00000000-0000-4000-8000-000000000000",
                           "ffffffff-ffff-4fff-bfff-ffffffffffff"}) {
    EXPECT_TRUE(is_placeholder_uuid(uuid)) << uuid;
    EXPECT_THAT(why_placeholder("card_uuid", uuid), HasSubstr("names no single card")) << uuid;
    EXPECT_THAT(why_placeholder("uri", "urn:uuid:" + std::string(uuid)), HasSubstr("placeholder")) << uuid;
  }
}

TEST(PlaceholderUuid, AnyOtherUuidIsAName) {
  for (const char* uuid :
       {"8b1f6c1e-2d5a-4d0e-9a53-0c2f7b6f1a21", "00000000-0000-4000-8000-000000000001",
        "11111111-1111-4111-8111-111111111111", "10000000-0000-0000-0000-000000000000",
        "ffffffff-ffff-ffff-ffff-fffffffffffe", "", "00000000000000000000000000000000",
        "00000000-0000-0000-0000-00000000000", "00000000-0000-0000-0000-0000000000000", "none"}) {
    EXPECT_FALSE(is_placeholder_uuid(uuid)) << uuid;
    EXPECT_EQ(why_placeholder("card_uuid", uuid), "") << uuid;
  }
}

TEST(PlaceholderFascN, NumbersThatManyCardsCarryAreNoNames) {
  for (const std::string& number :
       {std::string(50, '0'), std::string(50, 'f'), std::string(50, 'F'), std::string(50, '9'),
        fasc_n(";9999=9999=999999=0=1=0000000000300001?"), fasc_n(";9999=1234=567890=0=1=1122334455199991?"),
        fasc_n(";0000=0000=000000=0=1=0000000000000001?"), fasc_n(";3201=9999=999999=1=1=0000000000199991?"),
        fasc_n(";3201=0000=000000=1=1=0000000000199991?"),
        // As cards leave the factory.
        std::string("d4e739da739ced39ce739d836858210842108421c84210c3eb"),
        std::string("D4E739DA739CED39CE739D836858210842108421C84210C3EB")}) {
    ASSERT_EQ(number.size(), 50U);
    EXPECT_TRUE(is_placeholder_fasc_n(number)) << number;
    EXPECT_THAT(why_placeholder("fasc_n", number), HasSubstr("names no single card")) << number;
  }
}

TEST(PlaceholderFascN, AnyOtherFascNIsAName) {
  for (const std::string& number :
       {fasc_n(";3201=0001=092446=0=1=1112223333131991?"), fasc_n(";9998=9999=999998=0=1=0000000000300001?"),
        fasc_n(";0032=0001=000000=1=1=1234567890199991?"), to_hex(as_bytes("invented-fasc-n-of-25-byt")),
        std::string(), std::string(48, '0'), std::string(52, '0'), std::string(50, 'x')}) {
    EXPECT_FALSE(is_placeholder_fasc_n(number)) << number;
  }
  EXPECT_EQ(why_placeholder("upn", "00000000-0000-0000-0000-000000000000"), "");
}

TEST(CardIdFrom, IssuerAndSerialNameACardHoweverTheyAreWritten) {
  const std::string id = card_id_from("CN=Example Root,O=Example Trust", "0a1b2c");
  EXPECT_EQ(id.size(), 36U);
  EXPECT_EQ(id[14], '8') << "RFC 9562: a UUID of the maker's own kind";
  EXPECT_FALSE(is_placeholder_uuid(id));
  for (const auto& [issuer, serial] : std::initializer_list<std::pair<const char*, const char*>>{
           {"CN=Example Root,O=Example Trust", "0A1B2C"},
           {"CN = Example Root, O = Example Trust", "0A:1B:2C"},
           {"cn=example root,o=example trust", "a1b2c"},
           {" CN=Example  Root ,O=Example Trust ", "00 0a 1b 2c"}}) {
    EXPECT_EQ(card_id_from(issuer, serial), id) << issuer;
    EXPECT_EQ(card_id_from(std::string(issuer) + ";" + serial), id) << issuer;
  }
}

TEST(CardIdFrom, OtherCardsHaveOtherNames) {
  const std::string id = card_id_from("CN=Example Root,O=Example Trust", "0a1b2c");
  EXPECT_NE(card_id_from("CN=Example Root,O=Example Trust", "0a1b2d"), id);
  EXPECT_NE(card_id_from("CN=Example Root,O=Example Trust", "-0a1b2c"), id);
  EXPECT_NE(card_id_from("CN=Example Root,O=Example", "0a1b2c"), id);
  EXPECT_NE(card_id_from("CN=ExampleRoot,O=Example Trust", "0a1b2c"), id);
  EXPECT_NE(card_id_from("CN=Example\\, Root", "01"), card_id_from("CN=Example\\,Root2", "01"));
}

TEST(CardIdFrom, WhatIsNeitherIssuerNorSerialIsNoName) {
  for (const char* text : {"", ";", "CN=Example Root", "CN=Example Root;", "CN=Example Root;xyz", ";0a1b",
                           "0a1b", "Example;0a1b", "CN=Example Root;-", "CN=Example Root;::"}) {
    EXPECT_EQ(card_id_from(text), "") << text;
  }
  EXPECT_NE(card_id_from("CN=A;B;0a"), "");
}

}  // namespace
}  // namespace cardgate
