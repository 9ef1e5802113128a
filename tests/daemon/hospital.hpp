// SPDX-License-Identifier: Apache-2.0
// A small invented trust for one test: people with a card each, two readers, the real service and the real command; and a
// calendar that can be turned (tests/support/calendar.cpp, in the service alone). Runs inside in-reader-namespace. One thread.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "tests/daemon/stage.hpp"

namespace cardgate::testing {

class Hospital {
 public:
  Hospital();
  ~Hospital();

  /// Makes a card for somebody; before open().
  void employ(const std::string& id, const std::string& name, const std::string& more = {});
  /// A further card, not registered yet; its UUID.
  std::string new_card(const std::string& id);
  /// A further card beside the one that the person keeps, not registered yet; its UUID. Whoever holds it is called `holder` here;
  /// its certificate names the person, or `name`.
  std::string spare_card(const std::string& id, const std::string& holder, const std::string& name = {});
  /// The same, and the card is as told.
  std::string spare_card(const std::string& holder, const simcard::Personalisation& what);
  /// Starts the service and imports everybody. `calendar`: the service's clock can be turned.
  void open(bool calendar);
  void import(const std::string& people_yaml);

  /// Days from the real today on, as 2026-01-31.
  std::string day(int days) const;
  /// The same as people read it.
  std::string spoken_day(int days) const;
  /// The service's clock shows nine in the morning (UTC) of that day; nobody is signed in then.
  void turn_to(int days);
  /// Seconds before midnight (UTC) at the end of that day.
  void turn_to_end_of(int days, int seconds_before);

  /// Puts the person's card in the second reader or the first, and signs in. One sits at each.
  void seat(const std::string& id, int reader = 0);
  /// What `cardgate login` says; the card is in then, and a session open when it says 0.
  Finished login(const std::string& id, int reader = 0);
  void leave(int reader = 0);
  /// The command under that person's session, who must sit at a reader.
  Finished run(const std::string& id, std::vector<std::string> arguments);
  /// It works and says the words.
  json::object can(const std::string& id, std::vector<std::string> arguments, std::string_view words = {});
  /// It is refused with these words.
  void cannot(const std::string& id, std::vector<std::string> arguments, std::string_view words);
  /// Signs in, does it, and leaves; who sits at a reader already stays.
  json::object has(const std::string& id, std::vector<std::string> arguments, std::string_view words = {});
  /// The declaration as the policy has it, read and signed.
  void signs(const std::string& id);
  /// A form for the role: asked for, verified and approved by those two. Its number.
  std::string form(const std::string& id, const std::string& role, const std::string& manager,
                   const std::string& approver, std::vector<std::string> more = {});
  bool holds(const std::string& id, const std::string& role);
  std::string session_of(const std::string& id) const;
  std::string card_of(const std::string& id) const;

  Stage stage;

 private:
  struct Member {
    std::string name, yaml;
    std::unique_ptr<simcard::Card> card;
  };
  struct Seat {
    std::string person, session;
    std::unique_ptr<simcard::VpcdLink> link;
  };

  std::map<std::string, Member> people_;
  std::map<std::string, std::unique_ptr<simcard::Card>> new_cards_;
  Seat seats_[2];
};

}  // namespace cardgate::testing
