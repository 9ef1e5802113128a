// SPDX-License-Identifier: Apache-2.0
// What the smartcard help desk hands to a person whom it has looked at: an activation code, a temporary password. The steps
// of both:
//
//   admit  ->  (has it been asked for?)  ->  make  ->  deed_of, put on file by PasswordDesk  ->  shown once
//
// One thread.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "daemon/deeds/actors.hpp"
#include "daemon/deeds/password_desk.hpp"
#include "daemon/deeds/people_desk.hpp"

namespace cardgate::daemon {

/// One code or temporary password on its way; outlives its PasswordDeed.
struct HandOut {
  const Request& request;
  std::string person{}, username{};  // who gets it
  Actor helper{};
  std::shared_ptr<const WaitingActs::Act> act{};
  Passwords::Typed secret{};
  std::string hash{};
};

class HelpDesk {
 public:
  HelpDesk(Roll& roll, Recorder& recorder, Actors& actors, PeopleDesk& people, PasswordDesk& passwords,
           WaitingActs& waiting_acts)
      : roll_(roll),
        recorder_(recorder),
        actors_(actors),
        people_(people),
        passwords_(passwords),
        waiting_acts_(waiting_acts) {}
  HelpDesk(const HelpDesk&) = delete;
  HelpDesk& operator=(const HelpDesk&) = delete;

  // Both must have names of their own, as the work of RegisterThreads.
  /// May whoever asks hand something to the person whom `given` means, and can it be done now?
  boost::asio::awaitable<std::optional<Response>> admit(HandOut& out, std::string given);
  /// The secret, of so many groups (base/crypto.hpp), and its hash.
  boost::asio::awaitable<std::optional<Response>> make(HandOut& out, std::size_t groups);
  /// Its record, by whom and for whom; `how` and the rest are the caller's.
  PasswordDeed deed_of(const HandOut& out, audit::Event event, json::object details = {});

 private:
  Roll& roll_;
  Recorder& recorder_;
  Actors& actors_;
  PeopleDesk& people_;
  PasswordDesk& passwords_;
  WaitingActs& waiting_acts_;
};

}  // namespace cardgate::daemon
