// SPDX-License-Identifier: Apache-2.0
#include "policy/prerequisite_reader.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace cardgate::policy {
namespace {

/// How a kind is written in the file: alone, or with the name of what is asked for.
enum class Shape : std::uint8_t { plain, named, declaration, training };

struct KindRow {
  Kind kind;
  Shape shape;
  std::string_view key;  // of the subject, in the long form
  std::string_view usage;
};

constexpr std::array<KindRow, 9> kinds{{
    {Kind::not_removed, Shape::plain, "", "not-removed"},
    {Kind::employed, Shape::plain, "", "employed"},
    {Kind::card, Shape::plain, "", "card"},
    {Kind::line_manager, Shape::plain, "", "line-manager"},
    {Kind::delegation, Shape::plain, "", "delegation"},
    {Kind::form, Shape::named, "kind", "form: {kind, title}"},
    {Kind::team, Shape::named, "name", "team: {name, title}"},
    {Kind::declaration, Shape::declaration, "name", "declaration: {name, version, valid_for, title}"},
    {Kind::training, Shape::training, "course", "training: {course, mode, title}"},
}};

std::string all_usages() {
  std::string text;
  for (const auto& row : kinds) text += (text.empty() ? "" : "; ") + std::string(row.usage);
  return text;
}

Result<const KindRow*> find_kind(const Yaml& at, std::string_view text) {
  const auto row = std::ranges::find(kinds, text, [](const KindRow& each) { return name(each.kind); });
  if (row == kinds.end()) {
    return at.error(fmt::format("unknown prerequisite '{}'; expected one of: {}", text, all_usages()));
  }
  return &*row;
}

Result<bool> read_warn(const Yaml& mode) {
  const std::string text = TRY(mode.string());
  if (text != "warn" && text != "deny")
    return mode.error(fmt::format("unknown mode '{}'; expected warn or deny", text));
  return text == "warn";
}

Result<Prerequisite> read_named(const KindRow& row, const Yaml& value) {
  Prerequisite out{row.kind, {}, {}, {}, false, {}};
  YamlMap map = TRY(value.map());
  out.subject = TRY(TRY(map.required(row.key)).string());
  if (row.shape == Shape::declaration) {
    if (const auto version = map.optional("version")) out.version = TRY(version->string());
    if (const auto time = map.optional("valid_for")) {
      const milliseconds length = TRY(time->duration());
      if (length < std::chrono::days(1) || length % std::chrono::days(1) != milliseconds(0)) {
        return time->error("expected whole days, such as 365d");
      }
      out.valid_for = std::chrono::duration_cast<std::chrono::days>(length);
    }
  }
  if (row.shape == Shape::training) out.warn = TRY(read_warn(TRY(map.required("mode"))));
  const auto title = map.optional("title");
  out.title = title ? TRY(title->string()) : out.subject;
  TRY(map.finish());
  return out;
}

Result<Prerequisite> read_prerequisite(const Yaml& item) {
  if (auto word = item.string()) {
    const KindRow* row = TRY(find_kind(item, *word));
    if (row->shape != Shape::plain) return item.error(fmt::format("expected {}", row->usage));
    return Prerequisite{row->kind, {}, {}, {}, false, {}};
  }
  auto map = item.map();
  if (!map) return item.error(fmt::format("expected a prerequisite, one of: {}", all_usages()));
  const auto entries = map->entries();
  if (entries.size() != 1) return item.error("expected one prerequisite in each item of the list");
  const auto& [word, value] = entries.front();
  const KindRow* row = TRY(find_kind(item, word));
  if (row->shape == Shape::plain) return value.error(fmt::format("'{}' takes no value", word));
  return read_named(*row, value);
}

}  // namespace

Result<std::vector<Prerequisite>> read_prerequisites(const Yaml& list) {
  std::vector<Prerequisite> out;
  for (const auto& item : TRY(list.list())) {
    Prerequisite next = TRY(read_prerequisite(item));
    const bool twice = std::ranges::any_of(out, [&](const Prerequisite& other) {
      return other.kind == next.kind && other.subject == next.subject;
    });
    if (twice) {
      return item.error(next.subject.empty()
                            ? fmt::format("'{}' stands twice", name(next.kind))
                            : fmt::format("'{}: {}' stands twice", name(next.kind), next.subject));
    }
    out.push_back(std::move(next));
  }
  if (out.empty()) return list.error("expected at least one prerequisite");
  return out;
}

}  // namespace cardgate::policy
