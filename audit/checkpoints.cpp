// SPDX-License-Identifier: Apache-2.0
#include "audit/checkpoints.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <tuple>

#include "audit/line.hpp"
#include "base/file.hpp"
#include "base/json.hpp"

namespace cardgate::audit {
namespace {

constexpr std::size_t max_book_bytes = 256UL << 20;
constexpr std::string_view line_begin = "{\"seq\":";
constexpr std::string_view line_end = "\"}";

std::optional<CheckpointBook::Entry> entry_of(std::string_view text) {
  const std::string_view raw = find_checkpoint(text);
  if (raw.empty() || raw.size() >= max_checkpoint_bytes) return std::nullopt;
  const auto line = parse_line(raw);
  if (!line || !line->is_signed) return std::nullopt;
  const auto detail = [&](std::string_view name) {
    const auto* found = find_string(line->details(), name);
    return found == nullptr ? std::string() : std::string(*found);
  };
  return CheckpointBook::Entry{line->sequence, std::string(raw), line->time, detail("log"), detail("key")};
}

/// Of an entry as `journalctl -o json` writes it.
std::optional<CheckpointBook::Entry> entry_of_json(std::string_view line) {
  if (!line.starts_with('{') || line.starts_with(line_begin)) return std::nullopt;
  const auto value = parse_json(line);
  if (!value || !value->is_object()) return std::nullopt;
  for (const auto* member : {"CARDGATE_CHECKPOINT", "MESSAGE"}) {
    if (const auto* text = find_string(value->get_object(), member)) {
      if (auto entry = entry_of(*text)) return entry;
    }
  }
  return std::nullopt;
}

}  // namespace

std::string_view find_checkpoint(std::string_view line) {
  const auto begin = line.rfind(line_begin);  // behind what an unfinished write left
  if (begin == std::string_view::npos) return {};
  line.remove_prefix(begin);
  const auto end = line.rfind(line_end);
  return end == std::string_view::npos ? std::string_view() : line.substr(0, end + line_end.size());
}

Result<CheckpointBook> CheckpointBook::parse(std::string_view text) {
  CheckpointBook out;
  while (!text.empty()) {
    const auto newline = text.find('\n');
    const auto line = text.substr(0, newline);
    auto entry = entry_of_json(line);
    if (!entry) entry = entry_of(line);
    if (entry) out.entries_.push_back(std::move(*entry));
    text.remove_prefix(newline == std::string_view::npos ? text.size() : newline + 1);
  }
  if (out.entries_.empty()) return Error{Errc::malformed, "there is no checkpoint in it"};
  const auto by_sequence = [](const Entry& a, const Entry& b) {
    return std::tie(a.sequence, a.raw) < std::tie(b.sequence, b.raw);
  };
  std::ranges::sort(out.entries_, by_sequence);
  const auto same = std::ranges::unique(out.entries_, {}, &Entry::raw);
  out.entries_.erase(same.begin(), same.end());
  return out;
}

Result<CheckpointBook> CheckpointBook::read(const std::filesystem::path& file) {
  auto book = parse(TRY(read_file(file, max_book_bytes)));
  if (!book) return std::move(book).error().with(file.string());
  return book;
}

}  // namespace cardgate::audit
