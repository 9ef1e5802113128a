// SPDX-License-Identifier: Apache-2.0
#include "proto/messages.hpp"

#include "proto/body.hpp"

namespace cardgate::proto {
namespace {

Body secret_message(std::string_view text) {
  return Body::message(text, max_sign_in_body, Body::Memory::locked);
}

int tries_left_of(Body& body) {
  constexpr std::string_view member = "tries_left";
  if (body.is_null(member)) {
    (void)body.has(member);  // asked for
    return tries_not_told;
  }
  return static_cast<int>(body.number(member, 15));
}

Result<SignIn> sign_in_from(Body& body) {
  SignIn out;
  out.reader = body.text("reader", max_reader_bytes);
  out.card = body.text("card", max_card_bytes);
  out.tries_left = tries_left_of(body);
  out.passcode = body.secret("passcode", max_passcode_bytes);
  // The largest value means "no uid" to the kernel.
  if (const auto uid = body.optional_number("for_uid", 0xfffffffeL)) out.for_uid = static_cast<uid_t>(*uid);
  out.spend_last_try = body.flag("spend_last_try");
  out.account = body.optional_text("account", max_name_bytes).value_or(std::string());
  TRY(body.finish());
  return out;
}

}  // namespace

Result<SignIn> parse_sign_in(std::string_view text) {
  auto body = secret_message(text);
  return sign_in_from(body);
}

Result<AnySignIn> parse_any_sign_in(std::string_view text) {
  auto body = secret_message(text);
  if (!body.holds("username") && !body.holds("password")) return TRY(sign_in_from(body));
  PasswordSignIn out;
  out.username = body.text("username", max_name_bytes);
  out.password = body.password("password");
  TRY(body.finish());
  return out;
}

Result<PasswordChange> parse_password_change(std::string_view text) {
  auto body = secret_message(text);
  PasswordChange out;
  out.username = body.text("username", max_name_bytes);
  out.password = body.password("password");
  out.new_password = body.password("new_password");
  TRY(body.finish());
  return out;
}

Result<Enrolment> parse_enrolment(std::string_view text) {
  auto body = secret_message(text);
  Enrolment out;
  out.name = body.text("name", max_name_bytes);
  const auto born = parse_date(body.raw("date_of_birth", 10));
  if (!born) body.wrong("date_of_birth", "must be a day, written YYYY-MM-DD");
  if (born) out.date_of_birth = *born;
  out.national_insurance = body.secret("national_insurance", max_ni_bytes);
  TRY(body.finish());
  return out;
}

Result<Activation> parse_activation(std::string_view text) {
  auto body = secret_message(text);
  Activation out;
  out.username = body.text("username", max_name_bytes);
  out.code = body.secret("code", max_code_bytes);
  out.new_password = body.password("new_password");
  TRY(body.finish());
  return out;
}

Result<PasscodeChange> parse_passcode_change(std::string_view text) {
  auto body = secret_message(text);
  PasscodeChange out;
  out.reader = body.text("reader", max_reader_bytes);
  out.tries_left = tries_left_of(body);
  out.passcode = body.secret("passcode", max_passcode_bytes);
  out.new_passcode = body.secret("new_passcode", max_passcode_bytes);
  out.spend_last_try = body.flag("spend_last_try");
  TRY(body.finish());
  return out;
}

Result<Unblock> parse_unblock(std::string_view text) {
  auto body = secret_message(text);
  Unblock out;
  out.reader = body.text("reader", max_reader_bytes);
  if (body.holds("code")) {
    out.code = body.secret("code", max_code_bytes);
  } else {
    out.unblocking_key = body.secret("unblocking_key", max_passcode_bytes);
  }
  out.new_passcode = body.secret("new_passcode", max_passcode_bytes);
  out.spend_last_try = body.flag("spend_last_try");
  TRY(body.finish());
  return out;
}

Result<HandedKey> parse_handed_key(std::string_view text) {
  auto body = secret_message(text);
  HandedKey out;
  out.unblocking_key = body.secret("unblocking_key", max_passcode_bytes);
  TRY(body.finish());
  return out;
}

Result<TokenRequest> parse_token_request(std::string_view text) {
  auto body = Body::message(text, max_token_request_body);
  TokenRequest out;
  out.role = body.text("role", max_name_bytes);
  out.audience = body.text("audience", max_name_bytes);
  out.session = body.optional_text("session", max_name_bytes).value_or(std::string());
  out.fresh = body.flag("fresh");
  TRY(body.finish());
  return out;
}

Result<bool> parse_screen(std::string_view text) {
  auto body = Body::message(text, max_token_request_body);
  if (!body.holds("locked")) body.wrong("locked", "is missing");
  const bool locked = body.flag("locked");
  TRY(body.finish());
  return locked;
}

}  // namespace cardgate::proto
