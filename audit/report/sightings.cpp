// SPDX-License-Identifier: Apache-2.0
#include "audit/report/sightings.hpp"

#include <fmt/format.h>

namespace cardgate::audit::report {

std::string short_card(std::string_view card) {
  return fmt::format("…{}", card.substr(card.size() - std::min<std::size_t>(4, card.size())));
}

std::string place_of(const Entry& sign_in) {
  if (const auto reader = sign_in.text("reader"); !reader.empty()) return std::string(reader);
  const auto uid = uid_of(sign_in);
  return fmt::format("{}{}", sign_in.client, uid ? fmt::format(" (uid {})", *uid) : std::string());
}

const Sighting* Sightings::session(std::string_view id) const {
  const auto found = open_.find(id);
  return found == open_.end() ? nullptr : &found->second;
}

std::vector<const Sighting*> Sightings::of(const Sessions& index, std::string_view key,
                                           std::string_view but) const {
  std::vector<const Sighting*> out;
  if (key.empty()) return out;
  const auto found = index.find(key);
  if (found == index.end()) return out;
  for (const auto& id : found->second) {
    if (id == but) continue;
    if (const auto* one = session(id)) out.push_back(one);
  }
  return out;
}

std::vector<const Sighting*> Sightings::of_card(std::string_view card, std::string_view but) const {
  return of(by_card_, card, but);
}

std::vector<const Sighting*> Sightings::of_person(std::string_view person, std::string_view but) const {
  return of(by_person_, person, but);
}

void Sightings::open(const Entry& entry) {
  if (entry.session.empty() || entry.person.empty()) return;
  if (open_.size() >= most_sessions) {
    ++left_out_;
    return;
  }
  Sighting one;
  one.session = entry.session;
  one.person = entry.person;
  one.card = entry.text("card");
  one.place = place_of(entry);
  one.uid = uid_of(entry).value_or(-1);
  one.begun = one.used = entry.time;
  one.record = one.last_record = entry.seq;
  if (one.by_card()) by_card_[one.card].push_back(one.session);
  by_person_[one.person].push_back(one.session);
  auto id = one.session;
  open_.insert_or_assign(std::move(id), std::move(one));
}

void Sightings::close(std::string_view id) {
  const auto found = open_.find(id);
  if (found == open_.end()) return;
  const auto drop = [&](Sessions& index, const std::string& key) {
    const auto at = index.find(key);
    if (at == index.end()) return;
    std::erase(at->second, found->second.session);
    if (at->second.empty()) index.erase(at);
  };
  drop(by_card_, found->second.card);
  drop(by_person_, found->second.person);
  open_.erase(found);
}

void Sightings::take(const Entry& entry) {
  if (entry.is(Event::start)) {  // a restart ends all sessions
    open_.clear();
    by_card_.clear();
    by_person_.clear();
    return;
  }
  if (entry.session.empty()) return;
  if (entry.is(Event::sign_in)) return open(entry);
  if (entry.is(Event::session_ended) || (entry.is(Event::sign_in_refused) && entry.takes_back()))
    return close(entry.session);
  const auto found = open_.find(entry.session);
  if (found == open_.end()) return;
  auto& one = found->second;
  if (entry.is(Event::session_locked)) {
    one.active = false;
    if (entry.reason == "idle" || entry.reason == "screen") {
      one.locked = entry.time;
      one.lock_record = entry.seq;
    }
  } else if (entry.is(Event::session_grace) ||
             (entry.is(Event::session_kept) && entry.reason == "card_removed")) {
    one.active = false;
    one.locked.reset();
  } else if (entry.is(Event::session_resumed) || entry.is(Event::session_kept)) {
    one.active = true;
    one.locked.reset();
    if (const auto reader = entry.text("reader"); !reader.empty()) one.place = reader;
    one.used = entry.time;
    one.last_record = entry.seq;
  } else if (entry.is(Event::token)) {
    one.used = entry.time;
    one.last_record = entry.seq;
  }
}

}  // namespace cardgate::audit::report
