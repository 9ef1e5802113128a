// SPDX-License-Identifier: Apache-2.0
// cardgate policy check, policy explain
#include <fmt/format.h>

#include <memory>

#include "client/output.hpp"
#include "client/role_text.hpp"
#include "client/service.hpp"
#include "policy/decide.hpp"
#include "policy/policy.hpp"

namespace cardgate::client {
namespace {

int check(const Cli& cli, const std::string& file) {
  const auto policy = policy::Policy::load(file);
  if (!policy && policy.error().code != Errc::config_invalid) return say_error(cli, policy.error());
  if (!policy) {
    if (cli.json) {
      print_json(json::object{{"valid", false}, {"problem", policy.error().context}});
    } else {
      complain(fmt::format("cardgate: {}", policy.error().context));
    }
    return exit_refused;
  }
  json::array roles;
  for (const auto& role : policy->roles()) roles.emplace_back(role.name);
  if (cli.json) {
    print_json(json::object{{"valid", true}, {"hash", policy->hash()}, {"roles", std::move(roles)}});
    return exit_ok;
  }
  say(fmt::format("{}: good, {}, hash {}", file,
                  counted(static_cast<std::int64_t>(roles.size()), "role", "roles"), policy->hash()));
  for (const auto& role : policy->roles()) say(fmt::format("  {} ({})", role.name, role.title));
  return exit_ok;
}

struct ExplainOptions {
  std::string role, person;
  std::string policy = "/etc/cardgate/policy.yaml";
};

int explain_role(const Cli& cli, const ExplainOptions& options) {
  const auto policy = policy::Policy::load(options.policy);
  if (!policy) return say_error(cli, policy.error());
  const auto* role = policy->role(options.role);
  if (role == nullptr) {
    std::string names;
    for (const auto& known : policy->roles()) names += (names.empty() ? "" : ", ") + known.name;
    return say_problem(cli, {404,
                             "role_unknown",
                             "No such role",
                             fmt::format("The policy has no role \"{}\". It has: {}", options.role, names),
                             {}});
  }
  json::array sign_in;
  std::string ways;
  for (const auto way : role->sign_in) {
    sign_in.emplace_back(policy::name(way));
    ways += (ways.empty() ? "" : " or ") + std::string(policy::name(way));
  }
  const auto lines = policy::describe(*role);
  if (cli.json) {
    print_json(json::object{{"role", role->name},
                            {"title", role->title},
                            {"sign_in", std::move(sign_in)},
                            {"requires", json::array(lines.begin(), lines.end())},
                            {"records", role->records},
                            {"policy", policy->hash()}});
    return exit_ok;
  }
  say(fmt::format("{} ({}): sign in by {}; records: {}", role->title, role->name, ways, role->records));
  for (const auto& line : lines) say("  - " + line);
  return exit_ok;
}

int explain_person(const Cli& cli, const ExplainOptions& options) {
  const auto reply =
      call(Http(cli.admin_socket),
           {.target = fmt::format("/v1/policy/explain?person={}&role={}", percent_encode(options.person),
                                  percent_encode(options.role))});
  if (!reply) return say_error(cli, reply.error());
  if (reply->refusal) return say_problem(cli, *reply->refusal);
  if (cli.json) {
    print_json(reply->body);
  } else {
    if (const auto* person = find_object(reply->body, "person")) {
      say(fmt::format("{} ({}), signing in now with an active card:", text_of(*person, "name"),
                      text_of(*person, "id")));
    }
    say(role_text(reply->body));
  }
  return is_true(reply->body, "allowed") ? exit_ok : exit_refused;
}

}  // namespace

void add_policy(CLI::App& app, Cli& cli) {
  auto* group =
      add_command(app, "policy", "The access policy", "cardgate policy check /etc/cardgate/policy.yaml", "");
  group->require_subcommand(1);

  auto* check_command = add_command(*group, "check", "Is this policy file good; if not, which line is wrong",
                                    "cardgate policy check policy.yaml",
                                    "0 good; 1 not good; 2 wrong usage; 4 it cannot be read");
  auto file = std::make_shared<std::string>();
  check_command->add_option("FILE", *file, "The policy file")->required();
  check_command->callback([&cli, file] { cli.action = [&cli, file] { return check(cli, *file); }; });

  auto* explain = add_command(
      *group, "explain", "What a role asks for; or whether a person would get it now, and why not",
      "cardgate policy explain --role core\n  cardgate policy explain --role core --person 10017 (as root)",
      "0 done, or the person would get it; 1 would not, or no such role or person; 2 wrong usage; 3 the "
      "service is not reachable; 4 error");
  auto options = std::make_shared<ExplainOptions>();
  explain->add_option("--role", options->role, "The role, as the policy names it")->required();
  auto* file_option =
      explain->add_option("--policy", options->policy, "The policy file")->capture_default_str();
  explain
      ->add_option("--person", options->person, "The person's id in the register; asks the running service")
      ->excludes(file_option);
  explain->callback([&cli, options] {
    cli.action = [&cli, options] {
      return options->person.empty() ? explain_role(cli, *options) : explain_person(cli, *options);
    };
  });
}

}  // namespace cardgate::client
