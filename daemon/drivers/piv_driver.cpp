// SPDX-License-Identifier: Apache-2.0
#include "daemon/drivers/piv_driver.hpp"

#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <stop_token>

#include "daemon/drivers/piv_memory.hpp"
#include "daemon/drivers/piv_words.hpp"
#include "daemon/limits.hpp"
#include "pcsc/piv.hpp"
#include "pcsc/winscard.hpp"
#include "trust/possession.hpp"

namespace cardgate::daemon {
namespace piv = pcsc::piv;
namespace {

/// A card that keeps its passcode's state over a reset is locked again before others get it.
class LogOut {
 public:
  LogOut(pcsc::Transaction& card, piv::Pin pin, bool needed) : card_(card), pin_(pin), needed_(needed) {}
  ~LogOut() {
    if (needed_)
      static_cast<void>(piv::log_out(card_, pin_));  // the end of the transaction tells a dead reader
  }
  LogOut(const LogOut&) = delete;
  LogOut& operator=(const LogOut&) = delete;

 private:
  pcsc::Transaction& card_;
  piv::Pin pin_;
  bool needed_;
};

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
    return read_from(reader, card, presence_message, chuid);
  }
  void remember(BytesView mark, const Bytes& certificate) const override {
    known_.remember(mark, certificate);
  }
  void forget(BytesView mark) const override {
    known_.forget(mark);
    silent_keys_.forget(mark);
  }

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
    const auto state = TRY(select_and_check_tries(card, use));
    const auto pin = static_cast<piv::Pin>(use.passcode_key);
    const auto signature = [&]() -> Result<Bytes> {
      const LogOut afterwards(card, pin, keeps_unlocked(use.reader, state));
      TRY(spend(stop, [&] { return piv::verify_pin(card, std::move(use.passcode), pin); }));
      auto made = piv::sign(card, piv::Slot::authentication, algorithm, block);
      if (!made) return not_signed(std::move(made).error());
      return made;
    }();
    if (!signature) return signature;
    TRY(card.end());
    return signature;
  }

  Result<void> change_passcode(PasscodeUse use, Secret new_passcode, std::stop_token stop) const override {
    TRY(piv::check_pin_format(use.passcode));
    TRY(piv::check_pin_format(new_passcode));
    auto card = TRY(take(use.reader, stop));
    const auto state = TRY(select_and_check_tries(card, use));
    const auto pin = static_cast<piv::Pin>(use.passcode_key);
    {
      const LogOut afterwards(card, pin, keeps_unlocked(use.reader, state));
      TRY(spend(stop, [&] {
        return piv::change_pin(card, std::move(use.passcode), std::move(new_passcode), pin, state.tries_left);
      }));
    }
    return card.end();
  }

  Result<void> unblock(UnblockUse use, Secret new_passcode, std::stop_token stop) const override {
    TRY(piv::check_pin_format(new_passcode));
    auto card = TRY(take(use.reader, stop));
    TRY(piv::select(card));
    const int tries = unblocking_tries(TRY(piv::puk_tries_left(card)), use.certificate);
    if (tries == 0) return Error{Errc::puk_blocked, "the unblocking key is blocked: no tries are left"};
    if (tries == 1 && !use.spend_last_try)
      return Error{Errc::pin_last_try, "one try of the unblocking key is left", 1};
    const auto outcome = spend(
        stop, [&] { return piv::unblock_pin(card, std::move(use.unblocking_key), std::move(new_passcode)); });
    if (outcome) {
      unblocking_tries_.forget(use.certificate);
      return card.end();
    }
    if (outcome.error().code == Errc::puk_incorrect)
      unblocking_tries_.remember(use.certificate, tries_left(outcome.error()));
    // A blocked key cannot be harmed by another try, and its maker's tool may have set it anew when the card comes back.
    if (outcome.error().code == Errc::puk_blocked) unblocking_tries_.forget(use.certificate);
    return outcome;
  }

 private:
  /// The one command that may spend a try: not begun once the conversation is to stop.
  static Result<void> spend(const std::stop_token& stop, const std::function<Result<void>()>& command) {
    if (stop.stop_requested()) return Error{Errc::cancelled, "given up before the passcode was used"};
    auto outcome = command();
    if (outcome || is_the_cards_word(outcome.error().code)) return outcome;
    return Error{Errc::timeout, "no answer to the passcode: " + outcome.error().context};
  }

  Result<pcsc::Transaction> take(const std::string& reader, std::stop_token stop) const {
    // A context of its own each time: one that outlived a restart of pcscd would still call itself valid.
    auto context = TRY(pcsc::Context::establish(std::move(stop)));
    auto card = TRY(context.connect(reader));
    return card.begin(held_.patience(reader, card_wait), lengths_);
  }

  Result<CardContents> read_from(const std::string& reader, pcsc::Transaction& card,
                                 BytesView presence_message, ChuidPart chuid) const {
    CardContents contents;
    TRY(piv::select(card));
    const auto passcode = TRY(find_passcode(card, contents));
    contents.tries_left = passcode.tries_left;
    unlocked_.note(reader, passcode.outlived_reset);
    const bool blocked = contents.tries_left == 0;
    const int unblocking_told = blocked ? TRY(piv::puk_tries_left(card)) : tries_unknown;
    Recollection seen(known_);
    contents.certificate = TRY(piv::read_certificate(card, piv::Slot::authentication, seen));
    contents.certificate_mark = std::move(seen.mark);
    contents.unblocking_tries_left = unblocking_tries(unblocking_told, contents.certificate);
    const auto info = trust::describe(contents.certificate);
    if (info) {  // said before anybody types
      if (auto usable = algorithm_of(info->key); !usable) return std::move(usable).error();
    }
    const bool names_card = !info || info->card_uuid;
    TRY(read_chuid(card, chuid == ChuidPart::none && !names_card ? ChuidPart::head : chuid, contents));
    if (auto shown = show_presence(card, presence_message, contents); !shown) {
      // The card or its reader is gone, or whoever asked: that is no word about card authentication.
      if (ends_the_reading(shown.error().code)) return std::move(shown).error();
      if (shown.error().code == Errc::pcsc_card_mute) held_.add(reader);
      contents.presence_problem = why_not_shown(shown.error());
    }
    TRY(card.end());
    return contents;
  }

  /// The passcode that people of this card know. A Discovery Object that names one that the card does not have is wrong.
  static Result<piv::PasscodeState> find_passcode(pcsc::Transaction& card, CardContents& contents) {
    auto pin = TRY(piv::pin_in_use(card));
    auto passcode = piv::passcode_state(card, pin);
    if (!passcode && pin == piv::Pin::global && passcode.error().code == Errc::card_data_missing) {
      pin = piv::Pin::application;
      passcode = piv::passcode_state(card, pin);
    }
    contents.passcode_key = static_cast<int>(pin);
    if (!passcode && passcode.error().code == Errc::card_data_missing)
      return Error(Errc::card_status,
                   passcode.error().context);  // said of a certificate it means another thing
    return passcode;
  }

  /// A card without a CHUID, or with one that cannot be read, shows none: whether it must is judged elsewhere.
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
    if (!outcome && is_about_an_object(outcome.error().code)) return {};
    if (!outcome) return outcome.error();
    contents.chuid = trust::ChuidFields{
        std::move(chuid.chuid.fasc_n), Bytes(chuid.chuid.guid.begin(), chuid.chuid.guid.end()),
        std::move(chuid.expiry), std::move(chuid.signed_content), std::move(chuid.signature)};
    return {};
  }

  /// Card authentication (SP 800-73-4 Part 1, 3.2.1: slot 9E needs no passcode), as far as the card has it. Errors:
  /// whatever the card made of it.
  Result<void> show_presence(pcsc::Transaction& card, BytesView message, CardContents& contents) const {
    card.end_within(presence_deadline);
    Recollection seen(known_);
    auto certificate = piv::read_certificate(card, piv::Slot::card_authentication, seen);
    if (!certificate && certificate.error().code == Errc::card_data_missing) return {};
    if (!certificate) return std::move(certificate).error();
    const auto info = TRY(trust::describe(*certificate));
    contents.presence_certificate = *std::move(certificate);
    contents.presence_mark = std::move(seen.mark);
    const auto algorithm = TRY(algorithm_of(info.key));
    const auto block = TRY(trust::block_to_sign(info.key, message));
    // It would hold the card again for as long as it waits for a touch.
    if (silent_keys_.contains(contents.presence_mark))
      return Error{Errc::timeout, "its key did not answer before"};
    auto signature = piv::sign(card, piv::Slot::card_authentication, algorithm, block);
    if (!signature) {
      if (signature.error().code == Errc::pcsc_card_mute) silent_keys_.add(contents.presence_mark);
      return std::move(signature).error();
    }
    contents.presence_signature = *std::move(signature);
    return {};
  }

  /// Of a card whose unblocking key has `told` tries left, or does not tell: what is known from before.
  int unblocking_tries(int told, BytesView certificate) const {
    return told == tries_unknown ? unblocking_tries_.of(certificate) : told;
  }

  /// The card was found so now, or when it was read.
  bool keeps_unlocked(const std::string& reader, const piv::PasscodeState& now) const {
    return now.outlived_reset || unlocked_.contains(reader);
  }

  /// The passcode's state, when it may be spent on this card as it is now.
  Result<piv::PasscodeState> select_and_check_tries(pcsc::Transaction& card, const PasscodeUse& use) const {
    TRY(piv::select(card));
    auto state = piv::passcode_state(card, static_cast<piv::Pin>(use.passcode_key));
    // permission_denied is kept for what comes after a right passcode.
    if (!state && state.error().code == Errc::permission_denied)
      return Error(Errc::card_status, state.error().context);
    if (!state) return state;
    TRY(check_tries(state->tries_left, use));
    return state;
  }

  mutable KnownCertificates known_;
  mutable SilentKeys silent_keys_;
  mutable HeldReaders held_;
  mutable UnlockedCards unlocked_;
  mutable UnblockingTries unblocking_tries_;
  const std::shared_ptr<pcsc::LengthMemory> lengths_ = std::make_shared<pcsc::LengthMemory>();
};

}  // namespace

Result<std::shared_ptr<const CardDriver>> make_piv_driver(const CardSettings&) {
  return std::make_shared<const PivDriver>();
}

}  // namespace cardgate::daemon
