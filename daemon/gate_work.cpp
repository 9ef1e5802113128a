// SPDX-License-Identifier: Apache-2.0
// People's work: who may do what with whom, carried out so that the audit log has it first.
#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/post.hpp>

#include "base/number.hpp"
#include "daemon/gate.hpp"
#include "daemon/journal.hpp"
#include "daemon/people/answers.hpp"
#include "daemon/work/facts.hpp"

namespace cardgate::daemon {

Gate::Actor Gate::myself(const Request& request) {
  Actor who;
  who.client = describe(*request.peer);
  const std::string* wanted = request.parameter("session");
  auto chosen = choose_session(*request.peer, wanted == nullptr ? std::string() : *wanted);
  if (chosen.refusal) {
    who.refusal = std::move(chosen.refusal);
    return who;
  }
  const Session& session = *chosen.session;
  who.person = session.person;
  who.session = session.id;
  who.card = session.card;
  if (const auto me = person(who.person)) {
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
  } else if (session.locked || session.card_out) {
    who.refusal = problem(
        423, "session_locked",
        "Your session is locked, or its card is out. Put the card in and type the passcode: cardgate login");
  }
  return who;
}

Gate::Actor Gate::actor(const Request& request, policy::Act act, const std::string& subject) {
  Actor who = may(request, act, subject);
  if (!who.why.empty()) {
    audit::Record record;
    record.event = "client_refused";
    record.person = who.person;
    record.session = who.session;
    record.reason = fmt::format("{}: {}", policy::name(act), who.why);
    if (!subject.empty()) record.details["subject"] = subject;
    refuse(*request.peer, std::move(record));
  }
  if (!who.refusal) {
    sessions_.used(who.session, clock_.boot(), policy_->role(who.role)->idle);
    on_deadline_changed();
  }
  return who;
}

Gate::Actor Gate::may(const Request& request, policy::Act act, const std::string& subject) {
  Actor who = myself(request);
  if (who.refusal) return who;
  who.act = act;
  who.subject = subject;
  const auto refused = [&](Response answer, std::string reason) {
    who.why = std::move(reason);
    who.refusal = std::move(answer);
    return who;
  };
  const Session& session = *sessions_.find(who.session);
  const auto facts = facts_for(session);
  if (!facts) return refused(register_unavailable(facts.error()), "register");
  who.reach = {policy_, **facts, {}, now()};
  auto& held = who.reach.roles;
  const policy::Role* nearest = nullptr;  // the role that lacks least
  std::vector<policy::Unmet> unmet;
  for (const auto& role : policy_->roles()) {
    if (!role.lets(act)) continue;
    auto decision = policy::decide(*policy_, who.reach.facts, {role.name, session.sign_in}, now());
    if (decision.allowed && now() < session.auth_time + role.max_session) held.push_back(&role);
    if (nearest == nullptr || decision.unmet.size() < unmet.size()) {
      nearest = &role;
      unmet = std::move(decision.unmet);
    }
  }
  if (held.empty()) {
    std::string text = "No role of this policy allows this. Ask the people who run this machine.";
    if (nearest != nullptr) {
      text = unmet.empty() ? fmt::format("Your time in the role {} is over. Sign in again: cardgate login",
                                         nearest->title)
                           : fmt::format("You need the role {} for this.", nearest->title);
    }
    return refused(problem(403, "role_needed", std::move(text), {{"unmet", to_json(unmet)}}),
                   "no role lets them");
  }
  if (act != policy::Act::see_people) {
    if (auto no = refuse_card_of_one(who))
      return refused(std::move(*no), "the card was registered by one person");
  }
  if (subject.empty()) {
    who.role = held.front()->name;
    return who;
  }
  const auto other = person(subject);
  if (!other) return refused(no_person(other.error(), subject), "unknown person");
  const auto& manager = (*other)->record.line_manager;
  const auto role = std::ranges::find_if(held, [&](const policy::Role* each) {
    return policy::in_scope(*each, who.reach.facts, subject, manager, now());
  });
  if (role == held.end()) {
    return refused(problem(403, "record_not_yours",
                           fmt::format("In the role {} you can only work with your own staff and the staff "
                                       "you act for. This person is not one of them.",
                                       held.front()->title)),
                   "out of scope");
  }
  who.role = (*role)->name;
  return who;
}

Gate::Actor Gate::line_manager_of(const Request& request, const std::string& subject) {
  Actor who = myself(request);
  if (who.refusal) return who;
  const auto mine = facts_for(*sessions_.find(who.session));
  if (!mine) {
    who.refusal = register_unavailable(mine.error());
    return who;
  }
  const policy::Facts facts = **mine;
  const auto other = subject.empty() ? Result<Person*>(Error{Errc::not_found, {}}) : person(subject);
  // Somebody unknown and somebody else's staff are answered alike.
  if (!other || !policy::manages(facts, (*other)->record.line_manager, now())) {
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
  who.manager = (*other)->record.line_manager;
  who.subject = subject;
  sessions_.used(who.session, clock_.boot());
  return who;
}

std::optional<Response> Gate::refuse_card_of_one(const Actor& who) {
  if (!who.by_one_person) return std::nullopt;
  return problem(
      403, "card_unconfirmed",
      fmt::format("Only one person ({}) registered the card you use. Because you decide for others, a second "
                  "member of the team must confirm it: cardgate staff give-card {} --card {} --reason REASON",
                  who.card_by, who.person, who.card));
}

boost::asio::awaitable<bool> Gate::recorded(audit::Record& record, bool in_register) {
  OpenAct act;
  act.id = random_id();
  record.details["deed"] = act.id;
  act.record = record;
  act.in_register = in_register;
  const std::string id = act.id;
  auto noting = open_acts_.begin(std::move(act));
  co_await std::move(noting);
  auto recording = durable_.wait(durable_.start(*log_, record));
  const auto outcome = co_await std::move(recording);
  if (!outcome) open_acts_.end(id);
  co_return outcome.has_value();
}

namespace {

std::string deed_of(const audit::Record& record) {
  const auto* id = find_string(record.details, "deed");
  return id == nullptr ? std::string() : std::string(*id);
}

}  // namespace

void Gate::ended(const audit::Record& record) {
  open_acts_.end(deed_of(record));
}

void Gate::note_not_done(audit::Record record, std::string_view why) {
  record.reason = fmt::format("not done: {}", why);
  // Until this is durable, the next start has to say it: better twice, under one deed, than not at all.
  auto done = [this, id = deed_of(record)](const Result<void>& said) {
    if (said) boost::asio::post(io_, [this, id] { open_acts_.end(id); });
  };
  log_->append(std::move(record), std::move(done), audit::Keep::always);
}

void Gate::note_not_done(audit::Record record, const Error& why) {
  if (!reg::in_doubt(why)) return note_not_done(std::move(record), why.message());
  doubtful_.push_back(record);
  record.reason = fmt::format("not known whether it was done: {}", why.message());
  note(std::move(record));
}

void Gate::settle_doubtful() {
  for (auto& record : std::exchange(doubtful_, {})) {
    const auto done = was_done(*staff_, deed_of(record));
    if (done && *done) {
      ended(record);
    } else if (done) {
      note_not_done(std::move(record), "the disk of the staff register failed");
    } else {
      doubtful_.push_back(std::move(record));
    }
  }
}

std::optional<Response> Gate::refuse_if_over(const Actor& who) {
  const Session* session = sessions_.find(who.session);
  if (session == nullptr)
    return problem(
        401, "no_session",
        "Your session ended before this was done. Nothing was changed. Sign in again: cardgate login");
  if (session->locked || session->card_out)
    return problem(
        423, "session_locked",
        "Your session was locked before this was done. Nothing was changed. Unlock it: cardgate login");
  const auto right = work::still_holds(right_of(who), records(), now());
  return right ? std::nullopt : std::optional(not_possible(right.error()));
}

work::Right Gate::right_of(const Actor& who) const {
  return {policy_, who.person, who.card, who.act, who.role, !who.manager.empty(), who.subject};
}

std::function<Result<void>(reg::Register&)> Gate::still_allowed(const Actor& who,
                                                                std::shared_ptr<const WaitingActs::Act> act) {
  return [right = right_of(who), act = std::move(act), at = now()](reg::Register& staff) -> Result<void> {
    if (act->over()) {
      return Error{Errc::permission_denied,
                   "Your session ended or was locked, or your right to do this ended, before this was done. "
                   "Nothing was changed"};
    }
    return work::still_holds(right, [&staff](const std::string& id) { return staff.person(id); }, at);
  };
}

namespace {

/// What the number of a new entry is called in its record.
std::string_view number_name(reg::Numbered kind) {
  switch (kind) {
    case reg::Numbered::form:
      return "form";
    case reg::Numbered::delegation:
      return "delegation";
    case reg::Numbered::acting:
      return "number";
    case reg::Numbered::removal:
      return "removal";
  }
  return "number";
}

}  // namespace

Result<void> Gate::try_on_copies(const Deed& deed) {
  std::vector<reg::Person> copies;
  for (const auto& id : deed.people) copies.push_back(TRY(record_of(id)));
  return deed.how(copies);
}

Response Gate::refuse_impossible(const Request& request, const audit::Record& record, const Error& why) {
  audit::Record refused = record;
  refused.event = "client_refused";
  refused.reason = fmt::format("{}: not possible", record.event);
  refused.details["why"] = why.context;
  refuse(*request.peer, std::move(refused));
  return not_possible(why);
}

boost::asio::awaitable<Gate::Done> Gate::carry_out(const Request& request, const Actor& who, Deed& deed) {
  Done done;
  const auto act = acts_.begin(who.session, right_of(who));
  auto& record = deed.record;
  record.person = deed.people.front();
  record.client = who.client;
  record.session = who.session;
  record.role = who.role;
  record.policy = policy_->hash();
  record.details["by"] = who.person;
  if (deed.taking) {
    auto taking = take_away(request, who, deed);
    auto taken = co_await std::move(taking);
    co_return taken;
  }
  if (!audit_ok()) {
    done.refusal = audit_unavailable();
    co_return done;
  }
  // What is owed to the register goes first, so that everything is written in the order in which it was done.
  if (!open_acts_.owed().empty()) co_await write_owed();
  // What cannot be done is not recorded as done: tried on copies first.
  std::vector<reg::Person> now_on_file;
  for (const auto& id : deed.people) {
    auto found = record_of(id);
    if (!found) {
      done.refusal = no_person(found.error(), id);
      co_return done;
    }
    now_on_file.push_back(std::move(*found));
  }
  auto tried = now_on_file;
  auto possible = deed.how(tried);
  if (possible && deed.first) possible = deed.first(records());
  if (!possible) {
    done.refusal = refuse_impossible(request, record, possible.error());
    co_return done;
  }
  if (deed.more_details) {
    for (auto& detail : deed.more_details(now_on_file.front(), tried.front()))
      record.details[detail.key()] = detail.value();
  }
  if (const auto kind = reg::without_number(tried.front())) {
    // People quote it from now on, so the log must have it.
    std::function<Result<std::int64_t>(reg::Register&)> take = [kind](reg::Register& staff) {
      return staff.take_number(*kind);
    };
    auto taking = register_.write<std::int64_t>(take);
    const auto number = co_await std::move(taking);
    if (!number) {
      done.refusal = not_possible(number.error());
      co_return done;
    }
    record.details[number_name(*kind)] = std::to_string(*number);
    deed.how = [how = deed.how, kind, number = *number](std::vector<reg::Person>& people) -> Result<void> {
      TRY(how(people));
      reg::set_number(people.front(), *kind, number);
      return {};
    };
  }
  auto recording = recorded(record, true);
  const bool on_record = co_await std::move(recording);
  if (!on_record) {
    done.refusal = audit_unavailable();
    co_return done;
  }
  if (auto over = refuse_if_over(who)) {
    note_not_done(std::move(record), "the session, or the right to do it, ended meanwhile");
    done.refusal = std::move(over);
    co_return done;
  }
  // Something may have been taken away meanwhile that the register does not know yet.
  if (const auto still = try_on_copies(deed); !still) {
    note_not_done(std::move(record), still.error().message());
    done.refusal = not_possible(still.error());
    co_return done;
  }
  // The register may be busy with an import for minutes: what was true before the wait is asked again behind it.
  const std::function<Result<std::vector<reg::Person>>(reg::Register&)> work =
      [ids = deed.people, how = deed.how, first = deed.first, still = still_allowed(who, act),
       id = deed_of(record)](reg::Register& staff) -> Result<std::vector<reg::Person>> {
    TRY(still(staff));
    if (first) TRY(first([&staff](const std::string& other) { return staff.person(other); }));
    return staff.change_several(ids, [&](std::vector<reg::Person>& people) -> Result<void> {
      TRY(how(people));
      return note_done(staff, id);
    });
  };
  auto changed = co_await register_.write<std::vector<reg::Person>>(work);
  if (!changed) {
    note_not_done(std::move(record), changed.error());
    if (!reg::in_doubt(changed.error())) done.refusal = refuse_if_over(who);
    if (!done.refusal) done.refusal = not_possible(changed.error());
    co_return done;
  }
  ended(record);
  done.people = std::move(*changed);
  std::vector<std::string> affected = deed.people;
  for (std::size_t i = 0; i < done.people.size(); ++i) {
    if (now_on_file[i].line_manager == done.people[i].line_manager) continue;
    affected.push_back(now_on_file[i].line_manager);
    affected.push_back(done.people[i].line_manager);
  }
  people_changed(affected);
  if (!deed.notice.empty() && deed.people.front() != who.person) {
    // Made before the co_await: g++ 12 cannot build lists inside one.
    const std::vector<std::string> to(1, deed.people.front());
    const std::string mark = record.event + "-" + random_id();
    co_await tell(to, mark, deed.notice);
  }
  co_return done;
}

boost::asio::awaitable<Response> Gate::carry_out_silently(const Request& request, const Actor& who,
                                                          Deed& deed) {
  auto done = co_await carry_out(request, who, deed);
  if (done.refusal) co_return std::move(*done.refusal);
  co_return no_content();
}

Gate::Owner Gate::owner_of(reg::Register::Relation relation, const std::string& number,
                           std::string_view what) {
  const auto people = staff_->people_by(relation, number);
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

void Gate::people_changed(const std::vector<std::string>& ids) {
  const auto concerned = [&](const std::string& id) { return std::ranges::find(ids, id) != ids.end(); };
  const auto stands_on = [&](const Person& person) {
    const auto& record = person.record;
    return concerned(record.id) ||
           std::ranges::any_of(record.delegations,
                               [&](const auto& given) { return concerned(given.from); }) ||
           std::ranges::any_of(record.acting, [&](const auto& acting) { return concerned(acting.manager); });
  };
  std::vector<std::pair<std::string, uid_t>> sessions;
  for (const Session* session : sessions_.all()) {
    const auto holder = concerned(session->person) ? Result<Person*>(Error{}) : person(session->person);
    if (concerned(session->person) || (holder && stands_on(**holder)))
      sessions.emplace_back(session->id, session->uid);
  }
  std::erase_if(people_, [&](const auto& each) { return stands_on(each.second); });
  for (const auto& [id, uid] : sessions) {
    review(id);
    if (sessions_.find(id) != nullptr)
      events_.publish("session", {{"kind", "access_changed"}, {"session", id}}, uid);
  }
  on_deadline_changed();
}

/// Fills in who looked, and says whether that is to be recorded.
Looks::Answer Gate::count_look(const Request& request, const Actor& who, audit::Record& record,
                               std::string_view list, std::size_t people) {
  record.event = "looked_at";
  record.client = describe(*request.peer);
  record.session = who.session;
  record.role = who.role;
  record.details["by"] = who.person;
  const auto answer = looks_.look({request.peer->counted_as, who.person, who.session, who.role, record.reason,
                                   record.person, std::string(list)},
                                  people, clock_.boot());
  if (answer.record) on_deadline_changed();
  return answer;
}

namespace {

Response too_many_looks(seconds wait) {
  return ask_again(429, "too_many_looks",
                   "Programs of this user of the machine have asked about too many people in a short time. "
                   "Wait a moment, then ask again.",
                   wait);
}

}  // namespace

std::optional<Response> Gate::note_look(const Request& request, const Actor& who, const std::string& person,
                                        std::string_view what) {
  if (!audit_ok()) return audit_unavailable();
  audit::Record record;
  record.person = person;
  record.reason = what;
  const auto answer = count_look(request, who, record, {}, 1);
  if (answer.later) return too_many_looks(*answer.later);
  if (answer.record) note(std::move(record));
  return std::nullopt;
}

std::optional<Response> Gate::note_list(const Request& request, const Actor& who,
                                        const std::vector<std::string>& people, std::string_view what,
                                        json::object asked) {
  if (!audit_ok()) return audit_unavailable();
  audit::Record record;
  record.reason = what;
  const auto mark = list_mark(people);
  const auto answer = count_look(request, who, record, mark, people.size());
  if (answer.later) return too_many_looks(*answer.later);
  if (!answer.record) return std::nullopt;
  record.details["list"] = mark;
  record.details["count"] = people.size();
  for (auto& [key, value] : asked) record.details[key] = audit::clean(value.as_string(), max_refused_text);
  auto parts = parts_for_records(people);
  if (parts.empty()) parts.emplace_back();  // that there was nobody to see was seen
  for (const auto& part : parts) {
    record.details["people"] = json::array(part.begin(), part.end());
    note(record);
  }
  return std::nullopt;
}

}  // namespace cardgate::daemon
