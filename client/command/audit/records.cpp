// SPDX-License-Identifier: Apache-2.0
#include "client/command/audit/records.hpp"

#include <fmt/format.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <thread>

#include "audit/layout.hpp"
#include "audit/when.hpp"
#include "base/crypto.hpp"
#include "base/file.hpp"
#include "base/number.hpp"
#include "base/strict_yaml.hpp"
#include "client/command/audit/commands.hpp"
#include "client/command/output.hpp"
#include "client/command/progress.hpp"

namespace cardgate::client {
namespace {

constexpr const char* service_configuration = "/etc/cardgate/cardgated.yaml";
constexpr std::uint64_t worth_an_index = 64UL << 20;  // bytes of a log
constexpr std::chrono::seconds ask_service_every{2};

/// The hospital's time zone, as the service's configuration has it; the machine's where that cannot be read.
Calendar calendar_here() {
  const auto file = Yaml::load(service_configuration);
  auto map = file ? file->map() : Result<YamlMap>(file.error());
  const auto zone = map ? map->optional("time_zone") : std::nullopt;
  const auto name = zone ? zone->string() : Result<std::string>(Errc::not_found);
  const auto named = name ? Calendar::of(*name) : Result<Calendar>(Errc::not_found);
  return named ? *named : Calendar::of_machine();
}

/// This user's own folder for what can be made again; it is made. Errors: io, permission_denied, not_found.
Result<std::filesystem::path> cache_folder() {
  const char* cache = std::getenv("XDG_CACHE_HOME");
  const char* home = std::getenv("HOME");
  std::filesystem::path folder;
  if (cache != nullptr && *cache == '/') {
    folder = cache;
  } else if (home != nullptr && *home == '/') {
    folder = std::filesystem::path(home) / ".cache";
  } else {
    return Error{Errc::not_found, "no home folder"};
  }
  for (const auto& next : {folder, folder / "cardgate"}) {
    if (::mkdir(next.c_str(), S_IRWXU) != 0 && errno != EEXIST) return errno_error(next.string(), errno);
  }
  struct stat status{};
  folder /= "cardgate";
  if (::lstat(folder.c_str(), &status) != 0) return errno_error(folder.string(), errno);
  if (!S_ISDIR(status.st_mode) || status.st_uid != ::geteuid() || (status.st_mode & (S_IWGRP | S_IWOTH)) != 0)
    return Error{Errc::permission_denied, folder.string() + ": is not this user's alone"};
  return folder;
}

/// An index for each log that was looked at.
Result<std::filesystem::path> index_file(const std::filesystem::path& log) {
  std::error_code failure;
  const auto whole = std::filesystem::canonical(log, failure);
  if (failure) return errno_error(log.string(), failure.value());
  const auto mark = to_hex(blake2b(as_bytes(whole.string()))).substr(0, 16);
  return TRY(cache_folder())
  / fmt::format("audit-index-{}.db", mark);
}

std::uint64_t log_bytes(const std::filesystem::path& log) {
  std::uint64_t bytes = 0;
  const auto segments = audit::list_segments(log);
  if (!segments) return 0;
  for (const auto& segment : *segments) {
    std::error_code ignored;
    const auto size = std::filesystem::file_size(segment.path, ignored);
    if (!ignored) bytes += size;
  }
  return bytes;
}

class FileRecords final : public RecordSource {
 public:
  FileRecords(std::filesystem::path log, audit::Filter filter) : log_(std::move(log)) {
    search_.filter = std::move(filter);
    search_.max_bytes = 64UL << 20;  // so that what was found is shown soon
  }

  void use_index(const std::filesystem::path& file);

  Result<ShownPage> page(const PageAt& at) override {
    search_.newest_first = at.newest_first;
    search_.limit = at.limit;
    search_.after = search_.before = 0;
    if (!at.cursor.empty()) {
      const auto number = whole_number<std::uint64_t>(at.cursor).value_or(0);
      (at.newest_first ? search_.before : search_.after) = number;
    }
    auto found = TRY(audit::search(log_, search_, index_.get(), [] { return true; }));
    ShownPage out;
    for (auto& one : found.records) {
      out.records.push_back(std::move(one.record));
      out.lines.push_back(std::move(one.line));
    }
    if (found.next) out.next = std::to_string(*found.next);
    out.highest = found.highest;
    for (const auto& place : found.damage)
      out.damage.push_back(fmt::format("{}, at byte {}: {}", place.segment, place.offset, place.what));
    return out;
  }

