// SPDX-License-Identifier: Apache-2.0
// What somebody tried lately, why it did not work, and what would put it right now: for whoever helps them on the telephone. No
// tokens, no cards' numbers, nobody else.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "audit/reason_words.hpp"
#include "audit/sentence.hpp"
#include "base/number.hpp"
#include "daemon/api/audit_api.hpp"
#include "daemon/people/answers.hpp"

namespace cardgate::daemon {
namespace {

constexpr std::array attempt_events{
    audit::Event::sign_in,        audit::Event::sign_in_refused,  audit::Event::token,
    audit::Event::token_refused,  audit::Event::card_blocked,     audit::Event::card_refused,
    audit::Event::card_unblocked, audit::Event::passcode_changed, audit::Event::access_removed};
constexpr std::chrono::hours usual_look_back{24};
constexpr std::size_t usual_attempts = 20;

bool is_attempt(std::string_view event) {
  return std::ranges::any_of(attempt_events, [&](auto each) { return name_of(each) == event; });
}

std::string_view text_in(const json::object& object, std::string_view member) {
  const auto* text = find_string(object, member);
  return text == nullptr ? std::string_view() : std::string_view(*text);
}

bool is_event(const json::object& record, audit::Event event) {
  return text_in(record, "event") == name_of(event);
}

/// A token of the same role in the same session is the same thing again.
bool is_same_token(const json::object& a, const json::object& b) {
  return is_event(a, audit::Event::token) && is_event(b, audit::Event::token) &&
         text_in(a, "role") == text_in(b, "role") && text_in(a, "session") == text_in(b, "session");
}

}  // namespace

/// What is asked for.
struct AuditApi::Recent {
  std::string person;
  std::string from;  // RFC 3339; empty: from the beginning
  std::size_t most = usual_attempts;
};

/// Newest first.
struct AuditApi::Attempts {
  struct One {
    json::object record;
    std::size_t times = 1;
  };
  std::vector<One> found;
  bool more = false;  // there are earlier ones
};

Actor AuditApi::helper(const Request& request, const std::string& person) {
  Actor who;
  who.person = reg::root_name;
  if (request.peer->admin_socket) return who;
  who = actors_.may(request, policy::Act::give_codes, person);
  if (!who.refusal) {
    actors_.uses_role(who);
    return who;
  }
  if (Actor auditor = actors_.may(request, policy::Act::read_audit, person); !auditor.refusal) {
    actors_.uses_role(auditor);
    return auditor;
  }
  // Neither: they are told what they lack to help.
  return actors_.actor(request, policy::Act::give_codes, person);
}

json::array AuditApi::attempts_json(const Attempts& attempts, const reg::Person& record) {
  audit::Speaker speaker;
  speaker.person = [&](std::string_view id) {
    return id == record.id ? fmt::format("{} ({})", record.name, record.id) : std::string("somebody else");
  };
  speaker.role = [policy = rules_.policy()](std::string_view name) {
    const auto* role = policy->role(name);
    return role == nullptr ? std::string(name) : role->title;
  };
  json::array out;
  for (const auto& one : attempts.found) {
    const auto refused = audit::outcome_of(one.record) != audit::Outcome::done ||
                         is_event(one.record, audit::Event::card_blocked) ||
                         is_event(one.record, audit::Event::access_removed);
    out.push_back(json::object{{"at", text_in(one.record, "time")},
                               {"event", text_in(one.record, "event")},
                               {"role", text_in(one.record, "role")},
                               {"reason", text_in(one.record, "reason")},
                               {"text", audit::sentence(one.record, speaker)},
                               {"times", one.times},
                               {"refused", refused},
                               {"now", ""},
                               {"unmet", json::array()}});
  }
  return out;
}

namespace {

/// Whether what was refused there was done since, in an attempt before it in the list.
bool worked_since(const json::array& attempts, std::size_t refused) {
  const auto& one = attempts[refused].as_object();
  const auto event = text_in(one, "event");
  for (std::size_t i = 0; i < refused; ++i) {
    const auto& later = attempts[i].as_object();
    if (event == name_of(audit::Event::token_refused)
            ? is_event(later, audit::Event::token) && text_in(later, "role") == text_in(one, "role")
        : event == name_of(audit::Event::sign_in_refused)
            ? is_event(later, audit::Event::sign_in)
            : is_event(later, audit::Event::sign_in) || is_event(later, audit::Event::card_unblocked)) {
      return true;
    }
  }
  return false;
}

/// Whether the reason is what the policy says of the person, which may have changed since.
bool is_of_policy(std::string_view reason) {
  static constexpr std::array<std::string_view, 13> codes{
      "access_denied", "access",     "not-removed", "employed", "card",    "form",      "declaration",
      "line-manager",  "delegation", "team",        "training", "sign-in", "revocation"};
  return std::ranges::find(codes, reason) != codes.end();
}

/// What each refusal comes to now, by what the policy says today.
void add_remedies(json::array& attempts, const PeopleView& view, const policy::Facts& facts) {
  for (std::size_t i = 0; i < attempts.size(); ++i) {
    auto& one = attempts[i].as_object();
    if (one.at("refused") != json::value(true)) continue;
    if (worked_since(attempts, i)) {
      one["now"] = "It has worked since.";
      continue;
    }
    const auto reason = std::string(text_in(one, "reason"));
    if (!is_of_policy(reason)) {
      const bool blocked = text_in(one, "event") == name_of(audit::Event::card_blocked);
      one["now"] = audit::reason_remedy(blocked ? "passcode_blocked" : std::string_view(reason));
      continue;
    }
    const auto role = std::string(text_in(one, "role"));
    const auto decision = role.empty()
                              ? policy::decide_sign_in(*view.policy, facts, policy::SignIn::card, view.now)
                              : policy::decide(*view.policy, facts, {role, policy::SignIn::card}, view.now);
    one["now"] = decision.allowed ? "Nothing is missing now. Try again." : "This is still missing:";
    one["unmet"] = to_json(decision.unmet);
  }
}

/// Of `person`, the newest attempts since `from`.
template <class Attempts>
Result<Attempts> attempts_in(const std::filesystem::path& log, audit::Index* index, const std::string& person,
                             const std::string& from, std::size_t most, const std::function<bool()>& go_on) {
  const auto enough = std::chrono::steady_clock::now() + LogReading::longest_catch_up;
  const auto worth = [&](audit::Index::Progress) {
    return std::chrono::steady_clock::now() < enough && go_on();
  };
  if (index != nullptr && !index->catch_up(log, worth)) index = nullptr;
  audit::Search ask;
  ask.filter.person = person;
  ask.filter.about_them = true;
  ask.filter.from = from;
  ask.newest_first = true;
  ask.limit = max_audit_page;
  ask.max_bytes = max_audit_read;
  Attempts out;
  for (std::size_t pages = 0; pages < max_attempt_pages && !out.more; ++pages) {
    auto page = TRY(audit::search(log, ask, index, go_on));
    for (auto& found : page.records) {
      if (!is_attempt(text_in(found.record, "event"))) continue;
      if (!out.found.empty() && is_same_token(out.found.back().record, found.record)) {
        ++out.found.back().times;
        continue;
      }
      if (out.found.size() == most) {
        out.more = true;
        break;
      }
      out.found.push_back({std::move(found.record), 1});
    }
    if (!page.next) return out;
    ask.before = *page.next;
    if (!go_on()) break;
  }
  out.more = true;
  return out;
}

}  // namespace

std::optional<Response> AuditApi::read(const Request& request, Recent& recent) {
  const auto* person = request.parameter("person");
  if (person == nullptr) return problem(400, "bad_request", "Give `person` in the query.");
  recent.person = *person;
  recent.from = to_rfc3339(clock_.now() - usual_look_back);
  const auto* last = request.parameter("last");
  if (last == nullptr) return std::nullopt;
  const auto number = whole_number<std::size_t>(*last);
  if (!number || *number < 1 || *number > max_attempts) {
    return problem(400, "bad_request",
                   fmt::format("`last` must be a whole number from 1 to {}.", max_attempts));
  }
  recent.most = *number;
  recent.from.clear();
  return std::nullopt;
}

boost::asio::awaitable<Result<AuditApi::Attempts>> AuditApi::attempts_of(Recent recent) {
  LogReading::PageWork<Attempts> work = [recent](const std::filesystem::path& log, audit::Index* index,
                                                 const std::function<bool()>& go_on) {
    return attempts_in<Attempts>(log, index, recent.person, recent.from, recent.most, go_on);
  };
  auto reading = log_.page<Attempts>(std::move(work));
  auto attempts = co_await std::move(reading);
  co_return attempts;
}

Answer AuditApi::support(Request& request) {
  Recent recent;
  if (auto wrong = read(request, recent)) co_return std::move(*wrong);
  auto meaning = people_.meant(request, recent.person, policy::Act::give_codes);
  auto meant = co_await std::move(meaning);
  if (meant.refusal) co_return std::move(*meant.refusal);
  recent.person = std::move(meant.id);
  const Actor who = helper(request, recent.person);
  if (who.refusal) co_return *who.refusal;
  PeopleDesk::Seen seen;
  seen.person = recent.person;
  seen.what = "support";
  auto noting = people_.note_durably(request, who, std::move(seen));
  auto unnoted = co_await std::move(noting);
  if (unnoted) co_return std::move(*unnoted);
  // What lets them see it may have ended while the look was recorded.
  if (auto over = still_may(request, who)) co_return std::move(*over);
  if (auto again = helper(request, recent.person); again.refusal) co_return std::move(*again.refusal);
  auto begun = people_.begin_dear(*request.peer, who.person);
  if (!begun.turn) co_return std::move(begun.refusal);
  auto reading = attempts_of(recent);
  const auto attempts = co_await std::move(reading);
  if (!attempts) co_return log_unreadable(attempts.error());
  begun.turn.reset();
  if (auto over = still_may(request, who)) co_return std::move(*over);
  const auto record = roll_.record_of(recent.person);
  if (!record) co_return no_person(record.error(), recent.person);
  PeopleDesk::PersonWork remedies = [record = *record, rows = attempts_json(*attempts, *record)](
                                        const PeopleView& view, const RecordOf& record_of, Names&) {
    auto told = rows;
    add_remedies(told, view, to_facts_with_best_card(record, record_of));
    return json::object{{"person", person_json(record)}, {"attempts", std::move(told)}};
  };
  auto making = people_.make(request, who.person, entries_of(*record), std::move(remedies));
  auto made = co_await std::move(making);
  if (made.refusal) co_return std::move(*made.refusal);
  if (auto over = still_may(request, who)) co_return std::move(*over);
  made.body["since_at"] = recent.from.empty() ? json::value() : json::value(recent.from);
  made.body["more"] = attempts->more;
  made.body["time_zone"] = clock_.calendar().zone();
  co_return json_response(200, made.body);
}

}  // namespace cardgate::daemon
