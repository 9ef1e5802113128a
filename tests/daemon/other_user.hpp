// SPDX-License-Identifier: Apache-2.0
// Other users of the machine, for a test that runs as real root.
#pragma once

#include <sys/types.h>

#include <filesystem>
#include <functional>
#include <memory>

#include "tests/daemon/stage.hpp"

namespace cardgate::testing {

inline constexpr uid_t neighbour = 65533;  // Stage's configuration lets them sign in and ask for core
inline constexpr uid_t stranger = 65532;   // on no list; the numbers below it are strangers as well

/// False in a user namespace that has root alone.
bool can_be_another_user();
/// Asks as another user; only status and body come back.
HttpAnswer as_user(uid_t uid, const std::function<HttpAnswer()>& ask);

/// Another user's program that connects so many times, says nothing, and holds on until this dies.
class Holder {
 public:
  Holder(uid_t uid, const std::filesystem::path& socket, int connections);
  ~Holder();
  Holder(const Holder&) = delete;
  Holder& operator=(const Holder&) = delete;

 private:
  pid_t child_ = -1;
};

}  // namespace cardgate::testing
