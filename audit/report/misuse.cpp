// SPDX-License-Identifier: Apache-2.0
// What looks like misuse: ten kinds, each with the records that show it and how sure it is. A finding is a question to ask, never
// a verdict.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <deque>
#include <utility>

#include "audit/report/report.hpp"
#include "audit/report/sightings.hpp"
#include "audit/report/suspicions.hpp"
#include "audit/report/tally.hpp"

namespace cardgate::audit::report {
namespace {

using std::chrono::hours;
using std::chrono::minutes;

// From when on something is found.
constexpr minutes both_used_within{15};  // an account in two places: the other session was used so lately
constexpr std::size_t guesses = 5;       // refusals before a success
constexpr minutes guesses_within{30};
constexpr minutes success_within{10};
constexpr minutes told_late{2};               // tries that were only counted, behind the success
constexpr std::uint32_t habit_sign_ins = 30;  // before hours count as a habit
constexpr std::uint32_t habit_days = 15;
constexpr std::size_t habit_hours_apart = 4;  // nearest hour at which the person ever signed in
constexpr hours left_for{3};
constexpr hours card_before{24};
constexpr std::size_t asked_about = 3;  // different people, on one day, each refused
constexpr std::size_t looked_at_most =
    25;  // by a role that reaches everybody, on one day, beside the own team

struct Use {
  WallTime at{};
  std::uint64_t record = 0;
  bool refused = false;
};

struct GivenCard {
  WallTime at{};
  std::uint64_t record = 0;
  std::string card, by, confirmed_by;
};

/// What is remembered of one person: about 600 bytes.
struct Remembered {
  std::array<std::uint16_t, 24> hours{};
  std::uint32_t sign_ins = 0, days = 0;
  int last_day = 0;
  std::deque<Use> uses;  // the last, one an hour
  std::optional<Date> employed_from, last_day_of_work, leave_from, leave_until;
  bool on_leave = false;  // leave_from holds
  std::uint64_t dates_record = 0;
  std::optional<WallTime> removed;  // from then on
  std::uint64_t removed_record = 0;
  GivenCard given;
  // What they looked at on `look_day`.
  int look_day = 0;
  std::vector<std::string> refused_looks, looks;
  std::vector<std::uint64_t> refused_records, look_records;
  std::size_t most_looks = 0;  // on an earlier day
};

struct Guesses {
  WallTime first{}, last{};
  std::size_t count = 0;
  std::string person;  // the one of whom the refusals are; empty: of several, or unknown
  std::vector<std::uint64_t> records;
};

struct Success {
  WallTime at{};
  std::uint64_t record = 0;
  std::string person;
  Guesses before;  // too few to tell of; more of them may only have been counted
};

/// Refusals by which somebody may be guessing, not those of a card that is out or a service that is busy.
bool is_guess(std::string_view reason) {
  return reason.starts_with("passcode_incorrect") || reason.starts_with("passcode_blocked") ||
         reason == "too_many_failures" || reason == "last_try" || reason.starts_with("password_incorrect") ||
         reason == "throttled" || reason.starts_with("code_incorrect");
}

bool is_of_standing(std::string_view reason) {
  return reason == "access_denied" || reason == "employed" || reason == "not-removed";
}

std::size_t hours_apart(const std::array<std::uint16_t, 24>& known, std::size_t hour) {
  for (std::size_t far = 0; far <= 12; ++far) {
    if (known.at((hour + far) % 24) > 0 || known.at((hour + 24 - far) % 24) > 0) return far;
  }
  return 24;
}

class Misuse final : public Kind {
 public:
  explicit Misuse(Ask ask) : ask_(std::move(ask)), local_(ask_.calendar) {}

