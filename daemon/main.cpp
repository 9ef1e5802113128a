// SPDX-License-Identifier: Apache-2.0
// cardgated: starts, tells systemd, serves, reloads on SIGHUP, drains on SIGTERM.
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/signal_set.hpp>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <system_error>
#include <thread>

#include "daemon/audit_journal.hpp"
#include "daemon/file_watch.hpp"
#include "daemon/held_folder.hpp"
#include "daemon/journal.hpp"
#include "daemon/keys.hpp"
#include "daemon/routes.hpp"
#include "daemon/server.hpp"
#include "daemon/timers.hpp"

namespace cardgate::daemon {
namespace {

namespace asio = boost::asio;
using Protocol = asio::local::stream_protocol;

/// The passcode and the keys must not reach a core file or another process of our own user.
void keep_secrets_in() {
  const rlimit none{0, 0};
  ::setrlimit(RLIMIT_CORE, &none);
  if (::prctl(PR_SET_DUMPABLE, 0) != 0) throw std::runtime_error("cannot make this process undumpable");
}

/// Binds every library call now. A call that is bound at its first use saves the vector registers on the
/// stack, and with them the piece of a passcode that was copied last.
void bind_library_calls(char** argv) {
  if (std::getenv("LD_BIND_NOW") != nullptr) return;
  ::setenv("LD_BIND_NOW", "1", 1);
  ::execv("/proc/self/exe", argv);
  throw std::system_error(errno, std::generic_category(), "cannot start again with LD_BIND_NOW=1");
}

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
      log(Level::error,
          fmt::format("the disk of {} is full, and the staff register needs a little room to be opened: make "
                      "some, and "
                      "the start goes on ({})",
                      file.parent_path().string(), opened.error().context),
          {{"CARDGATE_EVENT", "register_unwritable"}});
    }
    // Signals end the process as ever: there is nothing yet to be ended in order.
    ::sd_notify(0, "STATUS=Waiting for room on the disk of the staff register\nEXTEND_TIMEOUT_USEC=30000000");
    std::this_thread::sleep_for(std::chrono::seconds(1));
  }
}

/// `held` keeps others away from the state directory, from before anything in it is opened.
Result<Gate::Parts> prepare(const std::filesystem::path& file, const Clock& clock, FileDescriptor& held) {
  auto config = TRY(load_config(file));
  TRY(check_state_directory(config.state_directory));
  held = TRY(hold_folder(config.state_directory));
  auto policy = std::make_shared<const policy::Policy>(TRY(policy::Policy::load(config.policy)));
  TRY(check_roles(config, *policy));
  auto authorities = TRY(trust::Authorities::load(config.authorities));
  log_passed_over(authorities, clock.wall());
  std::vector<std::string> damaged;
  const auto folder = config.state_directory / "answers";
  std::error_code made;
  std::filesystem::create_directory(folder, made);
  auto answers = TRY(trust::Answers::open(folder, damaged));
  for (const auto& problem : damaged) {
    log(Level::warning, "a damaged revocation answer was removed: " + problem,
        {{"CARDGATE_EVENT", "answers"}});
  }
  auto judge =
      make_judge(config, *policy, std::move(authorities), TRY(card_rules(config)), std::move(answers));
  auto staff = TRY(open_register(config.state_directory / "register.db"));
  auto writer = TRY(reg::open_sqlite_again(config.state_directory / "register.db"));
  auto key = TRY(load_or_create_key(config.state_directory / "token-key"));
  auto audit_key = TRY(load_or_create_key(config.state_directory / "audit-key"));
  audit::Options options;
  options.directory = config.audit_directory;
  options.segment_bytes = config.audit_segment_bytes;
  options.keep_segments = config.audit_keep_segments;
  options.late_file = config.state_directory / "late-records";
  tell_journal(options);
  auto log = TRY(audit::Log::open(options, std::move(audit_key), clock));
  auto credentials = TRY(reg::open_credentials(config.state_directory / "register.db", password_throttle));
  auto password_rules = std::make_shared<const PasswordRules>(TRY(PasswordRules::load(config.passwords)));
  return Gate::Parts{std::move(config), std::move(policy),      std::move(judge),
                     std::move(staff),  std::move(writer),      std::move(log),
                     std::move(key),    std::move(credentials), std::move(password_rules)};
}

struct ListeningSocket {
  int descriptor = -1;
  bool kept_by_systemd = true;
};

/// The sockets that systemd hands over, by name; those it does not are made.
Result<std::pair<ListeningSocket, ListeningSocket>> sockets(const Config& config) {
  ListeningSocket main_socket;
  ListeningSocket admin_socket;
  char** names = nullptr;
  const int count = ::sd_listen_fds_with_names(1, &names);
  for (int i = 0; i < count; ++i) {
    const std::string_view given = names[i];
    if (given == "main") main_socket.descriptor = SD_LISTEN_FDS_START + i;
    if (given == "admin") admin_socket.descriptor = SD_LISTEN_FDS_START + i;
    std::free(names[i]);
  }
  std::free(names);
  if (main_socket.descriptor < 0) main_socket = { TRY(listen_on(config.socket, 0666)), false };
  if (admin_socket.descriptor < 0) admin_socket = { TRY(listen_on(config.admin_socket, 0600)), false };
  return std::pair{main_socket, admin_socket};
}

