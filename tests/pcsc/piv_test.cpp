// SPDX-License-Identifier: Apache-2.0
#include "pcsc/piv.hpp"

#include <zlib.h>

#include "pcsc/tlv.hpp"
#include "tests/pcsc/scripted_card.hpp"

namespace cardgate::pcsc {
namespace {

const std::string select_command = "00A40400 09 A00000030800001000 00";
const std::string select_answer =
    "61 16 4F 0B A000000308000010000100 79 07 4F 05 A000000308";  // SP 800-73-4 Part 2, table 3

TEST(PivSelect, AcceptsAFullAndAShortenedIdentifier) {
  for (const std::string& answer : std::vector<std::string>{
           select_answer, std::string("61 11 4F 06 000010000100 79 07 4F 05 A000000308")}) {
    ScriptedCard card{{select_command, answer + "9000"}};
    EXPECT_TRUE(piv::select(card)) << answer;
  }
}

TEST(PivSelect, SaysWhenACardIsNotPiv) {
  for (const std::string& answer :
       std::vector<std::string>{"6A82", "6A81", "6A86", "6D00", "6E00", "9000", "6F00 9000",
                                "61 07 4F 05 A000000018 9000", "61 00 9000", "0102 9000"}) {
    ScriptedCard card{{select_command, answer}};
    EXPECT_EQ(code_of(piv::select(card)), Errc::card_not_piv) << answer;
  }
}

TEST(PivSelect, AnUnknownStatusWordIsKept) {
  ScriptedCard card{{select_command, "6FAB"}};
  const auto failed = piv::select(card);
  EXPECT_EQ(code_of(failed), Errc::card_status);
  EXPECT_EQ(failed.error().number, 0x6FAB);
}

TEST(PivSelect, IsRefusedTruncatedAtEveryLength) {
  const Bytes whole = hex(select_answer);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    ScriptedCard card{{select_command, to_hex(BytesView(whole).first(size)) + "9000"}};
    EXPECT_EQ(code_of(piv::select(card)), Errc::card_not_piv) << size;
  }
}

const std::string chuid_command = "00CB3FFF 05 5C035FC102 00";
const std::string chuid_head =
    "30 19 D4E739DA739CED39CE739D836858210842108421C842 10C3EB"
    "34 10 0F8FAD5BD9CB469FA16570867728950E";

TEST(PivChuid, OneExchangeIdentifiesACardWithALongSignature) {
  // 53 82 0BB8: 3000 bytes, of which the first answer brings the head.
  ScriptedCard card{
      {chuid_command, "53 82 0BB8" + chuid_head + "35 08 3230343030313031 3E 82 0B00 FFFF 6100"}};
  const auto chuid = piv::read_chuid(card);
  ASSERT_TRUE(chuid) << chuid.error().message();
  EXPECT_EQ(chuid->card_uuid(), "0f8fad5b-d9cb-469f-a165-70867728950e");
  EXPECT_EQ(chuid->fasc_n.size(), 25U);
  EXPECT_TRUE(card.finished());
}

TEST(PivChuid, AWholeShortOneIsReadTheSame) {
  ScriptedCard card{{chuid_command, "53 2D" + chuid_head + "9000"}};
  EXPECT_TRUE(piv::read_chuid(card));
}

TEST(PivChuid, IsRefusedTruncatedAtEveryLength) {
  const Bytes whole = hex("53 2D" + chuid_head);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    ScriptedCard card{{chuid_command, to_hex(BytesView(whole).first(size)) + "9000"}};
    EXPECT_EQ(code_of(piv::read_chuid(card)), Errc::card_protocol) << size;
  }
}

TEST(PivChuid, IsRefusedWhenNonsense) {
  for (const std::string& body :
       std::vector<std::string>{"54 02 3400", "53 00", "53 02 3400", "53 03 3001AA", "53 04 34020102"}) {
    ScriptedCard card{{chuid_command, body + "9000"}};
    EXPECT_EQ(code_of(piv::read_chuid(card)), Errc::card_protocol) << body;
  }
}

