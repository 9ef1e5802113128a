// SPDX-License-Identifier: Apache-2.0
// cardgate enrol, enrol code, enrol activate
#include <fmt/format.h>

#include <memory>

#include "client/command/output.hpp"
#include "client/command/secrets.hpp"
#include "client/command/terminal.hpp"
#include "client/socket/service.hpp"
#include "proto/messages.hpp"

namespace cardgate::client {
namespace {

struct EnrolOptions {
  std::string name, date_of_birth;
  SecretSource source;
};

/// What was not given as an option. Errors: as ask(); invalid_argument (nobody to ask).
Result<std::string> given_or_asked(const std::string& given, const SecretSource& source,
                                   std::string_view prompt, std::string_view option) {
  if (!given.empty()) return given;
  if (!source.interactive()) return Error{Errc::invalid_argument, fmt::format("give {}", option)};
  return ask(prompt, proto::max_name_bytes);
}

int enrol(const Cli& cli, const EnrolOptions& options) {
  const auto name = given_or_asked(options.name, options.source, "Your full name: ", "--name");
  if (!name) return say_secret_error(cli, name.error());
  const auto born = given_or_asked(options.date_of_birth, options.source,
                                   "Your date of birth, as in 1990-01-31: ", "--date-of-birth");
  if (!born) return say_secret_error(cli, born.error());
  forbid_dumps();
  const auto start = options.source.take("The first four characters of your National Insurance number: ",
                                         proto::max_ni_bytes);
  if (!start) return say_secret_error(cli, start.error());
  const auto body =
      json_with_secrets({{"name", *name}, {"date_of_birth", *born}}, {{"national_insurance", &*start}});
  return say_reply(cli, post(Http(cli.socket), "/v1/enrolment", body.text()),
                   [](const json::object& answer) { say(text_of(answer, "message")); });
}

struct CodeOptions {
  std::string person, session;
};

int give_code(const Cli& cli, const CodeOptions& options) {
  const auto body = json::serialize(json::object{{"person", options.person}});
  const auto target = with_query("/v1/enrolment/codes", {{"session", options.session}});
  return say_reply(cli, post(Http(cli.socket), target, body), [](const json::object& given) {
    say(
        fmt::format("User name: {}\nCode:      {}\nWrite both down for the person now: they are shown only "
                    "once. The code works once, until {}. Next, the person sets a password with: cardgate "
                    "enrol activate --username {}",
                    text_of(given, "username"), text_of(given, "code"),
                    local_time(text_of(given, "expires_at")), text_of(given, "username")));
  });
}

struct ActivateOptions {
  std::string username;
  SecretSource source;
};

int activate(const Cli& cli, const ActivateOptions& options) {
  forbid_dumps();
  const auto code = options.source.take("Code from the help desk: ", proto::max_code_bytes);
  if (!code) return say_secret_error(cli, code.error());
  const auto fresh =
      options.source.take_new("New password: ", "New password again: ", proto::max_password_bytes);
  if (!fresh) return say_secret_error(cli, fresh.error());
  const auto body =
      json_with_secrets({{"username", options.username}}, {{"code", &*code}, {"new_password", &*fresh}});
  return say_reply(
      cli, post(Http(cli.socket), "/v1/enrolment/activate", body.text()), [](const json::object& done) {
        const std::string username = text_of(done, "username");
        say(fmt::format("Your password is set. You can sign in now: cardgate login --username {}", username));
      });
}

}  // namespace

void add_enrol(CLI::App& app, Cli& cli) {
  auto* command =
      add_command(app, "enrol", "Ask for a password account for Employee Self Service",
                  "cardgate enrol\n  cardgate enrol code --person 1000\n  cardgate enrol activate "
                  "--username ada",
                  usual_exit_codes);
  auto options = std::make_shared<EnrolOptions>();
  command->add_option("--name", options->name, "Your full name, as Human Resources know it");
  command->add_option("--date-of-birth", options->date_of_birth, "As in 1990-01-31");
  add_secret_options(*command, options->source,
                     "the first four characters of your National Insurance number");
  command->callback([&cli, command, options] {
    if (command->get_subcommands().empty()) cli.action = [&cli, options] { return enrol(cli, *options); };
  });

  auto* code = add_command(
      *command, "code", "At the help desk: give an activation code to somebody who has asked for an account",
      "cardgate enrol code --person 1000", usual_exit_codes);
  auto whom = std::make_shared<CodeOptions>();
  code->add_option("--person", whom->person, person_help)->required();
  code->add_option("--session", whom->session, session_help);
  code->callback([&cli, whom] { cli.action = [&cli, whom] { return give_code(cli, *whom); }; });

  auto* use = add_command(*command, "activate", "Set your password with the code from the help desk",
                          "cardgate enrol activate --username ada", usual_exit_codes);
  auto wanted = std::make_shared<ActivateOptions>();
  use->add_option("--username", wanted->username, "Your user name, which the help desk gave you")->required();
  add_secret_options(*use, wanted->source, "the code, the new password");
  use->callback([&cli, wanted] { cli.action = [&cli, wanted] { return activate(cli, *wanted); }; });
}

}  // namespace cardgate::client
