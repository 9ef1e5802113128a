// SPDX-License-Identifier: Apache-2.0
// Changing a card's passcode, and setting a new one by the unblocking key. One thread.
#pragma once

#include "daemon/cards/card_desk.hpp"
#include "daemon/http/answer.hpp"

namespace cardgate::daemon {

class CardApi {
 public:
  explicit CardApi(CardDesk& cards) : cards_(cards) {}
  CardApi(const CardApi&) = delete;
  CardApi& operator=(const CardApi&) = delete;

  Answer change_passcode(Request& request, const std::string& id);
  Answer unblock(Request& request, const std::string& id);

 private:
  CardDesk& cards_;
};

}  // namespace cardgate::daemon