  void take(const Entry& entry, bool in_period) override {
    in_period_ = in_period;
    if (entry.is(Event::sign_in)) {
      signed_in(entry);
    } else if (entry.is(Event::sign_in_refused)) {
      if (!entry.takes_back()) refused(entry);
    } else if (entry.is(Event::repeated)) {
      repeated(entry);
    } else if (entry.is(Event::session_ended) || entry.is(Event::session_resumed) ||
               entry.is(Event::session_grace) || entry.is(Event::session_kept)) {
      look_whether_left(entry);
    } else if (entry.is(Event::register_changed)) {
      changed(entry);
    } else if (entry.is(Event::loan)) {
      if (entry.text("act") == "lent") given(entry);
    } else if (entry.is(Event::removal)) {
      removal(entry);
    } else if (entry.is(Event::form)) {
      const auto act = entry.text("act");
      if (act == "verified" || act == "approved")
        approved(entry, fmt::format("{} a form of {}", act, entry.person));
    } else if (entry.is(Event::looked_at)) {
      looked(entry);
    } else if (entry.is(Event::record_asked)) {
      asked(entry);
    }
    sightings_.take(entry);
  }

  void finish(Report& report) override {
    report.title = "Possible misuse";
    for (auto& [id, person] : people_) close_day(id, person);
    if (full_)
      report.not_seen.push_back(fmt::format(
          "More than {} people used the service. The report does not judge the rest.", grouped(most_people)));
    if (sightings_.left_out() > 0)
      report.not_seen.push_back(
          fmt::format("{} were open at once than the report can follow.",
                      count_of(sightings_.left_out(), "session more", "sessions more")));
    if (ask_.standing == nullptr)
      report.not_seen.emplace_back(
          "Without teams, looks at people outside one's own team show only where they were refused.");
    report.figures.push_back(
        {"Findings", grouped(found_.total()), "each is a question to ask, not a verdict", false});
    report.figures.push_back({"Certain", grouped(found_.total(Sureness::certain)), "that it happened as told",
                              found_.total(Sureness::certain) > 0});
    report.figures.push_back({"Likely", grouped(found_.total(Sureness::likely))});
    report.figures.push_back({"Possible", grouped(found_.total(Sureness::possible))});
    report.sections = found_.sections();
  }

 private:
  static constexpr std::size_t most_people = 200'000;
  static constexpr std::size_t most_uids = 50'000;

  Remembered* person(std::string_view id) {
    if (id.empty()) return nullptr;
    if (const auto known = people_.find(id); known != people_.end()) return &known->second;
    if (people_.size() >= most_people) {
      full_ = true;
      return nullptr;
    }
    auto& out = people_[std::string(id)];
    const auto* on_file = ask_.standing == nullptr ? nullptr : ask_.standing->person(id);
    if (on_file == nullptr) return &out;
    out.employed_from = on_file->employed_from;
    out.last_day_of_work = on_file->employed_until;
    out.leave_from = on_file->leave_from;
    out.leave_until = on_file->leave_until;
    out.on_leave = on_file->leave_from.has_value();
    if (on_file->removed && on_file->removed_on)
      out.removed =
          ask_.calendar.start_of(std::chrono::sys_days(*on_file->removed_on) + std::chrono::days(1));
    return &out;
  }

  void find(Suspicions::Open one, seconds together = hours(12)) {
    if (in_period_) found_.add(std::move(one), together);
  }

  std::string moment(WallTime at) const { return ask_.calendar.moment_text(at); }

  // --- Sign-ins.

  void signed_in(const Entry& entry) {
    two_places(entry);
    after_guesses(entry);
    auto* who = person(entry.person);
    if (who == nullptr) return;
    unusual_hours(entry, *who);
    used(entry, *who, false);
  }

  void two_places(const Entry& entry) {
    const auto place = place_of(entry);
    const auto card = entry.text("card");
    for (const auto* other : sightings_.of_person(entry.person, entry.session)) {
      if (!other->active || other->place == place) continue;
      if (!card.empty() && other->card == card) {
        find({.kind = "card_in_two_places",
              .person = entry.person,
              .at = entry.time,
              .what =
                  fmt::format("Card {} was signed in at {} and then at {}, while it was still in the first.",
                              short_card(card), other->place, place),
              .records = {other->record, other->last_record, entry.seq},
              .sure = Sureness::certain,
              .how_sure =
                  "No record says that the card left the first reader before it was used in the second."});
      } else if (entry.time - other->used <= both_used_within && (card.empty() || !other->by_card())) {
        find({.kind = "account_in_two_places",
              .person = entry.person,
              .at = entry.time,
              .what = fmt::format("The account was in use at {} and signed in at {} {} minutes later.",
                                  other->place, place,
                                  std::chrono::floor<minutes>(entry.time - other->used).count()),
              .records = {other->record, other->last_record, entry.seq},
              .sure = Sureness::likely,
              .how_sure = "Both sessions were open. One person may have gone from one machine to the other "
                          "without signing out."});
      }
    }
  }

