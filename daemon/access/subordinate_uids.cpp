// SPDX-License-Identifier: Apache-2.0
#include "daemon/access/subordinate_uids.hpp"

#include <fmt/format.h>
#include <pwd.h>

#include <algorithm>
#include <limits>
#include <string>
#include <system_error>

#include "base/file.hpp"
#include "base/number.hpp"
#include "daemon/journal.hpp"

namespace cardgate::daemon {
namespace {

constexpr std::size_t max_file_bytes = 1 << 20;
constexpr std::size_t max_remembered = 4096;

/// A person of a directory can have a uid that lies in somebody's range.
bool is_account(uid_t uid) {
  passwd entry{};
  passwd* found = nullptr;
  char memory[16384];
  return ::getpwuid_r(uid, &entry, memory, sizeof memory, &found) == 0 && found != nullptr;
}

std::optional<uid_t> uid_of(const std::string& user) {
  if (const auto number = whole_number<uid_t>(user)) return *number;
  passwd entry{};
  passwd* found = nullptr;
  char memory[16384];
  if (::getpwnam_r(user.c_str(), &entry, memory, sizeof memory, &found) != 0 || found == nullptr)
    return std::nullopt;
  return entry.pw_uid;
}

/// The part before the next colon, which is taken off.
std::string_view take_field(std::string_view& line) {
  const auto field = line.substr(0, line.find(':'));
  line.remove_prefix(std::min(line.size(), field.size() + 1));
  return field;
}

}  // namespace

SubordinateUids SubordinateUids::parse(std::string_view text) {
  SubordinateUids out;
  while (!text.empty()) {
    std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    const std::string user(take_field(line));
    const auto first = whole_number<uid_t>(take_field(line));
    const auto count = whole_number<uid_t>(take_field(line));
    if (user.empty() || !first || !count || *count == 0 || !line.empty()) continue;
    if (*count - 1 > std::numeric_limits<uid_t>::max() - *first) continue;
    out.ranges_[*first] = Range{*first + (*count - 1), user};
  }
  return out;
}

uid_t SubordinateUids::owner_of(uid_t uid) {
  auto next = ranges_.upper_bound(uid);
  if (next == ranges_.begin()) return uid;
  const auto& [first, range] = *--next;
  if (uid > range.last) return uid;
  const auto known = owners_.find(uid);
  if (known != owners_.end()) return known->second;
  if (owners_.size() >= max_remembered) owners_.clear();
  const auto owner = is_account(uid) ? std::nullopt : uid_of(range.user);
  // Root's ranges are those of its containers, which have nothing to do with each other.
  return owners_[uid] = owner && *owner != 0 ? *owner : uid;
}

uid_t SubordinateUidFile::owner_of(uid_t uid, BootTime now) {
  if (!looked_at_ || now - *looked_at_ >= seconds(10)) {
    looked_at_ = now;
    std::error_code failed;
    const auto written = std::filesystem::last_write_time(file_, failed);
    if (failed) {
      // Most machines without containers have none.
      uids_ = {};
      written_.reset();
    } else if (written != written_) {
      written_ = written;
      const auto text = read_file(file_, max_file_bytes);
      if (!text) {
        log(Level::warning,
            fmt::format("{} cannot be read, so each subordinate uid counts as a user of its own: {}",
                        file_.string(), text.error().message()));
      }
      uids_ = text ? SubordinateUids::parse(*text) : SubordinateUids();
    }
  }
  return uids_.owner_of(uid);
}

}  // namespace cardgate::daemon
