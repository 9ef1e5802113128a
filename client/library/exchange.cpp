// SPDX-License-Identifier: Apache-2.0
#include "client/library/exchange.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <ctime>

namespace cardgate::inside {
namespace {

constexpr std::string_view line_end = "\r\n";
constexpr int longest_wait_ms = 1000;  // poll's own time stands still while the machine sleeps

Error error(Errc code, std::string text) {
  Error made;
  made.code = code;
  made.text = std::move(text);
  return made;
}

Error not_running(const std::string& socket) {
  return error(Errc::not_reachable, "cardgate does not answer at " + socket +
                                        ". Try again; if it stays so, tell the people who run this machine.");
}

Error hung_up() {
  return error(Errc::not_reachable, "cardgate ended the connection before it had answered. Try again.");
}

Error no_answer_of_ours() {
  return error(Errc::bad_answer, "What answered is not cardgate, or another version of it.");
}

bool is_plain(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
         c == '_' || c == '~';
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

/// Makes a head around the token, in one piece that never moves.
void write_head(Wiped& out, const Request& request) {
  out.text().reserve(512 + request.target.size() + request.bearer.size());
  const auto add = [&out](std::string_view piece) { out.text().append(piece); };
  add(request.method);
  add(" ");
  add(request.target);
  add(" HTTP/1.1\r\nHost: localhost\r\nUser-Agent: libcardgate/" CARDGATE_VERSION
      "\r\nConnection: close\r\n");
  if (!request.bearer.empty()) {
    add("Authorization: Bearer ");
    add(request.bearer);
    add(line_end);
  }
  if (!request.body.empty()) {
    add("Content-Type: application/json\r\nContent-Length: ");
    add(std::to_string(request.body.size()));
    add(line_end);
  }
  add(line_end);
}

}  // namespace

std::int64_t boot_ms() {
  timespec now{};
  ::clock_gettime(CLOCK_BOOTTIME, &now);
  return static_cast<std::int64_t>(now.tv_sec) * 1000 + now.tv_nsec / 1'000'000;
}

void wipe(std::string& text) {
  ::explicit_bzero(text.data(), text.size());
  text.clear();
}

void Wiped::append(std::string_view piece) {
  if (text_.size() + piece.size() > text_.capacity()) {
    std::string larger;
    larger.reserve(std::max(text_.capacity() * 2, text_.size() + piece.size() + 4096));
    larger.append(text_);
    wipe(text_);
    text_.swap(larger);
  }
  text_.append(piece);
}

void Wiped::drop(std::size_t count) {
  const std::size_t rest = text_.size() - count;
  std::memmove(text_.data(), text_.data() + count, rest);
  ::explicit_bzero(text_.data() + rest, count);
  text_.resize(rest);
}

std::string_view Head::field(std::string_view name) const {
  for (const auto& [key, value] : fields)
    if (key == name) return value;
  return {};
}

bool parse_head(std::string_view text, Head& head) {
  constexpr std::string_view begin = "HTTP/1.1 ";
  if (text.substr(0, begin.size()) != begin) return false;
  const auto code = text.substr(begin.size(), 3);
  const auto [end, failed] = std::from_chars(code.data(), code.data() + code.size(), head.status);
  if (failed != std::errc() || end != code.data() + 3 || head.status < 200) return false;
  auto at = text.find(line_end);
  while (at != std::string_view::npos && at + line_end.size() < text.size()) {
    const auto from = at + line_end.size();
    at = text.find(line_end, from);
    const auto line = text.substr(from, at == std::string_view::npos ? at : at - from);
    if (line.empty()) break;
    const auto colon = line.find(':');
    if (colon == std::string_view::npos) return false;
    auto value = line.substr(colon + 1);
    value.remove_prefix(std::min(value.find_first_not_of(' '), value.size()));
    head.fields.emplace_back(lower(line.substr(0, colon)), value);
  }
  return true;
}

void Connection::close() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
  wipe(in_.text());
}

Result<bool> Connection::wait(short events, std::int64_t until_ms) const {
  for (bool first = true;; first = false) {
    const auto left = until_ms - boot_ms();
    // Looked at once in any case, so that a deadline of 0 means "what is there".
    if (left <= 0 && !first) return error(Errc::timeout, "cardgate did not answer in time. Try again.");
    pollfd entries[2]{{stop_, POLLIN, 0}, {fd_, events, 0}};
    const int ms = static_cast<int>(std::clamp<std::int64_t>(left, 0, longest_wait_ms));
    const int ready = ::poll(entries, 2, ms);  // passes over descriptors below 0
    if (ready < 0 && errno != EINTR) return error(Errc::not_reachable, std::strerror(errno));
    if (ready <= 0) continue;
    if (entries[0].revents != 0) return error(Errc::stopped, "It was stopped.");
    return true;
  }
}

Result<bool> Connection::open(const std::string& socket, std::int64_t until_ms) {
  close();
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (socket.empty() || socket.size() >= sizeof address.sun_path || socket.find('\0') != std::string::npos)
    return error(Errc::bad_argument, "The path of cardgate's socket has 1 to 107 bytes.");
  std::memcpy(address.sun_path, socket.data(), socket.size());
  socket_ = socket;
  fd_ = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd_ < 0)
    return error(Errc::not_reachable, std::string("No socket can be made: ") + std::strerror(errno));
  for (;;) {
    if (::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 || errno == EISCONN)
      return true;
    if (errno == EACCES || errno == EPERM)
      return error(Errc::no_permission, "You may not use " + socket + ".");
    if (errno != EINTR && errno != EAGAIN) return not_running(socket);
    if (boot_ms() >= until_ms) return error(Errc::timeout, "cardgate did not answer in time. Try again.");
    // A Unix socket with a full queue says EAGAIN, and nothing tells when there is room.
    pollfd entry{stop_, POLLIN, 0};
    if (::poll(&entry, 1, 20) > 0) return error(Errc::stopped, "It was stopped.");
  }
}

