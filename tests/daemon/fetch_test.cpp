// SPDX-License-Identifier: Apache-2.0
// The judge with the real cardgate-fetch and a responder that does everything wrong that one can do: the
// certificate is refused, in time, and never because of it accepted.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "daemon/rules/certificate_judge.hpp"
#include "tests/support/folders.hpp"
#include "tests/support/process.hpp"
#include "tests/trust/responder.hpp"
#include "tests/trust/test_ca.hpp"

namespace cardgate::daemon {
namespace {

using std::chrono::hours;
using std::chrono::steady_clock;
using test::Ca;
using test::http_ok;
using test::noon;
using test::OcspAnswer;
using testing::Process;
using trust::Status;

/// The issuing authority publishes no CRL; its responder is of the test's making.
class Fetch : public ::testing::Test {
 protected:
  void SetUp() override {
    helper = *Process::start({built_file("daemon/fetch/cardgate-fetch"), "--listen", dir / "fetch.sock",
                              "--client-uid", std::to_string(::geteuid())});
    ASSERT_TRUE(helper->wait_for_line("serving", seconds(10))) << helper->output();
  }

  FetchSettings settings(const test::Responder& responder) const {
    FetchSettings out;
    out.socket = dir / "fetch.sock";
    out.rules.hosts = {responder.host()};
    out.rules.responders = {{"CN=Example Issuing CA,O=Example Trust", responder.url("/ocsp")}};
    out.deadline = milliseconds(700);
    return out;
  }
  CertificateJudge judge(FetchSettings fetch) const {
    return {
        test::authorities({root.der()}, {issuing.der()}, {root.crl()}), {}, {}, std::move(fetch), answers};
  }
  /// A right answer but for what `change` does to it.
  test::Responder::Answer answering(std::function<void(OcspAnswer&)> change) const {
    return [this, change = std::move(change)](const std::string&, const Bytes& body) {
      OcspAnswer what;
      what.request = body;
      change(what);
      return http_ok(issuing.ocsp(leaf, what));
    };
  }

