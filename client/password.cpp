// SPDX-License-Identifier: Apache-2.0
// cardgate login --username, cardgate password, cardgate password reset
#include "client/password.hpp"

#include <fmt/format.h>

#include <memory>

#include "client/output.hpp"
#include "client/service.hpp"
#include "client/terminal.hpp"
#include "proto/messages.hpp"

namespace cardgate::client {
namespace {

Result<Reply> post(const Http& http, const std::string& target, std::string_view body) {
  return call(http, {.method = "POST", .target = target, .body = body, .content_type = "application/json"},
              seconds(60));
}

/// A locked session of this very person is unlocked rather than replaced.
Result<std::string> sign_in_target(const Http& http, const std::string& username) {
  const auto reply = TRY(call(http, {.target = "/v1/sessions"}));
  if (const auto* sessions = find_array(reply.body, "sessions")) {
    for (const auto& item : *sessions) {
      const auto* session = item.if_object();
      if (session == nullptr || text_of(*session, "state") == "active") continue;
      if (text_of(*session, "username") == username)
        return fmt::format("/v1/sessions/{}/resume", percent_encode(text_of(*session, "id")));
    }
  }
  return std::string("/v1/sessions");
}

struct ChangeOptions {
  std::string username;
  SecretSource source;
};

int change(const Cli& cli, const ChangeOptions& options) {
  std::string username = options.username;
  if (username.empty() && options.source.interactive()) {
    auto typed = ask("User name: ", proto::max_name_bytes);
    if (!typed) return say_secret_error(cli, typed.error());
    username = *std::move(typed);
  }
  if (username.empty()) return say_usage(cli, "give --username");
  forbid_dumps();
  const auto now = options.source.take("Password now: ", proto::max_password_bytes);
  if (!now) return say_secret_error(cli, now.error());
  const auto fresh =
      options.source.take_new("New password: ", "New password again: ", proto::max_password_bytes);
  if (!fresh) return say_secret_error(cli, fresh.error());
  const auto body =
      json_with_secrets({{"username", username}}, {{"password", &*now}, {"new_password", &*fresh}});
  const auto reply = post(Http(cli.socket), "/v1/password", body.text());
  if (!reply) return say_error(cli, reply.error());
  if (reply->refusal) return say_problem(cli, *reply->refusal);
  if (cli.json) {
    print_json({{"username", username}, {"done", "password"}});
  } else {
    say("The password is changed. Use the new one from now on.");
  }
  return exit_ok;
}

struct ResetOptions {
  std::string person, reason;
};

int reset(const Cli& cli, const ResetOptions& options) {
  const auto body = json::serialize(json::object{{"person", options.person}, {"reason", options.reason}});
  const auto reply = post(Http(cli.socket), "/v1/password/reset", body);
  if (!reply) return say_error(cli, reply.error());
  if (reply->refusal) return say_problem(cli, *reply->refusal);
  if (cli.json) {
    print_json(reply->body);
    return exit_ok;
  }
  say(
      fmt::format("User name:          {}\nTemporary password: {}\nIt is shown this once, and only good "
                  "until {} for choosing "
                  "another: cardgate password",
                  text_of(reply->body, "username"), text_of(reply->body, "temporary_password"),
                  local_time(text_of(reply->body, "expires"))));
  return exit_ok;
}

}  // namespace

Result<PasswordLogin> login_by_password(const Cli& cli, const std::string& username,
                                        const SecretSource& source) {
  const Http http(cli.socket);
  PasswordLogin out;
  const auto target = TRY(sign_in_target(http, username));
  out.resumed = target.ends_with("/resume");
  forbid_dumps();
  const auto password = TRY(source.take("Password: ", proto::max_password_bytes));
  const auto body = json_with_secrets({{"username", username}}, {{"password", &password}});
  out.reply = TRY(post(http, target, body.text()));
  return out;
}

void add_password(CLI::App& app, Cli& cli) {
  auto* command = add_command(
      app, "password", "Choose a new password for Employee Self Service",
      "cardgate password --username ada\n  cardgate password reset --person 1000 --reason \"forgotten\"",
      usual_exit_codes);
  auto options = std::make_shared<ChangeOptions>();
  command->add_option("--username", options->username, "Your user name; asked for when left out");
  add_secret_options(*command, options->source, "the password now, the new one");
  command->callback([&cli, command, options] {
    if (command->get_subcommands().empty()) cli.action = [&cli, options] { return change(cli, *options); };
  });
  auto* desk = add_command(*command, "reset", "At the help desk: give somebody a temporary password",
                           "cardgate password reset --person 1000 --reason \"forgotten, badge seen\"",
                           usual_exit_codes);
  auto wanted = std::make_shared<ResetOptions>();
  desk->add_option("--person", wanted->person, "The person's number in the register")->required();
  desk->add_option("--reason", wanted->reason, "Why, and how you know who they are; it is recorded")
      ->required();
  desk->callback([&cli, wanted] { cli.action = [&cli, wanted] { return reset(cli, *wanted); }; });
}

}  // namespace cardgate::client
