// SPDX-License-Identifier: Apache-2.0
// The tree keeps the house's rules, and the check itself sees each way of breaking one.
#include "tests/architecture/house_rules.hpp"
#include "tests/support/folders.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>

namespace cardgate::architecture {
namespace {

TEST(HouseRules, HoldInThisTree) {
  int seen = 0;
  const auto violations = find_violations(source_file(""), seen);
  EXPECT_GT(seen, 20) << "the check did not find the sources";
  EXPECT_TRUE(violations.empty()) << fmt::format("{}", fmt::join(violations, "\n"));
}

struct Broken {
  const char* path;
  const char* line;
};

class HouseRulesSee : public testing::TestWithParam<Broken> {};

TEST_P(HouseRulesSee, ABrokenIncludeRule) {
  const auto [path, line] = GetParam();
  const auto findings = check_source(path, fmt::format("// a file\n{}\n", line));
  ASSERT_EQ(findings.size(), 1U) << path << " " << line;
  EXPECT_TRUE(findings[0].starts_with(fmt::format("{}:2: ", path))) << findings[0];
}

INSTANTIATE_TEST_SUITE_P(
    Each, HouseRulesSee,
    testing::Values(
        Broken{"base/a.cpp", R"(#include "pcsc/piv.hpp")"},
        Broken{"pcsc/a.cpp", R"(#include "trust/validate.hpp")"},
        Broken{"policy/a.hpp", R"(#include "register/store.hpp")"},
        Broken{"audit/a.cpp", R"(#include "daemon/sessions/sessions.hpp")"},
        Broken{"proto/a.cpp", R"(#include "client/socket/http.hpp")"},
        Broken{"daemon/a.cpp", R"(#include "client/socket/http.hpp")"},
        Broken{"client/a.cpp", R"(#include "daemon/rules/config.hpp")"},
        Broken{"client/a.cpp", R"(#include "register/store.hpp")"},
        Broken{"client/a.cpp", R"(#include "pcsc/piv.hpp")"},
        Broken{"client/socket/a.cpp", R"(#include "client/command/cli.hpp")"},
        Broken{"client/socket/a.cpp", R"(#include "audit/log.hpp")"},
        Broken{"client/command/a.cpp", "#include <boost/asio/read.hpp>"},
        Broken{"daemon/a.cpp", R"(#include "tests/support/process.hpp")"},
        Broken{"pcsc/a.cpp", R"(#include "piv.hpp")"},
        Broken{"pcsc/a.cpp", R"(  #  include  "../trust/validate.hpp")"},
        Broken{"daemon/a.cpp", "#include <winscard.h>"}, Broken{"daemon/a.cpp", "#include <PCSC/winscard.h>"},
        Broken{"daemon/cards/a.cpp", "#include <p11-kit/p11-kit.h>"},
        Broken{"daemon/cards/a.cpp", R"(#include "daemon/vendor/module.hpp")"},
        Broken{"trust/a.cpp", "#include <zlib.h>"}, Broken{"daemon/a.cpp", "#include <openssl/x509.h>"},
        Broken{"proto/a.cpp", "#include <sodium.h>"},
        Broken{"policy/a.cpp", "#include <SQLiteCpp/SQLiteCpp.h>"},
        Broken{"daemon/a.cpp", "#include <sqlite3.h>"}, Broken{"policy/a.cpp", "#include <yaml-cpp/yaml.h>"},
        Broken{"proto/a.hpp", "#include <boost/asio/awaitable.hpp>"},
        Broken{"proto/a.hpp", "#include <boost/beast/http.hpp>"},
        Broken{"client/a.cpp", "#include <systemd/sd-daemon.h>"}));

INSTANTIATE_TEST_SUITE_P(
    InTheDaemon, HouseRulesSee,
    testing::Values(Broken{"daemon/http/a.hpp", R"(#include "daemon/record/recorder.hpp")"},
                    Broken{"daemon/http/a.cpp", R"(#include "policy/policy.hpp")"},
                    Broken{"daemon/http/a.cpp", R"(#include "register/store.hpp")"},
                    Broken{"daemon/access/a.hpp", R"(#include "daemon/rules/config.hpp")"},
                    Broken{"daemon/access/a.cpp", R"(#include "trust/validate.hpp")"},
                    Broken{"daemon/drivers/a.cpp", R"(#include "daemon/rules/config.hpp")"},
                    Broken{"daemon/drivers/a.cpp", R"(#include "daemon/cards/readers.hpp")"},
                    Broken{"daemon/time/a.hpp", R"(#include "daemon/record/recorder.hpp")"},
                    Broken{"daemon/record/a.cpp", R"(#include "daemon/rules/rule_book.hpp")"},
                    Broken{"daemon/rules/a.cpp", R"(#include "daemon/people/roll.hpp")"},
                    Broken{"daemon/rules/a.cpp", R"(#include "daemon/http/message.hpp")"},
                    Broken{"daemon/rules/a.cpp", R"(#include "daemon/fetch/download.hpp")"},
                    Broken{"daemon/work/a.cpp", R"(#include "daemon/people/roll.hpp")"},
                    Broken{"daemon/work/a.cpp", R"(#include "daemon/journal.hpp")"},
                    Broken{"daemon/work/a.cpp", R"(#include "trust/validate.hpp")"},
                    Broken{"daemon/people/a.cpp", R"(#include "daemon/sessions/session_desk.hpp")"},
                    Broken{"daemon/sessions/a.cpp", R"(#include "daemon/deeds/deeds.hpp")"},
                    Broken{"daemon/sessions/a.cpp", R"(#include "daemon/cards/card_desk.hpp")"},
                    Broken{"daemon/cards/a.cpp", R"(#include "daemon/deeds/deeds.hpp")"},
                    Broken{"daemon/deeds/a.cpp", R"(#include "daemon/cards/card_desk.hpp")"},
                    Broken{"daemon/deeds/a.cpp", R"(#include "daemon/api/routes.hpp")"},
                    Broken{"daemon/deeds/a.cpp", R"(#include "daemon/service.hpp")"},
                    Broken{"daemon/api/a.cpp", R"(#include "daemon/owners.hpp")"},
                    Broken{"daemon/api/a.cpp", R"(#include "daemon/fetch/message.hpp")"},
                    Broken{"daemon/fetch/a.cpp", R"(#include "daemon/journal.hpp")"},
                    Broken{"daemon/vendor/a.cpp", R"(#include "daemon/drivers/driver.hpp")"},
                    Broken{"daemon/helper/a.cpp", R"(#include "daemon/fetch/message.hpp")"},
                    Broken{"daemon/journal.hpp", R"(#include "daemon/record/recorder.hpp")"},
                    Broken{"daemon/limits.hpp", R"(#include "daemon/http/message.hpp")"},
                    Broken{"daemon/cards/a.cpp", R"(#include "daemon/vendor/message.hpp")"},
                    Broken{"daemon/odds/a.cpp", R"(#include "daemon/http/message.hpp")"}));

TEST(HouseRules, AllowWhatTheDesignAllows) {
  for (const auto& [path, line] :
       {Broken{"daemon/a.cpp", R"(#include "pcsc/piv.hpp")"},
        Broken{"daemon/vendor/a.cpp", "#include <p11-kit/p11-kit.h>"},
        Broken{"daemon/drivers/a.cpp", R"(#include "daemon/vendor/message.hpp")"},
        Broken{"daemon/a.cpp", "#include <systemd/sd-journal.h>"},
        Broken{"daemon/service.cpp", R"(#include "daemon/owners.hpp")"},
        Broken{"daemon/owners.hpp", R"(#include "daemon/deeds/deeds.hpp")"},
        Broken{"daemon/api/a.cpp", R"(#include "daemon/deeds/deeds.hpp")"},
        Broken{"daemon/api/a.cpp", R"(#include "daemon/cards/card_desk.hpp")"},
        Broken{"daemon/deeds/a.cpp", R"(#include "daemon/sessions/session_desk.hpp")"},
        Broken{"daemon/sessions/a.cpp", R"(#include "daemon/people/roll.hpp")"},
        Broken{"daemon/people/a.cpp", R"(#include "daemon/work/rules.hpp")"},
        Broken{"daemon/rules/a.cpp", R"(#include "daemon/fetch/message.hpp")"},
        Broken{"daemon/http/a.cpp", R"(#include "daemon/access/peer.hpp")"},
        Broken{"daemon/http/a.cpp", R"(#include "proto/problem.hpp")"},
        Broken{"daemon/time/a.cpp", R"(#include "daemon/journal.hpp")"},
        Broken{"daemon/journal.cpp", R"(#include "daemon/journal.hpp")"},
        Broken{"client/command/a.cpp", R"(#include "trust/validate.hpp")"},
        Broken{"client/command/a.cpp", R"(#include "client/socket/http.hpp")"},
        Broken{"client/socket/a.cpp", R"(#include "client/socket/http.hpp")"},
        Broken{"client/socket/a.cpp", R"(#include "proto/problem.hpp")"},
        Broken{"client/socket/a.cpp", "#include <boost/beast/http.hpp>"},
        Broken{"pcsc/a.cpp", "#include <winscard.h>"},
        Broken{"base/a.cpp", "#include <yaml-cpp/yaml.h>"},
        Broken{"register/a.cpp", R"(#include "register/store.hpp")"},
        Broken{"policy/a.cpp", R"(#include "base/result.hpp")"},
        Broken{"tests/trust/a.cpp", "#include <sodium.h>"}}) {
    EXPECT_TRUE(check_source(path, line).empty()) << path << " " << line;
  }
}

std::string header_of(int lines) {
  std::string text;
  for (int i = 0; i < lines; ++i) text += "// a line\n";
  return text;
}
/// A function of `lines` lines, from its first to its closing brace; the first two are its signature.
std::string function_of(int lines) {
  std::string text = "Answer StaffApi::change(Request& request,\n                        int number) {\n";
  for (int i = 3; i < lines; ++i) text += i % 7 == 0 ? "\n" : "  work();\n";
  return text + "}\n";
}

TEST(HouseRules, SeeALongHeaderOfTheDaemon) {
  EXPECT_TRUE(check_header_length("daemon/people/a.hpp", header_of(150)).empty());
  EXPECT_EQ(
      check_header_length("daemon/people/a.hpp", header_of(151)),
      std::vector<std::string>{"daemon/people/a.hpp: a header of 151 lines: 150 at the most in daemon/"});
  EXPECT_TRUE(check_header_length("daemon/people/a.cpp", header_of(151)).empty());
  EXPECT_TRUE(check_header_length("trust/a.hpp", header_of(151)).empty());
}

TEST(HouseRules, SeeALongFunctionOfACall) {
  const std::string before = "#include <map>\n\nnamespace cardgate::daemon {\nnamespace {\n\n";
  EXPECT_TRUE(check_function_lengths("daemon/api/a.cpp", before + function_of(60)).empty());
  EXPECT_EQ(
      check_function_lengths("daemon/api/a.cpp", before + function_of(61) + function_of(60)),
      std::vector<std::string>{"daemon/api/a.cpp:6: a function of 61 lines: 60 at the most in daemon/api/"});
  EXPECT_TRUE(check_function_lengths("daemon/deeds/a.cpp", function_of(61)).empty());
}

TEST(HouseRules, CountAFunctionFromItsOwnFirstLine) {
  const std::string others =
      "using Names = std::set<std::string>;\nconstexpr int groups = 4;  // of a code\nconstexpr "
      "std::string_view text =\n    \"some\";\n"
      "bool one(int a) { return a > 1; }\nA::A(B& b)\n    : b_(b) {}\n"
      "struct Ask {\n  int number = 0;\n};\nconst std::map<int, int> table{\n    {1, 2},\n};\n"
      "// What it does.\n";
  EXPECT_TRUE(check_function_lengths("daemon/api/a.cpp", others + function_of(60)).empty());
  EXPECT_EQ(check_function_lengths("daemon/api/a.cpp", others + function_of(61)).size(), 1U);
  const std::string templated = "template <class T>\n" + function_of(60);
  EXPECT_EQ(check_function_lengths("daemon/api/a.cpp", templated).size(), 1U);
}

TEST(HouseRules, SeeARoomLinkedToARoom) {
  EXPECT_EQ(check_cmake("pcsc/CMakeLists.txt",
                        "target_link_libraries(cardgate_pcsc PUBLIC cardgate_base\n  PRIVATE cardgate_trust)")
                .size(),
            1U);
  EXPECT_EQ(
      check_cmake("client/CMakeLists.txt", "target_link_libraries(cardgate PRIVATE cardgate_daemon)").size(),
      1U);
  EXPECT_EQ(check_cmake("client/socket/CMakeLists.txt",
                        "target_link_libraries(cardgate_client PRIVATE cardgate_audit cardgate_command)")
                .size(),
            2U);
  EXPECT_TRUE(check_cmake("client/socket/CMakeLists.txt",
                          "target_link_libraries(cardgate_client PUBLIC cardgate_base cardgate_proto)")
                  .empty());
  EXPECT_TRUE(
      check_cmake("client/command/CMakeLists.txt",
                  "target_link_libraries(cardgate_command PUBLIC cardgate_client PRIVATE cardgate_audit)")
          .empty());
  EXPECT_TRUE(check_cmake("daemon/CMakeLists.txt",
                          "target_link_libraries(cardgate_daemon PUBLIC cardgate_trust cardgate_pcsc)")
                  .empty());
  EXPECT_TRUE(check_cmake("pcsc/CMakeLists.txt", "# not cardgate_trust\ncardgate_room(pcsc a.cpp)").empty());
}

TEST(HouseRules, SeeALibraryThatLeaksOut) {
  const auto findings = check_cmake(
      "trust/CMakeLists.txt", "target_link_libraries(cardgate_trust PUBLIC cardgate_base OpenSSL::Crypto)");
  ASSERT_EQ(findings.size(), 1U);
  EXPECT_NE(findings[0].find("OpenSSL::Crypto"), std::string::npos);
  EXPECT_EQ(
      check_cmake("trust/CMakeLists.txt", "target_link_libraries(cardgate_trust OpenSSL::Crypto)").size(),
      1U);
}

TEST(HouseRules, ReadFilesFromDisk) {
  const auto root = std::filesystem::temp_directory_path() / fmt::format("cardgate-rules-{}", ::getpid());
  std::filesystem::create_directories(root / "pcsc" / "deeper");
  std::ofstream(root / "pcsc" / "deeper" / "a.hpp") << "#include <openssl/evp.h>\n";
  std::ofstream(root / "pcsc" / "CMakeLists.txt")
      << "target_link_libraries(cardgate_pcsc PRIVATE cardgate_audit)\n";
  int seen = 0;
  const auto findings = find_violations(root, seen);
  std::filesystem::remove_all(root);
  EXPECT_EQ(seen, 2);
  ASSERT_EQ(findings.size(), 2U);
  EXPECT_TRUE(findings[0].starts_with("pcsc/CMakeLists.txt: ")) << findings[0];
  EXPECT_TRUE(findings[1].starts_with("pcsc/deeper/a.hpp:1: ")) << findings[1];
}

}  // namespace
}  // namespace cardgate::architecture
