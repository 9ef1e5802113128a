// SPDX-License-Identifier: Apache-2.0
// docs/verify-a-token.md: each program that stands there is taken out of the page and run, in its own language, on tokens of the
// real service: good ones and all that must be refused.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <map>
#include <regex>
#include <sstream>

#include "base/bytes.hpp"
#include "base/crypto.hpp"
#include "base/json.hpp"
#include "base/secret.hpp"
#include "proto/token.hpp"
#include "tests/daemon/stage.hpp"
#include "tests/support/folders.hpp"

namespace cardgate {
namespace {

using std::chrono::seconds;
using testing::Process;
using testing::Stage;

constexpr const char* page_issuer = "https://cardgate.test.example";

/// The programs of the page, by file name.
const std::map<std::string, std::string>& programs() {
  static const auto found = [] {
    std::map<std::string, std::string> out;
    const auto page = read_file(source_file("docs/verify-a-token.md"), 1 << 20);
    std::istringstream lines(page ? *page : "");
    std::string line, file, text;
    while (std::getline(lines, line)) {
      if (!line.starts_with("```")) {
        if (!file.empty()) text += line + "\n";
      } else if (file.empty()) {
        const auto space = line.find(' ');
        EXPECT_NE(space, std::string::npos) << "a program without a file name would not be tried: " << line;
        file = line.substr(space + 1);
      } else {
        out[file] = std::exchange(text, {});
        file.clear();
      }
    }
    return out;
  }();
  return found;
}

class VerifyPage : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!testing::Pcscd::available())
      GTEST_SKIP() << "pcscd or the virtual reader is missing: run script/bootstrap";
  }

  /// Ada is signed in, and there are tokens of all kinds.
  void up() {
    stage.up();
    stage.insert_and_wait();
    ASSERT_EQ(stage.sign_in().status, 201);
    // The key that the service signs with is made of two files (daemon/sessions/token_keys).
    const auto secret = read_file(stage.dir / "state/token-key", 64);
    const auto salts = read_file(stage.dir / "state/token-keys", 65536);
    ASSERT_TRUE(secret && salts);
    const auto salt = from_base64url(parse_json(*salts)->at("keys").at(0).at("salt").as_string());
    std::string message = "cardgate token key v1";
    message += as_text(*salt);
    auto made = SigningKey::from_seed(blake2b_keyed(as_bytes(*secret), as_bytes(message)));
    ASSERT_TRUE(made);
    key = std::move(*made);
    good = stage.token_text("core");
  }
  std::string kid() const { return proto::key_id(key.public_key()); }
  static std::string encoded(std::string_view text) { return to_base64url(as_bytes(text)); }
  /// The claims of the good token, changed, and signed with the service's own key.
  std::string signed_as(const std::function<void(proto::Claims&)>& change) const {
    auto claims = *proto::check_signature(good, std::vector{proto::VerifyingKey{kid(), key.public_key()}});
    change(claims);
    return proto::issue(key, kid(), claims);
  }
  /// `header` as it stands, the good token's claims, and that signature.
  std::string with_header(std::string_view header,
                          const std::function<std::string(const std::string&)>& sign) const {
    const auto first = good.find('.');
    const std::string text = encoded(header) + good.substr(first, good.rfind('.') - first);
    return text + "." + sign(text);
  }
  /// By what is wrong with it.
  std::vector<std::pair<std::string, std::string>> bad_tokens() const {
    const auto now = to_unix_seconds(system_clock().wall());
    const auto by_our_key = [&](const std::string& text) { return to_base64url(key.sign(as_bytes(text))); };
    std::string changed = good;
    changed[changed.rfind('.') + 5] = changed[changed.rfind('.') + 5] == 'A' ? 'B' : 'A';
    std::string other_claims = good;
    const auto dot = good.find('.');
    auto claims = signed_as([](auto& c) { c.sub = "3000"; });
    other_claims.replace(dot, good.rfind('.') - dot,
                         claims.substr(claims.find('.'), claims.rfind('.') - claims.find('.')));
    const auto stranger = SigningKey::generate();
    return {
        {"expired", signed_as([&](auto& c) { c.exp = now - 1, c.iat = c.nbf = now - 301; })},
        {"another audience", signed_as([](auto& c) { c.aud = "payroll"; })},
        {"another issuer", signed_as([](auto& c) { c.iss = "https://elsewhere.example"; })},
        {"not yet", signed_as([&](auto& c) { c.nbf = now + 3600; })},
        {"a changed signature", changed},
        {"changed claims", other_claims},
        {"no signature", good.substr(0, good.rfind('.') + 1)},
        {"alg none", with_header(R"({"alg":"none","typ":"at+jwt"})", [](auto&) { return ""; })},
        {"alg none with our kid",
         with_header(fmt::format(R"({{"alg":"none","typ":"at+jwt","kid":"{}"}})", kid()),
                     [](auto&) { return ""; })},
        {"alg HS256 with the public key as its secret",
         with_header(fmt::format(R"({{"alg":"HS256","typ":"at+jwt","kid":"{}"}})", kid()),
                     [&](const std::string& text) { return to_base64url(hmac(key.public_key(), text)); })},
        {"another type",
         with_header(fmt::format(R"({{"alg":"EdDSA","typ":"JWT","kid":"{}"}})", kid()), by_our_key)},
        {"an unknown key", proto::issue(stranger, proto::key_id(stranger.public_key()),
                                        *proto::check_signature(good, std::vector{proto::VerifyingKey{
                                                                          kid(), key.public_key()}}))},
        {"a stranger's key under our kid",
         with_header(fmt::format(R"({{"alg":"EdDSA","typ":"at+jwt","kid":"{}"}})", kid()),
                     [&](const std::string& text) { return to_base64url(stranger.sign(as_bytes(text))); })},
        {"no token", "abc"},
        {"dots", ".."}};
  }
  /// HMAC-SHA-256 by the openssl command: nothing in the service makes one.
  static Bytes hmac(const PublicKey& secret, const std::string& text) {
    testing::ProcessOptions options;
    options.input = text;
    const auto mac =
        testing::run({"openssl", "dgst", "-sha256", "-mac", "HMAC", "-macopt", "hexkey:" + to_hex(secret)},
                     seconds(10), options);
    EXPECT_TRUE(mac);
    const auto& said = mac->output;
    const auto bytes = from_hex(said.substr(said.find("= ") + 2, 64));
    EXPECT_TRUE(bytes) << said;
    return bytes ? *bytes : Bytes{};
  }

  void put(const std::string& file, const std::string& text) const {
    ASSERT_TRUE(write_file_atomic(stage.dir / file, as_bytes(text), 0644));
  }
  void put(const std::string& file) const {
    ASSERT_TRUE(programs().contains(file)) << file;
    put(file, programs().at(file));
  }
  testing::Finished do_it(std::vector<std::string> command, const std::string& input = {},
                          std::vector<std::pair<std::string, std::string>> environment = {}) const {
    testing::ProcessOptions options{stage.dir.path(), std::move(environment), input};
    const auto words = fmt::format("{}", fmt::join(command, " "));
    auto finished = testing::run(std::move(command), seconds(200), options);
    EXPECT_TRUE(finished) << words;
    if (!finished) return {};
    EXPECT_EQ(finished->status, 0) << words << "\n" << finished->all;
    return *finished;
  }
  /// The program says whose the good token is, before all the bad ones and after them, and refuses each of these.
  void tells_them_apart(std::vector<std::string> program,
                        std::vector<std::pair<std::string, std::string>> environment = {}) {
    for (const auto& argument : {stage.socket.string(), std::string("esr"), std::string(page_issuer)})
      program.push_back(argument);
    const auto bad = bad_tokens();
    std::string input = good + "\n";
    for (const auto& [what, token] : bad) input += token + "\n";
    const auto said = do_it(std::move(program), input + good + "\n", std::move(environment)).output;
    std::istringstream lines(said);
    std::string line;
    std::getline(lines, line);
    EXPECT_EQ(line, "1000 core") << said;
    for (const auto& [what, token] : bad) {
      ASSERT_TRUE(std::getline(lines, line)) << what;
      EXPECT_TRUE(line.starts_with("refused: ")) << what << ": " << line;
    }
    std::getline(lines, line);
    EXPECT_EQ(line, "1000 core") << said;
  }

  Stage stage;
  SigningKey key = SigningKey::generate();
  std::string good;
};