Result<bool> Connection::send(std::string_view bytes, std::int64_t until_ms) {
  while (!bytes.empty()) {
    const auto sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent > 0) {
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    } else if (sent < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
      if (auto ready = wait(POLLOUT, until_ms); !ready) return ready;
    } else if (sent == 0 || errno != EINTR) {
      return hung_up();
    }
  }
  return true;
}

Result<bool> Connection::read_some(std::int64_t until_ms) {
  char piece[4096];
  for (;;) {
    const auto got = ::recv(fd_, piece, sizeof piece, 0);
    if (got == 0) return false;
    if (got > 0) {
      in_.append({piece, static_cast<std::size_t>(got)});
      ::explicit_bzero(piece, static_cast<std::size_t>(got));
      if (in_.view().size() > max_answer_bytes + max_head_bytes) return no_answer_of_ours();
      return true;
    }
    if (errno == EAGAIN || errno == EWOULDBLOCK) {
      if (auto ready = wait(POLLIN, until_ms); !ready) return ready;
    } else if (errno != EINTR) {
      return hung_up();
    }
  }
}

Result<Head> Connection::ask(const std::string& socket, const Request& request, std::int64_t until_ms) {
  if (auto opened = open(socket, until_ms); !opened) return opened.error();
  Wiped head;
  write_head(head, request);
  auto sent = send(head.view(), until_ms);
  if (sent) sent = send(request.body, until_ms);
  // A service that refuses early answers and hangs up before it has read everything.
  if (!sent && sent.error().code != Errc::not_reachable) return sent.error();
  for (;;) {
    const auto end = in_.view().find("\r\n\r\n");
    if (end != std::string_view::npos) {
      Head answer;
      if (!parse_head(in_.view().substr(0, end + 2), answer)) return no_answer_of_ours();
      // It sends every body with its length, or until it closes.
      if (!answer.field("transfer-encoding").empty()) return no_answer_of_ours();
      in_.drop(end + 4);
      return answer;
    }
    if (in_.view().size() > max_head_bytes) return no_answer_of_ours();
    auto more = read_some(until_ms);
    if (!more) return more.error();
    if (!*more) return in_.view().empty() ? hung_up() : no_answer_of_ours();
  }
}

Result<bool> Connection::read_body(const Head& head, std::int64_t until_ms) {
  if (head.status == 204) return true;
  const auto text = head.field("content-length");
  std::size_t length = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), length);
  if (text.empty() || failed != std::errc() || end != text.data() + text.size() || length > max_answer_bytes)
    return no_answer_of_ours();
  while (in_.view().size() < length) {
    auto more = read_some(until_ms);
    if (!more) return more;
    if (!*more) return hung_up();  // half an answer is none
  }
  return in_.view().size() == length ? Result<bool>(true) : no_answer_of_ours();
}

Result<Head> call(Connection& connection, const std::string& socket, const Request& request,
                  std::chrono::milliseconds deadline) {
  const auto until = boot_ms() + deadline.count();
  auto head = connection.ask(socket, request, until);
  if (!head) return head;
  if (auto body = connection.read_body(*head, until); !body) return body.error();
  return head;
}

std::string percent_encoded(std::string_view text) {
  constexpr char digits[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (is_plain(c)) {
      out += c;
    } else {
      out += {'%', digits[byte >> 4U], digits[byte & 15U]};
    }
  }
  return out;
}

}  // namespace cardgate::inside
