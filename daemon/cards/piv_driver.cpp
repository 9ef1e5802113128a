// SPDX-License-Identifier: Apache-2.0
#include "daemon/cards/piv_driver.hpp"

#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <stop_token>

#include "daemon/limits.hpp"
#include "pcsc/piv.hpp"
#include "pcsc/winscard.hpp"
#include "trust/possession.hpp"

namespace cardgate::daemon {
namespace piv = pcsc::piv;
namespace {

Result<piv::Algorithm> algorithm_of(trust::KeyKind key) {
  switch (key) {
    case trust::KeyKind::rsa2048:
      return piv::Algorithm::rsa2048;
    case trust::KeyKind::rsa3072:
      return piv::Algorithm::rsa3072;
    case trust::KeyKind::p256:
      return piv::Algorithm::p256;
    case trust::KeyKind::p384:
      return piv::Algorithm::p384;
    default:
      return Error{Errc::key_unsupported, "the card's key is of a kind that cannot be used here"};
  }
}

/// Certificates that a signature proved, by the first part of their data object. Nothing that a card merely
/// shows gets in. Thread-safe, and bounded.
class KnownCertificates {
 public:
  /// Serial number and issuer stand in it. A card that gives less at a time is read whole: two people's cards of one issuer could
  /// share the little that it gives, and all cards share nothing at all.
  static constexpr std::size_t shortest_mark = 200;

  std::optional<Bytes> find(BytesView mark) {
    if (mark.size() < shortest_mark) return std::nullopt;
    const std::lock_guard lock(mutex_);
    const auto found = certificates_.find(Bytes(mark.begin(), mark.end()));
    if (found == certificates_.end()) return std::nullopt;
    return found->second;
  }
  void remember(BytesView mark, const Bytes& certificate) {
    if (mark.size() < shortest_mark) return;
    const std::lock_guard lock(mutex_);
    if (certificates_.size() >= max_known_certificates) certificates_.clear();
    certificates_.insert_or_assign(Bytes(mark.begin(), mark.end()), certificate);
  }
  void forget(BytesView mark) {
    const std::lock_guard lock(mutex_);
    certificates_.erase(Bytes(mark.begin(), mark.end()));
  }

 private:
  std::mutex mutex_;
  std::map<Bytes, Bytes> certificates_;
};

/// What is known of one certificate while it is read, and by what it may be known again.
class Recollection final : public piv::CertificateMemory {
 public:
  explicit Recollection(KnownCertificates& known) : known_(known) {}
  std::optional<Bytes> recall(BytesView head) override {
    mark.assign(head.begin(), head.end());
    return known_.find(head);
  }
  /// Read whole, but only claimed by the card: PivDriver::remember() comes when it is proved.
  void keep(BytesView /*head*/, const Bytes& /*certificate*/) override {}

  Bytes mark;

 private:
  KnownCertificates& known_;
};

class PivDriver final : public CardDriver {
 public:
  std::string_view name() const override { return "piv"; }
  bool transaction_guaranteed() const override { return true; }

  Result<CardContents> read(const std::string& reader, BytesView presence_message, ChuidPart chuid,
                            std::stop_token stop) const override {
    auto card = TRY(take(reader, std::move(stop)));
    return read_from(card, presence_message, chuid);
  }
  void remember(BytesView mark, const Bytes& certificate) const override {
    known_.remember(mark, certificate);
  }
  void forget(BytesView mark) const override { known_.forget(mark); }

  Result<int> count_tries(const std::string& reader, int passcode_key, std::stop_token stop) const override {
    auto card = TRY(take(reader, std::move(stop)));
    TRY(piv::select(card));
    return piv::tries_left(card, static_cast<piv::Pin>(passcode_key));
  }

  Result<Bytes> sign(PasscodeUse use, const trust::CertificateInfo& certificate, BytesView block,
                     std::stop_token stop) const override {
    TRY(piv::check_pin_format(use.passcode));
    const auto algorithm = TRY(algorithm_of(certificate.key));
    auto card = TRY(take(use.reader, stop));
    const auto pin = TRY(select_and_check_tries(card, use));
    TRY(spend(stop, [&] { return piv::verify_pin(card, std::move(use.passcode), pin); }));
    auto signature = TRY(piv::sign(card, piv::Slot::authentication, algorithm, block));
    TRY(card.end());
    return signature;
  }

  Result<void> change_passcode(PasscodeUse use, Secret new_passcode, std::stop_token stop) const override {
    TRY(piv::check_pin_format(use.passcode));
    TRY(piv::check_pin_format(new_passcode));
    auto card = TRY(take(use.reader, stop));
    const auto pin = TRY(select_and_check_tries(card, use));
    TRY(spend(stop,
              [&] { return piv::change_pin(card, std::move(use.passcode), std::move(new_passcode), pin); }));
    return card.end();
  }