  Result<void> wait() override {
    if (!watch_) {
      watch_ = FileDescriptor(::inotify_init1(IN_CLOEXEC));
      if (!watch_) return errno_error("inotify", errno);
      constexpr std::uint32_t changes = IN_MODIFY | IN_CREATE | IN_MOVED_TO;
      if (::inotify_add_watch(watch_.get(), log_.c_str(), changes) < 0)
        return errno_error(log_.string(), errno);
      return {};  // what was written before the watch is looked for once more
    }
    std::array<char, 4096> events{};
    while (::read(watch_.get(), events.data(), events.size()) < 0) {
      if (errno != EINTR) return errno_error(log_.string(), errno);
    }
    return {};
  }

 private:
  std::filesystem::path log_;
  audit::Search search_;
  std::unique_ptr<audit::Index> index_;
  FileDescriptor watch_;
};

/// What the index cannot do is done without it.
void FileRecords::use_index(const std::filesystem::path& file) {
  auto opened = audit::Index::open(file);
  if (!opened) {
    complain(fmt::format("cardgate: this takes longer, because the index cannot be kept: {}",
                         opened.error().context));
    return;
  }
  std::atomic<std::uint64_t> done = 0;
  std::atomic<std::uint64_t> of = 0;
  const Progress progress(
      [&] { return fmt::format("Reading the log for its index {}", bar_text(done >> 20U, of >> 20U)); });
  const auto caught_up = (*opened)->catch_up(log_, [&](audit::Index::Progress now) {
    done = now.done;
    of = now.of;
    return true;
  });
  if (caught_up) index_ = std::move(*opened);
}

class ServiceRecords final : public RecordSource {
 public:
  ServiceRecords(const std::string& socket, RecordAsk ask) : http_(socket), ask_(std::move(ask)) {}

  Result<ShownPage> page(const PageAt& at) override {
    std::string target = with_query("/v1/audit", {{"person", ask_.person},
                                                  {"role", ask_.role},
                                                  {"client", ask_.client},
                                                  {"event", ask_.event},
                                                  {"outcome", ask_.outcome},
                                                  {"reason", ask_.reason},
                                                  {"of_session", ask_.of_session},
                                                  {"from", ask_.from},
                                                  {"to", ask_.to},
                                                  {"session", ask_.session},
                                                  {"order", at.newest_first ? "newest" : "oldest"},
                                                  {at.newest_first ? "before" : "after", at.cursor},
                                                  {"limit", std::to_string(at.limit)}});
    auto reply = ask_in_turn(target);
    if (!reply) return reply.error();
    if (reply->refusal) {
      refusal = std::move(reply->refusal);
      return Error{Errc::permission_denied, refusal->detail};
    }
    const auto& body = reply->body;
    // The same time for every page, whatever "2 hours ago" is by then.
    if (const auto from = text_of(body, "from_at"); !from.empty()) ask_.from = from;
    if (const auto to = text_of(body, "to_at"); !to.empty()) ask_.to = to;
    if (const auto zone = Calendar::of(text_of(body, "time_zone"))) calendar = *zone;
    learn(body, "people", "id", "name", people_);
    learn(body, "roles", "name", "title", roles_);
    ShownPage out;
    if (const auto* records = find_array(body, "records")) {
      for (const auto& record : *records) {
        if (record.is_object()) out.records.push_back(record.get_object());
      }
    }
    if (const auto next = text_of(body, "next"); !next.empty()) out.next = next;
    out.highest = whole_number<std::uint64_t>(text_of(body, "highest")).value_or(0);
    if (const auto* places = find_array(body, "damage")) {
      for (const auto& place : *places) {
        const auto* one = place.if_object();
        if (one == nullptr) continue;
        out.damage.push_back(fmt::format("{}, at byte {}: {}", text_of(*one, "segment"),
                                         number_of(*one, "offset"), text_of(*one, "text")));
      }
    }
    return out;
  }

  Result<void> wait() override {
    std::this_thread::sleep_for(ask_service_every);
    return {};
  }

