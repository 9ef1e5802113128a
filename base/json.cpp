// SPDX-License-Identifier: Apache-2.0
#include "base/json.hpp"

#include <fmt/format.h>

#include <boost/json/basic_parser_impl.hpp>
#include <vector>

#include "base/secret.hpp"

namespace cardgate {
namespace {

/// Walks the text once and remembers the keys of each open object; stops at a key seen before.
struct DuplicateFinder {
  static constexpr std::size_t max_object_size = 100'000;
  static constexpr std::size_t max_array_size = 1'000'000;
  static constexpr std::size_t max_key_size = 1024;
  static constexpr std::size_t max_string_size = 1 << 20;

  std::vector<std::vector<std::string>> open;
  std::string key;
  std::string duplicate;

  bool on_document_begin(boost::json::error_code&) { return true; }
  bool on_document_end(boost::json::error_code&) { return true; }
  bool on_object_begin(boost::json::error_code&) {
    open.emplace_back();
    return true;
  }
  bool on_object_end(std::size_t, boost::json::error_code&) {
    open.pop_back();
    return true;
  }
  bool on_array_begin(boost::json::error_code&) { return true; }
  bool on_array_end(std::size_t, boost::json::error_code&) { return true; }
  bool on_key_part(boost::json::string_view part, std::size_t, boost::json::error_code&) {
    key.append(part.data(), part.size());
    return true;
  }
  bool on_key(boost::json::string_view part, std::size_t, boost::json::error_code& failure) {
    key.append(part.data(), part.size());
    for (const auto& seen : open.back()) {
      if (seen == key) {
        duplicate = key;
        failure = boost::json::make_error_code(boost::json::error::syntax);
        return false;
      }
    }
    open.back().push_back(std::exchange(key, {}));
    // Quadratic in the keys of one object, so their number is kept small.
    if (open.back().size() > 1000) {
      failure = boost::json::make_error_code(boost::json::error::object_too_large);
      return false;
    }
    return true;
  }
  bool on_string_part(boost::json::string_view, std::size_t, boost::json::error_code&) { return true; }
  bool on_string(boost::json::string_view, std::size_t, boost::json::error_code&) { return true; }
  bool on_number_part(boost::json::string_view, boost::json::error_code&) { return true; }
  bool on_int64(std::int64_t, boost::json::string_view, boost::json::error_code&) { return true; }
  bool on_uint64(std::uint64_t, boost::json::string_view, boost::json::error_code&) { return true; }
  bool on_double(double, boost::json::string_view, boost::json::error_code&) { return true; }
  bool on_bool(bool, boost::json::error_code&) { return true; }
  bool on_null(boost::json::error_code&) { return true; }
  bool on_comment_part(boost::json::string_view, boost::json::error_code&) { return true; }
  bool on_comment(boost::json::string_view, boost::json::error_code&) { return true; }
};

}  // namespace

Result<json::value> parse_json(std::string_view text, std::size_t max_bytes, json::storage_ptr storage) {
  if (text.size() > max_bytes)
    return Error{Errc::too_large, fmt::format("JSON larger than {} bytes", max_bytes)};
  boost::json::parse_options options;
  options.max_depth = 16;
  boost::json::basic_parser<DuplicateFinder> finder(options);
  boost::json::error_code failure;
  const std::size_t read = finder.write_some(false, text.data(), text.size(), failure);
  if (!finder.handler().duplicate.empty()) {
    return Error{Errc::malformed, fmt::format("the key \"{}\" stands twice", finder.handler().duplicate)};
  }
  if (failure)
    return Error{Errc::malformed, fmt::format("not valid JSON at byte {}: {}", read, failure.message())};
  unsigned char scratch[4096];
  struct Wiper {
    unsigned char* memory;
    ~Wiper() { wipe(memory, sizeof scratch); }
  } const wiper{scratch};
  boost::json::parser parser(storage, options, scratch);
  parser.reset(storage);
  parser.write(text.data(), text.size(), failure);
  if (failure) return Error{Errc::malformed, fmt::format("not valid JSON: {}", failure.message())};
  return parser.release();
}

const json::string* find_string(const json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  return value == nullptr ? nullptr : value->if_string();
}
const json::object* find_object(const json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  return value == nullptr ? nullptr : value->if_object();
}
const json::array* find_array(const json::object& object, std::string_view key) {
  const auto* value = object.if_contains(key);
  return value == nullptr ? nullptr : value->if_array();
}

}  // namespace cardgate
