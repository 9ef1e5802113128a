// SPDX-License-Identifier: Apache-2.0
// How answers read: text for people on stdout, what goes wrong on stderr; with --json one JSON value on
// stdout, always.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "base/json.hpp"
#include "base/result.hpp"
#include "client/command/cli.hpp"
#include "client/socket/service.hpp"
#include "proto/problem.hpp"

namespace cardgate::client {

/// A line on stdout or stderr, cut to fit where that is a terminal. Control characters of the text (but tab and line end) are
/// shown as '?'.
void say(std::string_view text);
void complain(std::string_view text);
/// The same, never cut: what programs read even on a terminal.
void say_whole(std::string_view text);
/// One line of JSON on stdout.
void print_json(const json::value& value);

/// "Sun 22 Nov 2026, 18:30 GMT", in the machine's time zone; the text itself when it is not RFC 3339. `format` as strftime() has it.
std::string local_time(std::string_view rfc3339, const char* format = "%a %-d %b %Y, %H:%M %Z");
/// A member that is a day, as people read it: "31 March 2028". Empty when there is none.
std::string day_of(const json::object& object, std::string_view member);
/// "1 try", "3 tries".
std::string counted(std::int64_t count, std::string_view one, std::string_view many);

/// `tries_left`; -1 when the card does not tell (null).
std::int64_t tries_of(const json::object& card);
json::value tries_json(std::int64_t tries);
/// "1 try left".
std::string tries_text(std::int64_t tries);

/// The member's text, or nothing.
std::string text_of(const json::object& object, std::string_view member);
/// "Anna Bell (10017)".
std::string person_text(const json::object& person);
/// A member that is a person: the id, the name, or both. Empty when it is nobody.
std::string id_of(const json::object& object, std::string_view member);
std::string name_of(const json::object& object, std::string_view member);
std::string who_of(const json::object& object, std::string_view member);
std::int64_t number_of(const json::object& object, std::string_view member);
bool is_true(const json::object& object, std::string_view member);

/// What is missing, who can put it right, what to do next: an item each.
std::string unmet_text(const json::array& unmet);

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