TEST(PivChuid, WholeItComesWithWhatItsIssuerSigned) {
  // 53 { FASC-N, GUID, expiry, signature, FE }, in two parts.
  const std::string expiry = "35 08 3230333031323331";
  const Bytes all = hex("53 41" + chuid_head + expiry + "3E 06 AABBCCDDEEFF FE 00");
  ScriptedCard card{{chuid_command, to_hex(BytesView(all).first(40)) + "6100"},
                    {"00C0000000", to_hex(BytesView(all).subspan(40)) + "9000"}};
  const auto whole = piv::read_signed_chuid(card);
  ASSERT_TRUE(whole) << whole.error().message();
  EXPECT_EQ(whole->chuid.card_uuid(), "0f8fad5b-d9cb-469f-a165-70867728950e");
  EXPECT_EQ(whole->expiry, "20301231");
  EXPECT_EQ(to_hex(whole->signature), "aabbccddeeff");
  EXPECT_EQ(whole->signed_content, hex(chuid_head + expiry + "FE 00"));
  EXPECT_TRUE(card.finished());
}

TEST(PivChuid, WholeItMustNotSayTwoThings) {
  const std::string other_guid = "34 10 00000000000000000000000000000001";
  const std::string other_number = "30 19 00" + to_hex(Bytes(24, 1));
  const std::string expiry = "35 08 3230333031323331";
  for (const std::string& more : {other_guid, other_number, expiry + expiry, std::string("3E 01 AA 3E 01 AA"),
                                  std::string("3E 05 AA"), std::string("3E")}) {
    const Bytes content = hex(chuid_head + more);
    Bytes body{0x53, static_cast<std::uint8_t>(content.size())};
    body.insert(body.end(), content.begin(), content.end());
    ScriptedCard card{{chuid_command, to_hex(body) + "9000"}};
    EXPECT_EQ(code_of(piv::read_signed_chuid(card)), Errc::card_protocol) << more;
  }
  ScriptedCard bare{{chuid_command, "53 2D" + chuid_head + "9000"}};
  const auto without = piv::read_signed_chuid(bare);
  ASSERT_TRUE(without);
  EXPECT_TRUE(without->signature.empty());
  EXPECT_EQ(without->expiry, "");
}

TEST(PivChuid, AbsentAndUnexpected) {
  ScriptedCard absent{{chuid_command, "6A82"}};
  EXPECT_EQ(code_of(piv::read_chuid(absent)), Errc::card_data_missing);
  ScriptedCard locked{{chuid_command, "6982"}};
  EXPECT_EQ(code_of(piv::read_chuid(locked)), Errc::card_status);
}

const std::string certificate_command = "00CB3FFF 05 5C035FC105 00";

Bytes object(BytesView certificate, std::uint8_t info) {
  Bytes inner;
  append_tlv(inner, 0x70, certificate);
  append_tlv(inner, 0x71, Bytes{info});
  append_tlv(inner, 0xFE, {});
  Bytes whole;
  append_tlv(whole, 0x53, inner);
  return whole;
}

/// The exchanges in which a card gives `bytes` to a GET DATA, 256 at a time.
std::vector<Step> in_parts(const Bytes& bytes, std::string command = certificate_command) {
  std::vector<Step> steps;
  for (std::size_t at = 0; at < bytes.size();) {
    const std::size_t size = std::min<std::size_t>(256, bytes.size() - at);
    const std::size_t left = bytes.size() - at - size;
    const auto more = static_cast<std::uint8_t>(left > 255 ? 0 : left);
    const Bytes sw = left == 0 ? hex("9000") : Bytes{0x61, more};
    steps.push_back({command, to_hex(BytesView(bytes).subspan(at, size)) + to_hex(sw)});
    command = "00C00000" + to_hex(Bytes{more});
    at += size;
  }
  return steps;
}

