// SPDX-License-Identifier: Apache-2.0
// What every use of a password has in common: who may type one, the tries and waits, the comparison, what it must not be, and
// how a new one gets on file.
// Until a password was right, every refusal has the same words and has cost the same work, whether or not there is such a
// person. One thread.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <memory>
#include <optional>
#include <string>

#include "daemon/access/admission.hpp"
#include "daemon/deeds/actors.hpp"
#include "daemon/deeds/deeds.hpp"
#include "daemon/people/meanwhile.hpp"
#include "daemon/people/passwords.hpp"
#include "daemon/people/register_threads.hpp"
#include "daemon/people/roll.hpp"
#include "daemon/record/recorder.hpp"
#include "daemon/rules/rule_book.hpp"
#include "daemon/sessions/session_desk.hpp"
#include "policy/decide.hpp"

namespace cardgate::daemon {

/// One user name and one secret, before and after they were compared.
struct PasswordUse {
  reg::CredentialKind kind;
  audit::Event refused_event;  // what a refusal is called in the audit
  std::string username;
  Passwords::Typed typed;
};

struct CheckedPassword {
  std::optional<Response> refusal;
  reg::Credential credential;
};

/// Another password or activation code for a person.
struct PasswordDeed {
  audit::Record record;  // also says for whom it is
  /// On the register's thread. `at`: when it was on record.
  std::function<Result<void>(reg::Credentials&, WallTime at)> how;
  bool ends_sessions = true;                         // it is a password: sessions by the one before end
  std::optional<Response> overtaken = {};            // the answer when somebody else was faster
  const Actor* helper = nullptr;                     // who does it for the person; nullptr: the person
  std::shared_ptr<const WaitingActs::Act> act = {};  // the helper's, begun before the first wait
};

/// By which the person signs in with a password.
const std::string& username_of(const reg::Person& person);

class PasswordDesk {
 public:
  PasswordDesk(RuleBook& rules, Admission& admission, Roll& roll, RegisterThreads& register_threads,
               SessionDesk& sessions, Actors& actors, Deeds& deeds, Recorder& recorder, GuardedClock& clock);
  PasswordDesk(const PasswordDesk&) = delete;
  PasswordDesk& operator=(const PasswordDesk&) = delete;

  /// Another configuration.
  void rules_changed() { passwords_.set_cost(rules_.config().passwords.cost); }
  const PasswordCost& cost() const { return passwords_.cost(); }
  /// Why no password can be checked, for people; empty: they can.
  const std::string& trouble() const { return passwords_.problem(); }
  bool busy() const { return passwords_.busy(); }
  /// Errors: unavailable.
  boost::asio::awaitable<Result<std::string>> hash(Passwords::Typed typed) {
    return passwords_.hash(std::move(typed));
  }

  /// Errors: unavailable.
  boost::asio::awaitable<Result<bool>> fits(std::string stored, Passwords::Typed typed) {
    return passwords_.fits(std::move(stored), std::move(typed));
  }

  /// May this peer sign people in? A reload may have taken it away since it was asked before.
  std::optional<Response> refuse_client(const Peer& peer, audit::Event event, const std::string& who = {});
  /// May this peer sign people in, and is there room for one more try?
  std::optional<Response> refuse_typing(const Peer& peer, audit::Event event);
  /// Counts the try, compares, counts again.
  boost::asio::awaitable<CheckedPassword> check(const Peer& peer, PasswordUse use);
  /// After a right password: why the person may not have a session all the same.
  std::optional<Response> refuse_standing(const Peer& peer, audit::Event event,
                                          const policy::Decision& standing, const std::string& who);
  /// The same, by what is on record now.
  std::optional<Response> refuse_holder(const Peer& peer, audit::Event event, const std::string& who);
  /// Why it may not be this person's password.
  std::optional<Response> refuse_new(const Secret& wanted, const reg::Person& who);
  Response refuse(const Peer& peer, audit::Event event, Response answer, std::string_view reason,
                  const std::string& who = {});
  Response refuse_busy();

  // What was right against an older hash opens nothing (people/meanwhile.hpp).
  std::shared_ptr<const PasswordChecks::Check> begin_check() { return checks_.begin(); }
  /// Recorded, written, ended; of a helper it is asked again after each wait whether they still may. Without a refusal it is
  /// done. Must have a name of its own, as the work of RegisterThreads.
  boost::asio::awaitable<std::optional<Response>> put_on_file(PasswordDeed& deed);
  /// The register has another content.
  void all_changed() { checks_.all_changed(); }

 private:
  /// The register has another password of this person: sessions by the one before end.
  void changed(const std::string& person);
  Response not_saved(const PasswordDeed& deed, const Error& why);
  static Response throttled(seconds wait);
  boost::asio::awaitable<std::optional<Response>> take_back_try(const PasswordUse& use, uid_t uid,
                                                                std::string person);
  Response refuse_wrong(const Peer& peer, const PasswordUse& use, const reg::Credential& found);

  RuleBook& rules_;
  Admission& admission_;
  Roll& roll_;
  RegisterThreads& register_;
  SessionDesk& sessions_;
  Actors& actors_;
  Deeds& deeds_;
  Recorder& recorder_;
  GuardedClock& clock_;
  Passwords passwords_;
  PasswordChecks checks_;
};

}  // namespace cardgate::daemon
