// SPDX-License-Identifier: Apache-2.0
// cardgate audit: the group of commands on the audit log.
#include "client/command/audit/commands.hpp"

namespace cardgate::client {

void add_audit(CLI::App& app, Cli& cli) {
  auto* group = add_command(app, "audit", "The audit log", "cardgate audit verify", "");
  group->require_subcommand(1);
  add_audit_verify(*group, cli);
  add_audit_show(*group, cli);
  add_audit_report(*group, cli);
  add_audit_standing(*group, cli);
  add_audit_checkpoint(*group, cli);
  add_audit_hold(*group, cli);
  add_audit_export(*group, cli);
}

}  // namespace cardgate::client
