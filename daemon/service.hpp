// SPDX-License-Identifier: Apache-2.0
// The service: makes the owners of its state in their order, tells each what the others need to hear, and stops them in
// reverse. Nothing but that is done here. One thread (the io_context's).
#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "daemon/access/admission.hpp"
#include "daemon/drivers/driver.hpp"
#include "daemon/http/answer.hpp"
#include "daemon/rules/rule_loader.hpp"
#include "daemon/sessions/token_keys.hpp"
#include "register/credentials.hpp"
#include "register/register.hpp"

namespace cardgate::daemon {

struct Apis;

class Service {
 public:
  /// Everything a start needs, checked before it begins.
  struct Parts {
    Rules rules;
    ConfigurationInUse in_use;
    std::unique_ptr<reg::Register> staff;   // for look-ups
    std::unique_ptr<reg::Register> writer;  // for changes: a second connection to the same file
    std::unique_ptr<reg::Credentials> credentials;
    std::unique_ptr<audit::Log> log;
    TokenKeys token_keys;
    std::size_t signing_threads = 0;         // beside the service's own
    std::vector<std::string> told_at_start;  // what people should know until the next start
  };
  /// `io` and `clock` outlive the service. REQUIRES: when the service is destroyed, `io` does not run, and it never runs again.
  Service(boost::asio::io_context& io, const Clock& clock, Parts parts);
  ~Service();
  Service(const Service&) = delete;
  Service& operator=(const Service&) = delete;

  /// `drivers`: of the cards that are taken; none: no reader is watched.
  /// `watch`: pcscd says what happens at the readers; otherwise whoever asked says it to Readers::hear().
  void start(CardDrivers drivers, bool watch = true);
  /// Ends all sessions and says so; requests are answered 503 from here on.
  void shut_down();

  /// Answers any request: 404, 405 and 415 for what is not in the table. The request must outlive the answer.
  Answer answer(Request& request);
  RuleLoader& loader();
  Admission& admission();
  /// The wall clock was set (timerfd's TFD_TIMER_CANCEL_ON_SET).
  void clock_was_set();
  /// Time passed, where the clock is one that is set by hand.
  void tick();
  void set_connections(std::function<std::size_t()> count);  // for the metrics
  /// What stands behind the table of calls; for tests.
  struct Owners;
  Owners& owners() { return *owners_; }

 private:
  void wire();
  std::unique_ptr<Owners> owners_;
  std::unique_ptr<Apis> apis_;
};

}  // namespace cardgate::daemon