  void unusual_hours(const Entry& entry, Remembered& who) {
    const auto hour = local_.hour(entry.time);
    const auto day = day_number(local_.day(entry.time));
    const auto apart = hours_apart(who.hours, hour);
    if (who.sign_ins >= habit_sign_ins && who.days >= habit_days && apart >= habit_hours_apart) {
      find({.kind = "unusual_hours",
            .person = entry.person,
            .at = entry.time,
            .what = fmt::format("Signed in on {}, {} hours from any hour of the {} sign-ins before.",
                                moment(entry.time), apart, grouped(who.sign_ins)),
            .records = {entry.seq},
            .sure = Sureness::possible,
            .how_sure = "People change shifts and stand in for others."},
           hours(24 * 7));
    }
    auto& count = who.hours.at(hour);
    if (count < UINT16_MAX) ++count;
    ++who.sign_ins;
    if (day != who.last_day) ++who.days;
    who.last_day = day;
  }

  /// A use of card or password, or an attempt at it.
  void used(const Entry& entry, Remembered& who, bool was_refused) {
    judge_use(entry.person, who, {entry.time, entry.seq, was_refused});
    if (who.uses.empty() || entry.time - who.uses.back().at >= hours(1) || was_refused) {
      constexpr std::size_t most_uses = 16;
      if (who.uses.size() == most_uses) who.uses.pop_front();
      who.uses.push_back({entry.time, entry.seq, was_refused});
    }
  }

  void judge_use(std::string_view id, Remembered& who, const Use& use) {
    const Date day = local_.day(use.at);
    const auto tell = [&](std::string_view kind, std::string what, std::uint64_t because) {
      std::vector<std::uint64_t> records{use.record};
      if (because != 0) records.push_back(because);
      find({.kind = kind,
            .person = id,
            .at = use.at,
            .what = std::move(what),
            .records = std::move(records),
            .sure = use.refused ? Sureness::likely : Sureness::certain,
            .how_sure =
                use.refused
                    ? "The attempt was refused. It may have been a mistake."
                    : "It was let in: the date came on record later, or the policy does not ask for it."},
           hours(24 * 7));
    };
    const std::string_view did = use.refused ? "Tried to sign in" : "Signed in";
    const bool between_employments = who.employed_from && day < *who.employed_from;
    if (who.removed && use.at >= *who.removed) {
      tell("removed_card_used", fmt::format("{} on {}, after access was removed.", did, moment(use.at)),
           who.removed_record);
    } else if (who.last_day_of_work && day > *who.last_day_of_work && !between_employments) {
      tell("used_after_leaving",
           fmt::format("{} on {}. The last day on record is {}.", did, moment(use.at),
                       cardgate::to_text(*who.last_day_of_work)),
           who.dates_record);
    } else if (who.on_leave && who.leave_from && day >= *who.leave_from &&
               (!who.leave_until || day <= *who.leave_until)) {
      tell("used_on_leave",
           fmt::format("{} on {}. On leave since {}.", did, moment(use.at),
                       cardgate::to_text(*who.leave_from)),
           who.dates_record);
    }
  }

  // --- Refusals.

  void refused(const Entry& entry) {
    if (is_guess(entry.reason)) {
      const auto uid = uid_of(entry);
      if (!entry.person.empty()) note_guess(by_person_[entry.person], entry, 1, entry.person);
      if (uid) note_guess(by_uid_[std::to_string(*uid)], entry, 1, entry.person);
    }
    if (is_of_standing(entry.reason)) {
      if (auto* who = person(entry.person)) used(entry, *who, true);
    }
  }

