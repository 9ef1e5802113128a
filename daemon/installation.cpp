// SPDX-License-Identifier: Apache-2.0
#include "daemon/installation.hpp"

#include <fmt/format.h>

#include "base/file.hpp"
#include "daemon/rules/keys.hpp"

namespace cardgate::daemon {
namespace {

namespace fs = std::filesystem;

bool there(const fs::path& path) {
  std::error_code failed;
  const auto status = fs::symlink_status(path, failed);
  // What cannot be looked at is no lost file.
  return status.type() != fs::file_type::not_found;
}

bool empty_folder(const fs::path& path) {
  std::error_code failed;
  return fs::is_empty(path, failed) && !failed;
}

}  // namespace

Installation::Installation(const fs::path& config_file)
    : mark_(fs::absolute(config_file).parent_path() / "installation" /
            (config_file.filename().string() + ".in-use")) {}

bool Installation::in_use() const {
  return there(mark_);
}

Result<void> Installation::check(const fs::path& state) const {
  const auto file = state / "register.db";
  if (!in_use() || there(file)) return {};
  return Error{Errc::not_found, fmt::format("{}: the staff register is gone, although this installation has "
                                            "been in use ({} says since when). Is "
                                            "the folder mounted, and is it the right one? Put it back from a "
                                            "backup. To begin anew, with nobody "
                                            "registered and new keys, remove {}",
                                            file.string(), mark_.string(), mark_.string())};
}

std::vector<std::string> Installation::lost(const fs::path& state, const fs::path& audit,
                                            bool unblocking_keys) const {
  std::vector<std::string> out;
  if (!in_use()) return out;
  if (!there(key_place(state, token_key_name).file)) {
    out.push_back(
        fmt::format("The key that signs tokens, {}, was missing, so cardgate made a new one. Tokens signed "
                    "with the old key are no longer valid.",
                    (state / "token-key").string()));
  }
  if (!there(key_place(state, audit_key_name).file)) {
    out.push_back(
        fmt::format("The key that signs the audit log, {}, was missing, so cardgate made a new one.",
                    (state / "audit-key").string()));
  }
  if (unblocking_keys && !there(key_place(state, card_key_name).file)) {
    out.push_back(fmt::format(
        "The key that seals the unblocking keys of the pool's cards, {}, is missing, so no code unblocks a "
        "card. Put it back from a backup. If there is none, hand the unblocking keys over again: cardgate "
        "staff pool-card key CARD.",
        (state / "card-key").string()));
  }
  if (!there(audit) || empty_folder(audit)) {
    out.push_back(
        fmt::format("The audit log in {} was missing, so cardgate began a new one. If you have a copy of the "
                    "old one, put it somewhere safe: it is the proof of what happened before.",
                    audit.string()));
  }
  return out;
}

Result<void> Installation::remember(const fs::path& state, WallTime now) const {
  if (in_use()) return {};
  std::error_code made;
  fs::create_directory(mark_.parent_path(), made);  // where it cannot be made, the write says why
  const auto text = fmt::format(
      "# cardgated wrote this at its first start. While it is here, cardgated does not start without its "
      "staff register.\n"
      "in use since: {}\nstate folder: {}\n",
      to_rfc3339(now), state.string());
  return write_file_atomic(mark_, as_bytes(text), 0644);
}

}  // namespace cardgate::daemon
