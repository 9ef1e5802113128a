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

// Who took the name of PIV, and names no other, is PIV: what real cards answer.
TEST(PivSelect, AcceptsWhateverNamesNoOtherApplication) {
  const std::string aid = "A000000308000010000100";
  for (const std::string& answer :
       std::vector<std::string>{"61 0F 4F 06 001000010000 79 05 A000000308",              // zeros left out
                                "61 0F 4F 06 001000010000 79 05 A000000308 0000",         // padded
                                "61 11 4F 06 001000010000 79 07 4F 05 A000000308",        //
                                "61 08 4F 06 001000010000",                               //
                                "61 06 4F 04 10000100",                                   //
                                "61 1A 4F 0B " + aid + " 4F 0B A000000116A0000000F2FF",   // two, one is PIV's
                                "61 1A 4F 0B A000000116A0000000F2FF 4F 0B " + aid,        //
                                "61 14 4F 07 A0000000031010 79 09 4F 07 A0000003080000",  // PIV's provider
                                "6F 0F 84 0B " + aid + " A5 00",                          // an FCI
                                "6F 0D 84 0B " + aid,                                     //
                                "6F 11 A5 0F 4F 0B " + aid + " 50 00",                    //
                                "6F 0F 61 0D 4F 0B " + aid,                               //
                                "6F 00",
                                "61 00",
                                "",
                                "00",
                                "00000000",
                                "FFFF",
                                "0102",
                                "4F 0B " + aid,  //
                                select_answer + "0000",
                                select_answer + "FFFFFF",
                                "00" + select_answer,
                                "61 02 79 00"}) {
    ScriptedCard card{{select_command, answer + "9000"}};
    EXPECT_TRUE(piv::select(card)) << answer;
  }
}

