// SPDX-License-Identifier: Apache-2.0
// Changing a card's passcode, and setting a new one by the unblocking key; of a card of the pool also by a code from the help desk,
// for which the service gives the key. One thread.
#pragma once

#include "daemon/cards/card_desk.hpp"
#include "daemon/deeds/deeds.hpp"
#include "daemon/deeds/loans.hpp"
#include "daemon/deeds/unblock_desk.hpp"
#include "daemon/http/answer.hpp"
#include "daemon/people/roll.hpp"
#include "daemon/record/recorder.hpp"
#include "proto/messages.hpp"

namespace cardgate::daemon {

class CardApi {
 public:
  CardApi(CardDesk& cards, UnblockDesk& unblocking, Loans& loans, Deeds& deeds, Roll& roll,
          Recorder& recorder)
      : cards_(cards),
        unblocking_(unblocking),
        loans_(loans),
        deeds_(deeds),
        roll_(roll),
        recorder_(recorder) {}
  CardApi(const CardApi&) = delete;
  CardApi& operator=(const CardApi&) = delete;

  Answer change_passcode(Request& request, const std::string& id);
  Answer unblock(Request& request, const std::string& id);

 private:
  struct ByCode;
  using Refusal = std::optional<Response>;

  Answer unblock_by_code(const Request& request, const std::string& id, proto::Unblock ask);
  /// Who has the card on loan, and may they have it unblocked?
  Refusal refuse_holder(ByCode& going);
  /// The key that the service holds goes to no card that could be a copy, or a forgery that keeps what it is told.
  Refusal refuse_unproved(ByCode& going, const reg::Person& holder);
  boost::asio::awaitable<Refusal> take_key(ByCode& going);
  boost::asio::awaitable<Refusal> record_use(ByCode& going);
  Refusal wrong_code(ByCode& going);
  /// Its record is in the log: says what became of it, unless the card was unblocked.
  void end_record(ByCode& going, const Result<void>& of_card);
  /// The passcode of a card that was lent is new: it may open something from now on.
  boost::asio::awaitable<Refusal> note_new_passcode(const std::optional<Loans::Running>& loan);
  /// What the card has to do, and what follows. `outcome`: of the card.
  boost::asio::awaitable<Response> ask_card(CardUse use, std::shared_ptr<const CardFacts> card,
                                            std::uint64_t insertion, UnblockUse unblocking, Secret fresh,
                                            Patience patience, Result<void>& outcome);

  CardDesk& cards_;
  UnblockDesk& unblocking_;
  Loans& loans_;
  Deeds& deeds_;
  Roll& roll_;
  Recorder& recorder_;
};

}  // namespace cardgate::daemon
