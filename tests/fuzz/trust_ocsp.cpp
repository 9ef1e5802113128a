// SPDX-License-Identifier: Apache-2.0
// Any bytes as an OCSP answer: intake, a validation that asks it, and the check of what was fetched.
#include <cstdint>
#include <cstdlib>

#include "base/crypto.hpp"
#include "tests/fuzz/example_house.hpp"
#include "trust/answers.hpp"

namespace {

using namespace cardgate;
using namespace cardgate::trust;

}  // namespace

extern "C" int LLVMFuzzerInitialize(int* /*argc*/, char*** /*argv*/) {
  init_crypto();
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const auto authorities =
      Authorities::parse({.anchors = {fuzz::anchor()}, .intermediates = {}, .crls = {}});
  static const Bytes leaf = fuzz::leaf();
  static const FetchRules fetch{
      .hosts = {"ocsp.example"}, .responders = {{"", "http://ocsp.example/"}}, .nonce_required = false};
  const WallTime at = std::chrono::sys_days{std::chrono::year{2030} / 6 / 1};
  const Bytes answer(data, data + size);
  Answers answers;
  if (!answers.add_ocsp(answer)) return 0;
  const Verdict verdict = validate(*authorities, answers, leaf, {}, at);
  // Nobody but the holder of the root's key can make an answer that lets this person in.
  if (verdict.valid || verdict.findings.empty()) std::abort();
  Answers fetched;
  for (const auto& question : questions(*authorities, fetched, leaf, {}, fetch, at)) {
    if (fetched.take(question, answer, *authorities, {}, fetch, at)) std::abort();
  }
  return 0;
}
