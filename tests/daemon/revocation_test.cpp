// SPDX-License-Identifier: Apache-2.0
// Revocation on the whole line: real card and reader, cardgated, cardgate-fetch, OpenSSL's own responder and
// one of ours whose answers end soon.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <openssl/pem.h>
#include <unistd.h>

#include "tests/daemon/stage.hpp"
#include "tests/support/folders.hpp"
#include "tests/trust/responder.hpp"
#include "tests/trust/test_ca.hpp"
#include "trust/certificate.hpp"

namespace cardgate::daemon {
namespace {

using std::chrono::seconds;
using testing::eventually;
using testing::HttpAnswer;
using testing::Process;
using testing::Stage;

std::string file_text(const std::filesystem::path& file) {
  return read_file(file, 1 << 20).value();
}

template <class T>
Bytes der_of(T* object, int (*encode)(const T*, unsigned char**)) {
  unsigned char* out = nullptr;
  const int size = encode(object, &out);
  Bytes der(out, out + size);
  OPENSSL_free(out);
  return der;
}

/// The stage's issuing authority, as one that can also sign OCSP answers.
test::Ca issuing_of(const Stage& stage) {
  const std::string key_text = file_text(stage.dir / "ca/private/issuing.key");
  const std::string certificate_text = file_text(stage.dir / "ca/intermediates/issuing.pem");
  BIO* key_in = BIO_new_mem_buf(key_text.data(), static_cast<int>(key_text.size()));
  BIO* in = BIO_new_mem_buf(certificate_text.data(), static_cast<int>(certificate_text.size()));
  const test::Key key{PEM_read_bio_PrivateKey(key_in, nullptr, nullptr, nullptr), EVP_PKEY_free};
  X509* certificate = PEM_read_bio_X509(in, nullptr, nullptr, nullptr);
  Bytes der = der_of(certificate, i2d_X509);
  X509_free(certificate);
  BIO_free(in);
  BIO_free(key_in);
  return test::Ca::of(key, std::move(der));
}

Bytes card_certificate(const Stage& stage) {
  return stage.card->data().authentication.certificate;
}

class Revocation : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!testing::Pcscd::available())
      GTEST_SKIP() << "pcscd or the virtual reader is missing: run script/bootstrap";
    helper = *Process::start({built_file("daemon/fetch/cardgate-fetch"), "--listen", socket(), "--client-uid",
                              std::to_string(::geteuid())});
    ASSERT_TRUE(helper->wait_for_line("serving", seconds(10))) << helper->output();
    stage.up();
    ASSERT_EQ(stage.stop_daemon(), 0);
    issuing.emplace(issuing_of(stage));
    // Only the root's CRL stays: for the card OCSP must speak.
    std::filesystem::remove(stage.dir / "ca/crls/issuing.crl");
  }
  std::string socket() const { return stage.dir / "fetch.sock"; }

  void start(const std::string& host, const std::string& url, const std::string& recheck = "15m") {
    stage.trust_settings = fmt::format(
        "  clock_skew: 0s\n  fetch: {{socket: {}, hosts: [\"{}\"], responders: [{{url: \"{}\"}}], deadline: "
        "2s, "
        "recheck: {}}}\n",
        socket(), host, url, recheck);
    stage.write_config();
    stage.start_daemon();
  }

  /// Answers about the card that live for `life`; `state` may change while it runs.
  test::Responder::Answer answering(seconds life) {
    return [this, life](const std::string&, const Bytes& body) {
      using State = test::OcspAnswer::State;
      const WallTime now = std::chrono::floor<seconds>(system_clock().wall());
      const Bytes answer =
          issuing->ocsp(card_certificate(stage), {.state = revoked ? State::revoked : State::good,
                                                  .from = now,
                                                  .next = now + life,
                                                  .request = body});
      return test::http_ok(answer);
    };
  }
  static std::string revocation_of(const HttpAnswer& answer) {
    const auto object = answer.json();
    const auto* word = find_string(object, "revocation");
    return word == nullptr ? "" : std::string(*word);
  }
  static json::object claims_of(const std::string& token) {
    const auto dot = token.find('.') + 1;
    const auto payload = from_base64url(token.substr(dot, token.rfind('.') - dot)).value();
    return parse_json(as_text(payload)).value().as_object();
  }

  Stage stage;
  std::unique_ptr<Process> helper;
  std::optional<test::Ca> issuing;
  std::atomic<bool> revoked = false;
};

