// SPDX-License-Identifier: Apache-2.0
// Any text as a token, and as a token's parts under a good signature (so that the claims parser is reached).
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "proto/token.hpp"

using namespace cardgate;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  init_crypto();
  static const auto key = SigningKey::from_seed(Bytes(32, 7)).value();
  static const std::vector<proto::VerifyingKey> keys{{"k", key.public_key()}};
  const std::string_view text = as_text({data, size});
  if (proto::check_signature(text, keys)) std::abort();  // nobody guesses a signature
  (void)proto::parse_jwks(text);

  auto token = to_base64url(as_bytes(R"({"alg":"EdDSA","typ":"at+jwt","kid":"k"})")) + "." +
               to_base64url({data, size});
  const auto signature = key.sign(as_bytes(token));
  token += "." + to_base64url(signature);
  if (const auto claims = proto::check_signature(token, keys)) {
    // What was read can be written, and is then read as the same.
    const auto again = proto::check_signature(proto::issue(key, "k", *claims), keys);
    if (again ? *again != *claims : again.error().code != Errc::token_malformed) std::abort();
  }
  return 0;
}
