// SPDX-License-Identifier: Apache-2.0
// What the agent does when something happens, each row of it, without a desktop.
#include "client/agent/attention.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace cardgate::agent {
namespace {

constexpr const char* ward = "Ward reader";
constexpr const char* desk = "Desk reader";
constexpr const char* ada = "ada-card";
constexpr const char* max = "max-card";

/// A desktop that remembers what the agent did, and a service that says what it is told to.
class Desktop : public ::testing::Test {
 protected:
  Desktop() { screen(false); }

  void take(Actions actions) {
    for (auto& each : actions) did.push_back(std::move(each));
  }
  void forget() { did.clear(); }
  template <class A>
  int count() const {
    return static_cast<int>(
        std::ranges::count_if(did, [](const Action& each) { return std::holds_alternative<A>(each); }));
  }
  template <class A>
  const A& last() const {
    static const A none{};
    for (auto it = did.rbegin(); it != did.rend(); ++it) {
      if (const auto* found = std::get_if<A>(&*it)) return *found;
    }
    ADD_FAILURE() << "nothing of the kind was done";
    return none;
  }
  bool notified(std::string_view words) const {
    return std::ranges::any_of(did, [&](const Action& each) {
      const auto* what = std::get_if<action::Notify>(&each);
      return what != nullptr && (what->summary + "\n" + what->body).find(words) != std::string::npos;
    });
  }
  bool said(std::string_view words) const {
    return std::ranges::any_of(did, [&](const Action& each) {
      const auto* what = std::get_if<action::Say>(&each);
      return what != nullptr && what->text.find(words) != std::string::npos;
    });
  }

  void connect() {
    take(agent->connected());
    look();
  }
  void look() { take(agent->seen(world, now)); }
  void event(const std::string& name, const std::string& kind, const std::string& reader = {},
             const std::string& session = {}, const std::string& reason = {}, const std::string& text = {}) {
    take(agent->happened({name, kind, reader, session, reason, text, "core"}, now));
  }
  SeenReader& reader(const std::string& name) {
    const auto found = std::ranges::find(world.readers, name, &SeenReader::name);
    if (found != world.readers.end()) return *found;
    return world.readers.emplace_back(SeenReader{.name = name});
  }
  void put_in(const std::string& card, const std::string& where = ward, std::int64_t tries = 3) {
    reader(where) = {.name = where,
                     .state = SeenReader::State::ready,
                     .card = card,
                     .holder = "Ada Example",
                     .tries_left = tries};
  }
  void insert(const std::string& card, const std::string& where = ward, std::int64_t tries = 3) {
    event("card", "inserted", where);
    put_in(card, where, tries);
    event("card", "read", where);
    event("card", "sign_in_needed", where);
    look();
  }
  void pull(const std::string& where = ward) {
    reader(where) = {.name = where};
    event("card", "removed", where);
    look();
  }
  void open_session(const std::string& id, const std::string& card, const std::string& removal = "end",
                    const std::string& where = ward) {
    world.sessions.push_back({.id = id,
                              .person = "Ada Example",
                              .reader = where,
                              .card = card,
                              .card_removal = removal,
                              .ends = now + std::chrono::hours(12),
                              .ends_text = "21:00"});
    event("session", "opened", where, id);
    look();
  }
  void end_session(const std::string& id, const std::string& reason) {
    std::erase_if(world.sessions, [&](const SeenSession& each) { return each.id == id; });
    event("session", "ended", {}, id, reason);
  }
  void state(const std::string& id, SeenSession::State what) {
    std::ranges::find(world.sessions, id, &SeenSession::id)->state = what;
  }
  void screen(bool locked, bool active = true) {
    take(agent->screen({.known = true, .locked = locked, .active = active}, now));
  }
  void answer(Answer what = Answer::given, bool same = true) { take(agent->answered(what, same, now)); }
  void outcome(const std::string& error, const std::string& detail = "Detail.", bool blocked = false) {
    take(agent->sent({error.empty(), error, detail, blocked}));
    look();
  }
  void pass(milliseconds time) {
    now += time;
    take(agent->tick(now));
  }
  void again(Habits habits) {
    agent = std::make_unique<Attention>(habits);
    screen(false);
  }
  /// Inserted, asked, signed in.
  void sign_in(const std::string& removal = "end") {
    connect();
    insert(ada);
    answer();
    world.sessions.push_back({.id = "s1",
                              .person = "Ada Example",
                              .reader = ward,
                              .card = ada,
                              .card_removal = removal,
                              .ends = now + std::chrono::hours(12),
                              .ends_text = "21:00"});
    outcome("");
    event("session", "opened", ward, "s1");
    look();
    forget();
  }

