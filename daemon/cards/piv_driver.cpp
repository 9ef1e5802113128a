// SPDX-License-Identifier: Apache-2.0
#include "daemon/cards/piv_driver.hpp"

#include <map>
#include <mutex>
#include <optional>
#include <set>

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

/// Thread-safe, and bounded.
class KnownCertificates final : public piv::CertificateMemory {
 public:
  std::optional<Bytes> recall(BytesView head) override {
    const std::lock_guard lock(mutex_);
    const auto found = certificates_.find(Bytes(head.begin(), head.end()));
    if (found == certificates_.end()) return std::nullopt;
    return found->second;
  }
  void keep(BytesView head, const Bytes& certificate) override {
    const std::lock_guard lock(mutex_);
    if (certificates_.size() >= max_known_certificates) certificates_.clear();
    certificates_.insert_or_assign(Bytes(head.begin(), head.end()), certificate);
  }

 private:
  std::mutex mutex_;
  std::map<Bytes, Bytes> certificates_;
};

/// Readers that could not carry extended length, whatever their cards promise. Thread-safe.
class ShortReaders {
 public:
  bool contains(const std::string& reader) {
    const std::lock_guard lock(mutex_);
    return readers_.contains(reader);
  }
  void add(const std::string& reader) {
    const std::lock_guard lock(mutex_);
    if (readers_.size() < max_readers) readers_.insert(reader);
  }

 private:
  std::mutex mutex_;
  std::set<std::string> readers_;
};

class PivDriver final : public CardDriver {
 public:
  std::string_view name() const override { return "piv"; }
  bool transaction_guaranteed() const override { return true; }

  Result<CardContents> read(const std::string& reader, BytesView presence_message,
                            ChuidPart chuid) const override {
    bool extended = false;
    auto contents = read_once(reader, presence_message, chuid, extended);
    if (contents || !extended || contents.error().code != Errc::pcsc_transport) return contents;
    short_readers_.add(reader);
    return read_once(reader, presence_message, chuid, extended);
  }

  Result<int> count_tries(const std::string& reader, int passcode_key) const override {
    auto card = TRY(take(reader));
    TRY(piv::select(card));
    return piv::tries_left(card, static_cast<piv::Pin>(passcode_key));
  }

  Result<Bytes> sign(PasscodeUse use, const trust::CertificateInfo& certificate,
                     BytesView block) const override {
    TRY(piv::check_pin_format(use.passcode));
    const auto algorithm = TRY(algorithm_of(certificate.key));
    auto card = TRY(take(use.reader));
    const auto pin = TRY(select_and_check_tries(card, use));
    TRY(piv::verify_pin(card, std::move(use.passcode), pin));
    auto signature = TRY(piv::sign(card, piv::Slot::authentication, algorithm, block));
    TRY(card.end());
    return signature;
  }

  Result<void> change_passcode(PasscodeUse use, Secret new_passcode) const override {
    TRY(piv::check_pin_format(use.passcode));
    TRY(piv::check_pin_format(new_passcode));
    auto card = TRY(take(use.reader));
    const auto pin = TRY(select_and_check_tries(card, use));
    TRY(piv::change_pin(card, std::move(use.passcode), std::move(new_passcode), pin));
    return card.end();
  }

  Result<void> unblock(const std::string& reader, Secret puk, Secret new_passcode) const override {
    TRY(piv::check_pin_format(new_passcode));
    auto card = TRY(take(reader));
    TRY(piv::select(card));
    TRY(piv::unblock_pin(card, std::move(puk), std::move(new_passcode)));
    return card.end();
  }

 private:
  Result<pcsc::Transaction> take(const std::string& reader) const {
    // A context of its own each time: one that outlived a restart of pcscd would still call itself valid.
    auto context = TRY(pcsc::Context::establish());
    auto card = TRY(context.connect(reader));
    return card.begin(card_wait, !short_readers_.contains(reader));
  }

  Result<CardContents> read_once(const std::string& reader, BytesView presence_message, ChuidPart chuid,
                                 bool& extended) const {
    auto card = TRY(take(reader));
    extended = card.extended_length();
    CardContents contents;
    TRY(piv::select(card));
    const auto pin = TRY(piv::pin_in_use(card));
    contents.passcode_key = static_cast<int>(pin);
    contents.tries_left = TRY(piv::tries_left(card, pin));
    contents.certificate = TRY(piv::read_certificate(card, piv::Slot::authentication, known_));
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
    auto certificate = piv::read_certificate(card, piv::Slot::card_authentication, known_);
    if (!certificate && certificate.error().code == Errc::card_data_missing) return {};
    if (!certificate) return std::move(certificate).error();
    const auto info = TRY(trust::describe(*certificate));
    const auto algorithm = algorithm_of(info.key);
    if (!algorithm) return {};
    const auto block = TRY(trust::block_to_sign(info.key, message));
    contents.presence_signature = TRY(piv::sign(card, piv::Slot::card_authentication, *algorithm, block));
    contents.presence_certificate = *std::move(certificate);
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
  mutable ShortReaders short_readers_;
};

}  // namespace

Result<std::shared_ptr<const CardDriver>> make_piv_driver(const CardSettings&) {
  return std::make_shared<const PivDriver>();
}

}  // namespace cardgate::daemon
