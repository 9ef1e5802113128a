// SPDX-License-Identifier: Apache-2.0
// Any bytes as what cardgated and cardgate-fetch say to each other. The first byte says which: what is asked, or the head of an
// outcome. What is understood is within its bounds, and means the same when it is said again.
#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "base/bytes.hpp"
#include "daemon/fetch/message.hpp"

using namespace cardgate;
namespace fetch = cardgate::daemon::fetch;

namespace {

void require(bool holds) {
  if (!holds) std::abort();
}

bool same(const fetch::Exchange& a, const fetch::Exchange& b) {
  return a.url == b.url && a.body == b.body && a.max_bytes == b.max_bytes;
}

void ask(std::string_view text) {
  const auto request = fetch::parse_request(text);
  if (!request) return;
  require(request->deadline.count() >= 1 && request->deadline <= fetch::max_deadline);
  require(!request->exchanges.empty() && request->exchanges.size() <= fetch::max_exchanges);
  for (const auto& each : request->exchanges)
    require(each.max_bytes >= 1 && each.max_bytes <= fetch::max_content_bytes);
  const auto again = fetch::parse_request(fetch::encode(*request));
  require(again && again->deadline == request->deadline && again->hosts == request->hosts);
  require(std::ranges::equal(again->exchanges, request->exchanges, same));
}

void answer(BytesView bytes) {
  std::array<std::uint8_t, fetch::head_bytes> head{};
  if (bytes.size() != head.size()) return;
  std::ranges::copy(bytes, head.begin());
  const auto read = fetch::parse_head(head);
  if (!read) return;
  require(read->index < fetch::max_exchanges && read->length <= fetch::max_content_bytes);
  require(fetch::encode(*read) == head);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  // A little less than a message may have: said again, it names members that were left out.
  if (size < 1 || size > fetch::max_request_bytes / 2) return 0;
  const BytesView rest(data + 1, size - 1);
  if ((data[0] & 1) != 0) {
    answer(rest);
  } else {
    ask(as_text(rest));
  }
  return 0;
}
