// SPDX-License-Identifier: Apache-2.0
#include "daemon/deeds/actors.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/number.hpp"
#include "daemon/people/answers.hpp"
#include "daemon/people/teams.hpp"

namespace cardgate::daemon {

Actor Actors::myself(const Request& request) {
  Actor who;
  who.client = describe(*request.peer);
  const std::string* wanted = request.parameter("session");
  auto chosen = sessions_.choose(*request.peer, wanted == nullptr ? std::string() : *wanted);
  if (chosen.refusal) {
    who.refusal = std::move(chosen.refusal);
    return who;
  }
  const Session& session = *chosen.session;
  who.person = session.person;
  who.session = session.id;
  who.card = session.card;
  if (const auto me = roll_.person(who.person)) {
    const auto& cards = (*me)->record.cards;
    if (const auto used = std::ranges::find(cards, who.card, &reg::Card::uuid); used != cards.end()) {
      who.card_by = used->registered_by;
      who.by_one_person = used->by_one_person();
    }
  } else {
    who.refusal = register_unavailable(me.error());
    return who;
  }
  if (session.sign_in != policy::SignIn::card) {
    who.refusal =
        problem(403, "card_needed",
                "This needs your card: a password is not enough. Sign in with your card: cardgate login");
  } else if (const Halt why = halt(session); why != Halt::none) {
    who.refusal = halted(why, session, {});
  }
  return who;
}

void Actors::stop_without_card(Actor& who) {
  const Session& session = *sessions_.find(who.session);
  who.in_person = true;
  const Halt why = halt(session, {}, clock_.boot());
  if (why == Halt::none) return;
  who.needs_proof = needs_proof(why);
  who.refusal = halted(why, session, {});
}

Actor Actors::in_person(const Request& request, std::string_view what, std::optional<policy::Act> act) {
  Actor who = myself(request);
  if (who.refusal) return who;
  stop_without_card(who);
  if (!who.refusal) {
    sessions_.used(who.session);
    return who;
  }
  if (act) {
    if (Actor by_role = shows(request, *act, {}); !by_role.refusal) return by_role;
  }
  if (who.needs_proof && !what.empty()) sessions_.step_up_needed(who.session, what);
  return who;
}

void Actors::uses_role(const Actor& who) {
  const Session* session = sessions_.find(who.session);
  const policy::Role* role = rules_.policy()->role(who.role);
  if (session != nullptr && role != nullptr)
    sessions_.used_in(who.session, who.role, session->asked_by(*role));
}

Actor Actors::actor(const Request& request, policy::Act act, const std::string& subject) {
  return told(request, may_do(request, act, subject, false));
}

Actor Actors::sees_everybody(const Request& request, policy::Act act, bool tells) {
  Actor who = may_do(request, act, {}, true);
  return tells ? told(request, std::move(who)) : who;
}

Actor Actors::shows(const Request& request, policy::Act act, const std::string& subject) {
  Actor who = may(request, act, subject);
  if (!who.refusal) uses_role(who);
  return who;
}

Actor Actors::told(const Request& request, Actor who) {
  if (!who.why.empty()) {
    audit::Record record;
    record.event = name_of(audit::Event::client_refused);
    record.person = who.person;
    record.session = who.session;
    record.reason = fmt::format("{}: {}", policy::name(*who.act), who.why);
    if (!who.subject.empty()) record.details["subject"] = who.subject;
    recorder_.refuse(*request.peer, std::move(record));
  }
  if (who.needs_proof) sessions_.step_up_needed(who.session, policy::name(*who.act));
  if (!who.refusal) uses_role(who);
  return who;
}

Actor Actors::refused(Actor who, Response answer, std::string why) {
  who.why = std::move(why);
  who.refusal = std::move(answer);
  return who;
}

std::optional<Response> Actors::refuse_in_downtime(const Actor& who) {
  if (!who.role.empty() || !downtime_.closing().sessions) return std::nullopt;
  const auto me = roll_.person(who.person);
  return downtime_.refusal(me ? (*me)->facts.teams : std::vector<std::string>());
}

std::optional<Response> Actors::refuse_without_role(Actor& who, const Session& session, policy::Act act) {
  const policy::Role* nearest = nullptr;  // the role that lacks least
  std::vector<policy::Unmet> unmet;
  bool rests = false;  // a role that would do is closed by a downtime
  for (const auto& role : rules_.policy()->roles()) {
    if (!role.lets(act)) continue;
    if (downtime_.closed(role, session.signed_in)) {
      rests = true;
      continue;
    }
    auto decision =
        policy::decide(*rules_.policy(), who.reach.facts, {role.name, session.sign_in}, clock_.now());
    const auto longest = session.asked_by(role).max_session;
    if (decision.allowed && (!longest || clock_.now() < session.signed_in + *longest))
      who.reach.roles.push_back(&role);
    if (nearest == nullptr || decision.unmet.size() < unmet.size()) {
      nearest = &role;
      unmet = std::move(decision.unmet);
    }
  }
  if (!who.reach.roles.empty()) return std::nullopt;
  if (rests) return downtime_.refusal(who.reach.facts.teams);
  std::string text = "No role of this policy allows this. Ask the people who run this machine.";
  if (nearest != nullptr) {
    text = unmet.empty() ? fmt::format("Your time in the role {} is over. Sign in again: cardgate login",
                                       nearest->title)
                         : fmt::format("You need the role {} for this.", nearest->title);
  }
  json::object more{{"unmet", to_json(unmet)}};
  if (nearest != nullptr) more["guidance"] = to_json(rules_.policy()->guidance(*nearest));
  add_continuity(more, rules_.config().downtime, who.reach.facts.teams, roll_.staff());
  return problem(403, "role_needed", std::move(text), std::move(more));
}

namespace {

bool opens_all_records(const policy::Role* role) {
  return role->records == "all" || role->records == "by-function";
}

}  // namespace

Actor Actors::may_do(const Request& request, policy::Act act, const std::string& subject, bool all_records) {
  Actor who = myself(request);
  if (who.refusal) return who;
  who.act = act;
  who.subject = subject;
  const Session& session = *sessions_.find(who.session);
  const auto facts = sessions_.facts_for(session);
  if (!facts) return refused(std::move(who), register_unavailable(facts.error()), "register");
  who.reach = {rules_.policy(), *facts, {}, clock_.today()};
  if (auto no = refuse_without_role(who, session, act))
    return refused(std::move(who), std::move(*no), "no role lets them");
  if (act != policy::Act::see_people) {
    if (auto no = refuse_card_of_one(who))
      return refused(std::move(who), std::move(*no), "the card was registered by one person");
  }
  auto held = who.reach.roles;
  if (all_records) std::erase_if(held, std::not_fn(opens_all_records));
  if (held.empty()) {
    auto answer = problem(403, "record_not_yours",
                          "Your role shows you your own team only. See it: cardgate staff team");
    return refused(std::move(who), std::move(answer), "own team only");
  }
  if (subject.empty()) return in_one_of(std::move(who), session, held);
  const auto other = roll_.person(subject);
  if (!other) return refused(std::move(who), no_person(other.error(), subject), "unknown person");
  const auto& manager = (*other)->record.line_manager;
  std::vector<const policy::Role*> fitting;
  std::ranges::copy_if(held, std::back_inserter(fitting), [&](const policy::Role* each) {
    return policy::in_scope(*each, who.reach.facts, subject, manager, clock_.today());
  });
  if (fitting.empty()) {
    auto answer = problem(403, "record_not_yours",
                          fmt::format("In the role {} you can only work with your own staff and the staff "
                                      "you act for. This person is not one of them.",
                                      held.front()->title));
    return refused(std::move(who), std::move(answer), "out of scope");
  }
  return in_one_of(std::move(who), session, fitting);
}

Actor Actors::in_one_of(Actor who, const Session& session, const std::vector<const policy::Role*>& roles) {
  const auto why = [&](const policy::Role* role) {
    return halt(session, session.asked_by(*role, *rules_.policy(), *who.act), clock_.boot());
  };
  const auto open =
      std::ranges::find_if(roles, [&](const policy::Role* role) { return why(role) == Halt::none; });
  if (open == roles.end()) {
    const Halt stop = why(roles.front());
    who.needs_proof = needs_proof(stop);
    auto answer = halted(stop, session, session.asked_by(*roles.front(), *rules_.policy(), *who.act));
    return refused(std::move(who), std::move(answer), std::string(halt_code(stop)));
  }
  who.role = (*open)->name;
  std::erase_if(who.reach.roles, [&](const policy::Role* role) { return why(role) != Halt::none; });
  return who;
}

Actor Actors::line_manager_of(const Request& request, const std::string& subject) {
  Actor who = manager_of(request, subject);
  if (who.needs_proof) sessions_.step_up_needed(who.session, "line-manager");
  return who;
}

Actor Actors::line_manager_or(const Request& request, policy::Act act, const std::string& subject) {
  Actor manager = manager_of(request, subject);
  if (!manager.refusal) return manager;
  // A role may do without the card what the line manager does with the card alone.
  if (manager.needs_proof && may(request, act, subject).refusal) {
    sessions_.step_up_needed(manager.session, "line-manager");
    return manager;
  }
  return actor(request, act, subject);
}

Actor Actors::manager_of(const Request& request, const std::string& subject) {
  Actor who = myself(request);
  if (who.refusal) return who;
  const auto mine = sessions_.facts_for(*sessions_.find(who.session));
  if (!mine) {
    who.refusal = register_unavailable(mine.error());
    return who;
  }
  const policy::Facts& facts = *mine;
  const auto other = subject.empty() ? Result<std::shared_ptr<const Person>>(Error{Errc::not_found, {}})
                                     : roll_.person(subject);
  // Somebody unknown and somebody else's staff are answered alike.
  if (!other || !policy::manages(facts, (*other)->record.line_manager, clock_.today())) {
    who.refusal = problem(
        403, "record_not_yours",
        "There is no form with that number for you to verify. Only the person's line manager, or somebody "
        "who stands in for the line manager, verifies it. The forms that wait for you: cardgate form list");
    return who;
  }
  if (auto no = refuse_card_of_one(who)) {
    who.refusal = std::move(no);
    return who;
  }
  stop_without_card(who);
  if (who.refusal) return who;
  who.manager = (*other)->record.line_manager;
  who.subject = subject;
  sessions_.used(who.session);
  return who;
}

std::optional<Response> Actors::refuse_card_of_one(const Actor& who) {
  if (!who.by_one_person) return std::nullopt;
  return problem(
      403, "card_unconfirmed",
      fmt::format("Only one person ({}) registered the card you use. Because you decide for others, a second "
                  "member of the team must confirm it: cardgate staff give-card {} --card {} --reason REASON",
                  who.card_by, who.person, who.card));
}

std::optional<Response> Actors::refuse_if_over(const Actor& who) {
  const Session* session = sessions_.find(who.session);
  if (session == nullptr)
    return problem(
        401, "no_session",
        "Your session ended before this was done. Nothing was changed. Sign in again: cardgate login");
  if (halt_of(who, *session) != Halt::none)
    return problem(423, "session_locked",
                   "Your session was locked before this was done, or its card was taken out. Nothing was "
                   "changed. Unlock it: "
                   "cardgate login");
  const policy::Role* role = rules_.policy()->role(who.role);
  if (role != nullptr && downtime_.closed(*role, session->signed_in))
    return downtime_.refusal(who.reach.facts.teams);
  const auto right = work::still_holds(right_of(who), roll_.records(), clock_.now());
  return right ? std::nullopt : std::optional(not_possible(right.error()));
}

/// After a wait. The age of a proof was looked at before it, and is not asked again: nobody can give one meanwhile.
Halt Actors::halt_of(const Actor& who, const Session& session) const {
  const policy::Role* role = rules_.policy()->role(who.role);
  if (role == nullptr) return who.in_person ? halt(session, {}, clock_.boot()) : halt(session);
  Terms terms = session.asked_by(*role);
  terms.step_up_age.reset();
  return halt(session, terms, clock_.boot());
}

work::Right Actors::right_of(const Actor& who) const {
  return {rules_.policy(), who.person, who.card, who.act, who.role, !who.manager.empty(), who.subject};
}

std::function<Result<void>(reg::Register&)> Actors::still_allowed(
    const Actor& who, std::shared_ptr<const WaitingActs::Act> act) {
  return [right = right_of(who), act = std::move(act),
          at = clock_.now()](reg::Register& staff) -> Result<void> {
    if (act->over()) {
      return Error{Errc::permission_denied,
                   "Your session ended or was locked, or your right to do this ended, before this was done. "
                   "Nothing was changed"};
    }
    return work::still_holds(right, [&staff](const std::string& id) { return staff.person(id); }, at);
  };
}

Owner Actors::owner_of(reg::Register::Relation relation, const std::string& number, std::string_view what) {
  const auto people = roll_.staff().people_by(relation, number);
  if (!people) return {{}, 0, register_unavailable(people.error())};
  const auto id = whole_number<std::int64_t>(number);
  if (people->empty() || !id) {
    const std::string_view group = what == "stand-in" ? "delegation" : what;
    return {{},
            0,
            problem(404, "not_found",
                    fmt::format("There is no {} {}. See the list: cardgate {} list", what,
                                id ? std::to_string(*id) : std::string("with that number"), group))};
  }
  return {people->front(), *id, std::nullopt};
}

bool Actors::is_me(const Request& request, const std::string& id) {
  const Actor who = myself(request);
  return !who.refusal && who.person == id;
}

Actor Actors::may_give_codes(const Request& request, const std::string& subject) {
  Actor who = myself(request);
  if (who.refusal) return who;
  if (who.person != subject) return actor(request, policy::Act::give_codes, subject);
  audit::Record record;
  record.event = name_of(audit::Event::client_refused);
  record.person = who.person;
  record.reason = "own";
  recorder_.refuse(*request.peer, std::move(record));
  who.refusal =
      problem(403, "not_yours_to_do",
              "You cannot give a code or a password to yourself. Ask a colleague at the help desk.");
  return who;
}

}  // namespace cardgate::daemon
