// SPDX-License-Identifier: Apache-2.0
// A line manager's own team, or everybody by line manager: who has what they should have, and what lapses when. From how people
// stand now; the log is not asked.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

#include "audit/report/report.hpp"

namespace cardgate::audit::report {
namespace {

constexpr std::chrono::days ends_soon{60};

struct Compliance {
  std::uint64_t people = 0, good = 0, soon = 0, ended = 0, missing = 0;
};

class Kpi final : public Kind {
 public:
  explicit Kpi(Ask ask) : ask_(std::move(ask)), today_(ask_.calendar.date_of(ask_.now)) {}

  void take(const Entry& /*entry*/, bool /*in_period*/) override {}
  bool reads_log() const override { return false; }

  void finish(Report& report) override {
    report.title = "Compliance of the team";
    if (!ask_.is_of_team()) report.title = "Compliance by team";
    if (ask_.standing == nullptr) return;
    for (const auto& [id, person] : ask_.standing->people) {
      if (ask_.is_of_team() && (!ask_.is_staff(person.manager) || person.id == ask_.team_of)) continue;
      if (person.removed || !person.employed_from ||
          (person.employed_until && *person.employed_until < today_))
        continue;
      judge(person);
    }
    figures(report);
    report.sections.push_back(by_subject());
    report.sections.push_back(ends());
    if (!ask_.is_of_team()) report.sections.push_back(by_team());
  }

 private:
  void judge(const StandingPerson& person) {
    ++people_;
    bool whole = true;
    for (const auto& wanted : ask_.standing->wanted) {
      // A form is asked of those who have one, or had; what nobody asked for is missing to nobody.
      const auto state = state_of(person, wanted);
      if (!state) continue;
      auto& subject = subjects_[std::pair(wanted.kind, wanted.name)];
      count(subject, *state);
      if (*state != State::good && *state != State::soon) whole = false;
    }
    auto& team = teams_[person.manager.empty() ? "no line manager" : person.manager];
    ++team.people;
    if (whole) {
      ++team.good;
      ++whole_;
    }
    for (const auto& each : person.evidence) {
      if (!each.until || (each.kind == "form" && each.state != "approved")) continue;
      if (std::chrono::sys_days(*each.until) > std::chrono::sys_days(today_) + ends_soon) continue;
      if (*each.until < today_ && renewed(person, each)) continue;
      ends_.emplace_back(
          *each.until, std::vector<std::string>{cardgate::to_text(*each.until), person.id, person.name,
                                                title_of(each), *each.until < today_ ? "has ended" : "ends"});
    }
  }

  enum class State : std::uint8_t { missing, ended, soon, good };

  /// A newer one of the same kind goes on.
  static bool renewed(const StandingPerson& person, const Evidence& old) {
    return std::ranges::any_of(person.evidence, [&](const Evidence& each) {
      return each.kind == old.kind && each.name == old.name && each.role == old.role &&
             (!each.until || *each.until > *old.until);
    });
  }

  std::optional<State> state_of(const StandingPerson& person, const Wanted& wanted) const {
    std::optional<State> best;
    for (const auto& each : person.evidence) {
      if (each.kind != wanted.kind || each.name != wanted.name ||
          (each.kind == "form" && each.state != "approved"))
        continue;
      auto state = State::good;
      if (each.until && *each.until < today_) {
        state = State::ended;
      } else if (each.until &&
                 std::chrono::sys_days(*each.until) <= std::chrono::sys_days(today_) + ends_soon) {
        state = State::soon;
      }
      if (!best || state > *best) best = state;
    }
    if (best || wanted.kind == "form") return best;
    return State::missing;
  }

  static void count(Compliance& of, State state) {
    ++of.people;
    switch (state) {
      case State::good:
        ++of.good;
        break;
      case State::soon:
        ++of.good;
        ++of.soon;
        break;
      case State::ended:
        ++of.ended;
        break;
      case State::missing:
        ++of.missing;
        break;
    }
  }

  std::string title_of(const Evidence& each) const {
    for (const auto& wanted : ask_.standing->wanted) {
      if (wanted.kind == each.kind && wanted.name == each.name && !wanted.title.empty()) return wanted.title;
    }
    return fmt::format("{} {}", each.kind, each.name);
  }

  static std::string share(std::uint64_t part, std::uint64_t of) {
    return of == 0 ? std::string("-")
                   : fmt::format("{:.1f} %", 100.0 * static_cast<double>(part) / static_cast<double>(of));
  }

  void figures(Report& report) {
    report.figures.push_back({"People", grouped(people_)});
    report.figures.push_back({"Have all that is asked", share(whole_, people_), {}, whole_ < people_});
    std::uint64_t soon = 0;
    std::uint64_t over = 0;
    for (const auto& [day, row] : ends_) (day < today_ ? over : soon) += 1;
    report.figures.push_back({"Ends soon", grouped(soon), fmt::format("within {} days", ends_soon.count())});
    report.figures.push_back({"Has ended", grouped(over), {}, over > 0});
  }

  Section by_subject() {
    Section out{"Training, declarations and forms",
                "Who lacks one of these may lose access, or works without what the trust asks.",
                "Start with what is missing, then with what has ended."};
    Table table{"By what is asked",
                {"What", "People", "In date", "Of them ending soon", "Ended", "Missing", "Share in date"},
                {}};
    for (const auto& wanted : ask_.standing->wanted) {
      const auto& each = subjects_[std::pair(wanted.kind, wanted.name)];
      add_row(table, {wanted.title.empty() ? wanted.name : wanted.title, grouped(each.people),
                      grouped(each.good), grouped(each.soon), grouped(each.ended), grouped(each.missing),
                      share(each.good, each.people)});
    }
    out.tables.push_back(std::move(table));
    return out;
  }

  Section ends() {
    Section out{"What ends when", {}, "Ask each person to renew it in time."};
    Table table{"By date", {"Day", "Person", "Name", "What", "State"}, {}};
    std::ranges::sort(ends_);
    for (auto& [day, row] : ends_) add_row(table, row);
    out.tables.push_back(std::move(table));
    return out;
  }

  Section by_team() {
    Section out{"By line manager", {}, {}};
    Table table{"Teams", {"Line manager", "People", "Have all that is asked", "Share"}, {}};
    for (const auto& [manager, team] : teams_)
      add_row(table, {manager, grouped(team.people), grouped(team.good), share(team.good, team.people)});
    out.tables.push_back(std::move(table));
    return out;
  }

  Ask ask_;
  Date today_;
  std::uint64_t people_ = 0, whole_ = 0;
  std::map<std::pair<std::string, std::string>, Compliance> subjects_;
  std::map<std::string, Compliance> teams_;
  std::vector<std::pair<Date, std::vector<std::string>>> ends_;
};

}  // namespace

std::unique_ptr<Kind> kpi(const Ask& ask) {
  return std::make_unique<Kpi>(ask);
}

}  // namespace cardgate::audit::report
