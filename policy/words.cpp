// SPDX-License-Identifier: Apache-2.0
#include "policy/words.hpp"

#include <fmt/format.h>

#include "base/bytes.hpp"
#include "base/day_text.hpp"

namespace cardgate::policy {
namespace {

constexpr std::size_t max_echo = 64;

std::string day(const std::optional<Date>& date) {
  return date ? day_text(*date) : "an unknown day";
}

struct Words {
  std::string text, who, next_step;
};

Words employment(const Standing& standing, const Contacts& contacts) {
  const std::string ask = fmt::format("If the date is wrong, ask the {} to correct it", contacts.employment);
  switch (standing.state) {
    case State::not_yet:
      return {fmt::format("Your employment begins on {}", day(standing.date)), contacts.employment, ask};
    case State::on_leave:
      return {standing.date ? fmt::format("You are on leave until {}", day(standing.date))
                            : std::string("You are on leave until further notice"),
              "your line manager", "If you are back, ask your line manager to end the leave"};
    case State::lapsed:
      return {fmt::format("Your employment ended on {}", day(standing.date)), contacts.employment, ask};
    default:
      return {"No first day of employment is on record for you", contacts.employment,
              fmt::format("Ask the {} to record it", contacts.employment)};
  }
}

Words card(const Standing& standing, const Contacts& contacts) {
  if (standing.state == State::lapsed) {
    return {fmt::format("Your card was valid until {}", day(standing.date)), contacts.card_desk,
            fmt::format("Ask the {} for a new card", contacts.card_desk)};
  }
  return {"This card is not registered to you, or it is no longer active", contacts.card_desk,
          fmt::format("Use your current card, or take this one to the {}", contacts.card_desk)};
}

Words form(const Standing& standing, std::string_view title, std::string_view role, const Facts& facts,
           const Contacts& contacts) {
  const std::string mine = fmt::format("Your {} for {}", title, role);
  const auto verify = [&](std::string text) -> Words {
    if (facts.line_manager.empty()) {
      return {
          std::move(text), contacts.employment,
          fmt::format("No line manager is on record for you. Ask the {} to record one", contacts.employment)};
    }
    return {std::move(text), "your line manager",
            "Ask your line manager to verify that you need this access"};
  };
  const auto approve = [&](std::string text) -> Words {
    return {std::move(text), contacts.access_team,
            fmt::format("Ask the {} to approve it", contacts.access_team)};
  };
  const auto fill_in = [&](std::string text) -> Words {
    return {std::move(text), fmt::format("you, your line manager, the {}", contacts.access_team),
            fmt::format("Fill in the {} for this role (cardgate form submit), and ask your line manager to "
                        "verify it",
                        title)};
  };
  switch (standing.state) {
    case State::withdrawn:
      return fill_in(mine + " was withdrawn");
    case State::rejected:
      return fill_in(mine + " was rejected");
    case State::lapsed:
      return fill_in(fmt::format("{} ended on {}", mine, day(standing.date)));
    case State::not_yet:
      return {fmt::format("{} begins on {}", mine, day(standing.date)), contacts.access_team,
              fmt::format("Wait until then. If the date is wrong, ask the {}", contacts.access_team)};
    case State::unverified:
      return verify(mine + " is not verified yet");
    case State::self_verified:
      return verify(mine + " was verified by you yourself, which does not count");
    case State::unapproved:
      return approve(mine + " is not approved yet");
    case State::self_approved:
      return approve(mine + " was approved by you or by the person who verified it, which does not count");
    case State::by_nobody:
      return fill_in(mine +
                     " was verified or approved by somebody who is not on record, which does not count");
    default:
      return fill_in(fmt::format("You have no {} for {}", title, role));
  }
}

Words declaration(const Standing& standing, const Prerequisite& wanted) {
  const auto sign = [&](std::string text) -> Words {
    return {std::move(text), "you",
            fmt::format("Read and sign it: cardgate declaration sign {}", wanted.subject)};
  };
  switch (standing.state) {
    case State::lapsed:
      return sign(fmt::format("Your {} ended on {}", wanted.title, day(standing.date)));
    case State::wrong_version:
      return sign(fmt::format("You signed version {} of the {}, but version {} is needed now",
                              standing.version, wanted.title, wanted.version));
    case State::changed_text:
      return sign(fmt::format("The text of the {} has changed since you signed it", wanted.title));
    default:
      return sign(fmt::format("You have not signed the {}", wanted.title));
  }
}

Words delegation(const Standing& standing, std::string_view role) {
  const std::string from = "the line manager for whom you act";
  const std::string ask = "Ask the line manager for whom you act to delegate it to you";
  switch (standing.state) {
    case State::withdrawn:
      return {fmt::format("The delegation of {} to you has ended", role), from, ask};
    case State::lapsed:
      return {fmt::format("The delegation of {} to you ended on {}", role, day(standing.date)), from, ask};
    case State::not_yet:
      return {fmt::format("The delegation of {} to you begins on {}", role, day(standing.date)), from,
              "Wait until then. If the date is wrong, ask that line manager"};
    default:
      return {fmt::format("No line manager has delegated {} to you", role), from, ask};
  }
}

Words training(const Standing& standing, std::string_view title) {
  std::string text = standing.state == State::lapsed
                         ? fmt::format("Your {} ended on {}", title, day(standing.date))
                         : fmt::format("There is no record of your {}", title);
  return {std::move(text), "you and your line manager",
          "Complete the course. Your line manager can give you time for it"};
}

Words words_for(const Prerequisite& wanted, const Standing& standing, std::string_view role,
                const Facts& facts, const Contacts& contacts) {
  switch (wanted.kind) {
    // Why is between the person, the manager and the team: it is never told here.
    case Kind::not_removed:
      return {"Your access has been paused", contacts.access_team,
              fmt::format("Speak to the {}", contacts.access_team)};
    case Kind::employed:
      return employment(standing, contacts);
    case Kind::card:
      return card(standing, contacts);
    case Kind::form:
      return form(standing, wanted.title, role, facts, contacts);
    case Kind::declaration:
      return declaration(standing, wanted);
    case Kind::line_manager:
      return {"No staff are on record as yours", contacts.employment,
              fmt::format("Ask the {} to record your team", contacts.employment)};
    case Kind::delegation:
      return delegation(standing, role);
    case Kind::team:
      return {fmt::format("You are not a member of the {}", wanted.title), contacts.access_team,
              fmt::format("Ask the {} if you should be", contacts.access_team)};
    case Kind::training:
      return training(standing, wanted.title);
  }
  return {};
}

/// The file's wording of one prerequisite, as a rule and not as somebody's lack.
std::string rule(const Prerequisite& wanted) {
  switch (wanted.kind) {
    case Kind::not_removed:
      return "access is not removed";
    case Kind::employed:
      return "is employed today";
    case Kind::card:
      return "uses a card that is registered to them and active";
    case Kind::form:
      return fmt::format("has an {} for this role, verified by one other person and approved by another",
                         wanted.title);
    case Kind::declaration:
      return fmt::format(
          "has signed the {}{}{}", wanted.title, wanted.version.empty() ? "" : ", version " + wanted.version,
          wanted.valid_for ? fmt::format(" (a signature counts for {} days)", wanted.valid_for->count())
                           : std::string());
    case Kind::line_manager:
      return "is the line manager of at least one person";
    case Kind::delegation:
      return "holds a delegation of this role from a line manager";
    case Kind::team:
      return fmt::format("is a member of the {}", wanted.title);
    case Kind::training:
      return fmt::format("has completed the {}{}", wanted.title,
                         wanted.warn ? " (missing it warns only)" : "");
  }
  return {};
}

std::string_view scope(std::string_view records) {
  if (records == "own") return "their own";
  if (records == "team") return "those of their team";
  if (records == "team-view") return "those of their team, to read only";
  if (records == "delegated") return "those of the team of the line manager who delegated";
  if (records == "by-function") return "all, by function";
  return records;
}

std::string minutes(milliseconds time) {
  const auto count = std::chrono::floor<std::chrono::seconds>(time).count();
  if (count % 3600 == 0) return fmt::format("{} h", count / 3600);
  if (count % 60 == 0) return fmt::format("{} min", count / 60);
  return fmt::format("{} s", count);
}

}  // namespace

Unmet unmet(const Prerequisite& wanted, const Standing& standing, std::string_view role_title,
            const Facts& facts, const Contacts& contacts) {
  Words words = words_for(wanted, standing, role_title, facts, contacts);
  return {std::string(name(wanted.kind)), std::move(words.text), std::move(words.who),
          std::move(words.next_step)};
}

Unmet wrong_sign_in(const Role& role, SignIn sign_in) {
  return {"sign-in", fmt::format("{} cannot be used when you sign in by {}", role.title, name(sign_in)),
          "you",
          role.accepts(SignIn::card) ? "Sign in with your card" : "Sign in with your user name and password"};
}

Unmet revocation_unknown(WallTime since, const Policy& policy) {
  return {"revocation",
          fmt::format("The last check that your card was not withdrawn is too old: it was valid until {}",
                      policy.calendar().moment_text(since)),
          "the people who run this machine",
          "Try again in a moment. If it stays like this, tell them that the issuer's revocation service "
          "cannot be reached"};
}

Unmet loan_over(WallTime until, const Policy& policy) {
  return {"card",
          fmt::format("This card was lent to you until {}, and that time is over",
                      policy.calendar().moment_text(until)),
          policy.contacts().access_team,
          "Give the card back, and sign in with your own. If you still have none, ask for a card for today"};
}

Unmet unknown_role(std::string_view asked, const Policy& policy) {
  std::string known;
  for (const auto& role : policy.roles()) known += (known.empty() ? "" : ", ") + role.name;
  const bool shown = asked.size() <= max_echo && is_plain_utf8(asked);
  return {"role",
          shown ? fmt::format("There is no role called '{}'", asked) : std::string("There is no such role"),
          policy.contacts().access_team, "Ask for one of these roles: " + known};
}

std::vector<std::string> describe_acts(const Policy& policy, const Role& role) {
  std::vector<std::string> lines;
  for (const Act act : role.may) {
    if (const auto age = policy.step_up_age(act))
      lines.push_back(fmt::format(
          "for the act {}, asks for card and passcode again when they were last given more than {} ago",
          name(act), minutes(*age)));
  }
  return lines;
}

std::vector<std::string> describe(const Role& role) {
  std::vector<std::string> lines;
  std::string ways;
  for (const auto way : role.sign_in) ways += (ways.empty() ? "" : " or ") + std::string(name(way));
  lines.push_back("signs in by " + ways);
  lines.push_back(rule({Prerequisite::Kind::not_removed, {}, {}, {}, false}));
  for (const auto& wanted : role.requires_all) {
    if (wanted.kind != Prerequisite::Kind::not_removed) lines.push_back(rule(wanted));
  }
  lines.push_back(fmt::format("may open these records: {}", scope(role.records)));
  lines.push_back(fmt::format("a session lasts {} at most and locks after {} without use; a token lasts {}",
                              minutes(role.max_session), minutes(role.idle), minutes(role.token_life)));
  switch (role.card_removal.mode) {
    case CardRemoval::Mode::end:
      lines.emplace_back("taking the card out ends the session and its tokens");
      break;
    case CardRemoval::Mode::lock:
      lines.emplace_back("taking the card out locks the session; the same card and its passcode resume it");
      break;
    case CardRemoval::Mode::grace:
      lines.push_back(
          fmt::format("taking the card out ends the session after {}, unless it is put back in that time",
                      minutes(role.card_removal.time)));
      break;
    case CardRemoval::Mode::keep:
      lines.push_back(fmt::format(
          "the card may be taken out; the session then ends {} after card and passcode were last given",
          minutes(role.card_removal.time)));
      break;
  }
  lines.push_back(
      role.screen_lock.mode == ScreenLock::Mode::lock
          ? std::string("locking the screen locks the session")
          : fmt::format("locking the screen ends the session after {}, unless it is unlocked before",
                        minutes(role.screen_lock.time)));
  if (role.step_up_age)
    lines.push_back(fmt::format("asks for card and passcode again when they were last given more than {} ago",
                                minutes(*role.step_up_age)));
  if (role.accepts(SignIn::card) && role.revocation_delay > milliseconds{0}) {
    lines.push_back(fmt::format("keeps working for {} when the issuer's revocation service cannot be reached",
                                minutes(role.revocation_delay)));
  }
  return lines;
}

}  // namespace cardgate::policy