  Result<void> unblock(const std::string& reader, Secret puk, Secret new_passcode,
                       std::stop_token stop) const override {
    TRY(piv::check_pin_format(new_passcode));
    auto card = TRY(take(reader, stop));
    TRY(piv::select(card));
    TRY(spend(stop, [&] { return piv::unblock_pin(card, std::move(puk), std::move(new_passcode)); }));
    return card.end();
  }

 private:
  /// The one command that may spend a try: not begun once the conversation is to stop.
  static Result<void> spend(const std::stop_token& stop, const std::function<Result<void>()>& command) {
    if (stop.stop_requested()) return Error{Errc::cancelled, "given up before the passcode was used"};
    auto outcome = command();
    if (!outcome && outcome.error().code == Errc::cancelled)
      return Error{Errc::timeout, "given up while the card looked at the passcode"};
    return outcome;
  }

  Result<pcsc::Transaction> take(const std::string& reader, std::stop_token stop) const {
    // A context of its own each time: one that outlived a restart of pcscd would still call itself valid.
    auto context = TRY(pcsc::Context::establish(std::move(stop)));
    auto card = TRY(context.connect(reader));
    return card.begin(card_wait, lengths_);
  }

  Result<CardContents> read_from(pcsc::Transaction& card, BytesView presence_message, ChuidPart chuid) const {
    CardContents contents;
    TRY(piv::select(card));
    const auto pin = TRY(piv::pin_in_use(card));
    contents.passcode_key = static_cast<int>(pin);
    contents.tries_left = TRY(piv::tries_left(card, pin));
    Recollection seen(known_);
    contents.certificate = TRY(piv::read_certificate(card, piv::Slot::authentication, seen));
    contents.certificate_mark = std::move(seen.mark);
    const auto info = trust::describe(contents.certificate);
    const bool names_card = !info || info->card_uuid;
    TRY(read_chuid(card, chuid == ChuidPart::none && !names_card ? ChuidPart::head : chuid, contents));
    if (!names_card && contents.chuid) contents.uuid = TRY(trust::describe_chuid(*contents.chuid))
    .card_uuid;
    TRY(show_presence(card, presence_message, contents));
    TRY(card.end());
    return contents;
  }

  /// A card without a CHUID shows none.
  Result<void> read_chuid(pcsc::Transaction& card, ChuidPart part, CardContents& contents) const {
    if (part == ChuidPart::none) return {};
    piv::SignedChuid chuid;
    const auto outcome = [&]() -> Result<void> {
      if (part == ChuidPart::head) {
        chuid.chuid = TRY(piv::read_chuid(card));
      } else {
        chuid = TRY(piv::read_signed_chuid(card));
      }
      return {};
    }();
    if (!outcome && outcome.error().code == Errc::card_data_missing) return {};
    if (!outcome) return outcome.error();
    contents.chuid = trust::ChuidFields{
        std::move(chuid.chuid.fasc_n), Bytes(chuid.chuid.guid.begin(), chuid.chuid.guid.end()),
        std::move(chuid.expiry), std::move(chuid.signed_content), std::move(chuid.signature)};
    return {};
  }

  /// Card authentication (SP 800-73-4 Part 1, 3.2.1: slot 9E needs no passcode). A card without it shows
  /// nothing.
  Result<void> show_presence(pcsc::Transaction& card, BytesView message, CardContents& contents) const {
    Recollection seen(known_);
    auto certificate = piv::read_certificate(card, piv::Slot::card_authentication, seen);
    if (!certificate && certificate.error().code == Errc::card_data_missing) return {};
    if (!certificate) return std::move(certificate).error();
    const auto info = TRY(trust::describe(*certificate));
    const auto algorithm = algorithm_of(info.key);
    if (!algorithm) return {};
    const auto block = TRY(trust::block_to_sign(info.key, message));
    contents.presence_signature = TRY(piv::sign(card, piv::Slot::card_authentication, *algorithm, block));
    contents.presence_certificate = *std::move(certificate);
    contents.presence_mark = std::move(seen.mark);
    return {};
  }

  /// Which passcode, when it may be spent on this card as it is now.
  Result<piv::Pin> select_and_check_tries(pcsc::Transaction& card, const PasscodeUse& use) const {
    const auto pin = static_cast<piv::Pin>(use.passcode_key);
    TRY(piv::select(card));
    TRY(check_tries(TRY(piv::tries_left(card, pin)), use));
    return pin;
  }

  mutable KnownCertificates known_;
  const std::shared_ptr<pcsc::LengthMemory> lengths_ = std::make_shared<pcsc::LengthMemory>();
};

}  // namespace

Result<std::shared_ptr<const CardDriver>> make_piv_driver(const CardSettings&) {
  return std::make_shared<const PivDriver>();
}

}  // namespace cardgate::daemon