TEST_F(VerifyPage, Cpp) {
  up();
  put("verify.cpp");
  const std::string prefix = stage.dir / "usr", libraries = prefix + "/lib/" CARDGATE_LIBRARY_ARCHITECTURE;
  do_it({"cmake", "--install", built_file(""), "--component", "library", "--prefix", prefix});
  std::vector<std::string> command{CARDGATE_COMPILER,
                                   "-std=c++17",
                                   "verify.cpp",
                                   "-o",
                                   "verify",
                                   "-I" + prefix + "/include",
                                   "-L" + libraries,
                                   "-lcardgate",
                                   "-Wl,-rpath," + libraries};
  if (const std::string flag = CARDGATE_SANITIZE_FLAG; !flag.empty()) command.push_back(flag);
  do_it(command);
  tells_them_apart({stage.dir / "verify"});
}

TEST_F(VerifyPage, PythonThatAsks) {
  if (!testing::has_program("/usr/bin/python3")) GTEST_SKIP() << "Debian's python3 is missing";
  up();
  put("ask.py");
  tells_them_apart({"/usr/bin/python3", "-B", "ask.py"}, {{"PYTHONPATH", source_file("client/python")}});
}

TEST_F(VerifyPage, Python) {
  const auto has = testing::run({"/usr/bin/python3", "-c", "import jwt, cryptography"});
  if (!has || has->status != 0) GTEST_SKIP() << "python3-jwt is missing: run script/bootstrap";
  up();
  put("verify.py");
  tells_them_apart({"/usr/bin/python3", "-B", "verify.py"}, {{"PYTHONPATH", source_file("client/python")}});
}

