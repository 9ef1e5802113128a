// SPDX-License-Identifier: Apache-2.0
#include "daemon/deeds/deeds.hpp"

#include <fmt/format.h>

#include <boost/asio/post.hpp>

#include "base/crypto.hpp"
#include "daemon/people/answers.hpp"

namespace cardgate::daemon {
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

std::string Deeds::id_of(const audit::Record& record) {
  const auto* id = find_string(record.details, "deed");
  return id == nullptr ? std::string() : std::string(*id);
}

boost::asio::awaitable<bool> Deeds::recorded(audit::Record& record, bool in_register) {
  OpenAct act;
  act.id = random_id();
  record.details["deed"] = act.id;
  act.record = record;
  act.in_register = in_register;
  const std::string id = act.id;
  auto noting = open_acts_.begin(std::move(act));
  co_await std::move(noting);
  auto recording = recorder_.write(record);
  const auto outcome = co_await std::move(recording);
  if (!outcome) open_acts_.end(id);
  co_return outcome.has_value();
}

void Deeds::ended(const audit::Record& record) {
  open_acts_.end(id_of(record));
}

void Deeds::note_not_done(audit::Record record, std::string_view why) {
  note_end(std::move(record), fmt::format("not done: {}", why));
}

void Deeds::note_not_known(audit::Record record, std::string_view why) {
  note_end(std::move(record), fmt::format("not known whether it was done: {}", why));
}

void Deeds::note_end(audit::Record record, std::string reason) {
  record.reason = std::move(reason);
  // Until this is durable, the next start has to say it: better twice, under one deed, than not at all.
  // The log may say so while it is destroyed, which is after this object (owners.hpp).
  auto said = [&io = io_, &acts = open_acts_, id = id_of(record)](const Result<void>& durable) {
    if (durable) boost::asio::post(io, [&acts, id] { acts.end(id); });
  };
  recorder_.note_for_certain(std::move(record), std::move(said));
}

void Deeds::note_not_done(audit::Record record, const Error& why) {
  if (!reg::in_doubt(why)) return note_not_done(std::move(record), why.message());
  doubtful_.push_back(record);
  record.reason = fmt::format("not known whether it was done: {}", why.message());
  recorder_.note(std::move(record));
}

void Deeds::settle_doubtful() {
  for (auto& record : std::exchange(doubtful_, {})) {
    const auto done = was_done(roll_.staff(), id_of(record));
    if (done && *done) {
      ended(record);
    } else if (done) {
      note_not_done(std::move(record), "the disk of the staff register failed");
    } else {
      doubtful_.push_back(std::move(record));
    }
  }
}

Response Deeds::refuse_impossible(const Request& request, const audit::Record& record, const Error& why) {
  audit::Record refused = record;
  refused.event = name_of(audit::Event::client_refused);
  refused.reason = fmt::format("{}: not possible", record.event);
  refused.details["why"] = why.context;
  recorder_.refuse(*request.peer, std::move(refused));
  return not_possible(why);
}

Result<void> Deeds::try_on_copies(const Deed& deed) {
  std::vector<reg::Person> copies;
  for (const auto& id : deed.people) copies.push_back(TRY(roll_.record_of(id)));
  return deed.how(copies);
}

std::optional<Response> Deeds::refuse_untried(const Request& request, Deed& deed,
                                              std::vector<reg::Person>& before,
                                              std::optional<reg::Numbered>& without_number) {
  for (const auto& id : deed.people) {
    auto found = roll_.record_of(id);
    if (!found) return no_person(found.error(), id);
    before.push_back(std::move(*found));
  }
  auto tried = before;
  auto possible = deed.how(tried);
  if (possible && deed.first) possible = deed.first(roll_.records());
  if (!possible) return refuse_impossible(request, deed.record, possible.error());
  if (deed.more_details) {
    for (auto& detail : deed.more_details(before.front(), tried.front()))
      deed.record.details[detail.key()] = detail.value();
  }
  without_number = reg::without_number(tried.front());
  return std::nullopt;
}

/// People quote the number from now on, so the log must have it.
boost::asio::awaitable<std::optional<Response>> Deeds::take_number(Deed& deed, reg::Numbered kind) {
  std::function<Result<std::int64_t>(reg::Register&)> take = [kind](reg::Register& staff) {
    return staff.take_number(kind);
  };
  auto taking = register_.write<std::int64_t>(take);
  const auto number = co_await std::move(taking);
  if (!number) co_return not_possible(number.error());
  deed.record.details[number_name(kind)] = std::to_string(*number);
  deed.how = [how = deed.how, kind, number = *number](std::vector<reg::Person>& people) -> Result<void> {
    TRY(how(people));
    reg::set_number(people.front(), kind, number);
    return {};
  };
  co_return std::nullopt;
}

boost::asio::awaitable<std::optional<Response>> Deeds::put_on_record(const Actor& who, Deed& deed) {
  auto recording = recorded(deed.record, true);
  const bool on_record = co_await std::move(recording);
  if (!on_record) co_return recorder_.unavailable();
  if (auto over = actors_.refuse_if_over(who)) {
    note_not_done(deed.record, "the session, or the right to do it, ended meanwhile");
    co_return over;
  }
  // Something may have been taken away meanwhile that the register does not know yet.
  if (const auto still = try_on_copies(deed); !still) {
    note_not_done(deed.record, still.error().message());
    co_return not_possible(still.error());
  }
  co_return std::nullopt;
}

/// The register may be busy with an import for minutes: what was true before the wait is asked again behind it.
boost::asio::awaitable<Result<std::vector<reg::Person>>> Deeds::write(
    const Actor& who, const Deed& deed, std::shared_ptr<const WaitingActs::Act> act) {
  const std::function<Result<std::vector<reg::Person>>(reg::Register&)> work =
      [ids = deed.people, how = deed.how, first = deed.first,
       still = actors_.still_allowed(who, std::move(act)),
       id = id_of(deed.record)](reg::Register& staff) -> Result<std::vector<reg::Person>> {
    TRY(still(staff));
    if (first) TRY(first([&staff](const std::string& other) { return staff.person(other); }));
    return staff.change_several(ids, [&](std::vector<reg::Person>& people) -> Result<void> {
      TRY(how(people));
      return note_done(staff, id);
    });
  };
  auto writing = register_.write<std::vector<reg::Person>>(work);
  auto written = co_await std::move(writing);
  co_return written;
}

void Deeds::tell_sessions(const Deed& deed, const std::vector<reg::Person>& before,
                          const std::vector<reg::Person>& after) {
  std::vector<std::string> affected = deed.people;
  for (std::size_t i = 0; i < after.size(); ++i) {
    if (before[i].line_manager == after[i].line_manager) continue;
    affected.push_back(before[i].line_manager);
    affected.push_back(after[i].line_manager);
  }
  sessions_.people_changed(affected);
}

boost::asio::awaitable<void> Deeds::tell(std::string person, std::string event, std::string notice) {
  // Made before the co_await: g++ 12 cannot build lists inside one.
  const std::vector<std::string> to(1, person);
  const std::string mark = event + "-" + random_id();
  auto telling = notices_.tell(to, mark, notice);
  co_await std::move(telling);
}

boost::asio::awaitable<Done> Deeds::carry_out(const Request& request, const Actor& who, Deed& deed) {
  Done done;
  const auto act = waiting_acts_.begin(who.session, actors_.right_of(who));
  auto& record = deed.record;
  record.person = deed.people.front();
  record.client = who.client;
  record.session = who.session;
  record.role = who.role;
  record.policy = rules_.policy()->hash();
  record.details["by"] = who.person;
  if (deed.taking) {
    auto taking = take_away(request, who, deed);
    auto taken = co_await std::move(taking);
    co_return taken;
  }
  done.refusal = recorder_.works() ? actors_.refuse_in_downtime(who) : recorder_.unavailable();
  if (done.refusal) co_return done;
  // What is owed to the register goes first, so that everything is written in the order in which it was done.
  if (!open_acts_.owed().empty()) co_await write_owed();
  std::vector<reg::Person> before;
  std::optional<reg::Numbered> without_number;
  done.refusal = refuse_untried(request, deed, before, without_number);
  if (done.refusal) co_return done;
  if (without_number) {
    auto taking = take_number(deed, *without_number);
    done.refusal = co_await std::move(taking);
    if (done.refusal) co_return done;
  }
  auto recording = put_on_record(who, deed);
  done.refusal = co_await std::move(recording);
  if (done.refusal) co_return done;
  auto writing = write(who, deed, act);
  auto changed = co_await std::move(writing);
  if (!changed) {
    note_not_done(std::move(record), changed.error());
    if (!reg::in_doubt(changed.error())) done.refusal = actors_.refuse_if_over(who);
    if (!done.refusal) done.refusal = not_possible(changed.error());
    co_return done;
  }
  ended(record);
  done.people = std::move(*changed);
  tell_sessions(deed, before, done.people);
  if (!deed.notice.empty() && deed.people.front() != who.person) {
    auto telling = tell(deed.people.front(), record.event, deed.notice);
    co_await std::move(telling);
  }
  co_return done;
}

boost::asio::awaitable<Response> Deeds::carry_out_silently(const Request& request, const Actor& who,
                                                           Deed& deed) {
  auto doing = carry_out(request, who, deed);
  auto done = co_await std::move(doing);
  if (done.refusal) co_return std::move(*done.refusal);
  co_return no_content();
}

}  // namespace cardgate::daemon