TEST(PivSelect, SaysWhenACardIsNotPiv) {
  for (const std::string& answer : std::vector<std::string>{
           "6A82", "6A81", "6A86", "6A87", "6999", "6D00", "6E00", "61 07 4F 05 A000000018 9000",
           "6F 09 84 07 A0000000031010 9000", "61 10 4F 05 A000000018 4F 07 A0000000031010 9000",
           "61 0E 4F 05 A000000018 79 05 A000000018 9000"}) {
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

TEST(PivSelect, IsReadTruncatedAtEveryLength) {
  const Bytes whole = hex(select_answer);
  for (std::size_t size = 0; size < whole.size(); ++size) {
    ScriptedCard card{{select_command, to_hex(BytesView(whole).first(size)) + "9000"}};
    EXPECT_TRUE(piv::select(card)) << size;
  }
}

const std::string discovery_command = "00CB3FFF 03 5C017E 00";

TEST(PivDiscovery, SaysWhichPasscodePeopleKnow) {
  const std::string head = "7E 12 4F 0B A000000308000010000100 5F2F 02 ";
  const std::vector<std::pair<std::string, piv::Pin>> answers{
      {head + "4000", piv::Pin::application},
      {head + "6010", piv::Pin::application},
      {head + "6020", piv::Pin::global},
      {head + "6000", piv::Pin::application},
      {head + "4020", piv::Pin::application},
      {head + "6020 0000", piv::Pin::global},                                           // padded
      {"7E 16 4F 0B A000000308000010000100 00 5F2F 02 6020 FFFF00", piv::Pin::global},  //
      {"7E 12 5F2F 02 6020 4F 0B A000000308000010000100", piv::Pin::global},            // the other way round
      {"53 14 " + head + "6020", piv::Pin::global},  // in a 53, as other objects are
      {"7E 05 5F2F 02 6020", piv::Pin::global}};
  for (const auto& [answer, pin] : answers) {
    ScriptedCard card{{discovery_command, answer + "9000"}};
    EXPECT_EQ(piv::pin_in_use(card).value(), pin) << answer;
  }
}

TEST(PivDiscovery, ThatIsAbsentHoweverACardSaysSoMeansTheApplicationsPasscode) {
  for (const std::string& answer : std::vector<std::string>{"6A82",
                                                            "6A80",
                                                            "6A88",
                                                            "6982",
                                                            "6D00",
                                                            "6E00",
                                                            "6A81",
                                                            "6A86",
                                                            "6700",
                                                            "6985",
                                                            "6F00",
                                                            "9000",
                                                            "7E 00 9000",
                                                            "53 00 9000",
                                                            "0000 9000",
                                                            "FF 9000",
                                                            "7E 0D 4F 0B A000000308000010000100 9000",
                                                            "7E 04 5F2F 01 60 9000",
                                                            "7E 06 5F2F 03 602000 9000",
                                                            "7E 12 4F 0B A0 9000",
                                                            "54 02 5F2F 9000",
                                                            "7E 82 9000"}) {
    ScriptedCard card{{discovery_command, answer}};
    const auto pin = piv::pin_in_use(card);
    ASSERT_TRUE(pin) << answer << pin.error().message();
    EXPECT_EQ(*pin, piv::Pin::application) << answer;
    EXPECT_TRUE(card.finished());
  }
}

TEST(PivDiscovery, ACardThatIsGoneSaysNothing) {
  expect_each_exchange_can_fail({{discovery_command, "6A82"}},
                                [](auto& card) { return piv::pin_in_use(card); });
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
  for (std::size_t size = 1; size < whole.size(); ++size) {
    ScriptedCard card{{chuid_command, to_hex(BytesView(whole).first(size)) + "9000"}};
    EXPECT_EQ(code_of(piv::read_chuid(card)), Errc::card_protocol) << size;
  }
}

TEST(PivChuid, IsRefusedWhenNonsense) {
  for (const std::string& body :
       std::vector<std::string>{"54 02 3400", "53 02 3400", "53 03 3001AA", "53 04 34020102"}) {
    ScriptedCard card{{chuid_command, body + "9000"}};
    EXPECT_EQ(code_of(piv::read_chuid(card)), Errc::card_protocol) << body;
  }
}

TEST(PivChuid, ThatIsEmptyIsAbsent) {
  for (const std::string& body : std::vector<std::string>{"", "53 00", "0000", "53 00 FFFF"}) {
    ScriptedCard head{{chuid_command, body + "9000"}};
    EXPECT_EQ(code_of(piv::read_chuid(head)), Errc::card_data_missing) << body;
    ScriptedCard whole{{chuid_command, body + "9000"}};
    EXPECT_EQ(code_of(piv::read_signed_chuid(whole)), Errc::card_data_missing) << body;
  }
}

TEST(PivChuid, IsReadPaddedAndInAnyOrder) {
  const std::string fasc_n = chuid_head.substr(0, chuid_head.find("34 10"));
  const std::string guid = chuid_head.substr(chuid_head.find("34 10"));
  for (const std::string& content :
       {guid + fasc_n, fasc_n + "00" + guid, "0000" + fasc_n + "FF" + guid + "0000",
        "EE 02 0100" + fasc_n + "32 01 AA" + guid + "FE 00 00"}) {
    Bytes object;
    append_tlv(object, 0x53, hex(content));
    ScriptedCard card{{chuid_command, to_hex(object) + "00009000"}};
    const auto chuid = piv::read_chuid(card);
    ASSERT_TRUE(chuid) << content << chuid.error().message();
    EXPECT_EQ(chuid->card_uuid(), "0f8fad5b-d9cb-469f-a165-70867728950e");
    EXPECT_EQ(chuid->fasc_n.size(), 25U) << content;
    ScriptedCard again{{chuid_command, to_hex(object) + "00009000"}};
    const auto whole = piv::read_signed_chuid(again);
    ASSERT_TRUE(whole) << content << whole.error().message();
    EXPECT_EQ(whole->chuid.fasc_n, chuid->fasc_n);
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
  EXPECT_EQ(code_of(piv::read_chuid(locked)), Errc::permission_denied);
  for (const char* sw : {"6A80", "6A83", "6A88"}) {
    ScriptedCard card{{chuid_command, sw}};
    EXPECT_EQ(code_of(piv::read_chuid(card)), Errc::card_data_missing) << sw;
  }
  ScriptedCard odd{{chuid_command, "6F00"}};
  EXPECT_EQ(code_of(piv::read_chuid(odd)), Errc::card_status);
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

/// As long as `size`, and a DER SEQUENCE, as a certificate is.
Bytes certificate_of(std::size_t size) {
  Bytes content(size - (size > 259 ? 4U : size > 129 ? 3U : 2U));
  for (std::size_t i = 0; i < content.size(); ++i) content[i] = static_cast<std::uint8_t>(i * 7 + i / 256);
  Bytes der;
  append_tlv(der, 0x30, content);
  return der;
}

TEST(PivCertificate, OneOf770BytesTakesFourExchanges) {
  const Bytes der = certificate_of(770);
  ScriptedCard card(in_parts(object(der, 0x00)));
  EXPECT_EQ(piv::read_certificate(card, piv::Slot::authentication).value(), der);
  EXPECT_TRUE(card.finished());
  EXPECT_EQ(card.exchanges(), 4U);
}

Bytes plus(Bytes bytes, std::string_view more) {
  const Bytes tail = hex(more);
  bytes.insert(bytes.end(), tail.begin(), tail.end());
  return bytes;
}

/// Net iD's form: 01 00, the length in two bytes, zlib.
Bytes net_id(const Bytes& der, bool little_endian = true) {
  Bytes stored{0x01, 0x00, static_cast<std::uint8_t>(der.size()), static_cast<std::uint8_t>(der.size() >> 8)};
  if (!little_endian) std::swap(stored[2], stored[3]);
  const Bytes packed = gzipped(der, MAX_WBITS);
  stored.insert(stored.end(), packed.begin(), packed.end());
  return stored;
}

TEST(PivCertificate, ItsContentDecidesWhetherItIsPackedAndNotItsFlag) {
  const Bytes der = certificate_of(770);
  const std::vector<Bytes> forms{der,
                                 plus(der, "00"),
                                 plus(der, "FFFFFF"),
                                 plus(der, "7101"),
                                 gzipped(der),
                                 plus(gzipped(der), "00"),
                                 plus(gzipped(der), "FFFF1234"),
                                 gzipped(plus(der, "0000")),
                                 gzipped(der, MAX_WBITS),
                                 plus(gzipped(der, MAX_WBITS), "0000"),
                                 net_id(der),
                                 net_id(der, false),
                                 plus(net_id(der), "FF")};
  for (std::size_t form = 0; form < forms.size(); ++form) {
    for (const std::uint8_t info : Bytes{0x00, 0x01, 0x80, 0x81, 0x02, 0x03, 0xFF}) {
      ScriptedCard card(in_parts(object(forms[form], info)));
      const auto read = piv::read_certificate(card, piv::Slot::authentication);
      ASSERT_TRUE(read) << form << " " << int(info) << " " << read.error().message();
      EXPECT_EQ(*read, der) << form << " " << int(info);
    }
  }
}

TEST(PivCertificate, IsReadFromAPaddedObjectAndInAnyOrder) {
  const Bytes der = certificate_of(100);
  Bytes certificate;
  append_tlv(certificate, 0x70, der);
  const std::string it = to_hex(certificate);
  for (const std::string& content : std::vector<std::string>{
           it, it + "FE00", "710100" + it + "FE00", "FE00" + it + "710100", it + "7200710100FE00",
           "00" + it + "00710100FE00", "FFFF" + it + "FF710100FFFE00", it + "710100FE00" + repeated("00", 60),
           it + "710100FE00" + repeated("FF", 60), it + "710100FE00" + repeated("A5", 60), it + "00710100",
           it + "7100FE00", it + "71020000FE00", it + "710100710101FE00", it + it + "FE00", it + "70",
           it + "99"}) {
    for (const char* behind : {"", "00", "0000", "FFFFFFFF", "A5A5"}) {
      Bytes whole;
      append_tlv(whole, 0x53, hex(content));
      ScriptedCard card(in_parts(plus(whole, behind)));
      const auto read = piv::read_certificate(card, piv::Slot::authentication);
      ASSERT_TRUE(read) << content << " " << behind << ": " << read.error().message();
      EXPECT_EQ(*read, der) << content;
    }
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
  for (std::size_t at = packed.size() - 8; at < packed.size(); ++at) {  // its checksum and length
    Bytes damaged = packed;
    damaged[at] ^= 1;
    ScriptedCard card(in_parts(object(damaged, 0x00)));
    EXPECT_EQ(code_of(piv::read_certificate(card, piv::Slot::authentication)), Errc::card_protocol) << at;
  }
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
      {"", Errc::card_data_missing},                            //
      {"0000", Errc::card_data_missing},                        //
      {"53 04 00000000", Errc::card_data_missing},              //
      {"53 02 FE 00", Errc::card_data_missing},                 //
      {"53 05 71 01 00 FE 00", Errc::card_data_missing},        //
      {"53 06 70 01 AA 70 01 BB", Errc::card_protocol},         // which?
      {"53 03 70 05 AA", Errc::card_protocol},                  // cut off
      {"54 03 70 01 AA", Errc::card_protocol},
  };
  for (const auto& [answer, code] : objects) {
    ScriptedCard card{{certificate_command, answer + "9000"}};
    EXPECT_EQ(code_of(piv::read_certificate(card, piv::Slot::authentication)), code) << answer;
  }
}

class Memory final : public piv::CertificateMemory {
 public:
  std::optional<Bytes> recall(BytesView) override { return std::nullopt; }
  void keep(BytesView head, const Bytes& certificate) override {
    kept.emplace_back(to_hex(head), certificate);
  }
  std::vector<std::pair<std::string, Bytes>> kept;
};

// The whole is asked for anew where extended length is had, and a card need not answer the same.
TEST(PivCertificate, IsKnownAgainOnlyByAPartOfItself) {
  const std::string extended_command = "00CB3FFF 000005 5C035FC105 0000";
  const Bytes own = object(certificate_of(770), 0x00);
  Bytes anothers = own;
  anothers[100] ^= 0x01;
  for (const Bytes& shown : {own, anothers}) {
    Memory memory;
    const Step first = in_parts(shown).front();
    ScriptedCard card(std::vector<Step>{first, {extended_command, to_hex(own) + "9000"}}, true);
    const auto read = piv::read_certificate(card, piv::Slot::authentication, memory);
    EXPECT_TRUE(card.finished());
    EXPECT_EQ(read.has_value(), shown == own);
    EXPECT_EQ(memory.kept.size(), shown == own ? 1U : 0U);
    EXPECT_EQ(code_of(read), shown == own ? Errc::ok : Errc::card_protocol);
  }
}

TEST(PivCertificate, EachExchangeCanFail) {
  expect_each_exchange_can_fail(in_parts(object(certificate_of(770), 0x00)), [](auto& card) {
    return piv::read_certificate(card, piv::Slot::authentication);
  });
}

}  // namespace
}  // namespace cardgate::pcsc
