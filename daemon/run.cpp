// SPDX-License-Identifier: Apache-2.0
#include "daemon/run.hpp"

#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <system_error>

#include "daemon/api/routes.hpp"
#include "daemon/check_config.hpp"
#include "daemon/http/server.hpp"
#include "daemon/journal.hpp"
#include "daemon/prepare.hpp"
#include "daemon/refused_start.hpp"
#include "daemon/rules/file_watch.hpp"
#include "daemon/service.hpp"
#include "daemon/time/timers.hpp"

namespace cardgate::daemon {
namespace {

namespace asio = boost::asio;
using Acceptor = asio::local::stream_protocol::acceptor;

/// How long a start that is refused answers callers. Short, so that `systemctl start` fails soon; long enough that callers who
/// ask without end start it a few times a second at most.
constexpr milliseconds told_for{500};

/// The passcode and the keys must not reach a core file or another process of our own user.
void keep_secrets_in() {
  const rlimit none{0, 0};
  ::setrlimit(RLIMIT_CORE, &none);
  if (::prctl(PR_SET_DUMPABLE, 0) != 0) throw std::runtime_error("cannot make this process undumpable");
}

struct ListeningSocket {
  int descriptor = -1;
  bool kept_by_systemd = true;
};

struct Sockets {
  ListeningSocket main_socket, admin_socket;
};

/// The sockets that systemd hands over, by name.
Sockets sockets_of_systemd() {
  Sockets out;
  char** names = nullptr;
  const int count = ::sd_listen_fds_with_names(1, &names);
  for (int i = 0; i < count; ++i) {
    const std::string_view given = names[i];
    if (given == "main") out.main_socket.descriptor = SD_LISTEN_FDS_START + i;
    if (given == "admin") out.admin_socket.descriptor = SD_LISTEN_FDS_START + i;
    std::free(names[i]);
  }
  std::free(names);
  return out;
}

/// Makes those that systemd did not hand over.
Result<Sockets> with_our_own(Sockets given, const Config& config) {
  auto& [main_socket, admin_socket] = given;
  if (main_socket.descriptor < 0) main_socket = { TRY(listen_on(config.socket, 0666)), false };
  if (admin_socket.descriptor < 0) admin_socket = { TRY(listen_on(config.admin_socket, 0600)), false };
  return given;
}

/// Says why not, to whoever runs the machine and to whoever waits at the sockets.
int refuse_start(const Error& why, const Sockets& given) {
  log(audit::Event::start_refused, "cardgated cannot start: " + why.context,
      {{"CARDGATE_REASON", why.context}});
  std::string first_line = why.context.substr(0, why.context.find('\n'));
  ::sd_notify(0, ("STATUS=Cannot start: " + first_line).c_str());
  std::vector<int> waiting;
  for (const auto* socket : {&given.main_socket, &given.admin_socket}) {
    if (socket->descriptor >= 0) waiting.push_back(socket->descriptor);
  }
  turn_away(waiting,
            "cardgate cannot start. The people who run this machine must put something right first. The "
            "journal has the reason: journalctl -u cardgated",
            told_for);
  return exit_of(why);
}

/// Tells systemd that the service lives each time it has answered a question as it answers anybody's: a timer that runs proves
/// nothing of what people wait for.
asio::awaitable<void> feed_watchdog(Service& service, asio::steady_timer& timer,
                                    std::chrono::microseconds every) {
  Peer myself;
  myself.uid = myself.counted_as = ::geteuid();
  myself.admin_socket = true;  // it takes nobody's share
  for (;;) {
    Request question;
    question.peer = &myself;
    question.method = "GET";
    question.path = "/v1/status";
    auto answering = service.answer(question);
    const auto answer = co_await std::move(answering);
    if (answer.status == 200) ::sd_notify(0, "WATCHDOG=1");
    timer.expires_after(every);
    auto waiting = timer.async_wait(asio::as_tuple(asio::use_awaitable));
    const auto [ended] = co_await std::move(waiting);
    if (ended) co_return;
  }
}

}  // namespace

void bind_library_calls(char** argv) {
  if (std::getenv("LD_BIND_NOW") != nullptr) return;
  ::setenv("LD_BIND_NOW", "1", 1);
  ::execv("/proc/self/exe", argv);
  throw std::system_error(errno, std::generic_category(), "cannot start again with LD_BIND_NOW=1");
}

int rotate_key(const std::filesystem::path& file) {
  init_crypto();
  keep_secrets_in();
  ::umask(077);
  if (const auto rotated = rotate_audit_key(file, system_clock()); !rotated) {
    std::fprintf(stderr, "cardgated: the audit log's key is not changed: %s\n",
                 rotated.error().context.c_str());
    return 1;
  }
  std::puts(
      "The audit log has a new signing key, and the key before vouches for it. Keep a copy of the new "
      "key.pub "
      "elsewhere, beside the one before.");
  return 0;
}

int run(const std::filesystem::path& file) {
  init_crypto();
  keep_secrets_in();
  ::umask(077);
  const Clock& clock = system_clock();
  const auto given = sockets_of_systemd();
  FileDescriptor held;
  auto parts = prepare(file, clock, held);
  if (!parts) return refuse_start(parts.error(), given);
  const auto listening = with_our_own(given, parts->rules.config);
  if (!listening) return refuse_start(listening.error(), given);
  asio::io_context io(1);
  const auto drivers = make_drivers(parts->rules.config.cards);
  if (!drivers) return refuse_start(drivers.error(), given);
  Service service(io, clock, std::move(*parts));
  Server server(
      io,
      {.handler = [&](Request& request) { return service.answer(request); },
       .body_limit = [](const Request& head, bool admin) { return body_limit(head, admin); },
       .beside = [](const Request& request, bool admin) { return turn_of(request, admin) == Turn::beside; }},
      service.admission().limits(), [&](const Peer& peer) { return service.admission().knows(peer); });
  service.set_connections([&] { return server.connections(); });
  ClockWatch clock_watch(io, [&] { service.clock_was_set(); });

  std::uint64_t watchdog_usec = 0;
  asio::steady_timer watchdog(io);
  if (::sd_watchdog_enabled(0, &watchdog_usec) > 0) {
    asio::co_spawn(io, feed_watchdog(service, watchdog, std::chrono::microseconds(watchdog_usec / 3)),
                   [](const std::exception_ptr& failed) {
                     if (failed) std::rethrow_exception(failed);
                   });
  }

  auto& loader = service.loader();
  FileWatch trust_files(io, trust_files_settle, trust_files_longest, [&] { loader.trust_files_changed(); });
  trust_files.set(loader.trust_paths());
  loader.on_trust_paths = [&] { trust_files.set(loader.trust_paths()); };
  asio::signal_set hangup(io, SIGHUP);
  std::function<void()> await_hangup = [&] {
    hangup.async_wait([&](const boost::system::error_code& failure, int) {
      if (failure) return;
      asio::co_spawn(io, loader.reload(), [](const std::exception_ptr& failed, const Result<void>&) {
        if (failed) std::rethrow_exception(failed);
      });
      await_hangup();
    });
  };
  await_hangup();

  asio::signal_set stop(io, SIGTERM, SIGINT);
  stop.async_wait([&](const boost::system::error_code& failure, int) {
    if (failure) return;
    ::sd_notify(0, "STOPPING=1");
    log(audit::Event::stop, "cardgated is stopping.");
    service.shut_down();
    server.drain([&] { io.stop(); });
  });

  const auto& [main_socket, admin_socket] = *listening;
  server.serve({Acceptor(io, asio::local::stream_protocol(), main_socket.descriptor), false,
                main_socket.kept_by_systemd});
  server.serve({Acceptor(io, asio::local::stream_protocol(), admin_socket.descriptor), true,
                admin_socket.kept_by_systemd});
  service.start(*drivers);
  log(audit::Event::start, "cardgated is serving.");
  ::sd_notify(0, "READY=1\nSTATUS=Serving");
  io.run();
  return 0;
}

}  // namespace cardgate::daemon
