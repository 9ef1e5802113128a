// SPDX-License-Identifier: Apache-2.0
// Passcode and unblocking key (PUK): VERIFY, CHANGE REFERENCE DATA, RESET RETRY COUNTER (SP 800-73-4 Part 2,
// 3.2.1 to 3.2.3).
//
// Whatever a card answers but 9000 is a refusal, and most likely a try that was spent: so the tries are asked
// for again behind each, by an empty VERIFY, which spends none.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>

#include "pcsc/piv.hpp"
#include "pcsc/piv_data.hpp"

namespace cardgate::pcsc::piv {
namespace {

constexpr std::size_t min_pin = 6;
constexpr std::size_t max_pin = 8;
constexpr std::uint8_t verify_ins = 0x20;
constexpr std::uint8_t ask_only = 0x00;        // P1 of an empty VERIFY
constexpr std::uint8_t log_out_p1 = 0xFF;      // the same, and the passcode is no longer verified
constexpr std::uint8_t unblocking_key = 0x81;  // key reference of the PUK

/// The tries left that a status word tells: 63 CX, or 63 0X as some cards write it, and 0 when blocked.
std::optional<int> told_tries(std::uint16_t sw) {
  if ((sw & 0xFFF0) == 0x63C0) return sw & 0x0F;
  if ((sw & 0xFFF0) == 0x6300 && sw != 0x6300) return sw & 0x0F;
  if (sw == 0x6983) return 0;
  return std::nullopt;
}

/// Answers that say something about the passcode itself; the others find fault with the form of the command.
bool is_about_the_passcode(std::uint16_t sw) {
  switch (sw) {
    case 0x9000:
    case 0x6300:
    case 0x6982:
    case 0x6984:
    case 0x6A81:
    case 0x6A88:
    case 0x6D00:
    case 0x6E00:
      return true;
    default:
      return told_tries(sw).has_value();
  }
}

/// An empty VERIFY; no form of it spends a try. By the specification it ends behind P2, and some cards want to
/// read that the length is 0.
Result<std::uint16_t> verify_nothing(CardChannel& card, std::uint8_t p1, std::uint8_t key) {
  const Response bare = TRY(exchange(card, Command::case1(verify_ins, p1, key)));
  if (is_about_the_passcode(bare.sw)) return bare.sw;
  const std::array<std::uint8_t, 5> with_length{0x00, verify_ins, p1, key, 0x00};
  const Bytes answer = TRY(card.transmit(with_length));
  if (answer.size() != 2) return bare.sw;
  const auto sw = static_cast<std::uint16_t>((answer[0] << 8) | answer[1]);
  return is_about_the_passcode(sw) ? sw : bare.sw;
}

Result<int> judge_tries(std::uint16_t sw) {
  if (const auto tries = told_tries(sw)) return *tries;
  switch (sw) {
    case 0x6300:
      return tries_not_told;
    case 0x6984:  // the passcode cannot be used any more
      return 0;
    case 0x6982:
    case 0x6A81:
      return Error{Errc::permission_denied, "the card takes no passcode in this reader", sw};
    case 0x6A88:
      return Error{Errc::card_data_missing, "the card has no such passcode", sw};
    case 0x6D00:
    case 0x6E00:
      return Error{Errc::card_not_piv, "the card took the name of PIV, and knows none of its commands", sw};
    default:
      return unexpected(sw, "asking for the tries left");
  }
}

/// After the card refused a passcode with `sw`: what is left now, or tries_not_told.
int tries_after(CardChannel& card, Pin pin, std::uint16_t sw) {
  const auto state = passcode_state(card, pin);
  if (state && state->tries_left != tries_not_told) return state->tries_left;
  return told_tries(sw).value_or(tries_not_told);
}

/// Each padded with FF to 8, one behind the other; the originals are wiped.
Secret padded(Secret first, Secret second = {}) {
  Secret field(second.empty() ? max_pin : 2 * max_pin);
  std::fill(field.bytes().begin(), field.bytes().end(), std::uint8_t{0xFF});
  std::copy(first.bytes().begin(), first.bytes().end(), field.bytes().begin());
  if (!second.empty())
    std::copy(second.bytes().begin(), second.bytes().end(), field.bytes().begin() + max_pin);
  return field;
}

Error wrong(std::uint16_t sw, int left) {
  if (left == 0) return {Errc::pin_blocked, "the passcode is blocked: no tries are left"};
  return {Errc::pin_incorrect, fmt::format("the card did not accept the passcode ({:04X})", sw), left};
}

}  // namespace

Result<PasscodeState> passcode_state(CardChannel& card, Pin pin) {
  const auto key = static_cast<std::uint8_t>(pin);
  std::uint16_t sw = TRY(verify_nothing(card, ask_only, key));
  PasscodeState state;
  // The card was reset before, so it must not be unlocked: some keep that over a reset all the same.
  if (sw == 0x9000) {
    state.outlived_reset = true;
    TRY(log_out(card, pin));
    sw = TRY(verify_nothing(card, ask_only, key));
  }
  if (sw == 0x9000)
    return Error{Errc::card_protocol,
                 "the card stays unlocked after a reset, and does not lock when asked to"};
  state.tries_left = TRY(judge_tries(sw));
  return state;
}

Result<int> tries_left(CardChannel& card, Pin pin) {
  return TRY(passcode_state(card, pin))
  .tries_left;
}

Result<void> log_out(CardChannel& card, Pin pin) {
  TRY(verify_nothing(card, log_out_p1, static_cast<std::uint8_t>(pin)));
  return {};
}

Result<int> puk_tries_left(CardChannel& card) {
  return told_tries(TRY(verify_nothing(card, ask_only, unblocking_key))).value_or(tries_not_told);
}

Result<void> check_pin_format(const Secret& pin) {
  const BytesView bytes = pin.bytes();
  const bool digits =
      std::all_of(bytes.begin(), bytes.end(), [](std::uint8_t c) { return c >= '0' && c <= '9'; });
  if (!digits || bytes.size() < min_pin || bytes.size() > max_pin)
    return Error{Errc::pin_format,
                 fmt::format("a passcode has {} to {} digits and nothing else", min_pin, max_pin)};
  return {};
}

Result<void> verify_pin(CardChannel& card, Secret pin, Pin which) {
  TRY(check_pin_format(pin));
  const Secret field = padded(std::move(pin));
  const Response answer =
      TRY(exchange(card, Command::verify(static_cast<std::uint8_t>(which), field.bytes())));
  if (answer.sw == 0x9000) return {};
  return wrong(answer.sw, tries_after(card, which, answer.sw));
}

Result<void> change_pin(CardChannel& card, Secret pin, Secret fresh, Pin which, int tries_before) {
  TRY(check_pin_format(pin));
  TRY(check_pin_format(fresh));
  const Secret fields = padded(std::move(pin), std::move(fresh));
  const Response answer =
      TRY(exchange(card, Command::change_reference_data(static_cast<std::uint8_t>(which), fields.bytes())));
  if (answer.sw == 0x9000) return {};
  const int left = tries_after(card, which, answer.sw);
  const bool counted = left == tries_not_told || left != tries_before;
  // Cards have rules of their own for new passcodes, such as no 123456, and look at the present one first.
  if (!counted && !told_tries(answer.sw) && answer.sw != 0x6300)
    return Error{Errc::pin_format, "the card does not accept this new passcode", answer.sw};
  return wrong(answer.sw, left);
}

Result<void> unblock_pin(CardChannel& card, Secret puk, Secret fresh) {
  if (puk.empty() || puk.size() > max_pin)
    return Error{Errc::pin_format, fmt::format("an unblocking key has 1 to {} characters", max_pin)};
  TRY(check_pin_format(fresh));
  const Secret fields = padded(std::move(puk), std::move(fresh));
  const Response answer = TRY(exchange(
      card, Command::reset_retry_counter(static_cast<std::uint8_t>(Pin::application), fields.bytes())));
  const std::uint16_t sw = answer.sw;
  if (sw == 0x9000) return {};
  if (sw == 0x6D00 || sw == 0x6E00)
    return Error{Errc::key_unsupported, "the card does not let its passcode be set by an unblocking key", sw};
  if (sw == 0x6A80) return Error{Errc::pin_format, "the card does not accept this new passcode", sw};
  const auto asked = puk_tries_left(card);
  const int left = asked && *asked != tries_not_told ? *asked : told_tries(sw).value_or(tries_not_told);
  if (left == 0) return Error{Errc::puk_blocked, "the unblocking key is blocked: no tries are left"};
  return Error{Errc::puk_incorrect, fmt::format("the card did not accept the unblocking key ({:04X})", sw),
               left};
}

}  // namespace cardgate::pcsc::piv
