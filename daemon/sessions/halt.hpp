// SPDX-License-Identifier: Apache-2.0
// What stands between an open session and something that its person wants to do, and what they are told. Pure.
#pragma once

#include <string>

#include "daemon/http/message.hpp"
#include "daemon/sessions/session.hpp"

namespace cardgate::daemon {

enum class Halt : std::uint8_t {
  none,
  locked,
  card_out,      // the session waits for its card
  screen,        // the screen is locked, and the role does not go on behind it
  proof_is_old,  // card and passcode were given longer ago than the role, or the act, allows
  card_was_out,  // since then the card has been out, and the role needs it in the reader
};

/// For what needs no role: a person's own business.
Halt halt(const Session& session);
/// For what is done on these terms.
Halt halt(const Session& session, const Terms& terms, BootTime now);
/// Card and passcode, given for the open session, would help.
inline bool needs_proof(Halt halt) {
  return halt == Halt::proof_is_old || halt == Halt::card_was_out;
}

/// 423 session_locked, or 403 step_up_required. `terms` are those that were asked for.
Response halted(Halt halt, const Session& session, const Terms& terms);
/// "step_up_required", "session_locked": for the log.
std::string_view halt_code(Halt halt);

}  // namespace cardgate::daemon