TEST_F(VerifyPage, Go) {
  const std::string library = "/usr/share/gocode/src/github.com/golang-jwt/jwt";
  if (!testing::has_program("go") || !std::filesystem::exists(library))
    GTEST_SKIP() << "Go is missing: run script/bootstrap languages";
  up();
  put("verify.go");
  put("go.mod",
      "module verify\ngo 1.19\nrequire github.com/golang-jwt/jwt/v4 v4.4.3\nreplace "
      "github.com/golang-jwt/jwt/v4 => " +
          library + "\n");
  const std::vector<std::pair<std::string, std::string>> environment{{"GOPROXY", "off"},
                                                                     {"GOFLAGS", "-mod=mod"},
                                                                     {"GOCACHE", stage.dir / "go-cache"},
                                                                     {"GOPATH", stage.dir / "go-path"},
                                                                     {"HOME", stage.dir.path()}};
  do_it({"go", "build", "-o", "verify", "verify.go"}, {}, environment);
  tells_them_apart({stage.dir / "verify"});
}

TEST_F(VerifyPage, Java) {
  const std::string library = "/usr/share/java/gson.jar";
  if (!testing::has_program("javac") || !std::filesystem::exists(library))
    GTEST_SKIP() << "Java or gson is missing: run script/bootstrap languages";
  up();
  put("Verify.java");
  tells_them_apart({"java", "-cp", library, "Verify.java"});
}

TEST_F(VerifyPage, Node) {
  if (!testing::has_program("node")) GTEST_SKIP() << "Node is missing: run script/bootstrap languages";
  up();
  put("verify.js");
  tells_them_apart({"node", "verify.js"});
}

TEST_F(VerifyPage, Nginx) {
  if (!testing::has_program("nginx")) GTEST_SKIP() << "nginx is missing: run script/bootstrap";
  up();
  auto server = programs().at("verify.conf");
  const std::string usual = "/run/cardgate/cardgate.sock";
  server.replace(server.find(usual), usual.size(), stage.socket.string());
  put("nginx.conf", "daemon off;\nuser root;\npid " + stage.dir.path().string() +
                        "/nginx.pid;\nevents {}\nhttp {\naccess_log off;\n" + server +
                        "server { listen 127.0.0.1:8084; location / { return 200 \"$http_x_cardgate_subject "
                        "$http_authorization\"; } }\n}\n");
  auto nginx =
      *Process::start({"nginx", "-p", stage.dir.path(), "-e", "stderr", "-c", stage.dir / "nginx.conf"});
  const auto answer_to = [&](const std::string& token) {
    return testing::run({"curl", "-s", "-w", " %{http_code}", "-H", "Authorization: Bearer " + token, "-H",
                         "X-Cardgate-Subject: 3000", "http://127.0.0.1:8083/"})
        ->output;
  };
  ASSERT_TRUE(testing::eventually(seconds(10), [&] { return answer_to(good) == "1000  200"; }))
      << answer_to(good) << nginx->output();
  for (const auto& [what, token] : bad_tokens()) {
    const auto refused = answer_to(token);
    EXPECT_TRUE(refused.ends_with(" 401") || refused.ends_with(" 403")) << what << ": " << refused;
  }
  EXPECT_EQ(answer_to(good), "1000  200");
  stage.pull();
  EXPECT_TRUE(answer_to(good).ends_with(" 401")) << "at once";
  nginx->stop();
}

TEST_F(VerifyPage, HasNoProgramThatIsNotTried) {
  std::string names;
  for (const auto& [name, text] : programs()) names += name + " ";
  EXPECT_EQ(names, "Verify.java ask.py verify.conf verify.cpp verify.go verify.js verify.py ");
}

}  // namespace
}  // namespace cardgate
