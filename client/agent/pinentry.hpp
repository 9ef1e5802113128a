// SPDX-License-Identifier: Apache-2.0
// Asks a person by whatever pinentry is installed: one process for each dialog, Assuan over a socket pair, nothing that is typed
// outside wiped memory. One thread, the io_context's; nothing blocks.
#pragma once

#include <sys/types.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/secret.hpp"
#include "client/agent/boot_timer.hpp"
#include "client/agent/prompt.hpp"

namespace cardgate::agent {

class Pinentry {
 public:
  struct Setting {
    std::string program = "pinentry";  // searched in PATH
    std::string tty, terminal_type;    // of a pinentry that needs a terminal; empty: none
    seconds patience{120};             // how long it waits for the person
  };
  /// What was typed, empty for a confirmation.
  using Done = std::function<void(Answer, Secret)>;

  Pinentry(boost::asio::io_context& io, Setting setting);
  ~Pinentry();  // ends a dialog that is open, and waits for it
  Pinentry(const Pinentry&) = delete;
  Pinentry& operator=(const Pinentry&) = delete;

  /// Shows a dialog; none may be open. Calls `done` once, when its process is gone, never before this returns.
  void ask(const Prompt& prompt, Done done);
  /// Ends the dialog that is open; `done` is called with Answer::closed.
  void close();

 private:
  bool start();
  void read();
  void take_lines();
  void take_line(std::string_view line);
  void send_next();
  void conclude(Answer answer);
  void wait_for_end();
  void finish();

  boost::asio::io_context& io_;
  Setting setting_;
  boost::asio::posix::stream_descriptor talk_, end_;
  BootTimer patience_;  // for a process that does not go
  pid_t pid_ = -1;
  std::uint64_t dialog_ = 0;  // which; what comes late from the one before is passed over
  std::vector<std::string> lines_;
  std::size_t next_ = 0;
  bool greeted_ = false;
  Secret input_, typed_;
  std::size_t input_size_ = 0, typed_size_ = 0;
  std::optional<Answer> answer_;
  Done done_;
};

}  // namespace cardgate::agent
