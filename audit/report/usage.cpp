// SPDX-License-Identifier: Apache-2.0
// How much the service was used, by whom, when, how quickly, and when it was not there.
#include <fmt/format.h>

#include <array>
#include <cmath>
#include <set>
#include <utility>

#include "audit/report/outages.hpp"
#include "audit/report/report.hpp"
#include "audit/report/tally.hpp"

namespace cardgate::audit::report {
namespace {

struct Used {
  std::uint64_t sign_ins = 0, tokens = 0, refusals = 0;
  std::uint64_t all() const { return sign_ins + tokens + refusals; }
};

struct UsedBy : Used {
  WallTime first{};
  bool before = false;  // the period
  std::uint64_t record = 0;
};

/// "1 h 5 min", "40 s".
std::string span_text(milliseconds span) {
  const auto whole = std::chrono::duration_cast<seconds>(span).count();
  if (whole >= 3600) return fmt::format("{} h {} min", whole / 3600, whole % 3600 / 60);
  if (whole >= 60) return fmt::format("{} min", whole / 60);
  return fmt::format("{} s", whole);
}

/// "0.4 s", "12 s".
std::string took_text(double milliseconds_taken) {
  return milliseconds_taken < 10'000 ? fmt::format("{:.1f} s", milliseconds_taken / 1000)
                                     : fmt::format("{:.0f} s", milliseconds_taken / 1000);
}

/// Not rounded up: 99.9996 % is not 100.
std::string percent_text(double percent) {
  return fmt::format("{:.3f} %", std::floor(percent * 1000) / 1000);
}

class Usage final : public Kind {
 public:
  explicit Usage(Ask ask) : ask_(std::move(ask)), local_(ask_.calendar) {}

  void take(const Entry& entry, bool in_period) override {
    outages_.take(entry);
    const bool client_counts =
        entry.is(Event::sign_in) || entry.is(Event::token) || entry.is(Event::token_refused);
    if (client_counts && !entry.client.empty()) note_client(entry, in_period);
    if (!in_period) return;
    if (entry.is(Event::repeated)) return take_repeated(entry);
    if (entry.takes_back()) {
      if (entry.is(Event::sign_in_refused)) add(entry, &Used::sign_ins, -1);
      if (entry.is(Event::token_refused)) add(entry, &Used::tokens, -1);
      return;
    }
    if (entry.is(Event::sign_in)) {
      add(entry, &Used::sign_ins, 1);
      if (const auto took = entry.number("took_ms"); took && *took >= 0)
        took_.add(static_cast<double>(*took));
      if (entry.text("sign_in") == "password") ++by_password_;
    } else if (entry.is(Event::token)) {
      add(entry, &Used::tokens, 1);
    } else if (entry.is(Event::sign_in_refused) || entry.is(Event::token_refused) ||
               entry.is(Event::client_refused)) {
      add(entry, &Used::refusals, 1);
      ++reasons_[refusal_key(entry.event, entry.reason)];
    }
  }

  void finish(Report& report) override {
    report.title = "Usage and service";
    head(report);
    report.sections.push_back(service());
    report.sections.push_back(when());
    report.sections.push_back(parts());
    report.sections.push_back(refused());
    report.sections.push_back(clients());
    if (took_.total() == 0 && total_.sign_ins > 0)
      report.not_seen.emplace_back(
          "The log does not say how long these sign-ins took (records of an older version).");
  }

 private:
  static std::string refusal_key(std::string_view event, std::string_view reason) {
    return fmt::format("{}\n{}", event, reason);
  }

  void note_client(const Entry& entry, bool in_period) {
    auto& client = clients_[entry.client];
    if (client.first == WallTime{}) {
      client.first = entry.time;
      client.record = entry.seq;
      client.before = !in_period;
    }
  }

  /// By `one` more or less, everywhere where it counts.
  void add(const Entry& entry, std::uint64_t Used::* what, int one) {
    const auto count = [&](Used& used) {
      used.*what =
          static_cast<std::uint64_t>(std::max<std::int64_t>(0, static_cast<std::int64_t>(used.*what) + one));
    };
    count(total_);
    count(hours_.at(local_.hour(entry.time)));
    count(days_[day_number(local_.day(entry.time))]);
    if (!entry.role.empty()) count(roles_[entry.role]);
    if (!entry.client.empty()) count(clients_[entry.client]);
    if (!entry.person.empty()) {
      count(people_[entry.person]);
      if (ask_.standing != nullptr) {
        const auto department = ask_.standing->department(entry.person);
        count(departments_[department.empty() ? std::string_view("no department on record") : department]);
      }
    }
  }

