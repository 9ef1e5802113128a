// SPDX-License-Identifier: Apache-2.0
// cardgate password, cardgate password reset
#include <fmt/format.h>

#include <memory>

#include "client/command/output.hpp"
#include "client/command/secrets.hpp"
#include "client/command/terminal.hpp"
#include "client/socket/service.hpp"
#include "proto/messages.hpp"

namespace cardgate::client {
namespace {

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
  const auto now = options.source.take("Present password: ", proto::max_password_bytes);
  if (!now) return say_secret_error(cli, now.error());
  const auto fresh =
      options.source.take_new("New password: ", "New password again: ", proto::max_password_bytes);
  if (!fresh) return say_secret_error(cli, fresh.error());
  const auto body =
      json_with_secrets({{"username", username}}, {{"password", &*now}, {"new_password", &*fresh}});
  auto reply = post(Http(cli.socket), "/v1/password", body.text());
  if (reply) reply->body = {{"username", username}, {"done", "password"}};
  return say_reply(cli, reply, [](const json::object&) {
    say("Your password is changed. Use the new one from now on. Sessions that were opened with the old one "
        "have ended.");
  });
}

struct ResetOptions {
  std::string person, reason, session;
};

int reset(const Cli& cli, const ResetOptions& options) {
  const auto body = json::serialize(json::object{{"person", options.person}, {"reason", options.reason}});
  const auto target = with_query("/v1/password/reset", {{"session", options.session}});
  return say_reply(cli, post(Http(cli.socket), target, body), [](const json::object& given) {
    say(fmt::format(
        "User name:          {}\nTemporary password: {}\nGive both to the person now: they are shown only "
        "once. Until {} the person can use it to choose a new password: cardgate password",
        text_of(given, "username"), text_of(given, "temporary_password"),
        local_time(text_of(given, "expires_at"))));
  });
}

}  // namespace

void add_password(CLI::App& app, Cli& cli) {
  auto* command = add_command(
      app, "password", "Choose a new password for Employee Self Service",
      "cardgate password --username ada\n  cardgate password reset --person 1000 --reason \"forgotten\"",
      usual_exit_codes);
  auto options = std::make_shared<ChangeOptions>();
  command->add_option("--username", options->username,
                      "Your user name; you are asked for it if you leave it out");
  add_secret_options(*command, options->source, "your present password, the new password");
  command->callback([&cli, command, options] {
    if (command->get_subcommands().empty()) cli.action = [&cli, options] { return change(cli, *options); };
  });
  auto* desk = add_command(*command, "reset", "At the help desk: give somebody a temporary password",
                           "cardgate password reset --person 1000 --reason \"forgotten, badge seen\"",
                           usual_exit_codes);
  auto wanted = std::make_shared<ResetOptions>();
  desk->add_option("--person", wanted->person, person_help)->required();
  desk->add_option("--reason", wanted->reason, "Why, and how you know who they are. It is recorded")
      ->required();
  desk->add_option("--session", wanted->session, session_help);
  desk->callback([&cli, wanted] { cli.action = [&cli, wanted] { return reset(cli, *wanted); }; });
}

}  // namespace cardgate::client