  testing::TempDir dir;
  std::unique_ptr<Process> helper;
  Ca root = Ca::root();
  Ca issuing = root.issuing();
  Bytes leaf = issuing.issue({});
  std::shared_ptr<trust::Answers> answers = std::make_shared<trust::Answers>();
};

TEST_F(Fetch, AGoodAnswerIsFetchedOnceAndServesUntilItIsDue) {
  const test::Responder responder(answering([](OcspAnswer&) {}));
  const CertificateJudge one = judge(settings(responder));
  const auto verdict = one.ask(leaf, noon());
  ASSERT_TRUE(verdict.valid);
  EXPECT_EQ(verdict.revocation, "good");
  EXPECT_TRUE(one.ask(leaf, noon() + hours(1)).valid);
  EXPECT_EQ(responder.requests(), 1);
  (void)one.refresh(leaf, noon(), true);
  EXPECT_EQ(responder.requests(), 2) << "asked anew";
}

TEST_F(Fetch, RevokedIsLearnedAlthoughAGoodAnswerIsHeld) {
  std::atomic<bool> revoked = false;
  const test::Responder responder(answering([&](OcspAnswer& what) {
    if (revoked) what.state = OcspAnswer::State::revoked;
  }));
  const CertificateJudge one = judge(settings(responder));
  ASSERT_TRUE(one.ask(leaf, noon()).valid);
  revoked = true;
  const auto verdict = one.refresh(leaf, noon(), true);
  EXPECT_FALSE(verdict.valid);
  EXPECT_EQ(verdict.findings.front().status, Status::revoked);
}

TEST_F(Fetch, WhatKeepsAnswersAwayIsToldUntilOneComes) {
  const test::Responder responder(answering([](OcspAnswer&) {}));
  const CertificateJudge one = judge(settings(responder));
  EXPECT_EQ(one.helper_trouble() + one.answers_trouble(), "") << "nothing was asked yet";
  helper->stop(seconds(5));
  EXPECT_FALSE(one.ask(leaf, noon()).valid);
  EXPECT_THAT(one.helper_trouble(), ::testing::HasSubstr("cardgate-fetch"));
  EXPECT_THAT(one.answers_trouble(), ::testing::HasSubstr("could not be found out"));
  std::filesystem::remove(dir / "fetch.sock");
  SetUp();
  EXPECT_TRUE(one.ask(leaf, noon()).valid);
  EXPECT_EQ(one.helper_trouble() + one.answers_trouble(), "");
}

struct Fault {
  std::string name;
  std::function<test::Responder::Answer(const Ca& issuing, const Bytes& leaf)> make;
};
void PrintTo(const Fault& fault, std::ostream* out) {
  *out << fault.name;
}

class FaultyResponder : public Fetch, public ::testing::WithParamInterface<Fault> {};

TEST_P(FaultyResponder, NeverLetsAnybodyInAndNeverTakesLonger) {
  const test::Responder responder(GetParam().make(issuing, leaf));
  const auto begin = steady_clock::now();
  const auto verdict = judge(settings(responder)).ask(leaf, noon());
  const auto took = steady_clock::now() - begin;
  EXPECT_EQ(responder.requests(), 1) << "it was asked, and did its worst";
  EXPECT_FALSE(verdict.valid);
  ASSERT_FALSE(verdict.findings.empty());
  EXPECT_EQ(verdict.findings.front().status, Status::crl_missing);
  EXPECT_EQ(answers->size(), 0U) << "what is not good is not kept";
  EXPECT_LT(took, seconds(5)) << "the deadline was 0.7 s";
}

Fault content(std::string name, std::function<Bytes(const Ca&, const Bytes&, OcspAnswer)> make) {
  return {std::move(name), [make](const Ca& issuing, const Bytes& leaf) {
            return [=](const std::string&, const Bytes& body) {
              OcspAnswer what;
              what.request = body;
              return http_ok(make(issuing, leaf, what));
            };
          }};
}
Fault wire(std::string name, std::function<std::string(const Bytes& good)> make) {
  return {std::move(name), [make](const Ca& issuing, const Bytes& leaf) {
            return [=](const std::string&, const Bytes& body) {
              OcspAnswer what;
              what.request = body;
              return make(issuing.ocsp(leaf, what));
            };
          }};
}

INSTANTIATE_TEST_SUITE_P(
    Each, FaultyResponder,
    ::testing::Values(
        wire("hanging",
             [](const Bytes&) {
               std::this_thread::sleep_for(seconds(2));
               return std::string();
             }),
        wire("slow",
             [](const Bytes& good) {
               std::this_thread::sleep_for(seconds(2));
               return http_ok(good);
             }),
        content("without_nonce",
                [](const Ca& issuing, const Bytes& leaf, OcspAnswer what) {
                  what.request.clear();
                  return issuing.ocsp(leaf, what);
                }),
        content("wrong_nonce",
                [](const Ca& issuing, const Bytes& leaf, OcspAnswer what) {
                  // The nonce is the request's last 32 octets (trust/ocsp.cpp).
                  what.request.back() ^= 1U;
                  return issuing.ocsp(leaf, what);
                }),
        content("old",
                [](const Ca& issuing, const Bytes& leaf, OcspAnswer what) {
                  what.from = noon() - hours(9);
                  what.next = noon() - hours(8);
                  return issuing.ocsp(leaf, what);
                }),
        content("from_the_future",
                [](const Ca& issuing, const Bytes& leaf, OcspAnswer what) {
                  what.from = noon() + hours(1);
                  return issuing.ocsp(leaf, what);
                }),
        content("badly_signed",
                [](const Ca& issuing, const Bytes& leaf, OcspAnswer what) {
                  Bytes answer = issuing.ocsp(leaf, what);
                  // thisUpdate an hour before noon becomes half an hour before: no longer what was signed.
                  const std::string_view was = "20260601110000Z";
                  const auto at = std::ranges::search(answer, as_bytes(was));
                  at[10] = '3';
                  return answer;
                }),
        content("wrong_issuer",
                [](const Ca&, const Bytes& leaf, OcspAnswer what) { return Ca::root().ocsp(leaf, what); }),
        content("another_certificate", [](const Ca& issuing, const Bytes&,
                                          OcspAnswer what) { return issuing.ocsp(issuing.issue({}), what); }),
        content("a_responder_that_may_not",
                [](const Ca& issuing, const Bytes& leaf, OcspAnswer what) {
                  what.responder = issuing.responder("clientAuth");
                  return issuing.ocsp(leaf, what);
                }),
        content("try_later", [](const Ca&, const Bytes&,
                                const OcspAnswer&) { return Bytes{0x30, 0x03, 0x0a, 0x01, 0x03}; }),
        content("unauthorized", [](const Ca&, const Bytes&,
                                   const OcspAnswer&) { return Bytes{0x30, 0x03, 0x0a, 0x01, 0x06}; }),
        content("nothing", [](const Ca&, const Bytes&, const OcspAnswer&) { return Bytes(); }),
        content("oversized", [](const Ca&, const Bytes&, const OcspAnswer&) { return Bytes(70'000, 0x30); }),
        wire("endless_header",
             [](const Bytes&) { return "HTTP/1.1 200 OK\r\nX: " + std::string(1 << 20, 'x') + "\r\n\r\n"; }),
        wire("endless_chunk_extension",
             [](const Bytes& good) {
               return fmt::format(
                   "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{:x};{}\r\n{}\r\n0\r\n\r\n",
                   good.size(), std::string(1 << 20, 'x'), as_text(good));
             }),
        wire("broken_off",
             [](const Bytes& good) {
               std::string text = http_ok(good);
               text.resize(text.size() / 2);
               return text;
             }),
        wire("not_http", [](const Bytes&) { return std::string("220 mail.example ESMTP\r\n"); }),
        wire("error",
             [](const Bytes&) { return std::string("HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n"); }),
        wire("packed_though_nobody_asked",
             [](const Bytes& good) {
               return fmt::format("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: {}\r\n\r\n{}",
                                  good.size(), as_text(good));
             }),
        wire("nothing_but_interim_answers",
             [](const Bytes& good) {
               std::string text;
               for (int i = 0; i < 50; ++i) text += "HTTP/1.1 100 Continue\r\n\r\n";
               return text + http_ok(good);
             }),
        wire("redirected_to_a_file",
             [](const Bytes&) {
               return std::string(
                   "HTTP/1.1 302 Found\r\nLocation: file:///etc/passwd\r\nContent-Length: 0\r\n\r\n");
             }),
        wire("redirected_elsewhere",
             [](const Bytes&) {
               return std::string(
                   "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.2/\r\nContent-Length: 0\r\n\r\n");
             })),
    [](const auto& one) { return one.param.name; });

TEST_F(Fetch, AConnectionResetInTheMiddleIsNoAnswer) {
  test::Responder responder([&](const std::string&, const Bytes& body) {
    std::string text = http_ok(issuing.ocsp(leaf, {.request = body}));
    text.resize(text.size() - 10);
    return text;
  });
  responder.reset_connections(true);
  EXPECT_FALSE(judge(settings(responder)).ask(leaf, noon()).valid);
}

TEST_F(Fetch, ARedirectionOnAConfiguredHostIsFollowed) {
  std::string here;
  const test::Responder responder([&](const std::string& target, const Bytes& body) {
    if (target == "/ocsp") {
      return std::string("HTTP/1.1 307 There\r\nLocation: ") + "http://" + here +
             "/moved\r\nContent-Length: 0\r\n\r\n";
    }
    return http_ok(issuing.ocsp(leaf, {.request = body}));
  });
  here = responder.host();
  EXPECT_TRUE(judge(settings(responder)).ask(leaf, noon()).valid);
}

TEST_F(Fetch, ALocationThatIsRelativeIsFollowed) {
  for (const std::string location : {"/moved", "moved", "./there/../moved?now=1", "//HOST/moved", "?moved"}) {
    std::string here;
    const test::Responder responder([&](const std::string& target, const Bytes& body) {
      if (target == "/ocsp") {
        std::string to = location;
        if (const auto at = to.find("HOST"); at != std::string::npos) to.replace(at, 4, here);
        return "HTTP/1.1 308 There\r\nLocation: " + to + "\r\nContent-Length: 0\r\n\r\n";
      }
      return http_ok(issuing.ocsp(leaf, {.request = body}));
    });
    here = responder.host();
    answers = std::make_shared<trust::Answers>();
    EXPECT_TRUE(judge(settings(responder)).ask(leaf, noon()).valid) << location;
    EXPECT_NE(responder.last_head().find("moved"), std::string::npos) << location << ":\n"
                                                                      << responder.last_head();
  }
}

TEST_F(Fetch, ARelativeLocationLeadsToNoOtherHost) {
  for (const std::string location : {"//127.0.0.2/", "http:/moved", "///", "", "http://[::1", "\x01"}) {
    const test::Responder responder([&](const std::string&, const Bytes&) {
      return "HTTP/1.1 302 Found\r\nLocation: " + location + "\r\nContent-Length: 0\r\n\r\n";
    });
    EXPECT_FALSE(judge(settings(responder)).ask(leaf, noon()).valid) << location;
  }
}

TEST_F(Fetch, AHostInCapitalsIsTheSameHost) {
  const test::Responder responder(answering([](OcspAnswer&) {}));
  for (const auto& [listed, url] : std::initializer_list<std::pair<std::string, std::string>>{
           {"localhost:", "http://LOCALHOST:"}, {"LocalHost:", "HTTP://localhost:"}}) {
    auto capitals = settings(responder);
    capitals.rules.hosts = {listed + responder.port()};
    capitals.rules.responders = {};
    leaf = issuing.issue({.more = {{"authorityInfoAccess", "OCSP;URI:" + url + responder.port() + "/ocsp"}}});
    EXPECT_TRUE(judge(capitals).ask(leaf, noon()).valid) << url;
  }
}

TEST_F(Fetch, AnAddressOfIpV6IsAHostAsAnyOther) {
  std::unique_ptr<test::Responder> responder;
  try {
    responder =
        std::make_unique<test::Responder>(answering([](OcspAnswer&) {}), test::Responder::Loopback::v6);
  } catch (const std::runtime_error&) {
    GTEST_SKIP() << "this machine has no IPv6 loopback";
  }
  const auto rules = settings(*responder).rules;
  ASSERT_TRUE(trust::check_fetch_rules(rules)) << trust::check_fetch_rules(rules).error().context;
  EXPECT_TRUE(judge(settings(*responder)).ask(leaf, noon()).valid);
  EXPECT_NE(responder->last_head().find("host: " + responder->host()), std::string::npos)
      << responder->last_head();
}

TEST_F(Fetch, InterimAnswersBeforeTheOneThatCountsArePassedOver) {
  for (const std::string before :
       {"HTTP/1.1 100 Continue\r\n\r\n", "HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\n\r\n",
        "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\n"}) {
    const test::Responder responder([&](const std::string&, const Bytes& body) {
      return before + http_ok(issuing.ocsp(leaf, {.request = body}));
    });
    answers = std::make_shared<trust::Answers>();
    EXPECT_TRUE(judge(settings(responder)).ask(leaf, noon()).valid) << before;
  }
}

TEST_F(Fetch, ContentIsAskedForUnpacked) {
  const test::Responder responder(answering([](OcspAnswer&) {}));
  ASSERT_TRUE(judge(settings(responder)).ask(leaf, noon()).valid);
  EXPECT_NE(responder.last_head().find("accept-encoding: identity\r\n"), std::string::npos)
      << responder.last_head();
}

TEST_F(Fetch, WithoutTheHelperNothingIsFetchedAndNobodyWaits) {
  const test::Responder responder(answering([](OcspAnswer&) {}));
  auto without = settings(responder);
  helper->kill();
  const auto verdict = judge(without).ask(leaf, noon());
  EXPECT_FALSE(verdict.valid);
  EXPECT_EQ(responder.requests(), 0);
}

TEST_F(Fetch, NobodyElseMayAskTheHelper) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root, to be somebody else";
  const auto other = *Process::start(
      {built_file("daemon/fetch/cardgate-fetch"), "--listen", dir / "other.sock", "--client-uid", "65533"});
  ASSERT_TRUE(other->wait_for_line("serving", seconds(10)));
  const test::Responder responder(answering([](OcspAnswer&) {}));
  auto elsewhere = settings(responder);
  elsewhere.socket = dir / "other.sock";
  EXPECT_FALSE(judge(elsewhere).ask(leaf, noon()).valid);
  EXPECT_EQ(responder.requests(), 0);
}

TEST_F(Fetch, AResponderThatHangsLeavesTheCrlItsTime) {
  const test::Responder responder([&](const std::string& target, const Bytes& body) {
    if (target == "/issuing.crl") return http_ok(issuing.crl(), "application/pkix-crl");
    std::this_thread::sleep_for(seconds(2));
    return http_ok(issuing.ocsp(leaf, {.request = body}));
  });
  leaf = issuing.issue({.more = {{"crlDistributionPoints", "URI:" + responder.url("/issuing.crl")}}});
  const auto verdict = judge(settings(responder)).ask(leaf, noon());
  EXPECT_TRUE(verdict.valid);
  ASSERT_FALSE(verdict.proofs.empty());
  EXPECT_EQ(verdict.proofs[0].by, "crl");
}

}  // namespace
}  // namespace cardgate::daemon
