// SPDX-License-Identifier: Apache-2.0
// Telling root whom a certificate stands for, and why. One thread.
#pragma once

#include "daemon/http/answer.hpp"
#include "daemon/people/roll.hpp"
#include "daemon/record/recorder.hpp"
#include "daemon/rules/rule_book.hpp"
#include "daemon/time/guarded_clock.hpp"

namespace cardgate::daemon {

class CertificateApi {
 public:
  CertificateApi(RuleBook& rules, Roll& roll, Recorder& recorder, GuardedClock& clock)
      : rules_(rules), roll_(roll), recorder_(recorder), clock_(clock) {}
  CertificateApi(const CertificateApi&) = delete;
  CertificateApi& operator=(const CertificateApi&) = delete;

  Answer explain(Request& request);

 private:
  RuleBook& rules_;
  Roll& roll_;
  Recorder& recorder_;
  GuardedClock& clock_;
};

}  // namespace cardgate::daemon
