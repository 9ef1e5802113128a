// SPDX-License-Identifier: Apache-2.0
// Sixteen readers and their cards, put in, pulled, swapped and signed in with at random while pcscd dies now
// and then: what the service says afterwards is always the truth, no session outlives its card, and nothing
// leaks.
//
// CARDGATE_SOAK_EVENTS events (script/soak), else 200; the same CARDGATE_SOAK_SEED makes the same story.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <random>
#include <thread>

#include "tests/daemon/stage.hpp"

namespace cardgate::daemon {
namespace {

using testing::eventually;
using testing::Pcscd;
using testing::Stage;

int setting(const char* name, int otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::atoi(text);
}

// vpcd looks every 0.4 s whether its card is there: of a faster swap it may itself see nothing.
constexpr std::chrono::milliseconds driver_poll{500};

struct Seat {
  std::string reader;
  std::unique_ptr<simcard::Card> card;
  std::unique_ptr<simcard::VpcdLink> link;
  std::string session;  // opened with the card as it is in now; empty: none
};
struct Issued {
  std::string token;
  bool alive;  // its card has not moved since
  std::size_t seat;
};

class Soak : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!Pcscd::available()) GTEST_SKIP() << "pcscd or the virtual reader is missing: run script/bootstrap";
    stage.limits =
        "limits: {sign_ins_per_minute: 100000, tokens_per_second: 100000, requests_per_second: 1000000}\n";
    stage.up();
    std::string people = "people:\n  - {id: \"2000\", name: Max Invented, employed_from: 2020-01-01}\n";
    for (int i = 0; i < Pcscd::most_readers; ++i) {
      auto data = simcard::personalise(*stage.ca, {});
      ASSERT_TRUE(data);
      people += fmt::format(
          "  - {{id: \"{}\", name: Person {} Invented, employed_from: 2020-01-01, cards: [{{uuid: {}}}]}}\n",
          5000 + i, i, simcard::to_text(data->uuid));
      Seat seat;
      seat.reader = Pcscd::name_of(i);
      seat.card = std::make_unique<simcard::Card>(*std::move(data));
      seat.link = std::make_unique<simcard::VpcdLink>(*seat.card,
                                                      static_cast<std::uint16_t>(simcard::first_reader + i));
      seats.push_back(std::move(seat));
    }
    const auto imported = stage.import(people);
    ASSERT_EQ(imported.status, 200) << imported.body;
  }

  void moved(std::size_t at) {
    seats[at].session.clear();
    for (auto& one : issued) one.alive = one.alive && one.seat != at;
  }
  void insert(std::size_t at) {
    if (!seats[at].link->inserted()) {
      ASSERT_TRUE(seats[at].link->insert());
    }
  }
  void pull(std::size_t at) {
    if (!seats[at].link->inserted()) return;
    seats[at].link->pull();
    moved(at);
  }
  void kill_pcscd() {
    stage.pcscd.kill();
    ASSERT_TRUE(stage.pcscd.start());
    for (std::size_t at = 0; at < seats.size(); ++at) moved(at);
  }
  void sign_in(std::size_t at) {
    Seat& seat = seats[at];
    const auto card = stage.card_status(seat.reader);
    const auto* state = find_string(card, "state");
    if (!seat.link->inserted() || !seat.session.empty() || state == nullptr || *state != "ready") return;
    const auto opened = stage.ask("POST", "/v1/sessions",
                                  json::serialize(json::object{{"reader", seat.reader},
                                                               {"card", card.at("id")},
                                                               {"tries_left", card.at("tries_left")},
                                                               {"passcode", Stage::pin}}),
                                  {"Content-Type: application/json"});
    if (opened.status != 201) return;  // the service had not seen yet that it was swapped
    seat.session = std::string(opened.json().at("id").as_string());
    const auto token =
        stage.ask("POST", "/v1/token",
                  json::serialize(json::object{
                      {"role", "employee-self-service"}, {"audience", "esr"}, {"session", seat.session}}),
                  {"Content-Type: application/json"});
    ++signed_in;
    if (token.status == 200)
      issued.push_back({std::string(token.json().at("access_token").as_string()), true, at});
  }

  /// Empty when all that the service says is true.
  std::string lie() const {
    const auto status = stage.ask("GET", "/v1/status").json();
    std::size_t found = 0;
    for (const auto& entry : status.at("readers").as_array()) {
      for (const auto& seat : seats) {
        if (entry.at("name").as_string() != std::string_view(seat.reader)) continue;
        ++found;
        if (entry.at("card_present").as_bool() != seat.link->inserted())
          return seat.reader + " has no such card";
        if (seat.link->inserted() && entry.at("card").at("state") == "reading")
          return seat.reader + " is still read";
        if (seat.link->inserted() && entry.at("card").at("state") != "ready")
          return seat.reader + ": " + json::serialize(entry);
      }
    }
    if (found != seats.size()) return fmt::format("{} readers of {}", found, seats.size());
    for (const auto& one : issued) {
      if (!one.alive && stage.is_active(one.token))
        return "a token outlives its card in " + seats[one.seat].reader;
      if (one.alive && !stage.is_active(one.token))
        return "a token died before its card in " + seats[one.seat].reader;
    }
    return {};
  }
  void check_truth() {
    std::string wrong;
    const bool true_at_last = eventually(seconds(20), [&] {
      wrong = lie();
      return wrong.empty();
    });
    ASSERT_TRUE(true_at_last) << wrong;
    std::erase_if(issued, [](const Issued& one) { return !one.alive; });
  }

  struct Handles {
    std::size_t files, threads;
  };
  Handles handles() const {
    const auto count = [&](const char* what) {
      const auto path = fmt::format("/proc/{}/{}", stage.daemon->pid(), what);
      return static_cast<std::size_t>(
          std::distance(std::filesystem::directory_iterator(path), std::filesystem::directory_iterator()));
    };
    return {count("fd"), count("task")};
  }
  void all_out() {
    for (std::size_t at = 0; at < seats.size(); ++at) pull(at);
    check_truth();
  }

  Stage stage{Pcscd::most_readers};
  std::vector<Seat> seats;
  std::vector<Issued> issued;
  int signed_in = 0;
};

