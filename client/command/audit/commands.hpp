// SPDX-License-Identifier: Apache-2.0
// The commands under `cardgate audit`, each in a file of its own.
#pragma once

#include <CLI/CLI.hpp>

#include "client/command/cli.hpp"

namespace cardgate::client {

/// Where the log is when no --dir says otherwise.
inline constexpr const char* default_audit_directory = "/var/lib/cardgate/audit";

void add_audit_verify(CLI::App& group, Cli& cli);
void add_audit_show(CLI::App& group, Cli& cli);
void add_audit_report(CLI::App& group, Cli& cli);
void add_audit_standing(CLI::App& group, Cli& cli);
void add_audit_checkpoint(CLI::App& group, Cli& cli);
void add_audit_hold(CLI::App& group, Cli& cli);    // hold set, release, show
void add_audit_export(CLI::App& group, Cli& cli);  // export person, evidence, statistics

}  // namespace cardgate::client
