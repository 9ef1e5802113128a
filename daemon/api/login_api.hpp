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
  LoginApi(AccountDesk& accounts, CardDesk& cards, Admission& admission, Recorder& recorder)
      : accounts_(accounts), cards_(cards), admission_(admission), recorder_(recorder) {}
  LoginApi(const LoginApi&) = delete;
  LoginApi& operator=(const LoginApi&) = delete;

  Answer need(Request& request);
  /// need() itself counts this request for somebody's rate: root asks it for all who log in, and whoever runs su again and again
  /// must use up the share of that account alone.
  static bool counts(const Request& request);

 private:
  std::optional<Response> refuse_rate(const Peer& peer, const std::optional<UnixAccount>& account,
                                      bool with_cards);

  AccountDesk& accounts_;
  CardDesk& cards_;
  Admission& admission_;
  Recorder& recorder_;
  std::chrono::steady_clock::time_point begun_ = std::chrono::steady_clock::now();
};

}  // namespace cardgate::daemon
