// SPDX-License-Identifier: Apache-2.0
#include "daemon/gate.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include "daemon/journal.hpp"
#include "daemon/record/refusal_message.hpp"

namespace cardgate::daemon {
namespace {

std::string host_name() {
  char buffer[256] = {};
  return ::gethostname(buffer, sizeof buffer - 1) == 0 ? buffer : "unknown-host";
}

/// Of records of what is done, whatever becomes of the log. What comes as often as a person or a program likes is kept in half
/// of the room, so that it cannot push out what takes access away.
audit::Keep keep_of(std::string_view event) {
  static constexpr std::string_view many[] = {
      "revoked", "session_locked", "session_grace", "session_resumed", "card_removed",    "looked_at",
      "notice",  "trust_files",    "clock_jump",    "card_blocked",    "passcode_changed"};
  return std::ranges::find(many, event) == std::end(many) ? audit::Keep::always : audit::Keep::if_room;
}

audit::Record incident(std::string reason) {
  audit::Record record;
  record.event = "incident";
  record.reason = std::move(reason);
  return record;
}

}  // namespace

Sessions::Bounds session_bounds(const Limits& limits) {
  return {static_cast<std::size_t>(limits.sessions), static_cast<std::size_t>(limits.tokens_per_session)};
}

Rate per_second(std::int64_t count) {
  return {static_cast<double>(count), seconds(1)};
}

std::shared_ptr<const Judge> make_judge(const Config& config, const policy::Policy& policy,
                                        trust::Authorities authorities, CardRules cards,
                                        std::shared_ptr<trust::Answers> answers) {
  // As much as any role allows; each role then decides for itself.
  trust::Rules rules = config.certificate_rules;
  rules.stale_for = policy.longest_revocation_delay();
  return std::make_shared<const Judge>(std::move(authorities), std::move(rules), std::move(cards),
                                       config.fetch, std::move(answers));
}

std::vector<std::filesystem::path> Gate::trust_paths() const {
  std::vector<std::filesystem::path> paths = config_.authorities.anchors;
  for (const auto* more : {&config_.authorities.intermediates, &config_.authorities.crls}) {
    paths.insert(paths.end(), more->begin(), more->end());
  }
  return paths;
}

Gate::Gate(boost::asio::io_context& io, const Clock& clock, Parts parts)
    : io_(io),
      clock_(clock),
      wall_(clock),
      config_(std::move(parts.config)),
      policy_(std::move(parts.policy)),
      judge_(std::move(parts.judge)),
      staff_(std::move(parts.staff)),
      log_(std::move(parts.log)),
      durable_(io),
      key_(std::move(parts.key)),
      key_id_(proto::key_id(key_.public_key())),
      verifying_keys_{{key_id_, key_.public_key()}},
      host_(host_name()),
      readers_(io,
               {.inserted = [this](const std::string& reader) { publish_card("inserted", reader); },
                .read = [this](const std::string& reader) { on_card_read(reader); },
                .twice = [this](const std::string& reader, const std::string& other,
                                const std::string& card) { on_card_twice(reader, other, card); },
                .removed = [this](const std::string& reader, std::uint64_t n) { on_card_removed(reader, n); },
                .reader_changed =
                    [this](const std::string& reader, bool present) {
                      if (!present) apply(sessions_.reader_gone(reader, clock_.boot()));
                      publish_card(present ? "reader_added" : "reader_gone", reader);
                    },
                .service_changed = [this](bool up, const std::string& problem) { on_service(up, problem); }}),
      sessions_(session_bounds(config_.limits)),
      events_(io),
      request_rate_(per_second(config_.limits.requests_per_second)),
      token_rate_(per_second(config_.limits.tokens_per_second)),
      sign_in_rate_(static_cast<double>(config_.limits.sign_ins_per_minute), std::chrono::minutes(1)),
      register_(config_.state_directory / "register.db", std::move(parts.writer),
                std::move(parts.credentials)),
      password_rules_(std::move(parts.password_rules)),
      passwords_(
          config_.passwords.cost, [this] { metrics_.add("password_hashes"); },
          [this](const std::string& problem) {
            const std::string text = problem.empty() ? "Passwords can be checked again." : problem;
            log(problem.empty() ? Level::notice : Level::error, text,
                {{"CARDGATE_EVENT", problem.empty() ? "passwords_working" : "passwords_failing"},
                 {"CARDGATE_REASON", text}});
            note(incident(text));
          }),
      open_acts_(config_.state_directory / "open-acts", open_acts_bytes),
      configuration_(std::move(parts.in_use)),
      reloads_(io),
      told_at_start_(std::move(parts.told_at_start)) {}

Gate::~Gate() {
  trust_threads_.join();
}

void Gate::start() {
  settle_left();
  audit::Record record;
  record.event = "start";
  record.policy = policy_->hash();
  record.details["version"] = CARDGATE_VERSION;
  note(std::move(record));
  for (const auto& text : told_at_start_) note(incident(text));
  announce_if_due();
  log_findings(*policy_, config_.policy.string());
  register_.on_news = [this](const std::string& text, bool good) {
    log(good ? Level::notice : Level::error, text,
        {{"CARDGATE_EVENT", good ? "register_writable" : "register_unwritable"}, {"CARDGATE_REASON", text}});
    note(incident(text));
    if (good) settle_doubtful();
    if (!good) boost::asio::co_spawn(io_, register_.try_until_written(), boost::asio::detached);
  };
  boost::asio::co_spawn(io_, register_.try_until_written(), boost::asio::detached);
  boost::asio::co_spawn(io_, tell_of_changed_texts(), boost::asio::detached);
  readers_.start(make_drivers(config_.cards).value(), judge_, [this] { return now(); });
  remove_left_copies(seconds(0));
  boost::asio::co_spawn(io_, check_register_in_background(), boost::asio::detached);
}

void Gate::shut_down() {
  shutting_down_ = true;
  register_.stop();
  apply(sessions_.end_all(EndReason::shutdown));
  readers_.stop();
  flush_counts();
  events_.publish("service", {{"kind", "stopping"}}, std::nullopt);
  events_.close();
  audit::Record record;
  record.event = "stop";
  record.reason = "asked to stop";
  note(std::move(record));
}

/// What the log does not take is kept by it, or said at least (audit_journal.hpp); health() shows it, which the status and the
/// next token see.
void Gate::note(audit::Record record) {
  const auto keep = keep_of(record.event);
  log_->append(std::move(record), {}, keep);
}

boost::asio::awaitable<void> Gate::noted() {
  auto settling = durable_.wait(durable_.settled(*log_));
  const auto outcome = co_await std::move(settling);
  (void)outcome;  // what the log did not take is kept
}

bool Gate::audit_ok() {
  const bool ok = log_->health().ok;
  if (ok) audit_failure_noted_ = false;
  return ok;
}

void Gate::refuse(const Peer& peer, audit::Record record) {
  metrics_.add("refusals", record.event);
  if (!refusals_.first(peer.counted_as, knows(peer), record.event, record.reason, clock_.boot())) return;
  record.role = audit::clean(record.role, max_refused_text);
  for (auto& detail : record.details) {
    if (auto* text = detail.value().if_string()) *text = audit::clean(*text, max_refused_text);
  }
  const auto* reader = find_string(record.details, "reader");
  const auto* client = client_for(peer, [](const ClientEntry&) { return true; });
  log(Level::notice, refusal_message(record),
      {{"CARDGATE_EVENT", record.event},
       {"CARDGATE_PERSON", record.person},
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
  on_deadline_changed();
}

void Gate::flush_counts() {
  for (auto& counted : refusals_.take(clock_.boot(), shutting_down_)) {
    audit::Record record;
    record.event = "repeated";
    record.reason = std::move(counted.reason);
    record.details = {{"event", counted.event}, {"count", counted.count}};
    record.details["uid"] =
        counted.uid ? json::value(*counted.uid) : json::value(json::string(Refusals::others));
    log_->append(std::move(record), {}, audit::Keep::said);
  }
  for (auto& counted : looks_.take(clock_.boot(), shutting_down_)) {
    auto& look = counted.kind;
    audit::Record record;
    record.event = "repeated";
    record.person = std::move(look.person);
    record.role = std::move(look.role);
    record.session = std::move(look.session);
    record.reason = std::move(look.what);
    record.details = {{"event", "looked_at"}, {"count", counted.times}, {"uid", look.uid}, {"by", look.by}};
    if (!look.list.empty()) record.details["list"] = look.list;
    note(std::move(record));
  }
}

Response Gate::audit_unavailable() {
  if (!std::exchange(audit_failure_noted_, true))
    note(incident("the audit log could not be written; nothing was issued meanwhile"));
  return problem(503, "audit_unavailable",
                 "This cannot be done now, because the audit log cannot be written. The people who run this "
                 "machine have been told. Try again later.");
}

bool Gate::may_sign_in_at(const Peer& peer, const std::string& reader) const {
  if (client_for(peer, [](const ClientEntry& client) { return client.sign_in; }) == nullptr) return false;
  return peer.uid == 0 || sits_at(config_.readers, reader, peer.uid);
}

bool Gate::knows(const Peer& peer) const {
  return client_for(peer, [](const ClientEntry&) { return true; }) != nullptr ||
         !sessions_.of_uid(peer.uid).empty();
}

namespace {

struct JumpWords {
  Level level;
  std::string text;
};

JumpWords words_of(const WallGuard::News& news) {
  const auto by = std::chrono::abs(std::chrono::duration_cast<seconds>(news.to - news.from)).count();
  switch (news.jump) {
    case WallGuard::Jump::forward:
      return {
          Level::warning,
          fmt::format("the clock was set forward by {} s; if that is wrong, set it right: within {} days the "
                      "right time is taken over",
                      by, WallGuard::doubt.count())};
    case WallGuard::Jump::put_right:
      return {
          Level::warning,
          fmt::format("the clock had been set forward and was put right: the time goes back by {} s", by)};
    case WallGuard::Jump::set_back:
      return {
          Level::error,
          fmt::format("the clock was set back by {} s; the old time is used until it is right again or the "
                      "service is restarted",
                      by)};
    case WallGuard::Jump::right_again:
      break;
  }
  return {Level::notice, "the clock, which had been set back, is right again"};
}

}  // namespace

/// Records what happened to the clock, and ends what is void by its new time. False: nothing happened.
bool Gate::look_at_clock() {
  now();
  const auto news = wall_.take_news();
  if (!news) return false;
  const auto [level, text] = words_of(*news);
  log(level, text, {{"CARDGATE_EVENT", "clock_jump"}});
  audit::Record record;
  record.event = "clock_jump";
  record.reason = text;
  record.details = {{"from", to_rfc3339(news->from)}, {"to", to_rfc3339(news->to)}};
  note(std::move(record));
  // Opened at a time that has not come yet: its hours would be counted from then.
  std::vector<std::string> ahead;
  for (const Session* session : sessions_.all()) {
    if (session->auth_time > now()) ahead.push_back(session->id);
  }
  for (const auto& id : ahead) apply(sessions_.end(id, EndReason::time_up));
  // Set forward, dates may have come: what lapsed must end now.
  review_all();
  return true;
}

void Gate::clock_was_set() {
  if (look_at_clock()) return;
  // By so little that nothing depends on it; but the times of the log may be out of order.
  audit::Record record;
  record.event = "clock_jump";
  record.details = {{"from", to_rfc3339(now())}, {"to", to_rfc3339(clock_.wall())}};
  note(std::move(record));
}

}  // namespace cardgate::daemon
