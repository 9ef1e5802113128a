// SPDX-License-Identifier: Apache-2.0
#include "audit/layout.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <system_error>

#include "base/file.hpp"

namespace cardgate::audit {
namespace {

constexpr std::string_view prefix = "audit-";
constexpr std::string_view suffix = ".jsonl";
constexpr std::size_t digits = 20;
constexpr std::string_view key_prefix = "cardgate-audit-ed25519 ";

}  // namespace

std::string segment_name(std::uint64_t first_sequence) {
  return fmt::format("{}{:020}{}", prefix, first_sequence, suffix);
}

std::optional<std::uint64_t> parse_segment_name(std::string_view name) {
  if (name.size() != prefix.size() + digits + suffix.size()) return std::nullopt;
  const std::string_view number = name.substr(prefix.size(), digits);
  std::uint64_t first = 0;
  const auto parsed = std::from_chars(number.data(), number.data() + number.size(), first);
  if (parsed.ec != std::errc() || segment_name(first) != name) return std::nullopt;
  return first;
}

Result<std::vector<SegmentFile>> list_segments(const std::filesystem::path& directory) {
  std::error_code failure;
  std::vector<SegmentFile> out;
  for (std::filesystem::directory_iterator it(directory, failure), end; !failure && it != end;
       it.increment(failure)) {
    if (const auto first = parse_segment_name(it->path().filename().string()))
      out.push_back({*first, it->path()});
  }
  if (failure) return errno_error(directory.string(), failure.value());
  std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  return out;
}

Result<std::vector<std::string>> list_compressed(const std::filesystem::path& directory) {
  std::error_code failure;
  std::vector<std::string> out;
  for (std::filesystem::directory_iterator it(directory, failure), end; !failure && it != end;
       it.increment(failure)) {
    std::string name = it->path().filename().string();
    for (const std::string_view ending : {".gz", ".zst", ".xz", ".bz2", ".lz4"}) {
      if (name.ends_with(ending) && parse_segment_name(name.substr(0, name.size() - ending.size())))
        out.push_back(name);
    }
  }
  if (failure) return errno_error(directory.string(), failure.value());
  std::sort(out.begin(), out.end());
  return out;
}

std::string head_text(std::string_view checkpoint) {
  std::string out(checkpoint);
  out.resize(head_bytes - 1, ' ');
  return out += '\n';
}

Result<std::string> parse_head(std::string_view content) {
  const std::string_view line = content.substr(0, content.find_last_not_of(" \n") + 1);
  if (line.empty() || line.size() >= head_bytes || head_text(line) != content) {
    return Error{Errc::malformed, "head: not a checkpoint line filled up to one sector"};
  }
  return std::string(line);
}

std::string key_file_text(const PublicKey& key) {
  return fmt::format("{}{}\n", key_prefix, to_base64url(key));
}

Result<PublicKey> parse_key_file(std::string_view content) {
  const Error bad{Errc::malformed, fmt::format("not a line '{}KEY'", key_prefix)};
  if (!content.starts_with(key_prefix) || !content.ends_with('\n')) return bad;
  content.remove_prefix(key_prefix.size());
  content.remove_suffix(1);
  const auto bytes = from_base64url(content);
  PublicKey key{};
  if (!bytes || bytes->size() != key.size()) return bad;
  std::copy(bytes->begin(), bytes->end(), key.begin());
  return key;
}

}  // namespace cardgate::audit
