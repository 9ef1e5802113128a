// SPDX-License-Identifier: Apache-2.0
#include "register/import/difference.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

namespace cardgate::reg {
namespace {

/// What a file says of a form; who asked for it and who closed it are not in files.
auto filed(const Form& f) {
  return std::tie(f.kind, f.role, f.verified_by, f.approved_by, f.verified_on, f.approved_on, f.valid_from,
                  f.valid_until, f.state);
}
auto filed(const Declaration& d) {
  return std::tie(d.name, d.version, d.signed_on, d.valid_until);
}
auto filed(const Training& t) {
  return std::tie(t.course, t.completed_on, t.valid_until);
}
auto filed(const Delegation& d) {
  return std::tie(d.from, d.role, d.valid_from, d.valid_until, d.revoked);
}

template <class Row>
bool same_on_file(const std::vector<Row>& a, const std::vector<Row>& b) {
  return std::ranges::equal(a, b, [](const Row& x, const Row& y) { return filed(x) == filed(y); });
}

/// What files do not tell of an entry (its number, who recorded it, why) stays as it is on file.
template <class Row>
std::vector<Row> with_what_is_untold(std::vector<Row> rows, std::vector<Row> on_file) {
  for (auto& row : rows) {
    const auto same =
        std::ranges::find_if(on_file, [&](const Row& each) { return filed(each) == filed(row); });
    if (same == on_file.end()) continue;
    row = std::move(*same);
    on_file.erase(same);
  }
  return rows;
}

/// The card in use is this one now; a card that was lost or revoked is not found again by a list of staff.
std::vector<Card> with_card_in_use(std::vector<Card> cards, const Card& used, bool date_given) {
  const auto known = std::ranges::find(cards, used.uuid, &Card::uuid);
  if (known != cards.end()) {
    if (date_given) known->valid_until = used.valid_until;
    if (known->status != "active" && known->status != "waiting") return cards;
    // A staff file is root's word: nobody else need stand for the card then.
    const bool waited = known->status == "waiting";
    *known = Card{used.uuid, "active", known->valid_until};
    if (!waited) return cards;
  }
  for (auto& card : cards) {
    if (card.status == "active" && card.uuid != used.uuid && !card.lent_until) card.status = "replaced";
  }
  if (known == cards.end()) cards.push_back(used);
  return cards;
}

/// A list of somebody's own cards says nothing of those that the desk lent them.
std::vector<Card> with_loans(std::vector<Card> cards, const std::vector<Card>& on_file) {
  for (const auto& card : on_file) {
    if (card.lent_until && std::ranges::find(cards, card.uuid, &Card::uuid) == cards.end())
      cards.push_back(card);
  }
  return cards;
}

std::string words(const std::string& text) {
  return text;
}
std::string words(const std::optional<Date>& date) {
  return date ? to_text(*date) : "";
}
std::string span(const std::optional<Date>& from, const std::optional<Date>& until) {
  return (from ? " from " + to_text(*from) : "") + (until ? " until " + to_text(*until) : "");
}
std::string words(const Card& card) {
  return fmt::format("{} ({}{})", card.uuid, card.status, span({}, card.valid_until));
}
std::string words(const Identity& identity) {
  return identity.kind + " " + identity.value;
}
std::string words(const Form& form) {
  return fmt::format("{} for {} ({}{})", form.kind, form.role, name(form.state),
                     span(form.valid_from, form.valid_until));
}
std::string words(const Declaration& d) {
  return fmt::format("{} {} (signed {}{})", d.name, d.version, to_text(d.signed_on), span({}, d.valid_until));
}
std::string words(const Training& t) {
  return fmt::format("{} ({}{})", t.course, to_text(t.completed_on), span({}, t.valid_until));
}
std::string words(const Delegation& d) {
  return fmt::format("{} from {}{}{}", d.role, d.from, span(d.valid_from, d.valid_until),
                     d.revoked ? ", revoked" : "");
}

template <class Row>
std::string words(const std::vector<Row>& rows) {
  std::string out;
  for (const auto& row : rows) out += (out.empty() ? "" : ", ") + words(row);
  return out;
}

}  // namespace

Lists given_lists(const ImportedPerson& item) {
  const auto& given = item.given;
  Lists out;
  out[unix_accounts] = given.unix_accounts;
  out[teams] = given.teams;
  out[cards] = given.cards;
  out[identities] = given.identities;
  out[forms] = given.forms;
  out[declarations] = given.declarations;
  out[training] = given.training;
  out[delegations] = given.delegations;
  return out;
}

Person merged(const Person& now, const ImportedPerson& item) {
  const auto& given = item.given;
  const Person& from = item.person;
  Person next;
  next.id = from.id;
  next.name = given.name ? from.name : now.name;
  next.email = given.email ? from.email : now.email;
  next.username = given.username ? from.username : now.username;
  next.line_manager = given.line_manager ? from.line_manager : now.line_manager;
  next.employed_from = given.employed_from ? from.employed_from : now.employed_from;
  // The last day on file is the former employment's.
  const bool back = !given.employed_until && comes_back(now, next.employed_from);
  next.employed_until = given.employed_until ? from.employed_until : now.employed_until;
  if (back) next.employed_until.reset();
  next.removed = given.removed ? from.removed : now.removed;
  next.removed_reason = given.removed ? from.removed_reason : now.removed_reason;
  next.unix_accounts = from.unix_accounts;
  next.teams = from.teams;
  next.cards = given.card_in_use ? with_card_in_use(now.cards, from.cards.front(), given.card_valid_until)
                                 : with_loans(from.cards, now.cards);
  next.identities = from.identities;
  next.forms = with_what_is_untold(from.forms, now.forms);
  next.declarations = with_what_is_untold(from.declarations, now.declarations);
  next.training = with_what_is_untold(from.training, now.training);
  next.delegations = with_what_is_untold(from.delegations, now.delegations);
  return next;
}

Lists changed_lists(const Person& now, const Person& next, const Lists& given) {
  Lists out;
  out[unix_accounts] = now.unix_accounts != next.unix_accounts;
  out[teams] = now.teams != next.teams;
  out[cards] = now.cards != next.cards;
  out[identities] = now.identities != next.identities;
  out[forms] = !same_on_file(now.forms, next.forms);
  out[declarations] = !same_on_file(now.declarations, next.declarations);
  out[training] = !same_on_file(now.training, next.training);
  out[delegations] = !same_on_file(now.delegations, next.delegations);
  return out & given;
}

std::vector<ImportDifference::Field> differences(const Person& now, const Person& next, const Lists& changed,
                                                 bool enrolment_changed) {
  std::vector<ImportDifference::Field> out;
  const auto note = [&](const char* name, const auto& before, const auto& after, bool differs) {
    if (differs) out.push_back({name, words(before), words(after)});
  };
  const auto field = [&](const char* name, const auto& before, const auto& after) {
    note(name, before, after, before != after);
  };
  field("name", now.name, next.name);
  field("email", now.email, next.email);
  field("username", now.username, next.username);
  field("line_manager", now.line_manager, next.line_manager);
  field("employed_from", now.employed_from, next.employed_from);
  field("employed_until", now.employed_until, next.employed_until);
  field("removed", now.removed ? now.removed_reason : "", next.removed ? next.removed_reason : "");
  note("unix_accounts", now.unix_accounts, next.unix_accounts, changed[unix_accounts]);
  note("teams", now.teams, next.teams, changed[teams]);
  note("cards", now.cards, next.cards, changed[cards]);
  note("identities", now.identities, next.identities, changed[identities]);
  note("forms", now.forms, next.forms, changed[forms]);
  note("declarations", now.declarations, next.declarations, changed[declarations]);
  note("training", now.training, next.training, changed[training]);
  note("delegations", now.delegations, next.delegations, changed[delegations]);
  if (enrolment_changed) out.push_back({"enrolment details changed", "", ""});
  return out;
}

}  // namespace cardgate::reg
