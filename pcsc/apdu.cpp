// SPDX-License-Identifier: Apache-2.0
#include "pcsc/apdu.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace cardgate::pcsc {
namespace {

constexpr std::uint8_t cla_plain = 0x00;
constexpr std::uint8_t cla_chained = 0x10;
constexpr std::uint16_t conditions_not_satisfied = 0x6985;
constexpr std::array<std::uint8_t, 4> get_response_header{cla_plain, 0xC0, 0x00, 0x00};

/// The transmits of one logical command, counted.
class Exchange {
 public:
  explicit Exchange(CardChannel& channel) : channel_(channel) {}

  /// The whole command; a chain that the card breaks off ends with its word.
  Result<Response> send(const Command& command, std::optional<std::uint8_t> le = {}) {
    const std::size_t links = command.links();
    for (std::size_t link = 0;; ++link) {
      Response answer = TRY(transmit(command.encode_short(link, le, channel_.t0()).bytes()));
      if (link + 1 == links || answer.sw != 0x9000) return answer;
    }
  }
  Result<Response> send_extended(const Command& command) {
    return transmit(command.encode_extended().bytes());
  }
  Result<Response> get_response(std::uint8_t le) {
    std::array<std::uint8_t, 5> apdu{};
    std::copy(get_response_header.begin(), get_response_header.end(), apdu.begin());
    apdu[4] = le;
    return transmit(apdu);
  }
  /// Fetches a half-read answer to its end and throws it away. What the card says to it does not matter.
  Result<void> drop_answer(std::uint8_t le) {
    for (;;) {
      const Response part = TRY(get_response(le));
      if (part.sw >> 8 != 0x61 && part.sw >> 8 != 0x6C) return {};
      le = static_cast<std::uint8_t>(part.sw);
    }
  }

 private:
  Result<Response> transmit(BytesView apdu) {
    if (++count_ > max_exchanges)
      return Error{Errc::card_protocol,
                   fmt::format("card does not come to an end in {} exchanges", max_exchanges)};
    Bytes answer = TRY(channel_.transmit(apdu));
    if (answer.size() < 2 || answer.size() > max_response_data + 2)
      return Error{Errc::card_protocol, fmt::format("card answered with {} bytes", answer.size())};
    const auto sw = static_cast<std::uint16_t>((answer[answer.size() - 2] << 8) | answer[answer.size() - 1]);
    answer.resize(answer.size() - 2);
    return Response{std::move(answer), sw};
  }

  CardChannel& channel_;
  int count_ = 0;
};

bool has_more(std::uint16_t sw) {
  return (sw >> 8) == 0x61;
}
bool wrong_le(std::uint16_t sw) {
  return (sw >> 8) == 0x6C;
}

/// Words about the form of a command, which another form may cure; the others (no such object, no passcode yet, no such key)
/// are about the card's state. An answer without data where data was asked for is no answer either.
bool is_about_form(const Response& answer) {
  if (answer.sw == 0x9000) return answer.data.empty();
  switch (answer.sw >> 8) {
    case 0x67:
    case 0x68:
    case 0x6B:
    case 0x6C:
    case 0x6D:
    case 0x6E:
    case 0x6F:
      return true;
    default:
      return answer.sw == 0x6A80 || answer.sw == 0x6A81 || answer.sw == 0x6A86 || answer.sw == 0x6A87;
  }
}
/// The reader, or its driver, did not bring the command to the card or the answer back.
bool is_about_transport(Errc code) {
  return code == Errc::pcsc_transport || code == Errc::pcsc_card_mute || code == Errc::card_protocol;
}

Secret to_secret(BytesView bytes) {
  return bytes.empty() ? Secret() : Secret(bytes);
}

}  // namespace

Command::Command(std::uint8_t ins, std::uint8_t p1, std::uint8_t p2, BytesView data, Le le)
    : header_{cla_plain, ins, p1, p2}, data_(to_secret(data)), le_(le) {}

Command Command::case1(std::uint8_t ins, std::uint8_t p1, std::uint8_t p2) {
  return {ins, p1, p2, {}, Le::none};
}
Command Command::case2(std::uint8_t ins, std::uint8_t p1, std::uint8_t p2) {
  return {ins, p1, p2, {}, Le::as_many_as_fit};
}
Command Command::case3(std::uint8_t ins, std::uint8_t p1, std::uint8_t p2, BytesView data) {
  return {ins, p1, p2, data, Le::none};
}
Command Command::case4(std::uint8_t ins, std::uint8_t p1, std::uint8_t p2, BytesView data, Le le) {
  return {ins, p1, p2, data, le};
}

Command Command::select(BytesView aid) {
  return case4(0xA4, 0x04, 0x00, aid, Le::one_part);
}
Command Command::get_data(BytesView tag_list) {
  // An object with a tag of one byte (7E, the Discovery Object) is a short one.
  const bool is_short = tag_list.size() <= 3;
  return case4(0xCB, 0x3F, 0xFF, tag_list, is_short ? Le::one_part : Le::as_many_as_fit);
}
Command Command::verify_status(std::uint8_t key) {
  return case1(0x20, 0x00, key);
}
Command Command::verify(std::uint8_t key, BytesView padded_pin) {
  return case3(0x20, 0x00, key, padded_pin);
}
Command Command::change_reference_data(std::uint8_t key, BytesView old_and_new) {
  return case3(0x24, 0x00, key, old_and_new);
}
Command Command::reset_retry_counter(std::uint8_t key, BytesView puk_and_new) {
  return case3(0x2C, 0x00, key, puk_and_new);
}
Command Command::general_authenticate(std::uint8_t algorithm, std::uint8_t key, BytesView dynamic_template) {
  // An answer over 256 bytes comes from a key that wants its data in a chain anyway.
  return case4(0x87, algorithm, key, dynamic_template, Le::one_part);
}

