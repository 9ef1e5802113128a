// SPDX-License-Identifier: Apache-2.0
// The register's file in root's hands: what state it is in, copies of it, and putting one back. cardgated can write
// its own folder alone, so copies come and go through `backups` there; who has them elsewhere is root's business.
#include <fmt/format.h>
#include <malloc.h>
#include <sys/stat.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include "daemon/gate.hpp"
#include "daemon/journal.hpp"
#include "daemon/people/answers.hpp"
#include "proto/messages.hpp"

namespace cardgate::daemon {
namespace {

constexpr std::size_t max_file_name = 128;
constexpr std::size_t ids_in_record = 20;
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

json::array texts(const std::vector<std::string>& list, std::size_t most) {
  json::array out;
  for (const auto& text : list) {
    if (out.size() == most) break;
    out.push_back(json::string(text));
  }
  return out;
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

using Findings = std::vector<std::string>;

RegisterThreads::LongWork<Findings> check_of(reg::Depth depth) {
  return [depth](const std::filesystem::path& file, const std::atomic<bool>& stop) {
    auto found = reg::check_register(file, depth, stop);
    ::malloc_trim(0);
    return found;
  };
}

constexpr std::string_view busy = "The register is being copied already. Wait until that is done.";

}  // namespace

/// What the command left behind when it was broken off: all of the register, under a name that nobody knows.
void Gate::remove_left_copies(seconds older_than) {
  const auto oldest = std::filesystem::file_time_type::clock::now() - older_than;
  std::error_code failed;
  std::filesystem::directory_iterator at(backups(), failed);
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

void Gate::register_replaced() {
  people_.clear();
  end_removed();
  review_all();
  announced_.reset();
  announce_if_due();
}

boost::asio::awaitable<void> Gate::check_register_in_background() {
  register_being_checked_ = true;
  auto checking = register_.beside<Findings>(check_of(reg::Depth::quick));
  const auto found = co_await std::move(checking);
  register_being_checked_ = false;
  if (!shutting_down_) register_checked(found);
}

void Gate::register_checked(const Result<std::vector<std::string>>& found) {
  if (!found) {
    log(Level::warning, "The staff register could not be checked: " + found.error().message(),
        {{"CARDGATE_EVENT", "register_check"}});
    return;
  }
  register_checked_at_ = now();
  if (found->empty()) {
    register_problem_.clear();
    log(Level::info, "The staff register is whole.", {{"CARDGATE_EVENT", "register_check"}});
    return;
  }
  register_problem_ = fmt::format(
      "The staff register is damaged ({}). It is left as it is: restore a backup (cardgate register "
      "restore).",
      found->front());
  log(Level::error, register_problem_, {{"CARDGATE_EVENT", "register_damaged"}});
  audit::Record record;
  record.event = "incident";
  record.reason = register_problem_;
  record.details["findings"] = texts(*found, ids_in_record);
  note(std::move(record));
}

Result<Gate::BackupFile> Gate::backup_named(const Request& request) {
  const auto value = TRY(parse_json(request.body));
  const auto* object = value.if_object();
  const auto* name = object == nullptr ? nullptr : find_string(*object, "file");
  const auto* told = object == nullptr ? nullptr : find_string(*object, "named");
  if (name == nullptr || object->size() != (told == nullptr ? 1U : 2U) || !is_plain_name(*name) ||
      (told != nullptr && told->size() > max_told_file)) {
    return Error{
        Errc::invalid_argument,
        "expected {\"file\": NAME}, a name of letters, digits, - _ and . in the folder of backups; and "
        "\"named\": the file as you call it, where that is another"};
  }
  std::error_code failed;
  std::filesystem::create_directory(backups(), failed);
  if (failed) return Error{Errc::io, backups().string() + ": " + failed.message()};
  return BackupFile{backups() / std::string_view(*name),
                    audit::clean(told == nullptr ? *name : *told, max_told_file)};
}

Gate::Answer Gate::show_register(Request&) {
  struct stat status{};
  const bool there = ::stat(register_.file().c_str(), &status) == 0;
  std::error_code failed;
  std::filesystem::create_directory(backups(), failed);
  const std::string_view state = register_being_checked_     ? "running"
                                 : !register_checked_at_     ? "not done"
                                 : register_problem_.empty() ? "whole"
                                                             : "damaged";
  co_return json_response(
      200, json::object{{"file", register_.file().string()},
                        {"bytes", there ? json::value(status.st_size) : json::value(nullptr)},
                        {"backups", backups().string()},
                        {"check", state},
                        {"checked_at", register_checked_at_ ? json::value(to_rfc3339(*register_checked_at_))
                                                            : json::value(nullptr)},
                        {"problem", register_problem_}});
}

Gate::Answer Gate::check_register(Request&) {
  auto checking = register_.beside<Findings>(check_of(reg::Depth::full));
  const auto found = co_await std::move(checking);
  if (!found) co_return problem(500, "register_unavailable", found.error().context + ".");
  register_checked(found);
  co_return json_response(200, json::object{{"whole", found->empty()}, {"findings", texts(*found, 100)}});
}

Gate::Answer Gate::back_up_register(Request& request) {
  if (!audit_ok()) co_return audit_unavailable();
  const auto to = backup_named(request);
  if (!to) co_return problem(400, "bad_request", to.error().context + ".");
  if (copying_) co_return problem(409, "busy", std::string(busy));
  const Raised copying(copying_);
  remove_left_copies(copy_patience);
  RegisterThreads::LongWork<reg::Copied> work = [to = to->path](const std::filesystem::path& file,
                                                                const std::atomic<bool>& stop) {
    return reg::back_up(file, to, stop);
  };
  const auto copied = co_await register_.beside<reg::Copied>(std::move(work));
  audit::Record record;
  record.event = "register_copied";
  record.client = describe(*request.peer);
  record.reason = copied ? "backup" : copied.error().message();
  record.details = {{"file", to->told}};
  if (copied) record.details["people"] = copied->people;
  // It tells of everybody: whoever asked is on record before the answer leaves.
  const auto recorded = co_await durable_.wait(durable_.start(*log_, std::move(record)));
  if (!copied) co_return copy_refused(copied.error(), to->path);
  if (!recorded) {
    std::error_code ignored;
    std::filesystem::remove(to->path, ignored);
    co_return audit_unavailable();
  }
  co_return json_response(
      200, json::object{{"path", to->path.string()}, {"bytes", copied->bytes}, {"people", copied->people}});
}

Gate::Answer Gate::restore_register(Request& request) {
  if (!audit_ok()) co_return audit_unavailable();
  const auto from = backup_named(request);
  if (!from) co_return problem(400, "bad_request", from.error().context + ".");
  if (copying_) co_return problem(409, "busy", std::string(busy));
  const Raised copying(copying_);
  remove_left_copies(copy_patience);
  using Restored = reg::Restored;
  Result<Restored> restored{Restored{}};
  RegisterThreads::LongWork<bool> look = [from = from->path](const std::filesystem::path&,
                                                             const std::atomic<bool>& stop) -> Result<bool> {
    TRY(reg::check_backup(from, stop));
    return true;
  };
  const auto good = co_await register_.beside<bool>(std::move(look));
  if (good) {
    // Where the register is changed, so that nobody is removed in between.
    std::function<Result<Restored>(reg::Register&)> work =
        [from = from->path, file = register_.file()](reg::Register& staff) -> Result<Restored> {
      TRY(staff.in_place());
      return reg::restore(from, file);
    };
    restored = co_await register_.write<Restored>(work);
  } else {
    restored = good.error();
  }
  ::malloc_trim(0);
  audit::Record record;
  record.event = "register_copied";
  record.client = describe(*request.peer);
  record.details = {{"file", from->told}};
  if (!restored) {
    record.reason = "restore refused: " + restored.error().message();
    note(std::move(record));
    co_return copy_refused(restored.error(), from->path);
  }
  password_checks_.all_changed();
  // Whoever may do less by the restored register does so at once.
  register_replaced();
  boost::asio::co_spawn(io_, check_register_in_background(), boost::asio::detached);
  record.reason = "restore";
  record.details["people"] = restored->people;
  record.details["still_removed"] = restored->still_removed.size();
  record.details["still_removed_ids"] = texts(restored->still_removed, ids_in_record);
  record.details["still_blocked_cards"] = restored->still_blocked_cards;
  log(Level::warning, fmt::format("the staff register was restored from {}", from->told),
      {{"CARDGATE_EVENT", "register_restored"}});
  const auto keep = audit::Keep::always;  // it is done already
  const auto recorded = co_await durable_.wait(durable_.start(*log_, std::move(record), keep));
  if (!recorded) {
    co_return problem(
        503, "audit_unavailable",
        "The register was restored, but the audit log could not be written. Nothing more is issued "
        "until it can.");
  }
  Names names(*staff_);
  json::array still_removed;
  for (const auto& id : restored->still_removed) {
    if (still_removed.size() == max_told_removed) break;
    still_removed.push_back(names.person(id));
  }
  co_return json_response(200, json::object{{"people", restored->people},
                                            {"still_removed", std::move(still_removed)},
                                            {"still_blocked_cards", restored->still_blocked_cards}});
}

}  // namespace cardgate::daemon