Bytes gzipped(BytesView plain, int window_bits = MAX_WBITS + 16) {
  z_stream stream{};
  EXPECT_EQ(deflateInit2(&stream, 9, Z_DEFLATED, window_bits, 8, Z_DEFAULT_STRATEGY), Z_OK);
  Bytes out(deflateBound(&stream, plain.size()));
  stream.next_in = const_cast<Bytef*>(plain.data());
  stream.avail_in = static_cast<uInt>(plain.size());
  stream.next_out = out.data();
  stream.avail_out = static_cast<uInt>(out.size());
  EXPECT_EQ(deflate(&stream, Z_FINISH), Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

Bytes certificate_of(std::size_t size) {
  Bytes der(size);
  for (std::size_t i = 0; i < size; ++i) der[i] = static_cast<std::uint8_t>(i * 7 + i / 256);
  return der;
}

TEST(PivCertificate, OneOf770BytesTakesFourExchanges) {
  const Bytes der = certificate_of(770);
  ScriptedCard card(in_parts(object(der, 0x00)));
  EXPECT_EQ(piv::read_certificate(card, piv::Slot::authentication).value(), der);
  EXPECT_TRUE(card.finished());
  EXPECT_EQ(card.exchanges(), 4U);
}

TEST(PivCertificate, IsUnpackedWhateverTheCardCallsCompressed) {
  const Bytes der = certificate_of(770);
  for (const std::uint8_t info : {std::uint8_t{0x01}, std::uint8_t{0x80}}) {
    ScriptedCard gzip(in_parts(object(gzipped(der), info)));
    EXPECT_EQ(piv::read_certificate(gzip, piv::Slot::authentication).value(), der);
    ScriptedCard zlib(in_parts(object(gzipped(der, MAX_WBITS), info)));
    EXPECT_EQ(piv::read_certificate(zlib, piv::Slot::authentication).value(), der);
  }
}

TEST(PivCertificate, EachSlotHasItsOwnObject) {
  using piv::Slot;
  const std::vector<std::pair<Slot, std::string>> objects{{Slot::authentication, "5FC105"},
                                                          {Slot::signature, "5FC10A"},
                                                          {Slot::key_management, "5FC10B"},
                                                          {Slot::card_authentication, "5FC101"}};
  for (const auto& [slot, tag] : objects) {
    ScriptedCard card{{"00CB3FFF 05 5C03" + tag + "00", "6A82"}};
    EXPECT_EQ(code_of(piv::read_certificate(card, slot)), Errc::card_data_missing);
  }
}

TEST(PivCertificate, ABombIsLeftUnexploded) {
  ScriptedCard card(in_parts(object(gzipped(Bytes(8 << 20, 0)), 0x01)));
  EXPECT_EQ(code_of(piv::read_certificate(card, piv::Slot::authentication)), Errc::too_large);
}

TEST(PivCertificate, DamagedCompressionIsRefused) {
  const Bytes packed = gzipped(certificate_of(300));
  for (std::size_t size = 1; size < packed.size(); ++size) {
    ScriptedCard card(in_parts(object(BytesView(packed).first(size), 0x01)));
    EXPECT_EQ(code_of(piv::read_certificate(card, piv::Slot::authentication)), Errc::card_protocol) << size;
  }
  Bytes more = packed;
  more.push_back(0);
  ScriptedCard card(in_parts(object(more, 0x01)));
  EXPECT_EQ(code_of(piv::read_certificate(card, piv::Slot::authentication)), Errc::card_protocol);
}

TEST(PivCertificate, IsRefusedTruncatedAtEveryLength) {
  const Bytes whole = object(certificate_of(40), 0x00);
  for (std::size_t size = 1; size < whole.size(); ++size) {
    ScriptedCard card(in_parts({whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size)}));
    EXPECT_EQ(code_of(piv::read_certificate(card, piv::Slot::authentication)), Errc::card_protocol) << size;
  }
}

TEST(PivCertificate, OddObjects) {
  const std::vector<std::pair<std::string, Errc>> objects{
      {"53 00", Errc::card_data_missing},                       // deleted, on some cards
      {"53 07 70 00 71 01 00 FE 00", Errc::card_data_missing},  //
      {"", Errc::card_protocol},                                //
      {"53 06 70 01 AA 70 01 BB", Errc::card_protocol},         // which?
      {"53 07 70 01 AA 71 02 0000", Errc::card_protocol},       //
      {"53 03 70 01 AA FF", Errc::card_protocol},               // leftover
      {"54 03 70 01 AA", Errc::card_protocol},
  };
  for (const auto& [answer, code] : objects) {
    ScriptedCard card{{certificate_command, answer + "9000"}};
    EXPECT_EQ(code_of(piv::read_certificate(card, piv::Slot::authentication)), code) << answer;
  }
}

TEST(PivCertificate, EachExchangeCanFail) {
  expect_each_exchange_can_fail(in_parts(object(certificate_of(770), 0x00)), [](auto& card) {
    return piv::read_certificate(card, piv::Slot::authentication);
  });
}

}  // namespace
}  // namespace cardgate::pcsc
