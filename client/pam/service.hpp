// SPDX-License-Identifier: Apache-2.0
// What the module asks the service (proto/openapi.yaml), and what it understands of the answers.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "client/pam/call.hpp"

namespace cardgate::pam {

struct Need {
  enum class Use { passcode, insert, password, refused };
  Use use = Use::password;
  std::string text;
  // With `passcode`:
  std::string reader, card, resume;
  std::optional<int> tries_left;  // nothing: the card does not tell
  bool last_try = false;
  // Of the account:
  bool allowed = true;
  std::string allowed_text;
};

/// What came of a passcode.
struct Outcome {
  std::string session;  // open; empty: it was refused
  bool is_new = false;  // and not one that was there before
  std::string
      error;  // the problem's code; empty without a session: there was no answer, or none that can be understood
  std::string text;  // for people
};

class Service {
 public:
  explicit Service(std::string socket) : socket_(std::move(socket)) {}

  /// Nothing: the service cannot be reached, or has no answer.
  std::optional<Need> need(std::string_view account) const;
  /// Only whether the account may be used.
  std::optional<Need> allowed(std::string_view account) const;
  Outcome sign_in(std::string_view account, const Need& need, bool spend_last_try,
                  const Wiped& passcode) const;
  /// The session ends, and all others by card of the account; not while the account has another login here than `login`.
  /// "none" as the session: the account's, when `login` is one that logind knows at this machine.
  void log_out(const std::string& session, std::string_view account, std::string_view login) const;

 private:
  std::optional<Need> ask(const std::string& target, int deadline_ms) const;

  std::string socket_;
};

}  // namespace cardgate::pam
