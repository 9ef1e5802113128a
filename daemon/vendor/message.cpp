// SPDX-License-Identifier: Apache-2.0
#include "daemon/vendor/message.hpp"

#include <algorithm>
#include <array>

#include "base/shown.hpp"

namespace cardgate::daemon::vendor {
namespace {

constexpr std::uint8_t version = 1;

/// What a helper may say; the place in this list crosses the socket, so it only grows at its end.
constexpr std::array codes{Errc::ok,
                           Errc::internal,
                           Errc::malformed,
                           Errc::timeout,
                           Errc::unavailable,
                           Errc::pcsc_card_removed,
                           Errc::card_not_piv,
                           Errc::card_data_missing,
                           Errc::card_protocol,
                           Errc::card_status,
                           Errc::card_changed,
                           Errc::pin_incorrect,
                           Errc::pin_blocked,
                           Errc::pin_last_try,
                           Errc::pin_format,
                           Errc::key_unsupported};

void put_number(Bytes& out, std::int64_t number) {
  const auto bits = static_cast<std::uint32_t>(number);
  for (int shift = 24; shift >= 0; shift -= 8) out.push_back(static_cast<std::uint8_t>(bits >> shift));
}

void put(Bytes& out, BytesView field) {
  put_number(out, static_cast<std::int64_t>(field.size()));
  out.insert(out.end(), field.begin(), field.end());
}

/// Takes a message apart from its front. Errors of every take: malformed, too_large.
class Parts {
 public:
  explicit Parts(BytesView rest) : rest_(rest) {}

  Result<std::uint8_t> byte() {
    const BytesView one = TRY(bytes(1));
    return one.front();
  }
  Result<bool> flag() {
    const auto value = TRY(byte());
    if (value > 1) return Error{Errc::malformed, "a flag is neither 0 nor 1"};
    return value == 1;
  }
  Result<std::int32_t> number() {
    std::uint32_t bits = 0;
    for (const std::uint8_t one : TRY(bytes(4))) bits = bits << 8 | one;
    return static_cast<std::int32_t>(bits);
  }
  Result<BytesView> field(std::size_t max_bytes = max_field_bytes) {
    const auto length = TRY(number());
    if (length < 0 || static_cast<std::size_t>(length) > max_bytes)
      return Error{Errc::too_large, "a field is too long"};
    return bytes(static_cast<std::size_t>(length));
  }
  Result<Bytes> copy(std::size_t max_bytes = max_field_bytes) {
    const auto view = TRY(field(max_bytes));
    return Bytes(view.begin(), view.end());
  }
  Result<std::string> text() {
    const auto view = TRY(field());
    if (!is_plain_utf8(as_text(view))) return Error{Errc::malformed, "a text holds control characters"};
    return std::string(as_text(view));
  }
  Result<void> finish() const {
    if (!rest_.empty()) return Error{Errc::malformed, "something is left over"};
    return {};
  }

 private:
  Result<BytesView> bytes(std::size_t count) {
    if (rest_.size() < count) return Error{Errc::malformed, "it ends too early"};
    const BytesView taken = rest_.first(count);
    rest_ = rest_.subspan(count);
    return taken;
  }

  BytesView rest_;
};

}  // namespace

Result<Secret> encode(const Request& request) {
  Bytes front{version, static_cast<std::uint8_t>(request.verb)};
  put_number(front, request.passcode_key);
  put_number(front, request.tries_shown);
  front.push_back(request.spend_last_try ? 1 : 0);
  for (const BytesView field :
       {as_bytes(request.reader), as_bytes(request.token_label), BytesView(request.fingerprint),
        BytesView(request.block), request.passcode.bytes(), request.new_passcode.bytes()}) {
    if (field.size() > max_field_bytes) return Error{Errc::too_large, "a field is too long"};
  }
  put(front, as_bytes(request.reader));
  put(front, as_bytes(request.token_label));
  put(front, request.fingerprint);
  put(front, request.block);
  // What is secret is written nowhere else.
  Secret message(front.size() + 8 + request.passcode.size() + request.new_passcode.size());
  auto at = std::ranges::copy(front, message.bytes().begin()).out;
  for (const Secret* secret : {&request.passcode, &request.new_passcode}) {
    Bytes length;
    put_number(length, static_cast<std::int64_t>(secret->size()));
    at = std::ranges::copy(length, at).out;
    at = std::ranges::copy(secret->bytes(), at).out;
  }
  return message;
}

Result<Request> parse_request(BytesView message) {
  Parts parts(message);
  Request out;
  if (TRY(parts.byte()) != version) return Error{Errc::malformed, "another version of this protocol"};
  const auto verb = TRY(parts.byte());
  if (verb < 1 || verb > 4) return Error{Errc::malformed, "no such verb"};
  out.verb = static_cast<Verb>(verb);
  out.passcode_key = TRY(parts.number());
  out.tries_shown = TRY(parts.number());
  out.spend_last_try = TRY(parts.flag());
  out.reader = TRY(parts.text());
  out.token_label = TRY(parts.text());
  out.fingerprint = TRY(parts.copy());
  out.block = TRY(parts.copy());
  out.passcode = Secret(TRY(parts.field()));
  out.new_passcode = Secret(TRY(parts.field()));
  TRY(parts.finish());
  return out;
}

Bytes encode(const Answer& answer) {
  const auto place = std::ranges::find(codes, answer.code);
  Bytes out{version, static_cast<std::uint8_t>(place == codes.end() ? 1 : place - codes.begin())};
  put_number(out, answer.number);
  put_number(out, answer.tries_left);
  put_number(out, answer.passcode_key);
  const std::string text = shown_text(answer.text);
  put(out, as_bytes(text.size() <= max_field_bytes ? text : "words too long to be shown"));
  put(out, answer.signature.size() <= max_field_bytes ? BytesView(answer.signature) : BytesView());
  out.push_back(0);
  const std::size_t count = out.size() - 1;
  for (const Bytes& certificate : answer.certificates) {
    if (out[count] == max_certificates || out.size() + 4 + certificate.size() > max_answer_bytes) break;
    if (certificate.size() > max_certificate_bytes) continue;
    put(out, certificate);
    ++out[count];
  }
  return out;
}

Result<Answer> parse_answer(BytesView message) {
  Parts parts(message);
  Answer out;
  if (TRY(parts.byte()) != version) return Error{Errc::malformed, "another version of this protocol"};
  const auto code = TRY(parts.byte());
  if (code >= codes.size()) return Error{Errc::malformed, "an error that no helper gives"};
  out.code = codes.at(code);
  out.number = TRY(parts.number());
  out.tries_left = TRY(parts.number());
  out.passcode_key = TRY(parts.number());
  out.text = TRY(parts.text());
  out.signature = TRY(parts.copy());
  const auto count = TRY(parts.byte());
  if (count > max_certificates) return Error{Errc::malformed, "more certificates than there may be"};
  for (int i = 0; i < count; ++i) out.certificates.push_back(TRY(parts.copy(max_certificate_bytes)));
  TRY(parts.finish());
  return out;
}

}  // namespace cardgate::daemon::vendor
