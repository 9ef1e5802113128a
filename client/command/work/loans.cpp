// SPDX-License-Identifier: Apache-2.0
// cardgate staff lend-card, return-card, pool-card: a card for a day, from the desk's pool.
#include <fmt/format.h>

#include <memory>

#include "client/command/card_finder.hpp"
#include "client/command/output.hpp"
#include "client/command/secrets.hpp"
#include "client/command/terminal.hpp"
#include "client/command/work/act.hpp"
#include "client/command/work/loan_end.hpp"
#include "client/socket/service.hpp"

namespace cardgate::client {
namespace {

struct LoanOptions {
  std::string person, until = "tonight", card, reader, reason, session;
  bool list = false, lost = false;
};

/// Not in the drawer, as far as the desk knows.
bool is_out(const json::object& row) {
  const auto status = text_of(row, "status");
  return status == "active" || status == "waiting" || status == "ended";
}

/// "Card 8b1f...: Pool card 1, lent to Anna Bell (10017) until Mon 1 Jun 2026, 23:59 BST".
std::string pool_line(const json::object& row) {
  const auto status = text_of(row, "status");
  std::string text = fmt::format("Card {} ({}): ", text_of(row, "uuid"), text_of(row, "certificate_name"));
  if (status == "free") return text + "free";
  if (status == "ended") {
    const auto last = who_of(row, "lent_to");
    return text +
           fmt::format("loan ended {}, not back; lent to {}. When it is back: cardgate staff return-card {}",
                       local_time(text_of(row, "loan_ends_at")),
                       last.empty() ? "somebody you may not see" : last, text_of(row, "uuid"));
  }
  const bool lent = status == "active" || status == "waiting";
  const auto who = who_of(row, "lent_to");
  text += fmt::format("{} {}", lent ? "lent to" : status + ", last lent to",
                      who.empty() ? "somebody you may not see" : who);
  if (lent) text += " until " + local_time(text_of(row, "loan_ends_at"));
  if (const auto by = who_of(row, "lent_by"); !by.empty()) text += ", by " + by;
  if (is_true(row, "must_change_passcode")) text += ", no new passcode yet";
  if (status == "waiting") text += ". A second member of the team must do the same: cardgate staff lend-card";
  return text;
}

bool is_lent(const json::object& row) {
  const auto status = text_of(row, "status");
  return status == "active" || status == "waiting";
}

std::string with_session(std::string target, const std::string& session) {
  add_to_query(target, "session", session);
  return target;
}

int list_loans(const Cli& cli, const LoanOptions& options) {
  const Http http(cli.socket);
  auto reply = call(http, {.target = with_session("/v1/pool-cards", options.session)});
  if (reply && !reply->refusal) {
    json::array lent;
    if (const auto* all = find_array(reply->body, "cards")) {
      for (const auto& item : *all) {
        if (const auto* row = item.if_object(); row != nullptr && is_out(*row)) lent.push_back(*row);
      }
    }
    reply->body["cards"] = std::move(lent);
  }
  return say_reply(cli, reply, [](const json::object& body) {
    say_list(body, "cards", "No card is lent now, and all are back.", pool_line);
  });
}

/// The card that was named, or the one of nobody's that is in a reader here.
Result<FoundCard> card_to_lend(const Http& http, const LoanOptions& options) {
  if (options.card.empty()) return find_card(http, options.reader, true, CardFor::desk);
  FoundCard named;
  named.card = options.card;
  return named;
}

int lend(const Cli& cli, const LoanOptions& options) {
  if (options.list) return list_loans(cli, options);
  if (options.person.empty())
    return say_usage(cli, "--person: who gets the card? Or see who has one: --list");
  const auto until = loan_end(options.until, system_clock().wall());
  if (!until) return say_usage(cli, until.error().context);
  const Http http(cli.socket);
  const auto card = card_to_lend(http, options);
  if (!card) return say_card_error(cli, card.error());
  if (card->refusal) return say_problem(cli, *card->refusal);
  if (options.lost) {
    const json::object lost{{"status", "lost"}, {"reason", json::string(options.reason)}};
    const auto stopped =
        post(http,
             with_session(fmt::format("/v1/staff/{}/cards", percent_encode(options.person)), options.session),
             json::serialize(lost));
    if (!stopped) return say_error(cli, stopped.error());
    if (stopped->refusal) return say_problem(cli, *stopped->refusal);
    if (!cli.json) say(text_of(stopped->body, "message"));
  }
  const json::object body{{"person", json::string(options.person)},
                          {"ends_at", json::string(to_rfc3339(*until))},
                          {"reason", json::string(options.reason)}};
  const auto reply =
      post(http, with_session(fmt::format("/v1/cards/{}/lend", percent_encode(card->card)), options.session),
           json::serialize(body));
  return say_reply(cli, reply, [](const json::object& answer) { say(text_of(answer, "message")); });
}

void add_lend(CLI::App& group, Cli& cli) {
  auto* command = add_command(
      group, "lend-card",
      "Lend a card of the pool to somebody who has none today. At the end it stops working by itself",
      "cardgate staff lend-card --person 10017 --until tonight\n  cardgate staff lend-card --list",
      usual_exit_codes);
  auto options = std::make_shared<LoanOptions>();
  options->reason = "No card today";
  command->add_option("--person", options->person, person_help);
  command->add_option("--until", options->until,
                      "tonight, a time of today like 17:30, the last day, or a time with its zone like "
                      "2026-06-01T17:30:00Z; 24 hours at most. If you leave it out: tonight");
  command->add_option(
      "--card", options->card,
      "The card's UUID; if you leave it out, the card in the reader that is registered to no person");
  command->add_option("--reader", options->reader,
                      "The reader, or part of its name; needed only when there are several cards");
  command->add_option("--reason", options->reason,
                      "Why, in a sentence. It is recorded. If you leave it out: No card today");
  command->add_flag("--lost", options->lost, "Their own card is lost: stop it as well, for good");
  command->add_flag("--list", options->list, "Show the cards that are lent now, or not back");
  command->add_option("--session", options->session, session_help);
  command->callback([&cli, options] { cli.action = [&cli, options] { return lend(cli, *options); }; });
}

int add_to_pool(const Cli& cli, const LoanOptions& options, const std::string& name) {
  const Http http(cli.socket);
  const auto card = card_to_lend(http, options);
  if (!card) return say_card_error(cli, card.error());
  if (card->refusal) return say_problem(cli, *card->refusal);
  json::object body{{"uuid", json::string(card->card)}, {"reason", json::string(options.reason)}};
  if (!name.empty()) body["certificate_name"] = name;
  const auto reply = post(http, with_session("/v1/pool-cards", options.session), json::serialize(body));
  return say_reply(cli, reply, [](const json::object& answer) { say(text_of(answer, "message")); });
}

void add_pool_add(CLI::App& group, Cli& cli) {
  auto* command =
      add_command(group, "add", "Put a card into the pool, so that it can be lent",
                  "cardgate staff pool-card add --reason \"Ten cards for the desk\"", usual_exit_codes);
  auto options = std::make_shared<LoanOptions>();
  auto name = std::make_shared<std::string>();
  command->add_option(
      "--card", options->card,
      "The card's UUID; if you leave it out, the card in the reader that is registered to no person");
  command->add_option("--reader", options->reader,
                      "The reader, or part of its name; needed only when there are several cards");
  command->add_option("--certificate-name", *name,
                      "The name in the card's certificate; needed only when the card is in no reader here");
  command->add_option("--reason", options->reason, "Why, in a sentence. It is recorded")->required();
  command->add_option("--session", options->session, session_help);
  command->callback([&cli, options, name] {
    cli.action = [&cli, options, name] { return add_to_pool(cli, *options, *name); };
  });
}

struct KeyOptions {
  std::string card, session;
  SecretSource source;
};

int hand_key(const Cli& cli, const KeyOptions& options) {
  forbid_dumps();
  const auto key = options.source.take("Unblocking key of the card: ", proto::max_passcode_bytes);
  if (!key) return say_card_error(cli, key.error());
  const auto body = body_with_secrets({}, {{"unblocking_key", &*key}});
  if (!body) return say_card_error(cli, body.error());
  auto reply =
      post(Http(cli.socket),
           with_session(fmt::format("/v1/pool-cards/{}/unblocking-key", percent_encode(options.card)),
                        options.session),
           body->text());
  if (reply) reply->body = {{"card", json::string(options.card)}, {"done", "key"}};
  return say_reply(cli, reply, [](const json::object&) {
    say("The service holds the unblocking key of this card. To give a code to the person who has the card: "
        "cardgate staff unblock-code --person PERSON --reason REASON");
  });
}

void add_pool_key(CLI::App& group, Cli& cli) {
  auto* command =
      add_command(group, "key", "Hand the service the unblocking key (PUK) of a card of the pool",
                  "cardgate staff pool-card key 8b1f6c1e-2d5a-4d0e-9a53-0c2f7b6f1a01", usual_exit_codes);
  auto options = std::make_shared<KeyOptions>();
  command->add_option("CARD", options->card, "The card's UUID: cardgate staff pool-card list")->required();
  command->add_option("--session", options->session, session_help);
  add_secret_options(*command, options->source, "the unblocking key");
  command->callback([&cli, options] { cli.action = [&cli, options] { return hand_key(cli, *options); }; });
}

int give_unblock_code(const Cli& cli, const LoanOptions& options) {
  const json::object body{{"reason", json::string(options.reason)}};
  const auto reply =
      post(Http(cli.socket),
           with_session(fmt::format("/v1/staff/{}/unblocking-code", percent_encode(options.person)),
                        options.session),
           json::serialize(body));
  return say_reply(cli, reply, [](const json::object& given) {
    say(fmt::format(
        "Code: {}\nGive it to the person now: it is shown only once. It works once, until {}. Next, the "
        "person sets a new passcode with: cardgate card unblock --code",
        text_of(given, "code"), local_time(text_of(given, "expires_at"))));
  });
}

void add_unblock_code(CLI::App& group, Cli& cli) {
  auto* command = add_command(
      group, "unblock-code", "Give a code that unblocks, once, the card that the desk lent to a person",
      "cardgate staff unblock-code --person 10017 --reason \"Rang from ward 5, called back\"",
      usual_exit_codes);
  auto options = std::make_shared<LoanOptions>();
  command->add_option("--person", options->person, person_help)->required();
  command->add_option("--reason", options->reason, "Why, and how you know who they are. It is recorded")
      ->required();
  command->add_option("--session", options->session, session_help);
  command->callback(
      [&cli, options] { cli.action = [&cli, options] { return give_unblock_code(cli, *options); }; });
}

}  // namespace

void add_loans(CLI::App& group, Cli& cli) {
  add_lend(group, cli);
  add_unblock_code(group, cli);
  add_act(
      group, cli,
      {.name = "return-card",
       .what = "A card of the pool is back: it stops working for the person at once, and can be lent again",
       .example = "cardgate staff return-card 8b1f6c1e-2d5a-4d0e-9a53-0c2f7b6f1a01",
       .path = "/v1/cards/{}/return",
       .subject = "CARD",
       .subject_help = "The card's UUID: cardgate staff lend-card --list",
       .options = {{"--reason", "reason", "Why, in a sentence. It is recorded", false, false}}});
  auto* pool = add_command(group, "pool-card", "The pool of cards that the desk lends for a day",
                           "cardgate staff pool-card list", "");
  pool->require_subcommand(1);
  add_pool_add(*pool, cli);
  add_pool_key(*pool, cli);
  add_act(*pool, cli,
          {.name = "remove",
           .what = "Take a card out of the pool. One that is lent must be returned first",
           .example =
               "cardgate staff pool-card remove 8b1f6c1e-2d5a-4d0e-9a53-0c2f7b6f1a01 --reason \"Worn out\"",
           .path = "/v1/pool-cards/{}/remove",
           .subject = "CARD",
           .subject_help = "The card's UUID: cardgate staff pool-card list",
           .options = {reason_option()}});
  add_act(*pool, cli,
          {.name = "list",
           .what = "The cards of the pool, and who has them",
           .example = "cardgate staff pool-card list",
           .method = "GET",
           .path = "/v1/pool-cards",
           .tell = [](const json::object& body) {
             say_list(body, "cards", "The pool is empty. To put a card in: cardgate staff pool-card add",
                      pool_line, is_lent);
           }});
}

}  // namespace cardgate::client