  void take_repeated(const Entry& entry) {
    const auto times =
        static_cast<std::uint64_t>(std::max<std::int64_t>(0, entry.number("count").value_or(0)));
    const auto of = entry.text("event");
    if (of == "token") {
      again_ += times;
    } else if (of == "sign_in_refused" || of == "token_refused" || of == "client_refused" || of == "others") {
      total_.refusals += times;
      hours_.at(local_.hour(entry.time)).refusals += times;
      days_[day_number(local_.day(entry.time))].refusals += times;
      reasons_[refusal_key(of, entry.reason)] += times;
    }
  }

  void head(Report& report) {
    const auto sum = outages_.sum(report.from, report.to, report.made_at);
    const auto* standing = ask_.standing;
    report.figures.push_back(
        {"Sign-ins", grouped(total_.sign_ins),
         by_password_ == 0 ? std::string() : fmt::format("{} of them by password", grouped(by_password_))});
    report.figures.push_back(
        {"Tokens", grouped(total_.tokens),
         again_ == 0 ? std::string() : fmt::format("handed out again {} times", grouped(again_))});
    report.figures.push_back({"Refusals", grouped(total_.refusals)});
    report.figures.push_back({"People", fmt::format("{}{}", people_.full() ? "more than " : "",
                                                    grouped(people_.values().size()))});
    Figure available{"Available", percent_text(sum.available)};
    if (standing != nullptr && standing->availability > 0) {
      available.note = fmt::format("the standard is {} %, without planned downtime: {}",
                                   standing->availability, percent_text(sum.available_but_planned));
      available.bad = sum.available_but_planned < standing->availability;
    }
    report.figures.push_back(std::move(available));
    if (took_.total() > 0) {
      Figure took{"Time to sign in", took_text(took_.share(0.95)), "95 of 100 took no longer"};
      if (standing != nullptr && standing->sign_in.count() > 0) {
        const double within = took_.within(static_cast<double>(standing->sign_in.count()));
        took.note = fmt::format("95 of 100 took no longer; {:.1f} % were within the standard of {}",
                                within * 100, took_text(static_cast<double>(standing->sign_in.count())));
        took.bad = within < 0.95;
      }
      report.figures.push_back(std::move(took));
    }
  }

  Section service() {
    Section out{"Availability", "People cannot work while the service is not there.",
                "Compare with the service standard. Ask why for each time that was not planned."};
    const auto sum = outages_.sum(ask_.from, ask_.to, ask_.now);
    out.text.push_back(
        fmt::format("The service was available {} of the time. It was away {} as planned and {} unplanned. "
                    "Without the planned times it "
                    "was available {}.",
                    percent_text(sum.available), span_text(sum.planned), span_text(sum.unplanned),
                    percent_text(sum.available_but_planned)));
    if (sum.left_out > 0)
      out.text.push_back(
          fmt::format("{} too many to keep are not counted.", count_of(sum.left_out, "time", "times")));
    Table times{"Times when the service was not there", {"From", "For", "Planned", "What", "Record"}, {}};
    for (const auto& span : sum.spans)
      add_row(times, {ask_.calendar.moment_text(span.from), span_text(span.to - span.from),
                      span.planned ? "yes" : "no", span.what, std::to_string(span.record)});
    if (!times.rows.empty()) out.tables.push_back(std::move(times));
    if (took_.total() > 0) {
      Table took{"Time to sign in, from the passcode to the open session",
                 {"Share of sign-ins", "No longer than"},
                 {}};
      for (const double share : {0.5, 0.9, 0.95, 0.99})
        add_row(took, {fmt::format("{:.0f} of 100", share * 100), took_text(took_.share(share))});
      out.tables.push_back(std::move(took));
    }
    return out;
  }

