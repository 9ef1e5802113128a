// SPDX-License-Identifier: Apache-2.0
#include "tests/trust/responder.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <stdexcept>

namespace cardgate::test {

Responder::Responder(Answer answer, Loopback loopback)
    : answer_(std::move(answer)), v6_(loopback == Loopback::v6) {
  listening_ = FileDescriptor(::socket(v6_ ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in v4{};
  v4.sin_family = AF_INET;
  v4.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  sockaddr_in6 v6{};
  v6.sin6_family = AF_INET6;
  v6.sin6_addr = in6addr_loopback;
  socklen_t size = v6_ ? sizeof v6 : sizeof v4;
  auto* generic = v6_ ? reinterpret_cast<sockaddr*>(&v6) : reinterpret_cast<sockaddr*>(&v4);
  if (::bind(listening_.get(), generic, size) != 0 || ::listen(listening_.get(), 64) != 0 ||
      ::getsockname(listening_.get(), generic, &size) != 0) {
    throw std::runtime_error("no listening socket on the loopback");
  }
  port_ = ntohs(v6_ ? v6.sin6_port : v4.sin_port);
  acceptor_ = std::thread([this] { accept_all(); });
}

Responder::~Responder() {
  stopping_ = true;
  ::shutdown(listening_.get(), SHUT_RDWR);
  acceptor_.join();
  for (auto& thread : threads_) thread.join();
}

void Responder::accept_all() {
  while (!stopping_) {
    const int fd = ::accept4(listening_.get(), nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) continue;
    threads_.emplace_back([this, fd] { serve(fd); });
  }
}

void Responder::serve(int fd) {
  const FileDescriptor connection(fd);
  std::string text;
  std::size_t head = std::string::npos;
  std::size_t wanted = 0;
  char buffer[16384];
  while (head == std::string::npos || text.size() < head + 4 + wanted) {
    const auto count = ::recv(connection.get(), buffer, sizeof buffer, 0);
    if (count <= 0) return;
    text.append(buffer, static_cast<std::size_t>(count));
    if (head != std::string::npos || (head = text.find("\r\n\r\n")) == std::string::npos) continue;
    std::string lower = text.substr(0, head);
    std::ranges::transform(lower, lower.begin(),
                           [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    {
      const std::lock_guard lock(mutex_);
      last_head_ = lower;
    }
    const auto length = lower.find("content-length: ");
    if (length != std::string::npos) wanted = std::stoul(lower.substr(length + 16));
  }
  ++requests_;
  const auto begin = text.find(' ') + 1;
  const std::string target = text.substr(begin, text.find(' ', begin) - begin);
  const std::string answer =
      answer_(target, Bytes(text.begin() + static_cast<std::ptrdiff_t>(head) + 4, text.end()));
  std::string_view rest = answer;
  while (!rest.empty()) {
    const auto sent = ::send(connection.get(), rest.data(), rest.size(), MSG_NOSIGNAL);
    if (sent <= 0) return;
    rest.remove_prefix(static_cast<std::size_t>(sent));
  }
  if (reset_) {
    const linger at_once{1, 0};
    ::setsockopt(connection.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  }
}

std::string http_ok(BytesView content, const std::string& type) {
  return "HTTP/1.1 200 OK\r\nContent-Type: " + type +
         "\r\nContent-Length: " + std::to_string(content.size()) + "\r\nConnection: close\r\n\r\n" +
         std::string(as_text(content));
}

}  // namespace cardgate::test