int run(const std::filesystem::path& file) {
  init_crypto();
  keep_secrets_in();
  ::umask(077);
  const Clock& clock = system_clock();
  FileDescriptor held;
  auto parts = prepare(file, clock, held);
  if (!parts) {
    log(Level::error, "cannot start: " + parts.error().context, {{"CARDGATE_EVENT", "start_refused"}});
    return 1;
  }
  const auto listening = sockets(parts->config);
  if (!listening) {
    log(Level::error, "cannot start: " + listening.error().context, {{"CARDGATE_EVENT", "start_refused"}});
    return 1;
  }
  asio::io_context io(1);
  Gate gate(io, clock, std::move(*parts));
  Server server(
      io, [&](Request& request) { return route(gate, request); }, gate.limits(),
      [&](const Peer& peer) { return gate.knows(peer); });
  gate.connections = [&] { return server.connections(); };

  BootTimer deadlines(io, [&] {
    gate.tick();
    deadlines.set(gate.next_deadline());
  });
  gate.on_deadline_changed = [&] { deadlines.set(gate.next_deadline()); };
  ClockWatch clock_watch(io, [&] { gate.clock_was_set(); });

  std::uint64_t watchdog_usec = 0;
  asio::steady_timer watchdog(io);
  std::function<void()> feed = [&] {
    ::sd_notify(0, "WATCHDOG=1");
    watchdog.expires_after(std::chrono::microseconds(watchdog_usec / 3));
    watchdog.async_wait([&](const boost::system::error_code& failure) {
      if (!failure) feed();
    });
  };
  if (::sd_watchdog_enabled(0, &watchdog_usec) > 0) feed();

  FileWatch trust_files(io, trust_files_settle, trust_files_longest, [&] { gate.trust_files_changed(); });
  trust_files.set(gate.trust_paths());

  asio::signal_set hangup(io, SIGHUP);
  std::function<void()> await_hangup = [&] {
    hangup.async_wait([&](const boost::system::error_code& failure, int) {
      if (failure) return;
      ::sd_notify(0, "RELOADING=1\nSTATUS=Reading the configuration");
      asio::co_spawn(io, gate.reload(), [&](const std::exception_ptr& failed, const Result<void>& outcome) {
        if (failed) std::rethrow_exception(failed);
        if (outcome) {
          log(Level::info, "configuration, policy and authorities were read again",
              {{"CARDGATE_EVENT", "reload"}});
          ::sd_notify(0, "READY=1\nSTATUS=Serving");
        } else {
          log(Level::error, "nothing was reloaded: " + outcome.error().context,
              {{"CARDGATE_EVENT", "reload_refused"}});
          ::sd_notify(0, "READY=1\nSTATUS=Serving with the old configuration: the new one was refused");
        }
        trust_files.set(gate.trust_paths());
        // One after the other: a slow reading of older files must not end after a quick one of newer files.
        await_hangup();
      });
    });
  };
  await_hangup();

  asio::signal_set stop(io, SIGTERM, SIGINT);
  stop.async_wait([&](const boost::system::error_code& failure, int) {
    if (failure) return;
    ::sd_notify(0, "STOPPING=1");
    log(Level::info, "stopping", {{"CARDGATE_EVENT", "stop"}});
    gate.shut_down();
    server.drain([&] { io.stop(); });
  });

  const auto& [main_socket, admin_socket] = *listening;
  server.serve(
      {Protocol::acceptor(io, Protocol(), main_socket.descriptor), false, main_socket.kept_by_systemd});
  server.serve(
      {Protocol::acceptor(io, Protocol(), admin_socket.descriptor), true, admin_socket.kept_by_systemd});
  gate.start();
  log(Level::info, "serving", {{"CARDGATE_EVENT", "start"}});
  ::sd_notify(0, "READY=1\nSTATUS=Serving");
  io.run();
  return 0;
}

}  // namespace
}  // namespace cardgate::daemon

int main(int argc, char** argv) {
  CLI::App app{"cardgated, the cardgate service", "cardgated"};
  app.footer(
      "Example: cardgated --config /etc/cardgate/cardgated.yaml\nSignals: HUP reloads, TERM stops in order.\n"
      "Exit codes: 0 stopped in order, 1 could not start (the reason is on stderr or in the journal).");
  std::filesystem::path config = "/etc/cardgate/cardgated.yaml";
  app.add_option("--config", config, "the configuration file")->capture_default_str();
  app.set_version_flag("--version", CARDGATE_VERSION);
  CLI11_PARSE(app, argc, argv);
  try {
    cardgate::daemon::bind_library_calls(argv);
    return cardgate::daemon::run(config);
  } catch (const std::exception& failure) {
    std::fprintf(stderr, "cardgated: %s\n", failure.what());
    return 1;
  }
}
