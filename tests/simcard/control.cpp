// SPDX-License-Identifier: Apache-2.0
#include "tests/simcard/control.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>

namespace cardgate::simcard {

namespace {

constexpr int patience_ms = 2000;
constexpr int pull_patience_ms = 10000;
constexpr std::size_t max_line = 256;

Result<sockaddr_un> address_of(const std::filesystem::path& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string text = path.string();
  if (text.size() >= sizeof address.sun_path)
    return Error(Errc::invalid_argument,
                 text + " is too long for a socket; give a shorter one with --control");
  text.copy(address.sun_path, sizeof address.sun_path - 1);
  return address;
}

Result<FileDescriptor> connect_to(const std::filesystem::path& path) {
  const auto address = TRY(address_of(path));
  FileDescriptor fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd) return errno_error("socket", errno);
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    if (errno == ENOENT || errno == ECONNREFUSED)
      return Error(Errc::not_found, "no card is inserted (" + path.string() + ")");
    return errno_error(path.string(), errno);
  }
  return fd;
}

Result<std::string> read_line(int fd, int patience) {
  std::string line;
  std::array<char, max_line> buffer{};
  while (line.find('\n') == std::string::npos && line.size() < max_line) {
    pollfd watched{fd, POLLIN, 0};
    if (::poll(&watched, 1, patience) <= 0) return Error(Errc::timeout, "nothing was said in time");
    const ssize_t count = ::read(fd, buffer.data(), buffer.size());
    if (count < 0) return errno_error("reading", errno);
    if (count == 0) break;
    line.append(buffer.data(), static_cast<std::size_t>(count));
  }
  return line.substr(0, line.find('\n'));
}

Result<void> write_line(int fd, const std::string& line) {
  const std::string text = line + "\n";
  if (::send(fd, text.data(), text.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(text.size()))
    return errno_error("writing", errno);
  return {};
}

}  // namespace

Result<FileDescriptor> listen_at(const std::filesystem::path& path) {
  const auto address = TRY(address_of(path));
  if (connect_to(path))
    return Error(Errc::already_exists, "the card is inserted already (" + path.string() + ")");
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) return errno_error(path.string(), errno);
  FileDescriptor fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd) return errno_error("socket", errno);
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      ::chmod(path.c_str(), 0600) != 0 || ::listen(fd.get(), 4) != 0)
    return errno_error(path.string(), errno);
  return fd;
}

Result<void> answer_one(int listener, const std::function<std::string(const std::string& line)>& handle) {
  const FileDescriptor peer(::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC));
  if (!peer) return errno_error("accept", errno);
  const std::string line = TRY(read_line(peer.get(), patience_ms));
  return write_line(peer.get(), handle(line));
}

Result<std::string> ask(const std::filesystem::path& path, const std::string& line) {
  const FileDescriptor fd = TRY(connect_to(path));
  TRY(write_line(fd.get(), line));
  return read_line(fd.get(), pull_patience_ms);
}

}  // namespace cardgate::simcard
