// SPDX-License-Identifier: Apache-2.0
// What changes while somebody waits: for a password to be compared, for the log, for the register behind a long import.
// Whoever waits takes one of these before the wait and asks it afterwards, at the place where it counts. Neither keeps
// anything longer than somebody waits. Used on the service's thread, but for what says otherwise.
#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "daemon/work/right.hpp"

namespace cardgate::daemon {

/// The acts that wait for the register. Those of a session that ends or locks, and those whose right is lost, are not to be
/// carried out any more.
class WaitingActs {
 public:
  class Act {
   public:
    Act(std::string session, work::Right right) : session_(std::move(session)), right_(std::move(right)) {}
    /// Any thread.
    bool over() const { return over_; }

   private:
    friend class WaitingActs;
    std::string session_;
    work::Right right_;
    std::atomic<bool> over_ = false;
  };

  std::shared_ptr<const Act> begin(const std::string& session, work::Right right);
  void session_over(const std::string& session);
  /// The session goes on without its card: what is done without a role needs that, and is over.
  void card_out(const std::string& session);
  /// Something was taken away that the register does not know yet: acts whose right does not hold any more are over.
  void review(const std::function<bool(const work::Right&)>& holds);
  /// The rules are other ones now.
  void all_over();

 private:
  std::vector<std::weak_ptr<Act>> acts_;
};

/// The passwords that are being checked. A generation of them ends with each change, reset or activation: what was right
/// against the hash of an older generation opens nothing.
class PasswordChecks {
 public:
  class Check {
   public:
    /// The person's password has been changed since this check began.
    bool outdated_for(const std::string& person) const { return everybodys_ || changed_.contains(person); }

   private:
    friend class PasswordChecks;
    std::set<std::string> changed_;
    bool everybodys_ = false;
  };

  /// Before the hash is read.
  std::shared_ptr<const Check> begin();
  /// As soon as the register has it.
  void changed(const std::string& person);
  /// The register has another content.
  void all_changed();

 private:
  std::vector<std::weak_ptr<Check>> checks_;
};

}  // namespace cardgate::daemon
