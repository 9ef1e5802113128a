// SPDX-License-Identifier: Apache-2.0
// Commands of people's work: each is one call of the service, its options the members of the body. One thread.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "base/json.hpp"
#include "client/command/cli.hpp"

namespace cardgate::client {

struct ActOption {
  std::string flag;    // "--reason"; "TEXT,--text": it may stand without its flag
  std::string member;  // of the body, or of the query for GET
  std::string help;
  bool required = false;
  bool yes_or_no = false;
  bool is_moment = false;  // a time, as moment_here() takes it
};

struct Act {
  std::string name, what, example;
  std::string method = "POST";
  std::string path;          // {} stands for the positional argument
  std::string subject = {};  // the positional argument's name; empty: none
  std::string subject_help = {};
  std::string path_without_subject = {};  // where the argument may be left out
  std::vector<ActOption> options = {};
  /// What people read of the answer's body; of an act that answers with a `message` that is read instead.
  std::function<void(const json::object&)> tell = {};
  /// What the answer means to scripts; empty: exit_ok.
  std::function<int(const json::object&)> exit_code = {};
  /// Whether this call goes on, page by page, as long as the answer names a `next`, and tells each; empty: it does not.
  std::function<bool()> all_pages = {};
  /// Lists of the answer that come page by page: all pages are asked for, and told as one.
  std::vector<std::string> whole_lists = {};
  bool as_root = false;  // root does it as root, unless a session is named
  bool without_session = false;
};

/// Adds the command; --session names one of several sessions.
CLI::App* add_act(CLI::App& group, Cli& cli, Act act);

/// What most of them take.
ActOption reason_option();
ActOption person_option(bool required = true);

/// A line for people, and its parts.
std::string form_line(const json::object& form);
std::string span_text(const json::object& row);
/// "verified by Anna Bell (10017) on 2 March 2026", a line of its own, set in; empty when nobody has. `by` and `on` are members.
std::string step_line(const json::object& row, std::string_view word, std::string_view by,
                      std::string_view on);
std::string card_line(const json::object& card);
std::string removal_line(const json::object& row);
/// What is still to be decided, or still works: lists show it first.
bool is_open_form(const json::object& form);
bool is_open_card(const json::object& card);
bool is_open_removal(const json::object& row);
/// Of a delegation or a stand-in: it has not ended.
bool runs(const json::object& row);
/// Each object of the list `member` by `line`, those first that come first; `none` when there is none.
void say_list(const json::object& body, std::string_view member, std::string_view none,
              const std::function<std::string(const json::object&)>& line,
              const std::function<bool(const json::object&)>& comes_first = {});

void add_form(CLI::App& app, Cli& cli);
void add_declaration(CLI::App& app, Cli& cli);
void add_training(CLI::App& app, Cli& cli);
void add_delegation(CLI::App& app, Cli& cli);
void add_removal(CLI::App& app, Cli& cli);
/// Into the group `staff`.
void add_staff_acts(CLI::App& group, Cli& cli);
void add_loans(CLI::App& group, Cli& cli);
void add_setup(CLI::App& app, Cli& cli);
void add_notices(CLI::App& app, Cli& cli);
void add_downtime(CLI::App& app, Cli& cli);
void add_fault(CLI::App& app, Cli& cli);
void add_record(CLI::App& app, Cli& cli);

}  // namespace cardgate::client
