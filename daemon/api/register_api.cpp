// SPDX-License-Identifier: Apache-2.0
// The register's file in root's hands: what state it is in, copies of it, and putting one back. cardgated can write
// its own folder alone, so copies come and go through `backups` there; who has them elsewhere is root's business.
#include "daemon/api/register_api.hpp"

#include <fmt/format.h>
#include <malloc.h>
#include <sys/stat.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include "daemon/journal.hpp"
#include "daemon/limits.hpp"
#include "daemon/people/answers.hpp"
#include "proto/body.hpp"
#include "register/checked_copy.hpp"

namespace cardgate::daemon {
namespace {

constexpr std::chrono::hours copy_patience{2};  // as long as the command waits for a copy
constexpr std::size_t max_file_name = 128;
constexpr std::size_t max_told_removed = 1000;
constexpr std::size_t max_told_file = 1024;

bool is_plain_name(std::string_view name) {
  const auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.';
  };
  return !name.empty() && name.size() <= max_file_name && name.front() != '.' &&
         std::ranges::all_of(name, plain);
}

/// `copy` is a name that only the command knows: people are told of "the backup".
Response copy_refused(const Error& error, const std::filesystem::path& copy) {
  std::string text = error.context + ". The register is as it was.";
  for (auto at = text.find(copy.string()); at != std::string::npos; at = text.find(copy.string()))
    text.replace(at, copy.string().size(), "the backup");
  if (auto trouble = disk_trouble(error, "The register is as it was.")) return std::move(*trouble);
  if (error.code == Errc::corrupt && error.context.starts_with(copy.string())) {
    // "PATH: is cut short; it is left as it is: restore a backup"
    std::string_view why = error.context;
    why.remove_prefix(std::min(copy.string().size() + 2, why.size()));
    return problem(422, "backup_refused",
                   fmt::format("That file is not a complete backup: it {}. Nothing was changed.",
                               why.substr(0, why.find("; it is left as it is"))));
  }
  switch (error.code) {
    case Errc::already_exists:
      return problem(409, "file_exists", text);
    case Errc::not_found:
      return problem(404, "not_found", text);
    case Errc::corrupt:
    case Errc::permission_denied:
      return problem(422, "backup_refused", text);
    default:
      return problem(500, "register_unavailable", text);
  }
}

json::object details_of_restore(const std::string& file, const reg::Restored& restored) {
  return {{"file", file},
          {"people", restored.people},
          {"still_removed", restored.still_removed.size()},
          {"still_removed_ids", texts(restored.still_removed, ids_in_record)},
          {"still_blocked_cards", restored.still_blocked_cards}};
}

constexpr std::string_view busy = "The register is being copied already. Wait until that is done.";

}  // namespace

Result<RegisterApi::BackupFile> RegisterApi::backup_named(const Request& request) {
  auto body = proto::Body::message(request.body, max_body_bytes);
  const auto name = body.raw("file", max_file_name);
  const auto told = body.holds("named") ? body.raw("named", max_told_file) : name;
  const bool check = body.flag("check");
  const auto good = body.finish();
  if (!good && good.error().code != Errc::invalid_argument) return good.error();
  if (!good || !is_plain_name(name)) {
    return Error{
        Errc::invalid_argument,
        "expected {\"file\": NAME}, a name of letters, digits, - _ and . in the folder of backups; and "
        "\"named\": the file as you call it, where that is another"};
  }
  TRY(register_desk_.make_backups());
  return BackupFile{register_desk_.backups() / name, audit::clean(told, max_told_file), check};
}

Answer RegisterApi::show(Request&) {
  struct stat status{};
  const bool there = ::stat(register_.file().c_str(), &status) == 0;
  const auto made = register_desk_.make_backups();
  (void)made;  // whoever wants to put a copy there is told
  const auto& last = register_desk_.last_check();
  const std::string_view state = last.running           ? "running"
                                 : !last.at             ? "not done"
                                 : last.problem.empty() ? "whole"
                                                        : "damaged";
  co_return json_response(200,
                          json::object{{"file", register_.file().string()},
                                       {"bytes", there ? json::value(status.st_size) : json::value(nullptr)},
                                       {"backups", register_desk_.backups().string()},
                                       {"check", state},
                                       {"checked_at", moment_json(last.at)},
                                       {"problem", last.problem}});
}

Answer RegisterApi::check(Request&) {
  auto checking = register_desk_.check(reg::Depth::full);
  const auto found = co_await std::move(checking);
  if (!found) co_return problem(500, "register_unavailable", found.error().context + ".");
  co_return json_response(200, json::object{{"whole", found->empty()}, {"findings", texts(*found, 100)}});
}

