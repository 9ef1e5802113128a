// SPDX-License-Identifier: Apache-2.0
// The general controls: who has which access by what evidence, what lapses, what nobody uses, who changed the rules, and whether
// one person stood on both sides of anything.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "audit/report/report.hpp"
#include "audit/report/tally.hpp"
#include "base/day_text.hpp"

namespace cardgate::audit::report {
namespace {

constexpr std::chrono::days lapses_soon{60};

struct LastUse {
  WallTime signed_in{};
  std::set<std::string, std::less<>> roles;
};

struct Acts {
  std::uint64_t acts = 0, checked = 0;
  std::set<std::string> checked_by;
};

struct Tries {
  std::uint64_t times = 0;
  std::uint64_t last_record = 0;
};

std::string day_or(const std::optional<Date>& day, std::string_view otherwise) {
  return day ? cardgate::to_text(*day) : std::string(otherwise);
}

class Controls final : public Kind {
 public:
  explicit Controls(Ask ask)
      : ask_(std::move(ask)), local_(ask_.calendar), today_(local_.day(ask_.to - milliseconds(1))) {
    rules_.title = "Changes of policy, configuration and register";
    rules_.columns = {"When", "What", "Detail", "Record"};
  }

  void take(const Entry& entry, bool in_period) override {
    if (entry.is(Event::sign_in) && !entry.person.empty()) last_[entry.person].signed_in = entry.time;
    if (entry.is(Event::token) && !entry.person.empty()) {
      auto& roles = last_[entry.person].roles;
      if (!roles.contains(entry.role) && roles.size() < 32) roles.emplace(entry.role);
    }
    if (!in_period) return;
    if (entry.is(Event::sign_in_refused)) {
      wrong(entry);
    } else if (entry.is(Event::repeated)) {
      if (entry.text("event") == "sign_in_refused" && is_wrong(entry.reason))
        wrong_total_ +=
            static_cast<std::uint64_t>(std::max<std::int64_t>(0, entry.number("count").value_or(0)));
    } else if (entry.is(Event::card_blocked)) {
      ++blocked_;
    } else if (entry.is(Event::reload) || entry.is(Event::trust_files) || entry.is(Event::import) ||
               entry.is(Event::register_copied)) {
      rule_change(entry);
    } else if (entry.is(Event::break_glass) || entry.is(Event::setup)) {
      glass(entry);
    }
    if (!entry.is(Event::token) && !entry.is(Event::sign_in) && !entry.takes_back()) act(entry);
  }

  void finish(Report& report) override {
    report.title = "General controls";
    figures(report);
    if (ask_.standing != nullptr) {
      held(report);
      lapsing(report);
      dormant(report);
      cards(report);
      passwords(report);
      plans(report);
    } else {
      Section failed{"Failed passcodes and passwords", {}, {}};
      add_failed(failed);
      report.sections.push_back(std::move(failed));
    }
    Section rules{"Policy and configuration", "Who changes the rules changes everybody's access.",
                  "Compare each policy's hash with the one that was agreed."};
    if (rules_.rows.empty()) rules.text.emplace_back("Nothing was changed.");
    if (!rules_.rows.empty()) rules.tables.push_back(rules_);
    report.sections.push_back(std::move(rules));
    broken_.title = "Broken glass and set-up";
    broken_.why = "Root did alone what otherwise only the team may do.";
    broken_.next = "Ask for the reason of each, and whether it was told at the time.";
    if (broken_.findings.empty()) broken_.text.emplace_back("The glass was not broken.");
    report.sections.push_back(broken_);
    administrators(report);
    duties(report);
  }

 private:
  static bool is_wrong(std::string_view reason) {
    return reason.starts_with("passcode_incorrect") || reason.starts_with("passcode_blocked") ||
           reason.starts_with("password_incorrect") || reason == "throttled" || reason == "too_many_failures";
  }

  void wrong(const Entry& entry) {
    if (!is_wrong(entry.reason)) return;
    ++wrong_total_;
    ++wrong_days_[day_number(local_.day(entry.time))];
    if (entry.person.empty()) return;
    auto& tries = wrong_people_[entry.person];
    ++tries.times;
    tries.last_record = entry.seq;
  }

