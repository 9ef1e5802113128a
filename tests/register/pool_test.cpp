// SPDX-License-Identifier: Apache-2.0
// The pool of cards that the desk lends: in it, on loan, returned; and what an import, a backup and an older file make of it.
#include <SQLiteCpp/SQLiteCpp.h>

#include <fmt/format.h>

#include <atomic>

#include "register/unblocking.hpp"
#include "register/upkeep.hpp"
#include "tests/register/fixture.hpp"

namespace cardgate::reg {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr const char* own_card = "8b1f6c1e-2d5a-4d0e-9a53-0c2f7b6f1a01";
constexpr const char* spare = "8b1f6c1e-2d5a-4d0e-9a53-0c2f7b6f1a99";
constexpr const char* other_spare = "8b1f6c1e-2d5a-4d0e-9a53-0c2f7b6f1a98";
const std::atomic<bool> unstopped = false;

class Pool : public ::testing::Test {
 protected:
  Pool() : staff(open(folder.file())) {
    import(*staff,
           "people: [{id: ama, name: Ama, cards: [{uuid: 8b1f6c1e-2d5a-4d0e-9a53-0c2f7b6f1a01}]}, {id: ben, "
           "name: Ben}]");
    EXPECT_TRUE(staff->add_pool_card({spare, "Spare 1", "ben", date("2026-06-01")}));
  }
  Result<Person> lend(const std::string& id, const std::string& card = spare) {
    return staff->change(id, [&](Person& next) -> Result<void> {
      Card lent{card, "active", {}};
      lent.registered_by = "ben";
      lent.lent_until = until;
      next.cards.push_back(lent);
      return {};
    });
  }
  Result<Person> give_back(const std::string& id) {
    return staff->change(id, [&](Person& next) -> Result<void> {
      std::erase_if(next.cards, [](const Card& card) { return card.on_loan(); });
      return {};
    });
  }
  /// The cards of the pool as "UUID's end, holder, status".
  std::vector<std::string> pool() {
    std::vector<std::string> out;
    const auto cards = staff->pool_cards();
    for (const auto& card : *cards)
      out.push_back(card.uuid.substr(34) + " " + card.holder + " " + card.status);
    return out;
  }
  std::vector<std::string> cards_of(const std::string& id) {
    std::vector<std::string> out;
    const auto person = staff->person(id);
    for (const auto& card : person->cards)
      out.push_back(card.uuid.substr(34) + " " + card.status + (card.lent_until ? " lent" : ""));
    return out;
  }

