// SPDX-License-Identifier: Apache-2.0
#include "register/import/fill.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "register/import/check.hpp"
#include "register/normal.hpp"

namespace cardgate::reg {

void ImportFiller::problem(int line, std::string_view field, std::string text) {
  a_.problems.push_back(problem_in(a_.file, line, field, std::move(text)));
}

void ImportFiller::fill(const ImportedPerson& item, const ImportPlan& plan) {
  const Person& p = plan.kept ? *plan.kept : item.person;
  if (plan.new_username && !item.person.username.empty()) give_username(item, plan);
  if (plan.is_new) check_id(item, plan);
  const auto is_known = [this](const std::string& id) { return a_.people.key_of(id).has_value(); };
  std::ranges::move(wrong_evidence(a_.file, item, a_.options.today, is_known),
                    std::back_inserter(a_.problems));
  if (plan.lists.none()) return;
  const auto fill_list = [&](List list, const auto& rows, auto row) {
    if (!plan.lists[list]) return;
    // A file with bad lines is only searched for more of them, and only these lists lead to other people.
    if (!a_.file.complete && list != cards && list != delegations) return;
    for (std::size_t n = 0; n < rows.size(); ++n) row(rows[n], n);
  };
  const Key k = plan.key;
  const auto add = [&](const auto& row, auto) { a_.rows.add(k, row); };
  fill_list(unix_accounts, p.unix_accounts,
            [&](const auto& row, auto) { a_.rows.add(k, row, unix_accounts); });
  fill_list(teams, p.teams, [&](const auto& row, auto) { a_.rows.add(k, row, teams); });
  fill_list(cards, p.cards, [&](const Card& card, std::size_t n) {
    const auto& lines = item.lines.cards;  // a card on loan, which stays, has none
    add_card(item, plan, card, lines.empty() ? item.line : lines[std::min(n, lines.size() - 1)]);
  });
  fill_list(identities, p.identities, add);
  fill_list(forms, p.forms, add);
  fill_list(declarations, p.declarations, add);
  fill_list(training, p.training, add);
  fill_list(delegations, p.delegations, [&](const Delegation& d, std::size_t n) {
    if (const auto from = grantor(item, d, n)) a_.rows.add(k, d, *from);
  });
}

void ImportFiller::check_id(const ImportedPerson& item, const ImportPlan& plan) {
  const KeyOrNone holder = a_.own.with_username(normal_username(item.person.id));
  if (!holder || *holder == plan.key) return;
  problem(item.line, "id", fmt::format("{}: is somebody's username already", item.person.id));
}

void ImportFiller::give_username(const ImportedPerson& item, const ImportPlan& plan) {
  const std::string& username = item.person.username;
  if (const auto holder = a_.rows.other_user(username, plan.key)) {
    if (a_.file.complete) {
      problem(item.lines.username, "username",
              fmt::format("{}: the username {} is {}'s already", item.person.id, username,
                          a_.rows.id_of(*holder)));
    }
    return;
  }
  a_.own.set_username(plan.key, username);
}

void ImportFiller::add_card(const ImportedPerson& item, const ImportPlan& plan, const Card& card, int line) {
  if (card.uuid.empty()) return;  // a bad line, which has been named
  if (!card.lent_until && a_.rows.in_pool(card.uuid)) {
    if (a_.file.complete) {
      problem(
          line, "card_uuid",
          fmt::format("{}: the card {} is one of the pool that is lent for a day. Take it out of the file, "
                      "or out of the pool: cardgate staff pool-card remove",
                      item.person.id, card.uuid));
    }
    return;
  }
  // Within one incomplete file the card may stand twice, which has been said.
  if (!a_.own.add_card(plan.key, card) && a_.file.complete) {
    problem(line, "card_uuid",
            fmt::format("{}: the card {} is registered to {} already", item.person.id, card.uuid,
                        a_.rows.holder_of(card.uuid)));
  }
}

KeyOrNone ImportFiller::grantor(const ImportedPerson& item, const Delegation& delegation, std::size_t n) {
  if (delegation.from.empty()) return std::nullopt;  // a bad line, which has been named
  const auto from = a_.rows.key_of(delegation.from);
  if (!from && a_.file.rows_lost) return std::nullopt;
  if (!from) {
    problem(item.lines.delegations[n], "delegations",
            fmt::format("{}: '{}', who delegates, is neither in this file nor in the register",
                        item.person.id, delegation.from));
    return std::nullopt;
  }
  if (!a_.rows.has_staff(*from)) {
    problem(item.lines.delegations[n], "delegations",
            fmt::format("{}: '{}' delegates, but is not a line manager", item.person.id, delegation.from));
  }
  return from;
}

}  // namespace cardgate::reg