  void rule_change(const Entry& entry) {
    std::string what = entry.is(Event::reload)        ? "configuration and policy were read again"
                       : entry.is(Event::trust_files) ? "certificates or revocation lists changed"
                       : entry.is(Event::import)      ? "a staff file was taken over"
                                                      : "the register was copied or restored";
    if (!entry.reason.empty() && (entry.is(Event::reload) || entry.is(Event::trust_files)))
      what += ", and refused";
    const std::string detail = !entry.reason.empty()  ? std::string(entry.reason)
                               : entry.policy.empty() ? std::string()
                                                      : fmt::format("policy {}", entry.policy.substr(0, 16));
    add_row(rules_,
            {ask_.calendar.moment_text(entry.time), std::move(what), detail, std::to_string(entry.seq)});
    if (entry.is(Event::reload) && entry.reason.empty()) policies_.emplace(entry.policy);
  }

  void glass(const Entry& entry) {
    if (broken_.findings.size() >= max_findings) {
      ++broken_.more_findings;
      return;
    }
    broken_.findings.push_back(
        {std::string(entry.event),
         std::string(entry.person),
         entry.time,
         entry.is(Event::break_glass)
             ? fmt::format("Root broke the glass: {}",
                           entry.reason.empty() ? "no reason was given" : entry.reason)
             : std::string("Set-up: root appointed a member of the team, or closed set-up."),
         {entry.seq},
         0,
         Sureness::certain,
         "It is recorded before it is done."});
  }

  /// People's work: who did it, and who checked.
  void act(const Entry& entry) {
    static constexpr Event of_people[] = {
        Event::register_changed, Event::form,           Event::removal,
        Event::delegation,       Event::acting_manager, Event::training_recorded,
        Event::password_reset,   Event::card_pool,      Event::loan,
        Event::enrolment,        Event::downtime,       Event::break_glass};
    if (entry.info == nullptr || std::ranges::find(of_people, entry.info->event) == std::end(of_people))
      return;
    const std::string by(entry.text("by"));
    if (by.empty() || by == entry.person) {
      if (by == entry.person && !by.empty() && entry.is(Event::register_changed))
        both_sides(by, entry, "Changed the own record in the register.", {});
      return;
    }
    auto& acts = acts_[by];
    ++acts.acts;
    const auto check = [&](Acts& of, std::string_view who) {
      ++of.checked;
      if (of.checked_by.size() < 8) of.checked_by.emplace(who);
    };
    const auto what = entry.text("act");
    if (entry.is(Event::form)) {
      const std::string form(entry.text("form"));
      if (what == "verified" && verified_.size() < most_forms)
        verified_.insert_or_assign(form, std::pair(by, entry.seq));
      if (what == "approved") {
        const auto found = verified_.find(form);
        if (found != verified_.end() && found->second.first == by)
          both_sides(by, entry, "Verified and approved one form.", {found->second.second});
        if (found != verified_.end() && found->second.first != by) {
          check(acts, found->second.first);
          check(acts_[found->second.first], by);
        }
      }
    }
    const auto registered_by = entry.text("registered_by");
    const auto confirmed_by = entry.text("confirmed_by");
    if (!registered_by.empty() && registered_by == confirmed_by)
      both_sides(by, entry, "Registered and confirmed one card.", {});
    if (!registered_by.empty() && !confirmed_by.empty() && registered_by != confirmed_by)
      check(acts_[registered_by], confirmed_by);
    if (entry.is(Event::loan) && what == "confirmed" && !entry.text("lent_by").empty())
      check(acts_[entry.text("lent_by")], by);
    if (entry.is(Event::removal) && what == "restored") check(acts, "a second person");
  }

  void both_sides(std::string_view who, const Entry& entry, std::string what,
                  std::vector<std::uint64_t> records) {
    records.push_back(entry.seq);
    add_duty({"both_sides", std::string(who), entry.time, std::move(what), std::move(records), 0,
              Sureness::certain, "The records name the same person on both sides."});
  }

  void add_duty(Finding finding) {
    if (duties_.findings.size() < max_findings) {
      duties_.findings.push_back(std::move(finding));
    } else {
      ++duties_.more_findings;
    }
  }

  // --- From the standing.

  std::string role_title(std::string_view role_name) const {
    const auto* role = ask_.standing->role(role_name);
    return role == nullptr || role->title.empty() ? std::string(role_name) : role->title;
  }