std::size_t Command::links() const {
  return std::max<std::size_t>(1, (data_.size() + max_short_data - 1) / max_short_data);
}

Secret Command::encode_short(std::size_t index, std::optional<std::uint8_t> le, bool t0) const {
  const bool last = index + 1 >= links();
  const std::size_t offset = index * max_short_data;
  const BytesView part = data_.bytes().subspan(offset, std::min(max_short_data, data_.size() - offset));
  const bool bare = part.empty() && le_ == Le::none;
  const bool with_le = t0 ? part.empty() : last && le_ != Le::none;
  Secret apdu(header_.size() + (part.empty() ? 0 : 1 + part.size()) + (with_le ? 1 : 0));
  auto out = std::copy(header_.begin(), header_.end(), apdu.bytes().begin());
  if (!last) apdu.bytes()[0] = cla_chained;
  if (!part.empty()) {
    *out++ = static_cast<std::uint8_t>(part.size());
    out = std::copy(part.begin(), part.end(), out);
  }
  if (with_le) *out = bare ? 0x00 : le.value_or(0x00);
  return apdu;
}

Secret Command::encode_extended() const {
  const BytesView data = data_.bytes();
  const bool with_le = le_ != Le::none;
  // 00 before whichever extended field comes first; Le 00 00 asks for up to 65536 bytes.
  const std::size_t lc = data.empty() ? 0 : 3 + data.size();
  const std::size_t le = !with_le ? 0 : data.empty() ? 3 : 2;
  Secret apdu(header_.size() + lc + le);
  std::fill(apdu.bytes().begin(), apdu.bytes().end(), std::uint8_t{0});
  auto out = std::copy(header_.begin(), header_.end(), apdu.bytes().begin());
  if (!data.empty()) {
    *++out = static_cast<std::uint8_t>(data.size() >> 8);
    *++out = static_cast<std::uint8_t>(data.size());
    std::copy(data.begin(), data.end(), ++out);
  }
  return apdu;
}

namespace {

/// GET RESPONSE while the card says 61xx, until `enough` bytes are there.
Result<Response> follow(Exchange& sender, Response answer, std::size_t enough = SIZE_MAX) {
  while (has_more(answer.sw) && answer.data.size() < enough) {
    Response part = TRY(sender.get_response(static_cast<std::uint8_t>(answer.sw)));
    if (wrong_le(part.sw)) {
      part = TRY(sender.get_response(static_cast<std::uint8_t>(part.sw)));
      if (wrong_le(part.sw)) return Error{Errc::card_protocol, "card corrects Le again and again"};
    }
    if (answer.data.size() + part.data.size() > max_response_data)
      return Error{Errc::too_large, fmt::format("card answered with more than {} bytes", max_response_data)};
    answer.data.insert(answer.data.end(), part.data.begin(), part.data.end());
    answer.sw = part.sw;
  }
  return answer;
}

Result<Response> send_short(Exchange& sender, const Command& command) {
  Response answer = TRY(sender.send(command));
  if (!wrong_le(answer.sw)) return answer;
  answer = TRY(sender.send(command, static_cast<std::uint8_t>(answer.sw)));
  if (wrong_le(answer.sw)) return Error{Errc::card_protocol, "card corrects Le again and again"};
  return answer;
}

/// In one APDU of extended length; in short ones when that is not taken. None of these commands spends anything, so the second
/// attempt is free; a card that lost its state over the first says so.
Result<Response> send_extended(CardChannel& channel, Exchange& sender, const Command& command) {
  auto first = sender.send_extended(command);
  if (first ? !is_about_form(*first) : !is_about_transport(first.error().code)) return first;
  auto again = send_short(sender, command);
  const bool by_reader = !first;
  // A card that refuses both ways alike does not refuse the length. One that was pulled says nothing about the reader.
  const bool learnt = by_reader ? again || is_about_transport(again.error().code) ||
                                      again.error().code == Errc::pcsc_card_reset
                                : again && !is_about_form(*again);
  if (learnt) channel.refuse_extended_length(by_reader ? Refusal::by_reader : Refusal::by_card);
  return again;
}

Result<Response> send(CardChannel& channel, Exchange& sender, const Command& command, Read read) {
  const bool saves = command.links() > 1 || (command.le() == Le::as_many_as_fit && read == Read::whole);
  auto answer = TRY(saves && channel.extended_length() ? send_extended(channel, sender, command)
                                                       : send_short(sender, command));
  return follow(sender, std::move(answer), read == Read::whole ? SIZE_MAX : first_part_bytes);
}

}  // namespace

Result<Response> exchange(CardChannel& channel, const Command& command, Read read) {
  if (command.data().size() > max_command_data)
    return Error{Errc::too_large, fmt::format("command data of {} bytes, the limit is {}",
                                              command.data().size(), max_command_data)};
  Exchange sender(channel);
  const auto unread = channel.take_unread();
  // A command that wants no answer is never repeated: a VERIFY sent again would spend a second try.
  if (command.le() == Le::none) {
    if (unread) TRY(sender.drop_answer(*unread));
    return sender.send(command);
  }
  auto answer = TRY(send(channel, sender, command, read));
  if (unread && answer.sw == conditions_not_satisfied) {
    TRY(sender.drop_answer(*unread));
    answer = TRY(send(channel, sender, command, read));
  }
  if (has_more(answer.sw)) channel.leave_unread(static_cast<std::uint8_t>(answer.sw));
  return answer;
}

Result<Response> read_rest(CardChannel& channel, Response first) {
  Exchange sender(channel);
  channel.take_unread();
  return follow(sender, std::move(first));
}

}  // namespace cardgate::pcsc
