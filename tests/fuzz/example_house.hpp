// SPDX-License-Identifier: Apache-2.0
// A root and a person below it, for the targets whose input may claim to be the root's word.
#pragma once

#include <string_view>

#include "base/bytes.hpp"

namespace cardgate::fuzz {

inline constexpr std::string_view anchor_pem = R"(-----BEGIN CERTIFICATE-----
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
inline constexpr std::string_view leaf_base64 =
    "MIIBsDCCAVagAwIBAgIBAjAKBggqhkjOPQQDAjAsMRYwFAYDVQQKDA1FeGFtcGxlIFRydXN0MRIwEAYDVQQDDAlGdX"
    "p6IFJvb3QwIBcNMjYxMTIyMjMzODI1WhgPMjEyNjEwMjkyMzM4MjVaMCwxFjAUBgNVBAoMDUV4YW1wbGUgVHJ1c3Qx"
    "EjAQBgNVBAMMCUpvIEJsb2dnczBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABEtVGw+ONKcpC/UitbfPJx5Gi/iUze"
    "hIwPycc8pyNiL0TPK6I0fi0Awz+TKCJ3othYvCgBGYyaOkibO2KLYvc0ajZzBlMA4GA1UdDwEB/wQEAwIHgDATBgNV"
    "HSUEDDAKBggrBgEFBQcDAjAdBgNVHQ4EFgQUY01fUGECl93NWUC23+JO6p3VLNswHwYDVR0jBBgwFoAUNV1mjyARNR"
    "iBEIonN+SSKFzVB4IwCgYIKoZIzj0EAwIDSAAwRQIgTzvliaqX+W2IZ1vScFgIx5UiWaVtMTg7pW972Wiy6SwCIQDA"
    "jPcMxXI098j3NRF5aZ/kJmg1K/RKCoriMX2D6o296g==";

inline Bytes anchor() {
  return {anchor_pem.begin(), anchor_pem.end()};
}
inline Bytes leaf() {
  return from_base64(leaf_base64).value();
}

}  // namespace cardgate::fuzz
