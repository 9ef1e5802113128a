// SPDX-License-Identifier: Apache-2.0
// Does what a session stands on still hold (rule 9): its certificate, the person, the roles.
#include <algorithm>

#include "daemon/sessions/session_desk.hpp"

namespace cardgate::daemon {
namespace {

/// Of a session under review. The timer is armed once, when the review is done: to find what comes next, every session is
/// looked at.
void bring_forward(Sessions& sessions, const std::string& id, std::optional<BootTime> at) {
  if (at) sessions.review_by(id, *at);
}

}  // namespace

void SessionDesk::access_removed(audit::Record record, const Session& session) {
  record.event = name_of(audit::Event::access_removed);
  record.person = session.person;
  record.session = session.id;
  recorder_.note(std::move(record));
}

/// False: it does not, and the session has ended.
bool SessionDesk::certificate_holds(const Session& session) {
  const WallTime judged_at = clock_.now();
  const auto verdict = rules_.judge()->look(session.certificate, judged_at);
  const std::string id = session.id;
  if (verdict.valid) {
    watch_certificate(id, verdict, judged_at);
    return true;
  }
  audit::Record record;
  record.reason = trust::name(verdict.findings.front().status);
  access_removed(std::move(record), session);
  end(id, EndReason::certificate_refused);
  return false;
}

void SessionDesk::review(const std::string& given) {
  // It may be that of a session which ends here. NOLINTNEXTLINE(performance-unnecessary-copy-initialization)
  const std::string id = given;
  const Session* session = sessions_.find(id);
  if (session == nullptr) return;
  if (sessions_.shorten_session(id, longest_session(session->sign_in), clock_.boot())) {
    end(id, EndReason::time_up);
    return;
  }
  if (session->sign_in == policy::SignIn::card && !certificate_holds(*session)) return;
  session = sessions_.find(id);
  if (session == nullptr) return;
  const auto facts = facts_for(*session);
  const auto standing = facts
                            ? policy::decide_sign_in(*rules_.policy(), *facts, session->sign_in, clock_.now())
                            : policy::Decision{};
  if (!facts || !standing.allowed) {
    audit::Record record;
    record.reason = !facts                   ? facts.error().message()
                    : standing.unmet.empty() ? ""
                                             : standing.unmet.front().prerequisite;
    access_removed(std::move(record), *session);
    end(id, EndReason::access_lost);
    return;
  }
  if (standing.valid_until) bring_forward(sessions_, id, clock_.boot_time_of(*standing.valid_until));
  const auto roles = session->roles_used;
  for (const auto& role : roles) {
    if (const Session* still = sessions_.find(id)) review_role(*still, role, *facts);
  }
  tighten(id);
  arm();
}

void SessionDesk::tighten(const std::string& id) {
  const Session* session = sessions_.find(id);
  if (session == nullptr || !session->terms) return;
  std::optional<Terms> asked;
  for (const auto& name : session->roles_used) {
    const policy::Role* role = rules_.policy()->role(name);
    if (role != nullptr) asked = asked ? stricter(*asked, terms_of(*role)) : terms_of(*role);
  }
  // No role that it used is held any more, so none says that it may go on without its card or behind a locked screen.
  apply(sessions_.tighten(id, asked.value_or(Terms{}), clock_.boot()));
}

void SessionDesk::review_role(const Session& session, const std::string& role, const policy::Facts& facts) {
  const std::string id = session.id;
  const auto& policy = *rules_.policy();
  const auto decision = policy::decide(policy, facts, {role, session.sign_in}, clock_.now());
  if (decision.allowed) {
    if (decision.valid_until) bring_forward(sessions_, id, clock_.boot_time_of(*decision.valid_until));
    const policy::Role& held = *policy.role(role);
    apply(sessions_.revoke_outside(id, role, records_of(held, facts, clock_.today())));
    const Session* still = sessions_.find(id);
    if (still == nullptr) return;
    const Terms terms = still->asked_by(held);
    if (terms.step_up_age) sessions_.shorten(id, role, still->proved + *terms.step_up_age);
    if (terms.max_session) sessions_.shorten(id, role, still->begun + *terms.max_session);
    return;
  }
  audit::Record record;
  record.role = role;
  record.policy = policy.hash();
  record.reason = decision.unmet.empty() ? "" : decision.unmet.front().prerequisite;
  access_removed(std::move(record), session);
  apply(sessions_.revoke_role(id, role));
}

void SessionDesk::end_removed() {
  std::vector<std::string> ids;
  for (const Session* session : sessions_.all()) {
    const auto removed = roll_.staff().removed(session->person);
    if (removed && *removed) ids.push_back(session->id);
  }
  for (const auto& id : ids) end(id, EndReason::access_lost);
}

void SessionDesk::review_all() {
  std::vector<std::string> ids;  // a review may end the session that is looked at
  for (const Session* session : sessions_.all()) ids.push_back(session->id);
  for (const auto& id : ids) review(id);
}

void SessionDesk::review_certificate(const Bytes& certificate) {
  std::vector<std::string> ids;
  for (const Session* session : sessions_.all()) {
    if (session->certificate == certificate) ids.push_back(session->id);
  }
  for (const auto& id : ids) review(id);
}

void SessionDesk::people_changed(const std::vector<std::string>& ids) {
  std::vector<std::pair<std::string, uid_t>> concerned;
  for (const Session* session : sessions_.all()) {
    bool stands = std::ranges::find(ids, session->person) != ids.end();
    if (!stands) {
      const auto holder = roll_.person(session->person);
      stands = holder && Roll::stands_on(**holder, ids);
    }
    if (stands) concerned.emplace_back(session->id, session->uid);
  }
  roll_.forget(ids);
  for (const auto& [id, uid] : concerned) {
    review(id);
    if (sessions_.find(id) != nullptr)
      events_.publish("session", {{"kind", "access_changed"}, {"session", id}}, uid);
  }
}

/// Its issuer is asked again in good time.
void SessionDesk::watch_certificate(const std::string& id, const trust::Verdict& verdict,
                                    WallTime judged_at) {
  const Session* session = sessions_.find(id);
  if (session == nullptr) return;
  const auto& judge = *rules_.judge();
  const BootTime boot = clock_.boot();
  BootTime ask_at = session->ask_at;
  if (judge.fetches() && ask_at <= boot) {
    loader_.refresh(session->certificate, true);
    ask_at = boot + judge.fetch().recheck;
  }
  if (judge.fetches()) {
    // What is due and could not be had is asked for again soon.
    const auto due = clock_.boot_time_of(verdict.refresh_at);
    if (due)
      ask_at = std::min(
          ask_at, std::max(*due, boot + std::min<milliseconds>(ask_again_after, judge.fetch().recheck)));
    sessions_.review_by(id, ask_at);
  }
  sessions_.answers_are(id, verdict.fresh_until, ask_at);
  // A millisecond later: at the very end of its time an answer still counts, and the two clocks may drift. Of a
  // certificate the whole last second counts.
  for (const WallTime when : {verdict.fresh_until + milliseconds(1), verdict.good_until + milliseconds(1),
                              verdict.good_until + seconds(1)}) {
    if (when > judged_at) bring_forward(sessions_, id, clock_.boot_time_of(when));
  }
  arm();
}

}  // namespace cardgate::daemon
