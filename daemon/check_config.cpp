// SPDX-License-Identifier: Apache-2.0
#include "daemon/check_config.hpp"

#include <fmt/format.h>
#include <grp.h>
#include <pwd.h>

#include <cstdio>

#include "base/crypto.hpp"
#include "daemon/journal.hpp"
#include "daemon/refused_start.hpp"
#include "daemon/rules/rule_book.hpp"

namespace cardgate::daemon {
namespace {

std::string user_name(uid_t uid) {
  const auto* entry = ::getpwuid(uid);
  return entry == nullptr ? std::to_string(uid) : entry->pw_name;
}

std::string group_name(gid_t gid) {
  const auto* entry = ::getgrgid(gid);
  return entry == nullptr ? std::to_string(gid) : entry->gr_name;
}

json::object trust_json(std::size_t count, const std::vector<std::filesystem::path>& places) {
  json::array paths;
  for (const auto& place : places) paths.emplace_back(place.string());
  return {{"count", count}, {"places", std::move(paths)}};
}

json::array reader_rules_json(const std::vector<ReaderRule>& rules) {
  json::array out;
  for (const auto& rule : rules) {
    json::array users;
    for (const auto uid : rule.uids) users.emplace_back(user_name(uid));
    out.push_back(json::object{
        {"name_contains", rule.name_contains}, {"seat", rule.seat}, {"users", std::move(users)}});
  }
  return out;
}

json::array clients_json(const std::vector<ClientEntry>& clients) {
  json::array out;
  for (const auto& client : clients) {
    json::object match;
    if (client.match.uid) match["user"] = user_name(*client.match.uid);
    if (client.match.gid) match["group"] = group_name(*client.match.gid);
    if (!client.match.unit.empty()) match["unit"] = client.match.unit;
    json::array audiences;
    for (const auto& grant : client.tokens) audiences.emplace_back(grant.audience);
    out.push_back(json::object{{"name", client.name},
                               {"match", std::move(match)},
                               {"sign_in", client.sign_in},
                               {"tokens", std::move(audiences)},
                               {"verifies", json::array(client.verifies.begin(), client.verifies.end())}});
  }
  return out;
}

json::array role_names(const policy::Policy& policy) {
  json::array out;
  for (const auto& role : policy.roles()) out.emplace_back(role.name);
  return out;
}

/// Kinds of record that keep whole files of the log beyond the age that is given for all.
std::string kept_longer(const audit::Keeping& keeping) {
  std::string names;
  for (const auto& [event, age] : keeping.events) {
    if (keeping.limited() && (age == milliseconds::zero() || age > keeping.all))
      names += (names.empty() ? "" : ", ") + event;
  }
  if (names.empty()) return {};
  return fmt::format(
      "audit.keep: records of the kind {} are kept longer than all others, and so is every record since the "
      "first of them: "
      "the log is deleted in whole files, the oldest first.",
      names);
}

int say_refused(const Error& error, bool as_json) {
  if (as_json) {
    fmt::print("{}\n", json::serialize(json::object{{"good", false}, {"problem", error.context}}));
  } else {
    fmt::print(stderr, "Refused: {}\n", error.context);
  }
  return exit_start_failed;
}

}  // namespace

json::object overview(const Settings& settings, WallTime now) {
  const auto& config = settings.config;
  json::array wrong;
  for (auto& text : settings.authorities.useless(now)) wrong.emplace_back(std::move(text));
  for (const auto& text : settings.authorities.passed_over()) wrong.emplace_back(text);
  if (auto text = kept_longer(config.audit_keeping); !text.empty()) wrong.emplace_back(std::move(text));
  const auto& lists = settings.authorities.list_times();
  return {{"good", true},
          {"anchors", trust_json(settings.authorities.anchor_count(), config.authorities.anchors)},
          {"intermediates",
           trust_json(settings.authorities.intermediate_count(), config.authorities.intermediates)},
          {"crls", trust_json(settings.authorities.crl_count(), config.authorities.crls)},
          {"first_list_ends_at",
           lists.count == 0 ? json::value(nullptr) : json::value(to_rfc3339(lists.first_due))},
          {"first_list_overdue", lists.count > 0 && now > lists.first_due},
          {"fetches", !config.fetch.socket.empty()},
          {"state_directory", config.state_directory.string()},
          {"wrong", std::move(wrong)},
          {"roles", role_names(*settings.policy)},
          {"readers", reader_rules_json(config.readers)},
          {"clients", clients_json(config.clients)}};
}

int check_config(const std::filesystem::path& file, bool as_json) {
  init_crypto();
  const auto settings = load_settings(file, as_json ? Anchors::none_yet : Anchors::required);
  if (!settings) return say_refused(settings.error(), as_json);
  if (as_json) {
    fmt::print("{}\n", json::serialize(overview(*settings, system_clock().wall())));
    return exit_stopped;
  }
  log_passed_over(settings->authorities, system_clock().wall());
  log_findings(*settings->policy, settings->config.policy.string());
  if (const auto text = kept_longer(settings->config.audit_keeping); !text.empty()) log(Level::warning, text);
  fmt::print(
      "{}: good, with {} roles, {} trust anchors, {} intermediate certificates and {} revocation lists.\n",
      file.string(), settings->policy->roles().size(), settings->authorities.anchor_count(),
      settings->authorities.intermediate_count(), settings->authorities.crl_count());
  return exit_stopped;
}

}  // namespace cardgate::daemon
