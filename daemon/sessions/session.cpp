// SPDX-License-Identifier: Apache-2.0
#include "daemon/sessions/session.hpp"

#include <algorithm>

namespace cardgate::daemon {

std::string_view name(EndReason reason) {
  switch (reason) {
    case EndReason::card_removed:
      return "card_removed";
    case EndReason::reader_gone:
      return "reader_gone";
    case EndReason::signed_out:
      return "signed_out";
    case EndReason::signed_in_again:
      return "signed_in_again";
    case EndReason::access_lost:
      return "access_lost";
    case EndReason::certificate_refused:
      return "certificate_refused";
    case EndReason::time_up:
      return "time_up";
    case EndReason::revoked:
      return "revoked";
    case EndReason::password_changed:
      return "password_changed";
    case EndReason::shutdown:
      return "shutdown";
  }
  return "unknown";
}

void Session::used(BootTime now, milliseconds role_idle) {
  last_used = now;
  if (role_idle.count() > 0) idle = idle.count() == 0 ? role_idle : std::min(idle, role_idle);
}

}  // namespace cardgate::daemon
