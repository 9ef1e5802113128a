// SPDX-License-Identifier: Apache-2.0
#include "daemon/cards/card_work.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/card_id.hpp"
#include "base/crypto.hpp"
#include "trust/possession.hpp"

namespace cardgate::daemon {
namespace {

constexpr const char* card_authentication = "2.16.840.1.101.3.6.8";  // id-PIV-cardAuth, SP 800-73-4 Part 1, B

/// Both have some, and none in common.
bool share_nothing(const std::vector<std::string>& one, const std::vector<std::string>& other) {
  return !one.empty() && !other.empty() && std::ranges::find_first_of(one, other) == one.end();
}

/// A copy of a card has its certificates but not its keys. What cannot be had of card authentication says nothing
/// against the certificate to sign in with: it is refused only where a card must show that it is genuine. What is
/// wrong with it, its signature or the card it names, is refused always. Errors: signature_invalid.
Result<bool> check_presence(const CardContents& contents, const CardFacts& facts, BytesView message,
                            const CertificateJudge& judge, WallTime now) {
  const auto refused = [](std::string why) { return Error{Errc::signature_invalid, std::move(why)}; };
  const auto not_shown = [&](const std::string& why) -> Result<bool> {
    if (judge.cards().require_presence)
      return refused(why + "; only cards with working card authentication are accepted here");
    return false;
  };
  if (contents.presence_certificate.empty())
    return not_shown(contents.presence_problem.empty() ? "it has no card authentication"
                                                       : contents.presence_problem);
  auto info = TRY(trust::describe(contents.presence_certificate));
  const auto equal = [](const auto& one, const auto& other) { return one && other && *one == *other; };
  const trust::Chuid same_card{facts.info.card_uuid.value_or(""), facts.info.fasc_n.value_or(""), false};
  if (trust::of_two_cards(info, same_card) || share_nothing(info.card_uuids, facts.info.card_uuids) ||
      share_nothing(info.written_fasc_ns, facts.info.written_fasc_ns))
    return refused("the certificates on the card belong to two cards");
  trust::choose_card_names(info, same_card);
  if (contents.presence_signature.empty()) return not_shown(contents.presence_problem);
  if (!trust::verify_possession(contents.presence_certificate, message, contents.presence_signature))
    return refused("the card does not hold the key of its card authentication certificate");
  trust::Rules rules = judge.rules();
  rules.extended_key_usages = {card_authentication};
  const bool good = judge.look(contents.presence_certificate, rules, now).valid;
  // Not refused for that alone unless it is asked for: many issuers let card authentication lapse, and nobody
  // is to be kept out for it.
  if (!good && judge.cards().require_presence)
    return refused("the card authentication certificate is not good");
  if (!good) return false;
  facts.driver->remember(contents.presence_mark, contents.presence_certificate);
  // Only a certificate that names the same card shows that this card is no copy: one's own card could vouch
  // for the copied certificate of another.
  return equal(info.card_uuid, facts.info.card_uuid) || equal(info.fasc_n, facts.info.fasc_n);
}

/// What the card says it is, verified where content signers are configured. Errors: signature_invalid.
Result<std::optional<trust::Chuid>> check_chuid(const CardContents& contents,
                                                const trust::CertificateInfo& certificate,
                                                const CertificateJudge& judge, WallTime now) {
  std::optional<trust::Chuid> chuid;
  if (judge.cards().content_signers.empty()) {
    if (contents.chuid) chuid = TRY(trust::describe_chuid(*contents.chuid));
    return chuid;
  }
  if (!contents.chuid)
    return Error{Errc::signature_invalid,
                 "the card has no identifier (CHUID), and only cards with one are accepted here"};
  chuid = TRY(trust::verify_chuid(judge.cards().content_signers, *contents.chuid, now));
  if (trust::of_two_cards(certificate, *chuid))
    return Error{Errc::signature_invalid,
                 "the card's identifier (CHUID) and its certificate belong to two cards"};
  return chuid;
}

ChuidPart chuid_wanted(const CertificateJudge& judge) {
  if (!judge.cards().content_signers.empty()) return ChuidPart::whole;
  return judge.cards().chuid_mapped ? ChuidPart::head : ChuidPart::none;
}

std::string id_by_certificate(const trust::CertificateInfo& info) {
  return card_id_from(info.issuer, info.serial);
}

/// The CHUID's word alone counts where the certificate names no card, and does not contradict it.
std::string id_of(const trust::CertificateInfo& info, const std::optional<trust::Chuid>& chuid) {
  if (info.card_uuid) return *info.card_uuid;
  const bool by_chuid = info.card_uuids.empty() && chuid && !chuid->card_uuid.empty();
  return by_chuid ? chuid->card_uuid : id_by_certificate(info);
}

Result<CardFacts> judge_card(std::shared_ptr<const CardDriver> driver, const CardContents& contents,
                             BytesView message, const CertificateJudge& judge, WallTime now) {
  CardFacts facts;
  facts.driver = std::move(driver);
  facts.tries_left = contents.tries_left;
  facts.passcode_key = contents.passcode_key;
  facts.unblocking_tries_left = contents.unblocking_tries_left;
  facts.presence_problem = contents.presence_problem;
  facts.info = TRY(trust::describe(contents.certificate));
  facts.chuid = TRY(check_chuid(contents, facts.info, judge, now));
  if (facts.chuid) trust::choose_card_names(facts.info, *facts.chuid);
  facts.id = id_of(facts.info, facts.chuid);
  facts.named_by_certificate = facts.id == id_by_certificate(facts.info);
  facts.present = TRY(check_presence(contents, facts, message, judge, now));
  facts.certificate = contents.certificate;
  facts.certificate_mark = contents.certificate_mark;
  facts.verdict = judge.ask(facts.certificate, now);
  return facts;
}

}  // namespace

Result<CardFacts> read_card(const CardDrivers& drivers, const std::string& reader,
                            const CertificateJudge& judge, WallTime now, std::stop_token stop) {
  const Bytes message = trust::challenge_message(random_bytes(32), "card authentication", reader);
  Error nobody{Errc::card_not_piv, "no card driver is configured"};
  for (const auto& driver : drivers) {
    auto contents = driver->read(reader, message, chuid_wanted(judge), stop);
    if (!contents && contents.error().code == Errc::card_not_piv) {
      nobody = std::move(contents).error();
      continue;
    }
    if (!contents) return std::move(contents).error();
    auto facts = judge_card(driver, *contents, message, judge, now);
    // Not both need be at fault, but a card that is refused is read whole the next time.
    if (!facts || !facts->verdict.valid) driver->forget(contents->certificate_mark);
    if (!facts) driver->forget(contents->presence_mark);
    return facts;
  }
  return nobody;
}

std::optional<std::string> certificate_warning(const trust::CertificateInfo& info, WallTime now) {
  using std::chrono::days;
  const auto left = std::chrono::duration_cast<days>(info.not_after - now);
  if (left > days(30)) return std::nullopt;
  // Its last second still counts.
  if (now >= info.not_after + seconds(1)) {
    return fmt::format(
        "The certificate on your card ended on {}, so you cannot sign in with it. Have it renewed at "
        "the smartcard help desk.",
        to_rfc3339(info.not_after).substr(0, 10));
  }
  constexpr std::string_view cure = "Have it renewed at the smartcard help desk";
  if (left < days(1))
    return fmt::format(
        "The certificate on your card ends within a day. {} now, or you cannot sign in tomorrow.", cure);
  if (left <= days(7))
    return fmt::format("The certificate on your card ends in {} days. {} this week.", left.count(), cure);
  return fmt::format("The certificate on your card ends in {} days. {}.", left.count(), cure);
}

Result<Proof> prove_card(Attempt attempt, const CertificateJudge& judge, WallTime now, std::stop_token stop) {
  using Steady = std::chrono::steady_clock;
  const CardFacts& card = *attempt.card;
  Proof proof;
  const auto begun = Steady::now();
  proof.verdict = judge.look(card.certificate, now);
  const auto looked = Steady::now();
  proof.certificate = looked - begun;
  if (!proof.verdict.valid) {
    proof.verdict = judge.ask(card.certificate, now);
    proof.revocation = Steady::now() - looked;
  }
  if (!proof.verdict.valid) {
    card.driver->forget(card.certificate_mark);
    return proof;
  }
  const auto at_card = Steady::now();
  const auto message = trust::challenge_message(random_bytes(32), attempt.host, attempt.sign_in_id);
  const auto block = TRY(trust::block_to_sign(card.info.key, message));
  attempt.use.passcode_key = card.passcode_key;
  const auto signature = TRY(card.driver->sign(std::move(attempt.use), card.info, block, std::move(stop)));
  proof.card = Steady::now() - at_card;
  if (auto proved = trust::verify_possession(card.certificate, message, signature); !proved) {
    card.driver->forget(card.certificate_mark);
    return proved.error();
  }
  card.driver->remember(card.certificate_mark, card.certificate);
  return proof;
}

}  // namespace cardgate::daemon
