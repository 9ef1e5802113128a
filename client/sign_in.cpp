// SPDX-License-Identifier: Apache-2.0
// cardgate login: find the card, show it and its tries left, take the passcode, sign in (or unlock what is
// locked). With a user name: the same by password.
#include <fmt/format.h>
#include <pwd.h>

#include <algorithm>
#include <memory>

#include "base/number.hpp"
#include "client/card_finder.hpp"
#include "client/output.hpp"
#include "client/password.hpp"
#include "client/service.hpp"
#include "client/terminal.hpp"
#include "proto/messages.hpp"

namespace cardgate::client {
namespace {

struct LoginOptions {
  std::string reader;
  std::string for_user;
  std::string username;
  int passcode_fd = -1;
  bool passcode_stdin = false;
  bool spend_last_try = false;
};

Result<uid_t> uid_of(const std::string& user) {
  if (const auto uid = whole_number<uid_t>(user)) return *uid;
  const passwd* entry = getpwnam(user.c_str());
  if (entry == nullptr)
    return Error{Errc::invalid_argument, fmt::format("--for-user: there is no user \"{}\"", user)};
  return entry->pw_uid;
}

Result<Secret> sign_in_body(const FoundCard& found, const Secret& passcode, const LoginOptions& options) {
  json::object members{
      {"reader", found.reader}, {"card", found.card}, {"tries_left", tries_json(found.tries_left)}};
  if (options.spend_last_try) members["spend_last_try"] = true;
  if (!options.for_user.empty()) members["for_uid"] = TRY(uid_of(options.for_user));
  return body_with_secrets(members, {{"passcode", &passcode}});
}

/// A locked session of this very card is unlocked rather than replaced.
Result<std::string> sign_in_target(const Http& http, const FoundCard& found, const LoginOptions& options) {
  if (!options.for_user.empty()) return std::string("/v1/sessions");
  const auto reply = TRY(call(http, {.target = "/v1/sessions"}));
  if (const auto* sessions = find_array(reply.body, "sessions")) {
    for (const auto& item : *sessions) {
      const auto* session = item.if_object();
      if (session == nullptr || text_of(*session, "state") == "active") continue;
      if (text_of(*session, "card") == found.card) {
        return fmt::format("/v1/sessions/{}/resume", percent_encode(text_of(*session, "id")));
      }
    }
  }
  return std::string("/v1/sessions");
}

Result<Secret> take_passcode(const FoundCard& found, const LoginOptions& options) {
  if (options.passcode_stdin) return read_secret_line(0, proto::max_passcode_bytes);
  if (options.passcode_fd >= 0) return read_secret_line(options.passcode_fd, proto::max_passcode_bytes);
  complain(describe_card(found));
  auto passcode = ask_secret("Passcode: ", proto::max_passcode_bytes);
  if (!passcode && passcode.error().code == Errc::not_found) {
    return Error{Errc::invalid_argument,
                 "there is no terminal to ask for the passcode at: give --passcode-stdin or --passcode-fd"};
  }
  return passcode;
}

void greet(const json::object& session, bool resumed) {
  const auto* person = find_object(session, "person");
  const bool by_card = text_of(session, "acr") != "password";
  say(fmt::format(
      "{} {} ({}), until {}. {}",
      resumed ? "Unlocked:" : "Signed in:", person ? text_of(*person, "name") : "?",
      person ? text_of(*person, "id") : "?", local_time(text_of(session, "expires")),
      by_card ? "Take your card with you when you leave." : "Sign out when you leave: cardgate logout"));
  if (const auto* warnings = find_array(session, "warnings")) {
    for (const auto& warning : *warnings) {
      if (warning.is_string()) say(fmt::format("  ! {}", std::string_view(warning.get_string())));
    }
  }
}

/// What happened while the person was away. That they cannot be shown is no reason to say that the sign-in failed.
void say_notices(const Http& http, const std::string& session) {
  const auto reply = call(http, {.target = "/v1/notices?session=" + percent_encode(session)});
  const auto* notices = reply ? find_array(reply->body, "notices") : nullptr;
  if (notices == nullptr) return;
  for (const auto& item : *notices) {
    if (const auto* notice = item.if_object()) {
      say(fmt::format("  * {} ({})", text_of(*notice, "text"), local_time(text_of(*notice, "at"))));
    }
  }
  if (!notices->empty()) say("  To be told no more: cardgate notice drop NUMBER; cardgate notice list");
}

int fail(const Cli& cli, const Error& error) {
  if (error.code == Errc::invalid_argument) return say_usage(cli, error.context);
  if (error.code == Errc::too_large || error.code == Errc::pin_format) {
    return say_problem(
        cli,
        {400, "passcode_format", "Not a passcode", "A passcode has 6 to 8 digits. No try was spent.", {}});
  }
  return say_error(cli, error);
}

int login_with_password(const Cli& cli, const LoginOptions& options) {
  const auto done = login_by_password(cli, options.username, {options.passcode_fd, options.passcode_stdin});
  if (!done) return say_secret_error(cli, done.error());
  if (done->reply.refusal) return say_problem(cli, *done->reply.refusal);
  if (cli.json) {
    print_json(done->reply.body);
  } else {
    greet(done->reply.body, done->resumed);
  }
  return exit_ok;
}

int login(const Cli& cli, const LoginOptions& options) {
  if (!options.username.empty()) return login_with_password(cli, options);
  const Http http(cli.socket);
  const bool interactive = !options.passcode_stdin && options.passcode_fd < 0;
  const auto found = find_card(http, options.reader, interactive);
  if (!found) return fail(cli, found.error());
  if (found->refusal) return say_problem(cli, *found->refusal);
  // Nothing is asked of the person that cannot help.
  if (const auto no = refuse_to_spend(*found, options.spend_last_try, "cardgate login --spend-last-try"))
    return say_problem(cli, *no);
  const auto target = sign_in_target(http, *found, options);
  if (!target) return say_error(cli, target.error());

  forbid_dumps();
  const auto passcode = take_passcode(*found, options);
  if (!passcode) return fail(cli, passcode.error());
  const auto body = sign_in_body(*found, *passcode, options);
  if (!body) return fail(cli, body.error());
  const auto reply = call(
      http, {.method = "POST", .target = *target, .body = body->text(), .content_type = "application/json"},
      seconds(60));
  if (!reply) return say_error(cli, reply.error());
  if (reply->refusal) return say_problem(cli, *reply->refusal);
  if (cli.json) {
    print_json(reply->body);
  } else {
    greet(reply->body, target->ends_with("/resume"));
    say_notices(http, text_of(reply->body, "id"));
  }
  return exit_ok;
}

}  // namespace

void add_sign_in(CLI::App& app, Cli& cli) {
  auto* command =
      add_command(app, "login", "Sign in with the card in the reader and its passcode, or by password",
                  "cardgate login\n  cardgate login --username ada\n  cardgate login --reader \"Ward 4\" "
                  "--passcode-fd 3 3<passcode-file",
                  usual_exit_codes);
  auto options = std::make_shared<LoginOptions>();
  auto* reader = command->add_option(
      "--reader", options->reader, "The reader, or a part of its name; needed only when several hold a card");
  auto* username = command
                       ->add_option("--username", options->username,
                                    "By this user name and its password, for Employee Self Service alone")
                       ->excludes(reader);
  auto* fd = command
                 ->add_option("--passcode-fd", options->passcode_fd,
                              "Read the passcode or password from this descriptor")
                 ->check(CLI::NonNegativeNumber);
  command->add_flag("--passcode-stdin", options->passcode_stdin, "Read it from standard input")->excludes(fd);
  command
      ->add_flag("--spend-last-try", options->spend_last_try,
                 "Even if the card is blocked when the passcode is wrong")
      ->excludes(username);
  command
      ->add_option("--for-user", options->for_user,
                   "For another user of the machine, by name or number (root only)")
      ->excludes(username);
  command->callback([&cli, options] { cli.action = [&cli, options] { return login(cli, *options); }; });
}

}  // namespace cardgate::client
