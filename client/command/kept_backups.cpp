// SPDX-License-Identifier: Apache-2.0
#include "client/command/kept_backups.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

namespace cardgate::client {
namespace {

// A digit stands for any digit.
constexpr std::string_view name_form = "register-0000-00-00T000000Z.db";
constexpr std::string_view unfinished = ".part";

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

}  // namespace

std::string KeptBackups::next_name(WallTime now) {
  std::string when = to_rfc3339(now).substr(0, std::string_view("2026-01-31T02:15:00").size());
  std::erase(when, ':');
  return "register-" + when + "Z.db";
}

bool KeptBackups::is_name(std::string_view name) {
  return std::ranges::equal(name, name_form,
                            [](char c, char form) { return is_digit(form) ? is_digit(c) : c == form; });
}

Result<KeptBackups> KeptBackups::open(const std::filesystem::path& folder) {
  FileDescriptor held(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW));
  struct stat status{};
  if (!held || ::fstat(held.get(), &status) != 0) return errno_error(folder.string(), errno);
  if (status.st_uid != ::geteuid() || (status.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
    return Error{Errc::invalid_argument,
                 folder.string() +
                     ": belongs to somebody else, or others may write there. Give it to root alone: chown "
                     "root, chmod 0700"};
  }
  if (::flock(held.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno == EWOULDBLOCK) return Error{Errc::already_exists, folder.string() + ": another backup runs"};
    return errno_error(folder.string(), errno);
  }
  std::error_code failed;
  for (std::filesystem::directory_iterator entry(folder, failed), end; !failed && entry != end;
       entry.increment(failed)) {
    std::string name = entry->path().filename().string();
    if (name.size() <= unfinished.size() || !name.ends_with(unfinished)) continue;
    name.resize(name.size() - unfinished.size());
    if (is_name(name)) ::unlink(entry->path().c_str());
  }
  if (failed) return errno_error(folder.string(), failed.value());
  return KeptBackups(folder, std::move(held));
}

Result<std::vector<std::string>> KeptBackups::names() const {
  std::vector<std::string> out;
  std::error_code failed;
  for (std::filesystem::directory_iterator entry(folder_, failed), end; !failed && entry != end;
       entry.increment(failed)) {
    if (auto name = entry->path().filename().string(); is_name(name)) out.push_back(std::move(name));
  }
  if (failed) return errno_error(folder_.string(), failed.value());
  std::ranges::sort(out);  // by time, as they are named
  return out;
}

Result<void> KeptBackups::remove_all_but(std::size_t most) const {
  const auto all = TRY(names());
  for (std::size_t i = 0; i + most < all.size(); ++i) {
    const auto path = folder_ / all[i];
    if (::unlink(path.c_str()) != 0 && errno != ENOENT) return errno_error(path.string(), errno);
  }
  return sync_directory(folder_);
}

}  // namespace cardgate::client
