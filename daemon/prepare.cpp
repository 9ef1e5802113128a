// SPDX-License-Identifier: Apache-2.0
#include "daemon/prepare.hpp"

#include <fmt/format.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>
#include <systemd/sd-id128.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <thread>

#include "base/file.hpp"
#include "daemon/held_folder.hpp"
#include "daemon/installation.hpp"
#include "daemon/journal.hpp"
#include "daemon/record/audit_journal.hpp"
#include "daemon/rules/keys.hpp"
#include "daemon/rules/settings.hpp"
#include "daemon/sessions/signers.hpp"
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

/// Of this machine, and of this program alone: the machine's own id is nobody else's business.
std::string machine_name() {
  // Made at random, once: the application that systemd's call asks for.
  static constexpr sd_id128_t cardgate_id{
      {0x5d, 0x1f, 0x0c, 0x6b, 0xd2, 0xf5, 0x4a, 0x7e, 0x9d, 0x8a, 0x3c, 0x1b, 0x7e, 0x42, 0xf6, 0x00}};
  sd_id128_t id{};
  if (::sd_id128_get_machine_app_specific(cardgate_id, &id) < 0) return {};
  char text[SD_ID128_STRING_MAX];
  return ::sd_id128_to_string(id, text);
}

/// Where whole files go by age, none may take for ever to fill.
constexpr std::chrono::hours longest_segment{24 * 30};

audit::Options log_options(const Config& config) {
  audit::Options options;
  options.directory = config.audit_directory;
  options.segment_bytes = config.audit_segment_bytes;
  options.keep_segments = config.audit_keep_segments;
  options.keeping = config.audit_keeping;
  if (options.keeping.limited()) options.segment_after = longest_segment;
  options.tell_every = config.audit_checkpoint_every;
  options.machine = machine_name();
  return options;
}

}  // namespace

Result<void> rotate_audit_key(const std::filesystem::path& file, const Clock& clock) {
  const auto settings = TRY(load_settings(file, Anchors::none_yet));
  const auto& config = settings.config;
  TRY(check_state_directory(config.state_directory));
  const auto held = TRY(hold_folder(config.state_directory));
  const auto place = key_place(config.state_directory, audit_key_name);
  if (place.sealed)
    return Error{Errc::permission_denied,
                 "the audit log's key is sealed to this machine. Put the unsealed key back into the state "
                 "directory first: see "
                 "\"Seal the keys\" in the documentation"};
  if (std::error_code failed; !std::filesystem::exists(place.file, failed))
    return Error{Errc::not_found, place.file.string() + ": there is no key to change yet"};
  const KeyPlace next_place{config.state_directory / "audit-key.next"};
  auto key = TRY(load_or_create_key(place));
  auto next = TRY(load_or_create_key(next_place));
  auto options = log_options(config);
  TRY(audit::rotate_key(options, std::move(key), std::move(next), clock));
  std::error_code failed;
  std::filesystem::rename(next_place.file, place.file, failed);
  if (failed) return errno_error(place.file.string(), failed.value());
  return sync_directory(config.state_directory);
}

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
  auto options = log_options(config);
  options.late_file = config.state_directory / "late-records";
  tell_journal(options, {.file = config.audit_checkpoint_file, .hook = config.audit_checkpoint_hook});
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
                        .signing_threads = signing_threads(),
                        .told_at_start = std::move(lost)};
}

}  // namespace cardgate::daemon
