// SPDX-License-Identifier: Apache-2.0
// From a passcode, or a user name and a password, to a session, and every way in which it is refused. One thread.
//
//   admit   may this program, user and seat sign somebody in, with this card?
//   stand   whom is it, and may they have a session?
//   prove   the passcode, once; the card signs (by password: it is compared first, for it says whom it is)
//   record  durable in the log; then the world is asked again
//   open    or resume, and looked at once more by what holds now
#pragma once

#include <optional>
#include <string>

#include "daemon/access/admission.hpp"
#include "daemon/cards/account_desk.hpp"
#include "daemon/deeds/notices.hpp"
#include "daemon/deeds/password_desk.hpp"
#include "daemon/deeds/set_up.hpp"
#include "daemon/http/answer.hpp"
#include "daemon/sessions/downtime_desk.hpp"
#include "daemon/sessions/session_desk.hpp"
#include "proto/messages.hpp"

namespace cardgate::daemon {

class SignInApi {
 public:
  SignInApi(boost::asio::io_context& io, RuleBook& rules, Admission& admission, Roll& roll,
            SessionDesk& sessions, Events& events, CardDesk& cards, AccountDesk& accounts,
            PasswordDesk& passwords, RegisterThreads& register_threads, SetUp& set_up, DowntimeDesk& downtime,
            Notices& notices, Recorder& recorder, GuardedClock& clock, std::string host);
  SignInApi(const SignInApi&) = delete;
  SignInApi& operator=(const SignInApi&) = delete;

  Answer sign_in(Request& request);
  Answer resume(Request& request, const std::string& id);

 private:
  /// One sign-in, or resuming, on its way.
  struct ByCard;
  struct ByPassword;
  using Refusal = std::optional<Response>;
  using LaterRefusal = boost::asio::awaitable<Refusal>;

  boost::asio::awaitable<Response> sign_in_by_card(Request& request, proto::SignIn ask,
                                                   std::string resume_id);
  Refusal admit(ByCard& going);
  /// Of a sign-in to an account of this machine: may this caller ask for it, and is it that session's?
  Refusal admit_account(ByCard& going);
  /// A card that was lent, with the passcode that others may know.
  Refusal refuse_first_passcode(const ByCard& going, const reg::Person& holder);
  /// Is it the person's, whose card this is?
  Refusal refuse_account(const ByCard& going);
  LaterRefusal judge_again(ByCard& going);
  Refusal stand(ByCard& going);
  LaterRefusal prove(ByCard& going);
  void begin_session(ByCard& going);
  LaterRefusal record(ByCard& going);
  Refusal refuse_after_record(ByCard& going);
  Response open(ByCard& going);
  Response resumed(ByCard& going);
  /// What is missing, for the person; with what they must hear of their other cards.
  Response access_denied(const policy::Decision& standing, const reg::Person& holder,
                         const std::string& card);
  Response refuse_certificate(const ByCard& going, const trust::Verdict& verdict);

  boost::asio::awaitable<Response> sign_in_by_password(Request& request, proto::PasswordSignIn ask,
                                                       std::string resume_id);
  Refusal admit(ByPassword& going);
  LaterRefusal prove(ByPassword& going);
  Refusal refuse_temporary(const ByPassword& going);
  LaterRefusal hash_anew(ByPassword& going);
  Refusal stand(ByPassword& going);
  LaterRefusal record(ByPassword& going);
  Response open(ByPassword& going);

  // What both have in common.
  /// Why a session cannot be opened now: there is no room, or its card is in use by another user.
  Refusal refuse_opening(const Peer& peer, const Session& session);
  /// After its record: it was not opened (or resumed) in the end.
  void note_not_opened(const Peer& peer, const std::string& person, const std::string& session,
                       std::string_view reason);
  /// A session that is open now, with what is announced.
  Response opened(const Session& session);
  Response too_late();
  static Response has_ended();
  static Response no_such_session();

  boost::asio::io_context& io_;
  RuleBook& rules_;
  Admission& admission_;
  Roll& roll_;
  SessionDesk& sessions_;
  Events& events_;
  CardDesk& cards_;
  AccountDesk& accounts_;
  PasswordDesk& passwords_;
  RegisterThreads& register_;
  SetUp& set_up_;
  DowntimeDesk& downtime_;
  Notices& notices_;
  Recorder& recorder_;
  GuardedClock& clock_;
  std::string host_;
};

}  // namespace cardgate::daemon
