// SPDX-License-Identifier: Apache-2.0
// NIST's Public Key Interoperability Test Suite against validate(). Every case gives its expected result, or
// stands in the list of exceptions below with the reason; a case that must fail is never accepted.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <map>

#include "base/file.hpp"
#include "base/json.hpp"
#include "tests/support/folders.hpp"
#include "trust/certificate.hpp"
#include "trust/validate.hpp"

namespace cardgate::trust {
namespace {

namespace fs = std::filesystem;

/// Cases that are refused although PKITS expects them to be valid: case -> why.
const std::map<std::string, std::string> exceptions = {
    {"4.1.4-ValidDSASignaturesTest4", "DSA and SHA-1 are below the floor of key and signature strength"},
    {"4.1.5-ValidDSAParameterInheritanceTest5",
     "DSA and SHA-1 are below the floor; inherited parameters are not supported"},
    {"4.14.30-ValidcRLIssuerTest30",
     "the issuer of the indirect CRL is vouched for by that CRL alone: whoever stole its key could hide the "
     "theft"},
    {"4.6.4-ValidbasicConstraintsNotCriticalTest4",
     "RFC 5280 4.2.1.9 requires a CA to mark basicConstraints critical; strictness is on"},
};

fs::path suite() {
  const char* configured = std::getenv("CARDGATE_SUITES");
  const fs::path suites =
      configured != nullptr ? fs::path{configured} : fs::path{source_file("../shared/suites")};
  return suites / "pkits";
}

std::string text_of(const json::object& object, std::string_view key) {
  const auto* value = find_string(object, key);
  return value != nullptr ? std::string{value->data(), value->size()} : std::string{};
}

struct Case {
  std::string id;
  bool expected = false;
  WallTime at;
  Rules rules;
};

Result<Case> read_case(const fs::path& folder) {
  const std::string text = TRY(read_file(folder / "case.json", 1 << 16));
  const json::value parsed = TRY(parse_json(text));
  const auto& object = parsed.as_object();
  Case c;
  c.id = text_of(object, "id");
  c.expected = text_of(object, "expected") == "valid";
  c.at = TRY(parse_rfc3339(text_of(object, "time")));
  c.rules.purpose = Purpose::any;
  if (const auto* policy = find_object(object, "policy")) {
    c.rules.policy.require_explicit = policy->at("explicit").as_bool();
    c.rules.policy.inhibit_mapping = policy->at("inhibit_mapping").as_bool();
    c.rules.policy.inhibit_any = policy->at("inhibit_any").as_bool();
    for (const auto& oid : policy->at("initial_set").as_array()) {
      c.rules.policy.acceptable.emplace_back(oid.as_string().data(), oid.as_string().size());
    }
  }
  return c;
}

/// An empty file stands for nothing.
std::vector<fs::path> if_not_empty(const fs::path& file) {
  std::error_code code;
  return fs::exists(file) && fs::file_size(file, code) > 0 ? std::vector<fs::path>{file}
                                                           : std::vector<fs::path>{};
}

Verdict run(const Case& c, const fs::path& folder) {
  auto authorities = Authorities::load({.anchors = {folder / "anchor.pem"},
                                        .intermediates = if_not_empty(folder / "intermediates.pem"),
                                        .crls = if_not_empty(folder / "crls.pem")});
  auto leaf = load_certificate(folder / "leaf.pem");
  if (!authorities || !leaf) {
    Verdict refused;
    refused.findings.push_back(
        {Status::malformed, 0, {}, !leaf ? leaf.error().context : authorities.error().context});
    return refused;
  }
  return validate(*authorities, *leaf, c.rules, c.at);
}

std::string summary(const Verdict& verdict, bool details) {
  std::string text;
  for (const auto& finding : verdict.findings) {
    if (!text.empty()) text += ", ";
    text += std::string{name(finding.status)} + " at " + std::to_string(finding.depth);
    if (details && !finding.detail.empty()) text += " (" + finding.detail + ")";
  }
  return text.empty() ? "valid" : text;
}

using Results = std::map<std::string, std::pair<Case, Verdict>>;

std::string document(const Results& results) {
  std::string text =
      "<!-- SPDX-License-Identifier: Apache-2.0 -->\n"
      "# PKITS results\n\n"
      "Every case of NIST's Public Key Interoperability Test Suite (PKITS 1.0.1) against `trust::validate`, "
      "written and "
      "compared by tests/trust/pkits_test.cpp (`CARDGATE_WRITE_DOCS=1` rewrites it). \"at 1\" is the depth "
      "in the path, 0 "
      "the leaf.\n\n"
      "## Exceptions\n\n"
      "No case that must be refused is accepted. These are refused although PKITS expects them to be "
      "valid:\n\n"
      "| case | why |\n|---|---|\n";
  for (const auto& [id, why] : exceptions) text += "| " + id + " | " + why + " |\n";
  text += "\n## Cases\n\n| case | expected | result |\n|---|---|---|\n";
  for (const auto& [id, result] : results) {
    text += "| " + id + " | " + (result.first.expected ? "valid" : "invalid") + " | " +
            summary(result.second, false) + " |\n";
  }
  return text;
}

TEST(Pkits, EveryCaseGivesItsResultOrIsListed) {
  if (!fs::is_directory(suite())) {
    GTEST_SKIP() << "no PKITS at " << suite() << "; set CARDGATE_SUITES to the folder that holds pkits/";
  }
  Results results;
  for (const auto& entry : fs::directory_iterator{suite()}) {
    if (!entry.is_directory()) continue;
    auto c = read_case(entry.path());
    ASSERT_TRUE(c) << entry.path() << ": " << c.error().context;
    Verdict verdict = run(*c, entry.path());
    results.emplace(c->id, std::pair{*c, std::move(verdict)});
  }
  ASSERT_GE(results.size(), 200U);
  for (const auto& [id, result] : results) {
    const auto& [c, verdict] = result;
    if (!c.expected) {
      EXPECT_FALSE(verdict.valid) << id << " must be refused";
    } else if (exceptions.contains(id)) {
      EXPECT_FALSE(verdict.valid) << id << " is listed as an exception, but is accepted";
    } else {
      EXPECT_TRUE(verdict.valid) << id << ": " << summary(verdict, true);
    }
    for (const auto& finding : verdict.findings) {
      EXPECT_NE(finding.status, Status::internal) << id << ": " << summary(verdict, true);
    }
  }

  const fs::path file = source_file("docs/pkits.md");
  if (std::getenv("CARDGATE_WRITE_DOCS") != nullptr) {
    ASSERT_TRUE(write_file_atomic(file, as_bytes(document(results)), 0644));
  }
  auto written = read_file(file, 1 << 20);
  ASSERT_TRUE(written) << written.error().context;
  EXPECT_TRUE(*written == document(results))
      << "docs/pkits.md is out of date; run this test with CARDGATE_WRITE_DOCS=1";
}

}  // namespace
}  // namespace cardgate::trust
