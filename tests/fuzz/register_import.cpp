// SPDX-License-Identifier: Apache-2.0
// Any bytes as a file of staff: refused, or read with what is wrong named, and complete only when nothing is.
#include <cstdlib>

#include "register/import/file.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto parsed = cardgate::reg::parse_import({reinterpret_cast<const char*>(data), size}, "staff.yaml");
  if (!parsed) return 0;
  if (parsed->file.complete != parsed->problems.empty()) std::abort();
  for (const auto& item : parsed->file.people) {
    if (item.lines.cards.size() != item.person.cards.size()) std::abort();
    if (item.lines.delegations.size() != item.person.delegations.size()) std::abort();
    if (parsed->file.complete && (item.person.id.empty() || item.person.name.empty())) std::abort();
  }
  return 0;
}
