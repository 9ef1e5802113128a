// SPDX-License-Identifier: Apache-2.0
// What only takes access away: in force at once, whatever becomes of log and register.
#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>

#include "base/crypto.hpp"
#include "daemon/deeds/deeds.hpp"
#include "daemon/journal.hpp"
#include "daemon/people/answers.hpp"

namespace cardgate::daemon {
namespace {

/// The disk, or what stands before it, not this act: the next one would fare alike.
bool all_wait(const Error& error) {
  return error.code == Errc::no_space || error.code == Errc::io || error.code == Errc::unavailable ||
         reg::in_doubt(error);
}

/// Not that the rules refuse it: it can be tried again.
bool cannot_be_written(const Error& error) {
  return error.code != Errc::not_found && error.code != Errc::permission_denied &&
         error.code != Errc::invalid_argument;
}

Response owed_answer(bool kept) {
  if (kept) {
    return json_response(
        202, json::object{{"written", false},
                          {"message",
                           "This is in force from now on. The staff register cannot be written right now. "
                           "The service writes it as soon as it can, even after a restart."}});
  }
  return problem(503, "register_unavailable",
                 "This is in force from now on, but it cannot be saved: neither the staff register nor the "
                 "reserve file beside it can be written. It is lost when the service stops. Tell the people "
                 "who run this machine to look at the disk of the state directory, then do this again.");
}

}  // namespace

boost::asio::awaitable<Result<reg::Person>> Deeds::write_taking(const OpenAct& act) {
  std::function<Result<reg::Person>(reg::Register&)> work =
      [person = act.person, taking = *act.taking, id = act.id](reg::Register& staff) -> Result<reg::Person> {
    // A write that was said to have failed may have come to the disk all the same.
    if (TRY(was_done(staff, id))) return staff.person(person);
    return staff.change(person, [&](reg::Person& next) -> Result<void> {
      TRY(work::apply(next, taking));
      return note_done(staff, id);
    });
  };
  auto writing = register_.write<reg::Person>(work);
  auto written = co_await std::move(writing);
  co_return written;
}

boost::asio::awaitable<Response> Deeds::take_away_again(OpenAct again) {
  if (!again.owed)
    co_return problem(409, "busy", "Somebody is already doing the same. Wait a moment, then look again.");
  if (!again.kept) {
    auto noting = open_acts_.begin(again);
    again.kept = co_await std::move(noting);
  }
  co_return owed_answer(again.kept);
}

/// Sessions end before anything is written, even behind a long import.
void Deeds::put_in_force(const OpenAct& act) {
  open_acts_.hold(act);
  if (act.taking->kind == work::Taking::Kind::remove)
    sessions_.end_of_person(act.person, EndReason::access_lost);
  sessions_.people_changed({act.person});
  waiting_acts_.review([this](const work::Right& right) {
    return work::still_holds(right, roll_.records(), clock_.now()).has_value();
  });
}

boost::asio::awaitable<Response> Deeds::owe(OpenAct act, Error why) {
  log(audit::Event::act_unwritten,
      "Access was taken away, and the staff register does not have it yet: " + why.message(),
      {{"CARDGATE_PERSON", act.person},
       {"CARDGATE_RECORD", json::serialize(to_json(act))},
       {"CARDGATE_REASON", why.message()}});
  auto noting = open_acts_.begin(act);
  const bool kept_now = co_await std::move(noting);
  act.kept = act.kept || kept_now;
  if (auto* mine = open_acts_.held(act.id)) {
    mine->owed = true;
    mine->kept = act.kept;
  }
  if (!owed_waits_) boost::asio::co_spawn(io_, write_owed_later(), boost::asio::detached);
  co_return owed_answer(act.kept);
}

boost::asio::awaitable<Done> Deeds::take_away(const Request& request, const Actor& who, Deed& deed) {
  Done done;
  auto& record = deed.record;
  const std::string subject = deed.people.front();
  if (const auto* same = open_acts_.same(subject, *deed.taking)) {
    auto again = take_away_again(*same);
    done.refusal = co_await std::move(again);
    co_return done;
  }
  const auto before = roll_.record_of(subject);
  if (!before) {
    done.refusal = no_person(before.error(), subject);
    co_return done;
  }
  reg::Person after = *before;
  if (const auto possible = work::apply(after, *deed.taking); !possible) {
    done.refusal = refuse_impossible(request, record, possible.error());
    co_return done;
  }
  if (deed.more_details) {
    for (auto& detail : deed.more_details(*before, after)) record.details[detail.key()] = detail.value();
  }
  auto taking = take_now(deed, subject != who.person ? deed.notice : std::string());
  done = co_await std::move(taking);
  co_return done;
}

boost::asio::awaitable<void> Deeds::take_away_by_itself(Deed deed) {
  const std::string subject = deed.people.front();
  if (open_acts_.same(subject, *deed.taking) != nullptr) co_return;
  auto record = roll_.record_of(subject);
  if (!record || !work::apply(*record, *deed.taking)) co_return;
  deed.record.person = subject;
  deed.record.policy = rules_.policy()->hash();
  auto taking = take_now(deed, deed.notice);
  const auto done = co_await std::move(taking);
}

boost::asio::awaitable<Done> Deeds::take_now(Deed& deed, std::string notice) {
  Done done;
  auto& record = deed.record;
  const std::string subject = deed.people.front();
  OpenAct act;
  act.id = random_id();
  record.details["deed"] = act.id;
  act.record = record;
  act.person = subject;
  act.taking = deed.taking;
  act.notice = std::move(notice);
  put_in_force(act);

  auto noting = open_acts_.begin(act);
  act.kept = co_await std::move(noting);
  auto ticket = recorder_.start(record, audit::Keep::always);
  auto writing = write_taking(act);
  auto written = co_await std::move(writing);
  auto recording = recorder_.wait(std::move(ticket));
  const auto on_record = co_await std::move(recording);  // when it is not, it is kept until it can be
  act.recorded = on_record.has_value();  // else the next start records it again, under the same deed

  if (!written && cannot_be_written(written.error())) {
    auto owing = owe(act, written.error());
    done.refusal = co_await std::move(owing);
    co_return done;
  }
  open_acts_.release(act.id);
  sessions_.people_changed(deed.people);
  if (!written) {
    note_not_done(std::move(record), written.error().message());
    done.refusal = not_possible(written.error());
    co_return done;
  }
  open_acts_.end(act.id);
  done.people.push_back(*std::move(written));
  if (!act.notice.empty()) {
    auto telling = tell(subject, record.event, act.notice);
    co_await std::move(telling);
  }
  co_return done;
}

boost::asio::awaitable<void> Deeds::write_owed() {
  if (writing_owed_) co_return;
  const Raised writing(writing_owed_);
  for (const auto& id : open_acts_.owed()) {
    const auto* held = open_acts_.held(id);
    if (held == nullptr) continue;
    const OpenAct act = *held;
    auto work = write_taking(act);
    const auto written = co_await std::move(work);
    if (!written && all_wait(written.error())) co_return;
    if (!written && cannot_be_written(written.error())) continue;  // one bad row holds up no other
    open_acts_.release(id);
    sessions_.people_changed({act.person});
    if (!written) {
      log(audit::Event::act_not_done,
          "A change that takes access away waited, and can no longer be made: " + written.error().message(),
          {{"CARDGATE_PERSON", act.person}});
      note_not_done(act.record, written.error().message());
      continue;
    }
    log(audit::Event::act_written, "What waited for the staff register is written there now.",
        {{"CARDGATE_PERSON", act.person}});
    open_acts_.end(id);
    if (act.notice.empty()) continue;
    auto telling = tell(act.person, act.record.event, act.notice);
    co_await std::move(telling);
  }
}

boost::asio::awaitable<void> Deeds::write_owed_later() {
  const Raised waiting(owed_waits_);
  boost::asio::steady_timer timer(io_);
  while (!open_acts_.owed().empty() && !sessions_.stopping()) {
    timer.expires_after(write_owed_after);
    boost::system::error_code cancelled;
    co_await timer.async_wait(boost::asio::redirect_error(boost::asio::use_awaitable, cancelled));
    co_await write_owed();
  }
}

void Deeds::settle_taking(OpenAct act, const Result<bool>& done) {
  act.owed = !done || !*done;
  // It may be in the log already: better twice, under one deed, than not at all.
  if (!act.recorded) {
    audit::Record again = act.record;
    again.details["resumed"] = true;
    recorder_.note(std::move(again));
    act.recorded = true;
  }
  if (!act.owed) return open_acts_.end(act.id);
  open_acts_.hold(act);
  boost::asio::co_spawn(io_, open_acts_.begin(act), boost::asio::detached);
}

void Deeds::settle_left() {
  for (auto& act : open_acts_.take_left()) {
    auto done =
        act.in_register ? was_done(roll_.staff(), act.id) : Result<bool>(Error{Errc::unavailable, {}});
    if (act.taking) {
      settle_taking(std::move(act), done);
      continue;
    }
    if (done && *done) {
      open_acts_.end(act.id);
      continue;
    }
    const std::string_view why = done ? "the service stopped before it was carried out"
                                      : "perhaps: the service stopped while it was being carried out";
    log(audit::Event::act_not_done,
        fmt::format("An act was recorded before the last stop, and not carried out ({}).", why),
        {{"CARDGATE_PERSON", act.record.person}, {"CARDGATE_RECORD", json::serialize(to_json(act))}});
    note_not_done(std::move(act.record), why);
  }
  if (!open_acts_.owed().empty()) boost::asio::co_spawn(io_, write_owed_later(), boost::asio::detached);
}

}  // namespace cardgate::daemon