TEST_F(Soak, WhatTheServiceSaysIsAlwaysTheTruth) {
  // Every reader has had its card once: each has its thread now.
  for (std::size_t at = 0; at < seats.size(); ++at) insert(at);
  check_truth();
  for (std::size_t at = 0; at < seats.size(); ++at) sign_in(at);
  check_truth();
  EXPECT_EQ(signed_in, Pcscd::most_readers);
  all_out();
  const Handles before = handles();

  const int events = setting("CARDGATE_SOAK_EVENTS", 200);
  const auto seed = static_cast<unsigned>(setting("CARDGATE_SOAK_SEED", 1));
  std::mt19937 random(seed);
  const auto roll = [&](unsigned sides) { return static_cast<unsigned>(random() % sides); };
  int kills = 0;
  for (int event = 1; event <= events && !HasFatalFailure(); ++event) {
    const std::size_t at = roll(static_cast<unsigned>(seats.size()));
    const unsigned what = roll(100);
    if (what < 35) {
      insert(at);
    } else if (what < 55) {
      pull(at);
    } else if (what < 70) {
      pull(at);
      std::this_thread::sleep_for(driver_poll);
      insert(at);
    } else if (what < 98) {
      sign_in(at);
    } else {
      kill_pcscd();
      ++kills;
    }
    if (event % 10 == 0) check_truth();
  }
  if (HasFatalFailure()) GTEST_FAIL() << "seed " << seed;
  all_out();
  EXPECT_EQ(stage.ask("GET", "/v1/sessions").json().at("sessions").as_array().size(), 0U);
  // Fewer is no leak: a connection may have lingered at the beginning.
  EXPECT_TRUE(eventually(seconds(20),
                         [&] {
                           const Handles now = handles();
                           return now.files <= before.files && now.threads <= before.threads;
                         }))
      << "files " << before.files << " -> " << handles().files << ", threads " << before.threads << " -> "
      << handles().threads;
  fmt::print("{} events, {} sign-ins, pcscd killed {} times; {} files and {} threads before and after\n",
             events, signed_in, kills, before.files, before.threads);
}

}  // namespace
}  // namespace cardgate::daemon
