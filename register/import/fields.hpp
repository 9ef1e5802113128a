// SPDX-License-Identifier: Apache-2.0
// Reading a file's maps key by key where every mistake is wanted, not only the first. Internal to import/.
// One thread.
#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/strict_yaml.hpp"
#include "register/import/file.hpp"

namespace cardgate::reg {

inline constexpr std::size_t max_id_length = 64;
inline constexpr std::size_t max_text_length = 256;
inline constexpr std::size_t max_list_items = 256;

/// The mistakes found so far.
class Problems {
 public:
  explicit Problems(std::string_view file) : file_(file) {}
  void add(int line, std::string text) { list_.push_back({line, std::move(text)}); }
  void add(ImportProblem problem) { list_.push_back(std::move(problem)); }
  /// `error` is a Yaml's, whose sentence begins with file and line.
  void add(const Error& error);
  bool empty() const { return list_.empty(); }
  /// In the order of the lines.
  std::vector<ImportProblem> take();

 private:
  std::string file_;
  std::vector<ImportProblem> list_;
};

/// The keys of one map. What is wrong is noted and the value left as it was. Every reading says whether the
/// key was there.
class Fields {
 public:
  /// Notes unknown keys at once.
  Fields(const Yaml& map, Problems& problems, std::initializer_list<std::string_view> known);

  std::optional<Yaml> find(std::string_view key) const;
  /// Notes a missing key, too.
  std::optional<Yaml> require(std::string_view key);

  bool text(std::string_view key, std::string& to, std::size_t max_length = max_text_length);
  void required_text(std::string_view key, std::string& to, std::size_t max_length = max_text_length);
  bool texts(std::string_view key, std::vector<std::string>& to);
  bool date(std::string_view key, std::optional<Date>& to);
  void required_date(std::string_view key, Date& to);
  bool flag(std::string_view key, bool& to);
  /// Like text() and date(), and the word `none` empties.
  bool clearable_text(std::string_view key, std::string& to, std::size_t max_length = max_text_length);
  bool clearable_date(std::string_view key, std::optional<Date>& to);

  /// The items of a list; nothing when it is no list or too long.
  bool list(std::string_view key, std::vector<Yaml>& to);
  void note(const Error& error) { problems_.add(error); }
  Problems& problems() { return problems_; }

 private:
  void read_text(const Yaml& node, std::string& to, std::size_t max_length);
  void read_date(const Yaml& node, std::optional<Date>& to);

  Yaml map_;
  Problems& problems_;
  std::vector<std::pair<std::string, Yaml>> entries_;
  std::vector<std::string> mistyped_;  // keys that stand there by another name, which was noted
};

}  // namespace cardgate::reg
