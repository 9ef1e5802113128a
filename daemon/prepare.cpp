// SPDX-License-Identifier: Apache-2.0
#include "daemon/prepare.hpp"

#include <fmt/format.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <thread>

#include "daemon/held_folder.hpp"
#include "daemon/installation.hpp"
#include "daemon/journal.hpp"
#include "daemon/record/audit_journal.hpp"
#include "daemon/rules/keys.hpp"
#include "daemon/rules/settings.hpp"
#include "daemon/sessions/token_keys.hpp"

namespace cardgate::daemon {
namespace {

/// A directory that only the service user can enter: the register and the keys are in it.
Result<void> check_state_directory(const std::filesystem::path& path) {
  struct stat status{};
  if (::stat(path.c_str(), &status) != 0) return errno_error(path.string(), errno);
  if (!S_ISDIR(status.st_mode) || status.st_uid != ::geteuid() || (status.st_mode & 077U) != 0) {
    return Error{Errc::permission_denied,
                 fmt::format("{}: must be a directory of the service user with mode 0700", path.string())};
  }
  return {};
}

/// Where the log's files are not there yet, the register cannot even be read on a full disk: the start waits for room.
Result<std::unique_ptr<reg::Register>> open_register(const std::filesystem::path& file) {
  for (bool said = false;; said = true) {
    auto opened = reg::open_sqlite(file);
    if (opened || opened.error().code != Errc::no_space) return opened;
    if (!said) {
      log(audit::Event::register_unwritable,
          fmt::format(
              "The disk of {} is full, and the staff register needs a little room to be opened. Make some: "
              "the start then goes on by itself ({}).",
              file.parent_path().string(), opened.error().context));
    }
    // Signals end the process as ever: there is nothing yet to be ended in order.
    ::sd_notify(0, "STATUS=Waiting for room on the disk of the staff register\nEXTEND_TIMEOUT_USEC=30000000");
    std::this_thread::sleep_for(std::chrono::seconds(1));
  }
}

/// A machine that was just installed serves, and says what is missing. Once people are registered, a trust folder that is empty was
/// lost, and is said as loudly as a mistake in the configuration. Errors: as load_settings(); of the register.
Result<void> check_anchors(const Settings& settings, const std::filesystem::path& file,
                           reg::Register& staff) {
  if (settings.authorities.anchor_count() > 0) return {};
  const auto people = TRY(staff.count());
  if (people > 0) TRY(load_settings(file, Anchors::required));
  return {};
}

/// What of the state is gone is said in the journal now, and by the status until the next start.
/// Before anything is made anew. A register that cannot be read now shows it elsewhere.
std::vector<std::string> say_what_is_lost(const Installation& installation, const Config& config,
                                          reg::Register& staff) {
  const auto pool = staff.pool_cards();
  const bool keys = pool && std::ranges::any_of(*pool, &reg::PoolCard::holds_key);
  auto lost = installation.lost(config.state_directory, config.audit_directory, keys);
  for (const auto& text : lost) log(audit::Event::state_lost, text);
  return lost;
}

void remember(const Installation& installation, const Config& config, WallTime now) {
  if (const auto kept = installation.remember(config.state_directory, now); !kept) {
    log(audit::Event::installation_unmarked,
        fmt::format("cardgate could not note beside its configuration that this installation is in use ({}). "
                    "If the state folder is ever lost, the next start will look like a first start.",
                    kept.error().message()));
  }
}

}  // namespace

Result<Service::Parts> prepare(const std::filesystem::path& file, const Clock& clock, FileDescriptor& held) {
  auto settings = TRY(load_settings(file, Anchors::none_yet));
  auto& config = settings.config;
  const Installation installation(file);
  TRY(check_state_directory(config.state_directory));
  held = TRY(hold_folder(config.state_directory));
  TRY(installation.check(config.state_directory));
  log_passed_over(settings.authorities, clock.wall());
  auto staff = TRY(open_register(config.state_directory / "register.db"));
  TRY(check_anchors(settings, file, *staff));
  std::vector<std::string> damaged;
  const auto folder = config.state_directory / "answers";
  std::error_code made;
  std::filesystem::create_directory(folder, made);
  auto answers = TRY(trust::Answers::open(folder, damaged));
  for (const auto& problem : damaged) {
    log(audit::Event::answers, "A damaged revocation answer was removed: " + problem + ".");
  }
  auto judge = make_judge(config, *settings.policy, std::move(settings.authorities),
                          std::move(settings.cards), std::move(answers));
  auto lost = say_what_is_lost(installation, config, *staff);
  auto writer = TRY(reg::open_sqlite_again(config.state_directory / "register.db"));
  auto key = TRY(load_or_create_key(key_place(config.state_directory, token_key_name)));
  auto token_keys = TRY(TokenKeys::open(std::move(key), config.state_directory / "token-keys",
                                        config.tokens.algorithm, clock.wall()));
  auto audit_key = TRY(load_or_create_key(key_place(config.state_directory, audit_key_name)));
  audit::Options options;
  options.directory = config.audit_directory;
  options.segment_bytes = config.audit_segment_bytes;
  options.keep_segments = config.audit_keep_segments;
  options.late_file = config.state_directory / "late-records";
  tell_journal(options);
  auto log = TRY(audit::Log::open(options, std::move(audit_key), clock));
  auto credentials = TRY(reg::open_credentials(config.state_directory / "register.db", password_throttle));
  remember(installation, config, clock.wall());
  ConfigurationInUse in_use;
  in_use.taken(std::move(settings.files));
  return Service::Parts{.rules = {std::move(config), std::move(settings.policy), std::move(judge),
                                  std::move(settings.password_rules)},
                        .in_use = std::move(in_use),
                        .staff = std::move(staff),
                        .writer = std::move(writer),
                        .credentials = std::move(credentials),
                        .log = std::move(log),
                        .token_keys = std::move(token_keys),
                        .told_at_start = std::move(lost)};
}

}  // namespace cardgate::daemon
