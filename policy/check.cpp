// SPDX-License-Identifier: Apache-2.0
#include "policy/check.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <set>

namespace cardgate::policy {
namespace {

using Severity = Finding::Severity;
using Names = std::set<std::string, std::less<>>;

/// Whoever has these acts can bring about the prerequisite. Empty: it needs nobody's act, or what it needs is another
/// finding's business.
std::vector<Act> acts_behind(const Prerequisite& wanted) {
  switch (wanted.kind) {
    case Kind::form:
      return {Act::approve_forms};
    case Kind::delegation:
      return {Act::delegate};
    case Kind::training:
      return {Act::record_training};
    default:
      return {};
  }
}

std::string purpose(Act act) {
  switch (act) {
    case Act::approve_forms:
      return "approve it";
    case Act::delegate:
      return "delegate it";
    default:
      return "put it on record";
  }
}

std::string words(const Prerequisite& wanted) {
  return wanted.subject.empty() ? std::string(name(wanted.kind))
                                : fmt::format("{} '{}'", name(wanted.kind), wanted.subject);
}

bool can(const Policy& policy, const Names& roles, Act act) {
  return std::ranges::any_of(policy.roles(),
                             [&](const Role& role) { return roles.contains(role.name) && role.lets(act); });
}

bool can_be_met(const Policy& policy, const Names& roles, const Prerequisite& wanted) {
  if (wanted.warn) return true;
  return std::ranges::all_of(acts_behind(wanted), [&](Act act) { return can(policy, roles, act); });
}

bool can_be_held(const Policy& policy, const Names& roles, const Role& role) {
  return std::ranges::all_of(role.requires_all,
                             [&](const Prerequisite& wanted) { return can_be_met(policy, roles, wanted); });
}

Names all_roles(const Policy& policy) {
  Names names;
  for (const auto& role : policy.roles()) names.insert(role.name);
  return names;
}

/// The roles that can be held once somebody holds the first ones: what is left when those that need an act of nobody are
/// taken away, and those that need theirs, and so on.
Names reachable(const Policy& policy) {
  Names names = all_roles(policy);
  const auto lost = [&](const std::string& name) { return !can_be_held(policy, names, *policy.role(name)); };
  while (std::erase_if(names, lost) > 0) {
  }
  return names;
}

/// The roles that can be held, one after the other, when nobody holds any but these.
Names reachable_from(const Policy& policy, Names names) {
  for (bool more = true; more;) {
    more = false;
    for (const auto& role : policy.roles()) {
      if (!names.contains(role.name) && can_be_held(policy, names, role)) {
        more = names.insert(role.name).second;
      }
    }
  }
  return names;
}

std::string listed(const Names& names) {
  return fmt::format("{}", fmt::join(names, ", "));
}

class Check {
 public:
  explicit Check(const Policy& policy) : policy_(policy), held_(reachable(policy)) {}

  std::vector<Finding> run() {
    for (const auto& role : policy_.roles()) {
      each(role, [&](const Prerequisite& wanted, int line) { one(role, wanted, line); });
      modes(role);
      if (role.records == "delegated" && !asks(role, Kind::delegation)) {
        add(Severity::warning, role.line, role.name,
            "it opens the records of the line manager who delegated it, and requires no delegation",
            "Add the prerequisite 'delegation', or choose other records");
      }
    }
    pairs();
    texts();
    acts();
    marked_acts();
    first_members();
    std::ranges::stable_sort(
        found_, {}, [](const Finding& finding) { return std::pair(finding.severity, finding.line); });
    return std::move(found_);
  }

 private:
  void add(Severity severity, int line, std::string role, std::string text, std::string next_step) {
    found_.push_back({severity, line, std::move(role), std::move(text), std::move(next_step)});
  }

  template <class Visit>
  static void each(const Role& role, Visit visit) {
    for (std::size_t i = 0; i < role.requires_all.size(); ++i) {
      visit(role.requires_all[i], i < role.requires_lines.size() ? role.requires_lines[i] : role.line);
    }
  }

  static bool asks(const Role& role, Kind kind) {
    return std::ranges::find(role.requires_all, kind, &Prerequisite::kind) != role.requires_all.end();
  }

