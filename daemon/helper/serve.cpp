// SPDX-License-Identifier: Apache-2.0
#include "daemon/helper/serve.hpp"

#include <fmt/format.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <systemd/sd-daemon.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>

#include "base/file.hpp"
#include "base/number.hpp"

namespace cardgate::daemon {
namespace {

int fail(const Helper& helper, std::string_view text) {
  fmt::print(stderr, "{}: {}\n", helper.name, text);
  return 1;
}

Result<uid_t> user_id(const std::string& name) {
  if (const auto number = whole_number<uid_t>(name)) return *number;
  const passwd* entry = ::getpwnam(name.c_str());
  if (entry == nullptr) return Error{Errc::not_found, fmt::format("there is no user '{}'", name)};
  return entry->pw_uid;
}

int answer(const Helper& helper, int connection, uid_t client) {
  ::alarm(helper.alarm_seconds);
  ucred peer{};
  socklen_t size = sizeof peer;
  if (::getsockopt(connection, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0 || peer.uid != client)
    return fail(helper, fmt::format("uid {} may not ask", peer.uid));
  return helper.converse(connection);
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

int listen_and_serve(const Helper& helper, uid_t client) {
  const auto listening = listen_on(helper.listen);
  if (!listening) return fail(helper, listening.error().context);
  ::signal(SIGCHLD, SIG_IGN);  // children are not waited for
  fmt::print(stderr, "{}: serving\n", helper.name);
  for (;;) {
    const FileDescriptor connection(::accept4(listening->get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!connection) {
      if (errno == EINTR || errno == ECONNABORTED) continue;
      return fail(helper, errno_error("accept", errno).context);
    }
    const pid_t child = ::fork();
    if (child == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      ::_exit(answer(helper, connection.get(), client));
    }
    if (child < 0) fail(helper, errno_error("fork", errno).context);
  }
}

}  // namespace

int serve(const Helper& helper) {
  const rlimit none{0, 0};
  ::setrlimit(RLIMIT_CORE, &none);
  if (::prctl(PR_SET_DUMPABLE, 0) != 0) return fail(helper, "cannot make this process undumpable");
  const auto client = user_id(helper.client);
  if (!client) return fail(helper, "--client-uid: " + client.error().context);
  if (!helper.listen.empty()) return listen_and_serve(helper, *client);
  if (::sd_listen_fds(1) != 1)
    return fail(helper, "expected one connection from systemd (Accept=yes), or --listen; see --help");
  // Not even a library's own clean-up may hold this process up.
  ::_exit(answer(helper, SD_LISTEN_FDS_START, *client));
}

}  // namespace cardgate::daemon
