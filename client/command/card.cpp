// SPDX-License-Identifier: Apache-2.0
// cardgate card status, change-passcode, unblock
#include <fmt/format.h>

#include <memory>

#include "client/command/card_finder.hpp"
#include "client/command/output.hpp"
#include "client/command/secrets.hpp"
#include "client/command/terminal.hpp"
#include "proto/messages.hpp"

namespace cardgate::client {
namespace {

struct CardOptions {
  std::string reader;
  SecretSource source;
  bool spend_last_try = false;
  bool by_code = false;  // of the help desk
};

/// A new passcode, asked for twice where a person types it. Errors: as SecretSource::take_new().
Result<Secret> take_new(const CardOptions& options) {
  return options.source.take_new(
      "New passcode (6 to 8 digits): ", "New passcode again: ", proto::max_passcode_bytes);
}

int send_new_passcode(const Cli& cli, const Http& http, const FoundCard& card, std::string_view what,
                      const Secret& body, std::string_view done) {
  auto reply = post(http, fmt::format("/v1/cards/{}/{}", percent_encode(card.card), what), body.text());
  if (reply) reply->body = {{"card", card.card}, {"reader", card.reader}, {"done", json::string(what)}};
  return say_reply(cli, reply, [done](const json::object&) { say(done); });
}

int change_passcode(const Cli& cli, const CardOptions& options) {
  const Http http(cli.socket);
  const auto card = find_card(http, options.reader, options.source.interactive(), CardFor::other);
  if (!card) return say_card_error(cli, card.error());
  if (card->refusal) return say_problem(cli, *card->refusal);
  if (const auto no =
          refuse_to_spend(*card, options.spend_last_try, "cardgate card change-passcode --spend-last-try"))
    return say_problem(cli, *no);
  forbid_dumps();
  if (options.source.interactive()) complain(describe_card(*card));
  const auto passcode = options.source.take("Present passcode: ", proto::max_passcode_bytes);
  if (!passcode) return say_card_error(cli, passcode.error());
  const auto fresh = take_new(options);
  if (!fresh) return say_card_error(cli, fresh.error());
  json::object members{{"reader", card->reader}, {"tries_left", tries_json(card->tries_left)}};
  if (options.spend_last_try) members["spend_last_try"] = true;
  const auto body = body_with_secrets(members, {{"passcode", &*passcode}, {"new_passcode", &*fresh}});
  if (!body) return say_card_error(cli, body.error());
  return send_new_passcode(cli, http, *card, "passcode", *body,
                           "Your passcode is changed. Use the new one from now on.");
}

/// A card of the pool: the service holds its unblocking key, and the code opens it once.
int unblock_by_code(const Cli& cli, const CardOptions& options) {
  const Http http(cli.socket);
  const auto card = find_card(http, options.reader, options.source.interactive(), CardFor::other);
  if (!card) return say_card_error(cli, card.error());
  if (card->refusal) return say_problem(cli, *card->refusal);
  forbid_dumps();
  if (options.source.interactive()) complain(describe_card(*card));
  const auto code = options.source.take("Code from the help desk: ", proto::max_code_bytes);
  if (!code) return say_secret_error(cli, code.error());
  const auto fresh = take_new(options);
  if (!fresh) return say_card_error(cli, fresh.error());
  const json::object members{{"reader", card->reader}};
  const auto body = json_with_secrets(members, {{"code", &*code}, {"new_passcode", &*fresh}});
  return send_new_passcode(cli, http, *card, "unblock", body, "The card works again, with the new passcode.");
}

int unblock(const Cli& cli, const CardOptions& options) {
  if (options.by_code) return unblock_by_code(cli, options);
  const Http http(cli.socket);
  const auto card = find_card(http, options.reader, options.source.interactive(), CardFor::other);
  if (!card) return say_card_error(cli, card.error());
  if (card->refusal) return say_problem(cli, *card->refusal);
  if (const auto no = refuse_to_spend_unblocking_key(*card, options.spend_last_try))
    return say_problem(cli, *no);
  forbid_dumps();
  if (options.source.interactive()) {
    complain(describe_card(*card));
    complain(
        card->unblocking_tries_left == proto::tries_not_told
            ? "The unblocking key (PUK) has only a few tries, and the card does not say how many are left. "
              "When "
              "none is left, the card can never be unblocked again."
            : fmt::format("The unblocking key (PUK): {}. When none is left, the card can never be unblocked "
                          "again.",
                          tries_text(card->unblocking_tries_left)));
  }
  const auto key = options.source.take("Unblocking key: ", proto::max_passcode_bytes);
  if (!key) return say_card_error(cli, key.error());
  const auto fresh = take_new(options);
  if (!fresh) return say_card_error(cli, fresh.error());
  json::object members{{"reader", card->reader}};
  if (options.spend_last_try) members["spend_last_try"] = true;
  const auto body = body_with_secrets(members, {{"unblocking_key", &*key}, {"new_passcode", &*fresh}});
  if (!body) return say_card_error(cli, body.error());
  return send_new_passcode(cli, http, *card, "unblock", *body,
                           "The card works again, with the new passcode.");
}

int status(const Cli& cli, const CardOptions& options) {
  const auto card = find_card(Http(cli.socket), options.reader, false, CardFor::other);
  if (!card) return say_card_error(cli, card.error());
  if (card->refusal) return say_problem(cli, *card->refusal);
  if (cli.json) {
    json::object out{
        {"reader", card->reader}, {"card", card->card}, {"tries_left", tries_json(card->tries_left)}};
    if (card->unblocking_tries_left != proto::tries_not_told)
      out["unblocking_tries_left"] = card->unblocking_tries_left;
    if (!card->warning.empty()) out["warning"] = card->warning;
    if (card->must_change_passcode) out["must_change_passcode"] = true;
    print_json(out);
  } else {
    say(describe_card(*card));
    if (card->must_change_passcode)
      say("It was lent to you. Choose a new passcode before you sign in: cardgate card change-passcode");
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
                      "The reader, or part of its name; needed only when there are several cards");
  if (run != status)
    add_secret_options(*command, options->source, "the passcode or unblocking key, the new passcode");
  if (run == change_passcode) {
    command->add_flag("--spend-last-try", options->spend_last_try,
                      "Use the last try. If the passcode is wrong, the card is blocked");
  }
  if (run == unblock) {
    command->add_flag(
        "--code", options->by_code,
        "By a code from the help desk, for a card that the desk lent you: it is asked for in the "
        "place of the key");
    command->add_flag("--spend-last-try", options->spend_last_try,
                      "Use the last try. If the key is wrong, the card can never be unblocked again");
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
  add(*card, cli, "status", "Show the card and how many tries are left", "cardgate card status", status);
  add(*card, cli, "change-passcode", "Choose a new passcode", "cardgate card change-passcode",
      change_passcode);
  add(*card, cli, "unblock",
      "Set a new passcode with the unblocking key (PUK), or with a code from the help desk",
      "cardgate card unblock\n  cardgate card unblock --code", unblock);
}

}  // namespace cardgate::client
