// SPDX-License-Identifier: Apache-2.0
// How a session lives on by the modes of the policy: without its card, behind a locked screen, and when card and passcode are
// asked for again.
#include <fmt/format.h>
#include <gmock/gmock.h>

#include <fstream>

#include "tests/api/house.hpp"

namespace cardgate::testing {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;

class Modes : public ::testing::Test {
 protected:
  Modes() {
    house.change_policy("    records: by-function\n    max_session: 12h\n    idle: 15m\n",
                        "    records: by-function\n    max_session: 12h\n");
  }
  /// The role `core` with these lines.
  void core_with(const std::string& lines) {
    const std::string head = "  core:\n    title: Core ESR\n";
    house.change_policy(head + core_, head + lines);
    core_ = lines;
    house.reload();
  }
  void acts(const std::string& lines) {
    house.change_policy("contacts:\n", lines + "contacts:\n");
    house.reload();
  }
  Reply token(const std::string& role = "core") {
    return house.ask("POST", "/v1/token", {{"role", role}, {"audience", "esr"}}, House::ada());
  }
  static std::string text_of_token(const Reply& reply) { return reply.text("access_token"); }
  bool active(const std::string& token) {
    const auto reply = house.ask_form("/v1/introspect", "token=" + token, House::ada());
    return reply.body.find("\"active\":true") != std::string::npos;
  }
  std::int64_t claim(const std::string& token, const char* name) {
    const auto reply = house.ask_form("/v1/introspect", "token=" + token, House::ada());
    const auto body = reply.json();
    const auto* value = body.if_contains(name);
    return value == nullptr ? 0 : value->to_number<std::int64_t>();
  }
  Reply resume(const std::string& code = House::passcode) {
    return house.ask("POST", "/v1/sessions/" + session + "/resume", house.with_card(House::ada(), code),
                     House::ada());
  }
  Reply screen(bool locked, const daemon::Peer& who = House::ada()) {
    return house.ask("PUT", "/v1/sessions/" + session + "/screen", {{"locked", locked}}, who);
  }
  json::object shown() { return house.ask("GET", "/v1/sessions/" + session, House::ada()).json(); }
  void sign_in() { session = house.sign_in(House::ada()); }
  void card_out() { house.remove_card(House::reader_of(House::ada())); }
  const daemon::Session* found() { return house.owners().table.find(session); }
  /// Everything that her listeners were told by now.
  std::string heard() { return listener->take(); }

