// SPDX-License-Identifier: Apache-2.0
// How far set-up is: root names the first members of the team, and when all of them have signed in it is closed for good. The
// register's setting decides; it is nothing, a JSON list of who is still to sign in, or "closed". One thread.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "daemon/people/register_threads.hpp"
#include "daemon/record/recorder.hpp"

namespace cardgate::daemon {

/// Somebody whom set-up named and who has not signed in yet.
struct Awaited {
  std::string id;
  std::vector<std::string> teams;  // that set-up gave
};

class SetUp {
 public:
  static constexpr const char* setting = "setup";
  static constexpr const char* closed = "closed";
  static std::vector<Awaited> still_to_come(std::string_view state);
  /// The policy may call a team anything, so nothing that a name could hold parts them.
  static std::string text_of(const std::vector<Awaited>& all);

  SetUp(RegisterThreads& register_threads, Recorder& recorder)
      : register_(register_threads), recorder_(recorder) {}
  SetUp(const SetUp&) = delete;
  SetUp& operator=(const SetUp&) = delete;

  /// The first sign-in of somebody whom set-up named; the last of them closes it.
  boost::asio::awaitable<void> signed_in(std::string person);

 private:
  RegisterThreads& register_;
  Recorder& recorder_;
  bool closed_ = false;  // as far as is known; the register decides
};

}  // namespace cardgate::daemon
