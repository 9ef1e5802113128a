// SPDX-License-Identifier: Apache-2.0
// The card in hand: whom it stands for, who may spend a passcode on it, and what its answers mean to the person. And what the
// readers' news mean to sessions. One thread.
#pragma once

#include <boost/asio/io_context.hpp>
#include <optional>
#include <string>

#include "daemon/access/admission.hpp"
#include "daemon/cards/bell.hpp"
#include "daemon/cards/readers.hpp"
#include "daemon/record/recorder.hpp"
#include "daemon/rules/rule_book.hpp"
#include "daemon/rules/rule_loader.hpp"
#include "daemon/sessions/session_desk.hpp"

namespace cardgate::daemon {

/// One use of a passcode, as it is recorded.
struct CardUse {
  const Peer& peer;
  audit::Event refused_event;  // what a refusal is called in the audit
  std::string reader;
  std::string person;              // when known
  bool by_unblocking_key = false;  // not by the passcode
};

struct CardInHand {
  Reader* reader;
  std::optional<Response> refusal;
};

struct CardHolder {
  std::string person;               // the id; empty with a refusal
  std::optional<Response> refusal;  // nobody, several people, or the register cannot tell
  std::string_view reason;          // of the refusal, for the audit
};

class CardDesk {
 public:
  CardDesk(boost::asio::io_context& io, RuleBook& rules, RuleLoader& loader, Admission& admission, Roll& roll,
           SessionDesk& sessions, Events& events, Recorder& recorder, GuardedClock& clock);
  CardDesk(const CardDesk&) = delete;
  CardDesk& operator=(const CardDesk&) = delete;

  /// `watch`: as Service::start().
  void start(CardDrivers drivers, bool watch);
  void stop() { readers_.stop(); }
  Readers& readers() { return readers_; }

  /// Certificates are judged by other rules: of all cards that are in, anew.
  void judge_all();
  void judge_certificate(const Bytes& certificate);
  /// What was found of the card in this reader, anew by what is known now. REQUIRES one that was read.
  void judge(const std::string& reader);
  void publish(std::string_view kind, const std::string& reader);
  /// Rings when anything is published.
  Bell& changed() { return changed_; }

  CardHolder holder_of(const CardFacts& card);
  /// A card that was registered by hand: does its certificate say the name that was looked at then?
  std::optional<Response> refuse_name(const CardUse& use, const CardFacts& card, const reg::Person& holder);

  // What every use of a passcode has in common, from the asking to the end.
  std::optional<Response> refuse_peer(const CardUse& use);
  /// The reader whose card a passcode may be spent on now.
  CardInHand in_hand(const CardUse& use, const std::string& card, std::optional<int> tries_left);
  /// After a wait: why nothing more is done with the card of this insertion.
  std::optional<Response> refuse_if_gone(const CardUse& use, std::uint64_t insertion);
  Response refuse_who_left(const CardUse& use);
  Response refuse(const CardUse& use, Response answer, std::string_view reason);
  /// What a failed exchange with the card means to the person, and to the next attempt.
  Response error(const CardUse& use, Reader& reader, const Error& error);
  /// After the card has worked: the same insertion, and its error told. Nothing: it went well.
  std::optional<Response> after_work(const CardUse& use, std::uint64_t insertion,
                                     const Result<void>& outcome);
  void note_use(audit::Event event, const CardUse& use, const std::string& card);

 private:
  void on_read(const std::string& reader);
  void on_twice(const std::string& reader, const std::string& other, const std::string& card);
  void on_service(bool up, const std::string& problem);
  Response passcode_incorrect(const CardUse& use, Reader& reader, const Error& error);
  Response passcode_blocked(const CardUse& use, Reader& reader);
  Response unblocking_key_error(const CardUse& use, Reader& reader, const Error& error);
  Response passcode_format(const CardUse& use, Reader& reader, const Error& error);
  Response last_try(const CardUse& use, Reader& reader);
  Response broken(const CardUse& use, const Error& error);
  void note_blocked(const CardUse& use, const Reader& reader);

  RuleBook& rules_;
  RuleLoader& loader_;
  Admission& admission_;
  Roll& roll_;
  SessionDesk& sessions_;
  Events& events_;
  Recorder& recorder_;
  GuardedClock& clock_;
  Bell changed_;
  Readers readers_;
};

}  // namespace cardgate::daemon
