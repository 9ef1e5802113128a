// SPDX-License-Identifier: Apache-2.0
// cardgate access: the roles I hold, what is missing for the others, what lapses.
#include <fmt/format.h>

#include <map>
#include <memory>

#include "client/output.hpp"
#include "client/role_text.hpp"
#include "client/service.hpp"

namespace cardgate::client {

std::string role_text(const json::object& role) {
  std::string text = fmt::format("{} ({}): {}", text_of(role, "title"), text_of(role, "role"),
                                 is_true(role, "allowed") ? "yes" : "no");
  if (is_true(role, "allowed")) text += fmt::format(", records: {}", text_of(role, "records"));
  if (const auto until = text_of(role, "valid_until"); !until.empty())
    text += fmt::format(", until {}", local_time(until));
  if (const auto* unmet = find_array(role, "unmet")) text += unmet_text(*unmet);
  if (const auto* warnings = find_array(role, "warnings"); warnings != nullptr && !warnings->empty()) {
    text += "\n  Does not stop you, but should be put right:" + unmet_text(*warnings);
  }
  return text;
}

namespace {

struct Ending {
  const json::object* lapse;
  std::string ends;  // titles of the roles
};

std::string ending_text(const Ending& ending) {
  const auto& lapse = *ending.lapse;
  const auto days = number_of(lapse, "days_left");
  const std::string when = days == 0 ? "today" : "in " + counted(days, "day", "days");
  return fmt::format("\n  - lapses {} ({}): {}\n    {}\n    who can put it right: {}\n    next step: {}",
                     when, text_of(lapse, "date"), text_of(lapse, "title"),
                     ending.ends.empty() ? "ends nothing, but should be put right" : "ends: " + ending.ends,
                     text_of(lapse, "who"), text_of(lapse, "next_step"));
}

}  // namespace

std::string lapses_text(const json::array& roles) {
  std::map<std::pair<std::string, std::string>, Ending> endings;  // by date
  for (const auto& item : roles) {
    const auto* role = item.if_object();
    const auto* lapses = role == nullptr ? nullptr : find_array(*role, "lapses");
    if (lapses == nullptr) continue;
    for (const auto& one : *lapses) {
      const auto* lapse = one.if_object();
      if (lapse == nullptr) continue;
      auto& ending = endings[{text_of(*lapse, "date"), text_of(*lapse, "title")}];
      ending.lapse = lapse;
      if (is_true(*lapse, "ends_role"))
        ending.ends += (ending.ends.empty() ? "" : ", ") + text_of(*role, "title");
    }
  }
  std::string text;
  for (const auto& [key, ending] : endings) text += ending_text(ending);
  return text;
}

namespace {

int access(const Cli& cli, const std::string& role) {
  const auto reply =
      call(Http(cli.socket),
           {.target = role.empty() ? std::string("/v1/access") : "/v1/access?role=" + percent_encode(role)});
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
    if (const auto* person = find_object(reply->body, "person")) {
      say(fmt::format("{} ({})", text_of(*person, "name"), text_of(*person, "id")));
    }
    for (const auto& item : *roles) {
      if (const auto* entry = item.if_object()) say(role_text(*entry));
    }
    if (const auto text = lapses_text(*roles); !text.empty()) say("What lapses in the next 30 days:" + text);
  }
  return allowed ? exit_ok : exit_refused;
}

}  // namespace

void add_access(CLI::App& app, Cli& cli) {
  auto* command =
      add_command(app, "access", "The roles you hold, what is missing for the others, and what lapses",
                  "cardgate access\n  cardgate access --role core",
                  "0 done, or the role is yours; 1 it is not, or nobody is signed in; 2 wrong usage; 3 the "
                  "service is not "
                  "reachable; 4 error");
  auto role = std::make_shared<std::string>();
  command->add_option("--role", *role, "Only this role");
  command->callback([&cli, role] { cli.action = [&cli, role] { return access(cli, *role); }; });
}

}  // namespace cardgate::client
