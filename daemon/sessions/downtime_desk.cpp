// SPDX-License-Identifier: Apache-2.0
#include "daemon/sessions/downtime_desk.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include "base/file.hpp"
#include "daemon/journal.hpp"
#include "daemon/people/answers.hpp"
#include "daemon/people/teams.hpp"
#include "daemon/sessions/notice_hook.hpp"

namespace cardgate::daemon {
namespace {

using reg::Downtime;

std::string_view kind_name(const Downtime& downtime) {
  return downtime.kind == Downtime::Kind::planned ? "planned" : "emergency";
}

}  // namespace

json::object notice_json(const Downtime& downtime, work::Said said) {
  json::object out{{"act", name(said)},
                   {"downtime", downtime.id},
                   {"kind", kind_name(downtime)},
                   {"severity", downtime.severity},
                   {"closes", downtime.closes},
                   {"begins_at", to_rfc3339(downtime.from)},
                   {"ends_at", moment_json(downtime.until)}};
  if (downtime.ended_at) out["ended_at"] = to_rfc3339(*downtime.ended_at);
  if (!downtime.ticket.empty()) out["ticket"] = downtime.ticket;
  return out;
}

json::object to_json(const Downtime& downtime, WallTime now) {
  return {{"id", downtime.id},
          {"kind", kind_name(downtime)},
          {"severity", downtime.severity},
          {"state", downtime.from <= now ? "begun" : "ahead"},
          {"closes", downtime.closes},
          {"begins_at", to_rfc3339(downtime.from)},
          {"ends_at", moment_json(downtime.until)},
          {"text", downtime.text},
          {"ticket", downtime.ticket}};
}

DowntimeDesk::DowntimeDesk(boost::asio::io_context& io, RuleBook& rules, Roll& roll,
                           RegisterThreads& register_threads, SessionDesk& sessions, Events& events,
                           Recorder& recorder, GuardedClock& clock)
    : io_(io),
      rules_(rules),
      roll_(roll),
      register_(register_threads),
      sessions_(sessions),
      events_(events),
      recorder_(recorder),
      clock_(clock),
      timer_(io, [this] { look(); }) {}

bool DowntimeDesk::read() {
  if (read_) return true;
  auto found = roll_.staff().downtimes();
  if (!found) {
    log(Level::error, "The downtime on file could not be read: " + found.error().message());
    timer_.set(clock_.boot() + read_downtime_again);
    return false;
  }
  open_ = std::move(found->open);
  last_ = found->last;
  read_ = true;
  return true;
}

void DowntimeDesk::look() {
  if (sessions_.stopping() || !read()) return;
  const auto rules = this->rules();
  const WallTime now = clock_.now();
  std::vector<std::pair<Downtime, work::Said>> said;
  for (auto& downtime : open_) {
    // The clock was set forward by mistake, and is right again: what was said too early is said again at its time.
    if (downtime.told_at > now + clock_may_slip) {
      downtime.told_at = std::chrono::floor<seconds>(now);
      save_later(downtime);
    }
    const auto what = work::due(downtime, rules, now);
    if (!what) continue;
    downtime.told_at = std::chrono::floor<seconds>(now);
    if (*what == work::Said::ended) downtime = work::ended_by_itself(std::move(downtime));
    said.emplace_back(downtime, *what);
  }
  std::erase_if(open_, [](const Downtime& each) { return each.state != Downtime::State::open; });
  for (const auto& [downtime, what] : said) {
    audit::Record record;
    record.event = name_of(audit::Event::downtime);
    record.details = notice_json(downtime, what);
    record.details["text"] = downtime.text;
    recorder_.note(std::move(record));
    tell(downtime, what);
    save_later(downtime);
  }
  end_sessions();
  write_motd();
  arm();
}

void DowntimeDesk::arm() {
  const auto next = work::next_change(open_, rules(), clock_.now());
  // A little later: the two clocks may drift.
  timer_.set(next ? clock_.boot_time_of(*next + milliseconds(1)) : std::nullopt);
}

const Downtime* DowntimeDesk::find(std::int64_t id) const {
  const auto found = std::ranges::find(open_, id, &Downtime::id);
  return found == open_.end() ? nullptr : &*found;
}

work::DowntimeRules DowntimeDesk::rules() const {
  const auto& settings = rules_.config().downtime;
  work::DowntimeRules out{settings.announce, settings.drain, rules_.config().calendar};
  std::ranges::transform(settings.impact, out.impacts.begin(), [](const Impact& impact) {
    return work::Impact{impact.means, impact.answer, impact.repair};
  });
  return out;
}

work::Closing DowntimeDesk::closing() {
  read();
  return work::closing_at(open_, rules(), clock_.now());
}

Result<std::int64_t> DowntimeDesk::next_number() {
  if (!read()) return Error{Errc::unavailable, "The staff register cannot be read now"};
  return ++last_;
}

/// Whoever manages the downtime must be able to end it, and to remove access meanwhile.
bool DowntimeDesk::goes_on(const policy::Role& role) const {
  const auto& open = rules_.config().downtime.open_roles;
  return role.lets(policy::Act::manage_downtime) || std::ranges::find(open, role.name) != open.end();
}

std::optional<Response> DowntimeDesk::refuse_sign_in(policy::Facts facts, policy::SignIn way) {
  if (!read())
    return register_unavailable(Error{Errc::unavailable, "whether there is downtime could not be read"});
  if (!closing().sign_ins) return std::nullopt;
  facts.answers_until.reset();  // whether the card was withdrawn is asked when it has proved itself
  for (const auto& role : rules_.policy()->roles()) {
    if (goes_on(role) && role.accepts(way) &&
        policy::decide(*rules_.policy(), facts, {role.name, way}, clock_.now()).allowed)
      return std::nullopt;
  }
  return refusal(facts.teams);
}

bool DowntimeDesk::closed(const policy::Role& role, WallTime signed_in) {
  if (goes_on(role)) return false;
  const auto now = closing();
  return now.sessions || (now.since && signed_in >= *now.since);
}

Response DowntimeDesk::refusal(const std::vector<std::string>& teams) {
  const auto now = closing();
  json::object more{{"ends_at", moment_json(now.reopens)}};
  if (now.because != nullptr) more["downtime"] = now.because->id;
  add_continuity(more, rules_.config().downtime, teams, roll_.staff());
  auto answer = problem(503, "downtime", work::closed_words(now, rules()), std::move(more));
  if (now.reopens) retry_after(answer, *now.reopens - clock_.now());
  return answer;
}

std::optional<WallTime> DowntimeDesk::role_ends(const policy::Role& role) {
  return goes_on(role) ? std::nullopt : closing().sessions_end;
}

std::vector<std::string> DowntimeDesk::announcements() {
  std::vector<std::string> out;
  for (const auto& downtime : open_) out.push_back(work::words_now(downtime, rules(), clock_.now()));
  if (also_announced) std::ranges::move(also_announced(), std::back_inserter(out));
  return out;
}

void DowntimeDesk::take(Downtime downtime, work::Said said, bool saved) {
  const auto at = std::ranges::lower_bound(open_, downtime.id, {}, &Downtime::id);
  if (at != open_.end() && at->id == downtime.id) {
    *at = downtime;
  } else {
    open_.insert(at, downtime);
  }
  std::erase_if(open_, [](const Downtime& each) { return each.state != Downtime::State::open; });
  // An older state of it may be on its way to the register: then it is written once more behind that.
  if (saved && !saving_.contains(downtime.id)) {
    owed_.erase(downtime.id);
  } else {
    owed_[downtime.id] = downtime;
  }
  tell(downtime, said);
  look();
}

boost::asio::awaitable<bool> DowntimeDesk::save(std::int64_t id) {
  const auto owed = owed_.find(id);
  if (owed == owed_.end()) co_return true;
  const Downtime downtime = owed->second;
  const std::function<Result<void>(reg::Register&)> work = [downtime](reg::Register& staff) {
    return staff.save_downtime(downtime, {});
  };
  auto writing = register_.write<void>(work);
  const auto written = co_await std::move(writing);
  if (!written) {
    log(Level::error, fmt::format("Downtime {} could not be written into the staff register: {}", id,
                                  written.error().message()));
    co_return false;
  }
  // It may have changed meanwhile; then what it is now is still to be written.
  if (const auto now = owed_.find(id); now != owed_.end() && now->second == downtime) owed_.erase(now);
  co_return true;
}

void DowntimeDesk::save_later(const Downtime& downtime) {
  owed_[downtime.id] = downtime;
  if (saving_.insert(downtime.id).second)
    boost::asio::co_spawn(io_, save_all_of(downtime.id), boost::asio::detached);
}

boost::asio::awaitable<void> DowntimeDesk::save_all_of(std::int64_t id) {
  for (bool written = true; written && owes(id) && !sessions_.stopping();) {
    auto once = save(id);
    written = co_await std::move(once);
  }
  saving_.erase(id);
}

void DowntimeDesk::save_owed() {
  const auto owed = owed_;
  for (const auto& [id, downtime] : owed) save_later(downtime);
}

void DowntimeDesk::read_again() {
  const auto found = read_ ? roll_.staff().downtimes() : reg::Downtimes();
  if (!found || !read_) return;  // what cannot be read is read at the next look
  std::vector<Downtime> now;
  const auto ours = [&](std::int64_t id) { return owes(id) || saving_.contains(id); };
  std::ranges::copy_if(found->open, std::back_inserter(now), [&](const auto& one) { return !ours(one.id); });
  std::ranges::copy_if(open_, std::back_inserter(now), [&](const auto& one) { return ours(one.id); });
  std::ranges::sort(now, {}, &Downtime::id);
  last_ = std::max(last_, found->last);
  open_ = std::move(now);
  look();
}

void DowntimeDesk::tell(const Downtime& downtime, work::Said said) {
  json::object notice = notice_json(downtime, said);
  notice["text"] = work::words(downtime, said, rules());
  spread(audit::Event::downtime, std::move(notice),
         said == work::Said::repair_late ? To::team : To::everybody);
}

void DowntimeDesk::spread(audit::Event event, json::object notice, To to) {
  const std::string act(notice.at("act").as_string());
  const std::string text(notice.at("text").as_string());
  const std::string shown =
      to == To::team_only ? "Somebody has reported a fault. To read it: sudo cardgate fault list" : text;
  if (event == audit::Event::fault) {
    recorder_.count("fault_notices", act);
    log(audit::Event::fault, shown, {{"CARDGATE_ACT", act}});
  } else {
    recorder_.count("downtime_notices", act);
    log(audit::Event::downtime, shown, {{"CARDGATE_ACT", act}});
  }
  notice["notice"] = name_of(event);
  if (to == To::everybody) {
    json::object told = notice;
    if (told.contains("kind")) told["planned"] = told.at("kind") == "planned";
    told["kind"] = act;
    for (const char* member : {"act", "notice", "for", "reported_by"}) told.erase(member);
    events_.publish("downtime", told, std::nullopt);
  }
  if (to == To::team_only || rules_.config().downtime.hook.empty()) return;
  if (in_hand_ >= max_notices_in_hand)
    return log(audit::Event::hook_failed,
               "The hook takes no notices, so this one was not handed on: " + text);
  ++in_hand_;  // here, because what is spawned begins later
  boost::asio::co_spawn(io_, hand(json::serialize(notice) + "\n"), boost::asio::detached);
}

boost::asio::awaitable<void> DowntimeDesk::hand(std::string text) {
  auto handing = hand_to_hook(rules_.config().downtime.hook, text);
  const auto handed = co_await std::move(handing);
  --in_hand_;
  if (handed) co_return;
  text.pop_back();
  log(audit::Event::hook_failed,
      fmt::format("A notice could not be handed to {}: {}. It was: {}",
                  rules_.config().downtime.hook.string(), handed.error().message(), text));
}

void DowntimeDesk::write_motd() {
  const auto& file = rules_.config().downtime.motd;
  if (motd_ && motd_->first != file) {
    // The configuration names another file now: this one must not announce for ever.
    if (const auto emptied = write_file_atomic(motd_->first, BytesView(), 0644); !emptied)
      log(Level::warning,
          fmt::format("The old file for logins could not be emptied: {}", emptied.error().message()));
    motd_.reset();
  }
  if (file.empty()) return;
  std::string text;
  for (const auto& line : announcements()) text += line + "\n";
  if (motd_ && motd_->second == text) return;
  if (const auto written = write_file_atomic(file, as_bytes(text), 0644); !written) {
    log(Level::warning,
        fmt::format("The file for logins could not be written: {}", written.error().message()));
    return;
  }
  motd_ = {file, std::move(text)};
}

void DowntimeDesk::end_sessions() {
  if (!closing().sessions) return;
  sessions_.close_for_downtime([this](const policy::Role& role) { return goes_on(role); });
}

}  // namespace cardgate::daemon
