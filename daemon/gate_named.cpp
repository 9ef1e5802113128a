// SPDX-License-Identifier: Apache-2.0
// Where a person's number is asked, a name will do. Who asks is looked at before what is asked: nobody learns of people whom
// their roles do not open to them, but a line manager's own staff are always theirs to name and to be shown.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "daemon/gate.hpp"
#include "daemon/people/answers.hpp"
#include "daemon/people/people_named.hpp"

namespace cardgate::daemon {
namespace {

std::string choices_text(const std::vector<reg::Register::Named>& choices) {
  std::string text;
  for (const auto& one : choices)
    text += fmt::format("{}{} ({})", text.empty() ? "" : ", ", one.name, one.id);
  return text;
}

Response not_one_person(const std::string& text, const PeopleNamed& found) {
  json::array choices;
  for (const auto& one : found.choices) choices.push_back(person_json(one.id, one.name));
  const auto listed = choices_text(found.choices);
  const auto asked = audit::clean(text, max_shown_text);
  if (!found.fit.empty()) {
    return problem(409, "person_ambiguous",
                   fmt::format("Several people are called '{}'. Give the personnel number{}{}.", asked,
                               listed.empty() ? "" : ": ", listed),
                   {{"choices", std::move(choices)}});
  }
  return problem(
      404, "person_unknown",
      fmt::format(
          "The register has no person with the personnel number '{}', and no person whom you may name "
          "is called that.{}{}{}",
          asked, listed.empty() ? "" : " Give the whole name or the personnel number: ", listed,
          listed.empty() ? "" : "."),
      {{"choices", std::move(choices)}});
}

}  // namespace

boost::asio::awaitable<Gate::Meant> Gate::person_meant(const Request& request, std::string text,
                                                       policy::Act act, Whom whom) {
  Meant out{text, std::nullopt};
  // A number, and what the register cannot tell now, are the caller's business.
  const auto known = staff_->name_of(text);
  if (known || known.error().code != Errc::not_found) co_return out;
  NameAsk ask{.text = std::move(text), .me = {}, .managers = {}, .sees_all = true, .anybody = false};
  Actor who;
  if (request.peer->admin_socket) {
    who.person = reg::root_name;
  } else {
    who = may(request, act, {});
    const bool has_role = !who.refusal;
    const auto& facts = who.reach.facts;
    // Nobody signed in by card, or nobody there is whom they might name: the call itself says so.
    if (who.reach.policy == nullptr) co_return out;
    if (!has_role && !facts.is_line_manager && facts.acting.empty()) co_return out;
    ask.me = who.person;
    ask.sees_all = false;
    ask.anybody = has_role && whom == Whom::anybody;
    for (auto& manager : policy::managers_of(facts, now())) ask.managers.push_back(std::move(manager.id));
    for (const auto* role : who.reach.roles) {
      if (!has_role) break;
      ask.sees_all = ask.sees_all || role->records == "all" || role->records == "by-function";
      for (auto& manager : policy::managers_in_scope(*role, facts, now()))
        ask.managers.push_back(std::move(manager.id));
    }
  }
  auto begun = dear_calls_.begin(request.peer->counted_as, who.person, clock_.boot());
  if (!begun.turn) {
    out.refusal = std::move(begun.refusal);
    co_return out;
  }
  const bool had_role = !who.refusal;
  RegisterThreads::LongWork<PeopleNamed> looking =
      [ask](const std::filesystem::path& file, const std::atomic<bool>& stop) -> Result<PeopleNamed> {
    const auto staff = TRY(reg::open_sqlite_again(file));
    return people_named(*staff, ask, stop);
  };
  auto found = co_await register_.look<PeopleNamed>(std::move(looking));
  if (!found) {
    out.refusal = register_unavailable(found.error());
    co_return out;
  }
  begun.turn->read(found->read / names_per_person, clock_.boot());
  if (found->fit.size() == 1) {
    out.id = found->fit.front().id;
    co_return out;
  }
  // What lets them see others may have ended while the names were read.
  if (!request.peer->admin_socket) {
    const Actor again = may(request, act, {});
    const bool same = again.session == who.session && again.reach.policy != nullptr;
    if (!same || (had_role && again.refusal)) co_return out;
  }
  if (!found->choices.empty()) {
    std::vector<std::string> seen;
    for (const auto& one : found->choices) seen.push_back(one.id);
    if (auto no = note_list(request, who, seen, "choices of a name")) {
      out.refusal = std::move(no);
      co_return out;
    }
  }
  out.refusal = not_one_person(ask.text, *found);
  co_return out;
}

}  // namespace cardgate::daemon
