// SPDX-License-Identifier: Apache-2.0
// Secrets from the person at the terminal or from a descriptor. One thread; changes signal handlers while it
// waits.
#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"
#include "base/secret.hpp"
#include "client/shared/secrets.hpp"

namespace cardgate::client {

/// True when there is a terminal to ask at.
bool has_terminal();

/// How many characters a line of the descriptor has; 80 when that is not a terminal.
std::size_t terminal_width(int fd);

/// Asks at /dev/tty without echo. A signal that ends or stops the program first gets the terminal back as it
/// was. Errors: not_found (no terminal), cancelled (end of input), too_large, io.
Result<Secret> ask_secret(std::string_view prompt, std::size_t max_bytes);

/// Asks at /dev/tty with echo. Errors: as ask_secret().
Result<std::string> ask(std::string_view prompt, std::size_t max_bytes);

/// One line of a descriptor, without its line end, byte by byte so that nothing stays in a buffer.
/// Errors: cancelled (nothing there), too_large, io.
Result<Secret> read_secret_line(int fd, std::size_t max_bytes);

}  // namespace cardgate::client
