// SPDX-License-Identifier: Apache-2.0
#include "daemon/journal.hpp"

#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <systemd/sd-journal.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <iterator>
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

/// The ids of systemd/cardgate.catalog.
std::string_view message_id(std::string_view event) {
  struct Id {
    std::string_view event, id;
  };
  static constexpr Id ids[] = {
      {"sign_in_refused", "5d1f0c6bd2f54a7e9d8a3c1b7e42f601"},
      {"audit_failing", "5d1f0c6bd2f54a7e9d8a3c1b7e42f602"},
      {"pcscd_unreachable", "5d1f0c6bd2f54a7e9d8a3c1b7e42f603"},
      {"start_refused", "5d1f0c6bd2f54a7e9d8a3c1b7e42f604"},
      {"reload_refused", "5d1f0c6bd2f54a7e9d8a3c1b7e42f605"},
      {"state_lost", "5d1f0c6bd2f54a7e9d8a3c1b7e42f606"},
      {"trust_files_refused", "5d1f0c6bd2f54a7e9d8a3c1b7e42f607"},
      {"register_damaged", "5d1f0c6bd2f54a7e9d8a3c1b7e42f608"},
      {"card_twice", "5d1f0c6bd2f54a7e9d8a3c1b7e42f609"},
      {"register_unwritable", "5d1f0c6bd2f54a7e9d8a3c1b7e42f611"},
      {"passwords_failing", "5d1f0c6bd2f54a7e9d8a3c1b7e42f628"},
      {"audit_late", "5d1f0c6bd2f54a7e9d8a3c1b7e42f60a"},
      {"act_unwritten", "5d1f0c6bd2f54a7e9d8a3c1b7e42f60b"},
      {"break_glass", "5d1f0c6bd2f54a7e9d8a3c1b7e42f60c"},
  };
  const auto* found = std::ranges::find(ids, event, &Id::event);
  return found == std::end(ids) ? std::string_view() : found->id;
}

}  // namespace

void log(Level level, std::string_view message, Fields fields) {
  static const bool journal = stderr_is_the_journal();
  if (!journal) {
    static constexpr std::string_view names[] = {"", "", "", "error", "warning", "notice", "info"};
    std::string line = fmt::format("cardgated: {}: {}", names[static_cast<int>(level)], shown_text(message));
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
  for (const auto& [key, value] : fields) {
    if (value.empty()) continue;
    entries.push_back(fmt::format("{}={}", key, shown_text(value)));
    if (key == "CARDGATE_EVENT" && !message_id(value).empty()) {
      entries.push_back(fmt::format("MESSAGE_ID={}", message_id(value)));
    }
  }
  std::vector<iovec> vectors;
  vectors.reserve(entries.size());
  for (auto& entry : entries) vectors.push_back({entry.data(), entry.size()});
  ::sd_journal_sendv(vectors.data(), static_cast<int>(vectors.size()));
}

}  // namespace cardgate::daemon
