// SPDX-License-Identifier: Apache-2.0
#include "audit/verify.hpp"

#include <fmt/format.h>

#include "audit/check_segment.hpp"
#include "audit/checker.hpp"
#include "audit/layout.hpp"
#include "base/file.hpp"

namespace cardgate::audit {
namespace {

/// The content, or nothing when the file is not there.
Result<std::optional<std::string>> read_optional(const std::filesystem::path& path, std::size_t max_bytes) {
  auto content = read_file(path, max_bytes);
  if (content) return std::optional<std::string>(std::move(*content));
  // Too large is as wrong as any other content, and the checker says so.
  if (content.error().code == Errc::too_large) return std::optional<std::string>("");
  if (content.error().code == Errc::not_found) return std::optional<std::string>();
  return std::move(content).error();
}

Result<Report> verify_once(const std::filesystem::path& directory, const Question& question) {
  // The head first: a log that grows meanwhile only gets ahead of it.
  Checker::Start start;
  start.question = question;
  start.head = TRY(read_optional(directory / head_name, head_bytes));
  start.key_file = TRY(read_optional(directory / key_file_name, 256));
  start.compressed = TRY(list_compressed(directory));
  const auto segments = TRY(list_segments(directory));
  if (segments.empty()) {
    if (start.compressed.empty())
      return Error{Errc::not_found, fmt::format("{}: no audit log here", directory.string())};
    return Error{Errc::not_found,
                 fmt::format("{}: only compressed segments are here, as {}: unpack them, and verify again",
                             directory.string(), start.compressed.front())};
  }
  Checker checker(std::move(start));
  for (std::size_t i = 0; i < segments.size(); ++i)
    TRY(check_segment(checker, segments[i], i + 1 == segments.size()));
  return checker.finish();
}

}  // namespace

Result<Report> verify(const std::filesystem::path& directory, const Question& question) {
  TRY(list_segments(directory));
  // Retention may delete a segment between the listing and the reading.
  for (int attempt = 0; attempt < 3; ++attempt) {
    auto report = verify_once(directory, question);
    if (report || report.error().code != Errc::not_found) return report;
  }
  return verify_once(directory, question);
}

Result<Report> verify(const std::filesystem::path& directory, const std::optional<PublicKey>& pinned_key) {
  Question question;
  question.key = pinned_key;
  return verify(directory, question);
}

Result<PublicKey> read_public_key(const std::filesystem::path& file) {
  auto key = parse_key_file(TRY(read_file(file, 256)));
  if (!key) return std::move(key).error().with(file.string());
  return key;
}

}  // namespace cardgate::audit
