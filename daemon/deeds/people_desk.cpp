// SPDX-License-Identifier: Apache-2.0
// Where a person's number is asked, a name will do. Who asks is looked at before what is asked: nobody learns of people whom
// their roles do not open to them, but a line manager's own staff are always theirs to name and to be shown.
#include "daemon/deeds/people_desk.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "daemon/people/answers.hpp"
#include "daemon/people/people_named.hpp"

namespace cardgate::daemon {
namespace {

std::string choices_text(const std::vector<reg::Register::Named>& choices) {
  std::string text;
  for (const auto& one : choices)
    text += fmt::format("{}{} ({})", text.empty() ? "" : ", ", one.name, one.id);
  return text;
}

Response not_one_person(const std::string& text, const PeopleNamed& found) {
  json::array choices;
  for (const auto& one : found.choices) choices.push_back(person_json(one.id, one.name));
  const auto listed = choices_text(found.choices);
  const auto asked = audit::clean(text, max_shown_text);
  if (!found.fit.empty()) {
    return problem(409, "person_ambiguous",
                   fmt::format("Several people are called '{}'. Give the personnel number{}{}.", asked,
                               listed.empty() ? "" : ": ", listed),
                   {{"choices", std::move(choices)}});
  }
  return problem(
      404, "person_unknown",
      fmt::format(
          "The register has no person with the personnel number '{}', and no person whom you may name "
          "is called that.{}{}{}",
          asked, listed.empty() ? "" : " Give the whole name or the personnel number: ", listed,
          listed.empty() ? "" : "."),
      {{"choices", std::move(choices)}});
}

}  // namespace

/// Somebody who names people, and how far they may.
struct PeopleDesk::Naming {
  NameAsk ask;
  Actor who;
  bool had_role = true;
};

std::optional<PeopleDesk::Naming> PeopleDesk::naming(const Request& request, std::string text,
                                                     policy::Act act, Whom whom) {
  Naming out;
  out.ask = {.text = std::move(text), .me = {}, .managers = {}, .sees_all = true, .anybody = false};
  if (request.peer->admin_socket) {
    out.who.person = reg::root_name;
    return out;
  }
  out.who = actors_.may(request, act, {});
  const Actor& who = out.who;
  out.had_role = !who.refusal;
  const auto& facts = who.reach.facts;
  // Nobody signed in by card, or nobody there is whom they might name: the call itself says so.
  if (who.reach.policy == nullptr || who.needs_proof) return std::nullopt;
  if (!out.had_role && !facts.is_line_manager && facts.acting.empty()) return std::nullopt;
  auto& ask = out.ask;
  ask.me = who.person;
  ask.sees_all = false;
  ask.anybody = out.had_role && whom == Whom::anybody;
  for (auto& manager : policy::managers_of(facts, clock_.today()))
    ask.managers.push_back(std::move(manager.id));
  if (!out.had_role) return out;
  for (const auto* role : who.reach.roles) {
    ask.sees_all = ask.sees_all || role->records == "all" || role->records == "by-function";
    for (auto& manager : policy::managers_in_scope(*role, facts, clock_.today()))
      ask.managers.push_back(std::move(manager.id));
  }
  return out;
}

boost::asio::awaitable<PeopleDesk::Meant> PeopleDesk::meant(const Request& request, std::string text,
                                                            policy::Act act, Whom whom) {
  Meant out{text, std::nullopt};
  // A number, and what the register cannot tell now, are the caller's business.
  const auto known = roll_.staff().name_of(text);
  if (known || known.error().code != Errc::not_found) co_return out;
  const auto asking = naming(request, std::move(text), act, whom);
  if (!asking) co_return out;
  auto begun = begin_dear(*request.peer, asking->who.person);
  if (!begun.turn) {
    out.refusal = std::move(begun.refusal);
    co_return out;
  }
  RegisterThreads::LongWork<PeopleNamed> looking = [ask = asking->ask](
                                                       const std::filesystem::path& file,
                                                       const std::atomic<bool>& stop) -> Result<PeopleNamed> {
    const auto staff = TRY(reg::open_sqlite_again(file));
    return people_named(*staff, ask, stop);
  };
  auto found = co_await register_.look<PeopleNamed>(std::move(looking));
  if (!found) {
    out.refusal = register_unavailable(found.error());
    co_return out;
  }
  begun.turn->read(found->read / names_per_person, clock_.boot());
  if (found->fit.size() == 1) {
    out.id = found->fit.front().id;
  } else if (still_names(request, *asking, act)) {
    out.refusal = refuse_choices(request, *asking, *found);
  }
  co_return out;
}

/// What lets them see others may have ended while the names were read.
bool PeopleDesk::still_names(const Request& request, const Naming& asking, policy::Act act) {
  if (request.peer->admin_socket) return true;
  const Actor again = actors_.may(request, act, {});
  return again.session == asking.who.session && again.reach.policy != nullptr &&
         !(asking.had_role && again.refusal);
}

Response PeopleDesk::refuse_choices(const Request& request, const Naming& asking, const PeopleNamed& found) {
  if (!found.choices.empty()) {
    if (asking.had_role) actors_.uses_role(asking.who);
    std::vector<std::string> seen;
    for (const auto& one : found.choices) seen.push_back(one.id);
    if (auto no = note_list(request, asking.who, seen, "choices of a name")) return std::move(*no);
  }
  return not_one_person(asking.ask.text, found);
}

boost::asio::awaitable<PeopleDesk::Listed> PeopleDesk::list(const Request& request,
                                                            const std::function<Actor()>& asks,
                                                            ListWork work) {
  Listed out;
  out.who = asks();
  if (out.who.refusal) {
    out.refusal = std::move(out.who.refusal);
    co_return out;
  }
  auto begun = begin_dear(*request.peer, out.who.person);
  if (!begun.turn) {
    out.refusal = std::move(begun.refusal);
    co_return out;
  }
  const auto* after = request.parameter("after");
  RegisterThreads::LongWork<PeoplePage> reading =
      [work = std::move(work),
       ask = ListAsk{view(), out.who.reach, after == nullptr ? std::string() : *after}](
          const std::filesystem::path& file, const std::atomic<bool>& stop) -> Result<PeoplePage> {
    const auto staff = TRY(reg::open_sqlite_again(file));
    return work(*staff, ask, stop);
  };
  auto page = co_await register_.look<PeoplePage>(std::move(reading));
  if (!page) {
    out.refusal = register_unavailable(page.error());
    co_return out;
  }
  begun.turn->read(page->read, clock_.boot());
  // What lets them see it may have ended while it was read.
  out.refusal = actors_.refuse_if_over(out.who);
  if (!out.refusal) out.refusal = asks().refusal;
  out.page = std::move(*page);
  co_return out;
}

boost::asio::awaitable<PeopleDesk::Made> PeopleDesk::make(const Request& request, std::string who,
                                                          std::size_t entries, PersonWork work) {
  if (entries <= few_entries) {
    // Not one call like another: its rate is paid for by what it costs.
    if (!request.peer->admin_socket)
      admission_.charge_request(*request.peer, static_cast<double>(entries) / entries_per_request);
    Names names(roll_.staff());
    co_return Made{std::nullopt, work(view(), roll_.records(), names)};
  }
  auto begun = begin_dear(*request.peer, who);
  if (!begun.turn) co_return Made{std::move(begun.refusal), {}};
  RegisterThreads::LongWork<json::object> making = [work = std::move(work), view = view()](
                                                       const std::filesystem::path& file,
                                                       const std::atomic<bool>&) -> Result<json::object> {
    const auto staff = TRY(reg::open_sqlite_again(file));
    Names names(*staff);
    return work(view, view.records(*staff), names);
  };
  auto made = co_await register_.look<json::object>(std::move(making));
  if (!made) co_return Made{register_unavailable(made.error()), {}};
  begun.turn->read(entries, clock_.boot());
  co_return Made{std::nullopt, std::move(*made)};
}

/// Fills in who looked, and says whether that is to be recorded.
Looks::Answer PeopleDesk::count_look(const Request& request, const Actor& who, audit::Record& record,
                                     std::string_view list, std::size_t people) {
  record.event = name_of(audit::Event::looked_at);
  record.client = describe(*request.peer);
  record.session = who.session;
  record.role = who.role;
  record.details["by"] = who.person;
  return recorder_.look({request.peer->counted_as, who.person, who.session, who.role, record.reason,
                         record.person, std::string(list)},
                        people);
}

namespace {

Response too_many_looks(seconds wait) {
  return ask_again(429, "too_many_looks",
                   "Programs of this user of the machine have asked about too many people in a short time. "
                   "Wait a moment, then ask again.",
                   wait);
}

}  // namespace

std::optional<Response> PeopleDesk::records_of(const Request& request, const Actor& who, const Seen& seen,
                                               std::vector<audit::Record>& records) {
  if (!recorder_.works()) return recorder_.unavailable();
  audit::Record record;
  record.person = seen.person;
  record.reason = seen.what;
  std::string mark;
  if (seen.people || !seen.question.empty()) {
    auto marked = seen.people ? *seen.people : std::vector<std::string>();
    if (!seen.question.empty()) marked.push_back("?" + seen.question);
    mark = list_mark(marked);
  }
  const auto answer = count_look(request, who, record, mark, seen.people ? seen.people->size() : 1);
  if (answer.later) return too_many_looks(*answer.later);
  if (!answer.record) return std::nullopt;
  if (!mark.empty()) record.details["list"] = mark;
  for (const auto& [key, value] : seen.asked)
    record.details[key] = audit::clean(value.as_string(), max_refused_text);
  if (!seen.people) {
    records.push_back(std::move(record));
    return std::nullopt;
  }
  record.details["count"] = seen.people->size();
  auto parts = parts_for_records(*seen.people);
  if (parts.empty()) parts.emplace_back();  // that there was nobody to see was seen
  for (const auto& part : parts) {
    record.details["people"] = json::array(part.begin(), part.end());
    records.push_back(record);
  }
  return std::nullopt;
}

std::optional<Response> PeopleDesk::note_look(const Request& request, const Actor& who,
                                              const std::string& person, std::string_view what) {
  Seen seen;
  seen.person = person;
  seen.what = what;
  std::vector<audit::Record> records;
  if (auto no = records_of(request, who, seen, records)) return no;
  for (auto& record : records) recorder_.note(std::move(record));
  return std::nullopt;
}

std::optional<Response> PeopleDesk::note_list(const Request& request, const Actor& who,
                                              const std::vector<std::string>& people, std::string_view what,
                                              json::object asked) {
  Seen seen;
  seen.people = people;
  seen.what = what;
  seen.asked = std::move(asked);
  std::vector<audit::Record> records;
  if (auto no = records_of(request, who, seen, records)) return no;
  for (auto& record : records) recorder_.note(std::move(record));
  return std::nullopt;
}

boost::asio::awaitable<std::optional<Response>> PeopleDesk::note_durably(const Request& request,
                                                                         const Actor& who, Seen seen) {
  std::vector<audit::Record> records;
  if (auto no = records_of(request, who, seen, records)) co_return no;
  // What was counted only: its first may still be on its way to the disk.
  if (records.empty()) {
    auto settling = recorder_.noted();
    co_await std::move(settling);
    if (!recorder_.works()) co_return recorder_.unavailable();
    co_return std::nullopt;
  }
  // Kept when it fails: from now on the same look would only be counted.
  std::vector<Durable::Ticket> tickets;
  tickets.reserve(records.size());
  for (auto& record : records) tickets.push_back(recorder_.start(std::move(record), audit::Keep::if_room));
  bool on_disk = true;
  for (auto& ticket : tickets) {
    auto waiting = recorder_.wait(std::move(ticket));
    const auto outcome = co_await std::move(waiting);
    if (!outcome) on_disk = false;
  }
  if (!on_disk) co_return recorder_.unavailable();
  co_return std::nullopt;
}

}  // namespace cardgate::daemon
