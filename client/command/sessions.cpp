// SPDX-License-Identifier: Apache-2.0
// cardgate logout, whoami
#include <fmt/format.h>

#include <memory>
#include <vector>

#include "client/command/output.hpp"
#include "client/command/role_text.hpp"
#include "client/socket/service.hpp"

namespace cardgate::client {
namespace {

const proto::Problem nobody{401,
                            "no_session",
                            "Nobody is signed in",
                            "Nobody is signed in. Put your card in and sign in: cardgate login. Without a "
                            "card you can see your own record: cardgate login --username NAME",
                            {}};

/// "card in Reader 0", "by card, which is out", "by password".
std::string where_text(const json::object& session) {
  if (text_of(session, "acr") == "password") return "by password";
  return is_true(session, "card_out") ? std::string("by card, which is out")
                                      : "card in " + text_of(session, "reader");
}

/// What taking the card out does; nothing where it ends the session, as people know it.
std::string card_rule_text(const json::object& session) {
  const auto removal = text_of(session, "card_removal");
  if (removal == "lock") return "If you take your card out, the session locks";
  if (removal == "grace") return "If you take your card out, put it back within moments, or the session ends";
  if (removal != "keep") return {};
  return fmt::format("You may take your card out until {}", local_time(text_of(session, "card_needed_at")));
}

std::string_view state_text(std::string_view state) {
  if (state == "locked") return ", locked. To unlock it: cardgate login";
  if (state == "grace") return ", waiting for its card";
  return "";
}

/// Of one session, which carries its `roles` where they could be had.
void say_roles(const json::object& session) {
  const auto* roles = find_array(session, "roles");
  if (roles == nullptr) {
    say("  Your roles cannot be shown now. To see why: cardgate access");
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
    say("  " + held_text(*role));
  }
  if (lacking > 0) {
    say(fmt::format("  {} you do not have. To see what is missing: cardgate access",
                    counted(static_cast<std::int64_t>(lacking), "role", "roles")));
  }
  if (const auto text = lapses_text(*roles); !text.empty()) say("What ends in the next 30 days:" + text);
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
    say(fmt::format("{}, {}, until {}{}\n  session {}", who_of(*session, "person"), where_text(*session),
                    local_time(text_of(*session, "expires_at")), state_text(text_of(*session, "state")),
                    text_of(*session, "id")));
    if (const auto text = card_rule_text(*session); !text.empty()) say("  " + text);
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
    std::string list;
    if (const auto* sessions = find_array(reply->body, "sessions")) {
      for (const auto& item : *sessions) {
        const auto* session = item.if_object();
        if (session == nullptr) continue;
        ids.push_back(text_of(*session, "id"));
        list += fmt::format("\n  cardgate logout {}  ({}, {})", ids.back(), name_of(*session, "person"),
                            where_text(*session));
      }
    }
    if (ids.empty()) return say_problem(cli, nobody);
    if (ids.size() > 1 && !options.all) {
      return say_usage(
          cli, fmt::format("several sessions are open. Name the one to end, or end all with --all:{}", list));
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
    say("You are signed out. Take your card with you.");
  }
  return exit_ok;
}

}  // namespace

void add_sessions(CLI::App& app, Cli& cli) {
  auto* end =
      add_command(app, "logout", "Sign out: end your session and everything it opened", "cardgate logout",
                  "0 signed out; 1 nobody is signed in, or there is no such session; 2 wrong usage; 3 the "
                  "service is not reachable; 4 error");
  auto options = std::make_shared<LogoutOptions>();
  end->add_option("ID", options->id, session_help);
  end->add_flag("--all", options->all, "End all your sessions");
  end->callback([&cli, options] { cli.action = [&cli, options] { return logout(cli, *options); }; });

  auto* who = add_command(app, "whoami", "Show who is signed in, and their roles", "cardgate whoami",
                          "0 somebody is signed in; 1 nobody is; 3 the service is not reachable; 4 error");
  who->callback([&cli] { cli.action = [&cli] { return whoami(cli); }; });
}

}  // namespace cardgate::client
