// SPDX-License-Identifier: Apache-2.0
// What the service says of the moment, as far as the agent needs it: cards in readers, own sessions, planned downtime. Values,
// and the pure functions that read them from answers.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/clock.hpp"
#include "base/json.hpp"

namespace cardgate::agent {

struct SeenReader {
  enum class State : std::uint8_t {
    empty,
    hidden,  // a card is in, and this user of the machine may not sign in here
    reading,
    ready,
    unusable,
  };
  std::string name{};
  State state = State::empty;
  std::string card{}, holder{}, problem{};  // the card's id, the name on it, why it cannot be used
  std::int64_t tries_left = -1;             // -1: the card does not tell
  std::int64_t unblocking_tries_left = -1;  // -1: not known
  bool registered = true;                   // as far as is known
  bool must_change_passcode = false;        // lent, and it opens nothing before it has a new passcode
};

struct SeenSession {
  enum class State : std::uint8_t { active, locked, grace };
  std::string id{}, person{}, reader{}, card{};  // without a card: by password
  State state = State::active;
  std::string card_removal{};  // "end", "lock", "grace" or "keep"; empty: an older service does not say
  BootTime ends = BootTime::max();
  std::string ends_text{};  // for people
  std::vector<std::string> warnings{};
};

struct SeenDowntime {
  std::string text;  // for people, with its times
  BootTime begins;
  bool urgent = false;
  bool emergency = false;
};

struct Seen {
  std::vector<SeenReader> readers;
  std::vector<SeenSession> sessions;
  std::vector<SeenDowntime> downtime;
};

/// Of GET /v1/status and GET /v1/sessions. What they do not say, or say otherwise than they should, is left out. The times of
/// the answers are wall times; `wall` and `boot` are the same moment.
Seen read_seen(const json::object& status, const json::object& sessions, WallTime wall, BootTime boot);

/// What ends soon, of GET /v1/access: a sentence each, with what to do.
std::vector<std::string> read_lapses(const json::object& access);
/// Of GET /v1/notices.
std::vector<std::string> read_notices(const json::object& notices);

}  // namespace cardgate::agent
