// SPDX-License-Identifier: Apache-2.0
// cardgate audit: the group of commands on the audit log.
#include "client/command/audit/commands.hpp"

#include <sys/resource.h>

namespace cardgate::client {

void add_audit(CLI::App& app, Cli& cli) {
  auto* group = add_command(app, "audit", "The audit log", "cardgate audit verify", "");
  group->require_subcommand(1);
  // They may read gigabytes beside a service that people wait for. Where this is not allowed, it is done all the same.
  group->parse_complete_callback([] {
    constexpr int low = 10;
    if (::getpriority(PRIO_PROCESS, 0) < low) (void)::setpriority(PRIO_PROCESS, 0, low);
  });
  add_audit_verify(*group, cli);
  add_audit_show(*group, cli);
  add_audit_report(*group, cli);
  add_audit_standing(*group, cli);
  add_audit_checkpoint(*group, cli);
  add_audit_hold(*group, cli);
  add_audit_export(*group, cli);
}

}  // namespace cardgate::client
