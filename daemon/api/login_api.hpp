// SPDX-License-Identifier: Apache-2.0
// What somebody needs who signs in to an account of this machine, for the program that asks them (pam_cardgate). Nothing is
// recorded, and no card is spoken to. One thread.
#pragma once

#include <chrono>

#include "daemon/cards/account_desk.hpp"
#include "daemon/http/answer.hpp"

namespace cardgate::daemon {

class LoginApi {
 public:
  LoginApi(AccountDesk& accounts, CardDesk& cards) : accounts_(accounts), cards_(cards) {}
  LoginApi(const LoginApi&) = delete;
  LoginApi& operator=(const LoginApi&) = delete;

  Answer need(Request& request);

 private:
  AccountDesk& accounts_;
  CardDesk& cards_;
  std::chrono::steady_clock::time_point begun_ = std::chrono::steady_clock::now();
};

}  // namespace cardgate::daemon