Answer RegisterApi::back_up(Request& request) {
  if (!recorder_.works()) co_return recorder_.unavailable();
  const auto to = backup_named(request);
  if (!to) co_return problem(400, "bad_request", to.error().context + ".");
  if (copying_) co_return problem(409, "busy", std::string(busy));
  const Raised copying(copying_);
  register_desk_.remove_left_copies(copy_patience);
  RegisterThreads::LongWork<reg::Copied> work =
      [to = *to](const std::filesystem::path& file, const std::atomic<bool>& stop) -> Result<reg::Copied> {
    const auto copied = TRY(reg::back_up(file, to.path, stop));
    if (to.check) TRY(reg::check_copy(to.path, stop));
    return copied;
  };
  const auto copied = co_await register_.beside<reg::Copied>(std::move(work));
  audit::Record record;
  record.event = name_of(audit::Event::register_copied);
  record.client = describe(*request.peer);
  record.reason = copied ? "backup" : copied.error().message();
  record.details = {{"file", to->told}};
  if (copied) record.details["people"] = copied->people;
  // It tells of everybody: whoever asked is on record before the answer leaves.
  const auto recorded = co_await recorder_.write(std::move(record));
  if (!copied) co_return copy_refused(copied.error(), to->path);
  if (!recorded) {
    std::error_code ignored;
    std::filesystem::remove(to->path, ignored);
    co_return recorder_.unavailable();
  }
  co_return json_response(
      200, json::object{{"path", to->path.string()}, {"bytes", copied->bytes}, {"people", copied->people}});
}

boost::asio::awaitable<Result<reg::Restored>> RegisterApi::put_back(std::filesystem::path from) {
  RegisterThreads::LongWork<bool> look = [from](const std::filesystem::path&,
                                                const std::atomic<bool>& stop) -> Result<bool> {
    TRY(reg::check_backup(from, stop));
    return true;
  };
  auto looking = register_.beside<bool>(std::move(look));
  const auto good = co_await std::move(looking);
  if (!good) co_return good.error();
  // Where the register is changed, so that nobody is removed in between.
  std::function<Result<reg::Restored>(reg::Register&)> work =
      [from, file = register_.file()](reg::Register& staff) -> Result<reg::Restored> {
    TRY(staff.in_place());
    return reg::restore(from, file);
  };
  auto restoring = register_.write<reg::Restored>(work);
  auto restored = co_await std::move(restoring);
  co_return restored;
}

Answer RegisterApi::restore(Request& request) {
  if (!recorder_.works()) co_return recorder_.unavailable();
  const auto from = backup_named(request);
  if (!from) co_return problem(400, "bad_request", from.error().context + ".");
  if (copying_) co_return problem(409, "busy", std::string(busy));
  const Raised copying(copying_);
  register_desk_.remove_left_copies(copy_patience);
  auto putting_back = put_back(from->path);
  const auto restored = co_await std::move(putting_back);
  ::malloc_trim(0);
  audit::Record record;
  record.event = name_of(audit::Event::register_copied);
  record.client = describe(*request.peer);
  record.details = {{"file", from->told}};
  if (!restored) {
    record.reason = "restore refused: " + restored.error().message();
    recorder_.note(std::move(record));
    co_return copy_refused(restored.error(), from->path);
  }
  passwords_.all_changed();
  // Whoever may do less by the restored register does so at once.
  register_desk_.replaced();
  register_desk_.check_in_background();
  record.reason = "restore";
  record.details = details_of_restore(from->told, *restored);
  log(audit::Event::register_restored, fmt::format("the staff register was restored from {}", from->told));
  const auto keep = audit::Keep::always;  // it is done already
  const auto recorded = co_await recorder_.write(std::move(record), keep);
  if (!recorded) {
    co_return problem(
        503, "audit_unavailable",
        "The register was restored, but the audit log could not be written. Nothing more is issued "
        "until it can.");
  }
  co_return json_response(200, restored_json(*restored));
}

json::object RegisterApi::restored_json(const reg::Restored& restored) {
  Names names(roll_.staff());
  json::array still_removed;
  for (const auto& id : restored.still_removed) {
    if (still_removed.size() == max_told_removed) break;
    still_removed.push_back(names.person(id));
  }
  return {{"people", restored.people},
          {"still_removed", std::move(still_removed)},
          {"still_blocked_cards", restored.still_blocked_cards}};
}

}  // namespace cardgate::daemon
