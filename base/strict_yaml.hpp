// SPDX-License-Identifier: Apache-2.0
// YAML read strictly: the home of yaml-cpp.
//
// Every mistake names file, line, key path and what was expected. Duplicate keys, aliases and a second
// document are refused (yaml-cpp itself keeps both of two equal keys and finds the first). A node is a cheap
// handle into a document that lives as long as any of its nodes. Not for concurrent writing, there is none;
// reading is thread-safe. Time and memory grow with the size of the text, however many keys one map has.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"

namespace cardgate {

class YamlMap;

class Yaml {
 public:
  /// Errors: not_found, permission_denied, io, too_large (the file); config_invalid (its content).
  static Result<Yaml> load(const std::filesystem::path& path, std::size_t max_bytes = 4 << 20);
  /// `name` stands for the file in messages. Errors: config_invalid.
  static Result<Yaml> parse(std::string_view text, std::string_view name);

  bool is_null() const;
  int line() const;              // 1-based
  std::string key_path() const;  // "roles.core.idle", "people[3].name"

  /// config_invalid: "policy.yaml:12: roles.core.idle: `text`".
  Error error(std::string_view text) const;

  // Typed readings. Errors: config_invalid.
  Result<std::string> string() const;  // a non-empty scalar of plain UTF-8
  Result<bool> boolean() const;        // true or false
  Result<std::int64_t> integer(std::int64_t minimum, std::int64_t maximum) const;
  Result<milliseconds> duration() const;
  Result<Date> date() const;
  Result<std::vector<Yaml>> list() const;
  Result<std::vector<std::string>> strings() const;  // a list of strings
  Result<YamlMap> map() const;

  struct Node;

 private:
  friend class YamlMap;
  Yaml(std::shared_ptr<const Node> root, const Node* node) : root_(std::move(root)), node_(node) {}
  std::shared_ptr<const Node> root_;
  const Node* node_;
};

/// Reads the keys of one map and knows which were asked for, so that what is left over is a mistake.
class YamlMap {
 public:
  /// Errors: config_invalid when the key is missing, or stands there mistyped.
  Result<Yaml> required(std::string_view key);
  /// Absent and null are the same.
  std::optional<Yaml> optional(std::string_view key);
  /// All keys in file order, marked as read: for maps whose keys are names chosen by the writer.
  std::vector<std::pair<std::string, Yaml>> entries();
  /// Errors: config_invalid naming the first key nobody asked for, and the key that was meant, or all that are known.
  Result<void> finish() const;
  const Yaml& node() const { return self_; }

 private:
  friend class Yaml;
  explicit YamlMap(Yaml self) : self_(std::move(self)) {}
  Yaml self_;
  std::vector<std::string> known_;
  std::vector<std::string> told_;  // mistyped keys that required() has named
  bool all_known_ = false;
};

}  // namespace cardgate
