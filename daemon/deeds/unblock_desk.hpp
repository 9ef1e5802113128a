// SPDX-License-Identifier: Apache-2.0
// Unblocking a card of the pool with a code from the help desk: the card's unblocking key (PUK), which the service keeps sealed, and
// the code, which opens it once. The sealing key is a file of its own, so that neither the register nor a backup of it is enough.
//
//   compare (a try is counted first)  ->  the caller records it, durably  ->  spend: the code is used up  ->  the caller asks the card
//
// One thread.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <filesystem>
#include <optional>
#include <string>

#include "daemon/deeds/password_desk.hpp"
#include "daemon/people/register_threads.hpp"
#include "daemon/time/guarded_clock.hpp"

namespace cardgate::daemon {

/// It is used while the person is on the telephone, or walks back to their desk.
inline constexpr std::chrono::hours unblock_code_life{1};

class UnblockDesk {
 public:
  UnblockDesk(const std::filesystem::path& state_directory, RegisterThreads& register_threads,
              PasswordDesk& passwords, GuardedClock& clock)
      : state_directory_(state_directory),
        register_(register_threads),
        passwords_(passwords),
        clock_(clock) {}
  UnblockDesk(const UnblockDesk&) = delete;
  UnblockDesk& operator=(const UnblockDesk&) = delete;

  /// For the register; makes the sealing key when it is the first. `others_kept`: the register holds others that were sealed, so
  /// that a key which is gone now was lost: said in the journal. Errors: of the key file (rules/keys).
  Result<std::string> sealed(const std::string& card, const Secret& unblocking_key, bool others_kept);
  const std::filesystem::path& register_file() const { return register_.file(); }

  struct Compared {
    std::optional<Response> refusal;  // it could not be compared, and no try was counted
    std::string hash;                 // of the right code; empty: it is wrong, used, too old or void
  };
  boost::asio::awaitable<Compared> compare(std::string person, std::string card, Passwords::Typed code);
  /// Uses the code up, and the key: whatever comes of it, the desk hands the key over again. Errors: cancelled (used or
  /// returned meanwhile); corrupt (the key cannot be opened); not_found (the sealing key is lost: nothing was used up, and the
  /// journal says it); of the register.
  boost::asio::awaitable<Result<Secret>> spend(std::string person, std::string card, std::string hash);

 private:
  std::filesystem::path state_directory_;
  RegisterThreads& register_;
  PasswordDesk& passwords_;
  GuardedClock& clock_;
};

}  // namespace cardgate::daemon
