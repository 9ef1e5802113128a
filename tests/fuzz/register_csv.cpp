// SPDX-License-Identifier: Apache-2.0
// Any bytes as a table of staff, in either way of reading them: read with what is wrong named, and complete only
// when nothing is.
#include <cstdlib>

#include "base/bytes.hpp"
#include "register/import/file.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace cardgate::reg;
  for (const auto encoding : {TextEncoding::by_mark, TextEncoding::windows_1252}) {
    const auto parsed = parse_import_csv({reinterpret_cast<const char*>(data), size}, "staff.csv", encoding);
    if (parsed.file.complete != parsed.problems.empty()) std::abort();
    for (const auto& item : parsed.file.people) {
      if (item.lines.cards.size() != item.person.cards.size()) std::abort();
      if (!parsed.file.complete) continue;
      if (item.person.id.empty() || !cardgate::is_plain_utf8(item.person.name)) std::abort();
      if (item.given.enrolment && item.enrolment.born.has_value() == item.enrolment.ni_start.empty())
        std::abort();
    }
  }
  return 0;
}
