// SPDX-License-Identifier: Apache-2.0
// Cards that are registered by hand. Whoever decides for others is one of two or three people in what they do, so nobody may
// make themselves a second one of them with a spare card: such a card takes two people.
#include <fmt/format.h>

#include <algorithm>

#include "base/day_text.hpp"
#include "daemon/work/facts.hpp"
#include "daemon/work/find.hpp"
#include "daemon/work/messages.hpp"
#include "daemon/work/rules.hpp"
#include "policy/standing.hpp"

namespace cardgate::daemon::work {
namespace {

/// Seeing is no deciding.
bool decides(const policy::Role& role) {
  return std::ranges::any_of(role.may, [](policy::Act act) { return act != policy::Act::see_people; });
}

/// Is what others give for the role there? What people give themselves (a signature, a course), and leave, do not count.
bool was_given(const policy::Role& role, const policy::Facts& facts, policy::Day today) {
  using Kind = policy::Prerequisite::Kind;
  return std::ranges::all_of(role.requires_all, [&](const policy::Prerequisite& wanted) {
    if (wanted.kind != Kind::form && wanted.kind != Kind::team && wanted.kind != Kind::line_manager &&
        wanted.kind != Kind::delegation) {
      return true;
    }
    const auto standing = policy::standing_of(wanted, facts, role.name, today);
    return standing.met() || standing.state == policy::State::not_yet;
  });
}

void replace_card(reg::Person& person, const std::string& uuid) {
  const auto old = std::ranges::find(person.cards, uuid, &reg::Card::uuid);
  if (old != person.cards.end() && old->status == "active") old->status = "replaced";
}

/// The second person does the same as the first.
Result<void> confirm_card(reg::Person& person, reg::Card& card, const CardChange& change, const Doer& doer) {
  if (doer.id == card.registered_by)
    return Error{Errc::permission_denied,
                 "You registered this card, so another member of the team must confirm it"};
  if (doer.may_be(person.id) || doer.may_be(card.registered_by) || card.registered_card_by == doer.id)
    return same_hand();
  if (!change.certificate_name.empty() && change.certificate_name != card.certificate_name) {
    return cannot(
        fmt::format("The card was registered with the certificate name '{}'. If that is wrong, stop the card",
                    card.certificate_name));
  }
  card.confirmed_by = doer.id;
  if (card.status == "waiting") {
    card.status = "active";
    if (!card.replaces.empty()) replace_card(person, card.replaces);
  }
  return {};
}

Result<void> register_card(reg::Person& person, const policy::Policy& policy, const CardChange& change,
                           const Doer& doer) {
  if (person.cards.size() >= max_entries) return cannot(too_many);
  reg::Card card;
  card.uuid = change.uuid;
  card.valid_until = change.valid_until;
  card.registered_by = doer.id;
  card.registered_on = doer.today;
  card.registered_card_by = doer.card_by;
  card.certificate_name = change.certificate_name.empty() ? person.name : change.certificate_name;
  if (decides_for_others(person, policy, doer.today)) {
    card.status = "waiting";
    card.replaces = change.replaces;  // the old one goes on until somebody has confirmed this one
  } else if (!change.replaces.empty()) {
    replace_card(person, change.replaces);
  }
  person.cards.push_back(std::move(card));
  return {};
}

}  // namespace

std::vector<std::string> other_cards(const reg::Person& person, const std::string& card,
                                     const RecordOf& record_of) {
  std::vector<std::string> out;
  for (const auto& other : person.cards) {
    const bool usable = other.status == "active" || other.status == "waiting";
    if (other.uuid == card || other.registered_by.empty() || !usable) continue;
    const std::string when = other.lent_until      ? " until " + moment_text(*other.lent_until)
                             : other.registered_on ? " on " + day_text(*other.registered_on)
                                                   : "";
    out.push_back(
        fmt::format("{} also {} card {} to you{}{}", called(record_of, other.registered_by),
                    other.lent_until ? "lent" : "registered", other.uuid, when,
                    other.status == "waiting" ? ", and it still needs a second person to confirm it" : ""));
  }
  return out;
}

bool decides_for_others(const reg::Person& person, const policy::Policy& policy, Date today) {
  if (person.is_line_manager) return true;
  const auto stands_in = [&](const reg::Acting& acting) {
    return !acting.revoked && (!acting.valid_until || *acting.valid_until >= today);
  };
  if (std::ranges::any_of(person.acting, stands_in)) return true;
  // Of whoever delegated the best is thought: the question is what the person may come to decide.
  const RecordOf a_line_manager = [](const std::string& id) -> Result<reg::Person> {
    reg::Person manager;
    manager.id = id;
    manager.is_line_manager = true;
    return manager;
  };
  const auto facts = to_facts(person, a_line_manager);
  return std::ranges::any_of(policy.roles(), [&](const policy::Role& role) {
    return decides(role) && was_given(role, facts, std::chrono::sys_days(today));
  });
}

Result<void> stop_card(reg::Person& person, const std::string& uuid, const std::string& status,
                       std::optional<Date> valid_until, const Doer& doer) {
  if (doer.id == person.id)
    return Error{Errc::permission_denied, "You cannot change your own cards. Ask another member of the team"};
  const auto known = std::ranges::find(person.cards, uuid, &reg::Card::uuid);
  if (known == person.cards.end())
    return Error{Errc::not_found, "This card is not registered to this person"};
  known->status = status;
  if (valid_until) known->valid_until = valid_until;
  return {};
}

Result<void> change_card(reg::Person& person, const policy::Policy& policy, const CardChange& change,
                         const Doer& doer) {
  if (doer.id == person.id)
    return Error{Errc::permission_denied, "You cannot change your own cards. Ask another member of the team"};
  const auto known = std::ranges::find(person.cards, change.uuid, &reg::Card::uuid);
  if (!change.replaces.empty()) {
    if (std::ranges::find(person.cards, change.replaces, &reg::Card::uuid) == person.cards.end())
      return Error{Errc::not_found, "The card to be replaced is not registered to this person"};
    if (change.replaces == change.uuid) return cannot("A card cannot replace itself");
  }
  if (change.status != "active")
    return stop_card(person, change.uuid, change.status, change.valid_until, doer);
  if (known == person.cards.end()) return register_card(person, policy, change, doer);
  // A card that was out of somebody's hands is not trusted again.
  if (known->status != "active" && known->status != "waiting") {
    return cannot(fmt::format("This card was reported {}, so it cannot be used again. Give out a new card",
                              known->status));
  }
  const bool own_date_alone =
      known->status == "active" && known->registered_by == doer.id && change.valid_until;
  if (known->by_one_person() && !own_date_alone) {
    TRY(confirm_card(person, *known, change, doer));
  } else if (known->status == "waiting") {
    return cannot("No member of the team is on record for this card. Stop it, then register it again");
  }
  if (change.valid_until) known->valid_until = change.valid_until;
  if (!change.replaces.empty()) replace_card(person, change.replaces);
  return {};
}

Result<void> lend_card(reg::Person& person, const policy::Policy& policy, const LoanAsk& ask,
                       const Doer& doer) {
  if (doer.id == person.id) {
    return Error{Errc::permission_denied,
                 "You cannot lend a card to yourself. Ask another member of the team"};
  }
  if (ask.until <= ask.now) return cannot("The loan would end before it begins. Give a later time");
  if (ask.until > ask.now + longest_loan) {
    return cannot(
        fmt::format("A card is lent for {} hours at most. Give an earlier time, and lend it again then",
                    longest_loan.count()));
  }
  const auto known = std::ranges::find(person.cards, ask.uuid, &reg::Card::uuid);
  if (known != person.cards.end() && known->status == "ended") {
    return cannot(fmt::format(
        "This card is not back from its last loan. First return it: cardgate staff return-card {}",
        ask.uuid));
  }
  if (known != person.cards.end() && !known->on_loan()) {
    return cannot(fmt::format("This card was reported {}, so it cannot be lent again. Take another card",
                              known->status));
  }
  if (known != person.cards.end()) {
    if (known->status != "waiting") {
      return cannot(fmt::format("This person has this card on loan already, until {}",
                                moment_text(*known->lent_until)));
    }
    TRY(confirm_card(person, *known, {}, doer));
    known->lent_until = std::min(*known->lent_until, ask.until);
    return {};
  }
  const auto other = std::ranges::find_if(person.cards, [](const reg::Card& card) { return card.on_loan(); });
  if (other != person.cards.end()) {
    return cannot(
        fmt::format("This person has card {} on loan until {}. First return it: cardgate staff "
                    "return-card {}",
                    other->uuid, moment_text(*other->lent_until), other->uuid));
  }
  if (person.cards.size() >= max_entries) return cannot(too_many);
  reg::Card card;
  card.uuid = ask.uuid;
  if (decides_for_others(person, policy, doer.today)) card.status = "waiting";
  card.registered_by = doer.id;
  card.registered_on = doer.today;
  card.registered_card_by = doer.card_by;
  card.certificate_name = ask.certificate_name;
  card.lent_until = std::chrono::floor<seconds>(ask.until);
  card.lent_at = std::chrono::floor<seconds>(ask.now);
  card.loan = ask.loan;
  card.must_change_passcode = true;
  person.cards.push_back(std::move(card));
  return {};
}

Result<void> end_loan(reg::Person& person, const std::string& uuid, WallTime until) {
  for (auto& card : person.cards) {
    if (card.uuid != uuid || !card.on_loan() || *card.lent_until != until) continue;
    card.status = "ended";
    return {};
  }
  return Error{Errc::not_found, "This person does not have this card on loan"};
}

Result<void> return_card(reg::Person& person, const std::string& uuid, WallTime until) {
  const auto ended = std::erase_if(person.cards, [&](const reg::Card& card) {
    return card.uuid == uuid && (card.on_loan() || card.status == "ended") && card.lent_until == until;
  });
  if (ended == 0) return Error{Errc::not_found, "This person does not have this card on loan"};
  return {};
}

bool needs_new_passcode(const reg::Person& person, const std::string& card) {
  const auto used = std::ranges::find(person.cards, card, &reg::Card::uuid);
  return used != person.cards.end() && used->on_loan() && used->must_change_passcode;
}

std::string loan_words(const reg::Person& person, const std::string& card) {
  const auto used = std::ranges::find(person.cards, card, &reg::Card::uuid);
  if (used == person.cards.end() || !used->on_loan()) return {};
  return fmt::format("This card is lent to you until {}. It stops working then. Give it back to the desk",
                     moment_text(*used->lent_until));
}

}  // namespace cardgate::daemon::work
