// SPDX-License-Identifier: Apache-2.0
#include "daemon/deeds/notices.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include "base/crypto.hpp"
#include "base/day_text.hpp"
#include "daemon/journal.hpp"
#include "daemon/people/teams.hpp"
#include "daemon/sessions/halt.hpp"
#include "daemon/work/rules.hpp"

namespace cardgate::daemon {

Notices::Notices(boost::asio::io_context& io, RuleBook& rules, Roll& roll, RegisterThreads& register_threads,
                 SessionDesk& sessions, Events& events, Recorder& recorder, GuardedClock& clock)
    : io_(io),
      rules_(rules),
      roll_(roll),
      register_(register_threads),
      sessions_(sessions),
      events_(events),
      recorder_(recorder),
      clock_(clock),
      midnight_(io, [this] { announce_if_due(); }) {}

void Notices::rules_changed(const policy::Policy* before) {
  std::vector<std::string> gone;
  if (before != nullptr) {
    for (const auto& role : before->roles()) {
      if (rules_.policy()->role(role.name) == nullptr) gone.push_back(role.name);
    }
  }
  if (!gone.empty()) boost::asio::co_spawn(io_, tell_of_lost_roles(std::move(gone)), boost::asio::detached);
  boost::asio::co_spawn(io_, tell_of_changed_texts(), boost::asio::detached);
}

void Notices::announce_if_due() {
  arm();
  if (sessions_.stopping() || announced_ == clock_.today()) return;
  announced_ = clock_.today();
  boost::asio::co_spawn(io_, announce_leavers(), boost::asio::detached);
  boost::asio::co_spawn(io_, tell_of_old_plans(), boost::asio::detached);
}

void Notices::dates_changed() {
  announced_.reset();
  announce_if_due();
}

void Notices::arm() {
  midnight_.set(clock_.boot_time_of(
      clock_.calendar().start_of(Date(std::chrono::sys_days(clock_.today()) + std::chrono::days(1))) +
      milliseconds(1)));
}

boost::asio::awaitable<std::vector<std::string>> Notices::tell(const std::vector<std::string>& people,
                                                               const std::string& mark,
                                                               const std::string& text) {
  using Ids = std::vector<std::string>;
  if (people.empty()) co_return Ids();
  const std::function<Result<Ids>(reg::Register&)> work =
      [=, at = clock_.now()](reg::Register& staff) -> Result<Ids> {
    return staff.tell(people, mark, text, at);
  };
  const auto kept = co_await register_.write<Ids>(work);
  if (!kept)
    log(audit::Event::notice_lost, "A notice to people could not be kept: " + kept.error().message());
  const Ids& told = kept ? *kept : people;  // who is here hears it all the same
  if (told.empty()) co_return Ids();
  audit::Record record;
  record.event = name_of(audit::Event::notice);
  record.person = told.front();
  record.details = {{"mark", mark}, {"text", text}, {"people", told.size()}};
  recorder_.note(std::move(record));
  for (const Session* session : sessions_.all()) {
    // As list_notices(): unlocked, and with the card in or allowed to be out.
    if (session->sign_in != policy::SignIn::card || halt(*session) != Halt::none) continue;
    if (std::ranges::find(told, session->person) == told.end()) continue;
    events_.publish("session", {{"kind", "notice"}, {"session", session->id}, {"text", text}}, session->uid);
  }
  co_return told;
}

boost::asio::awaitable<void> Notices::tell_team(std::string text) {
  const auto members = members_of_team();
  if (!members) {
    log(audit::Event::notice_lost,
        "The team could not be told that somebody was appointed in an emergency: " +
            members.error().message());
    co_return;
  }
  const std::string mark = "break-glass-" + random_id();
  co_await tell(*members, mark, text);
}

Result<std::vector<std::string>> Notices::members_of_team() {
  std::vector<std::string> members;
  for (const auto& team : teams_that_give_access(*rules_.policy())) {
    const auto people = TRY(roll_.staff().people_by(reg::Register::Relation::in_team, team));
    members.insert(members.end(), people.begin(), people.end());
  }
  std::ranges::sort(members);
  members.erase(std::unique(members.begin(), members.end()), members.end());
  return members;
}

/// Whoever signed a declaration whose text is another one now under the same version. Each text is said once.
boost::asio::awaitable<void> Notices::tell_of_changed_texts() {
  using Ids = std::vector<std::string>;
  const auto policy = rules_.policy();
  const auto texts = work::declaration_texts(*policy);
  for (const auto& text : texts) {
    if (text.hash.empty()) continue;
    const std::string name = text.wanted.subject;
    const std::string version = text.wanted.version;
    const std::string hash = text.hash;
    RegisterThreads::LongWork<Ids> work = [name, version, hash](const std::filesystem::path& file,
                                                                const std::atomic<bool>&) -> Result<Ids> {
      const auto staff = TRY(reg::open_sqlite_again(file));
      return staff->people_who_signed_another_text(name, version, hash);
    };
    auto looking = register_.beside<Ids>(std::move(work));
    const auto people = co_await std::move(looking);
    if (sessions_.stopping()) co_return;
    if (!people) {
      log(Level::error, audit::Event::signatures_void,
          fmt::format("The people who must sign '{}' again could not be read: {}", name,
                      people.error().message()));
      continue;
    }
    const std::string mark = fmt::format("text-changed-{}-{}-{}", name, version, hash.substr(0, 16));
    const std::string words = fmt::format(
        "The text of the {} has changed, so your signature no longer counts. Read and sign the new text: "
        "cardgate declaration sign {}",
        text.wanted.title, name);
    auto telling = tell(*people, mark, words);
    const auto told = co_await std::move(telling);
    if (told.empty()) continue;
    note_void_signatures(name, version, hash, policy->hash(), told);
  }
}

void Notices::note_void_signatures(const std::string& name, const std::string& version,
                                   const std::string& hash, const std::string& policy,
                                   const std::vector<std::string>& told) {
  constexpr std::size_t max_named = 100;
  const std::vector<std::string> named(
      told.begin(), told.begin() + static_cast<std::ptrdiff_t>(std::min(told.size(), max_named)));
  audit::Record record;
  record.event = name_of(audit::Event::signatures_void);
  record.reason = "the text was changed under its version";
  record.policy = policy;
  record.details = {{"name", name},
                    {"version", version},
                    {"text", hash},
                    {"count", told.size()},
                    {"people", json::array(named.begin(), named.end())}};
  recorder_.note(std::move(record));
  log(Level::warning, audit::Event::signatures_void,
      fmt::format("The text of the declaration '{}' was changed under its version {}. The signatures of {} "
                  "people no longer count until they sign again: {}{}",
                  name, version.empty() ? "(none)" : version, told.size(), fmt::join(named, ", "),
                  named.size() < told.size() ? ", ..." : ""));
}

/// Whoever holds an approved form for a role that the policy has no more.
boost::asio::awaitable<void> Notices::tell_of_lost_roles(std::vector<std::string> roles) {
  for (const auto& role : roles) {
    const std::function<Result<std::vector<std::string>>(reg::Register&)> work =
        [role](reg::Register& staff) -> Result<std::vector<std::string>> {
      return staff.people_by(reg::Register::Relation::form_for, role);
    };
    const auto holders = co_await register_.write<std::vector<std::string>>(work);
    if (!holders) continue;
    co_await tell(*holders, "role-gone-" + role + "-" + rules_.policy()->hash().substr(0, 8),
                  fmt::format("The role '{}' no longer exists, so your access form for it gives no access. "
                              "Ask the {} which role you need now.",
                              role, rules_.policy()->contacts().access_team));
  }
}

/// Whose continuity plan should have been reviewed by today. Of one date the owner is told once.
boost::asio::awaitable<void> Notices::tell_of_old_plans() {
  const auto rules = rules_.snapshot();
  const auto today = std::chrono::sys_days(clock_.today());
  for (const auto& plan : rules->config.downtime.continuity) {
    const auto due = std::chrono::sys_days(plan.reviewed) + plan.good_for;
    if (plan.owner.empty() || today < due) continue;
    const std::vector<std::string> owner(1, plan.owner);
    const std::string mark = fmt::format("continuity-plan-{}-{}", plan.team, to_text(plan.reviewed));
    const std::string words = fmt::format(
        "The continuity plan {} was last reviewed on {} and is due for review since {}. Review it, and "
        "have the people who run this machine write the new date into cardgate's configuration.",
        plan.team.empty() ? "for everybody" : fmt::format("of the team {}", plan.team),
        day_text(plan.reviewed), day_text(Date(due)));
    auto telling = tell(owner, mark, words);
    co_await std::move(telling);
  }
}

void Notices::guide(const Session& session, policy::Facts facts) {
  facts.answers_until.reset();  // the card has just proved itself
  const auto& policy = *rules_.policy();
  for (const auto& role : policy.roles()) {
    const auto documents = policy.guidance(role);
    if (documents.empty() ||
        !policy::decide(policy, facts, {role.name, session.sign_in}, clock_.now()).allowed)
      continue;
    std::string text = fmt::format("You have the role {}. Read:", role.title);
    for (const auto& each : documents)
      text += fmt::format(" {} ({});", each.title, each.link.empty() ? each.file : each.link);
    text.back() = '.';
    auto mark = fmt::format("guidance-{}-{}", role.name, to_hex(sha256(as_bytes(text))).substr(0, 16));
    // The register knows it for longer, and need not be asked at each sign-in.
    if (guided_.size() >= max_guided) guided_.clear();
    if (!guided_.insert(session.person + '\n' + mark).second) continue;
    boost::asio::co_spawn(io_, tell_one(session.person, std::move(mark), std::move(text)),
                          boost::asio::detached);
  }
}

boost::asio::awaitable<void> Notices::tell_one(std::string person, std::string mark, std::string text) {
  const std::vector<std::string> people(1, person);
  auto telling = tell(people, mark, text);
  co_await std::move(telling);
}

/// Once a day, and when dates changed: whose last day is tomorrow or today. The same notice is not kept twice.
boost::asio::awaitable<void> Notices::announce_leavers() {
  const auto from = std::chrono::sys_days(clock_.today());
  const std::function<Result<std::vector<Leaver>>(reg::Register&)> work =
      [from](reg::Register& staff) -> Result<std::vector<Leaver>> {
    std::vector<Leaver> out;
    for (const auto day : {from, from + std::chrono::days(1)}) {
      const std::string last_day = to_text(Date(day));
      for (const auto& id : TRY(staff.people_by(reg::Register::Relation::leaving_on, last_day))) {
        const auto person = TRY(staff.person(id));
        out.push_back({id, person.name, person.line_manager, last_day, day_text(Date(day))});
      }
    }
    return out;
  };
  auto leavers = co_await register_.write<std::vector<Leaver>>(work);
  if (!leavers) {
    log(Level::error, "The people who leave tomorrow could not be read: " + leavers.error().message());
    co_return;
  }
  for (const auto& leaver : *leavers) {
    const std::string mark = fmt::format("leaves-{}-{}", leaver.id, leaver.last_day);
    const std::vector<std::string> them(1, leaver.id);
    co_await tell(them, mark,
                  fmt::format("{} is your last day of employment. Your access ends after that day.",
                              leaver.spoken_day));
    if (leaver.manager.empty()) continue;
    const std::vector<std::string> manager(1, leaver.manager);
    co_await tell(
        manager, mark,
        fmt::format("{} ({}) leaves. Their last day is {}, and their access ends by itself after it.",
                    leaver.name, leaver.id, leaver.spoken_day));
  }
}

}  // namespace cardgate::daemon
