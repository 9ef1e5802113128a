// SPDX-License-Identifier: Apache-2.0
#include "daemon/rules/configuration_in_use.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/file.hpp"

namespace cardgate::daemon {
namespace {

constexpr std::size_t largest = 64U << 20U;

struct stat look_at(const std::filesystem::path& path) {
  struct stat status{};
  if (::stat(path.c_str(), &status) != 0) status = {};
  return status;
}

bool alike(const struct stat& a, const struct stat& b) {
  return a.st_dev == b.st_dev && a.st_ino == b.st_ino && a.st_size == b.st_size &&
         a.st_ctim.tv_sec == b.st_ctim.tv_sec && a.st_ctim.tv_nsec == b.st_ctim.tv_nsec;
}

}  // namespace

FilesRead::Content FilesRead::content_of(const std::filesystem::path& path) {
  const auto text = read_file(path, largest);
  return text ? Content{text->size(), sha256(as_bytes(*text))} : Content{};
}

void FilesRead::add(const std::filesystem::path& file) {
  const auto seen = look_at(file);  // first: what is written meanwhile is looked at again
  files_.push_back({file, content_of(file), seen, true});
}

std::vector<std::filesystem::path> FilesRead::changed() {
  std::vector<std::filesystem::path> out;
  for (auto& file : files_) {
    const auto now = look_at(file.path);
    if (!alike(now, file.seen)) {
      // A list of passwords is large, and whoever asks for the status waits. An edit seldom leaves the size as it was.
      const bool same_size = static_cast<std::size_t>(now.st_size) == file.content.size;
      file.same = same_size && content_of(file.path) == file.content;
      file.seen = now;
    }
    if (!file.same) out.push_back(file.path);
  }
  return out;
}

void ConfigurationInUse::taken(FilesRead files) {
  files_ = std::move(files);
  refusal_.clear();
}

void ConfigurationInUse::refused(std::string_view why, std::string_view next) {
  refusal_ = fmt::format("{}. {}", why, next);
  files_differed_ = !files_.changed().empty();
}

ConfigurationInUse::Told ConfigurationInUse::told() {
  const auto changed = files_.changed();
  // Put back as they were, the files are the ones in use. Where they never differed, something else was refused.
  if (!refusal_.empty() && files_differed_ && changed.empty()) refusal_.clear();
  if (!refusal_.empty()) {
    return {State::refused, fmt::format("The configuration on disk is not the one in use: it was refused, so "
                                        "cardgate goes on with the one before. {}",
                                        refusal_)};
  }
  if (changed.empty()) return {};
  std::vector<std::string> names;
  for (const auto& path : changed) names.push_back(path.string());
  return {State::changed, fmt::format("The configuration on disk is not the one in use: {} changed and {} "
                                      "not been taken over. Check it with "
                                      "cardgated --check-config, then: systemctl reload cardgated",
                                      fmt::join(names, " and "), names.size() == 1 ? "has" : "have")};
}

std::string_view name(ConfigurationInUse::State state) {
  switch (state) {
    case ConfigurationInUse::State::changed:
      return "changed";
    case ConfigurationInUse::State::refused:
      return "refused";
    case ConfigurationInUse::State::in_use:
      break;
  }
  return "in use";
}

}  // namespace cardgate::daemon
