// SPDX-License-Identifier: Apache-2.0
#include "daemon/card_work.hpp"

#include "base/crypto.hpp"
#include "daemon/limits.hpp"
#include "pcsc/piv.hpp"
#include "trust/possession.hpp"

namespace cardgate::daemon {
namespace piv = pcsc::piv;
namespace {

Result<pcsc::Transaction> take_card(const std::string& reader) {
  // A context of its own each time: one that outlived a restart of pcscd would still call itself valid.
  auto context = TRY(pcsc::Context::establish());
  auto card = TRY(context.connect(reader));
  return card.begin(card_wait);
}

Result<piv::Algorithm> algorithm_of(trust::KeyKind key) {
  switch (key) {
    case trust::KeyKind::rsa2048:
      return piv::Algorithm::rsa2048;
    case trust::KeyKind::p256:
      return piv::Algorithm::p256;
    default:
      return Error{Errc::key_unsupported, "the card's key is of a kind that cannot be used here"};
  }
}

}  // namespace

Result<CardFacts> read_card(const std::string& reader, const Judge& judge, WallTime now) {
  auto card = TRY(take_card(reader));
  CardFacts facts;
  TRY(piv::select(card));
  facts.tries_left = TRY(piv::tries_left(card));
  facts.certificate = TRY(piv::read_certificate(card, piv::Slot::authentication));
  facts.info = TRY(trust::describe(facts.certificate));
  if (facts.info.card_uuid) {
    facts.id = *facts.info.card_uuid;
  } else {
    facts.id = TRY(piv::read_chuid(card))
    .card_uuid();
  }
  facts.round_trips = card.round_trips();
  TRY(card.end());
  facts.verdict = trust::validate(judge.authorities, facts.certificate, judge.rules, now);
  return facts;
}

Result<int> count_tries(const std::string& reader) {
  auto card = TRY(take_card(reader));
  TRY(piv::select(card));
  return piv::tries_left(card);
}

Result<Proof> prove_card(Attempt attempt, const Judge& judge, WallTime now) {
  TRY(piv::check_pin_format(attempt.passcode));
  const auto algorithm = TRY(algorithm_of(attempt.key));
  const auto message = trust::challenge_message(random_bytes(32), attempt.host, attempt.sign_in_id);
  const auto block = TRY(trust::block_to_sign(attempt.key, message));

  auto card = TRY(take_card(attempt.reader));
  TRY(piv::select(card));
  const int tries = TRY(piv::tries_left(card));
  if (tries == 0) return Error{Errc::pin_blocked, "the card is blocked"};
  if (tries != attempt.tries_shown)
    return Error{Errc::card_changed, "the tries left are not those shown", tries};
  if (tries == 1 && !attempt.spend_last_try) return Error{Errc::pin_last_try, "one try is left", 1};
  TRY(piv::verify_pin(card, std::move(attempt.passcode)));
  const auto signature = TRY(piv::sign(card, piv::Slot::authentication, algorithm, block));
  Proof proof;
  proof.round_trips = card.round_trips();
  TRY(card.end());
  TRY(trust::verify_possession(attempt.certificate, message, signature));
  proof.verdict = trust::validate(judge.authorities, attempt.certificate, judge.rules, now);
  return proof;
}

}  // namespace cardgate::daemon
