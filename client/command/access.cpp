// SPDX-License-Identifier: Apache-2.0
// cardgate access: the roles I hold, what is missing for the others, what ends soon.
#include <memory>

#include "client/command/output.hpp"
#include "client/command/role_text.hpp"
#include "client/socket/service.hpp"

namespace cardgate::client {
namespace {

struct AccessOptions {
  std::string role, session;
};

int access(const Cli& cli, const AccessOptions& options) {
  const auto& role = options.role;
  const auto reply = call(
      Http(cli.socket), {.target = with_query("/v1/access", {{"role", role}, {"session", options.session}})});
  if (!reply) return say_error(cli, reply.error());
  if (reply->refusal) return say_problem(cli, *reply->refusal);
  bool allowed = role.empty();
  const auto* roles = find_array(reply->body, "roles");
  if (!role.empty() && roles != nullptr && !roles->empty() && roles->front().is_object()) {
    allowed = is_true(roles->front().get_object(), "allowed");
  }
  if (cli.json) {
    print_json(reply->body);
  } else if (roles != nullptr) {
    if (const auto person = who_of(reply->body, "person"); !person.empty()) say(person);
    const auto* one = roles->size() == 1 ? roles->front().if_object() : nullptr;
    say(one != nullptr ? role_text(*one) : roles_text(*roles));
    if (const auto text = lapses_text(*roles); !text.empty()) say("What ends in the next 30 days:" + text);
  }
  return allowed ? exit_ok : exit_refused;
}

}  // namespace

void add_access(CLI::App& app, Cli& cli) {
  auto* command = add_command(
      app, "access", "The roles you have, what is missing for the others, and what ends soon",
      "cardgate access\n  cardgate access --role core",
      "0 done, or you have the role; 1 you do not have it, or nobody is signed in; 2 wrong usage; 3 the "
      "service is not "
      "reachable; 4 error");
  auto options = std::make_shared<AccessOptions>();
  command->add_option("--role", options->role, "Only this role");
  command->add_option("--session", options->session, session_help);
  command->callback([&cli, options] { cli.action = [&cli, options] { return access(cli, *options); }; });
}

}  // namespace cardgate::client
