// SPDX-License-Identifier: Apache-2.0
#include "tests/client/fake_service.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>

#include "proto/problem.hpp"

namespace cardgate::client {

FakeService::FakeService() : listener_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  std::strncpy(address.sun_path, socket().c_str(), sizeof address.sun_path - 1);
  int ends[2];
  if (bind(listener_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
      listen(listener_.get(), 16) != 0 || pipe(ends) != 0) {
    throw std::runtime_error("the fake service cannot listen");
  }
  stop_[0] = FileDescriptor(ends[0]);
  stop_[1] = FileDescriptor(ends[1]);
  thread_ = std::thread([this] { serve(); });
}

FakeService::~FakeService() {
  stop_[1].reset();
  thread_.join();
}

void FakeService::answer(const std::string& call, std::vector<std::string> raw) {
  const std::lock_guard lock(mutex_);
  answers_[call] = std::move(raw);
}

std::vector<std::string> FakeService::requests() const {
  const std::lock_guard lock(mutex_);
  return requests_;
}

void FakeService::serve() {
  std::vector<std::thread> workers;
  for (;;) {
    pollfd waiting[2] = {{listener_.get(), POLLIN, 0}, {stop_[0].get(), POLLIN, 0}};
    poll(waiting, 2, -1);
    if (waiting[1].revents != 0) break;
    const int fd = accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC);
    if (fd >= 0) workers.emplace_back([this, fd] { serve_one(fd); });
  }
  for (auto& worker : workers) worker.join();
}

void FakeService::serve_one(int fd) {
  const FileDescriptor connection(fd);
  std::string request;
  std::size_t whole = std::string::npos;
  while (request.size() < whole) {
    char piece[4096];
    const auto count = read(fd, piece, sizeof piece);
    if (count <= 0) break;
    request.append(piece, static_cast<std::size_t>(count));
    const auto head = request.find("\r\n\r\n");
    if (head == std::string::npos || whole != std::string::npos) continue;
    const auto length = request.find("Content-Length: ");
    whole = head + 4 + (length < head ? std::stoul(request.substr(length + 16)) : 0);
  }
  std::string raw = problem(404, "not_found", "There is nothing at that path.");
  {
    const std::lock_guard lock(mutex_);
    requests_.push_back(request);
    const auto found = answers_.find(request.substr(0, request.find(" HTTP/")));
    if (found != answers_.end()) {
      raw = found->second.front();
      if (found->second.size() > 1) found->second.erase(found->second.begin());
    }
  }
  for (std::size_t sent = 0; sent < raw.size();) {
    const auto count = send(fd, raw.data() + sent, raw.size() - sent, MSG_NOSIGNAL);
    if (count <= 0) break;
    sent += static_cast<std::size_t>(count);
  }
}

std::string ok(const std::string& json, int status) {
  return fmt::format("HTTP/1.1 {} X\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{}",
                     status, json.size(), json);
}

std::string problem(int status, const std::string& error, const std::string& detail, json::object extra) {
  return ok(proto::to_body({status, error, "Title", detail, std::move(extra)}), status);
}

testing::Finished cardgate(const std::filesystem::path& socket, std::vector<std::string> arguments,
                           const std::string& input) {
  std::vector<std::string> argv{"setsid", "--wait", CARDGATE_COMMAND};
  argv.insert(argv.end(), arguments.begin(), arguments.end());
  auto finished =
      testing::run(argv, std::chrono::seconds(30),
                   {.directory = {},
                    .environment = {{"CARDGATE_SOCKET", socket}, {"CARDGATE_ADMIN_SOCKET", socket}},
                    .input = input});
  if (!finished) {
    ADD_FAILURE() << finished.error().message();
    return {};
  }
  return *std::move(finished);
}

}  // namespace cardgate::client
