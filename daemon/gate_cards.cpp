// SPDX-License-Identifier: Apache-2.0
// What readers, cards and time do to sessions, and who is told.
#include <fmt/format.h>

#include "daemon/gate.hpp"
#include "daemon/journal.hpp"

namespace cardgate::daemon {

/// Sessions end first; records and events follow and are never waited for.
void Gate::apply(Actions actions) {
  for (const auto& ended : actions.ended) acts_.session_over(ended.session.id);
  for (const auto& locked : actions.locked) acts_.session_over(locked.session);
  for (const auto& id : actions.grace) acts_.session_over(id);
  for (auto& ended : actions.ended) {
    const Session& session = ended.session;
    const std::string reason(name(ended.reason));
    audit::Record record;
    record.event = "session_ended";
    record.person = session.person;
    record.session = session.id;
    record.reason = reason;
    record.details["tokens"] = ended.tokens;
    if (session.sign_in == policy::SignIn::card) {
      record.details["reader"] = session.reader;
      record.details["card"] = session.card;
    }
    note(std::move(record));
    log(Level::info, fmt::format("The session of person {} ended: {}.", session.person, reason),
        {{"CARDGATE_EVENT", "session_ended"},
         {"CARDGATE_PERSON", session.person},
         {"CARDGATE_REASON", reason}});
    metrics_.add("sessions_ended", reason);
    events_.publish(
        "session", {{"kind", "ended"}, {"session", session.id}, {"reason", reason}, {"tokens", ended.tokens}},
        session.uid);
  }
  for (auto& revoked : actions.revoked) {
    const Session* session = sessions_.find(revoked.token.session);
    audit::Record record;
    record.event = "revoked";
    record.person = session != nullptr ? session->person : std::string();
    record.role = revoked.token.role;
    record.client = revoked.token.client;
    record.session = revoked.token.session;
    record.reason = name(revoked.reason);
    record.details["jti"] = revoked.jti;
    note(std::move(record));
    metrics_.add("tokens_revoked", name(revoked.reason));
    if (session != nullptr) {
      events_.publish("token", {{"kind", "revoked"}, {"jti", revoked.jti}, {"reason", name(revoked.reason)}},
                      session->uid);
    }
  }
  for (const auto& locked : actions.locked)
    tell_of_session(locked.session, "session_locked", "locked", locked.card_out ? "card_removed" : "idle");
  for (const auto& id : actions.grace) tell_of_session(id, "session_grace", "grace", "card_removed");
  for (const auto& id : actions.back) tell_of_session(id, "session_resumed", "resumed", "card_back");
  for (const auto& id : actions.review) review(id);
  if (on_deadline_changed) on_deadline_changed();
}

/// A session that lives on in another state: recorded and announced.
void Gate::tell_of_session(const std::string& id, std::string_view event, std::string_view kind,
                           std::string_view reason) {
  const Session* session = sessions_.find(id);
  if (session == nullptr) return;
  audit::Record record;
  record.event = event;
  record.person = session->person;
  record.session = id;
  record.reason = reason;
  if (session->sign_in == policy::SignIn::card)
    record.details = {{"reader", session->reader}, {"card", session->card}};
  note(std::move(record));
  events_.publish("session", {{"kind", kind}, {"session", id}, {"reason", reason}}, session->uid);
}

void Gate::tick() {
  flush_counts();
  look_at_clock();
  announce_if_due();
  apply(sessions_.tick(clock_.boot()));
}

void Gate::publish_card(std::string_view kind, const std::string& reader) {
  json::object data{{"kind", kind}, {"reader", reader}};
  events_.publish("card", data, std::nullopt);
}

void Gate::on_card_removed(const std::string& reader, std::uint64_t insertion) {
  auto actions = sessions_.card_removed(reader, insertion, clock_.boot());
  for (const auto& ended : actions.ended) {
    audit::Record record;
    record.event = "card_removed";
    record.person = ended.session.person;
    record.session = ended.session.id;
    record.details["reader"] = reader;
    note(std::move(record));
  }
  apply(std::move(actions));
  publish_card("removed", reader);
}

/// A card was read, or could not be.
void Gate::on_card_read(const std::string& name) {
  const Reader* reader = readers_.find(name);
  if (reader != nullptr && reader->card) {
    apply(sessions_.card_inserted(reader->card->id, name, reader->insertion, reader->card->present,
                                  clock_.boot()));
  }
  if (reader != nullptr && reader->card && reader->card->verdict.valid &&
      reader->card->verdict.refresh_at <= now()) {
    refresh(reader->card->certificate, false);
  }
  publish_card("read", name);
  const bool waits = reader != nullptr && reader->card && sessions_.by_card(reader->card->id) == nullptr;
  if (waits) publish_card("sign_in_needed", name);
}

/// One card answers in two readers: one of the two is a copy. The second is refused already; people must
/// know.
void Gate::on_card_twice(const std::string& reader, const std::string& other, const std::string& card) {
  audit::Record record;
  record.event = "incident";
  record.reason = "the same card answers in two readers";
  record.details = {{"reader", reader}, {"other_reader", other}, {"card", card}};
  note(std::move(record));
  log(Level::warning,
      fmt::format("The same card answers in two readers, {} and {}: one of the two is a copy.", reader,
                  other),
      {{"CARDGATE_EVENT", "card_twice"}, {"CARDGATE_READER", reader}, {"CARDGATE_CARD", card}});
  metrics_.add("cards_twice");
  events_.publish("card", {{"kind", "twice"}, {"reader", reader}}, std::nullopt);
}

void Gate::on_service(bool up, const std::string& problem) {
  if (up) {  // Readers says the other
    log(Level::info, "The reader service (pcscd) answers: the readers are reachable.",
        {{"CARDGATE_EVENT", "pcscd_reachable"}});
  }
  metrics_.add("pcscd_changes", up ? "up" : "down");
  events_.publish("service", {{"kind", up ? "readers_up" : "readers_down"}, {"problem", problem}},
                  std::nullopt);
}

}  // namespace cardgate::daemon
