// SPDX-License-Identifier: Apache-2.0
// The register's file as a whole: what a check found of it, copies of it, and what follows when its content is another. One
// thread; the work is done beside it.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

#include "daemon/deeds/notices.hpp"
#include "daemon/people/register_threads.hpp"
#include "daemon/people/roll.hpp"
#include "daemon/raised.hpp"
#include "daemon/record/recorder.hpp"
#include "register/upkeep.hpp"

namespace cardgate::daemon {

class RegisterDesk {
 public:
  using Findings = std::vector<std::string>;  // of a check: none, and the register is whole

  RegisterDesk(boost::asio::io_context& io, const std::filesystem::path& state_directory,
               RegisterThreads& register_threads, Roll& roll, SessionDesk& sessions, Notices& notices,
               Recorder& recorder, GuardedClock& clock)
      : io_(io),
        backups_(state_directory / "backups"),
        register_(register_threads),
        roll_(roll),
        sessions_(sessions),
        notices_(notices),
        recorder_(recorder),
        clock_(clock) {}
  RegisterDesk(const RegisterDesk&) = delete;
  RegisterDesk& operator=(const RegisterDesk&) = delete;

  /// Of the service: cardgated can write its own folder alone, so copies come and go through it.
  const std::filesystem::path& backups() const { return backups_; }
  /// Errors: io.
  Result<void> make_backups() const;
  /// What the command left behind when it was broken off: all of the register, under a name that nobody knows.
  void remove_left_copies(seconds older_than) const;

  /// Its content may be another now: whoever may do less by it does so at once.
  void replaced();

  void check_in_background();
  /// Errors: as reg::check_register().
  boost::asio::awaitable<Result<Findings>> check(reg::Depth depth);

  struct LastCheck {
    Flag running;
    std::optional<WallTime> at;
    std::string problem;  // what it found, for people
  };
  const LastCheck& last_check() const { return last_check_; }

 private:
  boost::asio::awaitable<void> check_quickly();
  void note(const Result<Findings>& found);

  boost::asio::io_context& io_;
  std::filesystem::path backups_;
  RegisterThreads& register_;
  Roll& roll_;
  SessionDesk& sessions_;
  Notices& notices_;
  Recorder& recorder_;
  GuardedClock& clock_;
  LastCheck last_check_;
};

/// The first `most` of these texts.
json::array texts(const std::vector<std::string>& list, std::size_t most);
inline constexpr std::size_t ids_in_record = 20;

}  // namespace cardgate::daemon
