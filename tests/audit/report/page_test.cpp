// SPDX-License-Identifier: Apache-2.0
// The HTML reports in a real browser. Skipped where there is none: script/bootstrap browser.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iostream>

#include "audit/report/render.hpp"
#include "audit/report/report.hpp"
#include "tests/audit/report/trust_log.hpp"
#include "tests/support/folders.hpp"
#include "tests/support/process.hpp"

namespace cardgate::audit::report {
namespace {

/// What a hostile person, reader or program may be called.
void add_nasty(Report& report) {
  report.sections.front().tables.push_back({"Names",
                                            {"Name"},
                                            {{"<script>document.title='owned'</script>"},
                                             {"<img src=https://hospital.example/x onerror=alert(1)>"},
                                             {"Ἀθηνᾶ Παπαδοπούλου"},
                                             {"静香"},
                                             {"مريم"},
                                             {std::string(300, 'W')}}});
}

TEST(ReportPage, IsReadByEverybodyInARealBrowser) {
  const auto axe = source_file("build/browser/node_modules/axe-core");
  const std::string chromium =
      cardgate::testing::has_program("chromium-headless-shell") ? "chromium-headless-shell" : "chromium";
  if (!cardgate::testing::has_program(chromium))
    GTEST_SKIP() << "Chromium is missing: run script/bootstrap browser";
  if (!cardgate::testing::has_program("node"))
    GTEST_SKIP() << "Node is missing: run script/bootstrap browser";
  if (!std::filesystem::exists(axe)) GTEST_SKIP() << "axe-core is missing: run script/bootstrap browser";
  const cardgate::testing::TempDir scratch;
  std::filesystem::create_directory(scratch / "log");
  const auto trust = write_trust_log(scratch / "log", {});
  std::vector<std::string> argv{"node", source_file("tests/audit/report/page_test.mjs"), chromium, axe,
                                scratch.path()};
  for (const auto& kind : kinds()) {
    const Ask ask{
        .kind = kind, .from = trust.from, .to = trust.to, .now = trust.to, .standing = &trust.standing};
    Progress progress;
    auto report = make(scratch / "log", ask, progress);
    ASSERT_TRUE(report) << report.error().message();
    if (kind == "usage") add_nasty(*report);
    argv.push_back(scratch / (kind + ".html"));
    std::ofstream(argv.back()) << to_html(*report);
  }
  const auto looked = cardgate::testing::run(argv, seconds(800));
  ASSERT_TRUE(looked);
  EXPECT_EQ(looked->status, 0) << looked->all;
  std::cout << looked->output;
  // For the picture in README: CARDGATE_PICTURES=FOLDER keeps what was seen.
  if (const char* keep = std::getenv("CARDGATE_PICTURES")) {
    for (const auto& each : std::filesystem::directory_iterator(scratch.path())) {
      if (each.path().extension() == ".png" || each.path().extension() == ".html")
        std::filesystem::copy_file(each.path(), std::filesystem::path(keep) / each.path().filename(),
                                   std::filesystem::copy_options::overwrite_existing);
    }
  }
}

}  // namespace
}  // namespace cardgate::audit::report
