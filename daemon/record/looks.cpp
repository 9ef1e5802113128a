// SPDX-License-Identifier: Apache-2.0
#include "daemon/record/looks.hpp"

#include "audit/record.hpp"
#include "base/bytes.hpp"
#include "base/crypto.hpp"

namespace cardgate::daemon {

std::string list_mark(const std::vector<std::string>& people) {
  std::string all;
  for (const auto& id : people) all += id + "\n";
  const auto digest = blake2b(as_bytes(all));
  return to_hex(BytesView(digest).first(8));
}

std::vector<std::vector<std::string>> parts_for_records(const std::vector<std::string>& people) {
  constexpr std::size_t room = audit::max_details_bytes - 1024;  // for what else the details say
  std::vector<std::vector<std::string>> parts;
  std::size_t used = room;
  for (const auto& id : people) {
    // Quotes, a comma, and a backslash before a quote or a backslash.
    const std::size_t size = 3 + 2 * id.size();
    if (used + size > room) {
      parts.emplace_back();
      used = 0;
    }
    parts.back().push_back(id);
    used += size;
  }
  return parts;
}

}  // namespace cardgate::daemon
