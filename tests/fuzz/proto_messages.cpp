// SPDX-License-Identifier: Apache-2.0
// Any text as each request body, and as a problem document.
#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "base/bytes.hpp"
#include "proto/body.hpp"
#include "proto/messages.hpp"
#include "proto/problem.hpp"

using namespace cardgate;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  init_crypto();
  const std::string_view text = as_text({data, size});
  if (const auto message = proto::parse_sign_in(text)) {
    if (message->passcode.size() > proto::max_passcode_bytes || message->tries_left < 0 ||
        message->reader.empty()) {
      std::abort();
    }
  }
  if (const auto message = proto::parse_any_sign_in(text)) {
    const auto* by_password = std::get_if<proto::PasswordSignIn>(&*message);
    if (by_password != nullptr &&
        (by_password->username.empty() || by_password->password.size() > proto::max_password_bytes)) {
      std::abort();
    }
  }
  if (const auto message = proto::parse_password_change(text)) {
    if (message->new_password.size() > proto::max_password_bytes) std::abort();
  }
  if (const auto message = proto::parse_enrolment(text)) {
    if (!message->date_of_birth.ok() || message->national_insurance.size() > proto::max_ni_bytes)
      std::abort();
  }
  if (const auto message = proto::parse_activation(text)) {
    if (message->code.size() > proto::max_code_bytes || message->username.empty()) std::abort();
  }
  if (const auto message = proto::parse_token_request(text)) {
    if (message->role.empty() || message->role.size() > proto::max_name_bytes) std::abort();
  }
  (void)proto::parse_screen(text);
  auto body = proto::Body::parse(text);
  const auto role = body.text("role");
  const auto until = body.optional_date("valid_until");
  const auto reason = body.reason();
  if (body.finish() && (role.empty() || (until && !until->ok()) || !is_plain_utf8(reason))) std::abort();
  if (const auto token = proto::parse_form_token(text)) {
    if (token->empty()) std::abort();
  }
  if (const auto problem = proto::parse_problem(text)) {
    if (!proto::parse_problem(proto::to_body(*problem))) std::abort();
  }
  return 0;
}
