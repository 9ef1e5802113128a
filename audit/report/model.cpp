// SPDX-License-Identifier: Apache-2.0
#include "audit/report/model.hpp"

#include <fmt/format.h>

namespace cardgate::audit::report {

std::string_view name(Sureness sure) {
  switch (sure) {
    case Sureness::certain:
      return "certain";
    case Sureness::likely:
      return "likely";
    case Sureness::possible:
      break;
  }
  return "possible";
}

void add_row(Table& table, std::vector<std::string> row) {
  if (table.rows.size() < max_rows) {
    table.rows.push_back(std::move(row));
  } else {
    ++table.left_out;
  }
}

std::string grouped(std::uint64_t number) {
  std::string text = std::to_string(number);
  for (auto at = static_cast<std::ptrdiff_t>(text.size()) - 3; at > 0; at -= 3)
    text.insert(static_cast<std::size_t>(at), 1, ',');
  return text;
}

std::string count_of(std::uint64_t number, std::string_view one, std::string_view many) {
  return fmt::format("{} {}", grouped(number), number == 1 ? one : many);
}

}  // namespace cardgate::audit::report
