// SPDX-License-Identifier: Apache-2.0
#include "daemon/record/recorder.hpp"

#include <stdexcept>

#include "daemon/record/refusal_message.hpp"

namespace cardgate::daemon {
namespace {

/// Of records of what is done, whatever becomes of the log. What comes as often as a person or a program likes is kept in half
/// of the room, so that it cannot push out what takes access away.
audit::Keep keep_of(std::string_view event) {
  const auto* info = audit::find_event(event);
  return info != nullptr && info->frequent ? audit::Keep::if_room : audit::Keep::always;
}

audit::Record counted_refusal(Refusals::Counted counted) {
  audit::Record record;
  record.event = name_of(audit::Event::repeated);
  record.reason = std::move(counted.reason);
  record.details = {{"event", counted.event}, {"count", counted.count}};
  record.details["uid"] =
      counted.uid ? json::value(*counted.uid) : json::value(json::string(Refusals::others));
  return record;
}

audit::Record counted_look(Looks::Counted counted) {
  auto& look = counted.kind;
  audit::Record record;
  record.event = name_of(audit::Event::repeated);
  record.person = std::move(look.person);
  record.role = std::move(look.role);
  record.session = std::move(look.session);
  record.reason = std::move(look.what);
  record.details = {{"event", name_of(audit::Event::looked_at)},
                    {"count", counted.times},
                    {"uid", look.uid},
                    {"by", look.by}};
  if (!look.list.empty()) record.details["list"] = look.list;
  return record;
}

audit::Record counted_token(Folded<TokenAgain>::Count counted) {
  auto& token = counted.kind;
  audit::Record record;
  record.event = name_of(audit::Event::repeated);
  record.person = std::move(token.person);
  record.role = std::move(token.role);
  record.client = std::move(token.client);
  record.session = std::move(token.session);
  record.details = {{"event", name_of(audit::Event::token)}, {"count", counted.times}, {"jti", token.jti}};
  return record;
}

/// So long a token's record waits at most for those of others. Longer, and the processor waits for the disk when all are in.
constexpr std::chrono::microseconds gather_at_most{200};

}  // namespace

Recorder::Recorder(boost::asio::io_context& io, std::unique_ptr<audit::Log> log, const Admission& admission,
                   const Clock& clock)
    : io_(io),
      log_(std::move(log)),
      admission_(admission),
      clock_(clock),
      durable_(io, [this](auto time) { metrics_.took("audit_durable_seconds", {}, time); }),
      timer_(io, [this] {
        flush(false);
        arm();
      }) {}

/// What the log does not take is kept by it, or said at least (audit_journal.hpp); health() shows it, which the status and the
/// next token see.
void Recorder::note(audit::Record record) {
  const auto keep = keep_of(record.event);
  log_->append(std::move(record), {}, keep);
}

Durable::Ticket Recorder::start_of_many(audit::Record record) {
  auto ticket = durable_.start(*log_, std::move(record), audit::Keep::no, audit::Begin::when_told);
  ++entered_;
  if (!gathering_) {
    gathering_ = true;
    gathering_since_ = std::chrono::steady_clock::now();
    entered_before_ = entered_;
    boost::asio::post(io_, [this] { gather(); });
  }
  return ticket;
}

/// What was ready when this was posted has run. Where that entered more records, there may be more to come.
void Recorder::gather() {
  const bool more = entered_ != entered_before_;
  if (more && std::chrono::steady_clock::now() - gathering_since_ < gather_at_most) {
    entered_before_ = entered_;
    boost::asio::post(io_, [this] { gather(); });
    return;
  }
  gathering_ = false;
  log_->begin();
}

void Recorder::note_incident(std::string reason, json::object details) {
  audit::Record record;
  record.event = name_of(audit::Event::incident);
  record.reason = std::move(reason);
  record.details = std::move(details);
  note(std::move(record));
}

void Recorder::note_for_certain(audit::Record record, std::function<void(const Result<void>&)> said) {
  log_->append(std::move(record), std::move(said), audit::Keep::always);
}

boost::asio::awaitable<void> Recorder::noted() {
  auto settling = durable_.wait(durable_.settled(*log_));
  const auto outcome = co_await std::move(settling);
  (void)outcome;  // what the log did not take is kept
}

bool Recorder::works() {
  const bool ok = log_->health().ok;
  if (ok) failure_noted_ = false;
  return ok;
}

Response Recorder::unavailable() {
  if (!std::exchange(failure_noted_, true))
    note_incident("the audit log could not be written; nothing was issued meanwhile");
  return problem(503, "audit_unavailable",
                 "This cannot be done now, because the audit log cannot be written. The people who run this "
                 "machine have been told. Try again later.");
}

void Recorder::refuse(const Peer& peer, audit::Record record) {
  metrics_.add("refusals", record.event, record.reason.empty() ? std::string_view("none") : record.reason);
  if (!refusals_.first(peer.counted_as, admission_.knows(peer), record.event, record.reason, clock_.boot())) {
    metrics_.add("refusals_folded");
    return;
  }
  record.role = audit::clean(record.role, max_refused_text);
  for (auto& detail : record.details) {
    if (auto* text = detail.value().if_string()) *text = audit::clean(*text, max_refused_text);
  }
  const auto* reader = find_string(record.details, "reader");
  const auto* client = admission_.client_for(peer);
  const auto* event = audit::find_event(record.event);
  if (event == nullptr) throw std::logic_error("no refusal is called " + record.event);
  log(Level::notice, event->event, refusal_message(record),
      {{"CARDGATE_PERSON", record.person},
       {"CARDGATE_ROLE", record.role},
       {"CARDGATE_REASON", record.reason},
       {"CARDGATE_READER", reader == nullptr ? std::string_view() : std::string_view(*reader)},
       {"CARDGATE_CLIENT", client == nullptr ? std::string_view("unlisted") : std::string_view(client->name)},
       {"CARDGATE_UID", std::to_string(peer.uid)},
       {"CARDGATE_UNIT", peer.unit},
       {"CARDGATE_PROGRAM", peer.program},
       {"CARDGATE_PID", std::to_string(peer.pid)}});
  record.details["peer"] = describe(peer);
  log_->append(std::move(record), {}, audit::Keep::said);
  arm();
}

Looks::Answer Recorder::look(const Looks::Look& one, std::size_t people) {
  const auto answer = looks_.look(one, people, clock_.boot());
  if (answer.record) arm();
  return answer;
}

void Recorder::token_again(const TokenAgain& one) {
  metrics_.add("tokens_again");
  const bool first = !tokens_again_.knows(one);
  tokens_again_.count(one, clock_.boot());
  if (first) arm();
}

void Recorder::flush(bool all) {
  for (auto& counted : tokens_again_.take(clock_.boot(), all)) note(counted_token(std::move(counted)));
  for (auto& counted : refusals_.take(clock_.boot(), all))
    log_->append(counted_refusal(std::move(counted)), {}, audit::Keep::said);
  for (auto& counted : looks_.take(clock_.boot(), all)) note(counted_look(std::move(counted)));
}

void Recorder::arm() {
  auto next = refusals_.next();
  if (const auto other = looks_.next(); other && (!next || *other < *next)) next = other;
  if (const auto other = tokens_again_.next(); other && (!next || *other < *next)) next = other;
  timer_.set(next);
}

}  // namespace cardgate::daemon
