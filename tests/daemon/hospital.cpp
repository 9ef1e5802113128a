// SPDX-License-Identifier: Apache-2.0
#include "tests/daemon/hospital.hpp"

#include "base/day_text.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <fstream>
#include <stdexcept>

namespace cardgate::testing {
namespace {

using std::chrono::days;
using std::chrono::seconds;

constexpr const char* readers[] = {Pcscd::first_name, Pcscd::second_name};
constexpr std::uint16_t ports[] = {simcard::first_reader, simcard::second_reader};

std::chrono::sys_days today() {
  return std::chrono::floor<days>(std::chrono::system_clock::now());
}

simcard::Personalisation named(const std::string& person) {
  simcard::Personalisation what;
  what.person = person;
  return what;
}

std::string line_of(const std::vector<std::string>& arguments) {
  return fmt::format("cardgate {}", fmt::join(arguments, " "));
}

}  // namespace

Hospital::Hospital() {
  // The lists of revoked certificates outlast the year that is played.
  auto made = simcard::Ca::open_or_create(stage.dir / "ca", {.crl_life = days(1000)});
  if (!made) throw std::runtime_error(made.error().message());
  stage.ca = std::make_unique<simcard::Ca>(std::move(*made));
}

Hospital::~Hospital() {
  leave(0);
  leave(1);
}

void Hospital::employ(const std::string& id, const std::string& name, const std::string& more) {
  auto data = simcard::personalise(*stage.ca, named(name)).value();
  const auto uuid = simcard::to_text(data.uuid);
  people_[id] = {
      name, fmt::format("  - id: \"{}\"\n    name: {}\n    cards: [{{uuid: {}}}]\n{}", id, name, uuid, more),
      std::make_unique<simcard::Card>(std::move(data))};
}

std::string Hospital::new_card(const std::string& id) {
  auto data = simcard::personalise(*stage.ca, named(people_.at(id).name)).value();
  auto uuid = simcard::to_text(data.uuid);
  leave(0);
  leave(1);
  new_cards_[id] = std::move(people_.at(id).card);  // the old one is kept: something may still point to it
  people_.at(id).card = std::make_unique<simcard::Card>(std::move(data));
  return uuid;
}

std::string Hospital::spare_card(const std::string& id, const std::string& holder, const std::string& name) {
  auto data = simcard::personalise(*stage.ca, named(name.empty() ? people_.at(id).name : name)).value();
  auto uuid = simcard::to_text(data.uuid);
  people_[holder] = {name, {}, std::make_unique<simcard::Card>(std::move(data))};
  return uuid;
}

std::string Hospital::spare_card(const std::string& holder, const simcard::Personalisation& what) {
  auto data = simcard::personalise(*stage.ca, what).value();
  auto uuid = simcard::to_text(data.uuid);
  people_[holder] = {what.person, {}, std::make_unique<simcard::Card>(std::move(data))};
  return uuid;
}

void Hospital::open(bool calendar) {
  if (calendar) stage.with_calendar();
  stage.limits = "limits: {sign_ins_per_minute: 1000}\n";
  stage.roles =
      "employee-self-service, core, manager-self-service, supervisor-self-service, "
      "administrator-self-service, "
      "esr-workforce-systems";
  stage.up();
  std::string yaml = "people:\n";
  for (const auto& [id, member] : people_) yaml += member.yaml;
  import(yaml);
}

void Hospital::import(const std::string& people_yaml) {
  const auto imported = stage.import(people_yaml);
  if (imported.status != 200) throw std::runtime_error("import: " + imported.body);
}

std::string Hospital::day(int ahead) const {
  return to_text(Date(today() + days(ahead)));
}

std::string Hospital::spoken_day(int ahead) const {
  return day_text(Date(today() + days(ahead)));
}

void Hospital::turn_to(int ahead) {
  leave(0);
  leave(1);
  const auto wanted = today() + days(ahead) + std::chrono::hours(9);
  stage.set_clock(std::chrono::duration_cast<seconds>(wanted - std::chrono::system_clock::now()));
}

void Hospital::turn_to_end_of(int ahead, int before) {
  leave(0);
  leave(1);
  const auto wanted = today() + days(ahead + 1) - seconds(before);
  stage.set_clock(std::chrono::duration_cast<seconds>(wanted - std::chrono::system_clock::now()));
}

void Hospital::leave(int reader) {
  auto& seat = seats_[reader];
  if (!seat.link) return;
  seat.link->pull();
  seat = {};
  if (stage.daemon && !eventually(seconds(10), [&] { return stage.card_status(readers[reader]).empty(); })) {
    throw std::runtime_error("the card's removal was not seen");
  }
}

Finished Hospital::login(const std::string& id, int reader) {
  leave(reader);
  auto& seat = seats_[reader];
  auto& member = people_.at(id);
  seat.person = id;
  seat.link = std::make_unique<simcard::VpcdLink>(*member.card, ports[reader]);
  if (!seat.link->insert()) throw std::runtime_error("the card cannot be inserted");
  const bool read = eventually(seconds(15), [&] {
    const auto status = stage.card_status(readers[reader]);
    const auto* state = find_string(status, "state");
    return state != nullptr && *state != "reading";
  });
  if (!read) throw std::runtime_error("the card was not read");
  auto done =
      stage.cardgate({"--json", "login", "--reader", readers[reader], "--passcode-stdin"}, Stage::pin);
  if (done.status == 0) {
    const auto answer = parse_json(done.output);
    if (answer) seat.session = std::string(*find_string(answer->as_object(), "id"));
  }
  return done;
}

void Hospital::seat(const std::string& id, int reader) {
  if (seats_[reader].person == id && !seats_[reader].session.empty()) return;
  const auto done = login(id, reader);
  ASSERT_EQ(done.status, 0) << id << " cannot sign in: " << done.all;
}

std::string Hospital::session_of(const std::string& id) const {
  for (const auto& seat : seats_) {
    if (seat.person == id) return seat.session;
  }
  return {};
}

std::string Hospital::card_of(const std::string& id) const {
  return simcard::to_text(people_.at(id).card->data().uuid);
}

Finished Hospital::run(const std::string& id, std::vector<std::string> arguments) {
  arguments.push_back("--session");
  arguments.push_back(session_of(id));
  return stage.cardgate(std::move(arguments));
}

json::object Hospital::can(const std::string& id, std::vector<std::string> arguments,
                           std::string_view words) {
  arguments.insert(arguments.begin(), "--json");
  const auto line = line_of(arguments);
  const auto done = run(id, std::move(arguments));
  EXPECT_EQ(done.status, 0) << id << ": " << line << "\n" << done.all;
  EXPECT_NE(done.all.find(words), std::string::npos)
      << id << ": " << line << " does not say \"" << words << "\":\n"
      << done.all;
  const auto answer = parse_json(done.output);
  return answer && answer->is_object() ? answer->as_object() : json::object{};
}

void Hospital::cannot(const std::string& id, std::vector<std::string> arguments, std::string_view words) {
  const auto line = line_of(arguments);
  const auto done = run(id, std::move(arguments));
  EXPECT_TRUE(done.status == 1 || done.status == 2) << id << ": " << line << "\n" << done.all;
  EXPECT_NE(done.all.find(words), std::string::npos)
      << id << ": " << line << " does not say \"" << words << "\":\n"
      << done.all;
}

json::object Hospital::has(const std::string& id, std::vector<std::string> arguments,
                           std::string_view words) {
  if (session_of(id).empty()) seat(id);
  return can(id, std::move(arguments), words);
}

void Hospital::signs(const std::string& id) {
  const auto texts = has(id, {"declaration", "list"});
  const auto* list = find_array(texts, "declarations");
  ASSERT_NE(list, nullptr);
  for (const auto& item : *list) {
    const auto& text = item.as_object();
    const auto member = [&](const char* name) { return std::string(text.at(name).as_string()); };
    can(id, {"declaration", "sign", member("name"), "--version", member("version"), "--text-hash",
             member("text_hash")});
  }
}

std::string Hospital::form(const std::string& id, const std::string& role, const std::string& manager,
                           const std::string& approver, std::vector<std::string> more) {
  std::vector<std::string> ask{"form", "submit", "--role", role, "--reason", "Part of the work"};
  ask.insert(ask.end(), more.begin(), more.end());
  const auto made = has(id, ask, "submitted");
  const auto number = made.contains("id") ? std::to_string(made.at("id").as_int64()) : "none";
  has(manager, {"form", "verify", number}, "verified");
  has(approver, {"form", "approve", number}, "approved");
  return number;
}

bool Hospital::holds(const std::string& id, const std::string& role) {
  if (session_of(id).empty()) seat(id);
  const auto body =
      json::serialize(json::object{{"role", role}, {"audience", "esr"}, {"session", session_of(id)}});
  return stage.ask("POST", "/v1/token", body, {"Content-Type: application/json"}).status == 200;
}

}  // namespace cardgate::testing
