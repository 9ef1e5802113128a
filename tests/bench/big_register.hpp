// SPDX-License-Identifier: Apache-2.0
// A register of as many invented people as wanted, each of whom holds what the role `core` asks for.
#pragma once

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <stdexcept>

#include "register/register.hpp"

namespace cardgate::bench {

inline Date day(std::string_view text) {
  return parse_date(text).value();
}
inline std::string id_of(std::size_t number) {
  return fmt::format("{:08}", number);
}
/// Scattered, as real cards' are.
inline std::string card_of(std::size_t number) {
  return fmt::format("{:08x}-0000-4000-8000-{:012x}", static_cast<std::uint32_t>(number * 2654435761U),
                     number);
}

/// Person 0 manages all and approves what person 1 verifies; nobody does so for themselves.
inline reg::ImportedPerson imported(std::size_t number) {
  reg::ImportedPerson entry;
  entry.line = static_cast<int>(number + 1);
  auto& person = entry.person;
  person.id = id_of(number);
  person.name = fmt::format("Invented {}", number);
  person.employed_from = day("2020-01-01");
  person.cards = {{card_of(number), "active", day("2030-01-01")}};
  reg::Form form;
  form.kind = "ESR06";
  form.role = "core";
  form.state = reg::Form::State::approved;
  form.verified_by = id_of(number == 1 ? 2 : 1);
  form.approved_by = id_of(number == 0 ? 2 : 0);
  form.verified_on = day("2026-01-02");
  form.approved_on = form.valid_from = day("2026-01-03");
  person.forms = {form};
  person.declarations = {{"core-confidentiality", "2026-1", day("2026-01-02"), std::nullopt}};
  person.training = {{"information-governance", day("2026-01-02"), day("2027-01-01")}};
  entry.given = {.name = true,
                 .employed_from = true,
                 .cards = true,
                 .forms = true,
                 .declarations = true,
                 .training = true};
  entry.lines.cards = {entry.line};
  if (number != 0) {
    person.line_manager = id_of(0);
    entry.given.line_manager = true;
    entry.lines.line_manager = entry.line;
  }
  return entry;
}

/// By importing, as an operator would, in pieces, so that a million people need not be in memory at once.
inline std::unique_ptr<reg::Register> make_register(const std::filesystem::path& file, std::size_t people) {
  const auto began = std::chrono::steady_clock::now();
  auto made = reg::open_sqlite(file);
  if (!made) throw std::runtime_error(made.error().message());
  constexpr std::size_t piece = 100'000;
  for (std::size_t from = 0; from < people; from += piece) {
    reg::ImportFile part;
    part.name = "generated";
    for (std::size_t i = from; i < std::min(people, from + piece); ++i) part.people.push_back(imported(i));
    const auto report = (*made)->import(part);
    if (!report) throw std::runtime_error(report.error().message());
    if (!report->problems.empty()) throw std::runtime_error(report->problems.front().text);
  }
  std::fprintf(stderr, "a register of %zu people was made in %.1f s\n", people,
               std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count());
  return std::move(*made);
}

}  // namespace cardgate::bench