  void figures(Report& report) {
    if (ask_.standing != nullptr) {
      std::uint64_t with_roles = 0;
      for (const auto& [id, person] : ask_.standing->people) with_roles += person.roles.empty() ? 0 : 1;
      report.figures.push_back({"People on file", grouped(ask_.standing->people.size())});
      report.figures.push_back({"With a role", grouped(with_roles)});
    }
    report.figures.push_back({"Wrong passcodes and passwords", grouped(wrong_total_)});
    report.figures.push_back({"Cards blocked", grouped(blocked_)});
    report.figures.push_back({"Policies in use", grouped(policies_.size()), "loaded anew in this period"});
    report.figures.push_back(
        {"Glass broken", grouped(broken_.findings.size()), {}, !broken_.findings.empty()});
  }

  void held(Report& report) {
    Section out{"Who holds which role, and by what",
                "Access must stand on a form that one person verified and another approved.",
                "Ask each line manager whether their people still need it."};
    std::map<std::string, std::uint64_t> holders;
    for (const auto& role : ask_.standing->roles) holders[role.name];
    Table table{"Roles that rest on a form, delegation or team",
                {"Person", "Role", "Evidence", "Verified by", "Approved by", "Ends"},
                {}};
    for (const auto& [id, person] : ask_.standing->people) {
      for (const auto& role : person.roles) {
        ++holders[role];
        for (const auto& each : person.evidence) {
          if (each.role != role || (each.kind != "form" && each.kind != "delegation") ||
              (each.kind == "form" && each.state != "approved"))
            continue;
          if (each.until && *each.until < today_) continue;
          add_row(table, {id, role_title(role),
                          each.number.empty() ? each.name : fmt::format("{} {}", each.name, each.number),
                          each.verified_by, each.approved_by, day_or(each.until, "no end")});
        }
      }
    }
    Table counts{"Roles", {"Role", "Opens", "People"}, {}};
    for (const auto& role : ask_.standing->roles)
      add_row(counts,
              {role.title.empty() ? role.name : role.title, role.records, grouped(holders[role.name])});
    out.tables.push_back(std::move(counts));
    out.tables.push_back(std::move(table));
    report.sections.push_back(std::move(out));
  }

  void lapsing(Report& report) {
    Section out{"Evidence that lapses", "When it ends, the person cannot work.",
                "Tell the line manager in time."};
    Table soon{
        fmt::format("Ends within {} days", lapses_soon.count()), {"Ends", "Person", "What", "For"}, {}};
    Table over{"Has ended", {"Ended", "Person", "What", "For"}, {}};
    std::vector<std::pair<Date, std::vector<std::string>>> ends;
    for (const auto& [id, person] : ask_.standing->people) {
      if (has_left(person)) continue;
      for (const auto& each : person.evidence) {
        if (!each.until || (each.kind == "form" && each.state != "approved")) continue;
        if (std::chrono::sys_days(*each.until) > std::chrono::sys_days(today_) + lapses_soon) continue;
        ends.emplace_back(
            *each.until, std::vector<std::string>{cardgate::to_text(*each.until), id,
                                                  fmt::format("{} {}", each.kind, each.name),
                                                  each.role.empty() ? std::string() : role_title(each.role)});
      }
    }
    std::ranges::sort(ends);
    for (auto& [day, row] : ends) add_row(day < today_ ? over : soon, std::move(row));
    out.tables.push_back(std::move(soon));
    out.tables.push_back(std::move(over));
    report.sections.push_back(std::move(out));
  }

  void dormant(Report& report) {
    Section out{"Dormant people and unused roles",
                "Access that nobody uses is missed by nobody when somebody else uses it.",
                "Withdraw what is not needed."};
    out.text.push_back(fmt::format(
        "Dormant means: no sign-in in the period, nor in the {} days before, as far as the log goes back.",
        read_before.count()));
    Table people{"Hold a role, and did not sign in", {"Person", "Roles"}, {}};
    Table roles{"Hold a role that they did not use", {"Person", "Role"}, {}};
    std::map<std::string, bool> used;
    for (const auto& role : ask_.standing->roles) used[role.name] = false;
    for (const auto& [id, last] : last_.values()) {
      for (const auto& role : last.roles) used[role] = true;
    }
    for (const auto& [id, person] : ask_.standing->people) {
      if (person.roles.empty()) continue;
      const auto found = last_.values().find(id);
      if (found == last_.values().end()) {
        add_row(people, {id, fmt::format("{}", fmt::join(person.roles, ", "))});
        continue;
      }
      for (const auto& role : person.roles) {
        if (!found->second.roles.contains(role)) add_row(roles, {id, role_title(role)});
      }
    }
    std::string unused;
    for (const auto& [role, was] : used) {
      if (!was) unused += (unused.empty() ? "" : ", ") + role_title(role);
    }
    if (!unused.empty()) out.text.push_back(fmt::format("Nobody used: {}.", unused));
    out.tables.push_back(std::move(people));
    out.tables.push_back(std::move(roles));
    report.sections.push_back(std::move(out));
  }