  Section when() {
    Section out{"When", {}, {}};
    Series hours{"Sign-ins by hour of the day", "sign-ins", {}, {}};
    for (std::size_t hour = 0; hour < hours_.size(); ++hour) {
      hours.labels.push_back(fmt::format("{:02}", hour));
      hours.values.push_back(static_cast<double>(hours_.at(hour).sign_ins));
    }
    Series days{"Sign-ins by day", "sign-ins", {}, {}};
    Series refusals{"Refusals by day", "refusals", {}, {}};
    for (const auto& [day, used] : days_) {
      const Date date{std::chrono::sys_days(std::chrono::days(day))};
      days.labels.push_back(cardgate::to_text(date));
      days.values.push_back(static_cast<double>(used.sign_ins));
      refusals.labels.push_back(days.labels.back());
      refusals.values.push_back(static_cast<double>(used.refusals));
    }
    out.series.push_back(std::move(hours));
    if (days.labels.size() > 1) {
      out.series.push_back(std::move(days));
      out.series.push_back(std::move(refusals));
    }
    return out;
  }

  template <class Of>
  static Table table_of(std::string title, std::string_view first, const Tally<Of>& tally, std::size_t most) {
    Table out{std::move(title), {std::string(first), "Sign-ins", "Tokens", "Refusals"}, {}};
    const auto row = [](std::string_view key, const Used& used) {
      return std::vector<std::string>{std::string(key), grouped(used.sign_ins), grouped(used.tokens),
                                      grouped(used.refusals)};
    };
    for (const auto& [key, used] : tally.sorted([](const Used& each) { return each.all(); })) {
      if (out.rows.size() < most) {
        add_row(out, row(key, *used));
      } else {
        ++out.left_out;
      }
    }
    if (tally.others().all() > 0) add_row(out, row("(others)", tally.others()));
    return out;
  }

  Section parts() {
    Section out{"By role and department", {}, {}};
    auto roles = table_of("Roles", "Role", roles_, max_rows);
    if (ask_.standing != nullptr) {
      for (auto& row : roles.rows) {
        if (const auto* role = ask_.standing->role(row.front()); role != nullptr && !role->title.empty())
          row.front() = role->title;
      }
    }
    out.tables.push_back(std::move(roles));
    if (ask_.standing != nullptr)
      out.tables.push_back(table_of("Departments", "Department", departments_, max_rows));
    return out;
  }

  Section refused() {
    Section out{"Refusals", "Many refusals of one kind show where people are stuck.",
                "Look at the most frequent reasons first: cardgate audit show --event token_refused"};
    Table reasons{"Reasons", {"What was refused", "Reason", "Times"}, {}};
    const auto shown = [](std::string_view event) {
      return event == "sign_in_refused"  ? "sign-in"
             : event == "token_refused"  ? "token"
             : event == "client_refused" ? "a program's call"
                                         : "several kinds";
    };
    for (const auto& [key, times] : reasons_.sorted([](std::uint64_t each) { return each; })) {
      const auto cut = key.find('\n');
      auto reason = std::string(key.substr(cut + 1));
      std::ranges::replace(reason, '_', ' ');
      add_row(reasons, {shown(key.substr(0, cut)), std::move(reason), grouped(*times)});
    }
    out.tables.push_back(std::move(reasons));
    return out;
  }

  Section clients() {
    Section out{"Programs", "A program that was never seen before may be one that nobody knows of.",
                "Ask the people who run this machine about each new one."};
    out.tables.push_back(table_of("Programs", "Program", clients_, max_rows));
    Table fresh{"Seen for the first time", {"Program", "First seen", "Record"}, {}};
    for (const auto& [name_of_it, client] : clients_.sorted([](const UsedBy& each) { return each.all(); })) {
      if (!client->before)
        add_row(fresh, {std::string(name_of_it), ask_.calendar.moment_text(client->first),
                        std::to_string(client->record)});
    }
    if (fresh.rows.empty()) out.text.emplace_back("No program was seen for the first time.");
    if (!fresh.rows.empty()) out.tables.push_back(std::move(fresh));
    out.text.push_back(fmt::format(
        "First time means: not seen in the {} days before the period, as far as the log goes back.",
        read_before.count()));
    return out;
  }

  Ask ask_;
  LocalTime local_;
  Outages outages_;
  Used total_;
  std::uint64_t by_password_ = 0, again_ = 0;
  std::array<Used, 24> hours_{};
  std::map<int, Used> days_;
  Tally<Used> roles_{1000}, departments_{1000};
  Tally<UsedBy> clients_{10'000};
  Tally<Used> people_{1'000'000};
  Tally<std::uint64_t> reasons_{2000};
  Times took_;
};

}  // namespace

std::unique_ptr<Kind> usage(const Ask& ask) {
  return std::make_unique<Usage>(ask);
}

}  // namespace cardgate::audit::report
