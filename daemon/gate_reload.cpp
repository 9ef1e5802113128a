// SPDX-License-Identifier: Apache-2.0
// The configuration, the policy and what they name taken over while the service runs: whole or not at all, by signal or by
// call, one after the other. Whoever asks by call hears what became of it.
#include <fmt/format.h>
#include <systemd/sd-daemon.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "daemon/gate.hpp"
#include "daemon/journal.hpp"
#include "daemon/rules/settings.hpp"

namespace cardgate::daemon {

namespace {

constexpr std::string_view reload_again = "Put that right, then: systemctl reload cardgated";
constexpr std::string_view restart_instead =
    "Put it back, or take it over with: systemctl restart cardgated (everybody signs in again)";

}  // namespace

boost::asio::awaitable<Result<void>> Gate::reload() {
  auto waiting = reloads_.mine();
  const auto turn = co_await std::move(waiting);
  if (shutting_down_) co_return Error{Errc::cancelled, "the service is stopping"};
  ::sd_notify(0, "RELOADING=1\nSTATUS=Reading the configuration");
  auto taking = take_settings();
  auto outcome = co_await std::move(taking);
  if (outcome) {
    log(Level::info, "The configuration, the policy and the trust files were read again and are in use.",
        {{"CARDGATE_EVENT", "reload"}});
    ::sd_notify(0, "READY=1\nSTATUS=Serving");
  } else {
    log(Level::error,
        "The new configuration was refused, so nothing was reloaded and cardgate goes on with the one "
        "before: " +
            outcome.error().context,
        {{"CARDGATE_EVENT", "reload_refused"}, {"CARDGATE_REASON", outcome.error().context}});
    ::sd_notify(0, "READY=1\nSTATUS=Serving with the configuration before: the new one was refused");
  }
  if (on_trust_paths) on_trust_paths();
  co_return outcome;
}

boost::asio::awaitable<Result<void>> Gate::take_settings() {
  const auto refused = [&](Error error, std::string_view next) -> Error {
    audit::Record record;
    record.event = "reload";
    record.reason = error.context;
    record.policy = policy_->hash();
    note(std::move(record));
    metrics_.add("reloads", "refused");
    configuration_.refused(error.context, next);
    return error;
  };
  using Loaded = std::shared_ptr<Result<Settings>>;  // Asio needs a default-constructible result type
  auto work = [file = config_.file]() -> boost::asio::awaitable<Loaded> {
    co_return std::make_shared<Result<Settings>>(load_settings(file));
  };
  const auto reading = trust_readings_.reload_begins();
  const Loaded loaded =
      co_await boost::asio::co_spawn(trust_threads_, std::move(work), boost::asio::use_awaitable);
  if (!*loaded) co_return refused(loaded->error(), reload_again);
  Settings& next = **loaded;
  if (const auto key = needs_restart(config_, next.config); !key.empty()) {
    co_return refused({Errc::config_invalid, fmt::format("{}: {} changed, and only a restart takes that over",
                                                         config_.file.string(), key)},
                      restart_instead);
  }

  const bool downtime_changed = next.config.downtime.size() != config_.downtime.size();
  config_ = std::move(next.config);
  std::vector<std::string> gone;
  for (const auto& role : policy_->roles()) {
    if (next.policy->role(role.name) == nullptr) gone.push_back(role.name);
  }
  policy_ = std::move(next.policy);
  acts_.all_over();
  if (!gone.empty()) boost::asio::co_spawn(io_, tell_of_lost_roles(std::move(gone)), boost::asio::detached);
  password_rules_ = std::move(next.password_rules);
  passwords_.set_cost(config_.passwords.cost);
  sessions_.set_bounds(session_bounds(config_.limits));
  request_rate_ = per_second(config_.limits.requests_per_second);
  token_rate_ = per_second(config_.limits.tokens_per_second);
  sign_in_rate_ = Rate(static_cast<double>(config_.limits.sign_ins_per_minute), std::chrono::minutes(1));
  configuration_.taken(std::move(next.files));
  audit::Record record;
  record.event = "reload";
  record.policy = policy_->hash();
  note(std::move(record));
  metrics_.add("reloads", "taken");
  log_findings(*policy_, config_.policy.string());
  if (downtime_changed) events_.publish("downtime", {{"kind", "changed"}}, std::nullopt);
  take_over(std::move(next.authorities), std::move(next.cards));
  boost::asio::co_spawn(io_, tell_of_changed_texts(), boost::asio::detached);
  if (trust_readings_.reload_ends(reading)) trust_files_changed();
  co_return Result<void>();
}

Gate::Answer Gate::reload_now(Request&) {
  auto reloading = reload();
  const auto outcome = co_await std::move(reloading);
  if (outcome) co_return json_response(200, json::object{{"policy", policy_->hash()}});
  if (outcome.error().code == Errc::cancelled)
    co_return problem(503, "draining", "The service is stopping. Try again in a moment.");
  const auto told = configuration_.told().text;
  co_return problem(422, "configuration_refused", told.empty() ? outcome.error().context + "." : told);
}

}  // namespace cardgate::daemon
