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
    text += fmt::format(", until {}", until);
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

std::string heading(const Ending& ending) {
  const auto& lapse = *ending.lapse;
  const auto days = number_of(lapse, "days_left");
  const std::string when = days == 0 ? "today" : "in " + counted(days, "day", "days");
  return fmt::format("lapses {} ({}): {}", when, text_of(lapse, "last_day"), text_of(lapse, "title"));
}

std::string consequence(const Ending& ending) {
  return ending.ends.empty() ? "ends nothing, but should be put right" : "ends: " + ending.ends;
}

/// By date.
std::map<std::pair<std::string, std::string>, Ending> endings_of(const json::array& roles) {
  std::map<std::pair<std::string, std::string>, Ending> endings;
  for (const auto& item : roles) {
    const auto* role = item.if_object();
    const auto* lapses = role == nullptr ? nullptr : find_array(*role, "lapses");
    if (lapses == nullptr) continue;
    for (const auto& one : *lapses) {
      const auto* lapse = one.if_object();
      if (lapse == nullptr) continue;
      auto& ending = endings[{text_of(*lapse, "last_day"), text_of(*lapse, "title")}];
      ending.lapse = lapse;
      if (is_true(*lapse, "ends_role"))
        ending.ends += (ending.ends.empty() ? "" : ", ") + text_of(*role, "title");
    }
  }
  return endings;
}

}  // namespace

std::string lapses_text(const json::array& roles) {
  std::string text;
  for (const auto& [key, ending] : endings_of(roles)) {
    text +=
        fmt::format("\n  - {}\n    {}\n    who can put it right: {}\n    next step: {}", heading(ending),
                    consequence(ending), text_of(*ending.lapse, "who"), text_of(*ending.lapse, "next_step"));
  }
  return text;
}

std::string lapse_lines(const json::array& roles) {
  std::string text;
  for (const auto& [key, ending] : endings_of(roles)) {
    text += fmt::format("\n    {}; {}; who can put it right, as they are told: {}", heading(ending),
                        consequence(ending), text_of(*ending.lapse, "who"));
  }
  return text;
}

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
  auto options = std::make_shared<AccessOptions>();
  command->add_option("--role", options->role, "Only this role");
  command->add_option("--session", options->session, "Your session; needed only when several are open");
  command->callback([&cli, options] { cli.action = [&cli, options] { return access(cli, *options); }; });
}

}  // namespace cardgate::client