  BootTime now{std::chrono::hours(100)};
  std::unique_ptr<Attention> agent = std::make_unique<Attention>(Habits{});
  Seen world;
  std::vector<Action> did;
};

TEST_F(Desktop, AsksWhenACardComesAndSignsIn) {
  connect();
  EXPECT_EQ(count<action::Ask>(), 0);
  insert(ada);
  ASSERT_EQ(count<action::Ask>(), 1);
  const auto& prompt = last<action::Ask>().prompt;
  EXPECT_EQ(prompt.kind, Prompt::Kind::passcode);
  EXPECT_NE(prompt.description.find("Ada Example (card ending card)"), std::string::npos)
      << prompt.description;
  EXPECT_NE(prompt.description.find("3 tries left"), std::string::npos);
  answer();
  const auto& send = last<action::Send>();
  EXPECT_EQ(send.what, action::Send::What::sign_in);
  EXPECT_EQ(send.reader, ward);
  EXPECT_EQ(send.card, ada);
  EXPECT_EQ(send.tries_left, 3);
  EXPECT_FALSE(send.spend_last_try);
  outcome("");
  open_session("s1", ada);
  EXPECT_TRUE(notified("Signed in: Ada Example"));
  EXPECT_EQ(count<action::Ask>(), 1);
  EXPECT_EQ(count<action::ForgetSecrets>(), 1);
}

TEST_F(Desktop, AsksForACardThatIsInWhenItStarts) {
  put_in(ada);
  connect();
  EXPECT_EQ(count<action::Ask>(), 1);
}

TEST_F(Desktop, AsksForACardThatIsBeingReadWhenItStarts) {
  reader(ward) = {.name = ward, .state = SeenReader::State::reading};
  connect();
  EXPECT_EQ(count<action::Ask>(), 0);
  put_in(ada);
  event("card", "read", ward);  // that a sign-in is needed was told before
  look();
  EXPECT_EQ(count<action::Ask>(), 1);
}

TEST_F(Desktop, AsksForACardThatWasInBeforeTheLoginWasAtTheFront) {
  agent = std::make_unique<Attention>(Habits{});
  reader(ward) = {.name = ward, .state = SeenReader::State::hidden};
  screen(false, false);
  connect();
  forget();
  put_in(ada);
  screen(false, true);
  EXPECT_GE(count<action::Look>(), 1) << "the reader is this user's now";
  look();
  EXPECT_EQ(count<action::Ask>(), 1);
}

TEST_F(Desktop, AsksForACardThatBecameGoodWhileItIsIn) {
  connect();
  event("card", "inserted", ward);
  put_in(ada);
  reader(ward).problem = "Nobody can tell now whether the card was withdrawn.";
  event("card", "sign_in_needed", ward);
  look();
  EXPECT_TRUE(notified("This card cannot be used"));
  reader(ward).problem.clear();
  event("card", "judged", ward);
  look();
  EXPECT_EQ(count<action::Ask>(), 1);
}

TEST_F(Desktop, WaitsForAFreshLookBeforeItAsks) {
  connect();
  put_in(ada);
  event("card", "sign_in_needed", ward);
  EXPECT_EQ(count<action::Ask>(), 0);
  look();
  EXPECT_EQ(count<action::Ask>(), 1);
}

TEST_F(Desktop, DoesNotAskForACardWithWhichSomebodyElseIsSignedIn) {
  connect();
  put_in(ada);
  event("card", "read", ward);  // the service does not say that a sign-in is needed
  look();
  EXPECT_EQ(count<action::Ask>(), 0);
}

TEST_F(Desktop, DoesNotAskWhenTheLoginHasJustAsked) {
  put_in(ada);
  world.sessions.push_back({.id = "s1", .person = "Ada Example", .reader = ward, .card = ada});
  connect();
  EXPECT_EQ(count<action::Ask>(), 0);
}

TEST_F(Desktop, EndsItsDialogWhenAnotherProgramSignedIn) {
  connect();
  insert(ada);
  open_session("s1", ada);
  EXPECT_EQ(count<action::CloseDialog>(), 1);
  answer(Answer::closed);
  EXPECT_EQ(count<action::Ask>(), 1);
  EXPECT_EQ(count<action::Send>(), 0);
}

TEST_F(Desktop, EndsItsDialogWhenTheCardGoes) {
  connect();
  insert(ada);
  event("card", "removed", ward);
  EXPECT_EQ(count<action::CloseDialog>(), 1) << "at once, without a look";
  EXPECT_EQ(count<action::Lock>(), 0) << "nobody was signed in";
  reader(ward) = {.name = ward};
  look();
  // What was typed at the last moment is not used.
  answer(Answer::given);
  EXPECT_EQ(count<action::Send>(), 0);
  EXPECT_GE(count<action::ForgetSecrets>(), 1);
}

TEST_F(Desktop, EndsItsDialogWhenTheReaderIsUnplugged) {
  connect();
  insert(ada);
  std::erase_if(world.readers, [](const SeenReader& each) { return each.name == ward; });
  event("card", "reader_gone", ward);
  EXPECT_EQ(count<action::CloseDialog>(), 1);
  look();
  answer(Answer::closed);
  EXPECT_EQ(count<action::Send>(), 0);
}

TEST_F(Desktop, ACardThatGoesWhileItsPasscodeIsOnTheWayIsNoNews) {
  connect();
  insert(ada);
  answer();
  pull();
  outcome("no_card", "The card was taken out.");
  EXPECT_EQ(count<action::Ask>(), 1);
  EXPECT_EQ(count<action::Notify>(), 0);
  EXPECT_GE(count<action::ForgetSecrets>(), 1);
  insert(ada);
  EXPECT_EQ(count<action::Ask>(), 2);
}

TEST_F(Desktop, AnotherCardInTheSameReaderIsAskedForByItself) {
  connect();
  insert(ada);
  answer();
  pull();
  insert(max);
  outcome("passcode_incorrect", "Wrong passcode.");  // it was about the card that has gone
  ASSERT_EQ(count<action::Ask>(), 2);
  EXPECT_EQ(last<action::Ask>().prompt.error, "");
  answer();
  EXPECT_EQ(last<action::Send>().card, max);
}

TEST_F(Desktop, NeverAsksTwiceAtOnce) {
  connect();
  insert(ada);
  insert(max, desk);
  EXPECT_EQ(count<action::Ask>(), 1);
  answer(Answer::cancelled);
  EXPECT_EQ(count<action::Ask>(), 2) << "now for the other card";
  EXPECT_NE(last<action::Ask>().prompt.description, "");
}

TEST_F(Desktop, DoesNotAskWhileAPasscodeIsOnItsWay) {
  connect();
  insert(ada);
  answer();
  insert(max, desk);
  EXPECT_EQ(count<action::Ask>(), 1);
  outcome("");
  EXPECT_EQ(count<action::Ask>(), 2);
}

TEST_F(Desktop, LeavesACardAloneThatWasDeclined) {
  connect();
  insert(ada);
  answer(Answer::cancelled);
  event("card", "read", ward);
  look();
  EXPECT_EQ(count<action::Ask>(), 1);
  pull();
  insert(ada);
  EXPECT_EQ(count<action::Ask>(), 2);
}

TEST_F(Desktop, ShowsWhatWasWrongAndTheTriesThatAreLeft) {
  connect();
  insert(ada);
  answer();
  put_in(ada, ward, 2);
  outcome("passcode_incorrect", "Wrong passcode. 2 tries are left.");
  ASSERT_EQ(count<action::Ask>(), 2);
  EXPECT_EQ(last<action::Ask>().prompt.error, "Wrong passcode. 2 tries are left.");
  EXPECT_NE(last<action::Ask>().prompt.description.find("2 tries left"), std::string::npos);
  answer();
  EXPECT_EQ(last<action::Send>().tries_left, 2);
}

TEST_F(Desktop, StopsAfterTwoWrongPasscodes) {
  connect();
  insert(ada, ward, 5);
  answer();
  put_in(ada, ward, 4);
  outcome("passcode_incorrect", "Wrong passcode.");
  answer();
  put_in(ada, ward, 3);
  outcome("passcode_incorrect", "Wrong passcode.");
  EXPECT_EQ(count<action::Ask>(), 2);
  EXPECT_TRUE(notified("take the card out"));
}

TEST_F(Desktop, AsksBeforeTheLastTryIsSpent) {
  connect();
  insert(ada, ward, 1);
  EXPECT_EQ(last<action::Ask>().prompt.kind, Prompt::Kind::confirm);
  EXPECT_NE(last<action::Ask>().prompt.description.find("One try is left"), std::string::npos);
  answer();
  EXPECT_EQ(last<action::Ask>().prompt.kind, Prompt::Kind::passcode);
  answer();
  EXPECT_TRUE(last<action::Send>().spend_last_try);
}

TEST_F(Desktop, SpendsNoLastTryThatWasNotConfirmed) {
  connect();
  insert(ada, ward, 1);
  answer(Answer::cancelled);
  EXPECT_EQ(count<action::Send>(), 0);
  EXPECT_EQ(count<action::Ask>(), 1);
}

TEST_F(Desktop, AConfirmedLastTryIsGoodForOne) {
  connect();
  insert(ada, ward, 1);
  answer();
  answer();
  outcome("busy", "The card is being read. Try again in a moment.");
  EXPECT_EQ(last<action::Ask>().prompt.kind, Prompt::Kind::confirm) << "the consent was for that one";
}

TEST_F(Desktop, OffersToUnblockABlockedCard) {
  connect();
  insert(ada, ward, 0);
  EXPECT_EQ(last<action::Ask>().prompt.kind, Prompt::Kind::confirm);
  answer();
  EXPECT_EQ(last<action::Ask>().prompt.kind, Prompt::Kind::unblocking_key);
  answer();
  EXPECT_EQ(last<action::Ask>().prompt.kind, Prompt::Kind::new_passcode);
  answer();
  EXPECT_EQ(last<action::Ask>().prompt.kind, Prompt::Kind::new_passcode_again);
  answer(Answer::given, false);
  EXPECT_EQ(last<action::Ask>().prompt.kind, Prompt::Kind::new_passcode) << "they were not the same";
  EXPECT_NE(last<action::Ask>().prompt.error, "");
  answer();
  answer();
  EXPECT_EQ(last<action::Send>().what, action::Send::What::unblock);
  put_in(ada);
  outcome("");
  EXPECT_TRUE(notified("works again"));
  EXPECT_EQ(last<action::Ask>().prompt.kind, Prompt::Kind::passcode);
}

TEST_F(Desktop, OffersToUnblockWhenTheLastTryWasWrong) {
  connect();
  insert(ada, ward, 1);
  answer();
  answer();
  put_in(ada, ward, 0);
  outcome("passcode_incorrect", "Wrong passcode. The card is now blocked.", true);
  EXPECT_EQ(last<action::Ask>().prompt.ok, "Unblock");
  EXPECT_EQ(last<action::Ask>().prompt.error, "");
  answer(Answer::cancelled);
  EXPECT_EQ(count<action::Ask>(), 3);
}

TEST_F(Desktop, AWrongUnblockingCodeIsAskedForAgainOnce) {
  connect();
  insert(ada, ward, 0);
  for (int i = 0; i < 4; ++i) answer();
  outcome("unblocking_key_incorrect", "Wrong.");
  EXPECT_EQ(last<action::Ask>().prompt.kind, Prompt::Kind::unblocking_key);
  for (int i = 0; i < 3; ++i) answer();
  const int asked = count<action::Ask>();
  outcome("unblocking_key_incorrect", "Wrong.");
  EXPECT_EQ(count<action::Ask>(), asked);
}

/// A card that was lent, with a passcode that others may know.
class LentToAda : public Desktop {
 protected:
  void insert_lent(std::int64_t tries = 3) {
    event("card", "inserted", ward);
    put_in_lent(tries);
    event("card", "read", ward);
    event("card", "sign_in_needed", ward);
    look();
  }
  void put_in_lent(std::int64_t tries = 3) {
    put_in(ada, ward, tries);
    reader(ward).must_change_passcode = true;
  }
};

TEST_F(LentToAda, ChoosesAPasscodeFirst) {
  connect();
  insert_lent();
  EXPECT_EQ(last<action::Ask>().prompt.kind, Prompt::Kind::passcode);
  EXPECT_NE(last<action::Ask>().prompt.description.find("lent to you"), std::string::npos);
  answer();
  EXPECT_EQ(count<action::Send>(), 0) << "nothing is spent on a sign-in that is refused";
  EXPECT_EQ(last<action::Ask>().prompt.kind, Prompt::Kind::new_passcode);
  answer();
  EXPECT_EQ(last<action::Ask>().prompt.kind, Prompt::Kind::new_passcode_again);
  EXPECT_EQ(last<action::Ask>().prompt.ok, "Change");
  answer(Answer::given, false);
  EXPECT_EQ(last<action::Ask>().prompt.kind, Prompt::Kind::new_passcode) << "they were not the same";
  answer();
  answer();
  EXPECT_EQ(last<action::Send>().what, action::Send::What::change_passcode);
  EXPECT_EQ(last<action::Send>().tries_left, 3);
  put_in(ada);
  outcome("");
  EXPECT_TRUE(notified("Your passcode is changed"));
  EXPECT_NE(last<action::Ask>().prompt.description.find("To sign in"), std::string::npos);
  answer();
  EXPECT_EQ(last<action::Send>().what, action::Send::What::sign_in);
}

TEST_F(LentToAda, AWrongPasscodeIsAskedForAgain) {
  connect();
  insert_lent();
  for (int i = 0; i < 3; ++i) answer();
  put_in_lent(2);
  outcome("passcode_incorrect", "Wrong passcode.");
  EXPECT_EQ(last<action::Ask>().prompt.kind, Prompt::Kind::passcode);
  EXPECT_EQ(last<action::Ask>().prompt.error, "Wrong passcode.");
  EXPECT_NE(last<action::Ask>().prompt.description.find("lent to you"), std::string::npos);
}

TEST_F(LentToAda, TheLastTryIsConfirmedAndSaidSo) {
  connect();
  insert_lent(1);
  EXPECT_EQ(last<action::Ask>().prompt.kind, Prompt::Kind::confirm);
  for (int i = 0; i < 4; ++i) answer();
  EXPECT_EQ(last<action::Send>().what, action::Send::What::change_passcode);
  EXPECT_TRUE(last<action::Send>().spend_last_try);
}

TEST_F(LentToAda, NothingTypedIsKeptWhenTheCardGoes) {
  connect();
  insert_lent();
  answer();
  ASSERT_EQ(last<action::Ask>().prompt.kind, Prompt::Kind::new_passcode);
  forget();
  pull();
  answer(Answer::closed);
  EXPECT_GE(count<action::ForgetSecrets>(), 1);
  insert_lent();
  EXPECT_EQ(last<action::Ask>().prompt.kind, Prompt::Kind::passcode) << "from the beginning";
}

/// Each way in which an unblocking that was begun has no next dialog.
class HalfDone : public Desktop {
 protected:
  void begin() {
    connect();
    insert(ada, ward, 0);
    answer();  // yes
    ASSERT_EQ(last<action::Ask>().prompt.kind, Prompt::Kind::unblocking_key);
  }
  void begins_anew() {
    ASSERT_GT(count<action::Ask>(), 0);
    EXPECT_EQ(last<action::Ask>().prompt.ok, "Unblock") << "from the beginning";
    for (int i = 0; i < 4; ++i) answer();
    EXPECT_EQ(last<action::Send>().what, action::Send::What::unblock);
  }
};

TEST_F(HalfDone, ForgetsTheCodeWhenNothingIsKnownOfTheCard) {
  begin();
  event("card", "read", desk);  // and no look yet
  forget();
  answer();
  EXPECT_EQ(count<action::Ask>(), 0);
  EXPECT_EQ(count<action::ForgetSecrets>(), 1);
  look();
  begins_anew();
}

TEST_F(HalfDone, ForgetsTheCodeWhenTheScreenIsLocked) {
  begin();
  answer();
  forget();
  screen(true);
  EXPECT_EQ(count<action::ForgetSecrets>(), 1) << "before the dialog is gone";
  answer(Answer::closed);
  screen(false);
  look();
  begins_anew();
}

TEST_F(HalfDone, ForgetsTheCodeWhenTheServiceGoes) {
  begin();
  answer();
  forget();
  take(agent->disconnected(now));
  EXPECT_EQ(count<action::ForgetSecrets>(), 1);
  EXPECT_EQ(count<action::CloseDialog>(), 1);
  answer(Answer::closed);
  connect();
  begins_anew();
}

TEST_F(HalfDone, ForgetsTheCodeWhenTheCardGoes) {
  begin();
  answer();
  forget();
  event("card", "removed", ward);
  EXPECT_EQ(count<action::ForgetSecrets>(), 1);
  reader(ward) = {.name = ward};
  look();
  answer(Answer::closed);
  insert(ada, ward, 0);
  begins_anew();
}

TEST_F(HalfDone, ForgetsTheCodeWhenTheDialogIsClosed) {
  begin();
  answer();
  forget();
  answer(Answer::closed);  // another of the user's agents asks
  EXPECT_GE(count<action::ForgetSecrets>(), 1);
  begins_anew();
}

TEST_F(Desktop, TellsOnceThatACardCannotBeUsed) {
  connect();
  insert(ada);
  answer();
  outcome("access_denied", "You left on Friday.");
  EXPECT_TRUE(notified("You left on Friday."));
  event("card", "read", ward);
  look();
  EXPECT_EQ(count<action::Ask>(), 1);

  forget();
  insert(max, desk);
  world.readers.back().registered = false;
  answer(Answer::cancelled);
  pull(desk);
  put_in(max, desk);
  reader(desk).registered = false;
  event("card", "sign_in_needed", desk);
  forget();
  look();
  EXPECT_EQ(count<action::Ask>(), 0);
  EXPECT_TRUE(notified("not registered"));
}

TEST_F(Desktop, SaysThatACardCannotBeRead) {
  connect();
  reader(ward) = {.name = ward, .state = SeenReader::State::unusable, .problem = "It does not answer."};
  event("card", "read", ward);
  look();
  look();
  EXPECT_EQ(count<action::Notify>(), 1);
  EXPECT_TRUE(notified("It does not answer."));
  EXPECT_EQ(count<action::Ask>(), 0);
}

TEST_F(Desktop, SaysOnceThatAReaderIsNotForThisUser) {
  connect();
  reader(ward) = {.name = ward, .state = SeenReader::State::hidden};
  look();
  look();
  EXPECT_EQ(count<action::Say>(), 1);
  EXPECT_TRUE(said("may not sign in"));
  EXPECT_EQ(count<action::Ask>(), 0);
}

TEST_F(Desktop, StaysWhenPinentryIsKilledAndSaysItOnce) {
  connect();
  insert(ada);
  answer(Answer::failed);
  EXPECT_TRUE(said("--pinentry"));
  EXPECT_EQ(count<action::Ask>(), 1);
  pull();
  insert(ada);
  EXPECT_EQ(count<action::Ask>(), 2);
  answer(Answer::failed);
  EXPECT_EQ(count<action::Say>(), 1);
}

TEST_F(Desktop, IsQuietWithoutADisplay) {
  again({.can_ask = false});
  connect();
  insert(ada);
  EXPECT_EQ(count<action::Ask>(), 0);
  EXPECT_TRUE(said("neither a display nor a terminal"));
}

TEST_F(Desktop, KeepsItsDialogOverARestartOfTheService) {
  connect();
  insert(ada);
  event("session", "ended", {}, "other", "shutdown");
  take(agent->disconnected(now));
  take(agent->connected());
  reader(ward) = {.name = ward, .state = SeenReader::State::reading};
  look();
  EXPECT_EQ(count<action::CloseDialog>(), 0);
  answer();  // typed while the card is read again
  EXPECT_EQ(count<action::Send>(), 1);
  put_in(ada);
  outcome("busy", "The card is being read.");
  EXPECT_EQ(count<action::Ask>(), 2);
}

TEST_F(Desktop, AsksAnewWhenTheServiceWasGoneBetweenPromptAndAnswer) {
  connect();
  insert(ada);
  answer();
  take(agent->sent({false, "", "nothing listens."}));  // no answer at all
  take(agent->disconnected(now));
  EXPECT_TRUE(notified("does not answer"));
  EXPECT_EQ(count<action::Ask>(), 1);
  connect();
  EXPECT_EQ(count<action::Ask>(), 2);
}

TEST_F(Desktop, AsksAnewWhenTheCardIsReadAgainOnlyLater) {
  connect();
  insert(ada);
  answer();
  take(agent->sent({false, "", "nothing listens."}));
  take(agent->disconnected(now));
  reader(ward) = {.name = ward, .state = SeenReader::State::reading};
  connect();
  EXPECT_EQ(count<action::Ask>(), 1);
  put_in(ada);
  event("card", "read", ward);
  event("card", "sign_in_needed", ward);
  look();
  EXPECT_EQ(count<action::Ask>(), 2);
}

TEST_F(Desktop, AsksAnewWhenARestartEndedTheSession) {
  sign_in();
  end_session("s1", "shutdown");
  EXPECT_EQ(count<action::Lock>(), 0);
  take(agent->disconnected(now));
  connect();
  EXPECT_EQ(count<action::Ask>(), 1);
  EXPECT_EQ(count<action::Lock>(), 0);
}

TEST_F(Desktop, LocksWhenTheCardWentWhileTheServiceWasAway) {
  sign_in();
  take(agent->disconnected(now));
  world.sessions.clear();
  reader(ward) = {.name = ward};
  connect();
  EXPECT_EQ(count<action::Lock>(), 0) << "it may still be found";
  pass(Attention::back_patience);
  EXPECT_EQ(count<action::Lock>(), 1);
}

TEST_F(Desktop, DoesNotLockWhenTheCardIsFoundAgain) {
  sign_in();
  take(agent->disconnected(now));
  world.sessions.clear();
  reader(ward) = {.name = ward, .state = SeenReader::State::reading};
  connect();
  pass(Attention::back_patience);
  put_in(ada);
  look();
  pass(seconds(10));
  EXPECT_EQ(count<action::Lock>(), 0);
}

TEST_F(Desktop, LocksWhenTheCardGoes) {
  sign_in("end");
  end_session("s1", "card_removed");
  EXPECT_EQ(count<action::Lock>(), 1) << "at once";
  pull();
  screen(true);
  pass(seconds(3));
  EXPECT_EQ(count<action::Lock>(), 1);
  EXPECT_FALSE(notified("not locked"));
}

TEST_F(Desktop, LocksInTheModeLockAndAsksOnceToGoOn) {
  sign_in("lock");
  state("s1", SeenSession::State::locked);
  event("session", "locked", {}, "s1", "card_removed");
  pull();
  EXPECT_EQ(count<action::Lock>(), 1);
  screen(true);
  // The card comes back, and the locker's own prompt takes it.
  put_in(ada);
  event("card", "read", ward);
  look();
  EXPECT_EQ(count<action::Ask>(), 0) << "never in front of a locked screen";
  state("s1", SeenSession::State::active);
  event("session", "resumed", {}, "s1");
  look();
  screen(false);
  look();
  EXPECT_EQ(count<action::Ask>(), 0);
}

TEST_F(Desktop, AsksToResumeWhenTheScreenWasUnlockedWithoutTheCard) {
  sign_in("lock");
  state("s1", SeenSession::State::locked);
  event("session", "locked", {}, "s1", "card_removed");
  pull();
  screen(true);
  screen(false);
  look();
  EXPECT_EQ(count<action::Ask>(), 0) << "the card is out";
  put_in(ada);
  event("card", "read", ward);
  look();
  ASSERT_EQ(count<action::Ask>(), 1);
  answer();
  EXPECT_EQ(last<action::Send>().what, action::Send::What::resume);
  EXPECT_EQ(last<action::Send>().session, "s1");
}

TEST_F(Desktop, LocksOnlyAfterTheGrace) {
  sign_in("grace");
  state("s1", SeenSession::State::grace);
  event("session", "grace", {}, "s1", "card_removed");
  pull();
  EXPECT_EQ(count<action::Lock>(), 0);
  EXPECT_TRUE(notified("Put it back"));
  end_session("s1", "card_removed");
  EXPECT_EQ(count<action::Lock>(), 1);
}

TEST_F(Desktop, LocksNothingWhereTheCardMayGo) {
  sign_in("keep");
  pull();
  EXPECT_EQ(count<action::Lock>(), 0);
  end_session("s1", "card_removed");  // hours later
  EXPECT_EQ(count<action::Lock>(), 0);
}

TEST_F(Desktop, SaysWhenNoScreenLockerAnswers) {
  sign_in();
  end_session("s1", "card_removed");
  pull();
  pass(milliseconds(1999));
  EXPECT_FALSE(notified("not locked"));
  pass(milliseconds(1));
  EXPECT_TRUE(notified("not locked"));
  EXPECT_EQ(count<action::EndLogin>(), 0);
}

TEST_F(Desktop, EndsTheLoginWhenItShouldAndNoScreenLockerAnswers) {
  again({.end_login = true});
  sign_in();
  end_session("s1", "card_removed");
  pass(seconds(2));
  EXPECT_EQ(count<action::EndLogin>(), 1);
}

TEST_F(Desktop, ALoginThatIsNoLongerAtTheSeatIsLocked) {
  again({.end_login = true});
  sign_in();
  end_session("s1", "card_removed");
  screen(false, false);  // a greeter on another screen, as light-locker does
  pass(seconds(2));
  EXPECT_EQ(count<action::EndLogin>(), 0);
}

TEST_F(Desktop, LocksALoginThatIsNotAtTheFront) {
  sign_in();
  screen(false, false);
  end_session("s1", "card_removed");
  pull();
  EXPECT_EQ(count<action::Lock>(), 1) << "whoever switches back finds it locked";
  screen(true, false);
  pass(seconds(2));
  screen(true);
  pass(seconds(2));
  EXPECT_EQ(count<action::Lock>(), 1);
  EXPECT_FALSE(notified("not locked"));
}

TEST_F(Desktop, LocksAgainWhatComesToTheFrontUnlocked) {
  again({.end_login = true});
  sign_in();
  screen(false, false);
  end_session("s1", "card_removed");
  pass(seconds(2));
  EXPECT_EQ(count<action::EndLogin>(), 0) << "it may be locked by a locker that does not say so";
  screen(false);
  pass(Attention::front_patience);
  EXPECT_EQ(count<action::Lock>(), 2);
  pass(Attention::lock_patience);
  EXPECT_EQ(count<action::EndLogin>(), 1);
}

TEST_F(Desktop, AnotherScreenInTheMeantimeDoesNotHideThatNothingLocks) {
  sign_in();
  end_session("s1", "card_removed");
  screen(false, false);
  pass(seconds(10));
  screen(false);
  pass(Attention::front_patience);
  EXPECT_EQ(count<action::Lock>(), 2);
  pass(Attention::lock_patience);
  EXPECT_TRUE(notified("not locked"));
  screen(false, false);
  screen(false);
  pass(seconds(10));
  EXPECT_EQ(count<action::Lock>(), 2) << "told once";
}

TEST_F(Desktop, AGreeterThatUnlockedTheLoginIsBelieved) {
  sign_in();
  end_session("s1", "card_removed");
  screen(false, false);  // light-locker
  pass(seconds(10));
  screen(false);
  take(agent->unlocked());
  pass(seconds(10));
  EXPECT_EQ(count<action::Lock>(), 1);
  EXPECT_FALSE(notified("not locked"));
}

/// Another desktop of the same person.
class TwoDesktops : public Desktop {
 protected:
  void screens(bool locked, bool active, bool others_locked, bool other_in_front) {
    take(agent->screen({.known = true,
                        .locked = locked,
                        .active = active,
                        .others_locked = others_locked,
                        .other_in_front = other_in_front},
                       now));
  }
};

TEST_F(TwoDesktops, TheOneAtTheFrontIsWatchedWhichever) {
  sign_in();
  screens(false, false, false, true);
  pull();
  EXPECT_EQ(count<action::Lock>(), 1);
  pass(Attention::lock_patience);
  EXPECT_TRUE(notified("The screen is not locked")) << "the other one, where the person is";
}

TEST_F(TwoDesktops, ItIsEnoughThatTheOneAtTheFrontIsLocked) {
  sign_in();
  screens(false, false, false, true);
  pull();
  screens(false, false, true, false);
  pass(Attention::lock_patience);
  EXPECT_FALSE(notified("The screen is not locked"));
}

TEST_F(TwoDesktops, TheOtherIsLockedWhenItComesToTheFrontUnlocked) {
  sign_in();
  screens(false, true, false, false);
  pull();
  screens(true, true, false, false);
  pass(Attention::lock_patience);
  forget();
  screens(true, false, false, true);
  pass(Attention::front_patience);
  EXPECT_EQ(count<action::Lock>(), 1);
}

TEST_F(TwoDesktops, ALockedOneDoesNotHideThatTheOtherIsOpen) {
  sign_in();
  screens(true, false, false, true);
  pull();
  EXPECT_EQ(count<action::Lock>(), 1);
}

TEST_F(Desktop, AGreeterThatUnlocksJustAfterTheSecondLockIsBelieved) {
  sign_in();
  screen(false, false);
  pull();
  screen(false, true);
  pass(Attention::front_patience);
  EXPECT_EQ(count<action::Lock>(), 2);
  take(agent->unlocked());
  pass(Attention::lock_patience);
  EXPECT_FALSE(notified("The screen is not locked"));
}

TEST_F(Desktop, LocksALoginThatIsNotAtTheFrontBeforeSleep) {
  connect();
  screen(false, false);
  take(agent->sleep(true, now));
  EXPECT_EQ(count<action::Lock>(), 1);
  EXPECT_EQ(count<action::LetSleep>(), 0);
  pass(Attention::lock_patience);
  EXPECT_EQ(count<action::LetSleep>(), 1);
  take(agent->sleep(false, now));
  take(agent->sleep(true, now));
  EXPECT_EQ(count<action::LetSleep>(), 2) << "nobody was at the front since";
}

TEST_F(Desktop, LocksWhenTheCardGoesAfterItsSessionEnded) {
  for (const std::string reason :
       {"time_up", "access_lost", "certificate_refused", "signed_out", "revoked"}) {
    for (const std::string mode : {"end", "lock", "grace", "keep"}) {
      again({});
      world = {};
      sign_in(mode);
      end_session("s1", reason);
      look();
      if (count<action::Ask>() > 0) answer(Answer::cancelled);
      EXPECT_EQ(count<action::Lock>(), 0) << "the person is still there";
      pull();
      EXPECT_EQ(count<action::Lock>(), 1) << reason << " " << mode;
    }
  }
}

TEST_F(Desktop, LocksWhenTheReaderGoesAfterARestart) {
  sign_in();
  end_session("s1", "shutdown");
  take(agent->disconnected(now));
  connect();
  answer(Answer::cancelled);
  std::erase_if(world.readers, [](const SeenReader& each) { return each.name == ward; });
  event("card", "reader_gone", ward);
  EXPECT_EQ(count<action::Lock>(), 1);
}

TEST_F(Desktop, LocksWhenTheCardOfAnEndedSessionWentUnseen) {
  sign_in();
  end_session("s1", "time_up");
  look();
  answer(Answer::cancelled);
  take(agent->disconnected(now));
  reader(ward) = {.name = ward};
  connect();
  pass(Attention::back_patience);
  EXPECT_EQ(count<action::Lock>(), 1);
}

TEST_F(Desktop, ACardThatWentUnseenMayBeBackWithinTheGrace) {
  sign_in("grace");
  take(agent->disconnected(now));
  reader(ward) = {.name = ward};
  state("s1", SeenSession::State::grace);
  connect();
  pass(Attention::back_patience);
  EXPECT_EQ(count<action::Lock>(), 0);
}

TEST_F(Desktop, AnotherPersonsCardThatGoesLocksNothing) {
  sign_in();
  insert(max, desk);
  pull(desk);
  EXPECT_EQ(count<action::Lock>(), 0);
}

TEST_F(Desktop, LocksOnceWhenTheServiceIsGoneForLong) {
  sign_in();
  take(agent->disconnected(now));
  for (int i = 0; i < 5; ++i) {
    pass(seconds(5));
    take(agent->disconnected(now));  // an attempt that failed
  }
  EXPECT_EQ(count<action::Lock>(), 0);
  ASSERT_TRUE(agent->next_deadline());
  pass(seconds(5));
  EXPECT_EQ(count<action::Lock>(), 1);
  EXPECT_TRUE(notified("your password"));
  screen(true);
  screen(false);
  pass(std::chrono::hours(1));
  EXPECT_EQ(count<action::Lock>(), 1) << "people go on working";
}

TEST_F(Desktop, LocksWhenTheServiceIsGoneDuringTheGrace) {
  sign_in("grace");
  state("s1", SeenSession::State::grace);
  event("session", "grace", {}, "s1", "card_removed");
  pull();
  take(agent->disconnected(now));
  pass(Attention::service_patience);
  EXPECT_EQ(count<action::Lock>(), 1);
}

TEST_F(Desktop, AServiceThatIsGoneLocksNothingWhereTheCardMayGo) {
  sign_in("keep");
  end_session("s1", "shutdown");
  take(agent->disconnected(now));
  pass(std::chrono::hours(1));
  EXPECT_EQ(count<action::Lock>(), 0);
}

TEST_F(Desktop, AServiceThatIsGoneLocksNothingOfNobodys) {
  connect();
  insert(ada);
  answer(Answer::cancelled);
  take(agent->disconnected(now));
  pass(std::chrono::hours(1));
  EXPECT_EQ(count<action::Lock>(), 0);
}

TEST_F(Desktop, LocksBeforeTheMachineSleeps) {
  connect();
  take(agent->sleep(true, now));
  EXPECT_EQ(count<action::Lock>(), 1);
  EXPECT_EQ(count<action::LetSleep>(), 0);
  screen(true);
  EXPECT_EQ(count<action::LetSleep>(), 1);
}

TEST_F(Desktop, LetsTheMachineSleepThoughNothingLocks) {
  connect();
  take(agent->sleep(true, now));
  pass(seconds(2));
  EXPECT_EQ(count<action::LetSleep>(), 1);
  take(agent->sleep(false, now));
  EXPECT_EQ(count<action::LetSleep>(), 1);
}

TEST_F(Desktop, TellsTheServiceThatTheScreenWasLocked) {
  sign_in();
  screen(true);
  EXPECT_EQ(last<action::TellScreen>().session, "s1");
  EXPECT_TRUE(last<action::TellScreen>().locked);
  screen(true);
  EXPECT_EQ(count<action::TellScreen>(), 1);
  screen(false);
  EXPECT_FALSE(last<action::TellScreen>().locked);
}

TEST_F(Desktop, EndsItsDialogWhenTheScreenIsLocked) {
  connect();
  insert(ada);
  screen(true);
  EXPECT_EQ(count<action::CloseDialog>(), 1);
  answer(Answer::closed);
  EXPECT_EQ(count<action::Ask>(), 1);
  screen(false);
  look();
  EXPECT_EQ(count<action::Ask>(), 2);
}

TEST_F(Desktop, AsksWhenASessionIsLockedAndItsCardIsIn) {
  sign_in();
  state("s1", SeenSession::State::locked);
  event("session", "locked", {}, "s1", "idle");
  look();
  ASSERT_EQ(count<action::Ask>(), 1);
  EXPECT_NE(last<action::Ask>().prompt.description.find("locked"), std::string::npos);
  answer(Answer::cancelled);
  look();
  EXPECT_EQ(count<action::Ask>(), 1);
}

TEST_F(Desktop, AsksForAFreshProof) {
  sign_in();
  event("session", "step_up_needed", {}, "s1");
  look();
  ASSERT_EQ(count<action::Ask>(), 1);
  EXPECT_NE(last<action::Ask>().prompt.description.find("(core)"), std::string::npos);
  answer();
  EXPECT_EQ(last<action::Send>().what, action::Send::What::resume);
  outcome("");
  EXPECT_EQ(count<action::Ask>(), 1);
}

TEST_F(Desktop, AFreshProofThatWasDeclinedIsNotAskedForInALoop) {
  sign_in();
  event("session", "step_up_needed", {}, "s1");
  look();
  answer(Answer::cancelled);
  event("session", "step_up_needed", {}, "s1");
  look();
  EXPECT_EQ(count<action::Ask>(), 1);
  pass(Attention::step_up_pause);
  event("session", "step_up_needed", {}, "s1");
  look();
  EXPECT_EQ(count<action::Ask>(), 2);
}

TEST_F(Desktop, AFreshProofWaitsForTheCard) {
  sign_in("keep");
  pull();
  event("session", "step_up_needed", {}, "s1");
  look();
  EXPECT_TRUE(notified("Your card is needed"));
  EXPECT_EQ(count<action::Ask>(), 0);
  put_in(ada);
  event("card", "read", ward);
  look();
  EXPECT_EQ(count<action::Ask>(), 1);
}

TEST_F(Desktop, ShowsTheGreeterToAnotherPersonAtALockedScreen) {
  again({.can_switch_user = true});
  sign_in();
  end_session("s1", "card_removed");
  pull();
  screen(true);
  insert(ada);
  EXPECT_EQ(count<action::SwitchUser>(), 0) << "their own card";
  pull();
  insert(max);
  EXPECT_EQ(count<action::SwitchUser>(), 1);
  look();
  EXPECT_EQ(count<action::SwitchUser>(), 1);
  EXPECT_EQ(count<action::Ask>(), 0) << "opens nothing of the first person's";
}

TEST_F(Desktop, SwitchesToNobodyUnlessItIsConfigured) {
  sign_in();
  end_session("s1", "card_removed");
  pull();
  screen(true);
  insert(max);
  EXPECT_EQ(count<action::SwitchUser>(), 0);
}

TEST_F(Desktop, DoesNotAskAfterASignOut) {
  sign_in();
  end_session("s1", "signed_out");
  look();
  EXPECT_EQ(count<action::Ask>(), 0);
}

TEST_F(Desktop, AsksWhenTheTimeOfASessionIsUp) {
  sign_in();
  end_session("s1", "time_up");
  look();
  EXPECT_TRUE(notified("Your time is up"));
  EXPECT_EQ(count<action::Ask>(), 1);
}

TEST_F(Desktop, AsksWhenTheCardWasOutTooLongAndIsBack) {
  sign_in("keep");
  pull();
  put_in(ada);
  event("card", "read", ward);
  look();
  EXPECT_EQ(count<action::Ask>(), 0) << "the session is open";
  end_session("s1", "card_out_too_long");
  look();
  EXPECT_EQ(count<action::Lock>(), 0);
  EXPECT_TRUE(notified("out too long"));
  EXPECT_EQ(count<action::Ask>(), 1);
}

TEST_F(Desktop, TellsTenMinutesBeforeASessionEnds) {
  sign_in();
  ASSERT_TRUE(agent->next_deadline());
  now = world.sessions.front().ends - std::chrono::minutes(10);
  EXPECT_LE(*agent->next_deadline(), now);
  pass(milliseconds(0));
  EXPECT_TRUE(notified("ends soon"));
  forget();
  pass(seconds(60));
  EXPECT_FALSE(notified("ends soon"));
}

TEST_F(Desktop, TellsWhatEndsSoonOnceADay) {
  sign_in();
  take(agent->news("s1", {"Your training ends on Friday."}, {"Your form was approved."}, now));
  EXPECT_TRUE(notified("Your training ends on Friday."));
  EXPECT_TRUE(notified("Your form was approved."));
  forget();
  take(agent->news("s1", {"Your training ends on Friday."}, {}, now + std::chrono::hours(23)));
  EXPECT_EQ(count<action::Notify>(), 0);
  world.sessions.front().ends = now + std::chrono::hours(100);
  look();
  pass(std::chrono::hours(24));
  EXPECT_EQ(last<action::AskNews>().session, "s1");
  take(agent->news("s1", {"Your training ends on Friday."}, {}, now));
  EXPECT_TRUE(notified("Your training ends on Friday."));
}

TEST_F(Desktop, RemembersOnlySoMuchOfWhatItTold) {
  sign_in();
  for (int i = 0; i < 300; ++i) event("session", "notice", {}, "s1", {}, "Notice " + std::to_string(i));
  forget();
  take(agent->news("s1", {}, {"Notice 0"}, now));
  EXPECT_TRUE(notified("Notice 0"));
  forget();
  take(agent->news("s1", {}, {"Notice 299"}, now));
  EXPECT_FALSE(notified("Notice 299"));
}

TEST_F(Desktop, ShowsTheWarningsOfASession) {
  connect();
  world.sessions.push_back(
      {.id = "s1", .person = "Ada Example", .ends_text = "21:00", .warnings = {"Renew your card."}});
  event("session", "opened", {}, "s1");
  look();
  EXPECT_TRUE(notified("Renew your card."));
}

TEST_F(Desktop, ShowsWhatIsPublished) {
  sign_in();
  event("session", "notice", {}, "s1", {}, "Your form was rejected.");
  EXPECT_TRUE(notified("Your form was rejected."));
  event("session", "access_changed", {}, "s1");
  EXPECT_TRUE(notified("Your access has changed"));
  world.downtime.push_back({"ESR is away.", now, true});
  event("downtime", "changed");
  look();
  EXPECT_TRUE(notified("ESR is away."));
  forget();
  look();
  EXPECT_EQ(count<action::Notify>(), 0);
  end_session("s1", "access_lost");
  EXPECT_TRUE(notified("Your access has ended"));
}

TEST_F(Desktop, SurvivesEventsThatItDoesNotKnow) {
  event("card", "danced", "a reader");
  event("weather", "rain");
  event("session", "ended", {}, "nobody", "boredom");
  answer();
  outcome("passcode_incorrect");
  pass(std::chrono::hours(1));
  EXPECT_EQ(count<action::Ask>(), 0);
  EXPECT_EQ(count<action::Send>(), 0);
}

}  // namespace
}  // namespace cardgate::agent
