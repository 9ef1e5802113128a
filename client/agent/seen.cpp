// SPDX-License-Identifier: Apache-2.0
#include "client/agent/seen.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "client/shared/members.hpp"

namespace cardgate::agent {
namespace {

using client::is_true;
using client::local_time;
using client::text_of;

constexpr std::size_t most_kept = 64;  // of each list: more than a machine has readers, or a person sessions

/// Calls `take` for every object of the list.
template <class Take>
void each_object(const json::object& object, std::string_view member, const Take& take) {
  const auto* list = find_array(object, member);
  if (list == nullptr) return;
  for (std::size_t i = 0; i < std::min(list->size(), most_kept); ++i) {
    if (const auto* item = (*list)[i].if_object()) take(*item);
  }
}

BootTime boot_time_of(const json::object& object, std::string_view member, WallTime wall, BootTime boot) {
  const auto when = parse_rfc3339(text_of(object, member));
  return when ? boot + (*when - wall) : BootTime::max();
}

SeenReader read_reader(const json::object& reader) {
  using State = SeenReader::State;
  SeenReader out;
  out.name = text_of(reader, "name");
  const auto* card = find_object(reader, "card");
  if (card == nullptr) {
    out.state = is_true(reader, "card_present") ? State::hidden : State::empty;
    return out;
  }
  const auto state = text_of(*card, "state");
  out.state = state == "ready" ? State::ready : state == "unusable" ? State::unusable : State::reading;
  out.card = text_of(*card, "id");
  out.holder = text_of(*card, "name");
  out.problem = text_of(*card, "problem");
  out.tries_left = client::tries_of(*card);
  if (card->contains("unblocking_tries_left"))
    out.unblocking_tries_left = client::number_of(*card, "unblocking_tries_left");
  out.must_change_passcode = is_true(*card, "must_change_passcode");
  out.registered = !card->contains("registered") || is_true(*card, "registered");
  return out;
}

SeenSession read_session(const json::object& session, WallTime wall, BootTime boot) {
  using State = SeenSession::State;
  SeenSession out;
  out.id = text_of(session, "id");
  out.person = client::name_of(session, "person");
  out.reader = text_of(session, "reader");
  out.card = text_of(session, "card");
  const auto state = text_of(session, "state");
  out.state = state == "locked" ? State::locked : state == "grace" ? State::grace : State::active;
  out.card_removal = text_of(session, "card_removal");
  // Where the card may go, card and passcode are needed again earlier than the session's own end.
  const auto over = boot_time_of(session, "expires_at", wall, boot);
  const auto needed = boot_time_of(session, "card_needed_at", wall, boot);
  out.ends = std::min(over, needed);
  out.ends_text = local_time(text_of(session, needed < over ? "card_needed_at" : "expires_at"), "%H:%M");
  if (const auto* warnings = find_array(session, "warnings")) {
    for (const auto& warning : *warnings) {
      if (warning.is_string() && out.warnings.size() < most_kept)
        out.warnings.emplace_back(warning.get_string());
    }
  }
  return out;
}

}  // namespace

Seen read_seen(const json::object& status, const json::object& sessions, WallTime wall, BootTime boot) {
  Seen out;
  each_object(status, "readers", [&](const json::object& item) { out.readers.push_back(read_reader(item)); });
  each_object(sessions, "sessions",
              [&](const json::object& item) { out.sessions.push_back(read_session(item, wall, boot)); });
  each_object(status, "downtime", [&](const json::object& item) {
    const auto severity = text_of(item, "severity");
    const auto until = text_of(item, "ends_at");
    out.downtime.push_back(
        {fmt::format("{} From {}{}.", text_of(item, "text"), local_time(text_of(item, "begins_at")),
                     until.empty() ? std::string(" until further notice") : " to " + local_time(until)),
         boot_time_of(item, "begins_at", wall, boot), severity == "critical" || severity == "high",
         text_of(item, "kind") == "emergency"});
  });
  return out;
}

std::vector<std::string> read_lapses(const json::object& access) {
  std::vector<std::string> out;
  each_object(access, "roles", [&](const json::object& role) {
    each_object(role, "lapses", [&](const json::object& lapse) {
      auto text = fmt::format("{}. {}.", text_of(lapse, "text"), text_of(lapse, "next_step"));
      // What ends several roles is told once.
      if (std::ranges::find(out, text) == out.end()) out.push_back(std::move(text));
    });
  });
  return out;
}

std::vector<std::string> read_notices(const json::object& notices) {
  std::vector<std::string> out;
  each_object(notices, "notices", [&](const json::object& notice) {
    out.push_back(fmt::format("{} ({})", text_of(notice, "text"), local_time(text_of(notice, "told_at"))));
  });
  return out;
}

}  // namespace cardgate::agent
