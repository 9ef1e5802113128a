// SPDX-License-Identifier: Apache-2.0
// What readers and cards tell, and whom a card stands for; card_use.cpp has what every use of a passcode shares.
#include "daemon/cards/card_desk.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "daemon/cards/card_name.hpp"
#include "daemon/journal.hpp"
#include "daemon/people/holder.hpp"

namespace cardgate::daemon {

CardDesk::CardDesk(boost::asio::io_context& io, RuleBook& rules, RuleLoader& loader, Admission& admission,
                   Roll& roll, SessionDesk& sessions, Events& events, Recorder& recorder, GuardedClock& clock)
    : rules_(rules),
      loader_(loader),
      admission_(admission),
      roll_(roll),
      sessions_(sessions),
      events_(events),
      recorder_(recorder),
      clock_(clock),
      readers_(
          io, {.inserted = [this](const std::string& reader) { publish("inserted", reader); },
               .read = [this](const std::string& reader) { on_read(reader); },
               .twice = [this](const std::string& reader, const std::string& other,
                               const std::string& card) { on_twice(reader, other, card); },
               .removed =
                   [this](const std::string& reader, std::uint64_t insertion) {
                     sessions_.card_removed(reader, insertion);
                     publish("removed", reader);
                   },
               .reader_changed =
                   [this](const std::string& reader, bool present) {
                     if (!present) sessions_.reader_gone(reader);
                     publish(present ? "reader_added" : "reader_gone", reader);
                   },
               .service_changed = [this](bool up, const std::string& problem) { on_service(up, problem); }}) {
}

void CardDesk::start(CardDrivers drivers, bool watch) {
  readers_.start(std::move(drivers), rules_.judge(), [this] { return clock_.now(); });
  if (watch) readers_.watch();
}

void CardDesk::publish(std::string_view kind, const std::string& reader) {
  changed_.ring();
  events_.publish("card", {{"kind", kind}, {"reader", reader}}, std::nullopt);
}

/// A card was read, or could not be.
void CardDesk::on_read(const std::string& name) {
  const Reader* reader = readers_.find(name);
  const bool read = reader != nullptr && reader->card;
  if (read) {
    const auto card = reader->card;
    sessions_.card_inserted(card->id, name, reader->insertion, card->present);
    if (card->verdict.valid && card->verdict.refresh_at <= clock_.now())
      loader_.refresh(card->certificate, false);
  }
  publish("read", name);
  if (read && sessions_.by_card(reader->card->id) == nullptr) publish("sign_in_needed", name);
}

/// One card answers in two readers: one of the two is a copy. The second is refused already; people must
/// know.
void CardDesk::on_twice(const std::string& reader, const std::string& other, const std::string& card) {
  recorder_.note_incident("the same card answers in two readers",
                          {{"reader", reader}, {"other_reader", other}, {"card", card}});
  log(audit::Event::card_twice,
      fmt::format("The same card answers in two readers, {} and {}: one of the two is a copy.", reader,
                  other),
      {{"CARDGATE_READER", reader}, {"CARDGATE_CARD", card}});
  recorder_.count("cards_twice");
  publish("twice", reader);
}

void CardDesk::on_service(bool up, const std::string& problem) {
  if (up) {  // Readers says the other
    log(audit::Event::pcscd_reachable, "The reader service (pcscd) answers: the readers are reachable.");
  }
  changed_.ring();
  recorder_.count("pcscd_changes", up ? "up" : "down");
  events_.publish("service", {{"kind", up ? "readers_up" : "readers_down"}, {"problem", problem}},
                  std::nullopt);
}

void CardDesk::judge(const std::string& name) {
  const auto card = readers_.find(name)->card;
  auto verdict = rules_.judge()->look(card->certificate, clock_.now());
  const bool changed = verdict.valid != card->verdict.valid || verdict.revocation != card->verdict.revocation;
  readers_.judged(name, std::move(verdict));
  if (changed) publish("judged", name);
}

void CardDesk::judge_all() {
  readers_.set_judge(rules_.judge());
  for (const auto& [name, reader] : readers_.all()) {
    if (reader.card) judge(name);
  }
}

void CardDesk::judge_certificate(const Bytes& certificate) {
  for (const auto& [name, reader] : readers_.all()) {
    if (reader.card && reader.card->certificate == certificate) judge(name);
  }
}

CardHolder CardDesk::holder_of(const CardFacts& card) {
  // A card may have been read before the configuration asked for its CHUID.
  if (!rules_.judge()->cards().content_signers.empty() && !(card.chuid && card.chuid->verified)) {
    return {{},
            problem(409, "card_changed",
                    "The rules for cards changed after this card was put in. Take it out and put it in "
                    "again. No try was spent."),
            "chuid_unread"};
  }
  auto holder =
      find_holder(roll_.staff(), rules_.config().mapping, card.info, card.chuid ? &*card.chuid : nullptr);
  if (!holder) {
    log(Level::error, "The staff register cannot be read: " + holder.error().message());
    return {{},
            problem(503, "register_unavailable",
                    "The staff register cannot be read now, so nobody can sign in. Tell the people who run "
                    "this machine."),
            "register_unavailable"};
  }
  if (holder->people.empty()) {
    const auto why = why_nameless(*holder);
    return {
        {},
        problem(403, "person_unknown",
                why.empty()
                    ? "This card is good, but it is not registered to anybody here. Ask the ESR & Workforce "
                      "Systems "
                      "team to register it to you."
                    : fmt::format("This card is good, but nothing on it says who it belongs to: {}. Tell the "
                                  "people who run this machine.",
                                  why)),
        "person_unknown"};
  }
  if (holder->people.size() > 1) {
    return {{},
            problem(403, "person_ambiguous",
                    "This card matches more than one person in the register, so it cannot be used. Ask the "
                    "ESR & Workforce Systems team to correct the register."),
            "person_ambiguous"};
  }
  return {std::move(holder->people.front()), std::nullopt, {}};
}

std::optional<Response> CardDesk::refuse_name(const CardUse& use, const CardFacts& card,
                                              const reg::Person& holder) {
  const auto registered = std::ranges::find(holder.cards, card.id, &reg::Card::uuid);
  if (registered == holder.cards.end() || registered->registered_by.empty()) return std::nullopt;
  if (says_name(card.info, registered->certificate_name)) return std::nullopt;
  return refuse(use,
                problem(403, "certificate_name_differs",
                        fmt::format("The certificate on this card names '{}', but the card was registered "
                                    "for '{}'. No try was spent. Take the card to the {}, who registered it.",
                                    certificate_name(card.info), registered->certificate_name,
                                    rules_.policy()->contacts().access_team)),
                "certificate_name");
}

}  // namespace cardgate::daemon
