// SPDX-License-Identifier: Apache-2.0
// cardgate policy check, policy test, policy explain
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <memory>

#include "client/command/output.hpp"
#include "client/command/role_text.hpp"
#include "client/socket/service.hpp"
#include "policy/check.hpp"
#include "policy/decide.hpp"
#include "policy/reader.hpp"
#include "policy/table_test.hpp"

namespace cardgate::client {
namespace {

json::array to_json(const std::vector<policy::Finding>& findings) {
  json::array out;
  for (const auto& finding : findings) {
    out.push_back(json::object{{"severity", policy::name(finding.severity)},
                               {"line", finding.line > 0 ? json::value(finding.line) : json::value(nullptr)},
                               {"role", finding.role},
                               {"text", finding.text},
                               {"next_step", finding.next_step}});
  }
  return out;
}

std::string finding_text(const policy::Finding& finding) {
  const std::string line = finding.line > 0 ? fmt::format("line {}, ", finding.line) : std::string();
  const std::string role = finding.role.empty() ? std::string() : finding.role + ": ";
  return fmt::format("  {}{}: {}{}\n    next step: {}", line, policy::name(finding.severity), role,
                     finding.text, finding.next_step);
}

int check_policy(const Cli& cli, const std::string& file) {
  const auto policy = policy::load_policy(file);
  if (!policy && policy.error().code != Errc::config_invalid) return say_error(cli, policy.error());
  if (!policy) {
    if (cli.json) {
      print_json(
          json::object{{"valid", false}, {"problem", policy.error().context}, {"findings", json::array{}}});
    } else {
      complain(fmt::format("cardgate: {}", policy.error().context));
    }
    return exit_refused;
  }
  const auto findings = policy::check(*policy);
  const bool good = !policy::any_error(findings);
  json::array roles;
  for (const auto& role : policy->roles()) roles.emplace_back(role.name);
  if (cli.json) {
    print_json(json::object{{"valid", good},
                            {"hash", policy->hash()},
                            {"roles", std::move(roles)},
                            {"findings", to_json(findings)}});
    return good ? exit_ok : exit_refused;
  }
  say(fmt::format("{}: {}, {}, hash {}", file,
                  good ? "good" : "it can be loaded, but something in it can never work",
                  counted(static_cast<std::int64_t>(roles.size()), "role", "roles"), policy->hash()));
  for (const auto& role : policy->roles()) say(fmt::format("  {} ({})", role.name, role.title));
  if (!findings.empty()) say("What was found:");
  for (const auto& finding : findings) say(finding_text(finding));
  return good ? exit_ok : exit_refused;
}

struct TestOptions {
  std::string file, policy;
};

json::array codes(const std::vector<policy::Unmet>& list) {
  json::array out;
  for (const auto& item : list) out.emplace_back(item.prerequisite);
  return out;
}

json::object to_json(const policy::TableCase& row, const policy::TableOutcome& outcome) {
  return {{"line", row.line},
          {"person", row.person},
          {"role", row.role},
          {"sign_in", policy::name(row.sign_in)},
          {"at", to_rfc3339(row.at)},
          {"ok", outcome.ok()},
          {"allowed", outcome.decision.allowed},
          {"unmet", codes(outcome.decision.unmet)},
          {"warnings", codes(outcome.decision.warnings)},
          {"records", outcome.decision.records},
          {"differences", json::array(outcome.differences.begin(), outcome.differences.end())}};
}

std::string case_text(const policy::TableCase& row, const policy::TableOutcome& outcome) {
  const std::string what = outcome.ok() ? std::string(row.allowed ? "allowed" : "denied")
                                        : fmt::format("{}", fmt::join(outcome.differences, "; "));
  return fmt::format("{:<6}  line {}: {}, {} by {} on {}: {}", outcome.ok() ? "ok" : "FAILED", row.line,
                     row.person, row.role, policy::name(row.sign_in), to_text(date_of(row.at)), what);
}

int run_test(const Cli& cli, const TestOptions& options) {
  const auto table = policy::load_table(options.file);
  if (!table) return say_error(cli, table.error());
  const std::filesystem::path file =
      options.policy.empty() ? table->policy : std::filesystem::path(options.policy);
  if (file.empty())
    return say_usage(cli, "the table names no policy. Write `policy:` into it, or give --policy");
  const auto policy = policy::load_policy(file);
  if (!policy) return say_error(cli, policy.error());
  const auto outcomes = policy::run_table(*policy, *table);
  const auto failed = std::ranges::count_if(outcomes, [](const auto& outcome) { return !outcome.ok(); });
  if (cli.json) {
    json::array cases;
    for (std::size_t i = 0; i < outcomes.size(); ++i) cases.push_back(to_json(table->cases[i], outcomes[i]));
    print_json(json::object{
        {"ok", failed == 0}, {"failed", failed}, {"policy", policy->hash()}, {"cases", std::move(cases)}});
    return failed == 0 ? exit_ok : exit_refused;
  }
  for (std::size_t i = 0; i < outcomes.size(); ++i) say(case_text(table->cases[i], outcomes[i]));
  const auto cases = counted(static_cast<std::int64_t>(outcomes.size()), "case", "cases");
  say(failed == 0 ? fmt::format("{}: all as expected", cases) : fmt::format("{}: {} FAILED", cases, failed));
  return failed == 0 ? exit_ok : exit_refused;
}

struct ExplainOptions {
  std::string role, person, at, session, sign_in = "card";
  std::string policy = "/etc/cardgate/policy.yaml";
};

int explain_role(const Cli& cli, const ExplainOptions& options) {
  const auto policy = policy::load_policy(options.policy);
  if (!policy) return say_error(cli, policy.error());
  const auto* role = policy->role(options.role);
  if (role == nullptr) {
    std::string names;
    for (const auto& known : policy->roles()) names += (names.empty() ? "" : ", ") + known.name;
    return say_problem(cli,
                       {404,
                        "role_unknown",
                        "No such role",
                        fmt::format("There is no role called \"{}\". The roles are: {}", options.role, names),
                        {}});
  }
  json::array sign_in;
  std::string ways;
  for (const auto way : role->sign_in) {
    sign_in.emplace_back(policy::name(way));
    ways += (ways.empty() ? "" : " or ") + std::string(policy::name(way));
  }
  auto lines = policy::describe(*role);
  for (auto& line : policy::describe_acts(*policy, *role)) lines.push_back(std::move(line));
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

void say_explanation(const json::object& body, bool at_a_time) {
  if (const auto* person = find_object(body, "person")) {
    const auto name = text_of(*person, "name");
    const bool card = text_of(body, "sign_in") != "password";
    const auto at = text_of(body, "at");
    say(fmt::format(
        "{} ({}), signing in by {} {}. {} would read:", name, text_of(*person, "id"),
        card ? "card" : "password",
        at_a_time ? fmt::format("on {} at {} UTC", at.substr(0, 10), at.substr(11, 5)) : std::string("now"),
        name));
  }
  say(role_text(body));
  say(text_of(body, "note"));
}

int explain_person(const Cli& cli, const ExplainOptions& options) {
  const auto target =
      with_query("/v1/policy/explain", {{"person", options.person},
                                        {"role", options.role},
                                        {"sign_in", options.sign_in == "card" ? "" : options.sign_in},
                                        {"at", options.at},
                                        {"session", options.session}});
  const auto reply = call(Http(policy_socket(cli, options.session)), {.target = target});
  const int said = say_reply(
      cli, reply, [&](const json::object& answer) { say_explanation(answer, !options.at.empty()); });
  return said != exit_ok || is_true(reply->body, "allowed") ? said : exit_refused;
}

void add_check(CLI::App& group, Cli& cli) {
  auto* command =
      add_command(group, "check", "Check a policy file: which lines are wrong, and what can never work",
                  "cardgate policy check policy.yaml",
                  "0 good, perhaps with warnings; 1 not good; 2 wrong usage; 4 it cannot be read");
  auto file = std::make_shared<std::string>();
  command->add_option("FILE", *file, "The policy file")->required();
  command->callback([&cli, file] { cli.action = [&cli, file] { return check_policy(cli, *file); }; });
}

void add_test(CLI::App& group, Cli& cli) {
  auto* command = add_command(
      group, "test", "Test whether the policy gives what a table of cases expects",
      "cardgate policy test policy-test.yaml\n  cardgate policy test policy-test.yaml --policy "
      "new-policy.yaml",
      "0 all as expected; 1 some cases are not; 2 wrong usage; 4 a file cannot be read, or is wrong");
  auto options = std::make_shared<TestOptions>();
  command->add_option("FILE", options->file, "The table of cases")->required();
  command->add_option("--policy", options->policy,
                      "The policy to test, instead of the one that the table names");
  command->callback([&cli, options] { cli.action = [&cli, options] { return run_test(cli, *options); }; });
}

void add_explain(CLI::App& group, Cli& cli) {
  auto* command = add_command(
      group, "explain",
      "Show what a role needs; or whether a person would get it, now or on another day, and why not",
      "cardgate policy explain --role core\n  cardgate policy explain --role core --person 10017\n  "
      "cardgate policy explain --role core --person 10017 --at 2026-12-01",
      "0 done, or the person would get it; 1 would not, or no such role or person; 2 wrong usage; 3 the "
      "service is not reachable; 4 error");
  auto options = std::make_shared<ExplainOptions>();
  command->add_option("--role", options->role, "The role's name, like core")->required();
  auto* file = command->add_option("--policy", options->policy, "The policy file")->capture_default_str();
  auto* person = command
                     ->add_option("--person", options->person,
                                  "The person: full name, or personnel number. This asks the running service")
                     ->excludes(file);
  command
      ->add_option("--at", options->at, "As if it were this day (2026-12-01) or time (2026-12-01T09:30:00Z)")
      ->needs(person);
  command->add_option("--sign-in", options->sign_in, "By card or password")
      ->check(CLI::IsMember({"card", "password"}))
      ->capture_default_str()
      ->needs(person);
  command->add_option("--session", options->session, session_help)->needs(person);
  command->callback([&cli, options] {
    cli.action = [&cli, options] {
      return options->person.empty() ? explain_role(cli, *options) : explain_person(cli, *options);
    };
  });
}

}  // namespace

void add_policy(CLI::App& app, Cli& cli) {
  auto* group =
      add_command(app, "policy", "The access policy", "cardgate policy check /etc/cardgate/policy.yaml", "");
  group->require_subcommand(1);
  add_check(*group, cli);
  add_test(*group, cli);
  add_explain(*group, cli);
  add_policy_forecast(*group, cli);
}

}  // namespace cardgate::client
