// SPDX-License-Identifier: Apache-2.0
#include "daemon/deeds/register_desk.hpp"

#include <fmt/format.h>
#include <malloc.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include "daemon/journal.hpp"
#include "proto/messages.hpp"

namespace cardgate::daemon {

json::array texts(const std::vector<std::string>& list, std::size_t most) {
  json::array out;
  for (const auto& text : list) {
    if (out.size() == most) break;
    out.push_back(json::string(text));
  }
  return out;
}

Result<void> RegisterDesk::make_backups() const {
  std::error_code failed;
  std::filesystem::create_directory(backups_, failed);
  if (failed) return Error{Errc::io, backups_.string() + ": " + failed.message()};
  return {};
}

void RegisterDesk::remove_left_copies(seconds older_than) const {
  const auto oldest = std::filesystem::file_time_type::clock::now() - older_than;
  std::error_code failed;
  std::filesystem::directory_iterator at(backups_, failed);
  for (; !failed && at != std::filesystem::directory_iterator(); at.increment(failed)) {
    if (!at->path().filename().string().starts_with(proto::passing_copy)) continue;
    std::error_code kept;
    const auto written = at->last_write_time(kept);
    if (!kept && written <= oldest) std::filesystem::remove(at->path(), kept);
    if (kept) {
      log(Level::warning, fmt::format("{}: a copy of the register that was left behind stays: {}",
                                      at->path().string(), kept.message()));
    }
  }
}

void RegisterDesk::replaced() {
  roll_.forget_all();
  sessions_.end_removed();
  sessions_.review_all();
  notices_.dates_changed();
}

void RegisterDesk::check_in_background() {
  boost::asio::co_spawn(io_, check_quickly(), boost::asio::detached);
}

boost::asio::awaitable<void> RegisterDesk::check_quickly() {
  const Raised running(last_check_.running);
  auto checking = check(reg::Depth::quick);
  const auto found = co_await std::move(checking);
}

boost::asio::awaitable<Result<RegisterDesk::Findings>> RegisterDesk::check(reg::Depth depth) {
  RegisterThreads::LongWork<Findings> work = [depth](const std::filesystem::path& file,
                                                     const std::atomic<bool>& stop) {
    auto found = reg::check_register(file, depth, stop);
    ::malloc_trim(0);
    return found;
  };
  auto checking = register_.beside<Findings>(std::move(work));
  auto found = co_await std::move(checking);
  if (!sessions_.stopping()) note(found);
  co_return found;
}

void RegisterDesk::note(const Result<Findings>& found) {
  if (!found) {
    log(Level::warning, audit::Event::register_check,
        "The staff register could not be checked: " + found.error().message());
    return;
  }
  last_check_.at = clock_.now();
  if (found->empty()) {
    last_check_.problem.clear();
    log(Level::info, audit::Event::register_check, "The staff register is whole.");
    return;
  }
  last_check_.problem = fmt::format(
      "The staff register is damaged ({}). It is left as it is: restore a backup (cardgate register "
      "restore).",
      found->front());
  log(audit::Event::register_damaged, last_check_.problem);
  recorder_.note_incident(last_check_.problem, {{"findings", texts(*found, ids_in_record)}});
}

}  // namespace cardgate::daemon
