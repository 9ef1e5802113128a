// SPDX-License-Identifier: Apache-2.0
// Any bytes as what cardgated and cardgate-vendor-cards say to each other. The first byte says which: what is asked, or the
// answer. There is one way to say a thing: what is understood gives the same bytes when it is said again.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "base/bytes.hpp"
#include "daemon/vendor/message.hpp"

using namespace cardgate;
namespace vendor = cardgate::daemon::vendor;

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

void ask(BytesView message) {
  const auto request = vendor::parse_request(message);
  if (!request) return;
  require(is_plain_utf8(request->reader) && is_plain_utf8(request->token_label));
  require(request->passcode.size() <= vendor::max_field_bytes);
  const auto again = vendor::encode(*request);
  require(again && again->size() <= vendor::max_request_bytes);
  require(std::ranges::equal(again->bytes(), message));
}

void answer(BytesView message) {
  const auto said = vendor::parse_answer(message);
  if (!said) return;
  require(is_plain_utf8(said->text) && said->certificates.size() <= vendor::max_certificates);
  // Of a longer one encode() leaves certificates out.
  if (message.size() > vendor::max_answer_bytes) return;
  require(std::ranges::equal(vendor::encode(*said), message));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  init_crypto();
  if (size < 1) return 0;
  const BytesView message(data + 1, size - 1);
  if ((data[0] & 1) != 0) {
    answer(message);
  } else {
    ask(message);
  }
  return 0;
}
