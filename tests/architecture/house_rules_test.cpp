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

INSTANTIATE_TEST_SUITE_P(Each, HouseRulesSee,
                         testing::Values(Broken{"base/a.cpp", R"(#include "pcsc/piv.hpp")"},
                                         Broken{"pcsc/a.cpp", R"(#include "trust/validate.hpp")"},
                                         Broken{"policy/a.hpp", R"(#include "register/store.hpp")"},
                                         Broken{"audit/a.cpp", R"(#include "daemon/sessions/sessions.hpp")"},
                                         Broken{"proto/a.cpp", R"(#include "client/http.hpp")"},
                                         Broken{"daemon/a.cpp", R"(#include "client/http.hpp")"},
                                         Broken{"client/a.cpp", R"(#include "daemon/rules/config.hpp")"},
                                         Broken{"client/a.cpp", R"(#include "register/store.hpp")"},
                                         Broken{"client/a.cpp", R"(#include "pcsc/piv.hpp")"},
                                         Broken{"daemon/a.cpp", R"(#include "tests/support/process.hpp")"},
                                         Broken{"pcsc/a.cpp", R"(#include "piv.hpp")"},
                                         Broken{"pcsc/a.cpp", R"(  #  include  "../trust/validate.hpp")"},
                                         Broken{"daemon/a.cpp", "#include <winscard.h>"},
                                         Broken{"daemon/a.cpp", "#include <PCSC/winscard.h>"},
                                         Broken{"daemon/cards/a.cpp", "#include <p11-kit/p11-kit.h>"},
                                         Broken{"daemon/cards/a.cpp",
                                                R"(#include "daemon/vendor/module.hpp")"},
                                         Broken{"trust/a.cpp", "#include <zlib.h>"},
                                         Broken{"daemon/a.cpp", "#include <openssl/x509.h>"},
                                         Broken{"proto/a.cpp", "#include <sodium.h>"},
                                         Broken{"audit/a.cpp", "#include <SQLiteCpp/SQLiteCpp.h>"},
                                         Broken{"daemon/a.cpp", "#include <sqlite3.h>"},
                                         Broken{"policy/a.cpp", "#include <yaml-cpp/yaml.h>"},
                                         Broken{"proto/a.hpp", "#include <boost/asio/awaitable.hpp>"},
                                         Broken{"proto/a.hpp", "#include <boost/beast/http.hpp>"},
                                         Broken{"client/a.cpp", "#include <systemd/sd-daemon.h>"}));

TEST(HouseRules, AllowWhatTheDesignAllows) {
  for (const auto& [path, line] :
       {Broken{"daemon/a.cpp", R"(#include "pcsc/piv.hpp")"},
        Broken{"daemon/vendor/a.cpp", "#include <p11-kit/p11-kit.h>"},
        Broken{"daemon/cards/a.cpp", R"(#include "daemon/vendor/message.hpp")"},
        Broken{"daemon/a.cpp", "#include <systemd/sd-journal.h>"},
        Broken{"client/a.cpp", R"(#include "trust/validate.hpp")"},
        Broken{"client/a.cpp", "#include <boost/beast/http.hpp>"},
        Broken{"pcsc/a.cpp", "#include <winscard.h>"}, Broken{"base/a.cpp", "#include <yaml-cpp/yaml.h>"},
        Broken{"register/a.cpp", R"(#include "register/store.hpp")"},
        Broken{"policy/a.cpp", R"(#include "base/result.hpp")"},
        Broken{"tests/trust/a.cpp", "#include <sodium.h>"}}) {
    EXPECT_TRUE(check_source(path, line).empty()) << path << " " << line;
  }
}

TEST(HouseRules, SeeARoomLinkedToARoom) {
  EXPECT_EQ(check_cmake("pcsc/CMakeLists.txt",
                        "target_link_libraries(cardgate_pcsc PUBLIC cardgate_base\n  PRIVATE cardgate_trust)")
                .size(),
            1U);
  EXPECT_EQ(
      check_cmake("client/CMakeLists.txt", "target_link_libraries(cardgate PRIVATE cardgate_daemon)").size(),
      1U);
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
