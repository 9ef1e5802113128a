// SPDX-License-Identifier: Apache-2.0
// How the service does: what is wrong, readers, downtime, counters. Others' business is not shown (rule 10).
#include "daemon/api/status_api.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "daemon/cards/card_name.hpp"
#include "daemon/drivers/tries.hpp"
#include "daemon/people/answers.hpp"
#include "daemon/people/holder.hpp"
#include "daemon/rules/keys.hpp"
#include "policy/lapses.hpp"
#include "proto/openapi.hpp"

namespace cardgate::daemon {
namespace {

std::string_view state_name(Reader::State state) {
  switch (state) {
    case Reader::State::reading:
      return "reading";
    case Reader::State::ready:
      return "ready";
    case Reader::State::unusable:
    case Reader::State::empty:
      break;
  }
  return "unusable";
}

json::value lists_json(const trust::ListTimes& lists) {
  if (lists.count == 0)
    return json::object{{"count", 0}, {"oldest_made_at", nullptr}, {"first_ends_at", nullptr}};
  return json::object{{"count", lists.count},
                      {"oldest_made_at", to_rfc3339(lists.oldest)},
                      {"first_ends_at", to_rfc3339(lists.first_due)}};
}

/// What is wrong with the writing down of what is done. `owed`: how many acts the staff register still lacks; `reserve_problem`:
/// what is wrong with the file that keeps them.
std::vector<Trouble> told_of_writing(const audit::Log::Health& health, std::size_t owed,
                                     const std::string& reserve_problem) {
  std::vector<Trouble> told;
  if (!health.ok)
    told.push_back(
        {"audit_log", "The audit log cannot be written, so no tokens are issued: " + health.problem});
  if (owed > 0) {
    told.push_back(
        {"register", fmt::format("{} changes that take access away are in force, but not yet in the staff "
                                 "register, because it cannot be written.",
                                 owed)});
  }
  if (!reserve_problem.empty())
    told.push_back(
        {"reserve", "The reserve file for changes that have begun has a problem: " + reserve_problem});
  if (health.late > 0) {
    told.push_back(
        {"audit_log",
         fmt::format("{} audit records wait until the audit log can be written{}.", health.late,
                     health.late_unsafe > 0
                         ? fmt::format("; {} of them are only in memory, and are lost when the service stops",
                                       health.late_unsafe)
                         : std::string())});
  }
  if (!health.late_problem.empty())
    told.push_back(
        {"reserve", "The reserve file for late audit records has a problem: " + health.late_problem});
  if (health.ok && !health.problem.empty())
    told.push_back({"audit_log", "The audit log warns: " + health.problem});
  return told;
}

/// What was found of a card holds until the answers about it end.
bool is_out_of_time(const trust::Verdict& verdict, WallTime now) {
  return verdict.valid &&
         (now > verdict.good_until || (verdict.revocation == "good" && now > verdict.fresh_until));
}

/// What is in the reader, for those who may sign in there. `registered`: nothing when the register cannot tell.
json::object card_json(const Reader& reader, std::optional<bool> registered, bool must_change_passcode,
                       WallTime now) {
  json::object out{{"state", state_name(reader.state)}};
  if (reader.state == Reader::State::unusable) out["problem"] = reader.problem;
  if (reader.state != Reader::State::ready) return out;
  const CardFacts& card = *reader.card;
  out["id"] = card.id;
  if (card.info.subject_fields.contains("CN")) out["name"] = certificate_name(card.info);
  if (registered) out["registered"] = *registered;
  if (must_change_passcode) out["must_change_passcode"] = true;
  if (card.named_by_certificate)
    out["issuer_serial"] = fmt::format("{};{}", card.info.issuer, card.info.serial);
  out["tries_left"] = tries_json(reader.tries_left);
  if (reader.unblocking_tries_left != tries_unknown)
    out["unblocking_tries_left"] = reader.unblocking_tries_left;
  out["genuine"] = card.present ? "shown" : "not shown";
  out["transaction"] = card.driver->transaction_guaranteed() ? "guaranteed" : "not guaranteed";
  out["certificate_expires_at"] = to_rfc3339(card.info.not_after);
  out["revocation"] = card.verdict.revocation;
  if (const auto warning = certificate_warning(card.info, now)) out["warning"] = *warning;
  if (reader.tries_left == 0) {
    out["problem"] =
        "The card is blocked, because the passcode was wrong too many times. Take it to the smartcard "
        "help desk to have it unblocked.";
  }
  if (!card.verdict.valid && !card.verdict.findings.empty())
    out["problem"] = trust::explain(card.verdict.findings.front());
  return out;
}

/// Those that are not over.
json::array downtime_json(const std::vector<FixedNotice>& fixed, const std::vector<reg::Downtime>& open,
                          WallTime now) {
  json::array out;
  for (const auto& downtime : open) out.push_back(to_json(downtime, now));
  for (const auto& notice : fixed) {
    if (notice.until <= now) continue;
    out.push_back(json::object{{"severity", notice.severity},
                               {"begins_at", to_rfc3339(notice.from)},
                               {"ends_at", to_rfc3339(notice.until)},
                               {"text", notice.text}});
  }
  return out;
}

}  // namespace

/// How the service does at one moment.
struct StatusApi::Condition {
  audit::Log::Health health;
  std::size_t owed = 0;
  ConfigurationInUse::State configuration = ConfigurationInUse::State::in_use;
  trust::ListTimes lists;
  std::optional<std::size_t> people;
  bool sound = true;
  std::vector<std::string> told;  // the problems, then what is good to know
};

std::vector<Trouble> StatusApi::told_of_parts(const audit::Log::Health& health, std::size_t owed) {
  auto told = told_of_writing(health, owed, open_acts_.problem());
  const auto tell = [&told](const char* part, const std::string& text) {
    if (!text.empty()) told.push_back({part, text});
  };
  if (const auto there = roll_.staff().in_place(); !there) register_.failed(there.error());
  tell("register", register_.problem());
  tell("register", register_desk_.last_check().problem);
  tell("passwords", passwords_.trouble());
  tell("trust_files", loader_.trust_problem());
  if (!cards_.readers().service_up()) tell("pcscd", cards_.readers().service_problem());
  sessions_.look_at_clock();  // so that a clock set back since the last call is noticed
  if (const auto back = clock_.guard().set_back_by())
    tell("clock", fmt::format("The clock was set back by {} s.", back->count()));
  return told;
}

std::optional<std::string> StatusApi::overdue_lists() const {
  const auto lists = rules_.judge()->authorities().list_times();
  if (rules_.judge()->fetches() || clock_.now() <= lists.first_due) return std::nullopt;
  return told_of_overdue(lists, clock_.now());
}

std::vector<Trouble> StatusApi::troubles() {
  auto told = told_of_parts(recorder_.health(), open_acts_.owed().size());
  if (auto overdue = overdue_lists()) told.push_back({"revocation_lists", std::move(*overdue)});
  if (auto text = rules_.judge()->helper_trouble(); !text.empty()) told.push_back({"fetch", std::move(text)});
  if (auto text = rules_.judge()->answers_trouble(); !text.empty())
    told.push_back({"revocation_answers", std::move(text)});
  return told;
}

StatusApi::Condition StatusApi::condition() {
  Condition now;
  now.health = recorder_.health();
  now.owed = open_acts_.owed().size();
  auto& told = now.told;
  for (auto& trouble : told_of_parts(now.health, now.owed)) told.push_back(std::move(trouble.text));
  const auto configuration = loader_.configuration();
  now.configuration = configuration.state;
  if (now.configuration == ConfigurationInUse::State::refused) told.push_back(configuration.text);
  now.lists = rules_.judge()->authorities().list_times();
  const auto told_of_lists = told_of_overdue(now.lists, clock_.now());
  const auto overdue = overdue_lists();
  if (overdue) told.push_back(*overdue);
  if (rules_.judge()->authorities().anchor_count() == 0) {
    told.push_back("There is no trust anchor, so no card can be used. The next step: sudo cardgate setup");
  }
  now.sound = told.empty();
  // Told, but nothing that the service does is worse for it.
  if (now.configuration == ConfigurationInUse::State::changed) told.push_back(configuration.text);
  if (told_of_lists && !overdue) told.push_back(*told_of_lists);
  now.people = roll_.count(clock_.boot());
  if (now.people == 0U) {
    told.push_back(
        "0 people are registered, so nobody can sign in. Import your staff file: cardgate staff import FILE");
  }
  std::ranges::copy(told_at_start, std::back_inserter(told));
  std::ranges::move(told_of_passed_over(rules_.judge()->authorities(), clock_.now()),
                    std::back_inserter(told));
  return now;
}

std::optional<bool> StatusApi::is_registered(const CardFacts& card) {
  const auto* chuid = card.chuid ? &*card.chuid : nullptr;
  const auto holder = find_holder(roll_.staff(), rules_.config().mapping, card.info, chuid);
  if (!holder) return std::nullopt;
  return holder->people.size() == 1;
}

json::array StatusApi::readers_json(const Peer& peer) {
  json::array readers;
  for (const auto& [reader_name, reader] : cards_.readers().all()) {
    if (reader.card && is_out_of_time(reader.card->verdict, clock_.now())) cards_.judge(reader_name);
    json::object entry{{"name", reader_name}, {"card_present", reader.state != Reader::State::empty}};
    if (reader.state != Reader::State::empty && admission_.may_sign_in_at(peer, reader_name)) {
      std::optional<bool> registered;
      bool must_change_passcode = false;
      if (reader.state == Reader::State::ready) {
        registered = is_registered(*reader.card);
        const auto pooled = roll_.staff().pool_card(reader.card->id);
        must_change_passcode = pooled && pooled->status == "active" && pooled->must_change_passcode;
      }
      entry["card"] = card_json(reader, registered, must_change_passcode, clock_.now());
    }
    readers.push_back(std::move(entry));
  }
  return readers;
}

json::object StatusApi::service_json(const Condition& now) {
  const std::string_view state = sessions_.stopping() ? "draining" : now.sound ? "ok" : "degraded";
  return {{"people_registered", now.people ? json::value(*now.people) : json::value(nullptr)},
          {"configuration", name(now.configuration)},
          {"revocation_lists", lists_json(now.lists)},
          {"version", CARDGATE_VERSION},
          {"state", state},
          {"problems", json::array(now.told.begin(), now.told.end())},
          {"audit", now.health.ok ? "ok" : "failing"},
          {"late_records", now.health.late},
          {"unwritten_acts", now.owed},
          {"pcscd", cards_.readers().service_up() ? "ok" : "unreachable"},
          {"signing_keys", signing_keys_kept(rules_.config().state_directory)},
          {"policy", rules_.policy()->hash()}};
}

Answer StatusApi::status(Request& request) {
  const auto now = condition();
  auto readers = readers_json(*request.peer);
  json::array faults;
  for (auto& text : faults_.announcements()) faults.push_back(json::string(text));
  co_return json_response(200, json::object{{"service", service_json(now)},
                                            {"readers", std::move(readers)},
                                            {"faults", std::move(faults)},
                                            {"downtime", downtime_json(rules_.config().downtime.fixed,
                                                                       downtime_.open(), clock_.now())}});
}

Answer StatusApi::openapi(Request&) {
  Response answer;
  answer.body = proto::openapi_json();
  co_return answer;
}

void StatusApi::measure_cards(Gauges& out) {
  double cards = 0, blocked = 0, last_try = 0, unusable = 0;
  std::optional<WallTime> first_end;
  for (const auto& [name, reader] : cards_.readers().all()) {
    if (reader.state == Reader::State::empty) continue;
    ++cards;
    if (reader.state == Reader::State::unusable) ++unusable;
    if (reader.state != Reader::State::ready) continue;
    if (reader.tries_left == 0) ++blocked;
    if (reader.tries_left == 1) ++last_try;
    const auto end = reader.card->info.not_after;
    if (!first_end || end < *first_end) first_end = end;
  }
  out.insert(out.end(), {{"readers", static_cast<double>(cards_.readers().all().size())},
                         {"cards", cards},
                         {"cards_blocked", blocked},
                         {"cards_on_last_try", last_try},
                         {"cards_unusable", unusable},
                         {"pcscd_up", cards_.readers().service_up() ? 1.0 : 0.0}});
  if (first_end)
    out.push_back(
        {"card_certificate_left_seconds", std::chrono::duration<double>(*first_end - clock_.now()).count()});
}

void StatusApi::measure_revocation(Gauges& out) {
  const auto since = [&](WallTime then) {
    return std::chrono::duration<double>(clock_.now() - then).count();
  };
  const auto lists = rules_.judge()->authorities().list_times();
  out.push_back({"revocation_lists", static_cast<double>(lists.count)});
  if (lists.count > 0) {
    out.push_back({"revocation_list_age_seconds", since(lists.oldest)});
    out.push_back({"revocation_list_left_seconds", -since(lists.first_due)});
  }
  const auto answers = rules_.judge()->answers()->ocsp_times();
  out.push_back({"revocation_answers", static_cast<double>(answers.count)});
  if (answers.count > 0) out.push_back({"revocation_answer_age_seconds", since(answers.oldest)});
}

Answer StatusApi::metrics(Request&) {
  const auto health = recorder_.health();
  const bool in_use = loader_.configuration().state == ConfigurationInUse::State::in_use;
  Gauges gauges{{"build", 1.0, CARDGATE_VERSION},
                {"people", static_cast<double>(roll_.count(clock_.boot()).value_or(0))},
                {"configuration_in_use", in_use ? 1.0 : 0.0},
                {"sessions", static_cast<double>(sessions_.size())},
                {"tokens_live", static_cast<double>(sessions_.token_count())},
                {"listeners", static_cast<double>(events_.listeners())},
                {"connections", static_cast<double>(connections ? connections() : 0)},
                {"audit_ok", health.ok ? 1.0 : 0.0},
                {"audit_queue", static_cast<double>(health.waiting)},
                {"audit_records", static_cast<double>(health.records)},
                {"audit_syncs", static_cast<double>(health.syncs)},
                {"acts_unwritten", static_cast<double>(open_acts_.owed().size())},
                {"audit_late", static_cast<double>(health.late)},
                {"faults_open", static_cast<double>(faults_.open().size())},
                {"downtime_open", static_cast<double>(downtime_.open().size())},
                {"downtime_closed", downtime_.closing().sign_ins ? 1.0 : 0.0}};
  measure_cards(gauges);
  measure_revocation(gauges);
  Response answer;
  answer.content_type = "application/openmetrics-text; version=1.0.0; charset=utf-8";
  answer.body = recorder_.metrics(gauges);
  co_return answer;
}

Answer StatusApi::reload(Request&) {
  auto reloading = loader_.reload();
  const auto outcome = co_await std::move(reloading);
  if (outcome) co_return json_response(200, json::object{{"policy", rules_.policy()->hash()}});
  if (outcome.error().code == Errc::cancelled) co_return draining();
  const auto told = loader_.configuration().text;
  co_return problem(422, "configuration_refused", told.empty() ? outcome.error().context + "." : told);
}

}  // namespace cardgate::daemon
