// SPDX-License-Identifier: Apache-2.0
// A service of fixed answers on a Unix socket, and the command run against it.
#pragma once

#include <filesystem>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/file.hpp"
#include "base/json.hpp"
#include "tests/support/process.hpp"

namespace cardgate::client {

/// Answers "METHOD TARGET" with the raw text set for it, 404 else. Answers with several texts give them in
/// turn; the last stays. Every connection carries one request.
class FakeService {
 public:
  FakeService();
  ~FakeService();

  void answer(const std::string& call, std::vector<std::string> raw);
  /// Whole requests so far, head and body.
  std::vector<std::string> requests() const;
  std::filesystem::path socket() const { return directory_ / "s"; }

 private:
  void serve();
  void serve_one(int fd);

  testing::TempDir directory_;
  FileDescriptor listener_, stop_[2];
  mutable std::mutex mutex_;
  std::map<std::string, std::vector<std::string>> answers_;
  std::vector<std::string> requests_;
  std::thread thread_;
};

std::string ok(const std::string& json, int status = 200);
std::string problem(int status, const std::string& error, const std::string& detail, json::object extra = {});

/// `cardgate ARGUMENTS`, with the socket in its environment and no terminal.
testing::Finished cardgate(const std::filesystem::path& socket, std::vector<std::string> arguments,
                           const std::string& input = {});

/// The same where no service is reached.
inline testing::Finished offline(std::vector<std::string> arguments) {
  return cardgate("/nonexistent/socket", std::move(arguments));
}

}  // namespace cardgate::client
