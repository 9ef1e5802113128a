// SPDX-License-Identifier: Apache-2.0
#include "daemon/rules/keys.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "base/file.hpp"
#include "base/seal.hpp"

namespace cardgate::daemon {

namespace {

/// Nothing: there is no such file.
Result<std::optional<Secret>> read_key(const std::filesystem::path& file, std::string_view what_is_lost) {
  const FileDescriptor fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (!fd) {
    if (errno != ENOENT) return errno_error(file.string(), errno);
    return std::optional<Secret>();
  }
  struct stat status{};
  if (::fstat(fd.get(), &status) != 0) return errno_error(file.string(), errno);
  if (!S_ISREG(status.st_mode) || status.st_uid != ::geteuid() || (status.st_mode & 077U) != 0) {
    return Error{Errc::permission_denied,
                 fmt::format("{}: must be a file of the service user with mode 0600; anybody who can read it "
                             "can sign tokens, so move it away and let a new key be made",
                             file.string())};
  }
  Secret key(32);
  const auto count = ::read(fd.get(), key.bytes().data(), key.size());
  if (count < 0) return errno_error(file.string(), errno);
  if (count != 32 || status.st_size != 32) {
    return Error{Errc::corrupt, fmt::format("{}: not a 32-byte key; restore it from a backup, or move it "
                                            "away and let a new key be made ({})",
                                            file.string(), what_is_lost)};
  }
  return std::optional<Secret>(std::move(key));
}

}  // namespace

Result<SigningKey> load_or_create_key(const std::filesystem::path& file) {
  auto seed = TRY(read_key(file, "tokens signed with the old one end"));
  if (seed) return SigningKey::from_seed(seed->bytes());
  auto key = SigningKey::generate();
  const Secret made = key.seed();
  TRY(write_file_atomic(file, made.bytes(), 0600));
  return key;
}

Result<Secret> load_seal_key(const std::filesystem::path& file) {
  auto kept = TRY(read_key(file, "the unblocking keys of the pool's cards must be handed over again"));
  if (kept) return std::move(*kept);
  return Error{
      Errc::not_found,
      fmt::format("{}: the key that seals the unblocking keys of the pool's cards is missing; put it "
                  "back from a backup, or hand the unblocking keys over again: cardgate staff "
                  "pool-card key CARD",
                  file.string())};
}

Result<Secret> load_or_create_seal_key(const std::filesystem::path& file) {
  auto kept = load_seal_key(file);
  if (kept || kept.error().code != Errc::not_found) return kept;
  auto made = new_seal_key();
  TRY(write_file_atomic(file, made.bytes(), 0600));
  return made;
}

}  // namespace cardgate::daemon
