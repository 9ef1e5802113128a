// SPDX-License-Identifier: Apache-2.0
#include "daemon/rules/keys.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "base/file.hpp"

namespace cardgate::daemon {

Result<SigningKey> load_or_create_key(const std::filesystem::path& file) {
  const FileDescriptor fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (!fd) {
    if (errno != ENOENT) return errno_error(file.string(), errno);
    auto key = SigningKey::generate();
    const Secret seed = key.seed();
    TRY(write_file_atomic(file, seed.bytes(), 0600));
    return key;
  }
  struct stat status{};
  if (::fstat(fd.get(), &status) != 0) return errno_error(file.string(), errno);
  if (!S_ISREG(status.st_mode) || status.st_uid != ::geteuid() || (status.st_mode & 077U) != 0) {
    return Error{Errc::permission_denied,
                 fmt::format("{}: must be a file of the service user with mode 0600; anybody who can read it "
                             "can sign tokens, so move it away and let a new key be made",
                             file.string())};
  }
  Secret seed(32);
  const auto count = ::read(fd.get(), seed.bytes().data(), seed.size());
  if (count < 0) return errno_error(file.string(), errno);
  if (count != 32 || status.st_size != 32) {
    return Error{Errc::corrupt,
                 fmt::format("{}: not a 32-byte key; restore it from a backup, or move it away and let "
                             "a new key be made (tokens signed with the old one end)",
                             file.string())};
  }
  return SigningKey::from_seed(seed.bytes());
}

}  // namespace cardgate::daemon
