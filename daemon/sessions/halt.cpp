// SPDX-License-Identifier: Apache-2.0
#include "daemon/sessions/halt.hpp"

#include <fmt/format.h>

namespace cardgate::daemon {
namespace {

constexpr std::string_view do_it = "Put the card in and type the passcode: cardgate login --again";

std::string age_text(milliseconds age) {
  const auto count = std::chrono::floor<seconds>(age).count();
  const auto said = [](std::int64_t number, std::string_view one) {
    return fmt::format("{} {}{}", number, one, number == 1 ? "" : "s");
  };
  if (count % 3600 == 0) return said(count / 3600, "hour");
  if (count % 60 == 0) return said(count / 60, "minute");
  return said(count, "second");
}

std::string halt_words(Halt halt, const Session& session, const Terms& terms) {
  switch (halt) {
    case Halt::screen:
      return "Your screen is locked. Unlock it and try again.";
    case Halt::card_out:
      return "Your session waits for its card. Put the card in and type the passcode: cardgate login";
    case Halt::proof_is_old:
      return fmt::format(
          "This needs your card and passcode again, because you last gave them more than {} ago. {}",
          age_text(terms.step_up_age.value_or(milliseconds(0))), do_it);
    case Halt::card_was_out:
      return fmt::format("{} {}",
                         session.card_out
                             ? "This needs your card in the reader."
                             : "This needs your passcode again, because your card was taken out.",
                         do_it);
    case Halt::locked:
    case Halt::none:
      break;
  }
  return session.card_out ? "Your session is locked, and its card is out. Put the card in and type the "
                            "passcode: cardgate login"
                          : "Your session is locked. Unlock it with the passcode: cardgate login";
}

/// Nobody has given the passcode since its card was out, and these terms do not do without that.
bool misses_card(const Session& session, const Terms& terms, BootTime now) {
  using Mode = CardRemoval::Mode;
  if (!session.was_out) return false;
  if (terms.removal.mode == Mode::keep) return session.proved + terms.removal.time <= now;
  // Back within that time, it goes on.
  return terms.removal.mode != Mode::grace || session.card_out || session.longest_out > terms.removal.time;
}

}  // namespace

Halt halt(const Session& session) {
  if (session.card_out && !session.keeps_card_out()) return Halt::card_out;
  return session.locked ? Halt::locked : Halt::none;
}

Halt halt(const Session& session, const Terms& terms, BootTime now) {
  if (const Halt first = halt(session); first != Halt::none) return first;
  if (session.screen_locked &&
      (terms.screen.mode == ScreenLock::Mode::lock || *session.screen_locked + terms.screen.time <= now))
    return Halt::screen;
  if (misses_card(session, terms, now)) return Halt::card_was_out;
  if (terms.step_up_age && session.proved + *terms.step_up_age <= now) return Halt::proof_is_old;
  return Halt::none;
}

Response halted(Halt halt, const Session& session, const Terms& terms) {
  const bool proof = needs_proof(halt);
  json::object more;
  if (proof) more["session"] = session.id;
  return problem(proof ? 403 : 423, halt_code(halt), halt_words(halt, session, terms), std::move(more));
}

std::string_view halt_code(Halt halt) {
  return needs_proof(halt) ? "step_up_required" : "session_locked";
}

}  // namespace cardgate::daemon