  Folder folder;
  std::unique_ptr<Register> staff;
  const WallTime until = parse_rfc3339("2026-06-01T23:00:00Z").value();
};

TEST_F(Pool, ACardIsLentAndReturnedAndLentToTheNext) {
  EXPECT_THAT(pool(), ElementsAre("99  "));
  ASSERT_TRUE(lend("ama"));
  EXPECT_THAT(*staff->loans(), ElementsAre(Loan{"ama", spare, "active", "ben", until}));
  EXPECT_THAT(pool(), ElementsAre("99 ama active"));
  EXPECT_THAT(*staff->people_by_identity("card_uuid", spare), ElementsAre("ama"));
  const auto twice = lend("ben");
  ASSERT_FALSE(twice);
  EXPECT_THAT(twice.error().context, HasSubstr("somebody else"));
  ASSERT_TRUE(give_back("ama"));
  EXPECT_THAT(*staff->loans(), IsEmpty());
  EXPECT_THAT(cards_of("ama"), ElementsAre("01 active"));
  ASSERT_TRUE(lend("ben"));
  EXPECT_EQ(staff->pool_card(spare)->holder, "ben");
}

TEST_F(Pool, WhatIsNotInItIsNotLentAndWhatIsInItIsNobodysOwn) {
  EXPECT_EQ(lend("ama", other_spare).error().code, Errc::invalid_argument);
  const auto own = staff->change("ama", [](Person& next) -> Result<void> {
    next.cards.push_back({spare, "active", {}});
    return {};
  });
  ASSERT_FALSE(own);
  EXPECT_THAT(own.error().context, HasSubstr("pool"));
  EXPECT_EQ(staff->add_pool_card({own_card, "Ama", "ben", {}}).error().code, Errc::invalid_argument);
  EXPECT_EQ(staff->add_pool_card({spare, "Spare 1", "ben", {}}).error().code, Errc::invalid_argument);
  EXPECT_THAT(pool(), SizeIs(1));
}

TEST_F(Pool, ACardOnLoanStaysInItAndOneThatWasLostMayComeOut) {
  ASSERT_TRUE(lend("ama"));
  EXPECT_EQ(staff->remove_pool_card(spare).error().code, Errc::invalid_argument);
  ASSERT_TRUE(staff->change("ama", [](Person& next) -> Result<void> {
    next.cards.back().status = "lost";
    return {};
  }));
  EXPECT_THAT(*staff->loans(), IsEmpty()) << "nothing ends by itself: it is lost";
  EXPECT_THAT(pool(), ElementsAre("99 ama lost"));
  EXPECT_TRUE(staff->remove_pool_card(spare));
  EXPECT_THAT(pool(), IsEmpty());
  EXPECT_THAT(cards_of("ama"), ElementsAre("01 active", "99 lost lent")) << "refused for ever";
  EXPECT_EQ(staff->remove_pool_card(spare).error().code, Errc::not_found);
}

TEST_F(Pool, AnImportEndsNoLoanAndTakesNoCardOutOfThePool) {
  ASSERT_TRUE(lend("ama"));
  import(*staff, "people: [{id: ama, name: Ama, cards: [{uuid: 8b1f6c1e-2d5a-4d0e-9a53-0c2f7b6f1a02}]}]");
  EXPECT_THAT(cards_of("ama"), ElementsAre("02 active", "99 active lent"));
  import(*staff, "people: [{id: ama, name: Ama, cards: []}]");
  EXPECT_THAT(cards_of("ama"), ElementsAre("99 active lent"));
  import_csv(*staff, "id,card_uuid\nama,8b1f6c1e-2d5a-4d0e-9a53-0c2f7b6f1a03\n");
  EXPECT_THAT(cards_of("ama"), ElementsAre("99 active lent", "03 active"));
  const auto own = import_csv(*staff, "id,card_uuid\nama,8b1f6c1e-2d5a-4d0e-9a53-0c2f7b6f1a99\n");
  EXPECT_THAT(texts(own.problems), ElementsAre(HasSubstr("pool")));
  const auto others =
      import(*staff, "people: [{id: ben, name: Ben, cards: [{uuid: 8b1f6c1e-2d5a-4d0e-9a53-0c2f7b6f1a99}]}]");
  EXPECT_THAT(texts(others.problems), ElementsAre(HasSubstr("pool")));
  EXPECT_THAT(cards_of("ama"), ElementsAre("99 active lent", "03 active"));
}

TEST_F(Pool, ANewEmploymentBeginsWithoutTheLoan) {
  ASSERT_TRUE(lend("ama"));
  Person before = *staff->person("ama");
  before.employed_from = date("2020-01-01");
  before.employed_until = date("2026-05-31");
  Person next = before;
  next.employed_from = date("2026-06-01");
  close_former_employment(before, next);
  ASSERT_THAT(next.cards, SizeIs(2));
  EXPECT_EQ(next.cards[0], (Card{own_card, "revoked", {}}));
  EXPECT_EQ(next.cards[1].status, "ended") << "the pool waits for it";
}

TEST_F(Pool, ALoanIsReadAsItWasWritten) {
  Card lent{spare, "active", {}};
  lent.registered_by = "ben";
  lent.lent_until = until;
  lent.lent_at = until - std::chrono::hours(8);
  lent.loan = "loan-1";
  lent.must_change_passcode = true;
  ASSERT_TRUE(staff->change("ama", [&](Person& next) -> Result<void> {
    next.cards.push_back(lent);
    return {};
  }));
  EXPECT_EQ(staff->person("ama")->cards.back(), lent);
  EXPECT_EQ(staff->loans()->front().from, lent.lent_at);
  EXPECT_TRUE(staff->pool_card(spare)->must_change_passcode);
}

TEST_F(Pool, ACardThatIsNotBackIsNotFree) {
  ASSERT_TRUE(lend("ama"));
  ASSERT_TRUE(staff->change("ama", [](Person& next) -> Result<void> {
    next.cards.back().status = "ended";
    return {};
  }));
  EXPECT_THAT(*staff->loans(), IsEmpty()) << "its end is past";
  EXPECT_THAT(pool(), ElementsAre("99 ama ended"));
  EXPECT_THAT(lend("ben").error().context, HasSubstr("somebody else"));
  const auto out = staff->remove_pool_card(spare);
  ASSERT_FALSE(out);
  EXPECT_THAT(out.error().context, HasSubstr("not back"));
}

TEST_F(Pool, OfCardsThatWereTakenOutTheLastAreRemembered) {
  const auto uuid = [](std::size_t i) { return fmt::format("00000000-0000-4000-8000-{:012}", i); };
  const std::size_t more = max_removed_pool_cards + 2;
  SQLite::Database other(folder.file().string(), SQLite::OPEN_READWRITE);
  {
    SQLite::Transaction all(other);
    for (std::size_t i = 1; i < more; ++i)
      other.exec(
          fmt::format("INSERT INTO pool_card (uuid, certificate_name, added_by, removed, removed_number) "
                      "VALUES ('{}', 'x', 'ben', 1, {})",
                      uuid(i), i));
    all.commit();
  }
  ASSERT_TRUE(staff->remove_pool_card(spare));
  const auto is_there = [&](const std::string& card) {
    return other.execAndGet("SELECT count(*) FROM pool_card WHERE uuid = '" + card + "'").getInt() == 1;
  };
  EXPECT_EQ(other.execAndGet("SELECT count(*) FROM pool_card").getInt64(),
            static_cast<std::int64_t>(max_removed_pool_cards));
  EXPECT_TRUE(is_there(spare));
  EXPECT_FALSE(is_there(uuid(1)));
  EXPECT_FALSE(is_there(uuid(2)));
  EXPECT_TRUE(is_there(uuid(3)));
}

class PoolRestored : public Pool {
 protected:
  void back_up_and_lend_anew() {
    ASSERT_TRUE(lend("ama"));
    ASSERT_TRUE(back_up(folder.file(), backup, unstopped));
    ASSERT_TRUE(give_back("ama"));
  }
  void restore_it() {
    ASSERT_TRUE(check_backup(backup, unstopped));
    const auto restored = restore(backup, folder.file());
    ASSERT_TRUE(restored) << restored.error().message();
    staff = open(folder.file());
    EXPECT_THAT(*check_register(folder.file(), Depth::full, unstopped), IsEmpty());
  }
  const std::filesystem::path backup = folder.path() / "backup.db";
};

TEST_F(PoolRestored, ALoanThatEndedSinceTheBackupStaysEnded) {
  back_up_and_lend_anew();
  restore_it();
  EXPECT_THAT(*staff->loans(), IsEmpty());
  EXPECT_THAT(pool(), ElementsAre("99  "));
}

TEST_F(PoolRestored, ALoanThatRunsGoesOn) {
  back_up_and_lend_anew();
  ASSERT_TRUE(lend("ben"));
  ASSERT_TRUE(staff->add_pool_card({other_spare, "Spare 2", "ben", {}}));
  restore_it();
  EXPECT_THAT(*staff->loans(), ElementsAre(Loan{"ben", spare, "active", "ben", until}));
  EXPECT_THAT(pool(), ElementsAre("98  ", "99 ben active"));
}

TEST_F(PoolRestored, ACardThatWasTakenOutOrLostSinceStaysSo) {
  ASSERT_TRUE(staff->add_pool_card({other_spare, "Spare 2", "ben", {}}));
  back_up_and_lend_anew();
  ASSERT_TRUE(staff->remove_pool_card(other_spare));
  ASSERT_TRUE(lend("ben"));
  ASSERT_TRUE(staff->change("ben", [](Person& next) -> Result<void> {
    next.cards.back().status = "lost";
    return {};
  }));
  restore_it();
  EXPECT_THAT(pool(), ElementsAre("99 ben lost"));
  EXPECT_THAT(cards_of("ben"), ElementsAre("99 lost lent"));
}

TEST_F(PoolRestored, ACardThatIsNotBackStaysOut) {
  back_up_and_lend_anew();
  ASSERT_TRUE(lend("ben"));
  ASSERT_TRUE(staff->change("ben", [](Person& next) -> Result<void> {
    next.cards.back().status = "ended";
    next.cards.back().loan = "loan-2";
    return {};
  }));
  restore_it();
  EXPECT_THAT(pool(), ElementsAre("99 ben ended"));
  EXPECT_EQ(staff->person("ben")->cards.back().loan, "loan-2");
  EXPECT_THAT(cards_of("ama"), ElementsAre("01 active"));
}

TEST(PoolLayout, ALoanOfBeforeGoesOn) {
  Folder folder;
  open(folder.file());
  {
    SQLite::Database old(folder.file().string(), SQLite::OPEN_READWRITE);
    // Layout 5, as the version before left it.
    old.exec(R"sql(
      DROP TABLE card;
      CREATE TABLE card (
        uuid TEXT NOT NULL UNIQUE,
        person INTEGER NOT NULL REFERENCES person(pk),
        status TEXT NOT NULL CHECK (status IN ('active', 'waiting', 'lost', 'replaced', 'revoked')),
        valid_until INTEGER,
        registered_by TEXT NOT NULL DEFAULT '',
        registered_on INTEGER,
        registered_card_by TEXT NOT NULL DEFAULT '',
        confirmed_by TEXT NOT NULL DEFAULT '',
        certificate_name TEXT NOT NULL DEFAULT '',
        replaces TEXT NOT NULL DEFAULT '',
        lent_until INTEGER
      ) STRICT;
      CREATE INDEX card_person ON card(person);
      CREATE INDEX card_lent ON card(lent_until) WHERE lent_until IS NOT NULL;
      ALTER TABLE unblocking DROP COLUMN loan;
      ALTER TABLE pool_card DROP COLUMN removed_number;
      INSERT INTO person (id, name) VALUES ('ama', 'Ama');
      INSERT INTO pool_card (uuid, certificate_name, added_by, unblocking_key)
        VALUES ('8b1f6c1e-2d5a-4d0e-9a53-0c2f7b6f1a99', 'Spare 1', 'ben', 'sealed');
      INSERT INTO card (uuid, person, status) VALUES ('8b1f6c1e-2d5a-4d0e-9a53-0c2f7b6f1a01', 1, 'active');
      INSERT INTO card (uuid, person, status, registered_by, registered_on, certificate_name, lent_until)
        VALUES ('8b1f6c1e-2d5a-4d0e-9a53-0c2f7b6f1a99', 1, 'active', 'ben', 20605, 'Spare 1', 1780354800);
      DROP TABLE fault; DROP TABLE downtime; ALTER TABLE notice DROP COLUMN read;
      PRAGMA user_version = 5)sql");
  }
  const auto staff = open(folder.file());
  ASSERT_TRUE(staff);
  Card lent{spare, "active", {}};
  lent.registered_by = "ben";
  lent.registered_on = date("2026-06-01");
  lent.certificate_name = "Spare 1";
  lent.lent_until = parse_rfc3339("2026-06-01T23:00:00Z").value();
  EXPECT_THAT(staff->person("ama")->cards, ElementsAre(Card{own_card, "active", {}}, lent));
  EXPECT_FALSE(staff->pool_card(spare)->must_change_passcode) << "whoever works with it goes on";
  ASSERT_TRUE(set_unblock_code(folder.file(), "ama", "hash", *lent.lent_until));
  EXPECT_EQ(begin_unblock(folder.file(), "ama", spare)->hash, "hash");
}

TEST(PoolLayout, ARegisterOfBeforeGetsAnEmptyPool) {
  Folder folder;
  open(folder.file());
  {
    SQLite::Database old(folder.file().string(), SQLite::OPEN_READWRITE);
    old.exec(
        "ALTER TABLE notice DROP COLUMN read; DROP TABLE fault; DROP TABLE downtime; DROP TABLE pool_card; "
        "DROP TABLE unblocking; DROP INDEX "
        "card_lent; ALTER TABLE card DROP COLUMN "
        "lent_until; ALTER TABLE card DROP COLUMN lent_at; ALTER TABLE card DROP COLUMN loan; ALTER TABLE "
        "card "
        "DROP COLUMN must_change;"
        "INSERT INTO person (id, name) VALUES ('ama', 'Ama');"
        "INSERT INTO card (uuid, person, status) VALUES ('8b1f6c1e-2d5a-4d0e-9a53-0c2f7b6f1a01', 1, "
        "'active');"
        "PRAGMA user_version = 3");
  }
  const auto staff = open(folder.file());
  ASSERT_TRUE(staff);
  EXPECT_THAT(*staff->pool_cards(), IsEmpty());
  EXPECT_THAT(staff->person("ama")->cards, ElementsAre(Card{own_card, "active", {}}));
  EXPECT_TRUE(staff->add_pool_card({spare, "Spare 1", "ben", {}}));
}

}  // namespace
}  // namespace cardgate::reg
