// SPDX-License-Identifier: Apache-2.0
#include "client/command/set_up/sealed_keys.hpp"

#include <fmt/format.h>
#include <sys/stat.h>

#include <cerrno>

#include "base/file.hpp"
#include "client/command/set_up/programs.hpp"

namespace cardgate::client {
namespace {

namespace fs = std::filesystem;

/// Removes what was made, unless all went well.
struct Undo {
  std::vector<fs::path> made;
  ~Undo() {
    std::error_code ignored;
    for (const auto& file : made) fs::remove(file, ignored);
  }
};

}  // namespace

Result<SealedKeys> seal_keys(const Places& places, const fs::path& state) {
  if (::mkdir(places.sealed_keys.c_str(), 0700) != 0 && errno != EEXIST)
    return errno_error(places.sealed_keys, errno);
  SealedKeys out;
  Undo undo;
  for (const char* key : {"token-key", "audit-key", "card-key"}) {
    const auto name = fmt::format("cardgate.{}", key);
    const auto file = state / key;
    const auto sealed = fs::path(places.sealed_keys) / name;
    std::error_code failed;
    if (!fs::exists(file, failed) || fs::exists(sealed, failed)) continue;
    undo.made.push_back(sealed);
    // Not bound to the TPM's measurements: an update of the firmware must not shut everybody out.
    const auto ran = TRY(run_program(
        {places.systemd_creds, "encrypt", "--tpm2-pcrs=", "--name=" + name, file.string(), sealed.string()},
        true));
    if (!ran.good()) return Error{Errc::io, fmt::format("systemd-creds encrypt: {}", ran.output)};
    out.files.push_back(file);
    out.sealed.push_back(sealed);
  }
  undo.made.clear();
  return out;
}

}  // namespace cardgate::client
