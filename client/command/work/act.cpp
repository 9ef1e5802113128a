// SPDX-License-Identifier: Apache-2.0
#include "client/command/work/act.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <memory>
#include <thread>

#include "base/clock.hpp"
#include "client/command/output.hpp"
#include "client/command/work/loan_end.hpp"
#include "client/socket/service.hpp"

namespace cardgate::client {
namespace {

struct Given {
  std::string subject, session;
  std::map<std::string, std::string> values;  // by member
  std::map<std::string, bool> flags;
};

std::string target_of(const Act& act, const Given& given) {
  std::string path =
      given.subject.empty() && !act.path_without_subject.empty() ? act.path_without_subject : act.path;
  if (const auto at = path.find("{}"); at != std::string::npos)
    path.replace(at, 2, percent_encode(given.subject));
  add_to_query(path, "session", given.session);
  if (act.method == "GET") {
    for (const auto& [member, value] : given.values) add_to_query(path, member, value);
  }
  return path;
}

std::string body_of(const Act& act, const Given& given) {
  if (act.method != "POST" && act.method != "PUT") return {};
  json::object body;
  for (const auto& [member, value] : given.values) {
    if (!value.empty()) body[member] = value;
  }
  for (const auto& [member, value] : given.flags) {
    if (value) body[member] = true;
  }
  return json::serialize(body);
}

/// Whether the service is only busy: it says when to ask again, and nothing was done.
std::optional<seconds> wait_of(const proto::Problem& problem) {
  constexpr std::string_view busy[] = {"one_at_a_time", "lists_busy", "too_many_people", "too_many_looks"};
  constexpr seconds longest{60};
  if (std::ranges::find(busy, problem.error) == std::end(busy)) return std::nullopt;
  const seconds wait(number_of(problem.extra, "retry_after"));
  return wait < seconds(0) || wait > longest ? std::nullopt : std::optional(wait);
}

/// Asks; and again when it is this user's turn, for some minutes.
Result<Reply> ask_patiently(const Http& http, const Request& request) {
  constexpr int max_times = 30;
  for (int times = 1;; ++times) {
    auto reply = call(http, request);
    if (!reply || !reply->refusal) return reply;
    const auto wait = wait_of(*reply->refusal);
    if (!wait || times == max_times) return reply;
    std::this_thread::sleep_for(*wait);
  }
}

/// Puts the rows of one more page behind those before.
void add_page(json::object& whole, const std::vector<std::string>& lists, json::object page) {
  for (const auto& list : lists) {
    auto* to = whole.if_contains(list);
    auto* from = page.if_contains(list);
    if (to == nullptr || from == nullptr || !to->is_array() || !from->is_array()) continue;
    auto& rows = to->get_array();
    auto& more = from->get_array();
    rows.insert(rows.end(), more.begin(), more.end());
  }
}

/// Times that people wrote, as the service takes them. Errors: invalid_argument.
Result<void> write_moments(const Act& act, Given& given) {
  for (const auto& option : act.options) {
    if (!option.is_moment || given.values[option.member].empty()) continue;
    auto& text = given.values[option.member];
    const auto moment = moment_here(text, system_clock().wall());
    if (!moment) return Error{Errc::invalid_argument, option.flag + ": " + moment.error().context};
    text = to_rfc3339(*moment);
  }
  return {};
}

int run_act(const Cli& cli, const Act& act, Given given) {
  if (const auto good = write_moments(act, given); !good) return say_usage(cli, good.error().context);
  const std::string body = body_of(act, given);
  const bool all_pages = act.all_pages && act.all_pages();
  if (all_pages && cli.json) return say_usage(cli, "give either --csv or --json, not both");
  const Http http(act.as_root ? policy_socket(cli, given.session) : cli.socket);
  const auto ask = [&] {
    return ask_patiently(http, {.method = act.method,
                                .target = target_of(act, given),
                                .body = body,
                                .content_type = body.empty() ? std::string_view() : "application/json"});
  };
  for (;;) {
    auto reply = ask();
    while (reply && !reply->refusal && !act.whole_lists.empty()) {
      given.values["after"] = text_of(reply->body, "next");
      if (given.values["after"].empty()) break;
      auto page = ask();
      if (!page || page->refusal) {
        reply = std::move(page);  // part of a list would pass for the whole
        break;
      }
      const auto next = page->body["next"];
      add_page(reply->body, act.whole_lists, std::move(page->body));
      reply->body["next"] = next;
    }
    // Of an act the service says what was done, what happens next and who was told.
    const bool told = reply && !text_of(reply->body, "message").empty();
    const int said = say_reply(
        cli, reply, told ? [](const json::object& answer) { say(text_of(answer, "message")); } : act.tell);
    if (said != exit_ok) return said;
    const auto next = all_pages ? text_of(reply->body, "next") : std::string();
    if (next.empty()) return act.exit_code ? act.exit_code(reply->body) : exit_ok;
    given.values["after"] = next;
  }
}

}  // namespace

CLI::App* add_act(CLI::App& group, Cli& cli, Act act) {
  auto* command = add_command(group, act.name, act.what, act.example, usual_exit_codes);
  auto given = std::make_shared<Given>();
  if (!act.subject.empty())
    command->add_option(act.subject, given->subject, act.subject_help)
        ->required(act.path_without_subject.empty());
  for (const auto& option : act.options) {
    if (option.yes_or_no) {
      command->add_flag(option.flag, given->flags[option.member], option.help);
    } else {
      auto* added = command->add_option(option.flag, given->values[option.member], option.help);
      if (option.required) added->required();
    }
  }
  if (!act.without_session) command->add_option("--session", given->session, session_help);
  auto kept = std::make_shared<Act>(std::move(act));
  command->callback(
      [&cli, kept, given] { cli.action = [&cli, kept, given] { return run_act(cli, *kept, *given); }; });
  return command;
}

ActOption reason_option() {
  return {"--reason", "reason", "Why, in a sentence. It is recorded", true, false};
}

ActOption person_option(bool required) {
  return {"--person", "person", person_help, required, false};
}

std::string span_text(const json::object& row) {
  const auto from = day_of(row, "valid_from");
  const auto until = day_of(row, "valid_until");
  return (from.empty() ? "" : " from " + from) + (until.empty() ? "" : " until " + until);
}

std::string step_line(const json::object& row, std::string_view word, std::string_view by,
                      std::string_view on) {
  const auto who = who_of(row, by);
  if (who.empty()) return {};
  const auto day = day_of(row, on);
  return fmt::format("\n    {} by {}{}", word, who, day.empty() ? "" : " on " + day);
}

std::string card_line(const json::object& card) {
  const auto status = text_of(card, "status");
  std::string text = fmt::format("Card {}: {}{}", text_of(card, "uuid"), status, span_text(card));
  const auto add = [&](std::string_view word, std::string_view member) {
    if (const auto who = who_of(card, member); !who.empty()) text += fmt::format(", {} {}", word, who);
  };
  add("registered by", "registered_by");
  add("confirmed by", "confirmed_by");
  if (const auto until = text_of(card, "loan_ends_at"); !until.empty())
    text += ", lent until " + local_time(until);
  if (status == "waiting") text += ". A second member of the team must confirm it: cardgate staff give-card";
  return text;
}

bool is_open_card(const json::object& card) {
  const auto status = text_of(card, "status");
  return status == "active" || status == "waiting";
}

namespace {

std::string_view state_words(std::string_view state) {
  if (state == "submitted") return "sent, waits for the line manager to verify it";
  if (state == "verified") return "verified, waits for the team to approve it";
  return state;
}

}  // namespace

std::string form_line(const json::object& form) {
  std::string text =
      fmt::format("Form {}: {} for {}: {}{}", number_of(form, "id"), text_of(form, "role_title"),
                  who_of(form, "person"), state_words(text_of(form, "state")), span_text(form));
  text += step_line(form, "asked for", "requested_by", "requested_on");
  if (const auto reason = text_of(form, "reason"); !reason.empty()) text += ": " + reason;
  text += step_line(form, "verified", "verified_by", "verified_on");
  text += step_line(form, "approved", "approved_by", "approved_on");
  text += step_line(form, text_of(form, "state") == "rejected" ? "rejected" : "withdrawn", "closed_by",
                    "closed_on");
  if (const auto reason = text_of(form, "closed_reason"); !reason.empty()) text += ": " + reason;
  return text;
}

bool is_open_form(const json::object& form) {
  const auto state = text_of(form, "state");
  return state == "submitted" || state == "verified";
}

bool runs(const json::object& row) {
  const auto until = parse_date(text_of(row, "valid_until"));
  return !is_true(row, "revoked") && (!until || *until >= date_of(system_clock().wall()));
}

void say_list(const json::object& body, std::string_view member, std::string_view none,
              const std::function<std::string(const json::object&)>& line,
              const std::function<bool(const json::object&)>& comes_first) {
  const auto* rows = find_array(body, member);
  std::vector<const json::object*> shown;
  if (rows != nullptr) {
    for (const auto& row : *rows) {
      if (const auto* object = row.if_object()) shown.push_back(object);
    }
  }
  if (shown.empty() && !none.empty()) say(none);
  if (comes_first) std::ranges::stable_partition(shown, [&](const auto* row) { return comes_first(*row); });
  for (const auto* row : shown) say(line(*row));
}

}  // namespace cardgate::client