  static void note_guess(Guesses& known, const Entry& entry, std::size_t times, std::string_view whose) {
    if (entry.time - known.last > guesses_within) known = {};
    // At a workstation that several share: what was only counted is told within a minute, so older tries are another person's.
    if (known.count > 0 && known.person != whose && entry.time - known.last > told_late) known = {};
    if (known.count == 0) {
      known.first = entry.time;
      known.person = whose;
    } else if (!whose.empty() && known.person != whose) {
      known.person.clear();
    }
    known.last = entry.time;
    known.count += times;
    if (known.records.size() < max_records) known.records.push_back(entry.seq);
  }

  void after_guesses(const Entry& entry) {
    Success success{entry.time, entry.seq, std::string(entry.person), {}};
    auto& own = by_person_[entry.person];
    const bool told = report_guesses(own, success);
    own = {};
    const auto uid = uid_of(entry);
    if (!uid) return;
    const auto key = std::to_string(*uid);
    auto& of_uid = by_uid_[key];
    auto& last = successes_[key];
    // At a workstation that several share: another's sign-in says nothing of these tries ...
    if (of_uid.count > 0 && !of_uid.person.empty() && of_uid.person != entry.person) return;
    if (!told && of_uid.person == entry.person && !report_guesses(of_uid, success)) success.before = of_uid;
    of_uid = {};
    // ... nor of those that are still to be told.
    if (last.before.count > 0 && last.person != entry.person && is_told_yet(entry, last)) return;
    last = std::move(success);
  }

  static bool is_told_yet(const Entry& entry, const Success& success) {
    return entry.time >= success.at && entry.time - success.at < told_late;
  }

  bool report_guesses(Guesses& known, const Success& success) {
    const bool near = known.last - success.at < told_late && success.at - known.last < success_within;
    if (known.count < guesses || !near) return false;
    auto records = known.records;
    records.push_back(success.record);
    find(
        {.kind = "refusals_then_success",
         .person = success.person,
         .at = success.at,
         .what = fmt::format(
             "{} within {} minutes, then a sign-in on {}.", count_of(known.count, "wrong try", "wrong tries"),
             std::max<std::int64_t>(1, std::chrono::ceil<minutes>(known.last - known.first).count()),
             moment(success.at)),
         .records = std::move(records),
         .sure = Sureness::likely,
         .how_sure = "A person who mistypes looks the same."});
    known = {};
    return true;
  }

  /// Refusals that were only counted. They are told up to a minute later, when the success may have been already.
  void repeated(const Entry& entry) {
    if (entry.text("event") != "sign_in_refused" || !is_guess(entry.reason)) return;
    const auto uid = entry.number("uid");
    const auto times = entry.number("count").value_or(0);
    if (!uid || times <= 0) return;
    const auto key = std::to_string(*uid);
    auto& success = successes_[key];
    const auto& since = by_uid_[key];
    const bool of_another = since.count > 0 && since.person != success.person;
    if (success.before.count > 0 && !of_another && is_told_yet(entry, success)) {
      auto all = std::exchange(success.before, {});
      note_guess(all, entry, static_cast<std::size_t>(times), success.person);
      report_guesses(all, success);
      return;
    }
    auto& known = by_uid_[key];
    const std::string whose = known.person;
    note_guess(known, entry, static_cast<std::size_t>(times), whose);
  }

  // --- Workstations.

  /// A session goes on or ends: had nobody been there for long, with the card in?
  void look_whether_left(const Entry& entry) {
    const auto* one = sightings_.session(entry.session);
    if (one == nullptr || !one->by_card()) return;
    const bool ran_out = entry.is(Event::session_ended) && entry.reason == "time_up" && one->active;
    const auto since = one->locked ? *one->locked : one->used;
    if (!(one->locked || ran_out) || entry.time - since < left_for) return;
    const auto elsewhere = sightings_.of_person(one->person, one->session);
    std::vector<std::uint64_t> records{one->record, one->locked ? one->lock_record : one->last_record,
                                       entry.seq};
    find({.kind = "left_signed_in",
          .person = one->person,
          .at = since,
          .what =
              fmt::format("Left signed in at {} for {} hours{}.{}", one->place,
                          std::chrono::floor<hours>(entry.time - since).count(),
                          one->locked ? ", locked, with the card in the reader" : ", not locked",
                          elsewhere.empty() ? std::string() : " The person signed in elsewhere meanwhile."),
          .records = std::move(records),
          .sure = one->locked ? Sureness::certain : Sureness::likely,
          .how_sure = one->locked ? "The card stayed in the reader, and nobody used the session."
                                  : "No token was asked for in that time."});
  }

