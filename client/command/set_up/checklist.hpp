// SPDX-License-Identifier: Apache-2.0
// What of cardgate is there on this machine and what is missing, each with what to do. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/json.hpp"

namespace cardgate::client {

/// What was found out (machine.hpp).
struct Machine {
  /// As `cardgated --check-config --json` says it; empty where it says nothing.
  json::object files;
  std::string files_problem;  // why it says nothing, or what it refuses
  json::object status;        // of the service: GET /v1/status
  std::string status_problem;
  json::object set_up;  // GET /v1/setup
  std::string set_up_problem;
  enum class Login : std::uint8_t { not_installed, off, on } login = Login::not_installed;
  bool can_seal = false;  // systemd-creds is there
  bool backups_on = false;
  std::optional<std::string> newest_backup;  // its name
};

struct CheckItem {
  enum class State : std::uint8_t {
    done,
    missing,  // without it nobody can sign in, or be given access
    advised
  };
  std::string id;  // for programs
  State state = State::done;
  std::string text;
  std::string next;  // what to do; empty when it is done
};
std::string_view name(CheckItem::State state);

std::vector<CheckItem> checklist(const Machine& machine);
bool is_ready(const std::vector<CheckItem>& items);
json::object to_json(const std::vector<CheckItem>& items);
std::string to_text(const std::vector<CheckItem>& items);

/// "the user who sits at seat0", "anna and bob, at readers with Ward 4 in their name".
std::string reader_text(const json::object& reader);
/// "esr-gateway (unit nginx.service): checks tokens for esr".
std::string client_text(const json::object& client);

}  // namespace cardgate::client
