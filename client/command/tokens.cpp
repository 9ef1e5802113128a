// SPDX-License-Identifier: Apache-2.0
// cardgate token, introspect, revoke. A token is never an argument: other users can read those.
#include <fmt/format.h>

#include <memory>

#include "client/command/output.hpp"
#include "client/command/terminal.hpp"
#include "client/socket/service.hpp"
#include "proto/token.hpp"

namespace cardgate::client {
namespace {

struct TokenOptions {
  std::string role, audience, session;
  bool fresh = false;
};

int token(const Cli& cli, const TokenOptions& options) {
  json::object ask{{"role", options.role}, {"audience", options.audience}};
  if (!options.session.empty()) ask["session"] = options.session;
  if (options.fresh) ask["fresh"] = true;
  const auto body = json::serialize(ask);
  return say_reply(cli, post(Http(cli.socket), "/v1/token", body),
                   [](const json::object& answer) { say_whole(text_of(answer, "access_token")); });
}

/// POSTs the token that stands in a descriptor, as a form.
Result<Reply> post_token(const Cli& cli, const std::string& target, int fd) {
  const auto given = TRY(read_secret_line(fd, proto::max_token_bytes));
  std::string encoded = percent_encode(given.text());
  const Secret body("token=" + encoded);
  wipe(encoded);
  return call(Http(cli.socket), {.method = "POST",
                                 .target = target,
                                 .body = body.text(),
                                 .content_type = "application/x-www-form-urlencoded"});
}

int fail(const Cli& cli, const Error& error) {
  if (error.code == Errc::cancelled)
    return say_usage(cli, "give the token on standard input, or name a descriptor with --token-fd");
  if (error.code == Errc::too_large) return say_usage(cli, "that is too long for a token");
  return say_error(cli, error);
}

int introspect(const Cli& cli, int fd) {
  const auto reply = post_token(cli, "/v1/introspect", fd);
  if (!reply) return fail(cli, reply.error());
  if (reply->refusal) return say_problem(cli, *reply->refusal);
  const bool active = is_true(reply->body, "active");
  if (cli.json) {
    print_json(reply->body);
  } else if (!active) {
    say("not active");
  } else {
    say("active");
    for (const auto& member : reply->body) {
      if (member.key() == "active") continue;
      const auto* text = member.value().if_string();
      say(fmt::format("  {}: {}", std::string_view(member.key()),
                      text != nullptr ? std::string(*text) : std::string(json::serialize(member.value()))));
    }
  }
  return active ? exit_ok : exit_refused;
}

int revoke(const Cli& cli, int fd) {
  auto reply = post_token(cli, "/v1/revoke", fd);
  if (!reply) return fail(cli, reply.error());
  reply->body = {{"active", false}};
  return say_reply(cli, reply, [](const json::object&) { say("The token no longer works."); });
}

}  // namespace

void add_tokens(CLI::App& app, Cli& cli) {
  auto* ask = add_command(app, "token", "Get a token for a role. Prints the token and nothing else",
                          "cardgate token --role core --audience esr", usual_exit_codes);
  auto options = std::make_shared<TokenOptions>();
  ask->add_option("--role", options->role, "The role's name, like core")->required();
  ask->add_option("--audience", options->audience, "The application that the token is for")->required();
  ask->add_option("--session", options->session, session_help);
  ask->add_flag("--fresh", options->fresh,
                "A new token. Without it the last one comes again while more than half of its life is left");
  ask->callback([&cli, options] { cli.action = [&cli, options] { return token(cli, *options); }; });

  auto* look = add_command(
      app, "introspect", "Show whether a token is active, and what it says (for registered applications)",
      "cardgate introspect < token",
      "0 active; 1 not active, or refused; 2 wrong usage; 3 the service is not reachable; 4 error");
  auto look_fd = std::make_shared<int>(0);
  look->add_option("--token-fd", *look_fd, "Read the token from this descriptor instead of standard input")
      ->check(CLI::NonNegativeNumber);
  look->callback([&cli, look_fd] { cli.action = [&cli, look_fd] { return introspect(cli, *look_fd); }; });

  auto* end = add_command(app, "revoke", "Revoke a token", "cardgate revoke < token", usual_exit_codes);
  auto end_fd = std::make_shared<int>(0);
  end->add_option("--token-fd", *end_fd, "Read the token from this descriptor instead of standard input")
      ->check(CLI::NonNegativeNumber);
  end->callback([&cli, end_fd] { cli.action = [&cli, end_fd] { return revoke(cli, *end_fd); }; });
}

}  // namespace cardgate::client
