// SPDX-License-Identifier: Apache-2.0
// Brings the rule book up to date while the service runs: the configuration and all that it names, whole or not at all, one
// reload after the other; the trust files when they change; and answers about certificates, in the background. One thread;
// what blocks runs on threads of its own.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/thread_pool.hpp>
#include <filesystem>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "daemon/record/recorder.hpp"
#include "daemon/rules/configuration_in_use.hpp"
#include "daemon/rules/rule_book.hpp"
#include "daemon/rules/settings.hpp"
#include "daemon/rules/trust_readings.hpp"
#include "daemon/rules/turns.hpp"
#include "daemon/time/guarded_clock.hpp"

namespace cardgate::daemon {

class RuleLoader {
 public:
  RuleLoader(boost::asio::io_context& io, RuleBook& rules, Recorder& recorder, GuardedClock& clock,
             ConfigurationInUse in_use);
  ~RuleLoader();
  RuleLoader(const RuleLoader&) = delete;
  RuleLoader& operator=(const RuleLoader&) = delete;

  // Who is told, each after the rule book holds the new rules.
  /// A configuration and a policy were taken over; `before`: those until now. on_judge() follows.
  std::function<void(const Rules& before)> on_rules;
  /// Certificates are judged by other authorities, or other rules.
  std::function<void()> on_judge;
  /// The issuer of this certificate was asked about it.
  std::function<void(const Bytes& certificate)> on_answers;
  /// After each reload: trust_paths() may be others.
  std::function<void()> on_trust_paths;

  /// Takes over configuration, policy and authorities whole, or changes nothing, and says so to systemd and the journal. One
  /// after the other, so that the newest holds. Errors: as load_settings(); config_invalid for what only a restart takes over;
  /// cancelled (the service stops, and nothing was taken over).
  boost::asio::awaitable<Result<void>> reload();
  /// Something in the folders of `trust_paths()` is not as it was: read in the background (a large CRL takes seconds), taken
  /// over whole or not at all.
  void trust_files_changed();
  std::vector<std::filesystem::path> trust_paths() const;
  /// In the background: asks about the certificate what is due, or everything, `anew`.
  void refresh(const Bytes& certificate, bool anew);
  /// What comes back from now on changes nothing.
  void stop() { stopping_ = true; }

  /// Why the newest trust files were refused; empty: they are in use.
  const std::string& trust_problem() const { return trust_problem_; }
  ConfigurationInUse::Told configuration() { return configuration_.told(); }

 private:
  boost::asio::awaitable<Result<void>> take_settings();
  Error refused(Error error, std::string_view next);
  void take_over(Settings next);
  void take_over_trust(Result<trust::Authorities> loaded);
  void judge_is_new();

  boost::asio::io_context& io_;
  RuleBook& rules_;
  Recorder& recorder_;
  GuardedClock& clock_;
  ConfigurationInUse configuration_;
  Turns reloads_;
  TrustReadings readings_;
  std::string trust_problem_;
  std::set<Bytes> refreshing_;  // certificates whose issuers are being asked
  bool stopping_ = false;
  boost::asio::thread_pool threads_{2};
};

}  // namespace cardgate::daemon