  // --- Changes of the register.

  void changed(const Entry& entry) {
    if (entry.takes_back()) return;
    if (const auto status = entry.text("status");
        !entry.text("card").empty() && (status == "active" || status == "waiting"))
      given(entry);
    auto* who = person(entry.person);
    if (who == nullptr) return;
    bool dates = false;
    const auto set = [&](std::string_view key, std::optional<Date>& to) {
      const auto text = entry.text(key);
      if (text.empty()) return;
      dates = true;
      const auto day = parse_date(text);
      to = day ? std::optional<Date>(*day) : std::nullopt;
    };
    set("employed_from", who->employed_from);
    set("employed_until", who->last_day_of_work);
    set("leave_from", who->leave_from);
    set("leave_until", who->leave_until);
    if (!entry.text("leave_from").empty()) who->on_leave = true;
    if (entry.text("leave") == "none") {
      who->on_leave = false;
      who->leave_from.reset();
    }
    if (!dates) return;
    who->dates_record = entry.seq;
    // What was let in before the day was known.
    for (const auto& use : who->uses) {
      if (!use.refused && use.at >= ask_.from) judge_use(entry.person, *who, use);
    }
  }

  void removal(const Entry& entry) {
    if (entry.takes_back()) {
      if (auto* who = person(entry.person)) who->removed.reset();
      return;
    }
    const auto act = entry.text("act");
    auto* who = person(entry.person);
    if (who != nullptr && (act == "done" || act == "asked for and done")) {
      who->removed = entry.time;
      who->removed_record = entry.seq;
    }
    if (who != nullptr && act == "restored") who->removed.reset();
    if (act == "done" || act == "restored" || act == "asked for and done")
      approved(entry, fmt::format("did a removal or gave access back ({})", act));
  }

  void given(const Entry& entry) {
    auto* who = person(entry.person);
    if (who == nullptr) return;
    auto by = entry.text("by");
    if (const auto registered = entry.text("registered_by"); !registered.empty()) by = registered;
    who->given = {entry.time, entry.seq, std::string(entry.text("card")), std::string(by),
                  std::string(entry.text("confirmed_by"))};
  }

  /// `entry.text("by")` decided something about `entry.person`.
  void approved(const Entry& entry, const std::string& did) {
    if (entry.takes_back()) return;
    const std::string by(entry.text("by"));
    const auto known = people_.find(by);
    if (known == people_.end()) return;
    const auto& given_to_them = known->second.given;
    if (given_to_them.card.empty() || entry.time - given_to_them.at > card_before) return;
    const auto* with = sightings_.session(entry.session);
    if (with != nullptr && with->card != given_to_them.card) return;
    const bool gains = given_to_them.by == entry.person || given_to_them.confirmed_by == entry.person;
    std::vector<std::uint64_t> records{given_to_them.record, entry.seq};
    if (with != nullptr) records.push_back(with->record);
    find({.kind = "card_before_approval",
          .person = by,
          .at = entry.time,
          .what = fmt::format("{} {} {} hours after card {} was registered to them by {}{}.", by, did,
                              std::chrono::floor<hours>(entry.time - given_to_them.at).count(),
                              short_card(given_to_them.card),
                              given_to_them.by.empty() ? "a staff file" : given_to_them.by,
                              given_to_them.confirmed_by.empty()
                                  ? std::string()
                                  : fmt::format(" and confirmed by {}", given_to_them.confirmed_by)),
          .records = std::move(records),
          .sure = gains ? Sureness::likely : Sureness::possible,
          .how_sure = gains ? "Who registered the card gains by what was done with it."
                            : "People who get a new card go on with their work."});
  }

  // --- Looks.

  bool in_own_team(const StandingPerson& whom, std::string_view by) const {
    if (whom.id == by || whom.manager == by) return true;
    const auto* looker = ask_.standing->person(by);
    return looker != nullptr &&
           std::ranges::find(looker->stands_in_for, whom.manager) != looker->stands_in_for.end();
  }

