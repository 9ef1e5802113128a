// SPDX-License-Identifier: Apache-2.0
#include "daemon/cards/account_desk.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/shown.hpp"
#include "daemon/cards/card_name.hpp"
#include "daemon/journal.hpp"
#include "daemon/people/people_view.hpp"
#include "policy/decide.hpp"

namespace cardgate::daemon {
namespace {

std::string detail_of(const Response& refusal) {
  const auto value = parse_json(refusal.body);
  const auto* detail = value && value->is_object() ? find_string(value->as_object(), "detail") : nullptr;
  return detail == nullptr ? std::string() : std::string(*detail);
}

/// What a look at the network may mend is not told before the passcode: the sign-in looks again and spends nothing.
bool network_may_mend(trust::Status status) {
  using enum trust::Status;
  return status == crl_missing || status == crl_stale || status == crl_invalid || status == ocsp_invalid ||
         status == internal;
}

bool is_locked(const Session& session) {
  return session.sign_in == policy::SignIn::card && session.locked;
}

}  // namespace

boost::asio::awaitable<Result<std::optional<UnixAccount>>> AccountDesk::account_for(const Peer& peer,
                                                                                    const std::string& named,
                                                                                    Turn turn) {
  std::optional<Counted> counted;
  if (peer.uid != 0) {
    std::erase_if(asking_, [](const auto& entry) { return entry.second == 0; });
    const Count& theirs = asking_[peer.counted_as];
    if (theirs >= account_lookups_per_uid)
      co_return Error{Errc::unavailable, "this user of the machine waits for others already"};
    counted.emplace(theirs);
  }
  auto& lookups = turn == Turn::before_proof ? before_proof_ : after_proof_;
  auto looking = lookups.find(surroundings.account_for(peer, named));
  auto found = co_await std::move(looking);
  // Once, however many ask meanwhile.
  const bool said = std::exchange(no_accounts_, !found);
  if (!found && !said) {
    log(Level::warning,
        fmt::format("An account of this machine could not be looked up: {}.", found.error().context));
  }
  co_return found;
}

Response AccountDesk::accounts_unavailable() {
  return problem(
      503, "accounts_unavailable",
      "The accounts of this machine cannot be looked up now: the directory does not answer. Use your "
      "password, or try again in a moment.");
}

std::optional<AccountDesk::Refused> AccountDesk::refuse_ask(const Peer& peer, const std::string& named,
                                                            const std::optional<UnixAccount>& account,
                                                            std::optional<uid_t> for_uid) const {
  constexpr std::string_view not_allowed = "sign_in_not_allowed";
  if (!account && peer.uid != 0)
    return Refused{problem(403, not_allowed, "Only root can sign in to an account that is not your own."),
                   "account"};
  if (!account)
    return Refused{
        problem(403, not_allowed, fmt::format("This machine has no account '{}'.", shown_text(named))),
        "account_unknown"};
  if (for_uid && *for_uid != account->uid)
    return Refused{problem(403, not_allowed,
                           fmt::format("The account '{}' has the number {}, and not {}.",
                                       shown_text(account->name), account->uid, *for_uid)),
                   "account_unknown"};
  const auto& settings = rules_.config().pam;
  if (account->uid == 0 && !settings.allow_root)
    return Refused{
        problem(403, not_allowed,
                "Nobody can sign in as root with a card here. The people who run this machine can allow it: "
                "`pam` in cardgate's configuration."),
        "account_root"};
  if (!settings.allow_remote && is_remote(peer))
    return Refused{
        problem(
            403, not_allowed,
            "You can sign in with your card at this machine, and not from another one. The people who run "
            "this machine can allow it: `pam` in cardgate's configuration."),
        "account_remote"};
  return std::nullopt;
}

std::optional<AccountDesk::Refused> AccountDesk::refuse_person(const std::string& account,
                                                               const std::string& person) {
  const auto people = roll_.staff().people_by_unix_account(account);
  if (!people) {
    log(Level::error, "The staff register cannot be read: " + people.error().message());
    return Refused{
        problem(503, "register_unavailable",
                "The staff register cannot be read now, so nobody can sign in. Tell the people who "
                "run this machine."),
        "register_unavailable"};
  }
  if (people->size() == 1 && people->front() == person) return std::nullopt;
  return Refused{
      problem(403, "account_not_yours",
              work::account_not_yours(account, people->size(), rules_.policy()->contacts().access_team)),
      people->size() > 1 ? "account_ambiguous" : "account_not_yours"};
}

std::string AccountDesk::against(const CardFacts& card, const Person& person, uid_t uid) {
  if (!card.verdict.valid && !card.verdict.findings.empty() &&
      !network_may_mend(card.verdict.findings.front().status))
    return std::string(trust::explain(card.verdict.findings.front()));
  auto facts = person.facts;
  set_card(facts, person.record, card.id);
  const auto standing = policy::decide_sign_in(*rules_.policy(), facts, policy::SignIn::card, clock_.now());
  auto text = sentences(standing.unmet);
  if (!text.empty()) return text;
  const auto registered = std::ranges::find(person.record.cards, card.id, &reg::Card::uuid);
  if (registered != person.record.cards.end() && !registered->registered_by.empty() &&
      !says_name(card.info, registered->certificate_name))
    return fmt::format("The certificate on this card names somebody else. Take the card to the {}.",
                       rules_.policy()->contacts().access_team);
  if (work::needs_new_passcode(person.record, card.id)) return std::string(work::new_passcode_before_login);
  const Session* other = sessions_.by_card(card.id);
  if (other != nullptr && other->uid != uid) return std::string(work::card_in_use);
  return {};
}

work::LoginCard AccountDesk::look_at(const std::string& name, const std::string& account, uid_t uid) {
  const Reader& reader = *cards_.readers().find(name);
  work::LoginCard out{.reader = name};
  out.reading = reader.state == Reader::State::reading;
  if (reader.state == Reader::State::unusable) out.problem = reader.problem;
  if (reader.state != Reader::State::ready) return out;
  out.card = reader.card->id;
  out.tries_left = reader.tries_left;
  out.wrong_twice = reader.failures >= max_failures_per_insertion;
  const auto holder = cards_.holder_of(*reader.card);
  if (holder.refusal) {
    out.problem = detail_of(*holder.refusal);
    return out;
  }
  const auto person = roll_.person(holder.person);
  if (!person) {
    out.problem = "The staff register cannot be read now. Tell the people who run this machine.";
    return out;
  }
  out.of_account =
      std::ranges::find((*person)->record.unix_accounts, account) != (*person)->record.unix_accounts.end();
  if (!out.of_account) return out;  // what is known against the card of somebody else is not told
  out.problem = against(*reader.card, **person, uid);
  const Session* session = sessions_.by_card(reader.card->id);
  const bool same_place = session != nullptr && (session->reader == name || session->card_out);
  if (same_place && session->uid == uid) out.session = session->id;
  return out;
}

Result<work::LoginScene> AccountDesk::scene(const Peer& peer, const std::string& account, uid_t uid,
                                            bool with_cards) {
  const auto& settings = rules_.config().pam;
  work::LoginScene out{.account = account,
                       .root = uid == 0,
                       .remote = is_remote(peer),
                       .own = peer.uid == uid,
                       .allow_root = settings.allow_root,
                       .allow_remote = settings.allow_remote,
                       .ask_for_card = settings.ask_for_card,
                       .access_team = rules_.policy()->contacts().access_team};
  const auto people = TRY(roll_.staff().people_by_unix_account(account));
  out.people = people.size();
  for (const auto& id : people) {
    const auto person = TRY(roll_.person(id));
    out.has_card = out.has_card || std::ranges::find(person->record.cards, "active", &reg::Card::status) !=
                                       person->record.cards.end();
  }
  for (const Session* session : sessions_.of_uid(uid)) {
    if (is_locked(*session)) out.locked_by = session->card;
  }
  if (!with_cards || out.people == 0) return out;
  for (const auto& [name, reader] : cards_.readers().all()) {
    if (!admission_.may_sign_in_at(peer, name)) continue;
    ++out.readers;
    if (reader.state != Reader::State::empty) out.cards.push_back(look_at(name, account, uid));
  }
  return out;
}

bool AccountDesk::waits_for_cards(const work::LoginScene& scene) const {
  const auto need = work::what_login_needs(scene).use;
  return need != work::LoginUse::passcode && need != work::LoginUse::password &&
         std::ranges::any_of(scene.cards, &work::LoginCard::reading);
}

Result<std::optional<std::string>> AccountDesk::over(const std::string& account, uid_t uid) {
  if (!rules_.config().pam.enforce_account || uid == 0) return std::optional<std::string>();
  std::vector<reg::Person> people;
  for (const auto& id : TRY(roll_.staff().people_by_unix_account(account)))
    people.push_back(TRY(roll_.record_of(id)));
  const auto today = Date(std::chrono::floor<std::chrono::days>(clock_.now()));
  return work::account_over(people, today, rules_.policy()->contacts());
}

}  // namespace cardgate::daemon
