// SPDX-License-Identifier: Apache-2.0
#include "tests/audit/report/trust_log.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <functional>
#include <map>
#include <random>
#include <utility>

#include "audit/layout.hpp"
#include "audit/line.hpp"

namespace cardgate::audit::report {
namespace {

using std::chrono::hours;
using std::chrono::minutes;

const WallTime first_day =
    std::chrono::sys_days(Date(std::chrono::year(2026), std::chrono::month(1), std::chrono::day(5)));

/// Segments with headers and signed checkpoints, but nothing is synced.
class TrustWriter {
 public:
  TrustWriter(std::filesystem::path directory, std::size_t segment_bytes)
      : directory_(std::move(directory)), segment_bytes_(segment_bytes) {}
  ~TrustWriter() { close(); }
  TrustWriter(const TrustWriter&) = delete;
  TrustWriter& operator=(const TrustWriter&) = delete;

  std::uint64_t write(WallTime time, std::string_view body) {
    time_ = to_rfc3339(time);
    if (!out_.is_open() || written_ + 4096 > segment_bytes_) next_segment();
    append_line(line_, sequence_, time_, hash_, body);
    put();
    if (++unsigned_ >= 1024) checkpoint(false);
    return sequence_ - 1;
  }
  void close() {
    if (!out_.is_open()) return;
    const auto last = checkpoint(false);
    out_.close();
    std::ofstream(directory_ / head_name, std::ios::binary) << head_text(last);
    std::ofstream(directory_ / key_file_name, std::ios::binary) << key_file_text(key_.public_key());
  }
  std::uint64_t sequence() const { return sequence_; }
  std::uint64_t bytes() const { return bytes_; }

 private:
  void put() {
    out_ << line_;
    written_ += line_.size();
    bytes_ += line_.size();
    hash_ = chain_hash(line_);
    line_.clear();
    ++sequence_;
  }
  std::string checkpoint(bool end) {
    line_ = checkpoint_line(sequence_, time_, hash_, name_, end, "", key_);
    auto text = line_.substr(0, line_.size() - 1);
    put();
    unsigned_ = 0;
    return text;
  }
  void next_segment() {
    if (out_.is_open()) {
      checkpoint(true);
      out_.close();
    }
    name_ = segment_name(sequence_);
    out_.open(directory_ / name_, std::ios::binary);
    written_ = 0;
    append_line(line_, sequence_, time_, hash_,
                fmt::format(R"("event":"segment","details":{{"format":1,"key":"{}"}})",
                            to_base64url(key_.public_key())));
    put();
  }

  std::filesystem::path directory_;
  std::size_t segment_bytes_;
  SigningKey key_ = SigningKey::from_seed(Bytes(32, 7)).value();
  std::ofstream out_;
  std::string name_, line_, time_, hash_ = no_hash();
  std::uint64_t sequence_ = 1, bytes_ = 0;
  std::size_t written_ = 0, unsigned_ = 0;
};

struct Happening {
  WallTime at;
  std::string body;
  std::size_t plant;  // whose it is; none: of ordinary work
};
constexpr std::size_t no_plant = SIZE_MAX;

struct Worker {
  std::string id, card, manager;
  std::size_t workstation = 0;
  int shift = 0;        // 0 day, 1 late, 2 night, 3 office, 4 rotates through 0 to 2
  int changes_on = -1;  // the day on which the shift becomes another one
  bool is_manager = false, is_team = false;
  int away_until = -1;  // no work up to this day: a plant has the person
};

class Trust {
 public:
  Trust(const std::filesystem::path& directory, const TrustSize& size)
      : size_(size), writer_(directory, size.segment_bytes), random_(20260105) {
    out_.standing.zone = "UTC";
    out_.standing.made_at = first_day + hours(24) * size.days;
    out_.standing.availability = 99.5;
    out_.standing.sign_in = seconds(5);
    out_.standing.roles = {{"core", "Core ESR", "by-function"},
                           {"manager-self-service", "Manager Self Service", "team"},
                           {"employee-self-service", "Employee Self Service", "own"},
                           {"esr-workforce-systems", "ESR & Workforce Systems", "all"}};
    out_.standing.wanted = {{"training", "information-governance", "information governance training"},
                            {"declaration", "core-confidentiality", "core user confidentiality declaration"},
                            {"form", "ESR06", "ESR06 access form"}};
    out_.standing.plans = {{"ward-4", "10001",
                            Date(std::chrono::sys_days(std::chrono::floor<std::chrono::days>(first_day))),
                            Date(std::chrono::sys_days(std::chrono::floor<std::chrono::days>(first_day)) +
                                 std::chrono::days(20))}};
    out_.standing.pool_cards = 12;
    hire();
    plan();
  }

