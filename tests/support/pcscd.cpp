// SPDX-License-Identifier: Apache-2.0
#include "tests/support/pcscd.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

namespace cardgate::testing {

namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr std::string_view socket_path = "/run/pcscd/pcscd.comm";

bool accepts_clients() {
  const FileDescriptor fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  socket_path.copy(address.sun_path, sizeof address.sun_path - 1);
  return fd && ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
}

// Looked up, not connected to: a connection would be a card.
bool listens(int port) {
  for (const char* table : {"/proc/self/net/tcp", "/proc/self/net/tcp6"}) {
    std::ifstream file(table);
    std::string line;
    std::getline(file, line);
    while (std::getline(file, line)) {
      const std::size_t colon = line.find(':', line.find(':') + 1);  // "  0: ADDRESS:PORT ADDRESS:PORT STATE"
      if (colon == std::string::npos || line.size() < colon + 20) continue;
      const int local = static_cast<int>(std::strtol(line.substr(colon + 1, 4).c_str(), nullptr, 16));
      const std::size_t remote = line.find(':', colon + 1);
      if (local == port && remote != std::string::npos && line.compare(remote + 6, 2, "0A") == 0) return true;
    }
  }
  return false;
}

}  // namespace

Pcscd::~Pcscd() {
  stop();
}

bool Pcscd::in_namespace() {
  const char* mark = std::getenv("CARDGATE_READER_NAMESPACE");
  return mark != nullptr && std::string_view(mark) == "1";
}

std::filesystem::path Pcscd::configuration() {
  const char* folder = std::getenv("CARDGATE_VPCD");
  return std::filesystem::path(folder != nullptr ? folder : CARDGATE_VPCD_DIR) / "reader.conf.d";
}

bool Pcscd::available() {
  return std::filesystem::exists(configuration() / "vpcd") && has_program("pcscd");
}

std::string Pcscd::name_of(int reader) {
  const std::string pair = reader < 2 ? "" : std::string(" ") + static_cast<char>('A' + reader / 2);
  return "Virtual PCD" + pair + (reader % 2 == 0 ? " 00 00" : " 00 01");
}

/// vpcd keeps its slots in the library's own memory, so each pair of readers needs a copy of the file.
Result<std::filesystem::path> Pcscd::configure() {
  if (!called_.empty()) {
    if (!many_) many_ = std::make_unique<TempDir>();
    const auto library = configuration().parent_path() / "usr/lib/pcsc/drivers/serial/libifdvpcd.so";
    std::filesystem::create_directory(*many_ / "called");
    TRY(write_file_atomic(*many_ / "called/vpcd",
                          as_bytes("FRIENDLYNAME \"" + called_ + "\"\nDEVICENAME /dev/null:35963\nLIBPATH " +
                                   library.string() + "\nCHANNELID 35963\n"),
                          0644));
    return many_->path() / "called";
  }
  if (readers_ <= 2) return configuration();
  if (many_) return many_->path() / "conf";
  many_ = std::make_unique<TempDir>();
  const auto library = configuration().parent_path() / "usr/lib/pcsc/drivers/serial/libifdvpcd.so";
  std::string text;
  for (int reader = 0; reader < readers_; reader += 2) {
    const auto copy = *many_ / ("libifdvpcd" + std::to_string(reader) + ".so");
    std::error_code failed;
    std::filesystem::copy_file(library, copy, failed);
    if (failed) return Error(Errc::io, library.string() + ": " + failed.message());
    const std::string name = name_of(reader);
    const std::string port = std::to_string(35963 + reader);
    text += "FRIENDLYNAME \"" + name.substr(0, name.size() - 6) + "\"\nDEVICENAME /dev/null:" + port +
            "\nLIBPATH " + copy.string() + "\nCHANNELID " + port + "\n\n";
  }
  std::filesystem::create_directory(*many_ / "conf");
  TRY(write_file_atomic(*many_ / "conf/vpcd", as_bytes(text), 0644));
  return many_->path() / "conf";
}

Result<void> Pcscd::start(milliseconds deadline) {
  if (running()) return Error(Errc::already_exists, "pcscd runs already");
  if (!in_namespace())
    return Error(Errc::unavailable,
                 "not inside tests/support/in-reader-namespace: pcscd would clash with the machine's");
  if (!available()) return Error(Errc::unavailable, "no virtual reader: run script/bootstrap test");
  const auto end = steady_clock::now() + deadline;
  ProcessOptions options;
  // Away from the machine's own USB readers: pcscd drives only what the configuration names.
  options.environment = {{"PCSCLITE_HP_DROPDIR", "/nonexistent"}};
  const auto directory = TRY(configure());
  process_ = TRY(Process::start({"pcscd", "--foreground", "--config", directory.string()}, options));
  const bool ready = eventually(std::chrono::duration_cast<milliseconds>(end - steady_clock::now()), [&] {
    return process_->wait(milliseconds(0)).has_value() ||
           (accepts_clients() && listens(35963) && listens(static_cast<std::uint16_t>(35962 + readers_)));
  });
  if (const auto status = process_->wait(milliseconds(0))) {
    last_log_ = process_->output();
    process_.reset();
    return Error(Errc::unavailable, "pcscd ended with status " + std::to_string(*status) + ": " + last_log_);
  }
  if (!ready) {
    stop();
    return Error(Errc::timeout, "pcscd did not start in time: " + last_log_);
  }
  return {};
}

void Pcscd::stop(milliseconds deadline) {
  if (!process_) return;
  process_->stop(deadline);
  last_log_ = process_->output();
  process_.reset();
}

void Pcscd::kill() {
  if (!process_) return;
  process_->kill();
  last_log_ = process_->output();
  process_.reset();
}

Result<void> Pcscd::restart() {
  stop();
  return start();
}

}  // namespace cardgate::testing
