// SPDX-License-Identifier: Apache-2.0
#include "daemon/drivers/pkcs11_driver.hpp"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <stop_token>

#include "daemon/helper/stream.hpp"
#include "daemon/limits.hpp"
#include "daemon/vendor/message.hpp"
#include "pcsc/winscard.hpp"

namespace cardgate::daemon {
namespace {

/// Locks the card to everybody. Errors: pcsc_*.
Result<void> reset(const std::string& reader, const std::stop_token& stop) {
  auto context = TRY(pcsc::Context::establish(stop));
  auto card = TRY(context.connect(reader));
  auto transaction = TRY(card.begin(card_wait));
  return transaction.end();
}

class Pkcs11Driver final : public CardDriver {
 public:
  explicit Pkcs11Driver(const CardSettings& settings)
      : socket_(settings.vendor_socket), token_label_(settings.vendor_token) {}

  std::string_view name() const override { return "pkcs11"; }
  bool transaction_guaranteed() const override { return false; }

  /// The module signs nothing without a passcode, so such a card cannot show that it is no copy.
  Result<CardContents> read(const std::string& reader, BytesView /*presence_message*/,
                            ChuidPart /*only PIV has one*/, std::stop_token stop) const override {
    vendor::Request request;
    request.verb = vendor::Verb::read;
    request.reader = reader;
    auto answer = TRY(converse(std::move(request), stop));
    for (auto& certificate : answer.certificates) {
      const auto info = trust::describe(certificate);
      if (!info || info->key == trust::KeyKind::other) continue;
      CardContents contents;
      contents.certificate = std::move(certificate);
      contents.tries_left = TRY(tries_of(answer));
      contents.passcode_key = answer.passcode_key;
      return contents;
    }
    return Error{Errc::card_data_missing, "no certificate with a key of a kind that can be used here"};
  }

  Result<int> count_tries(const std::string& reader, int passcode_key, std::stop_token stop) const override {
    vendor::Request request;
    request.verb = vendor::Verb::count_tries;
    request.reader = reader;
    request.passcode_key = passcode_key;
    return tries_of(TRY(converse(std::move(request), stop)));
  }

  Result<Bytes> sign(PasscodeUse use, const trust::CertificateInfo& certificate, BytesView block,
                     std::stop_token stop) const override {
    auto request = spend(vendor::Verb::sign, std::move(use));
    request.fingerprint.assign(certificate.fingerprint.begin(), certificate.fingerprint.end());
    request.block.assign(block.begin(), block.end());
    return TRY(converse(std::move(request), stop))
    .signature;
  }

  Result<void> change_passcode(PasscodeUse use, Secret new_passcode, std::stop_token stop) const override {
    auto request = spend(vendor::Verb::change_passcode, std::move(use));
    request.new_passcode = std::move(new_passcode);
    TRY(converse(std::move(request), stop));
    return {};
  }

  Result<void> unblock(UnblockUse, Secret, std::stop_token) const override {
    return Error{Errc::key_unsupported,
                 "this kind of card is unblocked with the smartcard help desk's own tool"};
  }

 private:
  static vendor::Request spend(vendor::Verb verb, PasscodeUse use) {
    vendor::Request request;
    request.verb = verb;
    request.reader = std::move(use.reader);
    request.passcode_key = use.passcode_key;
    request.tries_shown = use.tries_shown;
    request.spend_last_try = use.spend_last_try;
    request.passcode = std::move(use.passcode);
    return request;
  }

  static Result<int> tries_of(const vendor::Answer& answer) {
    if (answer.tries_left < tries_unknown || answer.tries_left > most_tries)
      return Error{Errc::card_protocol, "the vendor's module counts tries that no card has"};
    return answer.tries_left;
  }

  /// Between two resets. Errors: those of the answer; pcsc_*; cancelled (nothing was spent); timeout and
  /// unavailable (the helper; a passcode may have been spent).
  Result<vendor::Answer> converse(vendor::Request request, const std::stop_token& stop) const {
    // A token that stands in no reader cannot be reset.
    if (!token_label_.empty()) return ask(std::move(request), stop);
    const std::string reader = request.reader;
    TRY(reset(reader, stop));
    auto answer = ask(std::move(request), stop);
    // Whoever has left: the card must not stay unlocked for others.
    const auto locked = reset(reader, {});
    if (!answer) return answer;
    if (!locked) return Error(locked.error()).with("locking the card again");
    return answer;
  }

  Result<vendor::Answer> ask(vendor::Request request, const std::stop_token& stop) const {
    request.token_label = token_label_;
    const auto deadline = std::chrono::steady_clock::now() + vendor_deadline;
    const auto in_words = [&](Error error) {
      if (stop.stop_requested()) error.code = Errc::timeout;
      return std::move(error).with("the helper for vendors' cards");
    };
    const auto socket = TRY(connect_to(socket_));
    // Wakes whoever waits at the socket; the helper sees that nobody wants its answer any more.
    const std::stop_callback hang_up(stop, [&socket] { ::shutdown(socket.get(), SHUT_RDWR); });
    if (stop.stop_requested()) return Error{Errc::cancelled, "given up before the passcode was used"};
    {
      const auto message = TRY(vendor::encode(request));
      request.passcode.clear();
      request.new_passcode.clear();
      if (auto sent = send(socket.get(), message.bytes(), deadline); !sent)
        return in_words(std::move(sent).error());
    }
    auto message = receive(socket.get(), vendor::max_answer_bytes, deadline);
    if (!message) return in_words(std::move(message).error());
    auto answer = vendor::parse_answer(message->bytes());
    if (!answer) return in_words(std::move(answer).error());
    if (answer->code == Errc::ok) return answer;
    if (answer->number < tries_unknown || (is_about_tries(answer->code) && answer->number > most_tries))
      return Error{Errc::card_protocol, "the vendor's module counts tries that no card has"};
    return Error{answer->code, std::move(answer->text), answer->number};
  }

  static bool is_about_tries(Errc code) { return code == Errc::pin_incorrect || code == Errc::card_changed; }

  static constexpr int most_tries = 15;
  std::filesystem::path socket_;
  std::string token_label_;
};

}  // namespace

Result<std::shared_ptr<const CardDriver>> make_pkcs11_driver(const CardSettings& settings) {
  if (settings.vendor_socket.empty())
    return Error{Errc::config_invalid, "the driver pkcs11 needs 'vendor_socket', the helper's socket"};
  if (settings.vendor_socket.native().size() >= sizeof sockaddr_un::sun_path)
    return Error{Errc::config_invalid, "'vendor_socket' is too long for a socket's path"};
  return std::make_shared<const Pkcs11Driver>(settings);
}

}  // namespace cardgate::daemon
