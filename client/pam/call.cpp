// SPDX-License-Identifier: Apache-2.0
#include "client/pam/call.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <ctime>

namespace cardgate::pam {
namespace {

std::int64_t boot_ms() {
  timespec now{};
  ::clock_gettime(CLOCK_BOOTTIME, &now);
  return static_cast<std::int64_t>(now.tv_sec) * 1000 + now.tv_nsec / 1'000'000;
}

class Connection {
 public:
  explicit Connection(int deadline_ms) : until_(boot_ms() + deadline_ms) {}
  ~Connection() {
    if (fd_ >= 0) ::close(fd_);
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  bool open(const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.empty() || path.size() >= sizeof address.sun_path) return false;
    std::memcpy(address.sun_path, path.data(), path.size());
    fd_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd_ < 0) return false;
    for (;;) {
      if (::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return true;
      if (errno == EISCONN) return true;
      if (errno != EINTR && errno != EAGAIN) return false;
      // A Unix socket with a full queue says EAGAIN, and nothing tells when there is room.
      if (errno == EAGAIN && !pause()) return false;
      if (left() <= 0) return false;
    }
  }

  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const auto sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent > 0) {
        bytes.remove_prefix(static_cast<std::size_t>(sent));
      } else if (sent < 0 && errno == EINTR) {
        continue;
      } else if (sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
        if (!wait(POLLOUT)) return false;
      } else {
        return false;
      }
    }
    return true;
  }

  /// All that comes until the service closes.
  bool receive(std::string& text) {
    char piece[4096];
    for (;;) {
      const auto got = ::recv(fd_, piece, sizeof piece, 0);
      if (got == 0) return true;
      if (got > 0) {
        text.append(piece, static_cast<std::size_t>(got));
        if (text.size() > max_answer_bytes) return false;
      } else if (errno == EAGAIN || errno == EWOULDBLOCK) {
        if (!wait(POLLIN)) return false;
      } else if (errno != EINTR) {
        return false;
      }
    }
  }

 private:
  std::int64_t left() const { return until_ - boot_ms(); }

  bool wait(short events) {
    for (;;) {
      const auto ms = left();
      if (ms <= 0) return false;
      pollfd entry{fd_, events, 0};
      // In short steps: poll's own time stands still while the machine sleeps.
      const int ready = ::poll(&entry, 1, static_cast<int>(ms < 1000 ? ms : 1000));
      if (ready > 0) return true;
      if (ready < 0 && errno != EINTR) return false;
    }
  }

  bool pause() {
    const int failed = ::poll(nullptr, 0, 20);
    return failed == 0 || errno == EINTR;
  }

  std::int64_t until_;
  int fd_ = -1;
};

Answer parsed(const std::string& text) {
  constexpr std::string_view begin = "HTTP/1.1 ";
  const auto head_end = text.find("\r\n\r\n");
  if (head_end == std::string::npos || !text.starts_with(begin) || text.size() < begin.size() + 3) return {};
  Answer answer;
  for (std::size_t i = begin.size(); i < begin.size() + 3; ++i) {
    if (text[i] < '0' || text[i] > '9') return {};
    answer.status = answer.status * 10 + (text[i] - '0');
  }
  answer.body = text.substr(head_end + 4);
  return answer;
}

}  // namespace

bool Wiped::add(std::string_view text) {
  if (text.size() > sizeof bytes_ - size_) return false;
  std::memcpy(bytes_ + size_, text.data(), text.size());
  size_ += text.size();
  return true;
}

void Wiped::clear() {
  ::explicit_bzero(bytes_, size_);
  size_ = 0;
}

Answer call(const std::string& socket, std::string_view method, const std::string& target,
            std::string_view body, int deadline_ms) {
  std::string head(method);
  head += " " + target + " HTTP/1.1\r\nHost: localhost\r\nUser-Agent: pam_cardgate\r\nConnection: close\r\n";
  if (!body.empty())
    head += "Content-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) + "\r\n";
  head += "\r\n";
  Connection connection(deadline_ms);
  if (!connection.open(socket)) return {};
  // A service that refuses early answers before it has read everything.
  static_cast<void>(connection.send(head) && connection.send(body));
  std::string text;
  if (!connection.receive(text)) return {};
  return parsed(text);
}

std::string percent_encoded(std::string_view text) {
  constexpr char digits[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '.' || c == '_' || c == '~';
    const auto byte = static_cast<unsigned char>(c);
    if (plain) {
      out += c;
    } else {
      out += {'%', digits[byte >> 4U], digits[byte & 15U]};
    }
  }
  return out;
}

}  // namespace cardgate::pam
