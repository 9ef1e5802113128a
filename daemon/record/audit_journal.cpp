// SPDX-License-Identifier: Apache-2.0
#include "daemon/record/audit_journal.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <list>
#include <memory>

#include "daemon/journal.hpp"
#include "daemon/record/checkpoint_courier.hpp"

namespace cardgate::daemon {
namespace {

std::string_view what_became(const audit::Unwritten& record) {
  if (record.keep == audit::Keep::said)
    return "A refusal could not be recorded, because the audit log cannot be written.";
  switch (record.kept) {
    case audit::Kept::in_reserve:
      return "An audit record waits until the log can be written.";
    case audit::Kept::in_memory:
      return "An audit record waits until the log can be written, in memory alone: it is lost when the "
             "service stops.";
    case audit::Kept::nowhere:
      break;
  }
  return "An audit record is lost: the log cannot be written, and there is no room to keep it.";
}

Result<void> say_checkpoints(std::string_view lines) {
  while (!lines.empty()) {
    const std::string checkpoint(lines.substr(0, lines.find('\n')));
    // The line is the message's end, so that each form of the journal's export has it whole.
    log(audit::Event::audit_checkpoint, "Checkpoint of the audit log: " + checkpoint,
        {{"CARDGATE_CHECKPOINT", checkpoint}});
    lines.remove_prefix(std::min(lines.size(), checkpoint.size() + 1));
  }
  return {};
}

}  // namespace

void tell_journal(audit::Options& options, const CheckpointPlaces& places) {
  // Shared because a std::function is copied.
  auto couriers = std::make_shared<std::list<CheckpointCourier>>();
  couriers->emplace_back("said in the journal", say_checkpoints);
  if (!places.file.empty())
    couriers->emplace_back("written to its file",
                           [file = places.file](const auto& lines) { return append_lines(file, lines); });
  if (!places.hook.empty())
    couriers->emplace_back("handed to its hook",
                           [hook = places.hook](const auto& lines) { return hand_lines(hook, lines); });
  options.tell_checkpoint = [couriers](const std::string& checkpoint) {
    for (auto& courier : *couriers) courier.add(checkpoint);
  };
  const auto failing = std::make_shared<std::atomic<bool>>(false);
  options.unwritten = [failing](const audit::Unwritten& record) {
    const std::string why = record.error.message();
    if (!failing->exchange(true)) {
      log(audit::Event::audit_failing, "The audit log cannot be written: " + why, {{"CARDGATE_REASON", why}});
    }
    const bool refusal = record.keep == audit::Keep::said;
    log(refusal ? Level::warning : Level::error,
        record.kept == audit::Kept::nowhere && !refusal ? audit::Event::audit_lost : audit::Event::audit_late,
        what_became(record), {{"CARDGATE_RECORD", record.record}, {"CARDGATE_REASON", why}});
  };
  options.late_written = [failing](std::size_t count) {
    *failing = false;
    log(audit::Event::audit_caught_up,
        fmt::format("{} records that waited are in the audit log now.", count));
  };
}

}  // namespace cardgate::daemon
