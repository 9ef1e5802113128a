// SPDX-License-Identifier: Apache-2.0
// The lines of Assuan, which pinentry speaks (the GnuPG project's "Developing with Assuan", 2). Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/secret.hpp"
#include "client/agent/prompt.hpp"

namespace cardgate::agent {

inline constexpr std::size_t longest_assuan_line = 1000;  // without its line end

/// A value as Assuan sends it: '%', CR and LF as %XX; other control characters are left out, and what makes the line too long.
std::string assuan_escaped(std::string_view text);

/// What makes up a dialog, a line each without its end, the question last. Each is answered with OK or ERR before the
/// next is sent. `tty`: the terminal of a pinentry that needs one, or empty.
std::vector<std::string> dialog_lines(const Prompt& prompt, std::string_view tty,
                                      std::string_view terminal_type, seconds patience);

/// Adds the text of a D line (after "D ") to `into`, with %XX undone; `used` is how much of it is taken. False when it does not
/// fit.
bool take_data(std::string_view line, Secret& into, std::size_t& used);

/// Of an ERR line: why.
Answer answer_of_error(std::string_view line);

}  // namespace cardgate::agent
