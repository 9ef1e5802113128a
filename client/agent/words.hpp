// SPDX-License-Identifier: Apache-2.0
// What people read of the agent. Pure.
#pragma once

#include <string>

#include "client/agent/prompt.hpp"
#include "client/agent/seen.hpp"

namespace cardgate::agent {

/// Why the passcode is asked for.
enum class Why : std::uint8_t { sign_in, resume, step_up };

/// `what_for`: the role or act that needs a fresh proof, or empty.
Prompt passcode_prompt(const SeenReader& reader, Why why, const std::string& what_for,
                       const std::string& error);
/// Before the last try is spent.
Prompt last_try_prompt(const SeenReader& reader, const std::string& error);
Prompt unblock_offer(const SeenReader& reader, const std::string& error);
Prompt unblocking_key_prompt(const SeenReader& reader, const std::string& error);
/// For the passcode with which a card was lent, to choose another.
Prompt first_passcode_prompt(const SeenReader& reader, const std::string& error);
/// `unblocks`: the card is blocked; else its passcode is changed.
Prompt new_passcode_prompt(bool again, bool unblocks, const std::string& error);

/// For the notification of a session that has just been opened.
std::string signed_in_text(const SeenSession& session);
/// Why a session ended, by the event's reason; empty when the person knows it.
std::string end_text(const std::string& reason);
/// "Ada Example (card ending f60c)".
std::string card_text(const SeenReader& reader);

}  // namespace cardgate::agent
