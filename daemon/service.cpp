// SPDX-License-Identifier: Apache-2.0
#include "daemon/service.hpp"

#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include "daemon/api/routes.hpp"
#include "daemon/journal.hpp"
#include "daemon/owners.hpp"
#include "daemon/people/answers.hpp"

namespace cardgate::daemon {
namespace {

std::string host_name() {
  char buffer[256] = {};
  return ::gethostname(buffer, sizeof buffer - 1) == 0 ? buffer : "unknown-host";
}

Admission::Entries entries_of(const Config& config) {
  return {config.clients, config.readers, config.limits};
}

}  // namespace

Service::Owners::Owners(boost::asio::io_context& context, const Clock& system, Parts parts)
    : io(context),
      clock(system),
      rules(std::move(parts.rules)),
      table(session_bounds(rules.config().limits)),
      admission(entries_of(rules.config()), system, [this](uid_t uid) { return !table.of_uid(uid).empty(); }),
      recorder(io, std::move(parts.log), admission, system),
      loader(io, rules, recorder, clock, std::move(parts.in_use)),
      events(io),
      open_acts(rules.config().state_directory / "open-acts", open_acts_bytes),
      roll(std::move(parts.staff), open_acts),
      register_threads(rules.config().state_directory / "register.db", std::move(parts.writer),
                       std::move(parts.credentials)),
      sessions(io, table, rules, roll, recorder, events, waiting_acts, loader, clock),
      downtime(io, rules, roll, register_threads, sessions, events, recorder, clock),
      tokens(io, std::move(parts.token_keys), parts.signing_threads, rules, admission, sessions, recorder,
             clock),
      cards(io, rules, loader, admission, roll, sessions, events, recorder, clock),
      accounts(io, rules, admission, roll, sessions, cards, clock),
      actors(rules, roll, sessions, downtime, recorder, clock),
      notices(io, rules, roll, register_threads, sessions, events, recorder, clock),
      deeds(io, rules, roll, open_acts, waiting_acts, register_threads, sessions, actors, notices, recorder,
            clock),
      loans(io, roll, register_threads, sessions, deeds, clock),
      faults(io, rules, roll, register_threads, sessions, downtime, notices, recorder, clock),
      people(rules, roll, open_acts, register_threads, actors, admission, recorder, clock),
      passwords(rules, admission, roll, register_threads, sessions, actors, deeds, recorder, clock),
      help_desk(roll, recorder, actors, people, passwords, waiting_acts),
      unblocking(rules.config().state_directory, register_threads, passwords, clock),
      set_up(register_threads, recorder),
      register_desk(io, rules.config().state_directory, register_threads, roll, sessions, notices, recorder,
                    clock),
      log_reading(rules.config().audit_directory, rules.config().state_directory),
      told_at_start(std::move(parts.told_at_start)) {}

Service::Service(boost::asio::io_context& io, const Clock& clock, Parts parts)
    : owners_(std::make_unique<Owners>(io, clock, std::move(parts))) {
  auto& o = *owners_;
  apis_ = std::unique_ptr<Apis>(new Apis{
      .status{o.rules, o.loader, o.admission, o.roll, o.sessions, o.events, o.recorder, o.clock,
              o.register_threads, o.passwords, o.cards, o.register_desk, o.open_acts, o.downtime, o.faults},
      .session{o.admission, o.sessions, o.events, o.recorder, o.clock, o.accounts},
      .login{o.accounts, o.cards, o.admission, o.recorder},
      .sign_in{o.io, o.rules, o.admission, o.roll, o.sessions, o.events, o.cards, o.accounts, o.passwords,
               o.register_threads, o.set_up, o.downtime, o.notices, o.recorder, o.clock, host_name()},
      .password{o.rules, o.roll, o.clock, o.register_threads, o.passwords, o.help_desk},
      .enrolment{o.rules, o.roll, o.recorder, o.clock, o.register_threads, o.passwords, o.help_desk},
      .card{o.cards, o.unblocking, o.loans, o.deeds, o.roll, o.recorder},
      .token{o.rules, o.admission, o.roll, o.sessions, o.tokens, o.downtime, o.recorder, o.clock},
      .token_keys{o.tokens, o.recorder},
      .people{o.rules, o.roll, o.sessions, o.recorder, o.clock, o.actors, o.people, o.tokens},
      .form{o.rules, o.roll, o.clock, o.actors, o.people, o.deeds},
      .declaration{o.rules, o.roll, o.clock, o.actors, o.deeds},
      .training{o.rules, o.roll, o.actors, o.people, o.deeds},
      .delegation{o.rules, o.roll, o.clock, o.actors, o.people, o.deeds},
      .removal{o.rules, o.roll, o.clock, o.actors, o.people, o.deeds, o.notices},
      .staff{o.rules, o.roll, o.recorder, o.clock, o.actors, o.people, o.deeds, o.notices, o.cards},
      .pool{o.rules, o.roll, o.recorder, o.clock, o.register_threads, o.waiting_acts, o.actors, o.people,
            o.deeds, o.loans, o.cards},
      .unblock{o.rules, o.roll, o.clock, o.actors, o.passwords, o.help_desk, o.waiting_acts, o.unblocking},
      .notice{o.roll, o.recorder, o.register_threads, o.actors},
      .downtime{o.rules, o.recorder, o.clock, o.register_threads, o.waiting_acts, o.actors, o.deeds,
                o.downtime},
      .fault{o.rules, o.sessions, o.recorder, o.clock, o.actors, o.faults},
      .set_up{o.rules, o.roll, o.sessions, o.recorder, o.clock, o.register_threads, o.people, o.deeds,
              o.notices},
      .imports{o.rules, o.recorder, o.clock, o.register_threads, o.deeds, o.notices, o.register_desk},
      .registry{o.roll, o.recorder, o.register_threads, o.passwords, o.register_desk},
      .policy{o.rules, o.roll, o.clock, o.register_threads, o.actors, o.people},
      .report{o.rules, o.clock, o.register_threads, o.actors, o.people, o.log_reading},
      .certificate{o.rules, o.roll, o.recorder, o.clock},
      .audit{o.rules, o.roll, o.clock, o.actors, o.people, o.log_reading},
  });
  apis_->status.told_at_start = o.told_at_start;
  wire();
}

Service::~Service() = default;

/// Who hears what: the owners below tell those above, whom they do not know.
void Service::wire() {
  auto& o = *owners_;
  o.faults.troubles = [&status = apis_->status] { return status.troubles(); };
  o.downtime.also_announced = [&o] { return o.faults.announcements(); };
  o.loader.on_rules = [&o](const Rules& before) {
    o.waiting_acts.all_over();
    o.sessions.rules_changed(*before.policy);
    o.notices.rules_changed(before.policy.get());
    o.passwords.rules_changed();
    const auto& config = o.rules.config();
    o.sessions.set_bounds(session_bounds(config.limits));
    o.admission.set(entries_of(config));
    if (config.downtime.fixed != before.config.downtime.fixed)
      o.events.publish("downtime", {{"kind", "changed"}}, std::nullopt);
    o.downtime.look();
    o.tokens.look();
  };
  o.loader.on_judge = [&o] {
    o.sessions.review_all();
    o.cards.judge_all();
  };
  o.loader.on_answers = [&o](const Bytes& certificate) {
    o.sessions.review_certificate(certificate);
    o.cards.judge_certificate(certificate);
  };
  o.register_threads.on_news = [&o](const std::string& text, bool good) {
    log(good ? audit::Event::register_writable : audit::Event::register_unwritable, text,
        {{"CARDGATE_REASON", text}});
    o.recorder.note_incident(text);
    if (good) o.deeds.settle_doubtful();
    if (good) o.downtime.read_again();
    if (good) o.downtime.save_owed();
    if (good) o.faults.save_owed();
    if (!good) boost::asio::co_spawn(o.io, o.register_threads.try_until_written(), boost::asio::detached);
  };
}

void Service::start(CardDrivers drivers, bool watch) {
  auto& o = *owners_;
  o.deeds.settle_left();
  audit::Record record;
  record.event = name_of(audit::Event::start);
  record.policy = o.rules.policy()->hash();
  record.details["version"] = CARDGATE_VERSION;
  o.recorder.note(std::move(record));
  for (const auto& text : o.told_at_start) o.recorder.note_incident(text);
  o.notices.announce_if_due();
  o.loans.changed();
  o.faults.look();
  o.downtime.look();
  o.tokens.look();
  log_findings(*o.rules.policy(), o.rules.config().policy.string());
  boost::asio::co_spawn(o.io, o.register_threads.try_until_written(), boost::asio::detached);
  o.notices.rules_changed(nullptr);
  if (!drivers.empty()) o.cards.start(std::move(drivers), watch);
  o.register_desk.remove_left_copies(seconds(0));
  o.register_desk.check_in_background();
}

void Service::shut_down() {
  auto& o = *owners_;
  o.loader.stop();
  o.register_threads.stop();
  o.log_reading.stop();
  o.sessions.shut_down();
  o.cards.stop();
  o.recorder.flush();
  o.events.publish("service", {{"kind", "stopping"}}, std::nullopt);
  o.events.close();
  audit::Record record;
  record.event = name_of(audit::Event::stop);
  record.reason = "asked to stop";
  o.recorder.note(std::move(record));
}

Answer Service::answer(Request& request) {
  auto& o = *owners_;
  if (o.sessions.stopping()) co_return draining();
  auto answering = route(*apis_, o.admission, o.recorder, request);
  auto made = co_await std::move(answering);
  co_return made;
}

RuleLoader& Service::loader() {
  return owners_->loader;
}

Admission& Service::admission() {
  return owners_->admission;
}

void Service::clock_was_set() {
  owners_->sessions.clock_was_set();
  owners_->notices.announce_if_due();
  owners_->loans.end_if_due();
  owners_->faults.look();
  owners_->downtime.look();
  owners_->tokens.look();
}

void Service::tick() {
  owners_->sessions.tick();
  owners_->notices.announce_if_due();
  owners_->loans.end_if_due();
  owners_->faults.look();
  owners_->downtime.look();
  owners_->tokens.look();
}

void Service::set_connections(std::function<std::size_t()> count) {
  apis_->status.connections = std::move(count);
}

}  // namespace cardgate::daemon
