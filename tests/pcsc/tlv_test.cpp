// SPDX-License-Identifier: Apache-2.0
#include "pcsc/tlv.hpp"

#include "tests/pcsc/scripted_card.hpp"

namespace cardgate::pcsc {
namespace {

TEST(Tlv, ReadsTagsOfOneToFourBytesAsTheSpecificationPrintsThem) {
  const Bytes bytes = hex("53 01 AA  5F C1 02 00  7F 61 01 BB  9F 81 82 03 01 CC");
  TlvReader reader(bytes);
  EXPECT_EQ(reader.next()->tag, 0x53U);
  const auto long_tag = reader.next();
  EXPECT_EQ(long_tag->tag, 0x5FC102U);
  EXPECT_TRUE(long_tag->value.empty());
  EXPECT_EQ(to_hex(reader.expect(0x7F61).value()), "bb");
  EXPECT_EQ(reader.next()->tag, 0x9F818203U);
  EXPECT_TRUE(reader.finish());
}

TEST(Tlv, ReadsEveryFormOfLength) {
  for (const std::string head : {"05", "8105", "820005", "83000005", "8400000005"}) {
    const Bytes bytes = hex("53" + head + "0102030405");
    TlvReader reader(bytes);
    EXPECT_EQ(to_hex(reader.expect(0x53).value()), "0102030405") << head;
    EXPECT_TRUE(reader.finish());
  }
}

TEST(Tlv, DerTakesTheShortestLengthOnly) {
  for (const std::string head : {"8105", "820005"}) {
    const Bytes bytes = hex("30" + head + "0102030405");
    TlvReader reader(bytes, TlvReader::Lengths::minimal);
    EXPECT_EQ(code_of(reader.next()), Errc::malformed) << head;
  }
}

TEST(Tlv, IsRefusedTruncatedAtEveryLength) {
  Bytes whole;
  append_tlv(whole, 0x5FC102, Bytes(300, 0x42));
  for (std::size_t size = 0; size < whole.size(); ++size) {
    TlvReader reader(BytesView(whole).first(size));
    EXPECT_EQ(code_of(reader.next()), Errc::malformed) << size;
  }
  TlvReader reader(whole);
  EXPECT_EQ(reader.expect(0x5FC102)->size(), 300U);
}

TEST(Tlv, IsRefusedWhenNonsense) {
  for (const std::string text : {"5380AABB0000",        // indefinite
                                 "538500000000010A",    // length of five bytes
                                 "53FF01", "5F8001AA",  // reserved, tag that starts with zero
                                 "5F8182838401AA"}) {   // tag of five bytes
    const Bytes bytes = hex(text);
    EXPECT_EQ(code_of(TlvReader(bytes).next()), Errc::malformed) << text;
  }
  const Bytes huge = hex("5384FFFFFFFF00");
  EXPECT_EQ(code_of(TlvReader(huge).next()), Errc::too_large);
  EXPECT_EQ(code_of(read_tlv_head(huge)), Errc::too_large);
}

TEST(Tlv, LeftoversAreAnError) {
  const Bytes bytes = hex("530100FF");
  TlvReader reader(bytes);
  ASSERT_TRUE(reader.next());
  EXPECT_EQ(code_of(reader.finish()), Errc::malformed);
}

TEST(Tlv, AnotherTagIsAnError) {
  const Bytes bytes = hex("530100");
  EXPECT_EQ(code_of(TlvReader(bytes).expect(0x54)), Errc::malformed);
}

TEST(Tlv, HeadOfALongObjectShowsWhatIsThere) {
  const Bytes bytes = hex("53820BB830190102");
  const auto head = read_tlv_head(bytes);
  ASSERT_TRUE(head);
  EXPECT_EQ(head->tag, 0x53U);
  EXPECT_EQ(head->length, 3000U);
  EXPECT_EQ(to_hex(head->available), "30190102");
}

TEST(Tlv, AppendsWhatItReads) {
  for (const std::size_t size : {0U, 1U, 127U, 128U, 255U, 256U, 65535U}) {
    Bytes bytes;
    append_tlv(bytes, 0x7F61, Bytes(size, 0x5A));
    TlvReader reader(bytes, TlvReader::Lengths::minimal);
    const auto value = reader.expect(0x7F61);
    ASSERT_TRUE(value) << size;
    EXPECT_EQ(value->size(), size);
    EXPECT_TRUE(reader.finish());
  }
}

}  // namespace
}  // namespace cardgate::pcsc