  void looked(const Entry& entry) {
    const std::string by(entry.text("by"));
    if (by.empty() || by == "root" || ask_.standing == nullptr) return;
    auto* who = person(by);
    if (who == nullptr) return;
    turn_day(by, *who, entry.time);
    const auto* role = ask_.standing->role(entry.role);
    const bool reaches_all =
        role == nullptr ? entry.role.empty() : role->records == "all" || role->records == "by-function";
    const auto see = [&](std::string_view id) {
      const auto* whom = ask_.standing->person(id);
      if (whom == nullptr || in_own_team(*whom, by)) return;
      if (!reaches_all && role != nullptr) {
        find({.kind = "looked_outside_team",
              .person = by,
              .at = entry.time,
              .what = fmt::format("Looked at {} outside the own team with the role {}.", id,
                                  role->title.empty() ? role->name : role->title),
              .records = {entry.seq},
              .sure = Sureness::likely,
              .how_sure = "Teams are those of today. They may have been others then."});
        return;
      }
      if (std::ranges::find(who->looks, id) != who->looks.end() || who->looks.size() >= 500) return;
      who->looks.emplace_back(id);
      if (who->look_records.empty() ||
          (who->look_records.back() != entry.seq && who->look_records.size() < max_records))
        who->look_records.push_back(entry.seq);
    };
    if (!entry.person.empty()) see(entry.person);
    if (const auto* list = find_array(entry.details(), "people")) {
      // `see` asks nothing of the details, so the list stays as it is.
      for (const auto& each : *list) {
        if (const auto* id = each.if_string()) see(*id);
      }
    }
  }

  /// Whether a record may be opened was asked, and the answer was no.
  void asked(const Entry& entry) {
    auto* who = person(entry.person);
    const std::string whom(entry.text("record"));
    if (who == nullptr || whom.empty() || whom == entry.person) return;
    turn_day(entry.person, *who, entry.time);
    if (std::ranges::find(who->refused_looks, whom) != who->refused_looks.end() ||
        who->refused_looks.size() >= 500)
      return;
    who->refused_looks.push_back(whom);
    if (who->refused_records.size() < max_records) who->refused_records.push_back(entry.seq);
  }

  void turn_day(std::string_view id, Remembered& who, WallTime at) {
    const int day = day_number(local_.day(at));
    if (day == who.look_day) return;
    close_day(id, who);
    who.look_day = day;
  }

  void close_day(std::string_view id, Remembered& who) {
    if (who.look_day == 0) return;
    const auto at = ask_.calendar.start_of(std::chrono::sys_days(std::chrono::days(who.look_day)));
    in_period_ = at + hours(24) > ask_.from && at < ask_.to;
    if (who.refused_looks.size() >= asked_about)
      find({.kind = "looked_outside_team",
            .person = id,
            .at = at,
            .what = fmt::format(
                "Asked for the records of {} different people on one day, and was refused each time.",
                who.refused_looks.size()),
            .records = who.refused_records,
            .sure = Sureness::certain,
            .how_sure = "The service refused each: they were not theirs to open."});
    if (who.looks.size() > std::max(looked_at_most, 3 * who.most_looks))
      find({.kind = "looked_outside_team",
            .person = id,
            .at = at,
            .what = fmt::format(
                "Looked at {} people outside the own team on one day. Before it was at most {} a day.",
                who.looks.size(), who.most_looks),
            .records = who.look_records,
            .sure = Sureness::possible,
            .how_sure = "The role lets them look at everybody, and some days have more work."});
    who.most_looks = std::max(who.most_looks, who.looks.size());
    who.refused_looks.clear();
    who.refused_records.clear();
    who.looks.clear();
    who.look_records.clear();
    who.look_day = 0;
  }

  Ask ask_;
  LocalTime local_;
  Sightings sightings_;
  Suspicions found_;
  TextMap<Remembered> people_;
  Tally<Guesses> by_person_{most_uids}, by_uid_{most_uids};
  Tally<Success> successes_{most_uids};
  bool in_period_ = false;
  bool full_ = false;
};

}  // namespace

std::unique_ptr<Kind> misuse(const Ask& ask) {
  return std::make_unique<Misuse>(ask);
}

}  // namespace cardgate::audit::report
