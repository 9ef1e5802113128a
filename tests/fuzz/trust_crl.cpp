// SPDX-License-Identifier: Apache-2.0
// Any bytes as a file of certificate revocation lists, PEM or DER: intake, and a validation that looks into
// them.
#include <cstdint>
#include <cstdlib>

#include "base/crypto.hpp"
#include "tests/fuzz/example_house.hpp"
#include "trust/validate.hpp"

namespace {

using namespace cardgate;
using namespace cardgate::trust;

}  // namespace

extern "C" int LLVMFuzzerInitialize(int* /*argc*/, char*** /*argv*/) {
  init_crypto();
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto authorities = Authorities::parse(
      {.anchors = {fuzz::anchor()}, .intermediates = {}, .crls = {Bytes(data, data + size)}});
  if (!authorities) return 0;
  static const Bytes leaf = fuzz::leaf();
  const WallTime at = std::chrono::sys_days{std::chrono::year{2030} / 6 / 1};
  const Verdict verdict = validate(*authorities, leaf, {}, at);
  // Nobody but the holder of the root's key can make a list that lets this person in.
  if (verdict.valid || verdict.findings.empty()) std::abort();
  return 0;
}