  House house;
  std::string core_;
  std::string session;
  std::shared_ptr<daemon::Listener> listener = house.owners().events.listen(1000, 1000, 100);
};

constexpr const char* keep = "    card_removal: keep 8h\n    idle: 12h\n";
constexpr const char* step_up =
    "    card_removal: keep 8h\n    step_up: card\n    step_up_age: 10m\n    idle: 12h\n";

// ---------------------------------------------------------------- the card is out

TEST_F(Modes, WithKeepTheCardMayGoAndTokensGoOn) {
  core_with(keep);
  sign_in();
  ASSERT_EQ(token().status, 200);
  card_out();
  EXPECT_EQ(token().status, 200);
  const auto now = shown();
  EXPECT_EQ(now.at("state").as_string(), "active");
  EXPECT_EQ(now.at("card_removal").as_string(), "keep");
  EXPECT_TRUE(now.at("card_out").as_bool());
  EXPECT_FALSE(now.at("locked").as_bool());
  EXPECT_EQ(now.at("card_needed_at").as_string(), "2026-06-01T20:00:00.000Z");
  EXPECT_THAT(house.reasons("session_kept"), Contains("card_removed"));
  EXPECT_THAT(heard(), HasSubstr("\"kind\":\"kept\""));
}

TEST_F(Modes, ASessionThatHasUsedNoRoleEndsWithItsCard) {
  core_with(keep);
  sign_in();
  EXPECT_EQ(shown().at("card_removal").as_string(), "end");
  card_out();
  EXPECT_EQ(found(), nullptr);
}

TEST_F(Modes, KeptItEndsWhenItsTimeIsOver) {
  core_with(keep);
  sign_in();
  ASSERT_EQ(token().status, 200);
  card_out();
  house.forward(hours(8) - minutes(1));
  ASSERT_EQ(token().status, 200);
  house.forward(minutes(1));
  EXPECT_EQ(found(), nullptr);
  EXPECT_THAT(house.reasons("session_ended"), Contains("card_out_too_long"));
  EXPECT_EQ(token().error(), "no_session");
}

TEST_F(Modes, KeptItStillLocksWhenItIsNotUsedAndTheCardWithItsPasscodeUnlocksIt) {
  core_with("    card_removal: keep 8h\n");
  sign_in();
  ASSERT_EQ(token().status, 200);
  card_out();
  house.forward(minutes(16));
  EXPECT_TRUE(shown().at("locked").as_bool());
  EXPECT_EQ(token().error(), "session_locked");
  house.insert_card(House::ada());
  EXPECT_EQ(token().error(), "session_locked") << "the card alone does not unlock";
  EXPECT_EQ(resume().status, 200);
  EXPECT_EQ(token().status, 200);
}

TEST_F(Modes, ARoleThatNeedsTheCardInTheReaderAsksForItAndThePasscode) {
  core_with(keep);
  sign_in();
  ASSERT_EQ(token().status, 200);
  card_out();
  heard();
  const auto out = token("employee-self-service");
  EXPECT_EQ(out.status, 403) << out.body;
  EXPECT_EQ(out.error(), "step_up_required");
  EXPECT_THAT(out.text("detail"), HasSubstr("card in the reader"));
  EXPECT_THAT(heard(), HasSubstr("step_up_needed"));
  house.insert_card(House::ada());
  const auto back = token("employee-self-service");
  EXPECT_EQ(back.error(), "step_up_required") << "nobody has typed the passcode since";
  ASSERT_EQ(resume().status, 200);
  EXPECT_EQ(token("employee-self-service").status, 200);
  card_out();
  EXPECT_EQ(found(), nullptr) << "of the roles used the strictest counts";
}

TEST_F(Modes, AnUnpluggedReaderIsACardThatIsOut) {
  core_with(keep);
  sign_in();
  ASSERT_EQ(token().status, 200);
  house.hear(pcsc::ReaderEvent::Kind::reader_removed, House::reader_of(House::ada()));
  EXPECT_EQ(token().status, 200);
  EXPECT_TRUE(shown().at("card_out").as_bool());
}

TEST_F(Modes, AHungReaderServiceIsACardThatIsOut) {
  core_with(keep);
  sign_in();
  ASSERT_EQ(token().status, 200);
  house.hear(pcsc::ReaderEvent::Kind::card_removed, House::reader_of(House::ada()), 1);
  house.hear(pcsc::ReaderEvent::Kind::reader_removed, House::reader_of(House::ada()));
  house.hear(pcsc::ReaderEvent::Kind::service_down, {}, 0, {Errc::pcsc_no_service, "pcscd hangs"});
  EXPECT_EQ(token().status, 200);
  EXPECT_TRUE(shown().at("card_out").as_bool());
  house.hear(pcsc::ReaderEvent::Kind::service_up);
  house.hear(pcsc::ReaderEvent::Kind::reader_added, House::reader_of(House::ada()));
  house.insert_card(House::ada());
  EXPECT_EQ(resume().status, 200);
  EXPECT_FALSE(shown().at("card_out").as_bool());
}

TEST_F(Modes, RemovalOfThePersonEndsAKeptSessionWhileItsCardIsOut) {
  core_with(keep);
  sign_in();
  const auto held = text_of_token(token());
  card_out();
  house.sign_in(House::tia());
  EXPECT_TRUE(active(held));
  const auto removed = house.ask("POST", "/v1/removals",
                                 {{"person", "1000"}, {"reason", "Left"}, {"at_once", true}}, House::tia());
  ASSERT_EQ(removed.status, 200) << removed.body;
  EXPECT_EQ(found(), nullptr);
  EXPECT_FALSE(active(held));
}

TEST_F(Modes, AnotherCardInTheReaderChangesNothing) {
  core_with(keep);
  sign_in();
  ASSERT_EQ(token().status, 200);
  card_out();
  house.insert_card(House::reader_of(House::ada()), house.card_of(House::max()));
  EXPECT_TRUE(shown().at("card_out").as_bool());
  EXPECT_EQ(token().status, 200);
  json::object with_max{{"reader", House::reader_of(House::ada())},
                        {"card", house.card_of(House::max()).id},
                        {"tries_left", 3},
                        {"passcode", House::passcode}};
  const auto refused = house.ask("POST", "/v1/sessions/" + session + "/resume", with_max, House::ada());
  EXPECT_EQ(refused.error(), "card_changed") << refused.body;
  EXPECT_EQ(house.driver->passcodes_spent(), 1) << "only the sign-in's";
  card_out();
  EXPECT_EQ(token().status, 200) << "nor does its removal";
}

TEST_F(Modes, ACardThatIsSignedInHereOpensNoSessionForAnotherUser) {
  core_with(keep);
  sign_in();
  ASSERT_EQ(token().status, 200);
  card_out();
  house.insert_card(House::reader_of(House::max()), house.card_of(House::ada()));
  json::object body{{"reader", House::reader_of(House::max())},
                    {"card", house.card_of(House::ada()).id},
                    {"tries_left", 3},
                    {"passcode", House::passcode}};
  const auto refused = house.ask("POST", "/v1/sessions", body, House::max());
  EXPECT_EQ(refused.error(), "card_in_use") << refused.body;
  EXPECT_EQ(house.driver->passcodes_spent(), 1);
  EXPECT_NE(found(), nullptr);
}

TEST_F(Modes, AStricterPolicyActsAtOnceOnAKeptSession) {
  core_with(keep);
  sign_in();
  const auto held = text_of_token(token());
  card_out();
  ASSERT_TRUE(active(held));
  core_with("    card_removal: lock\n    idle: 12h\n");
  EXPECT_FALSE(active(held));
  ASSERT_NE(found(), nullptr);
  EXPECT_TRUE(found()->locked);
  core_with("    card_removal: end\n    idle: 12h\n");
  EXPECT_EQ(found(), nullptr);
  EXPECT_THAT(house.reasons("session_ended"), Contains("card_removed"));
}

TEST_F(Modes, ALooserPolicyWaitsForTheNextSignIn) {
  core_with("    idle: 12h\n");
  sign_in();
  ASSERT_EQ(token().status, 200);
  core_with(keep);
  ASSERT_EQ(token().status, 200);
  card_out();
  EXPECT_EQ(found(), nullptr);
}

TEST_F(Modes, BackInItsGraceTheCardAloneOpensNoStricterRole) {
  core_with("    card_removal: grace 30s\n    idle: 12h\n");
  sign_in();
  ASSERT_EQ(token().status, 200);
  house.remove_card(House::reader_of(House::ada()));
  house.forward(seconds(10));
  const auto genuine = house.make_genuine_card(house.card_of(House::ada()).id, "Ada Example");
  house.insert_card(House::reader_of(House::ada()), genuine);
  ASSERT_NE(found(), nullptr);
  ASSERT_FALSE(found()->card_out);
  EXPECT_EQ(token().status, 200) << "the role goes on";
  EXPECT_EQ(token("employee-self-service").error(), "step_up_required") << "its own mode is `end`";
}

TEST_F(Modes, KeptOwnActsNeedTheCard) {
  core_with(keep);
  sign_in();
  const auto submit = [&] {
    return house.ask("POST", "/v1/forms", {{"role", "supervisor-self-service"}, {"reason", "Ward 7"}},
                     House::ada());
  };
  const auto listed = house.ask("GET", "/v1/declarations", House::ada()).json();
  const auto& text = listed.at("declarations").as_array().at(0).as_object();
  const auto sign = [&] {
    return house.ask(
        "POST", "/v1/declarations",
        {{"name", text.at("name")}, {"version", text.at("version")}, {"text_hash", text.at("text_hash")}},
        House::ada());
  };
  ASSERT_EQ(token().status, 200);
  card_out();
  ASSERT_NE(found(), nullptr);
  heard();
  EXPECT_EQ(sign().error(), "step_up_required");
  EXPECT_THAT(heard(), HasSubstr("\"for\":\"sign-declaration\""));
  EXPECT_EQ(submit().error(), "step_up_required");
  EXPECT_EQ(house.ask("GET", "/v1/forms", House::ada()).status, 200) << "looking at her own goes on";
  house.insert_card(House::ada());
  EXPECT_EQ(sign().error(), "step_up_required");
  ASSERT_EQ(resume().status, 200);
  EXPECT_EQ(sign().status, 201);
  EXPECT_EQ(submit().status, 201);
}

TEST_F(Modes, KeptEndingADelegationNeedsTheCardOrARoleThatGoesOn) {
  house.change_policy("  manager-self-service:\n", "  manager-self-service:\n    card_removal: keep 8h\n");
  core_with(keep);
  sign_in();
  house.sign_in(House::max());
  const auto give = [&] {
    const auto given = house.ask("POST", "/v1/delegations",
                                 {{"person", "1000"},
                                  {"role", "administrator-self-service"},
                                  {"valid_until", "2026-07-31"},
                                  {"reason", "Rota"}},
                                 House::max());
    EXPECT_EQ(given.status, 201) << given.body;
    return fmt::format("/v1/delegations/{}", given.json().at("id").as_int64());
  };
  const auto first = give(), second = give();
  ASSERT_EQ(token().status, 200);
  card_out();
  house.remove_card(House::reader_of(House::max()));
  EXPECT_EQ(house.ask("DELETE", first, House::ada()).error(), "step_up_required");
  EXPECT_EQ(house.ask("DELETE", first, House::max()).status, 204) << "his role goes on without the card";
  house.insert_card(House::ada());
  ASSERT_EQ(resume().status, 200);
  EXPECT_EQ(house.ask("DELETE", second, House::ada()).status, 204);
}

TEST_F(Modes, KeptByARoleThatIsLostASessionEndsAtOnce) {
  core_with(keep);
  sign_in();
  const auto held = text_of_token(token());
  card_out();
  ASSERT_TRUE(active(held));
  house.sign_in(House::tia());
  const auto forms = house.ask("GET", "/v1/forms?person=1000", House::tia()).json();
  const auto number = forms.at("forms").as_array().at(0).as_object().at("id").as_int64();
  const auto withdrawn =
      house.ask("POST", fmt::format("/v1/forms/{}/withdraw", number), {{"reason", "Moved on"}}, House::tia());
  ASSERT_EQ(withdrawn.status, 200) << withdrawn.body;
  EXPECT_FALSE(active(held));
  EXPECT_EQ(found(), nullptr);
  EXPECT_THAT(house.reasons("session_ended"), Contains("card_removed"));
}

TEST_F(Modes, AShorterLongestSessionActsAtOnce) {
  const auto longest = [&](const std::string& old, const std::string& fresh) {
    const auto file = house.dir / "policy.yaml";
    std::ifstream in(file);
    std::string policy{std::istreambuf_iterator<char>(in), {}};
    for (std::size_t at = 0; (at = policy.find(old, at)) != std::string::npos; at += fresh.size())
      policy.replace(at, old.size(), fresh);
    std::ofstream(file) << policy;
    house.reload();
  };
  core_with("    idle: 30m\n");
  sign_in();
  const auto held = text_of_token(token());
  house.forward(minutes(2));
  longest("max_session: 12h", "max_session: 1h");
  EXPECT_EQ(shown().at("expires_at").as_string(), "2026-06-01T13:00:00.000Z");
  EXPECT_TRUE(active(held));
  house.forward(minutes(38));
  ASSERT_NE(found(), nullptr);
  longest("max_session: 1h", "max_session: 30m");
  EXPECT_EQ(found(), nullptr);
  EXPECT_THAT(house.reasons("session_ended"), Contains("time_up"));
}

// ---------------------------------------------------------------- card and passcode again

TEST_F(Modes, ALooserAgeWaitsForTheNextProof) {
  core_with(step_up);
  sign_in();
  ASSERT_EQ(token().status, 200);
  house.forward(minutes(11));
  core_with("    card_removal: keep 8h\n    step_up: card\n    step_up_age: 1h\n    idle: 12h\n");
  EXPECT_EQ(token().error(), "step_up_required");
  EXPECT_THAT(token().text("detail"), HasSubstr("more than 10 minutes ago"));
  ASSERT_EQ(resume().status, 200);
  house.forward(minutes(59));
  EXPECT_EQ(token().status, 200);
  house.forward(minutes(1));
  EXPECT_EQ(token().error(), "step_up_required");
}

TEST_F(Modes, WhatIsShownByARoleIsUseOfIt) {
  acts("acts:\n  approve-forms: {step_up: card, step_up_age: 5m}\n");
  session = house.sign_in(House::tia());
  const auto* of_tia = house.owners().table.find(session);
  const auto list = house.ask("GET", "/v1/forms", House::tia());
  ASSERT_EQ(list.status, 200) << list.body;
  EXPECT_FALSE(list.json().at("more_after_proof").as_bool());
  EXPECT_THAT(of_tia->roles_used, Contains("esr-workforce-systems"));
  house.forward(minutes(6));
  const auto later = house.ask("GET", "/v1/forms", House::tia());
  ASSERT_EQ(later.status, 200) << later.body;
  EXPECT_TRUE(later.json().at("more_after_proof").as_bool());
  EXPECT_TRUE(later.json().at("waiting").as_array().empty());
}

TEST_F(Modes, EachListThatARoleOpensIsUseOfIt) {
  for (const char* what :
       {"/v1/staff", "/v1/removals", "/v1/records/1000/allowed?role=esr-workforce-systems"}) {
    session = house.sign_in(House::tia());
    ASSERT_EQ(house.ask("GET", what, House::tia()).status, 200) << what;
    EXPECT_THAT(found()->roles_used, Contains("esr-workforce-systems")) << what;
    house.forward(minutes(16));
    EXPECT_TRUE(found()->locked) << "its idle time is that of the role: " << what;
    house.remove_card(House::reader_of(House::tia()));
  }
}

TEST_F(Modes, ARoleWhoseTimeIsOverShowsNothing) {
  house.change_policy(
      "          give-codes, see-people, manage-downtime, read-audit]\n    max_session: 12h\n    idle: 15m\n",
      "          give-codes, see-people, manage-downtime, read-audit]\n    max_session: 1h\n    idle: 1h\n");
  house.reload();
  session = house.sign_in(House::tia());
  const char* record = "/v1/records/1000/allowed?role=esr-workforce-systems";
  ASSERT_TRUE(house.ask("GET", record, House::tia()).json().at("allowed").as_bool());
  house.forward(minutes(40));
  ASSERT_EQ(house.ask("GET", "/v1/staff", House::tia()).status, 200);
  house.forward(minutes(20));
  ASSERT_NE(found(), nullptr) << "other roles may go on for longer";
  EXPECT_EQ(house.ask("GET", "/v1/staff", House::tia()).error(), "role_needed");
  EXPECT_FALSE(house.ask("GET", record, House::tia()).json().at("allowed").as_bool());
}

TEST_F(Modes, ATokenIsRefusedWithoutAFreshProofAndGrantedAfterOne) {
  core_with(step_up);
  sign_in();
  const auto first = token();
  ASSERT_EQ(first.status, 200) << first.body;
  const auto signed_in = claim(text_of_token(first), "auth_time");
  house.forward(minutes(10));
  heard();
  const auto refused = token();
  EXPECT_EQ(refused.status, 403) << refused.body;
  EXPECT_EQ(refused.error(), "step_up_required");
  EXPECT_THAT(refused.text("detail"), HasSubstr("more than 10 minutes ago"));
  EXPECT_EQ(refused.text("session"), session);
  EXPECT_THAT(house.reasons("token_refused"), Contains("step_up_required"));
  EXPECT_THAT(heard(), HasSubstr(fmt::format("\"kind\":\"step_up_needed\",\"session\":\"{}\"", session)));
  EXPECT_EQ(token().error(), "step_up_required");
  EXPECT_THAT(heard(), Not(HasSubstr("step_up_needed"))) << "not again and again";

  const auto proved = resume();
  ASSERT_EQ(proved.status, 200) << proved.body;
  EXPECT_EQ(proved.text("id"), session);
  EXPECT_EQ(proved.text("signed_in_at"), "2026-06-01T12:00:00.000Z");
  EXPECT_EQ(proved.text("proved_at"), "2026-06-01T12:10:00.000Z");
  const auto granted = token();
  ASSERT_EQ(granted.status, 200) << granted.body;
  EXPECT_EQ(claim(text_of_token(granted), "auth_time"), signed_in + 600);
  EXPECT_THAT(house.records("session_resumed"), SizeIs(1));
}

TEST_F(Modes, AWrongPasscodeProvesNothing) {
  core_with(step_up);
  sign_in();
  ASSERT_EQ(token().status, 200);
  house.forward(minutes(11));
  EXPECT_EQ(resume("999999").status, 401);
  EXPECT_EQ(token().error(), "step_up_required");
  EXPECT_NE(found(), nullptr) << "and takes nothing away";
}

TEST_F(Modes, ATokenEndsWithTheAgeOfItsProof) {
  core_with(step_up);
  sign_in();
  house.forward(minutes(8));
  const auto late = token();
  ASSERT_EQ(late.status, 200) << late.body;
  EXPECT_EQ(late.json().at("expires_in").to_number<int>(), 120);
  house.forward(minutes(2) - seconds(1));
  EXPECT_TRUE(active(text_of_token(late)));
  EXPECT_EQ(token().error(), "step_up_required") << "a token that ends as it is made is of no use";
  house.forward(seconds(1));
  EXPECT_FALSE(active(text_of_token(late)));
}

TEST_F(Modes, AStricterPolicyEndsTokensThatWouldOutliveTheirProof) {
  core_with("    idle: 12h\n");
  sign_in();
  house.forward(minutes(11));
  const auto held = text_of_token(token());
  ASSERT_TRUE(active(held));
  core_with("    step_up: card\n    step_up_age: 10m\n    idle: 12h\n");
  EXPECT_FALSE(active(held));
  EXPECT_EQ(token().error(), "step_up_required");
  EXPECT_NE(found(), nullptr);
}

TEST_F(Modes, ProvingAgainDoesNotLengthenTheSession) {
  core_with(step_up);
  sign_in();
  ASSERT_EQ(token().status, 200);
  const auto until = shown().at("expires_at");
  house.forward(hours(11));
  ASSERT_EQ(resume().status, 200);
  EXPECT_EQ(shown().at("expires_at"), until);
  ASSERT_EQ(token().status, 200);
  house.forward(hours(1));
  EXPECT_EQ(found(), nullptr);
}

TEST_F(Modes, ASessionThatEndsWhileItIsProvedAgainStaysEnded) {
  core_with(step_up);
  sign_in();
  ASSERT_EQ(token().status, 200);
  house.driver->hold();
  const auto call =
      house.begin("POST", "/v1/sessions/" + session + "/resume", house.with_card(House::ada()), House::ada());
  house.run_until([&] { return house.driver->held(); });
  ASSERT_EQ(house.ask("DELETE", "/v1/sessions/" + session, House::ada()).status, 204);
  house.driver->release();
  const auto late = house.finish(call);
  EXPECT_EQ(late.status, 404) << late.body;
  EXPECT_EQ(found(), nullptr);
  EXPECT_THAT(house.reasons("sign_in_refused"),
              Contains("not done: the session ended while it was being resumed"));
}

TEST_F(Modes, WithItsCardOutAProofNeedsTheCard) {
  core_with(step_up);
  sign_in();
  ASSERT_EQ(token().status, 200);
  card_out();
  house.forward(minutes(11));
  EXPECT_EQ(token().error(), "step_up_required");
  EXPECT_EQ(resume().error(), "no_card");
  house.insert_card(House::ada());
  EXPECT_EQ(token().error(), "step_up_required");
  ASSERT_EQ(resume().status, 200);
  EXPECT_EQ(token().status, 200);
}

TEST_F(Modes, AMarkedActAsksForAFreshProofInWhicheverRole) {
  acts("acts:\n  remove-access: {step_up: card, step_up_age: 5m}\n");
  session = house.sign_in(House::tia());
  const auto remove = [&] {
    return house.ask("POST", "/v1/removals", {{"person", "1000"}, {"reason", "Left"}, {"at_once", true}},
                     House::tia());
  };
  auto hers = house.owners().events.listen(3000, 3000, 100);
  house.forward(minutes(6));
  const auto refused = remove();
  EXPECT_EQ(refused.status, 403) << refused.body;
  EXPECT_EQ(refused.error(), "step_up_required");
  EXPECT_THAT(refused.text("detail"), HasSubstr("more than 5 minutes ago"));
  EXPECT_THAT(hers->take(), HasSubstr("\"for\":\"remove-access\""));
  EXPECT_THAT(house.reasons("client_refused"), Contains("remove-access: step_up_required"));
  EXPECT_EQ(house.ask("GET", "/v1/staff", House::tia()).status, 200) << "other acts go on";
  ASSERT_EQ(
      house.ask("POST", "/v1/sessions/" + session + "/resume", house.with_card(House::tia()), House::tia())
          .status,
      200);
  EXPECT_EQ(remove().status, 200);
}

TEST_F(Modes, AMarkedRoleAsksForAFreshProofInItsActs) {
  house.change_policy("  esr-workforce-systems:\n", "  esr-workforce-systems:\n    step_up: card\n");
  house.reload();
  session = house.sign_in(House::tia());
  EXPECT_EQ(house.ask("GET", "/v1/staff", House::tia()).status, 200);
  house.forward(minutes(11));
  EXPECT_EQ(house.ask("GET", "/v1/staff", House::tia()).error(), "step_up_required");
  EXPECT_EQ(house.ask("GET", "/v1/notices", House::tia()).status, 200) << "her own business needs no role";
}

TEST_F(Modes, ALineManagerVerifiesWithTheCardInTheReader) {
  house.change_policy("  manager-self-service:\n", "  manager-self-service:\n    card_removal: keep 8h\n");
  house.reload();
  session = house.sign_in(House::max());
  house.owners().sessions.used_in(session, "manager-self-service",
                                  {minutes(15), {daemon::CardRemoval::Mode::keep, hours(8)}, {}});
  house.sign_in(House::ada());
  const auto asked = house.ask("POST", "/v1/forms",
                               {{"role", "supervisor-self-service"}, {"reason", "Ward 7"}}, House::ada());
  ASSERT_EQ(asked.status, 201) << asked.body;
  const auto verify = [&, form = asked.json().at("id").as_int64()] {
    return house.ask("POST", fmt::format("/v1/forms/{}/verify", form), House::max());
  };
  house.remove_card(House::reader_of(House::max()));
  ASSERT_NE(found(), nullptr);
  EXPECT_EQ(verify().error(), "step_up_required");
  EXPECT_EQ(house.ask("GET", "/v1/notices", House::max()).status, 200) << "his own business goes on";
  house.insert_card(House::max());
  EXPECT_EQ(verify().error(), "step_up_required") << "the card alone proves nothing";
  const auto proved =
      house.ask("POST", "/v1/sessions/" + session + "/resume", house.with_card(House::max()), House::max());
  ASSERT_EQ(proved.status, 200) << proved.body;
  const auto verified = verify();
  EXPECT_EQ(verified.status, 200) << verified.body;
}

// ---------------------------------------------------------------- the screen

TEST_F(Modes, LockingTheScreenLocksTheSessionUntilThePasscode) {
  sign_in();
  const auto held = text_of_token(token());
  EXPECT_EQ(screen(true).status, 204);
  EXPECT_FALSE(active(held));
  EXPECT_TRUE(shown().at("locked").as_bool());
  EXPECT_TRUE(shown().at("screen_locked").as_bool());
  EXPECT_THAT(house.reasons("session_locked"), Contains("screen"));
  EXPECT_EQ(screen(false).status, 204);
  EXPECT_FALSE(shown().at("screen_locked").as_bool());
  EXPECT_EQ(token().error(), "session_locked");
  ASSERT_EQ(resume().status, 200);
  EXPECT_TRUE(active(held));
}

TEST_F(Modes, APersistentSessionGoesOnBehindTheScreenForItsTime) {
  core_with("    screen_lock: keep 30m\n    idle: 12h\n");
  sign_in();
  ASSERT_EQ(token().status, 200);
  ASSERT_EQ(screen(true).status, 204);
  EXPECT_EQ(token().status, 200);
  EXPECT_EQ(token("employee-self-service").error(), "session_locked") << "that role does not";
  house.forward(minutes(29));
  ASSERT_EQ(screen(false).status, 204);
  house.forward(minutes(29));
  ASSERT_EQ(token().status, 200);
  ASSERT_EQ(screen(true).status, 204);
  house.forward(minutes(30));
  EXPECT_EQ(found(), nullptr);
  EXPECT_THAT(house.reasons("session_ended"), Contains("screen_locked_too_long"));
}

TEST_F(Modes, OnlyItsOwnerAndRootSayThatAScreenIsLocked) {
  sign_in();
  EXPECT_EQ(screen(true, House::max()).status, 404);
  EXPECT_FALSE(found()->locked);
  EXPECT_EQ(screen(true, House::peer(0)).status, 204);
  EXPECT_TRUE(found()->locked);
  for (const json::object& body :
       {json::object{}, json::object{{"locked", 1}}, json::object{{"locked", nullptr}},
        json::object{{"locked", true}, {"until", "noon"}}}) {
    EXPECT_EQ(house.ask("PUT", "/v1/sessions/" + session + "/screen", body, House::ada()).error(),
              "bad_request")
        << json::serialize(body);
  }
  EXPECT_EQ(house.ask("PUT", "/v1/sessions/nobody/screen", {{"locked", true}}, House::ada()).status, 404);
}

TEST_F(Modes, AStricterPolicyActsAtOnceBehindALockedScreen) {
  core_with("    screen_lock: keep 30m\n    idle: 12h\n");
  sign_in();
  ASSERT_EQ(token().status, 200);
  ASSERT_EQ(screen(true).status, 204);
  ASSERT_FALSE(found()->locked);
  core_with("    screen_lock: lock\n    idle: 12h\n");
  EXPECT_TRUE(found()->locked);
}

}  // namespace
}  // namespace cardgate::testing
