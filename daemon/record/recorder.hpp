// SPDX-License-Identifier: Apache-2.0
// One call for one happening: the audit record, the journal line, the counter, and whether it is waited for, or folded into a
// count when it comes too often. It has a timer of its own, at which what was only counted is recorded. One thread.
//
//   note()    is done already: recorded whatever becomes of the log, and nobody waits
//   write()   waited for: it is on disk, or it is not done
//   refuse()  of a peer: journal and log, the first of its kind; what repeats is counted
//   look()    somebody was shown other people: the same again is counted
//   token_again()  the same token was handed out once more: counted
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "audit/log.hpp"
#include "daemon/access/admission.hpp"
#include "daemon/http/message.hpp"
#include "daemon/journal.hpp"
#include "daemon/record/durable.hpp"
#include "daemon/record/looks.hpp"
#include "daemon/record/metrics.hpp"
#include "daemon/record/refusals.hpp"
#include "daemon/time/timers.hpp"

namespace cardgate::daemon {

/// Which token; its own record says the rest.
struct TokenAgain {
  std::string jti, person, role, client, session;
  auto operator<=>(const TokenAgain&) const = default;
};

class Recorder {
 public:
  Recorder(boost::asio::io_context& io, std::unique_ptr<audit::Log> log, const Admission& admission,
           const Clock& clock);
  Recorder(const Recorder&) = delete;
  Recorder& operator=(const Recorder&) = delete;

  /// A record of what is done, which nobody waits for: kept when the log cannot be written.
  void note(audit::Record record);
  /// Something that should not be: recorded as an incident, in words for people.
  void note_incident(std::string reason, json::object details = {});
  /// `said`, when not empty, is called when it is known whether the record is on disk, on a thread of the log.
  void note_for_certain(audit::Record record, std::function<void(const Result<void>&)> said);
  /// Success: it is on disk. REQUIRES: awaited at once, or by a name of its own.
  auto write(audit::Record record, audit::Keep keep = audit::Keep::no) {
    return durable_.wait(start(std::move(record), keep));
  }
  // The same in two steps, for work that is done while the disk works.
  Durable::Ticket start(audit::Record record, audit::Keep keep = audit::Keep::no) {
    return durable_.start(*log_, std::move(record), keep);
  }
  /// Of a kind that comes by the thousand: the disk is not asked for each, but for all that are entered while requests are at hand,
  /// after 0.2 ms at the latest, and at once when nobody else asks.
  Durable::Ticket start_of_many(audit::Record record);
  auto wait(Durable::Ticket ticket) { return durable_.wait(std::move(ticket)); }
  /// Until what was noted is on record, or kept where the log cannot be written: before an answer says that it was done.
  boost::asio::awaitable<void> noted();

  /// `record.reason` is a fixed word; what the peer said stands in the role or the details, and is cut.
  void refuse(const Peer& peer, audit::Record record);
  /// Of `people` shown to somebody: whether this look is to be recorded itself, or is too much.
  Looks::Answer look(const Looks::Look& one, std::size_t people);

  /// A token was handed out again: counted.
  void token_again(const TokenAgain& one);

  /// Asking makes a failed log try its disk again.
  bool works();
  /// 503; the log goes on by itself when the disk has room again.
  Response unavailable();
  audit::Log::Health health() const { return log_->health(); }

  void count(std::string_view metric, std::string_view label = {}) { metrics_.add(metric, label); }
  /// How long a part of one took.
  void took(std::string_view metric, std::string_view part, std::chrono::nanoseconds time) {
    metrics_.took(metric, part, time);
  }
  /// ... from `since` to now.
  void took(std::string_view metric, std::string_view part, std::chrono::steady_clock::time_point since) {
    metrics_.took(metric, part, std::chrono::steady_clock::now() - since);
  }
  std::string metrics(const std::vector<Metrics::Gauge>& gauges) const { return metrics_.text(gauges); }

  /// Records all that was only counted: the service stops.
  void flush() { flush(true); }

 private:
  void flush(bool all);
  void arm();
  void gather();

  boost::asio::io_context& io_;
  std::unique_ptr<audit::Log> log_;
  const Admission& admission_;
  const Clock& clock_;
  Metrics metrics_;
  Durable durable_;
  Refusals refusals_;
  Looks looks_;
  Folded<TokenAgain> tokens_again_;  // as many as there are tokens
  BootTimer timer_;
  // Records that were entered and that the log may not begin to write yet.
  bool gathering_ = false;
  std::size_t entered_ = 0, entered_before_ = 0;
  std::chrono::steady_clock::time_point gathering_since_;
  bool failure_noted_ = false;  // that the log failed is recorded once, until it works again
};

}  // namespace cardgate::daemon