TEST_F(Revocation, OpensslsResponderIsEnoughToSignIn) {
  const auto index = stage.dir / "index.txt";
  const auto info = trust::describe(card_certificate(stage));
  ASSERT_TRUE(info);
  std::string serial = info->serial;
  for (char& c : serial) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  ASSERT_TRUE(write_file_atomic(
      index, as_bytes("V\t390101000000Z\t\t" + serial + "\tunknown\t/CN=Ada Example\n"), 0644));
  const auto issuer = (stage.dir / "ca/intermediates/issuing.pem").string();
  const auto openssl =
      *Process::start({"openssl", "ocsp", "-index", index, "-CA", issuer, "-rsigner", issuer, "-rkey",
                       stage.dir / "ca/private/issuing.key", "-port", "18080", "-nmin", "10"});
  ASSERT_TRUE(openssl->wait_for_line("waiting for OCSP client connections", seconds(10)))
      << openssl->output();
  start("127.0.0.1:18080", "http://127.0.0.1:18080/");
  stage.insert_and_wait();
  const auto session = stage.sign_in();
  ASSERT_EQ(session.status, 201) << session.body << openssl->output();
  EXPECT_EQ(revocation_of(session), "good");
  EXPECT_EQ(claims_of(stage.token_text()).at("revocation"), "good");
  EXPECT_TRUE(eventually(seconds(5), [&] { return stage.audit_says(R"("revocation":"good")"); }));
}

TEST_F(Revocation, TheNetworkIsCutBeforeAndAfterTheCacheLapses) {
  auto responder = std::make_unique<test::Responder>(answering(seconds(12)));
  start(responder->host(), responder->url());
  stage.insert_and_wait();
  ASSERT_EQ(stage.sign_in().status, 201);
  responder.reset();
  stage.pull();
  // Even a restart keeps what was held.
  ASSERT_EQ(stage.stop_daemon(), 0);
  stage.start_daemon();
  stage.insert_and_wait();
  const auto cached = stage.sign_in();
  ASSERT_EQ(cached.status, 201) << cached.body;
  const auto token = stage.token_text();
  // The answer lapses: the session ends by itself, and nobody gets in.
  EXPECT_TRUE(eventually(seconds(30), [&] { return !stage.is_active(token); }));
  EXPECT_TRUE(eventually(seconds(5), [&] { return stage.audit_says("certificate_refused"); }));
  const auto refused = stage.sign_in();
  EXPECT_EQ(refused.status, 403) << refused.body;
  EXPECT_EQ(refused.error(), "certificate_refused");
  EXPECT_NE(refused.body.find("Whether the card was withdrawn cannot be checked"), std::string::npos);
  EXPECT_EQ(stage.card->pin_tries(), 3) << "no try is spent on a card that cannot get in";
}

TEST_F(Revocation, ARoleMayAllowAnOverdueAnswerAndAnotherNot) {
  auto policy = file_text(stage.dir / "policy.yaml");
  const auto core = policy.find("  core:\n");
  policy.insert(policy.find("    title: Core ESR\n", core), "    revocation: allow-cached 1h\n");
  ASSERT_TRUE(write_file_atomic(stage.dir / "policy.yaml", as_bytes(policy), 0644));
  auto responder = std::make_unique<test::Responder>(answering(seconds(5)));
  start(responder->host(), responder->url());
  stage.insert_and_wait();
  ASSERT_EQ(stage.sign_in().status, 201);
  const auto own = stage.token_text("employee-self-service");
  const auto core_token = stage.token_text("core");
  responder.reset();
  EXPECT_TRUE(eventually(seconds(20), [&] { return !stage.is_active(own); })) << "it asks for a good answer";
  EXPECT_TRUE(stage.is_active(core_token)) << "it allows an overdue one";
  EXPECT_EQ(claims_of(stage.token_text("core")).at("revocation"), "cached");
  const auto refused = stage.token("employee-self-service");
  EXPECT_EQ(refused.error(), "access_denied") << refused.body;
  EXPECT_NE(refused.body.find(R"("prerequisite":"revocation")"), std::string::npos) << refused.body;
}

