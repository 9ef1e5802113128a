// SPDX-License-Identifier: Apache-2.0
// Any bytes as an OCSP answer: intake, a validation that asks it, and the check of what was fetched.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/crypto.hpp"
#include "trust/answers.hpp"

namespace {

using namespace cardgate;
using namespace cardgate::trust;

/// A root of its own making and a person below it; the lists under test may claim to be the root's.
constexpr std::string_view anchor_pem = R"(-----BEGIN CERTIFICATE-----
MIIBrDCCAVKgAwIBAgIBATAKBggqhkjOPQQDAjAsMRYwFAYDVQQKDA1FeGFtcGxl
IFRydXN0MRIwEAYDVQQDDAlGdXp6IFJvb3QwIBcNMjYxMTIyMjMzODIzWhgPMjEy
NjEwMjkyMzM4MjNaMCwxFjAUBgNVBAoMDUV4YW1wbGUgVHJ1c3QxEjAQBgNVBAMM
CUZ1enogUm9vdDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABGjWbM41xrTdqAge
HFurp1rGkItpxNRlXCk03PJ5Did5Iye3xtakDO6ZwZOcbQ0OgdxYUBWnRrLy0glO
wB4KgBqjYzBhMB0GA1UdDgQWBBQ1XWaPIBE1GIEQiic35JIoXNUHgjAfBgNVHSME
GDAWgBQ1XWaPIBE1GIEQiic35JIoXNUHgjAOBgNVHQ8BAf8EBAMCAQYwDwYDVR0T
AQH/BAUwAwEB/zAKBggqhkjOPQQDAgNIADBFAiEAq6rKHGe/F8UK1BPlREjRWBP3
T37lP/ADHY2qZjH5DHQCIC1h296ifbjeTtzd4pJJ6Z6pVFhg6P0qfVWJP8AN1ioK
-----END CERTIFICATE-----
)";
constexpr std::string_view leaf_base64 =
    "MIIBsDCCAVagAwIBAgIBAjAKBggqhkjOPQQDAjAsMRYwFAYDVQQKDA1FeGFtcGxlIFRydXN0MRIwEAYDVQQDDAlGdX"
    "p6IFJvb3QwIBcNMjYxMTIyMjMzODI1WhgPMjEyNjEwMjkyMzM4MjVaMCwxFjAUBgNVBAoMDUV4YW1wbGUgVHJ1c3Qx"
    "EjAQBgNVBAMMCUpvIEJsb2dnczBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABEtVGw+ONKcpC/UitbfPJx5Gi/iUze"
    "hIwPycc8pyNiL0TPK6I0fi0Awz+TKCJ3othYvCgBGYyaOkibO2KLYvc0ajZzBlMA4GA1UdDwEB/wQEAwIHgDATBgNV"
    "HSUEDDAKBggrBgEFBQcDAjAdBgNVHQ4EFgQUY01fUGECl93NWUC23+JO6p3VLNswHwYDVR0jBBgwFoAUNV1mjyARNR"
    "iBEIonN+SSKFzVB4IwCgYIKoZIzj0EAwIDSAAwRQIgTzvliaqX+W2IZ1vScFgIx5UiWaVtMTg7pW972Wiy6SwCIQDA"
    "jPcMxXI098j3NRF5aZ/kJmg1K/RKCoriMX2D6o296g==";

Bytes bytes_of(std::string_view text) {
  return {text.begin(), text.end()};
}

}  // namespace

extern "C" int LLVMFuzzerInitialize(int* /*argc*/, char*** /*argv*/) {
  init_crypto();
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const auto authorities =
      Authorities::parse({.anchors = {bytes_of(anchor_pem)}, .intermediates = {}, .crls = {}});
  static const Bytes leaf = from_base64(leaf_base64).value();
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