  /// Times that can never come, because something shorter comes first.
  void modes(const Role& role) {
    const auto warn = [&](std::string text, std::string next_step) {
      add(Severity::warning, role.line, role.name, std::move(text), std::move(next_step));
    };
    const bool keeps = role.card_removal.mode == CardRemoval::Mode::keep;
    const bool screen = role.screen_lock.mode == ScreenLock::Mode::keep;
    if (keeps && !role.accepts(SignIn::card))
      warn("it says what happens when the card is taken out, and nobody signs in to it by card",
           "Remove card_removal");
    if (keeps && role.card_removal.time > role.max_session)
      warn("its card may be out for longer than a session lasts",
           "Shorten the time of card_removal, or raise max_session");
    if (screen && role.screen_lock.time > role.max_session)
      warn("a session outlives a locked screen for longer than a session lasts",
           "Shorten the time of screen_lock, or raise max_session");
    if (role.step_up_age && *role.step_up_age >= role.max_session)
      warn("it never asks for card and passcode again, because the session ends before that",
           "Shorten step_up_age, or remove step_up");
    if (keeps && screen)
      add(Severity::note, role.line, role.name,
          "its card may be out and its screen locked, so only 'idle' and step_up show that its person is "
          "there",
          "Nothing, if that is meant. Otherwise choose screen_lock: lock");
    if (screen && role.screen_lock.time > role.idle)
      add(Severity::note, role.line, role.name,
          "behind a locked screen, a session that is not used locks by 'idle' before the time of screen_lock "
          "is over",
          "Nothing, if that is meant. Otherwise raise idle");
  }

  void marked_acts() {
    for (const auto& [act, line] : policy_.step_up_lines()) {
      if (!anybody(act))
        add(Severity::warning, line, {},
            fmt::format("it asks for card and passcode for the act '{}', which no role has", name(act)),
            "Remove it under `acts:`, or give the act to a role");
    }
  }

  bool anybody(Act act) const { return can(policy_, all_roles(policy_), act); }

  void one(const Role& role, const Prerequisite& wanted, int line) {
    // What follows from a missing act elsewhere is told only where nothing is missing here.
    const auto acts = acts_behind(wanted);
    const bool missing = std::ranges::any_of(acts, [&](Act act) { return !anybody(act); });
    for (const Act act : acts) {
      if (missing ? !anybody(act) : !can(policy_, held_, act)) nobody_gives(role, wanted, act, line);
    }
    if (wanted.kind == Kind::declaration && policy_.declaration_text(wanted.subject).empty()) {
      add(Severity::error, line, role.name,
          fmt::format("it requires the declaration '{}', which has no text, so nobody can read and sign it",
                      wanted.subject),
          fmt::format("Put its text under `declarations:` as '{}'", wanted.subject));
    }
    if (wanted.kind == Kind::team && !anybody(Act::manage_staff)) {
      add(Severity::warning, line, role.name,
          fmt::format(
              "it requires the team '{}', and no role has the act 'manage-staff': only a staff file can say "
              "who is in it",
              wanted.subject),
          "Give 'manage-staff' to a role, or make sure that staff files name the team");
    }
  }

  void nobody_gives(const Role& role, const Prerequisite& wanted, Act act, int line) {
    const std::string missing =
        anybody(act) ? fmt::format("nobody can have any of the roles with the act '{}'", name(act))
                     : fmt::format("no role has the act '{}'", name(act));
    if (wanted.warn) {
      add(Severity::warning, line, role.name,
          fmt::format("it warns people without the {}, but nobody can {}: {}", words(wanted), purpose(act),
                      missing),
          fmt::format("Give '{}' to a role", name(act)));
    } else {
      add(Severity::error, line, role.name,
          fmt::format("nobody can ever have it: it requires {}, but nobody can {}: {}", words(wanted),
                      purpose(act), missing),
          fmt::format("Give '{}' to a role that somebody can have, or remove the prerequisite", name(act)));
    }
  }

  /// Each prerequisite against the different ones of the same name before it.
  void pairs() {
    struct Seen {
      const Prerequisite* wanted;
      const Role* role;
    };
    std::map<std::pair<Kind, std::string>, std::vector<Seen>> seen;
    for (const auto& role : policy_.roles()) {
      each(role, [&](const Prerequisite& wanted, int line) {
        if (wanted.subject.empty()) return;
        auto& others = seen[{wanted.kind, wanted.subject}];
        for (const auto& other : others) pair(*other.wanted, *other.role, wanted, role, line);
        if (std::ranges::none_of(others, [&](const Seen& other) { return *other.wanted == wanted; }))
          others.push_back({&wanted, &role});
      });
    }
  }

