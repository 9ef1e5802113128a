// SPDX-License-Identifier: Apache-2.0
#include "daemon/rules/rule_loader.hpp"

#include <fmt/format.h>
#include <systemd/sd-daemon.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "daemon/journal.hpp"

namespace cardgate::daemon {
namespace {

constexpr std::string_view reload_again = "Put that right, then: systemctl reload cardgated";
constexpr std::string_view restart_instead =
    "Put it back, or take it over with: systemctl restart cardgated (everybody signs in again)";

/// Anchors that are in use must not all go away unnoticed, as when a folder is emptied to be filled again.
Anchors anchors_needed(const CertificateJudge& judge) {
  return judge.authorities().anchor_count() == 0 ? Anchors::none_yet : Anchors::required;
}

Error service_stops() {
  return {Errc::cancelled, "the service is stopping"};
}

}  // namespace

RuleLoader::RuleLoader(boost::asio::io_context& io, RuleBook& rules, Recorder& recorder, GuardedClock& clock,
                       ConfigurationInUse in_use)
    : io_(io),
      rules_(rules),
      recorder_(recorder),
      clock_(clock),
      configuration_(std::move(in_use)),
      reloads_(io) {
  clock_.live_by(rules_.config().calendar);
}

RuleLoader::~RuleLoader() {
  threads_.join();
}

std::vector<std::filesystem::path> RuleLoader::trust_paths() const {
  const auto& places = rules_.config().authorities;
  std::vector<std::filesystem::path> paths = places.anchors;
  for (const auto* more : {&places.intermediates, &places.crls})
    paths.insert(paths.end(), more->begin(), more->end());
  return paths;
}

boost::asio::awaitable<Result<void>> RuleLoader::reload() {
  auto waiting = reloads_.mine();
  const auto turn = co_await std::move(waiting);
  if (stopping_) co_return service_stops();
  ::sd_notify(0, "RELOADING=1\nSTATUS=Reading the configuration");
  auto taking = take_settings();
  auto outcome = co_await std::move(taking);
  if (stopping_) co_return outcome;
  if (outcome) {
    log(audit::Event::reload,
        "The configuration, the policy and the trust files were read again and are in use.");
    ::sd_notify(0, "READY=1\nSTATUS=Serving");
  } else {
    log(audit::Event::reload_refused,
        "The new configuration was refused, so nothing was reloaded and cardgate goes on with the one "
        "before: " +
            outcome.error().context,
        {{"CARDGATE_REASON", outcome.error().context}});
    ::sd_notify(0, "READY=1\nSTATUS=Serving with the configuration before: the new one was refused");
  }
  if (on_trust_paths) on_trust_paths();
  co_return outcome;
}

Error RuleLoader::refused(Error error, std::string_view next) {
  audit::Record record;
  record.event = name_of(audit::Event::reload);
  record.reason = error.context;
  record.policy = rules_.policy()->hash();
  recorder_.note(std::move(record));
  recorder_.count("reloads", "refused");
  configuration_.refused(error.context, next);
  return error;
}

boost::asio::awaitable<Result<void>> RuleLoader::take_settings() {
  using Loaded = std::shared_ptr<Result<Settings>>;  // Asio needs a default-constructible result type
  auto work = [file = rules_.config().file,
               anchors = anchors_needed(*rules_.judge())]() -> boost::asio::awaitable<Loaded> {
    co_return std::make_shared<Result<Settings>>(load_settings(file, anchors));
  };
  const auto reading = readings_.reload_begins();
  const Loaded loaded = co_await boost::asio::co_spawn(threads_, std::move(work), boost::asio::use_awaitable);
  if (stopping_) co_return service_stops();
  if (!*loaded) co_return refused(loaded->error(), reload_again);
  Settings& next = **loaded;
  if (const auto key = needs_restart(rules_.config(), next.config); !key.empty()) {
    co_return refused({Errc::config_invalid, fmt::format("{}: {} changed, and only a restart takes that over",
                                                         rules_.config().file.string(), key)},
                      restart_instead);
  }
  take_over(std::move(next));
  if (readings_.reload_ends(reading)) trust_files_changed();
  co_return Result<void>();
}

void RuleLoader::take_over(Settings next) {
  const auto before = rules_.snapshot();
  auto judge = make_judge(next.config, *next.policy, std::move(next.authorities), std::move(next.cards),
                          before->judge->answers());
  rules_.set(
      {std::move(next.config), std::move(next.policy), std::move(judge), std::move(next.password_rules)});
  clock_.live_by(rules_.config().calendar);
  configuration_.taken(std::move(next.files));
  audit::Record record;
  record.event = name_of(audit::Event::reload);
  record.policy = rules_.policy()->hash();
  recorder_.note(std::move(record));
  recorder_.count("reloads", "taken");
  log_findings(*rules_.policy(), rules_.config().policy.string());
  on_rules(*before);
  judge_is_new();
}

void RuleLoader::judge_is_new() {
  trust_problem_.clear();
  log_passed_over(rules_.judge()->authorities(), clock_.now());
  on_judge();
}

void RuleLoader::trust_files_changed() {
  const auto reading = readings_.changed();
  if (!reading) return;  // one runs, and is followed by another
  boost::asio::post(threads_, [this, locations = rules_.config().authorities,
                               anchors = anchors_needed(*rules_.judge()), number = *reading] {
    auto loaded = std::make_shared<Result<trust::Authorities>>(load_authorities(locations, anchors));
    boost::asio::post(io_, [this, locations, number, loaded] {
      if (stopping_) return;
      const bool counts = readings_.finished(number);
      // A reload in between may have brought other places.
      const bool same_places = locations == rules_.config().authorities;
      if (readings_.wanted() || !same_places) trust_files_changed();
      if (counts && same_places) take_over_trust(std::move(*loaded));
    });
  });
}

void RuleLoader::take_over_trust(Result<trust::Authorities> loaded) {
  audit::Record record;
  record.event = name_of(audit::Event::trust_files);
  if (loaded) {
    Rules next = *rules_.snapshot();
    next.judge =
        make_judge(next.config, *next.policy, std::move(*loaded), next.judge->cards(), next.judge->answers());
    rules_.set(std::move(next));
    judge_is_new();
    log(audit::Event::trust_files, "The trust files changed and are in use.");
  } else {
    record.reason = loaded.error().context;
    trust_problem_ = "The trust files changed and were not taken over: " + loaded.error().context;
    log(audit::Event::trust_files_refused, trust_problem_);
  }
  recorder_.note(std::move(record));
}

void RuleLoader::refresh(const Bytes& certificate, bool anew) {
  if (!rules_.judge()->fetches() || !refreshing_.insert(certificate).second) return;
  boost::asio::post(threads_, [this, certificate, anew, judge = rules_.judge(), at = clock_.now()] {
    (void)judge->refresh(certificate, at, anew);
    judge->answers()->prune(at);
    boost::asio::post(io_, [this, certificate] {
      refreshing_.erase(certificate);
      if (!stopping_) on_answers(certificate);
    });
  });
}

}  // namespace cardgate::daemon
