// SPDX-License-Identifier: Apache-2.0
#include "tests/simcard/vpcd_link.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>

namespace cardgate::simcard {

namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr milliseconds connect_pause{20};
constexpr int looks_at_most = 3;

void set_option(int fd, int option) {
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, option, &on, sizeof on);
}

/// Sleeps until `stop` is readable (true) or the time is over (false).
bool stopped_within(const FileDescriptor& stop, milliseconds time) {
  pollfd watched{stop.get(), POLLIN, 0};
  return ::poll(&watched, 1, static_cast<int>(time.count())) > 0;
}

}  // namespace

VpcdLink::VpcdLink(Card& card, std::uint16_t port) : card_(card), port_(port) {}

VpcdLink::~VpcdLink() {
  pull();
}

Result<void> VpcdLink::connect_once() {
  FileDescriptor fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd) return errno_error("socket", errno);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port_);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    return errno_error("virtual reader on port " + std::to_string(port_), errno);
  // TCP on one machine may connect a socket to itself when the port is free and ephemeral: then nobody
  // listens.
  sockaddr_in own{};
  socklen_t size = sizeof own;
  ::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&own), &size);
  if (own.sin_port == address.sin_port) return Error(Errc::io, "nobody listens");
  set_option(fd.get(), TCP_NODELAY);
  socket_ = std::move(fd);
  return {};
}

Result<void> VpcdLink::insert(milliseconds deadline) {
  if (thread_.joinable()) return Error(Errc::already_exists, "the card is in the reader already");
  stop_ = FileDescriptor(::eventfd(0, EFD_CLOEXEC));
  if (!stop_) return errno_error("eventfd", errno);
  const auto end = steady_clock::now() + deadline;
  for (;;) {
    const auto connected = connect_once();
    if (connected) break;
    if (steady_clock::now() >= end)
      return Error(Errc::timeout, "no virtual reader listens: " + connected.error().context);
    std::this_thread::sleep_for(connect_pause);
  }
  inserted_ = true;
  looks_unpowered_ = 0;
  thread_ = std::thread([this] { run(); });
  return {};
}

void VpcdLink::pull(milliseconds deadline) {
  if (!thread_.joinable()) return;
  const std::uint64_t one = 1;
  while (::write(stop_.get(), &one, sizeof one) < 0 && errno == EINTR) continue;
  thread_.join();
  card_.power_off();
  inserted_ = false;
  if (!socket_) return;
  // vpcd closes its side when it next asks for the card, and only then accepts another.
  ::shutdown(socket_.get(), SHUT_WR);
  const auto end = steady_clock::now() + deadline;
  std::array<std::uint8_t, 256> ignored{};
  for (;;) {
    const auto left = std::chrono::duration_cast<milliseconds>(end - steady_clock::now());
    pollfd watched{socket_.get(), POLLIN, 0};
    if (left.count() <= 0 || ::poll(&watched, 1, static_cast<int>(left.count())) <= 0) break;
    if (::read(socket_.get(), ignored.data(), ignored.size()) <= 0) break;
  }
  socket_.reset();
}

/// True when the whole of `into` came; false when the reader is gone or the card is being pulled.
bool VpcdLink::receive(std::span<std::uint8_t> into) {
  while (!into.empty()) {
    std::array<pollfd, 2> watched{pollfd{socket_.get(), POLLIN, 0}, pollfd{stop_.get(), POLLIN, 0}};
    if (::poll(watched.data(), watched.size(), -1) < 0 && errno != EINTR) return false;
    if (watched[1].revents != 0) return false;
    if (watched[0].revents == 0) continue;
    const ssize_t count = ::recv(socket_.get(), into.data(), into.size(), 0);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    // vpcd writes length and body apart and waits for the acknowledgement in between: without this, re-armed
    // after every receive, each APDU costs 40 ms.
    set_option(socket_.get(), TCP_QUICKACK);
    into = into.subspan(static_cast<std::size_t>(count));
  }
  return true;
}

bool VpcdLink::send(BytesView message) {
  Bytes frame{static_cast<std::uint8_t>(message.size() >> 8), static_cast<std::uint8_t>(message.size())};
  frame.insert(frame.end(), message.begin(), message.end());
  BytesView left = frame;
  while (!left.empty()) {
    const ssize_t count = ::send(socket_.get(), left.data(), left.size(), MSG_NOSIGNAL);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) return false;
    left = left.subspan(static_cast<std::size_t>(count));
  }
  return true;
}

/// Faults::delay and Faults::hang; false when the card is pulled meanwhile.
bool VpcdLink::wait_before_answer() {
  const auto delay = card_.faults().delay;
  if (delay.count() > 0 && stopped_within(stop_, delay)) return false;
  while (card_.faults().hang)
    if (stopped_within(stop_, connect_pause)) return false;
  return true;
}

/// Resets the connection, so that vpcd's receive fails.
void VpcdLink::drop() {
  const linger at_once{1, 0};
  ::setsockopt(socket_.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  socket_.reset();
}

/// False when the conversation is over.
bool VpcdLink::handle(BytesView message) {
  constexpr std::uint8_t control_off = 0;
  constexpr std::uint8_t control_on = 1;
  constexpr std::uint8_t control_reset = 2;
  constexpr std::uint8_t control_atr = 4;
  if (message.size() != 1) {
    if (card_.faults().pulled_in_command) {
      drop();
      return false;
    }
    const Bytes answer = card_.process(message);
    if (!wait_before_answer()) return false;
    if (!answer.empty()) return send(answer);
    drop();
    return false;
  }
  switch (message[0]) {
    case control_off:
      card_.power_off();
      return true;
    case control_on:
      looks_unpowered_.reset();
      waking_ = card_.power_on().empty();
      return true;
    case control_reset:
      waking_ = card_.reset().empty();
      return true;
    case control_atr:
      // Asked after power-on, and every 0.4 s to see whether a card is there: that one is the reader's to
      // answer.
      if (looks_unpowered_ && ++*looks_unpowered_ > looks_at_most) {
        looks_unpowered_ = 0;
        return false;
      }
      if (!std::exchange(waking_, false)) return send(card_.atr());
      drop();
      return false;
    default:
      return true;
  }
}

/// One conversation with vpcd; true when the reader went away (or the card does not answer), false when the card was pulled.
bool VpcdLink::serve() {
  Bytes message;
  for (;;) {
    std::array<std::uint8_t, 2> header{};
    if (!receive(header)) break;
    message.resize(static_cast<std::size_t>(header[0] << 8 | header[1]));
    if (!receive(message) || !handle(message)) break;
  }
  return !card_.faults().pulled_in_command && !stopped_within(stop_, milliseconds(0));
}

void VpcdLink::run() {
  while (serve()) {
    // A socket that drop() reset is gone already, and the card keeps its power.
    if (socket_) card_.power_off();
    socket_.reset();
    // The card lies in the reader until pcscd comes back.
    while (!connect_once())
      if (stopped_within(stop_, connect_pause)) return;
  }
}

}  // namespace cardgate::simcard
