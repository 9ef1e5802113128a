// SPDX-License-Identifier: Apache-2.0
#include "register/import/fields.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>

#include "base/nearest.hpp"
#include "base/unicode.hpp"

namespace cardgate::reg {

void Problems::add(const Error& error) {
  std::string_view text = error.context;
  int line = 0;
  if (text.starts_with(file_ + ":")) {
    const std::string_view rest = text.substr(file_.size() + 1);
    const auto parsed = std::from_chars(rest.data(), rest.data() + rest.size(), line);
    const auto digits = static_cast<std::size_t>(parsed.ptr - rest.data());
    if (parsed.ec == std::errc() && rest.substr(digits).starts_with(": ")) text = rest.substr(digits + 2);
  }
  add(line, std::string(text));
}

std::vector<ImportProblem> Problems::take() {
  std::ranges::stable_sort(list_, {}, &ImportProblem::line);
  return std::exchange(list_, {});
}

Fields::Fields(const Yaml& map, Problems& problems, std::initializer_list<std::string_view> known)
    : map_(map), problems_(problems) {
  auto opened = map.map();
  if (!opened) {
    problems_.add(opened.error());
    return;
  }
  entries_ = opened->entries();
  for (const auto& [key, node] : entries_) {
    if (std::ranges::find(known, key) != known.end()) continue;
    if (auto meant = nearest(key, {known.begin(), known.end()})) {
      problems_.add(node.error(fmt::format("unknown key '{}'; did you mean '{}'?", key, *meant)));
      mistyped_.push_back(*std::move(meant));
    } else {
      problems_.add(node.error(fmt::format("unknown key; expected one of: {}", fmt::join(known, ", "))));
    }
  }
}

std::optional<Yaml> Fields::find(std::string_view key) const {
  for (const auto& [name, node] : entries_) {
    if (name == key && !node.is_null()) return node;
  }
  return std::nullopt;
}

std::optional<Yaml> Fields::require(std::string_view key) {
  auto node = find(key);
  // An item that is no map at all has been noted already, and so has a key that is there mistyped.
  if (!node && map_.map() && std::ranges::find(mistyped_, key) == mistyped_.end())
    problems_.add(map_.error(fmt::format("the key '{}' is missing", key)));
  return node;
}

void Fields::read_text(const Yaml& node, std::string& to, std::size_t max_length) {
  auto value = node.string();
  if (!value) return problems_.add(value.error());
  if (value->size() > max_length)
    return problems_.add(node.error(fmt::format("expected at most {} bytes", max_length)));
  to = visible_text(*value);
}

void Fields::read_date(const Yaml& node, std::optional<Date>& to) {
  auto value = node.date();
  if (!value) return problems_.add(value.error());
  to = *value;
}

bool Fields::text(std::string_view key, std::string& to, std::size_t max_length) {
  const auto node = find(key);
  if (node) read_text(*node, to, max_length);
  return node.has_value();
}

void Fields::required_text(std::string_view key, std::string& to, std::size_t max_length) {
  if (const auto node = require(key)) read_text(*node, to, max_length);
}

bool Fields::texts(std::string_view key, std::vector<std::string>& to) {
  std::vector<Yaml> items;
  if (!list(key, items)) return false;
  for (const auto& item : items) {
    std::string value;
    read_text(item, value, max_text_length);
    if (value.empty()) continue;
    if (std::ranges::find(to, value) != to.end()) {
      problems_.add(item.error(fmt::format("'{}' stands twice", value)));
    } else {
      to.push_back(std::move(value));
    }
  }
  return true;
}

bool Fields::date(std::string_view key, std::optional<Date>& to) {
  const auto node = find(key);
  if (node) read_date(*node, to);
  return node.has_value();
}

void Fields::required_date(std::string_view key, Date& to) {
  std::optional<Date> value;
  if (const auto node = require(key)) read_date(*node, value);
  if (value) to = *value;
}

bool Fields::flag(std::string_view key, bool& to) {
  const auto node = find(key);
  if (!node) return false;
  if (auto value = node->boolean()) {
    to = *value;
  } else {
    problems_.add(value.error());
  }
  return true;
}

namespace {
bool says_none(const std::optional<Yaml>& node) {
  if (!node) return false;
  const auto word = node->string();
  return word && *word == "none";
}
}  // namespace

bool Fields::clearable_text(std::string_view key, std::string& to, std::size_t max_length) {
  if (!says_none(find(key))) return text(key, to, max_length);
  to.clear();
  return true;
}

bool Fields::clearable_date(std::string_view key, std::optional<Date>& to) {
  const auto node = find(key);
  if (says_none(node)) {
    to.reset();
    return true;
  }
  if (!node) return false;
  if (auto value = node->date()) {
    to = *value;
  } else {
    problems_.add(node->error("expected a date like 2026-01-31, or none"));
  }
  return true;
}

bool Fields::list(std::string_view key, std::vector<Yaml>& to) {
  const auto node = find(key);
  if (!node) return false;
  auto items = node->list();
  if (!items) {
    problems_.add(items.error());
  } else if (items->size() > max_list_items) {
    problems_.add(node->error(fmt::format("expected at most {} items", max_list_items)));
  } else {
    to = std::move(*items);
  }
  return true;
}

}  // namespace cardgate::reg