  void cards(Report& report) {
    Section out{"Cards", "A card that works must belong to somebody who works here.",
                "Block what is left over. Collect the cards."};
    Table left{
        "Cards that still work, of people who have left or are removed", {"Person", "Card", "Since"}, {}};
    Table none{"Work here, and have no card", {"Person"}, {}};
    Table many{"More than one card that works", {"Person", "Cards"}, {}};
    Table alone{"Cards for which one person alone stands", {"Person", "Card", "Registered by"}, {}};
    for (const auto& [id, person] : ask_.standing->people) {
      const bool gone = has_left(person);
      std::uint64_t work = 0;
      for (const auto& card : person.cards) {
        if (card.status != "active" || (card.valid_until && *card.valid_until < today_)) continue;
        ++work;
        const std::string shown = fmt::format(
            "…{}", card.uuid.substr(card.uuid.size() - std::min<std::size_t>(4, card.uuid.size())));
        if (gone)
          add_row(left, {id, shown,
                         person.removed ? day_or(person.removed_on, "removed")
                                        : day_or(person.employed_until, "")});
        if (!card.registered_by.empty() && card.confirmed_by.empty())
          add_row(alone, {id, shown, card.registered_by});
      }
      if (!gone && work == 0 && person.employed_from) add_row(none, {id});
      if (work > 1) add_row(many, {id, std::to_string(work)});
    }
    out.text.push_back(fmt::format("{} wait in the pool to be lent, and belong to nobody.",
                                   count_of(ask_.standing->pool_cards, "card", "cards")));
    for (auto* table : {&left, &none, &many, &alone}) out.tables.push_back(std::move(*table));
    report.sections.push_back(std::move(out));
  }

  void add_failed(Section& out) {
    Table people{"Three wrong tries or more", {"Person", "Times", "Last record"}, {}};
    for (const auto& [id, tries] : wrong_people_.sorted([](const Tries& each) { return each.times; })) {
      if (tries->times >= 3)
        add_row(people, {std::string(id), grouped(tries->times), std::to_string(tries->last_record)});
    }
    out.text.push_back(
        fmt::format("{} in the period. {} blocked.",
                    count_of(wrong_total_, "wrong passcode or password", "wrong passcodes or passwords"),
                    count_of(blocked_, "card was", "cards were")));
    out.tables.push_back(std::move(people));
    Series days{"Wrong passcodes and passwords by day", "tries", {}, {}};
    for (const auto& [day, times] : wrong_days_) {
      days.labels.push_back(cardgate::to_text(Date(std::chrono::sys_days(std::chrono::days(day)))));
      days.values.push_back(static_cast<double>(times));
    }
    if (days.labels.size() > 1) out.series.push_back(std::move(days));
  }

  bool has_left(const StandingPerson& person) const {
    return person.removed || (person.employed_until && *person.employed_until < today_);
  }

  void passwords(Report& report) {
    Section out{"Passwords, passcodes and lockouts",
                "Many wrong tries show guessing, or people who need help.",
                "Look at the people with most: cardgate audit show --person"};
    std::uint64_t with_password = 0;
    Table table{"Passwords that open nothing now", {"Person", "Why", "What puts it right"}, {}};
    for (const auto& [id, person] : ask_.standing->people) {
      if (has_left(person)) continue;
      with_password += person.password.empty() ? 0 : 1;
      if (person.password == "void") {
        add_row(table, {id, "too many wrong tries", "the help desk resets it: cardgate password reset"});
      } else if (person.password == "expired") {
        add_row(table,
                {id, "a temporary one that ran out", "the help desk resets it: cardgate password reset"});
      }
    }
    out.text.push_back(fmt::format("People with a password, who may sign in: {}.", grouped(with_password)));
    if (table.rows.empty()) {
      out.text.emplace_back("None of them is void after too many wrong tries, or has run out.");
    } else {
      out.tables.push_back(std::move(table));
    }
    add_failed(out);
    report.sections.push_back(std::move(out));
  }