TEST_F(Revocation, ACardThatIsRevokedMeanwhileLosesItsSession) {
  const test::Responder responder(answering(seconds(3600)));
  start(responder.host(), responder.url(), "1s");
  stage.insert_and_wait();
  ASSERT_EQ(stage.sign_in().status, 201);
  const auto token = stage.token_text();
  EXPECT_TRUE(stage.is_active(token));
  revoked = true;
  EXPECT_TRUE(eventually(seconds(10), [&] { return !stage.is_active(token); }));
  EXPECT_TRUE(eventually(seconds(5), [&] { return stage.audit_says(R"("reason":"revoked")"); }))
      << stage.audit_text();
  EXPECT_EQ(stage.sign_in().error(), "certificate_refused");
}

TEST_F(Revocation, AnsweredAnewAndStillGoodNothingHappens) {
  const test::Responder responder(answering(seconds(8)));
  start(responder.host(), responder.url(), "1s");
  stage.insert_and_wait();
  ASSERT_EQ(stage.sign_in().status, 201);
  const auto token = stage.token_text();
  EXPECT_TRUE(eventually(seconds(60), [&] { return responder.requests() >= 10; })) << "asked ahead of need";
  EXPECT_TRUE(stage.is_active(token)) << "the first answer has lapsed, newer ones have not";
}

TEST_F(Revocation, NewTrustFilesCountAtOnceAndBadOnesAreNamed) {
  ASSERT_TRUE(stage.ca->write_crls());
  stage.start_daemon();
  stage.insert_and_wait();
  ASSERT_EQ(stage.sign_in().status, 201);
  const auto token = stage.token_text();
  ASSERT_TRUE(write_file_atomic(stage.dir / "ca/crls/broken.crl", as_bytes("no list"), 0644));
  const auto problems = [&] { return stage.ask("GET", "/v1/status").body; };
  EXPECT_TRUE(eventually(seconds(10), [&] { return problems().find("broken.crl") != std::string::npos; }));
  EXPECT_TRUE(stage.is_active(token)) << "the files in use are the old ones";
  std::filesystem::remove(stage.dir / "ca/crls/broken.crl");
  EXPECT_TRUE(eventually(seconds(10), [&] { return problems().find("broken.crl") == std::string::npos; }));
  ASSERT_TRUE(stage.ca->revoke(card_certificate(stage)));
  EXPECT_TRUE(eventually(seconds(10), [&] { return !stage.is_active(token); })) << "without a reload";
}

TEST_F(Revocation, AListOfAnotherKeyIsNamedAndChangesNothing) {
  ASSERT_TRUE(stage.ca->write_crls());
  stage.start_daemon();
  stage.insert_and_wait();
  ASSERT_EQ(stage.sign_in().status, 201);
  const auto token = stage.token_text();
  const auto forger = test::Ca::of(test::new_p256(), issuing->der());
  const std::vector<std::string> of_the_card{trust::describe(card_certificate(stage)).value().serial};
  ASSERT_TRUE(
      write_file_atomic(stage.dir / "ca/crls/forged.crl", forger.crl({.serials = of_the_card}), 0644));
  const auto status = [&] { return stage.ask("GET", "/v1/status").body; };
  EXPECT_TRUE(eventually(seconds(10), [&] { return status().find("forged.crl") != std::string::npos; }));
  EXPECT_NE(status().find(R"("state":"ok")"), std::string::npos) << status();
  EXPECT_NE(stage.daemon->output().find("CARDGATE_EVENT=crl_passed_over"), std::string::npos);
  EXPECT_TRUE(stage.is_active(token));
  std::filesystem::remove(stage.dir / "ca/crls/forged.crl");
  EXPECT_TRUE(eventually(seconds(10), [&] { return status().find("forged.crl") == std::string::npos; }));
}

}  // namespace
}  // namespace cardgate::daemon
