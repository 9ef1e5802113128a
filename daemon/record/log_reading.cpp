// SPDX-License-Identifier: Apache-2.0
#include "daemon/record/log_reading.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "base/file.hpp"
#include "daemon/journal.hpp"

namespace cardgate::daemon {

LogReading::LogReading(std::filesystem::path log, const std::filesystem::path& state)
    : log_(std::move(log)), kept_(std::make_shared<Kept>()) {
  kept_->folder = state / "audit-index";
}

audit::Index* LogReading::index_of(Kept& kept) {
  if (kept.index && kept.index->damaged()) {
    kept.index.reset();
    for (const char* suffix : {"", "-wal", "-shm"})
      ::unlink((kept.folder / (std::string("index.db") + suffix)).c_str());
    if (!std::exchange(kept.told_damaged, true))
      log(Level::warning, "The index of the audit log was damaged. It is made anew from the log.");
  }
  if (kept.index) return kept.index.get();
  Result<std::unique_ptr<audit::Index>> opened = Error{Errc::io, {}};
  if (::mkdir(kept.folder.c_str(), S_IRWXU) == 0 || errno == EEXIST) {
    opened = audit::Index::open(kept.folder / "index.db");
  } else {
    opened = errno_error(kept.folder.string(), errno);
  }
  if (opened) {
    kept.index = std::move(*opened);
  } else if (!std::exchange(kept.told, true)) {
    log(Level::warning,
        "Looking something up in the audit log takes longer, because its index cannot be kept: " +
            opened.error().message());
  }
  return kept.index.get();
}

}  // namespace cardgate::daemon
