// SPDX-License-Identifier: Apache-2.0
// cardgate-vendor-cards: loads a vendor's PKCS#11 module, answers one request, ends. systemd starts one for
// each connection; with --listen it starts them itself.
//
// What the vendor's code may do to a conversation it may do in this process only: it hangs until the
// deadline, it crashes, it scribbles, and cardgated sees a connection that ends.
#include <fcntl.h>
#include <fmt/format.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdio>
#include <cstring>

#include "base/file.hpp"
#include "base/secret.hpp"
#include "daemon/vendor/module.hpp"

namespace cardgate::daemon::vendor {
namespace {

struct Options {
  std::filesystem::path module, listen;
  std::string client = "cardgate";
  unsigned deadline_seconds = 15;
};

int fail(std::string_view text) {
  fmt::print(stderr, "cardgate-vendor-cards: {}\n", text);
  return 1;
}

Result<uid_t> user_id(const std::string& name) {
  uid_t number = 0;
  const auto [end, failure] = std::from_chars(name.data(), name.data() + name.size(), number);
  if (failure == std::errc() && end == name.data() + name.size()) return number;
  const passwd* entry = ::getpwnam(name.c_str());
  if (entry == nullptr) return Error{Errc::not_found, fmt::format("there is no user '{}'", name)};
  return entry->pw_uid;
}

/// Whoever can write the module's file can read passcodes.
Result<void> check_module(const std::filesystem::path& module) {
  struct stat status{};
  if (!module.is_absolute()) return Error{Errc::invalid_argument, "--module: expected an absolute path"};
  if (::stat(module.c_str(), &status) != 0) return errno_error(module.string(), errno);
  const bool ours = status.st_uid == 0 || status.st_uid == ::geteuid();
  if (!S_ISREG(status.st_mode) || !ours || (status.st_mode & 022U) != 0) {
    return Error{Errc::permission_denied,
                 fmt::format("{}: must be a file of root's that nobody else can write", module.string())};
  }
  return {};
}

Answer act(const Options& options, const Request& request) {
  const auto refused = [](const Error& error) {
    Answer out;
    out.code = Errc::unavailable;
    out.text = error.context;
    return out;
  };
  if (const auto good = check_module(options.module); !good) return refused(good.error());
  auto module = Module::load(options.module);
  if (!module) return refused(module.error());
  // The module is closed before its answer leaves: cardgated resets the card next.
  return module->answer(request);
}

/// One request, one answer. The process is of no use afterwards.
int converse(int connection, const Options& options, uid_t client) {
  // The kernel ends this process when the module does not; systemd does where the module took the alarm away.
  ::alarm(options.deadline_seconds);
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(options.deadline_seconds);
  ucred peer{};
  socklen_t size = sizeof peer;
  if (::getsockopt(connection, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0 || peer.uid != client)
    return fail(fmt::format("uid {} may not use the vendor's module", peer.uid));
  // A module that is chatty must not tell the journal what it was told.
  const FileDescriptor nowhere(::open("/dev/null", O_RDWR | O_CLOEXEC));
  if (!nowhere || ::dup2(nowhere.get(), 1) < 0 || ::dup2(nowhere.get(), 2) < 0) return 1;
  auto message = receive(connection, max_request_bytes, deadline);
  if (!message) return 1;
  Answer answer;
  if (auto request = parse_request(message->bytes())) {
    message->clear();
    answer = act(options, *request);
  } else {
    answer.code = Errc::malformed;
    answer.text = request.error().context;
  }
  return send(connection, encode(answer), deadline) ? 0 : 1;
}

Result<FileDescriptor> listen_on(const std::filesystem::path& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.native().size() >= sizeof address.sun_path)
    return Error{Errc::invalid_argument, path.string() + ": too long for a socket's path"};
  std::memcpy(address.sun_path, path.c_str(), path.native().size());
  FileDescriptor fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd) return errno_error("socket", errno);
  ::umask(0177);
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      ::listen(fd.get(), 16) != 0)
    return errno_error(path.string(), errno);
  ::umask(077);
  return fd;
}

int serve(const Options& options, uid_t client) {
  const auto listening = listen_on(options.listen);
  if (!listening) return fail(listening.error().context);
  ::signal(SIGCHLD, SIG_IGN);  // children are not waited for
  fmt::print(stderr, "cardgate-vendor-cards: serving\n");
  for (;;) {
    const FileDescriptor connection(::accept4(listening->get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!connection) {
      if (errno == EINTR || errno == ECONNABORTED) continue;
      return fail(errno_error("accept", errno).context);
    }
    const pid_t child = ::fork();
    if (child == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      ::_exit(converse(connection.get(), options, client));
    }
    if (child < 0) fail(errno_error("fork", errno).context);
  }
}

int run(const Options& options) {
  init_crypto();
  const rlimit none{0, 0};
  ::setrlimit(RLIMIT_CORE, &none);
  if (::prctl(PR_SET_DUMPABLE, 0) != 0) return fail("cannot make this process undumpable");
  const auto client = user_id(options.client);
  if (!client) return fail("--client-uid: " + client.error().context);
  if (!options.listen.empty()) return serve(options, *client);
  if (::sd_listen_fds(1) != 1)
    return fail("expected one connection from systemd (Accept=yes), or --listen; see --help");
  // Not even the vendor's own clean-up may hold this process up.
  ::_exit(converse(SD_LISTEN_FDS_START, options, *client));
}

}  // namespace
}  // namespace cardgate::daemon::vendor

int main(int argc, char** argv) {
  using namespace cardgate::daemon::vendor;
  CLI::App app{"cardgate-vendor-cards: a vendor's PKCS#11 module, in a process of its own",
               "cardgate-vendor-cards"};
  app.footer(
      "Example: cardgate-vendor-cards --module /usr/lib/x86_64-linux-gnu/opensc-pkcs11.so --client-uid root\n"
      "           --listen /tmp/cards.sock\n"
      "Exit codes: 0 the request was answered (--listen: never), 1 it was not.");
  Options options;
  app.add_option("--module", options.module, "the vendor's module, a file of root's")->required();
  app.add_option("--client-uid", options.client, "the user, by name or number, who may ask")
      ->capture_default_str();
  app.add_option("--listen", options.listen, "make this socket, and a process for each connection");
  app.add_option("--deadline", options.deadline_seconds, "seconds that one request may take")
      ->check(CLI::Range(1, 300))
      ->capture_default_str();
  app.set_version_flag("--version", CARDGATE_VERSION);
  CLI11_PARSE(app, argc, argv);
  try {
    return run(options);
  } catch (const std::exception& failure) {
    return fail(failure.what());
  }
}
