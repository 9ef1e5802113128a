// SPDX-License-Identifier: Apache-2.0
// cardgate token-key: the keys that sign tokens, in root's hands.
#include <fmt/format.h>

#include <memory>

#include "client/command/output.hpp"
#include "client/command/work/act.hpp"
#include "client/socket/service.hpp"

namespace cardgate::client {
namespace {

std::string key_line(const json::object& key) {
  const auto state = text_of(key, "state");
  std::string line = fmt::format("{}  {:<7}  ", text_of(key, "kid"), text_of(key, "algorithm"));
  if (state == "next") return line + "published; signs from " + local_time(text_of(key, "signs_at")) + " on";
  if (state == "signing") return line + "signs since " + local_time(text_of(key, "signs_at"));
  return line + "signs no more; ends " + local_time(text_of(key, "ends_at"));
}

int tell(const Cli& cli, const Result<Reply>& reply, std::string_view what) {
  return say_admin_reply(cli, reply, what, [](const json::object& body) { say(text_of(body, "message")); });
}

}  // namespace

void add_token_key(CLI::App& app, Cli& cli) {
  auto* group = add_command(app, "token-key", "The keys that sign tokens (root)",
                            "sudo cardgate token-key list\n  sudo cardgate token-key rotate", "");
  group->require_subcommand(1);

  auto* list = add_command(*group, "list", "Show the keys: the next, the one that signs, and old ones",
                           "sudo cardgate token-key list", usual_exit_codes);
  list->callback([&cli] {
    cli.action = [&cli]() -> int {
      return say_admin_reply(cli, call(Http(cli.admin_socket), {.method = "GET", .target = "/v1/token-keys"}),
                             "list the token keys", [](const json::object& body) {
                               say_list(body, "keys", "There is no key.", key_line);
                             });
    };
  });

  auto* rotate = add_command(*group, "rotate",
                             "Publish the next key now. It signs by itself after tokens.publish_ahead, so "
                             "that programs that verify tokens "
                             "offline have learned of it by then",
                             "sudo cardgate token-key rotate", usual_exit_codes);
  auto at_once = std::make_shared<bool>(false);
  rotate->add_flag("--at-once", *at_once,
                   "It signs from now on. Programs that verify offline must fetch the keys again");
  rotate->callback([&cli, at_once] {
    cli.action = [&cli, at_once]() -> int {
      const auto body = json::serialize(json::object{{"at_once", *at_once}});
      return tell(cli, post(Http(cli.admin_socket), "/v1/token-keys", body), "rotate the token key");
    };
  });

  auto* revoke = add_command(
      *group, "revoke",
      "Take a key away at once, with every token that it signed. Of the key that signs another one "
      "takes the place",
      "sudo cardgate token-key revoke KEY", usual_exit_codes);
  auto kid = std::make_shared<std::string>();
  revoke->add_option("KEY", *kid, "Its id: cardgate token-key list")->required();
  revoke->callback([&cli, kid] {
    cli.action = [&cli, kid]() -> int {
      return tell(cli,
                  call(Http(cli.admin_socket),
                       {.method = "DELETE", .target = "/v1/token-keys/" + percent_encode(*kid)}),
                  "revoke the token key");
    };
  });
}

}  // namespace cardgate::client
