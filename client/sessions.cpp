// SPDX-License-Identifier: Apache-2.0
// cardgate logout, whoami
#include <fmt/format.h>

#include <memory>
#include <vector>

#include "client/output.hpp"
#include "client/role_text.hpp"
#include "client/service.hpp"

namespace cardgate::client {
namespace {

const proto::Problem nobody{401,
                            "no_session",
                            "Nobody is signed in",
                            "Nobody is signed in. Put your card in and sign in: cardgate login",
                            {}};

std::string_view state_text(std::string_view state) {
  if (state == "locked") return ", locked: cardgate login unlocks it";
  if (state == "grace") return ", waiting for its card";
  return "";
}

/// Of one session, which carries its `roles` where they could be had.
void say_roles(const json::object& session) {
  const auto* roles = find_array(session, "roles");
  if (roles == nullptr) {
    say("  The roles cannot be told now: cardgate access says why");
    return;
  }
  std::size_t lacking = 0;
  for (const auto& item : *roles) {
    const auto* role = item.if_object();
    if (role == nullptr) continue;
    if (!is_true(*role, "allowed")) {
      ++lacking;
      continue;
    }
    const auto until = text_of(*role, "valid_until");
    say(fmt::format("  {} ({}){}", text_of(*role, "title"), text_of(*role, "role"),
                    until.empty() ? "" : ", until " + until));
  }
  if (lacking > 0) {
    say(fmt::format("  and {} that you do not hold: cardgate access says what is missing",
                    counted(static_cast<std::int64_t>(lacking), "role", "roles")));
  }
  if (const auto text = lapses_text(*roles); !text.empty()) say("What lapses in the next 30 days:" + text);
}

int whoami(const Cli& cli) {
  auto reply = call(Http(cli.socket), {.target = "/v1/sessions"});
  if (!reply) return say_error(cli, reply.error());
  if (reply->refusal) return say_problem(cli, *reply->refusal);
  auto* sessions = reply->body.contains("sessions") ? reply->body.at("sessions").if_array() : nullptr;
  const bool none = sessions == nullptr || sessions->empty();
  if (!none) {
    for (auto& item : *sessions) {
      auto* session = item.if_object();
      if (session == nullptr) continue;
      const auto access = call(Http(cli.socket),
                               {.target = with_query("/v1/access", {{"session", text_of(*session, "id")}})});
      if (!access || access->refusal) continue;
      for (const auto* member : {"roles", "lapsing"}) {
        if (const auto* value = access->body.if_contains(member)) (*session)[member] = *value;
      }
    }
  }
  if (cli.json) {
    print_json(reply->body);
    return none ? exit_refused : exit_ok;
  }
  if (none) return say_problem(cli, nobody);
  for (const auto& item : *sessions) {
    const auto* session = item.if_object();
    if (session == nullptr) continue;
    const auto* person = find_object(*session, "person");
    const bool by_card = text_of(*session, "acr") != "password";
    say(fmt::format("{} ({}), {}, until {}{}\n  session {}", person ? text_of(*person, "name") : "?",
                    person ? text_of(*person, "id") : "?",
                    by_card
                        ? fmt::format("card {} in {}", text_of(*session, "card"), text_of(*session, "reader"))
                        : "by password",
                    local_time(text_of(*session, "expires_at")), state_text(text_of(*session, "state")),
                    text_of(*session, "id")));
    if (const auto* warnings = find_array(*session, "warnings")) {
      for (const auto& warning : *warnings) {
        if (warning.is_string()) say(fmt::format("  ! {}", std::string_view(warning.get_string())));
      }
    }
    say_roles(*session);
  }
  return exit_ok;
}

struct LogoutOptions {
  std::string id;
  bool all = false;
};

int logout(const Cli& cli, const LogoutOptions& options) {
  const Http http(cli.socket);
  std::vector<std::string> ids;
  if (!options.id.empty()) {
    ids.push_back(options.id);
  } else {
    const auto reply = call(http, {.target = "/v1/sessions"});
    if (!reply) return say_error(cli, reply.error());
    if (reply->refusal) return say_problem(cli, *reply->refusal);
    if (const auto* sessions = find_array(reply->body, "sessions")) {
      for (const auto& item : *sessions) {
        if (const auto* session = item.if_object()) ids.push_back(text_of(*session, "id"));
      }
    }
    if (ids.empty()) return say_problem(cli, nobody);
    if (ids.size() > 1 && !options.all) {
      return say_usage(
          cli, fmt::format("several sessions are open; name one, or give --all: {}", fmt::join(ids, " ")));
    }
  }
  json::array ended;
  for (const auto& id : ids) {
    const auto reply = call(http, {.method = "DELETE", .target = "/v1/sessions/" + percent_encode(id)});
    if (!reply) return say_error(cli, reply.error());
    if (reply->refusal) return say_problem(cli, *reply->refusal);
    ended.emplace_back(id);
  }
  if (cli.json) {
    print_json(json::object{{"ended", std::move(ended)}});
  } else {
    say("Signed out. If you have a card here, take it with you.");
  }
  return exit_ok;
}

}  // namespace

void add_sessions(CLI::App& app, Cli& cli) {
  auto* end = add_command(app, "logout", "Sign out: end the session and revoke its tokens", "cardgate logout",
                          "0 signed out; 1 nobody is signed in, or no such session; 2 wrong usage; 3 the "
                          "service is not reachable; 4 error");
  auto options = std::make_shared<LogoutOptions>();
  end->add_option("ID", options->id, "The session; needed only when several are open");
  end->add_flag("--all", options->all, "End all of your sessions");
  end->callback([&cli, options] { cli.action = [&cli, options] { return logout(cli, *options); }; });

  auto* who = add_command(app, "whoami", "Who is signed in for this user of the machine", "cardgate whoami",
                          "0 somebody is signed in; 1 nobody is; 3 the service is not reachable; 4 error");
  who->callback([&cli] { cli.action = [&cli] { return whoami(cli); }; });
}

}  // namespace cardgate::client
