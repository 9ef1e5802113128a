// SPDX-License-Identifier: Apache-2.0
// Accounts of this machine and the cards that open them: who may ask for which account, whether it is the person's by the
// register, and what somebody needs who signs in to it now (work/login). One thread.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "daemon/access/account_lookups.hpp"
#include "daemon/access/surroundings.hpp"
#include "daemon/cards/card_desk.hpp"
#include "daemon/work/login.hpp"

namespace cardgate::daemon {

class AccountDesk {
 public:
  AccountDesk(boost::asio::io_context& io, RuleBook& rules, Admission& admission, Roll& roll,
              SessionDesk& sessions, CardDesk& cards, GuardedClock& clock)
      : before_proof_(io),
        after_proof_(io),
        rules_(rules),
        admission_(admission),
        roll_(roll),
        sessions_(sessions),
        cards_(cards),
        clock_(clock) {}
  AccountDesk(const AccountDesk&) = delete;
  AccountDesk& operator=(const AccountDesk&) = delete;

  Surroundings surroundings;

  struct Refused {
    Response answer;
    std::string_view reason;  // for the audit
  };
  /// Whoever has proved nothing yet must not use up the places of those who have: a login that was let in, and a logout.
  enum class Turn : std::uint8_t { before_proof, after_proof };
  /// As Surroundings::account_for. Errors: unavailable. Look at the world again after it.
  boost::asio::awaitable<Result<std::optional<UnixAccount>>> account_for(const Peer& peer,
                                                                         const std::string& named, Turn turn);
  static Response accounts_unavailable();

  // Below, `account` is a name as the system writes it (UnixAccount).

  /// May this peer sign somebody in to the account? `named` and `for_uid` as the peer says them; `account` by account_for().
  std::optional<Refused> refuse_ask(const Peer& peer, const std::string& named,
                                    const std::optional<UnixAccount>& account,
                                    std::optional<uid_t> for_uid) const;
  /// As Surroundings::remote, by the configuration.
  bool is_remote(const Peer& peer) const {
    return surroundings.remote(peer, rules_.config().pam.local_units);
  }
  /// Nothing: the register says that the account is this person's, and no one else's.
  std::optional<Refused> refuse_person(const std::string& account, const std::string& person);

  /// What there is to see of it. `with_cards`: also what is in the readers. Errors: as the register.
  Result<work::LoginScene> scene(const Peer& peer, const std::string& account, uid_t uid, bool with_cards);
  /// The scene depends on cards of which it is not known yet what they are.
  bool waits_for_cards(const work::LoginScene& scene) const;
  /// Why nobody may use the account, where the configuration enforces it; nothing: it may be used. Errors: as the register.
  Result<std::optional<std::string>> over(const std::string& account, uid_t uid);

 private:
  work::LoginCard look_at(const std::string& reader, const std::string& account, uid_t uid);
  /// Whole sentences: why the person may not sign in with the card; empty: they may.
  std::string against(const CardFacts& card, const Person& person, uid_t uid);

  AccountLookups before_proof_, after_proof_;
  std::map<uid_t, Count> asking_;  // who waits for one
  bool no_accounts_ = false;       // the last one could not be looked up, and that was said
  RuleBook& rules_;
  Admission& admission_;
  Roll& roll_;
  SessionDesk& sessions_;
  CardDesk& cards_;
  GuardedClock& clock_;
};

}  // namespace cardgate::daemon
