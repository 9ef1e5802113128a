// SPDX-License-Identifier: Apache-2.0
// Finds out what is there on this machine, for the checklist. Root's; asks the service, `cardgated --check-config` and systemd. Changes
// nothing, but for starting the service, as each call of its sockets does.
#pragma once

#include "client/command/cli.hpp"
#include "client/command/set_up/checklist.hpp"

namespace cardgate::client {

struct Places {
  std::string config = "/etc/cardgate/cardgated.yaml";
  std::string daemon = "/usr/sbin/cardgated";
  std::string pam_profile = "/usr/share/pam-configs/cardgate";
  std::string pam_auth = "/etc/pam.d/common-auth";
  std::string pam_auth_update = "/usr/sbin/pam-auth-update";
  std::string systemctl = "/usr/bin/systemctl";
  std::string systemd_creds = "/usr/bin/systemd-creds";
  std::string sealed_keys = "/etc/credstore.encrypted";  // where systemd looks for them
  std::string backups = "/var/backups/cardgate";
};
inline constexpr const char* backup_timer = "cardgate-backup.timer";

/// What the configuration at `file` names: checks it whole. Errors: config_invalid (what is wrong with it); as run_program().
Result<json::object> check_files(const Places& places, const std::string& file);
Machine look_at_machine(const Cli& cli, const Places& places);

}  // namespace cardgate::client