  void pair(const Prerequisite& a, const Role& first, const Prerequisite& b, const Role& role, int line) {
    if (!a.version.empty() && !b.version.empty() && a.version != b.version) {
      add(Severity::error, line, role.name,
          fmt::format("it requires version {} of the declaration '{}', but {} requires version {}: a person "
                      "who signs one still lacks the other",
                      b.version, b.subject, first.name, a.version),
          "Name the same version everywhere, or give one of the two declarations another name");
    }
    if (a.warn != b.warn) {
      add(Severity::warning, line, role.name,
          fmt::format("a missing course '{}' {} here, but {} in {}", b.subject, b.warn ? "warns" : "denies",
                      a.warn ? "warns" : "denies", first.name),
          "Choose one mode, unless the difference is meant");
    }
    if (a.valid_for != b.valid_for) {
      add(Severity::warning, line, role.name,
          fmt::format("a signature of the declaration '{}' counts for a different time here than in {}",
                      b.subject, first.name),
          "Write the same valid_for everywhere");
    }
    if (a.title != b.title) {
      add(Severity::warning, line, role.name,
          fmt::format("the {} is called '{}' here, but '{}' in {}, so people will think of two things",
                      words(b), b.title, a.title, first.name),
          "Write the same title everywhere");
    }
  }

  void texts() {
    for (const auto& [declaration, line] : policy_.declaration_lines()) {
      const bool asked = std::ranges::any_of(policy_.roles(), [&](const Role& role) {
        return std::ranges::any_of(role.requires_all, [&](const Prerequisite& wanted) {
          return wanted.kind == Kind::declaration && wanted.subject == declaration;
        });
      });
      if (asked) continue;
      add(Severity::warning, line, {}, fmt::format("no role requires the declaration '{}'", declaration),
          "Remove its text, or name it where it is required");
    }
  }

  void acts() {
    if (anybody(Act::remove_access) && !can(policy_, held_, Act::restore_access)) {
      add(Severity::error, 0, {},
          "access can be removed, but never given back: nobody can have a role with the act 'restore-access'",
          "Give 'restore-access' to a role of which several people are members");
    }
    struct Row {
      Act act;
      std::string_view text;
    };
    static constexpr Row rows[] = {
        {Act::remove_access, "nobody can remove access at once"},
        {Act::request_removal, "nobody can ask for access to be removed at once"},
        {Act::manage_staff, "nobody can change dates of employment, line managers, leave or cards"},
        {Act::give_codes, "nobody can hand out activation codes and new passwords"},
        {Act::see_people, "nobody can see which roles others have, and what is missing"},
    };
    for (const auto& row : rows) {
      if (anybody(row.act)) continue;
      add(Severity::warning, 0, {}, fmt::format("{}: no role has the act '{}'", row.text, name(row.act)),
          fmt::format("Give '{}' to a role, unless staff files or other systems do this", name(row.act)));
    }
  }

  /// The roles within reach after `cardgate setup`, which gives the first role that approves forms its form and team.
  Names after_set_up(const Names& open) const {
    const auto first =
        std::ranges::find_if(policy_.roles(), [](const Role& role) { return role.lets(Act::approve_forms); });
    if (first == policy_.roles().end()) return open;
    const bool enough = std::ranges::all_of(first->requires_all, [&](const Prerequisite& wanted) {
      return wanted.kind == Kind::form || can_be_met(policy_, open, wanted);
    });
    Names names = open;
    if (enough) names.insert(first->name);
    return reachable_from(policy_, std::move(names));
  }

  /// The circle that every policy of four eyes has: who approves needs an approved form too.
  void first_members() {
    const Names open = reachable_from(policy_, {});
    const Names set_up = after_set_up(open);
    Names begun, never;
    for (const auto& role : policy_.roles()) {
      if (open.contains(role.name) || !held_.contains(role.name)) continue;
      const auto gives = [&](Act act) { return role.lets(act) && !can(policy_, open, act); };
      if (gives(Act::approve_forms) || gives(Act::delegate) || gives(Act::record_training))
        (set_up.contains(role.name) ? begun : never).insert(role.name);
    }
    if (!begun.empty())
      add(Severity::note, policy_.role(*begun.begin())->line, {}, circle(begun),
          "Let `cardgate setup` make the first members");
    if (!never.empty())
      add(Severity::warning, policy_.role(*never.begin())->line, {},
          circle(never) + ", and `cardgate setup`, which gives a form and a team, is not enough to begin",
          "Give the first people what they need with a staff file, or require training with `mode: warn`");
  }

  static std::string circle(const Names& roles) {
    return fmt::format("to get {}, a person needs something that only people with {} can give", listed(roles),
                       roles.size() == 1 ? "it" : "them");
  }

  const Policy& policy_;
  Names held_;
  std::vector<Finding> found_;
};

}  // namespace

std::string_view name(Severity severity) {
  switch (severity) {
    case Severity::error:
      return "error";
    case Severity::warning:
      return "warning";
    case Severity::note:
      break;
  }
  return "note";
}

std::vector<Finding> check(const Policy& policy) {
  return Check(policy).run();
}

bool any_error(const std::vector<Finding>& findings) {
  return std::ranges::find(findings, Severity::error, &Finding::severity) != findings.end();
}

}  // namespace cardgate::policy