  TrustLog make() {
    note(first_day, R"("event":"start","details":{"version":"1.0"})");
    flush();
    for (day_ = 0; day_ < size_.days; ++day_) {
      for (std::size_t i = 0; i < workers_.size(); ++i) work(i);
      administration();
      service();
      if (const auto planned = plans_.find(day_); planned != plans_.end()) {
        for (const auto& [plant, act] : planned->second) {
          plant_ = plant;
          act();
        }
        plant_ = no_plant;
      }
      flush();
    }
    writer_.close();
    out_.records = writer_.sequence() - 1;
    out_.bytes = writer_.bytes();
    out_.from = first_day + hours(24) * (size_.days / 2);
    out_.to = first_day + hours(24) * size_.days;
    return std::move(out_);
  }

 private:
  std::size_t number(std::size_t below) { return static_cast<std::size_t>(random_() % below); }
  bool chance(double part) { return static_cast<double>(random_() >> 11U) * 0x1.0p-53 < part; }
  WallTime at(int day, int minute) const { return first_day + hours(24) * day + minutes(minute); }
  milliseconds some_seconds() { return milliseconds(number(60'000)); }
  std::string id() { return fmt::format("{:016x}{:06x}", random_(), number(1UL << 24U)); }

  void note(WallTime when, std::string body) { happenings_.push_back({when, std::move(body), plant_}); }
  void flush() {
    // What begins today may end tomorrow.
    const auto limit = first_day + hours(24) * (day_ + 1);
    std::ranges::stable_sort(happenings_, {}, &Happening::at);
    auto here = happenings_.begin();
    for (; here != happenings_.end() && (here->at < limit || day_ + 1 >= size_.days); ++here) {
      const auto record = writer_.write(here->at, here->body);
      if (here->plant != no_plant) out_.planted.at(here->plant).records.push_back(record);
    }
    happenings_.erase(happenings_.begin(), here);
  }

  std::string reader(std::size_t workstation) const {
    return fmt::format("Ward {} desk {} reader 00", workstation / 4 + 1, workstation % 4 + 1);
  }
  static std::size_t uid(std::size_t workstation) { return 2000 + workstation; }

  // --- Who works here.

  void hire() {
    for (std::size_t i = 0; i < size_.people; ++i) {
      Worker worker;
      worker.id = std::to_string(10001 + i);
      worker.card = fmt::format("{:08x}-1000-4000-8000-{:012x}", 0xC0000000U + i, i * 7919);
      worker.workstation = number(size_.workstations);
      worker.is_manager = i % 15 == 0;
      worker.is_team = i > 0 && i % 300 == 7;
      worker.manager = std::to_string(10001 + i / 15 * 15);
      worker.shift = worker.is_manager || worker.is_team ? 3 : static_cast<int>(number(5));
      if (chance(0.004)) worker.changes_on = static_cast<int>(number(static_cast<std::size_t>(size_.days)));
      StandingPerson person;
      person.id = worker.id;
      person.name = fmt::format("Invented Person {}", i + 1);
      worker.manager = i == 0 ? "10016" : worker.is_manager ? "10001" : worker.manager;
      person.manager = worker.manager;
      person.teams = {fmt::format("ward-{}", worker.workstation / 4 + 1)};
      person.employed_from = Date(std::chrono::year(2020), std::chrono::month(1), std::chrono::day(6));
      person.cards = {{worker.card, "active", {}, {}, std::nullopt}};
      person.roles = {"core"};
      if (worker.is_manager) person.roles.emplace_back("manager-self-service");
      if (worker.is_team) person.roles.emplace_back("esr-workforce-systems");
      const auto lapses = Date(std::chrono::sys_days(std::chrono::floor<std::chrono::days>(first_day)) +
                               std::chrono::days(number(700)));
      person.evidence = {
          {"form", "ESR06", "core", std::to_string(i + 1), "approved", worker.id, worker.manager,
           i == 7 ? "10307" : "10008", std::nullopt, std::nullopt},
          {"training", "information-governance", {}, {}, {}, {}, {}, {}, std::nullopt, lapses}};
      if (chance(0.95))
        person.evidence.push_back(
            {"declaration", "core-confidentiality", {}, {}, {}, {}, {}, {}, std::nullopt, std::nullopt});
      out_.standing.people.emplace(worker.id, std::move(person));
      workers_.push_back(std::move(worker));
    }
  }

  // --- What they do on an ordinary day.

  int begins(const Worker& worker) const {
    static constexpr std::array starts{7 * 60, 13 * 60, 20 * 60, 8 * 60 + 30};
    int shift = worker.shift == 4 ? day_ / 7 % 3 : worker.shift;
    if (worker.changes_on >= 0 && day_ >= worker.changes_on) shift = (shift + 2) % 4;
    return starts.at(static_cast<std::size_t>(shift));
  }

  void work(std::size_t index) {
    auto& worker = workers_[index];
    const bool weekend = day_ % 7 >= 5;
    const bool comes = worker.shift == 3 ? !weekend && chance(0.9) : chance(0.62);
    // The team's day is administration(): nobody is in two places.
    if (day_ <= worker.away_until || !comes || worker.is_team) return;
    int minute = begins(worker) + static_cast<int>(number(50)) - 10;
    const int turns = std::max(1, static_cast<int>(static_cast<double>(1 + number(3)) * size_.work));
    for (int turn = 0; turn < turns; ++turn) {
      const auto place = chance(0.8) ? worker.workstation : number(size_.workstations);
      minute = sitting(worker, place, minute) + 10 + static_cast<int>(number(80));
    }
  }

  std::string sign_in(const Worker& worker, std::size_t place, WallTime when) {
    auto session = id();
    note(
        when,
        fmt::format(
            R"("event":"sign_in","person":"{}","client":"desktop","session":"{}","policy":"5f1d2c","details":{{"reader":"{}","card":"{}","uid":{},"serial":"4D2","revocation":"good","peer":"uid={} pid={} unit=desktop.service","took_ms":{}}})",
            worker.id, session, reader(place), worker.card, uid(place), uid(place), 1000 + number(30000),
            350 + number(900)));
    return session;
  }
  std::string sign_in_by_password(const Worker& worker, std::size_t place, WallTime when) {
    auto session = id();
    note(
        when,
        fmt::format(
            R"("event":"sign_in","person":"{}","client":"self-service","session":"{}","policy":"5f1d2c","details":{{"sign_in":"password","uid":{},"peer":"uid={} pid=7 unit=web.service"}})",
            worker.id, session, uid(place), uid(place)));
    return session;
  }
  void token(const Worker& worker, std::string_view role, const std::string& session, WallTime when) {
    note(
        when,
        fmt::format(
            R"("event":"token","person":"{}","role":"{}","client":"desktop","session":"{}","policy":"5f1d2c","details":{{"audience":"esr","jti":"{}","expires":{},"revocation":"good"}})",
            worker.id, role, session, id(), to_unix_seconds(when) + 300));
  }
  void of_session(std::string_view event, const Worker& worker, const std::string& session,
                  std::string_view reason, WallTime when) {
    note(when, fmt::format(R"("event":"{}","person":"{}","session":"{}","reason":"{}")", event, worker.id,
                           session, reason));
  }
  void end(const Worker& worker, const std::string& session, std::string_view reason, WallTime when) {
    note(
        when,
        fmt::format(
            R"("event":"session_ended","person":"{}","session":"{}","reason":"{}","details":{{"tokens":0,"card":"{}"}})",
            worker.id, session, reason, worker.card));
  }
  void refuse(const Worker& worker, std::size_t place, std::string_view reason, WallTime when) {
    note(
        when,
        fmt::format(
            R"("event":"sign_in_refused","person":"{}","reason":"{}","details":{{"reader":"{}","peer":"uid={} pid=9 unit=desktop.service"}})",
            worker.id, reason, reader(place), uid(place)));
  }
  void counted(std::size_t place, std::string_view reason, std::size_t times, WallTime when) {
    note(
        when,
        fmt::format(
            R"("event":"repeated","reason":"{}","details":{{"event":"sign_in_refused","count":{},"uid":{}}})",
            reason, times, uid(place)));
  }
  void register_change(const Worker& of, const Worker& by, const std::string& session,
                       const std::string& details, WallTime when) {
    note(
        when,
        fmt::format(
            R"("event":"register_changed","person":"{}","role":"esr-workforce-systems","client":"desktop","session":"{}","details":{{{},"by":"{}"}})",
            of.id, session, details, by.id));
  }

  /// From one sign-in to its end. Gives the minute of the end.
  int sitting(const Worker& worker, std::size_t place, int minute) {
    auto when = at(day_, minute) + some_seconds();
    if (chance(0.03)) refuse(worker, place, "passcode_incorrect", when - seconds(20));
    if (chance(0.004)) {
      refuse(worker, place, "passcode_incorrect", when - seconds(70));
      counted(place, "passcode_incorrect", 1, when - seconds(50));
    }
    const auto session = sign_in(worker, place, when);
    const auto tokens = 2 + number(5);
    for (std::size_t i = 0; i < tokens; ++i) {
      minute += 1 + static_cast<int>(number(12));
      if (chance(0.03)) {
        note(
            at(day_, minute),
            fmt::format(
                R"("event":"token_refused","person":"{}","role":"manager-self-service","client":"desktop","session":"{}","reason":"prerequisites_unmet","policy":"5f1d2c","details":{{"audience":"esr","unmet":["line-manager"]}})",
                worker.id, session));
      } else {
        token(worker,
              worker.is_team && chance(0.5)      ? "esr-workforce-systems"
              : worker.is_manager && chance(0.3) ? "manager-self-service"
                                                 : "core",
              session, at(day_, minute) + some_seconds());
      }
    }
    if (chance(0.15)) {
      of_session("session_locked", worker, session, "idle", at(day_, minute + 16));
      minute += 20 + static_cast<int>(number(chance(0.05) ? 150 : 60));
      of_session("session_resumed", worker, session, "", at(day_, minute));
      minute += 5;
      token(worker, "core", session, at(day_, minute));
    }
    minute += 2;
    const auto out = at(day_, minute);
    note(out,
         fmt::format(R"("event":"card_removed","person":"{}","session":"{}","details":{{"reader":"{}"}})",
                     worker.id, session, reader(place)));
    end(worker, session, "card_removed", out + milliseconds(2));
    return minute;
  }

  /// The team's day: forms, cards, looks at people.
  void administration() {
    if (day_ % 7 >= 5) return;
    for (auto& worker : workers_) {
      if (!worker.is_team || day_ <= worker.away_until) continue;
      auto minute = 10 * 60 + static_cast<int>(number(30));
      const auto session = sign_in(worker, worker.workstation, at(day_, minute));
      const auto other = std::ranges::find_if(
          workers_, [&](const Worker& each) { return each.is_team && each.id != worker.id; });
      for (std::size_t i = 0; i < 4 + number(8); ++i) {
        const auto& whom = workers_[number(workers_.size())];
        minute += 2;
        note(
            at(day_, minute),
            fmt::format(
                R"("event":"looked_at","person":"{}","role":"esr-workforce-systems","client":"uid={} pid=5","session":"{}","reason":"staff record","details":{{"by":"{}"}})",
                whom.id, uid(worker.workstation), session, worker.id));
        if (!chance(0.4)) continue;
        const auto form = std::to_string(++form_);
        const auto manager = std::ranges::find(workers_, whom.manager, &Worker::id);
        note(
            at(day_, minute) - hours(1),
            fmt::format(
                R"("event":"form","person":"{}","client":"desktop","session":"{}","reason":"","details":{{"act":"verified","form":"{}","by":"{}"}})",
                whom.id, id(), form, manager->id));
        note(
            at(day_, minute) + seconds(30),
            fmt::format(
                R"("event":"form","person":"{}","role":"esr-workforce-systems","client":"desktop","session":"{}","details":{{"act":"approved","form":"{}","by":"{}"}})",
                whom.id, session, form, worker.id));
      }
      // Somebody lost a card: one person registers the new one, and another confirms it.
      if (chance(0.5) && other != workers_.end()) {
        auto& whom = workers_[number(workers_.size())];
        whom.card = fmt::format("{:08x}-2000-4000-8000-{:012x}", 0xD0000000U + form_, random_() >> 20U);
        minute += 3;
        register_change(
            whom, worker, session,
            fmt::format(R"("card":"{}","status":"active","registered_by":"{}","confirmed_by":"{}")",
                        whom.card, worker.id, other->id),
            at(day_, minute));
      }
      end(worker, session, "card_removed", at(day_, minute + 3));
    }
  }

  void service() {
    if (day_ % 30 == 12) {
      const auto from = at(day_, 22 * 60);
      const auto members = [&](std::string_view act) {
        return fmt::format(
            R"("event":"downtime","details":{{"act":"{}","downtime":{},"kind":"planned","severity":"moderate","closes":true,"begins_at":"{}","ends_at":"{}")",
            act, day_, to_rfc3339(from), to_rfc3339(from + minutes(90)));
      };
      note(from, members("began") + "}");
      note(from + minutes(80),
           members("ended") + fmt::format(R"(,"ended_at":"{}"}})", to_rfc3339(from + minutes(80))));
    }
    if (day_ % 30 == 20)
      note(at(day_, 180),
           fmt::format(R"("event":"reload","policy":"{:08x}","details":{{}})", random_() >> 32U));
  }

  // --- What is planted.

  void plan_on(int day, std::size_t plant, std::function<void()> act) {
    plans_[day].emplace_back(plant, std::move(act));
  }

  /// An ordinary person of the day shift, nobody's victim yet, who does not work from `day` on for `days`.
  Worker& victim(int day, int days) {
    for (;;) {
      auto& worker = workers_[number(workers_.size())];
      if (worker.shift != 0 || worker.is_manager || worker.is_team || worker.changes_on >= 0 ||
          worker.away_until >= 0)
        continue;
      worker.away_until = 0;
      plans_[day].insert(plans_[day].begin(),
                         {no_plant, [&worker, day, days] { worker.away_until = day + days; }});
      return worker;
    }
  }
  std::size_t planted(std::string_view kind, const std::string& person) {
    out_.planted.push_back({std::string(kind), person, {}});
    return out_.planted.size() - 1;
  }

  // An act is done after the ordinary work of its day, so that the victim stays away it is announced on the day before.
  template <class Act>
  void plant(std::string_view kind, int day, int days, Act act) {
    Worker& worker = victim(day - 1, days + 1);
    const auto index = planted(kind, worker.id);
    plan_on(day, index, [this, &worker, act, day] { act(worker, day); });
  }

  std::size_t other_place(const Worker& worker) const {
    return (worker.workstation + size_.workstations / 2) % size_.workstations;
  }

  void plan() {
    const int begin = size_.days / 2 + 2;
    const int room = std::max(1, (size_.days - begin - 8) / 3);
    for (int nth = 0; nth < 3; ++nth) {
      const int day = begin + nth * room;
      plan_places(day, nth);
      plan_leave(day, nth);
      plan_leaver(day, nth);
      plan_removed(day, nth);
      plan_hours_and_looks(day, nth);
      plan_guesses(day, nth);
      plan_left(day, nth);
      plan_card(day, nth);
    }
  }

  void plan_places(int day, int nth) {
    plant("card_in_two_places", day, 1, [this, nth](const Worker& worker, int on) {
      const auto first = sign_in(worker, worker.workstation, at(on, 540 + nth));
      token(worker, "core", first, at(on, 545));
      const auto second = sign_in(worker, other_place(worker), at(on, 560));
      token(worker, "core", second, at(on, 561));
      end(worker, second, "card_removed", at(on, 570));
      end(worker, first, "card_removed", at(on, 580));
    });
    plant("account_in_two_places", day, 1, [this](const Worker& worker, int on) {
      const auto first = sign_in_by_password(worker, worker.workstation, at(on, 600));
      token(worker, "employee-self-service", first, at(on, 604));
      const auto second = sign_in_by_password(worker, other_place(worker), at(on, 609));
      token(worker, "employee-self-service", second, at(on, 610));
      end(worker, first, "signed_out", at(on, 620));
      end(worker, second, "signed_out", at(on, 630));
    });
  }

  Date date(int day) const {
    return Date(std::chrono::sys_days(std::chrono::floor<std::chrono::days>(first_day)) +
                std::chrono::days(day));
  }
  const Worker& team_member() const {
    return *std::ranges::find_if(workers_, [](const Worker& each) { return each.is_team; });
  }
  void day_at_work(const Worker& worker, int on) {
    const auto session = sign_in(worker, worker.workstation, at(on, 450));
    token(worker, "core", session, at(on, 455));
    end(worker, session, "card_removed", at(on, 470));
  }

  void plan_leave(int day, int nth) {
    plant("used_on_leave", day, 20, [this, nth](const Worker& worker, int on) {
      const auto leave = fmt::format(R"("leave_from":"{}","leave_until":"{}")",
                                     cardgate::to_text(date(on - 1)), cardgate::to_text(date(on + 15)));
      if (nth == 0) register_change(worker, team_member(), "", leave, at(on, 10));
      if (nth == 0) refuse(worker, worker.workstation, "access_denied", at(on, 700));
      if (nth == 1) day_at_work(worker, on);
      if (nth == 1) register_change(worker, team_member(), "", leave, at(on, 1000));
      if (nth == 2) day_at_work(worker, on);
      if (nth == 2) {  // only the register knows
        auto& person = out_.standing.people.at(worker.id);
        person.leave_from = date(on - 1);
        person.leave_until = date(on + 15);
      }
    });
  }

  void plan_leaver(int day, int nth) {
    plant("used_after_leaving", day, 400, [this, nth](const Worker& worker, int on) {
      const auto last_day = fmt::format(R"("employed_until":"{}")", cardgate::to_text(date(on - 1)));
      if (nth == 0) register_change(worker, team_member(), "", last_day, at(on, 10));
      if (nth == 0) refuse(worker, worker.workstation, "access_denied", at(on, 710));
      if (nth == 1) day_at_work(worker, on);
      if (nth == 1) register_change(worker, team_member(), "", last_day, at(on, 1010));
      if (nth == 2) day_at_work(worker, on);
      out_.standing.people.at(worker.id).employed_until = date(on - 1);
    });
  }

  void plan_removed(int day, int nth) {
    plant("removed_card_used", day, 400, [this, nth](const Worker& worker, int on) {
      note(
          at(on, 500),
          fmt::format(
              R"("event":"removal","person":"{}","role":"esr-workforce-systems","client":"desktop","session":"{}","reason":"under investigation","details":{{"act":"{}","removal":"{}","by":"{}"}})",
              worker.id, id(), nth == 0 ? "done" : "asked for and done", nth + 1, team_member().id));
      if (nth < 2) refuse(worker, worker.workstation, "access_denied", at(on, 640));
      if (nth == 2) {
        const auto session = sign_in(worker, worker.workstation, at(on, 640));
        end(worker, session, "card_removed", at(on, 650));
      }
      auto& person = out_.standing.people.at(worker.id);
      person.removed = true;
      person.removed_on = date(on);
    });
  }

  void plan_hours_and_looks(int day, int nth) {
    plant("unusual_hours", day, 1, [this, nth](const Worker& worker, int on) {
      const auto session = sign_in(worker, worker.workstation, at(on, 110 + 20 * nth));
      token(worker, "core", session, at(on, 175));
      end(worker, session, "card_removed", at(on, 180));
    });
    plant("looked_outside_team", day, 1, [this, nth](const Worker& worker, int on) {
      const auto session = sign_in(worker, worker.workstation, at(on, 480));
      for (int i = 0; i < (nth == 2 ? 60 : 5); ++i) {
        const auto& whom = workers_[(number(workers_.size() / 2) + 17) % workers_.size()];
        const auto when = at(on, 482 + i);
        if (nth == 0) {
          note(
              when,
              fmt::format(
                  R"("event":"record_asked","person":"{}","role":"core","session":"{}","reason":"not in reach","details":{{"record":"{}","peer":"uid={} pid=3"}})",
                  worker.id, session, whom.id, uid(worker.workstation)));
        } else {
          note(
              when,
              fmt::format(
                  R"("event":"looked_at","person":"{}","role":"{}","client":"uid={} pid=5","session":"{}","reason":"staff record","details":{{"by":"{}"}})",
                  whom.id, nth == 1 ? "manager-self-service" : "core", uid(worker.workstation), session,
                  worker.id));
        }
      }
      end(worker, session, "card_removed", at(on, 560));
    });
  }

  void plan_guesses(int day, int nth) {
    plant("refusals_then_success", day, 1, [this, nth](const Worker& worker, int on) {
      const auto place = worker.workstation;
      if (nth == 0) {
        for (int i = 0; i < 6; ++i) refuse(worker, place, "passcode_incorrect", at(on, 470 + i));
      } else {
        refuse(worker, place, nth == 1 ? "passcode_incorrect" : "throttled", at(on, 474));
        // Counted by uid, and told before the success or after it.
        counted(place, nth == 1 ? "passcode_incorrect" : "throttled", 7,
                nth == 1 ? at(on, 476) + seconds(30) : at(on, 475));
      }
      const auto session = sign_in(worker, place, at(on, 476) + seconds(5));
      end(worker, session, "card_removed", at(on, 500));
    });
  }

  void plan_left(int day, int nth) {
    plant("left_signed_in", day, 2, [this, nth](const Worker& worker, int on) {
      const auto session = sign_in(worker, worker.workstation, at(on, 480));
      token(worker, "core", session, at(on, 490));
      if (nth < 2) of_session("session_locked", worker, session, "idle", at(on, 506));
      end(worker, session, nth == 0 ? "card_removed" : "time_up", at(on, 480 + 720));
    });
  }

  void plan_card(int day, int nth) {
    plant("card_before_approval", day, 1, [this, nth](const Worker& worker, int on) {
      auto& registrar = workers_[number(workers_.size())];
      const std::string card = fmt::format("eeeeeee{}-3000-4000-8000-00000000000{}", nth, nth);
      Worker with = worker;
      with.card = card;
      register_change(worker, registrar, "",
                      fmt::format(R"("card":"{}","status":"active","registered_by":"{}","confirmed_by":"{}")",
                                  card, registrar.id, team_member().id),
                      at(on, 480));
      const auto session = sign_in(with, worker.workstation, at(on, 600));
      note(
          at(on, 605),
          fmt::format(
              R"("event":"form","person":"{}","client":"desktop","session":"{}","details":{{"act":"{}","form":"9{}","by":"{}"}})",
              registrar.id, session, nth == 0 ? "verified" : "approved", nth, worker.id));
      end(with, session, "card_removed", at(on, 610));
    });
  }

  TrustSize size_;
  TrustWriter writer_;
  std::mt19937_64 random_;
  TrustLog out_;
  std::vector<Worker> workers_;
  std::vector<Happening> happenings_;
  std::map<int, std::vector<std::pair<std::size_t, std::function<void()>>>> plans_;
  std::size_t plant_ = no_plant;
  std::uint64_t form_ = 100;
  int day_ = 0;
};

}  // namespace

TrustLog write_trust_log(const std::filesystem::path& directory, const TrustSize& size) {
  return Trust(directory, size).make();
}

}  // namespace cardgate::audit::report
