// SPDX-License-Identifier: Apache-2.0
#include "daemon/helper/stream.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "base/clock.hpp"

namespace cardgate::daemon {
namespace {

Result<void> await(int socket, short events, Deadline deadline) {
  for (;;) {
    const auto left = std::chrono::ceil<milliseconds>(deadline - std::chrono::steady_clock::now());
    if (left.count() <= 0) return Error{Errc::timeout, "the other side took too long"};
    pollfd entry{socket, events, 0};
    const int ready = ::poll(&entry, 1, static_cast<int>(std::min<std::int64_t>(left.count(), 600'000)));
    if (ready > 0) return {};
    if (ready < 0 && errno != EINTR) return errno_error("waiting at a socket", errno);
  }
}

}  // namespace

Result<FileDescriptor> connect_to(const std::filesystem::path& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.native().size() >= sizeof address.sun_path)
    return Error{Errc::invalid_argument, path.string() + ": too long for a socket's path"};
  std::memcpy(address.sun_path, path.c_str(), path.native().size());
  FileDescriptor fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return errno_error("socket", errno);
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    return Error{Errc::unavailable, errno_error(path.string(), errno).context};
  return fd;
}

Result<void> read_exactly(int socket, std::span<std::uint8_t> into, Deadline deadline) {
  while (!into.empty()) {
    TRY(await(socket, POLLIN, deadline));
    const auto count = ::recv(socket, into.data(), into.size(), MSG_DONTWAIT);
    if (count == 0 || (count < 0 && errno == ECONNRESET))
      return Error{Errc::unavailable, "the other side ended without a word"};
    if (count < 0 && errno != EINTR && errno != EAGAIN) return errno_error("reading from a socket", errno);
    if (count > 0) into = into.subspan(static_cast<std::size_t>(count));
  }
  return {};
}

Result<void> write_all(int socket, BytesView bytes, Deadline deadline) {
  while (!bytes.empty()) {
    TRY(await(socket, POLLOUT, deadline));
    const auto count = ::send(socket, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (count < 0 && (errno == EPIPE || errno == ECONNRESET))
      return Error{Errc::unavailable, "the other side is gone"};
    if (count < 0 && errno != EINTR && errno != EAGAIN) return errno_error("writing to a socket", errno);
    if (count > 0) bytes = bytes.subspan(static_cast<std::size_t>(count));
  }
  return {};
}

Result<void> send(int socket, BytesView message, Deadline deadline) {
  std::array<std::uint8_t, 4> length{};
  for (std::size_t i = 0; i < 4; ++i) length[i] = static_cast<std::uint8_t>(message.size() >> (24 - 8 * i));
  TRY(write_all(socket, length, deadline));
  return write_all(socket, message, deadline);
}

Result<Secret> receive(int socket, std::size_t max_bytes, Deadline deadline) {
  std::array<std::uint8_t, 4> head{};
  TRY(read_exactly(socket, head, deadline));
  std::size_t length = 0;
  for (const std::uint8_t one : head) length = length << 8 | one;
  if (length > max_bytes) return Error{Errc::too_large, "the other side's message is too long"};
  Secret message(length);
  TRY(read_exactly(socket, message.bytes(), deadline));
  return message;
}

}  // namespace cardgate::daemon
