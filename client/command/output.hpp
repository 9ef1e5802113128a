// SPDX-License-Identifier: Apache-2.0
// How answers read: text for people on stdout, what goes wrong on stderr; with --json one JSON value on
// stdout, always.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.hpp"
#include "base/result.hpp"
#include "client/command/cli.hpp"
#include "client/shared/members.hpp"
#include "client/socket/service.hpp"
#include "proto/problem.hpp"

namespace cardgate::client {

/// A line on stdout or stderr, cut to fit where that is a terminal. Control characters of the text (but tab and line end) are
/// shown as '?'.
void say(std::string_view text);
void complain(std::string_view text);
/// The same, never cut: what programs read even on a terminal.
void say_whole(std::string_view text);
/// A line of CSV on stdout, ended as RFC 4180 has it; control characters are shown as \x09.
void say_csv(const std::vector<std::string>& fields);
/// One line of JSON on stdout.
void print_json(const json::value& value);

/// What is missing, who can put it right, what to do next: an item each.
std::string unmet_text(const json::array& unmet);
/// Documents that help, a line each.
std::string guidance_text(const json::array& documents);

/// Says a refusal and gives its exit code.
int say_problem(const Cli& cli, const proto::Problem& problem);
/// Says a failure on this side of the socket and gives its exit code.
int say_error(const Cli& cli, const Error& error);
/// Says how a call went, and gives the exit code: a failure, a refusal, or what was answered; that by `tell`, and with
/// --json as it is.
int say_reply(const Cli& cli, const Result<Reply>& reply,
              const std::function<void(const json::object&)>& tell);
/// The same of a call of the admin socket; `what` only root can do: "set up".
int say_admin_reply(const Cli& cli, const Result<Reply>& reply, std::string_view what,
                    const std::function<void(const json::object&)>& tell);
/// Says that the command was not given as it should be: exit_usage.
int say_usage(const Cli& cli, std::string_view text);

}  // namespace cardgate::client
