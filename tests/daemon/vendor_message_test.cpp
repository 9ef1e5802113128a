// SPDX-License-Identifier: Apache-2.0
// What crosses the socket of the helper for vendors' cards, and the forms of signatures: whole, or refused.
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <array>

#include "base/file.hpp"
#include "daemon/helper/stream.hpp"
#include "daemon/vendor/message.hpp"
#include "daemon/vendor/signature.hpp"

namespace cardgate::daemon::vendor {
namespace {

using std::chrono::milliseconds;

Request a_request() {
  Request out;
  out.verb = Verb::sign;
  out.reader = "Ward 4 reader 00 00";
  out.token_label = "staff card";
  out.passcode_key = 0x12345678;
  out.tries_shown = -1;
  out.spend_last_try = true;
  out.fingerprint = Bytes(32, 7);
  out.block = Bytes(512, 9);
  out.passcode = Secret(std::string_view("123456"));
  out.new_passcode = Secret(std::string_view("24682468"));
  return out;
}

Answer an_answer() {
  Answer out;
  out.code = Errc::pin_incorrect;
  out.text = "giving the passcode";
  out.number = -1;
  out.tries_left = 1;
  out.passcode_key = 77;
  out.signature = Bytes(70, 3);
  out.certificates = {Bytes(900, 1), Bytes(1200, 2)};
  return out;
}

TEST(VendorMessage, ARequestArrivesAsItWasSent) {
  const auto message = encode(a_request());
  ASSERT_TRUE(message);
  const auto back = parse_request(message->bytes());
  ASSERT_TRUE(back) << back.error().message();
  const auto sent = a_request();
  EXPECT_EQ(back->verb, sent.verb);
  EXPECT_EQ(back->reader, sent.reader);
  EXPECT_EQ(back->token_label, sent.token_label);
  EXPECT_EQ(back->passcode_key, sent.passcode_key);
  EXPECT_EQ(back->tries_shown, -1);
  EXPECT_TRUE(back->spend_last_try);
  EXPECT_EQ(back->fingerprint, sent.fingerprint);
  EXPECT_EQ(back->block, sent.block);
  EXPECT_EQ(back->passcode.text(), "123456");
  EXPECT_EQ(back->new_passcode.text(), "24682468");
}

TEST(VendorMessage, AnAnswerArrivesAsItWasSent) {
  const auto back = parse_answer(encode(an_answer()));
  ASSERT_TRUE(back) << back.error().message();
  EXPECT_EQ(back->code, Errc::pin_incorrect);
  EXPECT_EQ(back->text, "giving the passcode");
  EXPECT_EQ(back->number, -1);
  EXPECT_EQ(back->tries_left, 1);
  EXPECT_EQ(back->passcode_key, 77);
  EXPECT_EQ(back->signature, an_answer().signature);
  EXPECT_EQ(back->certificates, an_answer().certificates);
}

TEST(VendorMessage, CutShortOrTooLongIsRefusedAtEveryLength) {
  const auto request = encode(a_request());
  ASSERT_TRUE(request);
  const Bytes answer = encode(an_answer());
  for (std::size_t size = 0; size < request->size(); ++size)
    EXPECT_FALSE(parse_request(request->bytes().first(size))) << size;
  for (std::size_t size = 0; size < answer.size(); ++size)
    EXPECT_FALSE(parse_answer(BytesView(answer).first(size))) << size;
  Bytes longer = answer;
  longer.push_back(0);
  EXPECT_FALSE(parse_answer(longer));
  auto huge = a_request();
  huge.block = Bytes(max_field_bytes + 1);
  EXPECT_FALSE(encode(huge));
}

TEST(VendorMessage, WhatNoHelperSaysIsRefused) {
  Bytes other_version = encode(an_answer());
  other_version[0] = 2;
  EXPECT_FALSE(parse_answer(other_version));
  Bytes other_code = encode(an_answer());
  other_code[1] = 200;
  EXPECT_FALSE(parse_answer(other_code));
  // Control characters would let a module write lines of its own into the journal.
  auto lines = an_answer();
  lines.text = "wrong\ncardgated: signed in";
  EXPECT_EQ(parse_answer(encode(lines))->text, "wrong\\x0Acardgated: signed in");
  // A code that is not for helpers becomes one that is.
  auto foreign = an_answer();
  foreign.code = Errc::token_expired;
  EXPECT_EQ(parse_answer(encode(foreign))->code, Errc::internal);
}

TEST(VendorMessage, ManyCertificatesStayWithinTheLimit) {
  Answer many;
  many.certificates.assign(40, Bytes(max_certificate_bytes, 1));
  const Bytes message = encode(many);
  EXPECT_LE(message.size(), max_answer_bytes);
  const auto back = parse_answer(message);
  ASSERT_TRUE(back);
  EXPECT_GE(back->certificates.size(), 1U);
}

TEST(VendorMessage, ASilentOrGreedyPeerIsLeft) {
  std::array<int, 2> pair{};
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair.data()), 0);
  const FileDescriptor here(pair[0]);
  FileDescriptor there(pair[1]);
  const auto soon = [] { return std::chrono::steady_clock::now() + milliseconds(50); };
  EXPECT_EQ(receive(here.get(), 100, soon()).error().code, Errc::timeout);
  const std::array<std::uint8_t, 4> gigabytes{0x7f, 0xff, 0xff, 0xff};
  ASSERT_EQ(::send(there.get(), gigabytes.data(), gigabytes.size(), 0), 4);
  EXPECT_EQ(receive(here.get(), 100, soon()).error().code, Errc::too_large);
  // Nobody reads: the socket fills up.
  EXPECT_EQ(send(here.get(), Bytes(8 << 20), soon()).error().code, Errc::timeout);
  there.reset();
  EXPECT_EQ(receive(here.get(), 100, soon()).error().code, Errc::unavailable);
  EXPECT_EQ(send(here.get(), Bytes(10), soon()).error().code, Errc::unavailable);
}

TEST(VendorSignature, DigestInfoIsTakenOutOfItsPadding) {
  const Bytes block = *from_hex("0001 ffffffffffffffff 00 3031");
  const auto info = digest_info(block);
  ASSERT_TRUE(info);
  EXPECT_EQ(to_hex(*info), "3031");
  for (const char* bad :
       {"", "00", "0001", "0002 ffffffffffffffff 00 3031", "0001 ffffffffffffff 00 3031",
        "0001 ffffffffffffffff 01 3031", "0001 ffffffffffffffff 00", "0001 ffffffffffffffff"})
    EXPECT_FALSE(digest_info(*from_hex(bad))) << bad;
}

TEST(VendorSignature, EcdsaNumbersBecomeDer) {
  EXPECT_EQ(to_hex(*ecdsa_to_der(*from_hex("0001 80ff"))), "300802010102030080ff");
  EXPECT_EQ(to_hex(*ecdsa_to_der(*from_hex("0000 7fff"))), "300702010002027fff");
  for (const std::size_t odd : {std::size_t{0}, std::size_t{63}, std::size_t{98}})
    EXPECT_FALSE(ecdsa_to_der(Bytes(odd, 1))) << odd;
}

}  // namespace
}  // namespace cardgate::daemon::vendor
