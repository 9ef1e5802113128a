// SPDX-License-Identifier: Apache-2.0
// cardgate login: find the card, show it and its tries left, take the passcode, sign in (or unlock what is
// locked). With a user name: the same by password.
#include <fmt/format.h>
#include <pwd.h>

#include <algorithm>
#include <memory>

#include "base/number.hpp"
#include "client/command/card_finder.hpp"
#include "client/command/output.hpp"
#include "client/command/secrets.hpp"
#include "client/command/terminal.hpp"
#include "client/socket/service.hpp"
#include "proto/card_words.hpp"
#include "proto/messages.hpp"

namespace cardgate::client {
namespace {

struct LoginOptions {
  std::string reader;
  std::string for_user;
  std::string username;
  SecretSource source;
  bool spend_last_try = false;
  bool again = false;  // for the open session, instead of a new one
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

/// A locked session of this very card or user name is unlocked rather than replaced; an open one is proved `again` when that is
/// wanted.
Result<std::string> sign_in_target(const Http& http, std::string_view member, std::string_view value,
                                   bool again) {
  const auto reply = TRY(call(http, {.target = "/v1/sessions"}));
  if (const auto* sessions = find_array(reply.body, "sessions")) {
    for (const auto& item : *sessions) {
      const auto* session = item.if_object();
      if (session == nullptr || (!again && text_of(*session, "state") == "active")) continue;
      if (text_of(*session, member) == value) {
        return fmt::format("/v1/sessions/{}/resume", percent_encode(text_of(*session, "id")));
      }
    }
  }
  return std::string("/v1/sessions");
}

void greet(const json::object& session, std::string_view done) {
  const bool by_card = text_of(session, "acr") != "password";
  say(fmt::format(
      "{} {}, until {}. {}", done, who_of(session, "person"), local_time(text_of(session, "expires_at")),
      by_card ? "Take your card with you when you leave." : "Sign out when you leave: cardgate logout"));
  if (const auto* warnings = find_array(session, "warnings")) {
    for (const auto& warning : *warnings) {
      if (warning.is_string()) say(fmt::format("  ! {}", std::string_view(warning.get_string())));
    }
  }
}

/// What happened while the person was away. That they cannot be shown is no reason to say that the sign-in failed.
void say_notices(const Http& http, const std::string& session) {
  const auto reply = call(http, {.target = with_query("/v1/notices", {{"session", session}})});
  const auto* notices = reply ? find_array(reply->body, "notices") : nullptr;
  if (notices == nullptr) return;
  for (const auto& item : *notices) {
    if (const auto* notice = item.if_object()) {
      say(fmt::format("  * {} ({})", text_of(*notice, "text"), local_time(text_of(*notice, "told_at"))));
    }
  }
  if (!notices->empty())
    say("  To dismiss a notice: cardgate notice drop NUMBER. To see their numbers: cardgate notice list");
}

int send(const Cli& cli, const Http& http, const std::string& target, const Secret& body, bool again) {
  return say_reply(cli, post(http, target, body.text()), [&](const json::object& session) {
    const bool resumed = target.ends_with("/resume");
    greet(session, !resumed ? "Signed in:" : again ? "Thank you:" : "Unlocked:");
    say_notices(http, text_of(session, "id"));
  });
}

int login_with_password(const Cli& cli, const LoginOptions& options) {
  const Http http(cli.socket);
  const auto target = sign_in_target(http, "username", options.username, options.again);
  if (!target) return say_error(cli, target.error());
  forbid_dumps();
  const auto password = options.source.take("Password: ", proto::max_password_bytes);
  if (!password) return say_secret_error(cli, password.error());
  return send(cli, http, *target,
              json_with_secrets({{"username", options.username}}, {{"password", &*password}}), options.again);
}

int login(const Cli& cli, const LoginOptions& options) {
  if (!options.username.empty()) return login_with_password(cli, options);
  const Http http(cli.socket);
  const auto found = find_card(http, options.reader, options.source.interactive(), CardFor::sign_in);
  if (!found) return say_card_error(cli, found.error());
  if (found->refusal) return say_problem(cli, *found->refusal);
  // Nothing is asked of the person that cannot help.
  if (const auto no = refuse_to_spend(*found, options.spend_last_try, "cardgate login --spend-last-try"))
    return say_problem(cli, *no);
  if (found->must_change_passcode) {
    return say_problem(cli, {403,
                             "passcode_change_required",
                             "Choose a new passcode first",
                             std::string(proto::new_passcode_first),
                             {}});
  }
  const auto target = options.for_user.empty() ? sign_in_target(http, "card", found->card, options.again)
                                               : Result<std::string>("/v1/sessions");
  if (!target) return say_error(cli, target.error());

  forbid_dumps();
  if (options.source.interactive()) complain(describe_card(*found));
  const auto passcode = options.source.take("Passcode: ", proto::max_passcode_bytes);
  if (!passcode) return say_card_error(cli, passcode.error());
  const auto body = sign_in_body(*found, *passcode, options);
  if (!body) return say_card_error(cli, body.error());
  return send(cli, http, *target, *body, options.again);
}

}  // namespace

void add_sign_in(CLI::App& app, Cli& cli) {
  auto* command = add_command(app, "login", "Sign in with your card and passcode, or with a password",
                              "cardgate login\n  cardgate login --again\n  cardgate login --username ada\n  "
                              "cardgate login --reader \"Ward 4\" "
                              "--passcode-fd 3 3<passcode-file",
                              usual_exit_codes);
  auto options = std::make_shared<LoginOptions>();
  auto* reader =
      command->add_option("--reader", options->reader,
                          "The reader, or part of its name; needed only when there are several cards");
  auto* username =
      command
          ->add_option("--username", options->username,
                       "With this user name and a password instead of a card, for Employee Self Service only")
          ->excludes(reader);
  add_secret_options(*command, options->source, "the passcode or password");
  command
      ->add_flag("--spend-last-try", options->spend_last_try,
                 "Use the last try. If the passcode is wrong, the card is blocked")
      ->excludes(username);
  command->add_flag(
      "--again", options->again,
      "Give card and passcode again for your open session, and keep it. Some work asks for that");
  command
      ->add_option("--for-user", options->for_user,
                   "For another user of the machine, by name or number (root only)")
      ->excludes(username);
  command->callback([&cli, options] { cli.action = [&cli, options] { return login(cli, *options); }; });
}

}  // namespace cardgate::client
