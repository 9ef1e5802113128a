// SPDX-License-Identifier: Apache-2.0
// What people are told: kept until they have read it, and said at once where they are signed in.
#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include "base/day_text.hpp"
#include "base/number.hpp"
#include "daemon/gate.hpp"
#include "daemon/journal.hpp"
#include "daemon/people/answers.hpp"

namespace cardgate::daemon {

boost::asio::awaitable<std::vector<std::string>> Gate::tell(const std::vector<std::string>& people,
                                                            const std::string& mark,
                                                            const std::string& text) {
  using Ids = std::vector<std::string>;
  if (people.empty()) co_return Ids();
  const std::function<Result<Ids>(reg::Register&)> work =
      [=, at = now()](reg::Register& staff) -> Result<Ids> { return staff.tell(people, mark, text, at); };
  const auto kept = co_await register_.write<Ids>(work);
  if (!kept)
    log(Level::error, "A notice to people could not be kept: " + kept.error().message(),
        {{"CARDGATE_EVENT", "notice_lost"}});
  const Ids& told = kept ? *kept : people;  // who is here hears it all the same
  if (told.empty()) co_return Ids();
  audit::Record record;
  record.event = "notice";
  record.person = told.front();
  record.details = {{"mark", mark}, {"text", text}, {"people", told.size()}};
  note(std::move(record));
  for (const Session* session : sessions_.all()) {
    // As list_notices(): with the card in, and unlocked.
    if (session->sign_in != policy::SignIn::card || session->locked || session->card_out) continue;
    if (std::ranges::find(told, session->person) == told.end()) continue;
    events_.publish("session", {{"kind", "notice"}, {"session", session->id}, {"text", text}}, session->uid);
  }
  co_return told;
}

/// Whoever signed a declaration whose text is another one now under the same version. Each text is said once.
boost::asio::awaitable<void> Gate::tell_of_changed_texts() {
  using Ids = std::vector<std::string>;
  constexpr std::size_t max_named = 100;
  const auto policy = policy_;
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
    if (shutting_down_) co_return;
    if (!people) {
      log(Level::error,
          fmt::format("The people who must sign '{}' again could not be read: {}", name,
                      people.error().message()),
          {{"CARDGATE_EVENT", "signatures_void"}});
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
    const Ids named(told.begin(),
                    told.begin() + static_cast<std::ptrdiff_t>(std::min(told.size(), max_named)));
    audit::Record record;
    record.event = "signatures_void";
    record.reason = "the text was changed under its version";
    record.policy = policy->hash();
    record.details = {{"name", name},
                      {"version", version},
                      {"text", hash},
                      {"count", told.size()},
                      {"people", json::array(named.begin(), named.end())}};
    note(std::move(record));
    log(Level::warning,
        fmt::format("The text of the declaration '{}' was changed under its version {}. The signatures of {} "
                    "people no longer count until they sign again: {}{}",
                    name, version.empty() ? "(none)" : version, told.size(), fmt::join(named, ", "),
                    named.size() < told.size() ? ", ..." : ""),
        {{"CARDGATE_EVENT", "signatures_void"}});
  }
}

/// Once a day, and when dates changed: whose last day is tomorrow or today. The same notice is not kept twice.
boost::asio::awaitable<void> Gate::announce_leavers() {
  struct Leaver {
    std::string id, name, manager, last_day, spoken_day;
  };
  const auto from = std::chrono::sys_days(today());
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

/// A new day begins by the time of the boot clock, or when somebody changed dates.
void Gate::announce_if_due() {
  if (shutting_down_ || announced_ == today()) return;
  announced_ = today();
  boost::asio::co_spawn(io_, announce_leavers(), boost::asio::detached);
}

std::optional<BootTime> Gate::next_deadline() {
  const auto midnight = boot_time_of(
      WallTime(std::chrono::floor<std::chrono::days>(now()) + std::chrono::days(1)) + milliseconds(1));
  std::optional<BootTime> next = midnight;
  for (const auto& other : {sessions_.next_deadline(), refusals_.next(), looks_.next()}) {
    if (other && (!next || *other < *next)) next = other;
  }
  return next;
}

/// Whoever holds an approved form for a role that the policy has no more.
boost::asio::awaitable<void> Gate::tell_of_lost_roles(std::vector<std::string> roles) {
  for (const auto& role : roles) {
    const std::function<Result<std::vector<std::string>>(reg::Register&)> work =
        [role](reg::Register& staff) -> Result<std::vector<std::string>> {
      return staff.people_by(reg::Register::Relation::form_for, role);
    };
    const auto holders = co_await register_.write<std::vector<std::string>>(work);
    if (!holders) continue;
    co_await tell(*holders, "role-gone-" + role + "-" + policy_->hash().substr(0, 8),
                  fmt::format("The role '{}' no longer exists, so your access form for it gives no access. "
                              "Ask the {} which role you need now.",
                              role, policy_->contacts().access_team));
  }
}

Gate::Answer Gate::list_notices(Request& request) {
  Actor who = myself(request);
  if (who.refusal) co_return std::move(*who.refusal);
  const auto notices = staff_->notices(who.person);
  if (!notices) co_return register_unavailable(notices.error());
  json::array out;
  for (const auto& notice : *notices) {
    if (out.size() >= max_listed) break;
    out.push_back(
        json::object{{"id", notice.id}, {"told_at", to_rfc3339(notice.made_at)}, {"text", notice.text}});
  }
  co_return json_response(200, json::object{{"notices", std::move(out)}});
}

Gate::Answer Gate::drop_notice(Request& request, const std::string& id) {
  Actor who = myself(request);
  if (who.refusal) co_return std::move(*who.refusal);
  const std::function<Result<bool>(reg::Register&)> work = [number = whole_number<std::int64_t>(id),
                                                            me = who.person](reg::Register& staff) {
    return number ? staff.drop_notice(me, *number) : Result<bool>(false);
  };
  auto dropped = co_await register_.write<bool>(work);
  if (!dropped) co_return not_possible(dropped.error());
  if (!*dropped)
    co_return problem(404, "not_found",
                      "You have no notice with that number. See your notices: cardgate notice list");
  audit::Record record;
  record.event = "notice";
  record.person = who.person;
  record.client = who.client;
  record.session = who.session;
  record.details = {{"act", "dropped"}, {"notice", id}};
  note(std::move(record));
  co_return no_content();
}

}  // namespace cardgate::daemon
