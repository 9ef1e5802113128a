// SPDX-License-Identifier: Apache-2.0
#include "daemon/rules/keys.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "base/file.hpp"
#include "base/seal.hpp"

namespace cardgate::daemon {

namespace {

bool key_is_there(const std::filesystem::path& file) {
  std::error_code failed;
  // What cannot be looked at is there: reading it says why it cannot be read.
  return std::filesystem::symlink_status(file, failed).type() != std::filesystem::file_type::not_found;
}

/// A file of the service's own that nobody else can read. A credential may be root's, with an entry for the service's user, which
/// shows as its group's right to read.
bool is_kept_well(const struct stat& status, bool sealed) {
  if (!S_ISREG(status.st_mode)) return false;
  if (sealed) return (status.st_uid == ::geteuid() || status.st_uid == 0) && (status.st_mode & 037U) == 0;
  return status.st_uid == ::geteuid() && (status.st_mode & 077U) == 0;
}

/// Nothing: there is no such file.
Result<std::optional<Secret>> read_key(const KeyPlace& place, std::string_view what_is_lost) {
  const auto& file = place.file;
  const FileDescriptor fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK));
  if (!fd) {
    if (errno != ENOENT) return errno_error(file.string(), errno);
    return std::optional<Secret>();
  }
  struct stat status{};
  if (::fstat(fd.get(), &status) != 0) return errno_error(file.string(), errno);
  if (!is_kept_well(status, place.sealed)) {
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

KeyPlace key_place(const std::filesystem::path& state, std::string_view name) {
  const char* credentials = std::getenv("CREDENTIALS_DIRECTORY");
  if (credentials != nullptr && *credentials != '\0') {
    const auto sealed = std::filesystem::path(credentials) / fmt::format("cardgate.{}", name);
    if (key_is_there(sealed)) return {sealed, true};
  }
  return {state / name, false};
}

std::string_view signing_keys_kept(const std::filesystem::path& state) {
  int sealed = 0, files = 0;
  for (const auto name : {token_key_name, audit_key_name}) {
    if (key_place(state, name).sealed) ++sealed;
    if (key_is_there(state / name)) ++files;
  }
  if (sealed == 0) return "file";
  return sealed == 2 && files == 0 ? "sealed" : "partly sealed";
}

Result<SigningKey> load_or_create_key(const KeyPlace& place) {
  auto seed = TRY(read_key(place, "tokens signed with the old one end"));
  if (seed) return SigningKey::from_seed(seed->bytes());
  auto key = SigningKey::generate();
  const Secret made = key.seed();
  TRY(write_file_atomic(place.file, made.bytes(), 0600));
  return key;
}

Result<Secret> load_seal_key(const KeyPlace& place) {
  auto kept = TRY(read_key(place, "the unblocking keys of the pool's cards must be handed over again"));
  if (kept) return std::move(*kept);
  return Error{
      Errc::not_found,
      fmt::format("{}: the key that seals the unblocking keys of the pool's cards is missing; put it "
                  "back from a backup, or hand the unblocking keys over again: cardgate staff "
                  "pool-card key CARD",
                  place.file.string())};
}

Result<Secret> load_or_create_seal_key(const KeyPlace& place) {
  auto kept = load_seal_key(place);
  if (kept || kept.error().code != Errc::not_found) return kept;
  auto made = new_seal_key();
  TRY(write_file_atomic(place.file, made.bytes(), 0600));
  return made;
}

}  // namespace cardgate::daemon