 private:
  /// Asks again where the service says that it is only busy.
  Result<Reply> ask_in_turn(const std::string& target) const {
    constexpr int most_times = 30;
    for (int times = 1;; ++times) {
      auto reply = call(http_, {.target = target});
      if (!reply || !reply->refusal || times == most_times) return reply;
      const auto wait = number_of(reply->refusal->extra, "retry_after");
      const auto status = reply->refusal->status;
      if ((status != 429 && status != 503) || wait < 1 || wait > 60) return reply;
      std::this_thread::sleep_for(std::chrono::seconds(wait));
    }
  }
  static void learn(const json::object& body, std::string_view list, std::string_view key,
                    std::string_view value, std::map<std::string, std::string, std::less<>>& into) {
    const auto* entries = find_array(body, list);
    if (entries == nullptr) return;
    for (const auto& entry : *entries) {
      if (const auto* one = entry.if_object()) into[text_of(*one, key)] = text_of(*one, value);
    }
  }

  Http http_;
  RecordAsk ask_;
};

Result<audit::Filter> filter_of(const RecordAsk& ask, const Calendar& calendar) {
  audit::Filter filter;
  filter.own_lines = ask.own_lines;
  filter.person = ask.person;
  filter.role = ask.role;
  filter.client = ask.client;
  filter.event = ask.event;
  filter.reason = ask.reason;
  filter.session = ask.of_session;
  if (!ask.outcome.empty())
    filter.outcome = ask.outcome == "done" ? audit::Outcome::done : audit::Outcome::refused;
  const auto now = system_clock().wall();
  const auto bound = [&](const std::string& option, const std::string& text, audit::Edge edge,
                         std::string& into) -> Result<void> {
    if (text.empty()) return {};
    const auto moment = audit::when(text, now, calendar, edge);
    if (!moment) return Error{Errc::invalid_argument, option + ": " + moment.error().context};
    into = to_rfc3339(*moment);
    return {};
  };
  TRY(bound("--since", ask.from, audit::Edge::begin, filter.from));
  TRY(bound("--to", ask.to, audit::Edge::end, filter.before));
  TRY(audit::check(filter));
  return filter;
}

}  // namespace

audit::Speaker RecordSource::speaker() const {
  const auto known_in = [](const auto& names, bool with_number) {
    return [&names, with_number](std::string_view key) {
      const auto found = names.find(key);
      if (found == names.end() || found->second.empty() || found->second == key) return std::string(key);
      return with_number ? fmt::format("{} ({})", found->second, key) : found->second;
    };
  };
  return {.person = known_in(people_, true), .role = known_in(roles_, false)};
}

bool asks_service(const RecordAsk& ask) {
  return ask.directory.empty() && (ask.service || ::geteuid() != 0);
}

Result<std::unique_ptr<RecordSource>> open_records(const Cli& cli, const RecordAsk& ask) {
  const auto calendar = calendar_here();
  // Also where the service is asked: it says the same, later.
  auto filter = TRY(filter_of(ask, calendar));
  if (asks_service(ask)) {
    auto source = std::make_unique<ServiceRecords>(policy_socket(cli, ask.session), ask);
    source->calendar = calendar;
    return std::unique_ptr<RecordSource>(std::move(source));
  }
  const std::filesystem::path log = ask.directory.empty() ? default_audit_directory : ask.directory;
  auto source = std::make_unique<FileRecords>(log, std::move(filter));
  source->calendar = calendar;
  if (!ask.index.empty()) {
    source->use_index(ask.index);
  } else if (ask.use_index && log_bytes(log) > worth_an_index) {
    // To make one is worth it for a person alone; one that is there serves other questions, too.
    const auto file = index_file(log);
    if (file && (!ask.person.empty() || std::filesystem::exists(*file))) source->use_index(*file);
  }
  return std::unique_ptr<RecordSource>(std::move(source));
}

int say_unread(const Cli& cli, const RecordSource& source, const Error& error) {
  if (source.refusal) return say_problem(cli, *source.refusal);
  if (error.code == Errc::permission_denied) {
    return say_error(
        cli,
        {error.code, error.context + ". Only root reads the log's files. To ask the service under your own "
                                     "session, leave --dir out"});
  }
  return say_error(cli, error);
}

void DamageTeller::tell(const ShownPage& page) {
  for (const auto& place : page.damage) {
    if (!told_.emplace(place, true).second) continue;
    if (!any_) {
      complain(
          "cardgate: a part of the log could not be read and is left out. What is wrong with it: cardgate "
          "audit verify");
      any_ = true;
    }
    complain("  " + place);
  }
}

}  // namespace cardgate::client
