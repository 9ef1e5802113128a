// SPDX-License-Identifier: Apache-2.0
// The register on SQLite: downtime and faults. Statements are made when they are used.
#include <algorithm>

#include "register/sqlite_register.hpp"

namespace cardgate::reg {
namespace {

constexpr std::string_view kind_names[] = {"planned", "emergency"};
constexpr std::string_view state_names[] = {"open", "withdrawn", "ended"};

WallTime time_of(std::int64_t unix_seconds) {
  return WallTime(seconds(unix_seconds));
}

Downtime downtime_row(Query& query) {
  Downtime out;
  out.id = query.integer();
  out.kind = query.text() == kind_names[0] ? Downtime::Kind::planned : Downtime::Kind::emergency;
  out.severity = query.text();
  out.closes = query.flag();
  out.from = time_of(query.integer());
  if (const auto until = query.optional_integer()) out.until = time_of(*until);
  out.text = query.text();
  out.made_by = query.text();
  out.made_at = time_of(query.integer());
  out.told_at = time_of(query.integer());
  out.ticket = query.text();
  return out;
}

constexpr std::string_view fault_states[] = {"reported", "classed", "joined", "closed"};

std::optional<WallTime> optional_time(Query& query) {
  const auto at = query.optional_integer();
  return at ? std::optional(time_of(*at)) : std::nullopt;
}

Fault fault_row(Query& query) {
  Fault out;
  out.id = query.integer();
  out.state = query.text() == fault_states[0] ? Fault::State::reported : Fault::State::classed;
  out.reported_by = query.text();
  out.key = query.text();
  out.reported_at = time_of(query.integer());
  out.text = query.text();
  out.severity = query.text();
  out.told = query.text();
  out.classed_by = query.text();
  out.classed_at = optional_time(query);
  out.joined_to = query.integer();
  out.ticket = query.text();
  out.expected = optional_time(query);
  out.closed_at = optional_time(query);
  out.outcome = query.text();
  out.told_at = time_of(query.integer());
  return out;
}

}  // namespace

Result<Downtimes> SqliteRegister::downtimes() {
  return guarded([&]() -> Result<Downtimes> {
    Downtimes out;
    {
      SQLite::Statement statement(*database_, sql::open_downtime);
      Query query(statement);
      while (query.next()) out.open.push_back(downtime_row(query));
    }
    std::ranges::sort(out.open, {}, &Downtime::id);
    SQLite::Statement last(*database_, sql::last_number);
    Query query(last, std::string_view("downtime"));
    if (query.next()) out.last = query.integer();
    return out;
  });
}

Result<void> SqliteRegister::save_downtime(const Downtime& downtime,
                                           const std::function<Result<void>()>& with) {
  return writing_.change([&]() -> Result<void> {
    SQLite::Transaction transaction(*database_, SQLite::TransactionBehavior::IMMEDIATE);
    {
      SQLite::Statement save(*database_, sql::save_downtime);
      Query(save, downtime.id, kind_names[static_cast<std::size_t>(downtime.kind)],
            state_names[static_cast<std::size_t>(downtime.state)], downtime.severity, downtime.closes,
            to_unix_seconds(downtime.from), seconds_of(downtime.until), downtime.text, downtime.made_by,
            to_unix_seconds(downtime.made_at), to_unix_seconds(downtime.told_at),
            seconds_of(downtime.ended_at), downtime.outcome, downtime.ticket)
          .run();
    }
    if (with) TRY(with());
    transaction.commit();
    return {};
  });
}

Result<Faults> SqliteRegister::faults() {
  return guarded([&]() -> Result<Faults> {
    Faults out;
    {
      SQLite::Statement statement(*database_, sql::open_faults);
      Query query(statement);
      while (query.next()) out.open.push_back(fault_row(query));
    }
    std::ranges::sort(out.open, {}, &Fault::id);
    SQLite::Statement last(*database_, sql::last_number);
    Query query(last, std::string_view("fault"));
    if (query.next()) out.last = query.integer();
    return out;
  });
}

Result<void> SqliteRegister::save_fault(const Fault& fault) {
  return writing_.change([&]() -> Result<void> {
    SQLite::Transaction transaction(*database_, SQLite::TransactionBehavior::IMMEDIATE);
    {
      SQLite::Statement save(*database_, sql::save_fault);
      Query(save, fault.id, fault_states[static_cast<std::size_t>(fault.state)], fault.reported_by, fault.key,
            to_unix_seconds(fault.reported_at), fault.text, fault.severity, fault.told, fault.classed_by,
            seconds_of(fault.classed_at), fault.joined_to, fault.ticket, seconds_of(fault.expected),
            seconds_of(fault.closed_at), fault.outcome, to_unix_seconds(fault.told_at))
          .run();
    }
    transaction.commit();
    return {};
  });
}

}  // namespace cardgate::reg
