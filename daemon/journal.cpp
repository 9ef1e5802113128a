// SPDX-License-Identifier: Apache-2.0
#include "daemon/journal.hpp"

#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <systemd/sd-journal.h>
#include <unistd.h>

#include <cstdlib>
#include <vector>

#include "base/shown.hpp"

namespace cardgate::daemon {
namespace {

/// True when stderr is the journal's own stream: $JOURNAL_STREAM names its device and inode
/// (systemd.exec(5)).
bool stderr_is_the_journal() {
  const char* stream = std::getenv("JOURNAL_STREAM");
  struct stat status{};
  if (stream == nullptr || ::fstat(STDERR_FILENO, &status) != 0) return false;
  return fmt::format("{}:{}", status.st_dev, status.st_ino) == stream;
}

/// `event` may be nullptr.
void write_entry(Level level, std::string_view message, const audit::EventInfo* event, Fields fields) {
  static const bool journal = stderr_is_the_journal();
  if (!journal) {
    static constexpr std::string_view names[] = {"", "", "", "error", "warning", "notice", "info"};
    std::string line = fmt::format("cardgated: {}: {}", names[static_cast<int>(level)], shown_text(message));
    if (event != nullptr) line += fmt::format(" CARDGATE_EVENT={}", event->name);
    for (const auto& [key, value] : fields) {
      if (!value.empty()) line += fmt::format(" {}={}", key, shown_text(value));
    }
    line += '\n';
    // One write, so that lines of several threads do not mix; nowhere to report its failure to.
    [[maybe_unused]] const auto written = ::write(STDERR_FILENO, line.data(), line.size());
    return;
  }
  std::vector<std::string> entries{fmt::format("MESSAGE={}", shown_text(message)),
                                   fmt::format("PRIORITY={}", static_cast<int>(level)),
                                   "SYSLOG_IDENTIFIER=cardgated"};
  if (event != nullptr) {
    entries.push_back(fmt::format("CARDGATE_EVENT={}", event->name));
    if (const auto id = event->catalog.message_id; !id.empty())
      entries.push_back(fmt::format("MESSAGE_ID={}", id));
  }
  for (const auto& [key, value] : fields) {
    if (!value.empty()) entries.push_back(fmt::format("{}={}", key, shown_text(value)));
  }
  std::vector<iovec> vectors;
  vectors.reserve(entries.size());
  for (auto& entry : entries) vectors.push_back({entry.data(), entry.size()});
  ::sd_journal_sendv(vectors.data(), static_cast<int>(vectors.size()));
}

}  // namespace

void log(Level level, std::string_view message, Fields fields) {
  write_entry(level, message, nullptr, fields);
}

void log(audit::Event event, std::string_view message, Fields fields) {
  log(info_of(event).level, event, message, fields);
}

void log(Level level, audit::Event event, std::string_view message, Fields fields) {
  write_entry(level, message, &info_of(event), fields);
}

}  // namespace cardgate::daemon
