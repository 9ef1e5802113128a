// SPDX-License-Identifier: Apache-2.0
// What every command of `cardgate` shares: the global options, exit codes, and the list of commands. One
// thread.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <string>
#include <string_view>

namespace cardgate::client {

enum Exit : int {
  exit_ok = 0,
  exit_refused = 1,      // the answer is no
  exit_usage = 2,        // the command was not given as it should be
  exit_unreachable = 3,  // the service is not there, or cannot serve now
  exit_error = 4,        // anything else that went wrong
};

struct Cli {
  std::string socket = "/run/cardgate/cardgate.sock";
  std::string admin_socket = "/run/cardgate/admin.sock";
  bool json = false;
  /// What the command line asks for; set while it is parsed, run after that. Returns an exit code.
  std::function<int()> action;
};

/// A command with its example; the global options may stand behind it too.
CLI::App* add_command(CLI::App& parent, const std::string& name, const std::string& what,
                      std::string_view example, std::string_view exit_codes);

inline constexpr std::string_view usual_exit_codes =
    "0 done; 1 refused; 2 wrong usage; 3 the service is not reachable; 4 error";

/// How people are named everywhere.
inline constexpr const char* person_help = "The person: full name, or personnel number";
inline constexpr const char* session_help = "Which of your sessions; needed only when several are open";

void add_status(CLI::App& app, Cli& cli);
void add_sign_in(CLI::App& app, Cli& cli);   // login
void add_card(CLI::App& app, Cli& cli);      // card status, change-passcode, unblock
void add_sessions(CLI::App& app, Cli& cli);  // logout, whoami
void add_tokens(CLI::App& app, Cli& cli);    // token, introspect, revoke
void add_watch(CLI::App& app, Cli& cli);
void add_agent(CLI::App& app, Cli& cli);
void add_access(CLI::App& app, Cli& cli);
void add_certificate(CLI::App& app, Cli& cli);  // cert verify
void add_certificate_explain(CLI::App& group, Cli& cli);
void add_policy_forecast(CLI::App& group, Cli& cli);
void add_policy(CLI::App& app, Cli& cli);    // policy check, test, explain
void add_staff(CLI::App& app, Cli& cli);     // staff import
void add_password(CLI::App& app, Cli& cli);  // password, password reset
void add_enrol(CLI::App& app, Cli& cli);     // enrol, enrol code, enrol activate
void add_register(CLI::App& app, Cli& cli);  // register backup, restore, check
void add_token_key(CLI::App& app, Cli& cli);
void add_reload(CLI::App& app, Cli& cli);
void add_audit(CLI::App& app, Cli& cli);  // audit verify, show, checkpoint, hold, export
void add_support(CLI::App& app, Cli& cli);

/// Of questions about other people's access: root asks as root, others under their own session and role.
const std::string& policy_socket(const Cli& cli, const std::string& session);

/// `staff import FILE`, for set-up. The exit code.
int import_staff(const Cli& cli, const std::string& file, bool dry_run);

}  // namespace cardgate::client
