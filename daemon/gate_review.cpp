// SPDX-License-Identifier: Apache-2.0
// Does what a session stands on still hold (rule 9): its certificate, the person, the roles; and what becomes
// of the answers about certificates and of the trust files meanwhile.
#include <fmt/format.h>

#include <boost/asio/post.hpp>

#include "daemon/gate.hpp"
#include "daemon/journal.hpp"

namespace cardgate::daemon {

/// When the boot clock will stand where the wall clock, as it runs now, shows `when`.
std::optional<BootTime> Gate::boot_time_of(WallTime when) {
  const auto left = when - now();
  // Far dates would overflow the boot clock's nanoseconds.
  if (left > std::chrono::hours(24 * 366)) return std::nullopt;
  return clock_.boot() + left;
}

/// Do the prerequisites still hold (rule 9)? What does not any more, ends.
void Gate::review(const std::string& id) {
  const Session* session = sessions_.find(id);
  if (session == nullptr) return;
  if (session->sign_in == policy::SignIn::card) {
    const WallTime judged_at = now();
    const auto verdict = judge_->look(session->certificate, judged_at);
    if (!verdict.valid) {
      audit::Record record;
      record.event = "access_removed";
      record.person = session->person;
      record.session = id;
      record.reason = trust::name(verdict.findings.front().status);
      note(std::move(record));
      apply(sessions_.end(id, EndReason::certificate_refused));
      return;
    }
    watch_certificate(id, verdict, judged_at);
    session = sessions_.find(id);
  }
  const auto sign_in = session->sign_in;
  const auto facts = facts_for(*session);
  const policy::Decision standing =
      facts ? policy::decide_sign_in(*policy_, **facts, sign_in, now()) : policy::Decision{};
  if (!facts || !standing.allowed) {
    audit::Record record;
    record.event = "access_removed";
    record.person = session->person;
    record.session = id;
    record.reason = !facts                   ? facts.error().message()
                    : standing.unmet.empty() ? ""
                                             : standing.unmet.front().prerequisite;
    note(std::move(record));
    apply(sessions_.end(id, EndReason::access_lost));
    return;
  }
  const auto set_review = [&](WallTime when) {
    if (const auto at = boot_time_of(when)) sessions_.review_by(id, *at);
  };
  if (standing.valid_until) set_review(*standing.valid_until);
  const auto roles = session->roles_used;
  for (const auto& role : roles) {
    const auto decision = policy::decide(*policy_, **facts, {role, sign_in}, now());
    if (decision.allowed) {
      if (decision.valid_until) set_review(*decision.valid_until);
      apply(sessions_.revoke_outside(id, role, records_of(*policy_->role(role), **facts, now())));
      continue;
    }
    audit::Record record;
    record.event = "access_removed";
    record.person = session->person;
    record.session = id;
    record.role = role;
    record.policy = policy_->hash();
    record.reason = decision.unmet.empty() ? "" : decision.unmet.front().prerequisite;
    note(std::move(record));
    apply(sessions_.revoke_role(id, role));
  }
}

/// Whoever is removed goes before anything else is looked at: a removal of a thousand must not wait for a thousand reviews.
void Gate::end_removed() {
  std::vector<std::string> ids;
  for (const Session* session : sessions_.all()) {
    const auto removed = staff_->removed(session->person);
    if (removed && *removed) ids.push_back(session->id);
  }
  for (const auto& id : ids) apply(sessions_.end(id, EndReason::access_lost));
}

void Gate::review_all() {
  std::vector<std::string> ids;  // a review may end the session that is looked at
  for (const Session* session : sessions_.all()) ids.push_back(session->id);
  for (const auto& id : ids) review(id);
}

/// The session is looked at again when an answer about its certificate becomes overdue or ends, and its
/// issuer is asked again in good time.
void Gate::watch_certificate(const std::string& id, const trust::Verdict& verdict, WallTime judged_at) {
  const Session* session = sessions_.find(id);
  const BootTime boot = clock_.boot();
  BootTime ask_at = session->ask_at;
  if (judge_->fetches() && ask_at <= boot) {
    refresh(session->certificate, true);
    ask_at = boot + judge_->fetch().recheck;
  }
  if (judge_->fetches()) {
    // What is due and could not be had is asked for again soon.
    const auto due = boot_time_of(verdict.refresh_at);
    if (due)
      ask_at = std::min(
          ask_at, std::max(*due, boot + std::min<milliseconds>(ask_again_after, judge_->fetch().recheck)));
    sessions_.review_by(id, ask_at);
  }
  sessions_.answers_are(id, verdict.fresh_until, ask_at);
  // A millisecond later: at the very end of its time an answer still counts, and the two clocks may drift. Of a
  // certificate the whole last second counts.
  for (const WallTime when : {verdict.fresh_until + milliseconds(1), verdict.good_until + milliseconds(1),
                              verdict.good_until + seconds(1)}) {
    if (when <= judged_at) continue;
    if (const auto end = boot_time_of(when)) sessions_.review_by(id, *end);
  }
}

/// In the background: asks what is due (or everything, `anew`), and looks at the sessions of the certificate.
void Gate::refresh(const Bytes& certificate, bool anew) {
  if (!judge_->fetches() || !refreshing_.insert(certificate).second) return;
  boost::asio::post(trust_threads_, [this, certificate, anew, judge = judge_, at = now()] {
    (void)judge->refresh(certificate, at, anew);
    judge->answers()->prune(at);
    boost::asio::post(io_, [this, certificate] {
      refreshing_.erase(certificate);
      if (shutting_down_) return;
      std::vector<std::string> ids;
      for (const Session* session : sessions_.all()) {
        if (session->certificate == certificate) ids.push_back(session->id);
      }
      for (const auto& id : ids) review(id);
      for (const auto& [name, reader] : readers_.all()) {
        if (reader.card && reader.card->certificate == certificate) judge_card(name);
      }
      on_deadline_changed();
    });
  });
}

void Gate::take_over(trust::Authorities authorities, CardRules cards) {
  judge_ = make_judge(config_, *policy_, std::move(authorities), std::move(cards), judge_->answers());
  readers_.set_judge(judge_);
  trust_problem_.clear();
  log_passed_over(judge_->authorities(), now());
  review_all();
  for (const auto& [name, reader] : readers_.all()) {
    if (reader.card) judge_card(name);
  }
}

void Gate::judge_card(const std::string& name) {
  const auto card = readers_.find(name)->card;
  auto verdict = judge_->look(card->certificate, now());
  const bool changed = verdict.valid != card->verdict.valid || verdict.revocation != card->verdict.revocation;
  readers_.judged(name, std::move(verdict));
  if (changed) publish_card("judged", name);
}

/// New CRLs, anchors or intermediates: read in the background (a large CRL takes seconds), taken over whole
/// or not at all.
void Gate::trust_files_changed() {
  const auto reading = trust_readings_.changed();
  if (!reading) return;  // one runs, and is followed by another
  boost::asio::post(trust_threads_, [this, locations = config_.authorities, number = *reading] {
    auto loaded = std::make_shared<Result<trust::Authorities>>(trust::Authorities::load(locations));
    boost::asio::post(io_, [this, locations, number, loaded] {
      if (shutting_down_) return;
      const bool counts = trust_readings_.finished(number);
      // A reload in between may have brought other places.
      const bool same_places = locations == config_.authorities;
      if (trust_readings_.wanted() || !same_places) trust_files_changed();
      if (counts && same_places) trust_files_read(std::move(*loaded));
    });
  });
}

void Gate::trust_files_read(Result<trust::Authorities> loaded) {
  audit::Record record;
  record.event = "trust_files";
  if (loaded) {
    take_over(std::move(*loaded), judge_->cards());
    log(Level::info, "The trust files changed and are in use.", {{"CARDGATE_EVENT", "trust_files"}});
  } else {
    record.reason = loaded.error().context;
    trust_problem_ = "The trust files changed and were not taken over: " + loaded.error().context;
    log(Level::error, trust_problem_, {{"CARDGATE_EVENT", "trust_files_refused"}});
  }
  note(std::move(record));
  on_deadline_changed();
}

}  // namespace cardgate::daemon
