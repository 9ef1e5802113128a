// SPDX-License-Identifier: Apache-2.0
#include "daemon/work/messages.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/day_text.hpp"
#include "policy/decide.hpp"
#include "policy/lack.hpp"

namespace cardgate::daemon {

std::string called(const RecordOf& record_of, const std::string& id) {
  if (id == reg::root_name || id == reg::root_by_set_up) return "the machine's administrator";
  const auto record = record_of(id);
  return record && !record->name.empty() ? fmt::format("{} ({})", record->name, id) : id;
}

namespace work {
namespace {

std::string title_of(const policy::Policy& policy, const std::string& role_name) {
  const auto* role = policy.role(role_name);
  return role == nullptr ? role_name : role->title;
}

std::string told(const reg::Person& person) {
  return fmt::format(" {} was told.", person.name);
}

std::string days_of(const std::optional<Date>& from, const std::optional<Date>& until) {
  return (from ? " from " + day_text(*from) : "") + (until ? " until " + day_text(*until) : "");
}

/// " Anna Bell can use Core ESR now.", or what is still missing on that day.
std::string access_now(const Teller& by, const reg::Person& person, const std::string& role_name,
                       const std::optional<Date>& from) {
  const auto* role = by.policy.role(role_name);
  if (role == nullptr) return {};
  const WallTime when = from ? std::max(by.now, by.policy.calendar().start_of(*from)) : by.now;
  const auto facts = to_facts_with_best_card(person, by.record_of);
  const auto way = role->accepts(policy::SignIn::card) ? policy::SignIn::card : policy::SignIn::password;
  const auto decision = policy::decide(by.policy, facts, {role_name, way}, when);
  if (decision.allowed) {
    return when > by.now ? fmt::format(" {} can use {} from {}.", person.name, role->title, day_text(*from))
                         : fmt::format(" {} can use {} now.", person.name, role->title);
  }
  std::string missing;
  for (const auto& unmet : decision.unmet)
    missing += (missing.empty() ? "" : ", ") + std::string(policy::lack(unmet.prerequisite));
  return fmt::format(" To use {}, {} still needs: {}.", role->title, person.name, missing);
}

std::string who_verifies(const Teller& by, const reg::Person& person) {
  const bool own = by.actor == person.id;
  if (person.line_manager.empty()) {
    return fmt::format(
        " No line manager is on record for {}, so it cannot be verified yet. Ask the {} to name one.",
        own ? "you" : person.name, by.policy.contacts().employment);
  }
  if (person.line_manager == by.actor)
    return " Next: somebody who stands in for you verifies it, because you asked for it yourself.";
  return fmt::format(" Next: {} line manager, {}, verifies it.", own ? "your" : "the",
                     called(by.record_of, person.line_manager));
}

}  // namespace

std::string after_form(const Teller& by, const reg::Person& person, const reg::Form& form) {
  using State = reg::Form::State;
  const bool own = by.actor == person.id;
  const std::string title = title_of(by.policy, form.role);
  const std::string lead =
      fmt::format("Form {} ({}{}) is ", form.id, title, own ? "" : " for " + person.name);
  const std::string tells = own ? "" : told(person);
  const std::string tells_why = own ? "" : fmt::format(" {} was told, with your reason.", person.name);
  switch (form.state) {
    case State::submitted:
      return lead + "sent." + who_verifies(by, person) + tells;
    case State::verified:
      return lead + fmt::format("verified. Next: the {} approves it.", by.policy.contacts().access_team) +
             tells;
    case State::approved:
      return lead + "approved." + access_now(by, person, form.role, form.valid_from) + tells;
    case State::rejected:
      return lead + "rejected." + tells_why;
    case State::withdrawn:
      return lead + "withdrawn. Any access that it gave has ended." + tells_why;
  }
  return lead + "changed.";
}

std::string after_delegation(const Teller& by, const reg::Person& person, const reg::Delegation& given) {
  return fmt::format("Delegation {}: {} can act in {} for your staff{}.", given.id, person.name,
                     title_of(by.policy, given.role), days_of(given.valid_from, given.valid_until)) +
         access_now(by, person, given.role, given.valid_from) + told(person);
}

std::string after_acting(const Teller& by, const reg::Person& person, const reg::Acting& acting) {
  return fmt::format("Stand-in {}: {} stands in for {}{}.", acting.id, person.name,
                     acting.manager == by.actor ? "you" : called(by.record_of, acting.manager),
                     days_of(acting.valid_from, acting.valid_until)) +
         told(person);
}

std::string after_removal(const Teller& by, const reg::Person& person, const reg::Removal& removal) {
  using State = reg::Removal::State;
  const auto& team = by.policy.contacts().access_team;
  switch (removal.state) {
    case State::requested:
      return fmt::format(
          "Removal {} is asked for. Next: the {} decides. Until then {} can still work, and is not told.",
          removal.id, team, person.name);
    case State::done:
      return fmt::format(
          "{}'s access is stopped and their sessions are ended. At the next sign-in {} reads that access is "
          "paused, but not why.",
          person.name, person.name);
    case State::declined:
      return fmt::format(
          "Removal {} is declined, so {} keeps their access. Please tell {}, who asked for it.", removal.id,
          person.name, called(by.record_of, removal.requested_by));
    case State::restoring:
      return fmt::format(
          "You asked to give {}'s access back. Next: a second member of the {} must agree: cardgate removal "
          "restore --person {} --reason REASON",
          person.name, team, person.id);
    case State::restored:
      return fmt::format("{}'s access is given back, so they can sign in again. Please tell them.",
                         person.name);
  }
  return {};
}

std::string after_change(const Teller& by, const reg::Person& person, const StaffChange& change,
                         const std::string& joined, const std::string& left, bool was_told) {
  std::string text;
  const auto add = [&](const std::string& sentence) { text += (text.empty() ? "" : " ") + sentence; };
  const auto& name = person.name;
  if (change.name) add(fmt::format("The name of {} is now {}.", person.id, name));
  if (change.username) add(fmt::format("The user name of {} is changed.", name));
  if (change.line_manager) {
    add(person.line_manager.empty()
            ? fmt::format("{} has no line manager now, so their forms cannot be verified.", name)
            : fmt::format("{}'s line manager is now {}.", name, called(by.record_of, person.line_manager)));
  }
  if (change.employed_from) {
    add(fmt::format(
        "{} is employed from {}. Forms and cards of a former employment no longer count: they need new ones.",
        name, day_text(*change.employed_from)));
  }
  if (change.employed_until)
    add(fmt::format("{}'s last day is {}. Access ends by itself after that day.", name,
                    day_text(*change.employed_until)));
  if (change.no_employed_until) add(fmt::format("{} has no last day of employment now.", name));
  if (change.no_leave) {
    add(fmt::format("{} is no longer on leave.", name));
  } else if (change.leave_from || change.leave_until || change.no_leave_until) {
    add(fmt::format("{} is on leave{}, without access in that time.", name,
                    days_of(person.leave_from, person.leave_until)));
  }
  if (!joined.empty()) add(fmt::format("{} is now a member of the team {}.", name, joined));
  if (!left.empty()) add(fmt::format("{} is no longer a member of the team {}.", name, left));
  return was_told ? text + told(person) : text;
}

std::string after_card(const Teller& by, const reg::Person& person, const std::string& uuid) {
  const auto card = std::ranges::find(person.cards, uuid, &reg::Card::uuid);
  if (card == person.cards.end()) return {};
  if (card->status == "waiting") {
    return fmt::format(
        "Card {} is registered to {}, but does not work yet, because {} decides for others.{} Next: a second "
        "member of the {} confirms it: cardgate staff give-card {} --card {} --reason REASON",
        uuid, person.name, person.name, told(person), by.policy.contacts().access_team, person.id, uuid);
  }
  if (card->status == "active")
    return fmt::format("{} can use card {} now.", person.name, uuid) + told(person);
  return fmt::format("{}'s card {} is recorded as {}. It is refused everywhere from now on.", person.name,
                     uuid, card->status) +
         told(person);
}

std::string after_loan(const Teller& by, const reg::Person& person, const std::string& uuid) {
  const auto card = std::ranges::find(person.cards, uuid, &reg::Card::uuid);
  if (card == person.cards.end() || !card->lent_until) return {};
  const auto until = by.policy.calendar().moment_text(*card->lent_until);
  if (card->status == "waiting") {
    return fmt::format(
        "Card {} is lent to {} until {}, but does not work yet, because {} decides for others.{} Next: a "
        "second member of the {} does the same.",
        uuid, person.name, until, person.name, told(person), by.policy.contacts().access_team);
  }
  return fmt::format(
      "{} can use card {} until {}.{} Tell them its passcode: before they can sign in they have to choose a "
      "new "
      "one (cardgate card change-passcode), at best here. When the card is back: cardgate staff return-card "
      "{}. "
      "Their own card goes on working. If it is lost, stop it: cardgate staff stop-card {} --status lost "
      "--reason REASON",
      person.name, uuid, until, told(person), uuid, person.id);
}

}  // namespace work
}  // namespace cardgate::daemon
