// SPDX-License-Identifier: Apache-2.0
// Whether the configuration on disk is the one in use. A hospital that believes in a policy which was not taken over is
// told so for as long as it is true. One thread.
#pragma once

#include <sys/stat.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "base/crypto.hpp"

namespace cardgate::daemon {

/// Files as they were when they were read: by content, so that a file that was saved again unchanged is the same.
class FilesRead {
 public:
  /// Remembers the file as it is now. One that cannot be read is remembered as such.
  void add(const std::filesystem::path& file);
  /// Those that are another now. A file is read again only when its time or its place on the disk is another, and its size is not.
  std::vector<std::filesystem::path> changed();

 private:
  /// Of a file that cannot be read: of nothing.
  struct Content {
    std::size_t size = 0;
    Digest digest{};
    bool operator==(const Content&) const = default;
  };
  static Content content_of(const std::filesystem::path& path);
  struct File {
    std::filesystem::path path;
    Content content;
    struct stat seen{};  // when the content was last looked at
    bool same = true;    // what that look found
  };
  std::vector<File> files_;
};

class ConfigurationInUse {
 public:
  void taken(FilesRead files);
  /// A reload refused what is on disk now: why, and what to do.
  void refused(std::string_view why, std::string_view next);

  enum class State : std::uint8_t { in_use, changed, refused };
  struct Told {
    State state = State::in_use;
    std::string text;  // for people; empty when it is in use
  };
  /// A refusal holds until a reload is taken, or until the files in use are put back.
  Told told();

 private:
  FilesRead files_;
  std::string refusal_;
  bool files_differed_ = false;  // when it was refused
};

std::string_view name(ConfigurationInUse::State state);  // "in use", "changed", "refused"

}  // namespace cardgate::daemon