  void plans(Report& report) {
    Section out{"Continuity plans", "A plan that nobody reviewed may not work on the day.",
                "Ask the owner to review it."};
    Table table{"Plans", {"Team", "Owner", "Reviewed", "To be reviewed by", "State"}, {}};
    for (const auto& plan : ask_.standing->plans) {
      const bool past = !plan.review_by || *plan.review_by < today_;
      add_row(table,
              {plan.team.empty() ? "everybody else" : plan.team, plan.owner, day_or(plan.reviewed, "never"),
               day_or(plan.review_by, "no date"), past ? "past its review" : "good"});
    }
    if (table.rows.empty()) out.text.emplace_back("No continuity plan is configured.");
    out.tables.push_back(std::move(table));
    report.sections.push_back(std::move(out));
  }

  void administrators(Report& report) {
    Section out{"Administrators' acts, and who checked them",
                "What one person does alone for others, somebody else must see.",
                "Take a few of each person, and ask for the papers behind them."};
    Table table{"Acts for other people", {"Who", "Acts", "Of them seen by a second person", "By whom"}, {}};
    for (const auto& [who, acts] : acts_.sorted([](const Acts& each) { return each.acts; }))
      add_row(table, {std::string(who), grouped(acts->acts), grouped(acts->checked),
                      fmt::format("{}", fmt::join(acts->checked_by, ", "))});
    out.tables.push_back(std::move(table));
    report.sections.push_back(std::move(out));
  }

  void duties(Report& report) {
    duties_.title = "Separation of duties";
    duties_.why = "Nobody must stand on both sides of a decision.";
    duties_.next = "Have the decision made again by somebody else.";
    if (ask_.standing != nullptr) {
      for (const auto& [id, person] : ask_.standing->people) standing_duties(id, person);
    }
    if (duties_.findings.empty()) duties_.text.emplace_back("Nobody stood on both sides of anything.");
    report.sections.push_back(duties_);
  }

  void standing_duties(const std::string& id, const StandingPerson& person) {
    const auto tell = [&](const std::string& who, std::string what) {
      add_duty({"both_sides",
                who,
                ask_.standing->made_at,
                std::move(what),
                {},
                0,
                Sureness::certain,
                "So it stands in the register."});
    };
    for (const auto& each : person.evidence) {
      if (each.kind != "form" || each.state != "approved") continue;
      if (!each.approved_by.empty() && each.approved_by == each.verified_by)
        tell(each.approved_by, fmt::format("Verified and approved form {} of {}.", each.number, id));
      if (each.approved_by == id) tell(id, fmt::format("Approved the own form {}.", each.number));
      if (each.verified_by == id) tell(id, fmt::format("Verified the own form {}.", each.number));
      if (each.requested_by != id && !each.requested_by.empty() && each.requested_by == each.approved_by)
        tell(each.approved_by, fmt::format("Asked for form {} of {} and approved it.", each.number, id));
    }
    for (const auto& card : person.cards) {
      if (card.registered_by.empty()) continue;
      if (card.registered_by == id) tell(id, "Registered the own card.");
      if (card.registered_by == card.confirmed_by)
        tell(card.registered_by, fmt::format("Registered and confirmed a card of {}.", id));
      if (card.confirmed_by == id) tell(id, "Confirmed the own card.");
    }
  }

  static constexpr std::size_t most_forms = 200'000;
  Ask ask_;
  LocalTime local_;
  Date today_;
  Tally<LastUse> last_{200'000};
  std::uint64_t wrong_total_ = 0, blocked_ = 0;
  Tally<Tries> wrong_people_{50'000};
  std::map<int, std::uint64_t> wrong_days_;
  Table rules_;
  std::set<std::string> policies_;
  Section broken_, duties_;
  Tally<Acts> acts_{20'000};
  TextMap<std::pair<std::string, std::uint64_t>> verified_;
};

}  // namespace

std::unique_ptr<Kind> controls(const Ask& ask) {
  return std::make_unique<Controls>(ask);
}

}  // namespace cardgate::audit::report
