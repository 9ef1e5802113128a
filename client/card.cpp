// SPDX-License-Identifier: Apache-2.0
// cardgate card status, change-passcode, unblock
#include <fmt/format.h>

#include <memory>

#include "client/card_finder.hpp"
#include "client/output.hpp"
#include "client/terminal.hpp"
#include "proto/messages.hpp"

namespace cardgate::client {
namespace {

struct CardOptions {
  std::string reader;
  int passcode_fd = -1;
  bool passcode_stdin = false;
  bool spend_last_try = false;

  bool interactive() const { return !passcode_stdin && passcode_fd < 0; }
};

int fail(const Cli& cli, const Error& error) {
  if (error.code == Errc::invalid_argument) return say_usage(cli, error.context);
  if (error.code == Errc::too_large || error.code == Errc::pin_format) {
    return say_problem(
        cli,
        {400, "passcode_format", "Not a passcode", "A passcode has 6 to 8 digits. No try was spent.", {}});
  }
  return say_error(cli, error);
}

/// One line of the terminal, or of what was named instead. Errors: as ask_secret() and read_secret_line().
Result<Secret> take(const CardOptions& options, std::string_view prompt) {
  if (options.passcode_stdin) return read_secret_line(0, proto::max_passcode_bytes);
  if (options.passcode_fd >= 0) return read_secret_line(options.passcode_fd, proto::max_passcode_bytes);
  auto secret = ask_secret(prompt, proto::max_passcode_bytes);
  if (!secret && secret.error().code == Errc::not_found) {
    return Error{Errc::invalid_argument,
                 "there is no terminal to ask at: give --passcode-stdin or --passcode-fd"};
  }
  return secret;
}

/// A new passcode, asked for twice where a person types it. Errors: as take(); invalid_argument (not the same
/// twice).
Result<Secret> take_new(const CardOptions& options) {
  auto fresh = TRY(take(options, "New passcode (6 to 8 digits): "));
  if (!options.interactive()) return fresh;
  const auto again = TRY(take(options, "New passcode again: "));
  if (again.text() != fresh.text())
    return Error{Errc::invalid_argument, "the two new passcodes differ; nothing was changed"};
  return fresh;
}

int send(const Cli& cli, const Http& http, const FoundCard& card, std::string_view what, const Secret& body,
         std::string_view done) {
  const auto reply = call(http,
                          {.method = "POST",
                           .target = fmt::format("/v1/cards/{}/{}", percent_encode(card.card), what),
                           .body = body.text(),
                           .content_type = "application/json"},
                          seconds(60));
  if (!reply) return say_error(cli, reply.error());
  if (reply->refusal) return say_problem(cli, *reply->refusal);
  if (cli.json) {
    print_json({{"card", card.card}, {"reader", card.reader}, {"done", json::string(what)}});
  } else {
    say(std::string(done));
  }
  return exit_ok;
}

int change_passcode(const Cli& cli, const CardOptions& options) {
  const Http http(cli.socket);
  const auto card = find_card(http, options.reader, options.interactive());
  if (!card) return fail(cli, card.error());
  if (card->refusal) return say_problem(cli, *card->refusal);
  if (const auto no =
          refuse_to_spend(*card, options.spend_last_try, "cardgate card change-passcode --spend-last-try"))
    return say_problem(cli, *no);
  forbid_dumps();
  if (options.interactive()) complain(describe_card(*card));
  const auto passcode = take(options, "Passcode now: ");
  if (!passcode) return fail(cli, passcode.error());
  const auto fresh = take_new(options);
  if (!fresh) return fail(cli, fresh.error());
  json::object members{{"reader", card->reader}, {"tries_left", tries_json(card->tries_left)}};
  if (options.spend_last_try) members["spend_last_try"] = true;
  const auto body = body_with_secrets(members, {{"passcode", &*passcode}, {"new_passcode", &*fresh}});
  if (!body) return fail(cli, body.error());
  return send(cli, http, *card, "passcode", *body, "The passcode is changed. Use the new one from now on.");
}

int unblock(const Cli& cli, const CardOptions& options) {
  const Http http(cli.socket);
  const auto card = find_card(http, options.reader, options.interactive());
  if (!card) return fail(cli, card.error());
  if (card->refusal) return say_problem(cli, *card->refusal);
  forbid_dumps();
  if (options.interactive()) {
    complain(describe_card(*card));
    complain("The unblocking key (PUK) has few tries, too; when they are spent the card must be replaced.");
  }
  const auto key = take(options, "Unblocking key: ");
  if (!key) return fail(cli, key.error());
  const auto fresh = take_new(options);
  if (!fresh) return fail(cli, fresh.error());
  const auto body =
      body_with_secrets({{"reader", card->reader}}, {{"unblocking_key", &*key}, {"new_passcode", &*fresh}});
  if (!body) return fail(cli, body.error());
  return send(cli, http, *card, "unblock", *body, "The card is unblocked and has the new passcode.");
}

int status(const Cli& cli, const CardOptions& options) {
  const auto card = find_card(Http(cli.socket), options.reader, false);
  if (!card) return fail(cli, card.error());
  if (card->refusal) return say_problem(cli, *card->refusal);
  if (cli.json) {
    json::object out{
        {"reader", card->reader}, {"card", card->card}, {"tries_left", tries_json(card->tries_left)}};
    if (!card->warning.empty()) out["warning"] = card->warning;
    print_json(out);
  } else {
    say(describe_card(*card));
  }
  // Blocked: the command's answer is that this card cannot be used.
  const auto blocked = refuse_to_spend(*card, true, {});
  return blocked ? say_problem(cli, *blocked) : exit_ok;
}

CLI::App* add(CLI::App& parent, Cli& cli, const char* name, const char* what, const char* example,
              int (*run)(const Cli&, const CardOptions&)) {
  auto* command = add_command(parent, name, what, example, usual_exit_codes);
  auto options = std::make_shared<CardOptions>();
  command->add_option("--reader", options->reader,
                      "The reader, or a part of its name; needed only when several hold a card");
  if (run != status) {
    auto* fd =
        command
            ->add_option(
                "--passcode-fd", options->passcode_fd,
                "Read from this descriptor, a line each: the passcode or unblocking key, the new passcode")
            ->check(CLI::NonNegativeNumber);
    command->add_flag("--passcode-stdin", options->passcode_stdin, "Read the same from standard input")
        ->excludes(fd);
  }
  if (run == change_passcode) {
    command->add_flag("--spend-last-try", options->spend_last_try,
                      "Even if the card is blocked when the passcode is wrong");
  }
  command->callback(
      [&cli, options, run] { cli.action = [&cli, options, run] { return run(cli, *options); }; });
  return command;
}

}  // namespace

void add_card(CLI::App& app, Cli& cli) {
  auto* card =
      add_command(app, "card", "The card in the reader and its passcode", "cardgate card status", "");
  card->require_subcommand(1);
  add(*card, cli, "status", "The card, its tries left and when its certificate ends", "cardgate card status",
      status);
  add(*card, cli, "change-passcode", "Choose a new passcode", "cardgate card change-passcode",
      change_passcode);
  add(*card, cli, "unblock", "Set a new passcode by the unblocking key (PUK), at the help desk",
      "cardgate card unblock", unblock);
}

}  // namespace cardgate::client
