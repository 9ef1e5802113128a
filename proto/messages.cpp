// SPDX-License-Identifier: Apache-2.0
#include "proto/messages.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "base/bytes.hpp"
#include "base/json.hpp"
#include "base/unicode.hpp"

namespace cardgate::proto {
namespace {

/// Gives Boost.JSON locked memory that is wiped when this dies. The body's size cap bounds it.
class LockedMemory final : public json::memory_resource {
 private:
  static constexpr std::size_t chunk_bytes = 32 * 1024;

  void* do_allocate(std::size_t bytes, std::size_t alignment) override {
    auto start = (used_ + alignment - 1) / alignment * alignment;
    if (chunks_.empty() || start + bytes > chunks_.back().size()) {
      // A multiple of 16: libsodium puts a block's end, not its start, at a page border.
      chunks_.emplace_back((std::max(bytes, chunk_bytes) + 15) / 16 * 16);
      start = 0;
    }
    used_ = start + bytes;
    return chunks_.back().bytes().data() + start;
  }
  void do_deallocate(void*, std::size_t, std::size_t) override {}  // all at once, at the end
  bool do_is_equal(const json::memory_resource& other) const noexcept override { return this == &other; }

  std::vector<Secret> chunks_;
  std::size_t used_ = 0;
};

Error bad(std::string_view member, std::string_view what) {
  return {Errc::invalid_argument, fmt::format("\"{}\" {}", member, what)};
}

/// A name that can be repeated without repeating what somebody typed into the wrong place.
bool is_member_name(std::string_view text) {
  return !text.empty() && text.size() <= 32 &&
         std::ranges::all_of(text, [](char c) { return (c >= 'a' && c <= 'z') || c == '_'; });
}

/// Reads the members of one object and remembers which were asked for.
class Members {
 public:
  explicit Members(const json::object& object) : object_(object) {}

  const json::value* optional(std::string_view member) {
    known_.push_back(member);
    return object_.if_contains(member);
  }
  Result<std::string_view> text(std::string_view member, std::size_t max_bytes) {
    const auto* value = optional(member);
    if (value == nullptr) return bad(member, "is missing");
    return text_of(*value, member, max_bytes);
  }
  /// A text that may stand in a log line.
  Result<std::string> name(std::string_view member, std::size_t max_bytes) {
    const auto value = TRY(text(member, max_bytes));
    return checked_name(value, member);
  }
  Result<std::string> optional_name(std::string_view member, std::size_t max_bytes) {
    const auto* value = optional(member);
    if (value == nullptr) return std::string();
    return checked_name(TRY(text_of(*value, member, max_bytes)), member);
  }
  /// In the form in which it is judged, hashed and compared.
  Result<Secret> password(std::string_view member) {
    return normal_text(Secret(TRY(text(member, max_password_bytes))));
  }
  Result<std::int64_t> integer(std::string_view member, const json::value& value, std::int64_t max) {
    const auto* number = value.if_int64();
    if (number == nullptr || *number < 0 || *number > max) {
      return bad(member, fmt::format("must be a whole number from 0 to {}", max));
    }
    return *number;
  }
  Result<void> finish() const {
    for (const auto& member : object_) {
      if (std::ranges::find(known_, std::string_view(member.key())) != known_.end()) continue;
      return Error{
          Errc::invalid_argument,
          fmt::format(
              "{} is not a member of this message; it has: {}",
              is_member_name(member.key()) ? fmt::format("\"{}\"", std::string_view(member.key())) : "a name",
              fmt::join(known_, ", "))};
    }
    return {};
  }

 private:
  static Result<std::string_view> text_of(const json::value& value, std::string_view member,
                                          std::size_t max_bytes) {
    const auto* text = value.if_string();
    if (text == nullptr) return bad(member, "must be a text");
    if (text->size() > max_bytes) return bad(member, fmt::format("is longer than {} bytes", max_bytes));
    return std::string_view(*text);
  }
  static Result<std::string> checked_name(std::string_view text, std::string_view member) {
    if (text.empty()) return bad(member, "is empty");
    if (!is_plain_utf8(text)) return bad(member, "holds control characters");
    return std::string(text);
  }

  const json::object& object_;
  std::vector<std::string_view> known_;
};

Result<int> tries_left_of(Members& members) {
  const auto* tries = members.optional("tries_left");
  if (tries == nullptr) return bad("tries_left", "is missing");
  if (tries->is_null()) return tries_not_told;
  return static_cast<int>(TRY(members.integer("tries_left", *tries, 15)));
}

Result<bool> spends_last_try(Members& members) {
  const auto* spend = members.optional("spend_last_try");
  if (spend == nullptr) return false;
  if (!spend->is_bool()) return bad("spend_last_try", "must be true or false");
  return spend->get_bool();
}

Result<SignIn> sign_in_from(const json::value& document) {
  const auto* object = document.if_object();
  if (object == nullptr) return Error{Errc::invalid_argument, "the body must be a JSON object"};
  Members members(*object);
  SignIn out;
  out.reader = TRY(members.name("reader", max_reader_bytes));
  out.card = TRY(members.name("card", max_card_bytes));
  out.tries_left = TRY(tries_left_of(members));
  out.passcode = Secret(TRY(members.text("passcode", max_passcode_bytes)));
  if (const auto* uid = members.optional("for_uid")) {
    // The largest value means "no uid" to the kernel.
    out.for_uid = static_cast<uid_t>(TRY(members.integer("for_uid", *uid, 0xfffffffeL)));
  }
  out.spend_last_try = TRY(spends_last_try(members));
  TRY(members.finish());
  return out;
}

Result<PasscodeChange> passcode_change_from(const json::value& document) {
  const auto* object = document.if_object();
  if (object == nullptr) return Error{Errc::invalid_argument, "the body must be a JSON object"};
  Members members(*object);
  PasscodeChange out;
  out.reader = TRY(members.name("reader", max_reader_bytes));
  out.tries_left = TRY(tries_left_of(members));
  out.passcode = Secret(TRY(members.text("passcode", max_passcode_bytes)));
  out.new_passcode = Secret(TRY(members.text("new_passcode", max_passcode_bytes)));
  out.spend_last_try = TRY(spends_last_try(members));
  TRY(members.finish());
  return out;
}

Result<Unblock> unblock_from(const json::value& document) {
  const auto* object = document.if_object();
  if (object == nullptr) return Error{Errc::invalid_argument, "the body must be a JSON object"};
  Members members(*object);
  Unblock out;
  out.reader = TRY(members.name("reader", max_reader_bytes));
  out.unblocking_key = Secret(TRY(members.text("unblocking_key", max_passcode_bytes)));
  out.new_passcode = Secret(TRY(members.text("new_passcode", max_passcode_bytes)));
  out.spend_last_try = TRY(spends_last_try(members));
  TRY(members.finish());
  return out;
}

Error no_object() {
  return {Errc::invalid_argument, "the body must be a JSON object"};
}

Result<AnySignIn> any_sign_in_from(const json::value& document) {
  const auto* object = document.if_object();
  if (object == nullptr) return no_object();
  if (!object->contains("username") && !object->contains("password")) return TRY(sign_in_from(document));
  Members members(*object);
  PasswordSignIn out;
  out.username = TRY(members.name("username", max_name_bytes));
  out.password = TRY(members.password("password"));
  TRY(members.finish());
  return out;
}

Result<PasswordChange> password_change_from(const json::value& document) {
  const auto* object = document.if_object();
  if (object == nullptr) return no_object();
  Members members(*object);
  PasswordChange out;
  out.username = TRY(members.name("username", max_name_bytes));
  out.password = TRY(members.password("password"));
  out.new_password = TRY(members.password("new_password"));
  TRY(members.finish());
  return out;
}

Result<Enrolment> enrolment_from(const json::value& document) {
  const auto* object = document.if_object();
  if (object == nullptr) return no_object();
  Members members(*object);
  Enrolment out;
  out.name = TRY(members.name("name", max_name_bytes));
  const auto born = parse_date(TRY(members.text("date_of_birth", 10)));
  if (!born) return bad("date_of_birth", "must be a day, written YYYY-MM-DD");
  out.date_of_birth = *born;
  out.national_insurance = Secret(TRY(members.text("national_insurance", max_ni_bytes)));
  TRY(members.finish());
  return out;
}

Result<Activation> activation_from(const json::value& document) {
  const auto* object = document.if_object();
  if (object == nullptr) return no_object();
  Members members(*object);
  Activation out;
  out.username = TRY(members.name("username", max_name_bytes));
  out.code = Secret(TRY(members.text("code", max_code_bytes)));
  out.new_password = TRY(members.password("new_password"));
  TRY(members.finish());
  return out;
}

/// Parses in locked memory; the document dies before its memory does.
template <class T>
Result<T> parse_secret(std::string_view body, Result<T> (*from)(const json::value&)) {
  LockedMemory memory;
  const auto document = TRY(parse_json(body, max_sign_in_body, json::storage_ptr(&memory)));
  return from(document);
}

}  // namespace

Result<SignIn> parse_sign_in(std::string_view body) {
  return parse_secret(body, sign_in_from);
}
Result<AnySignIn> parse_any_sign_in(std::string_view body) {
  return parse_secret(body, any_sign_in_from);
}
Result<PasswordChange> parse_password_change(std::string_view body) {
  return parse_secret(body, password_change_from);
}
Result<Enrolment> parse_enrolment(std::string_view body) {
  return parse_secret(body, enrolment_from);
}
Result<Activation> parse_activation(std::string_view body) {
  return parse_secret(body, activation_from);
}
Result<PasscodeChange> parse_passcode_change(std::string_view body) {
  return parse_secret(body, passcode_change_from);
}
Result<Unblock> parse_unblock(std::string_view body) {
  return parse_secret(body, unblock_from);
}

Result<TokenRequest> parse_token_request(std::string_view body) {
  const auto document = TRY(parse_json(body, max_token_request_body));
  const auto* object = document.if_object();
  if (object == nullptr) return Error{Errc::invalid_argument, "the body must be a JSON object"};
  Members members(*object);
  TokenRequest out;
  out.role = TRY(members.name("role", max_name_bytes));
  out.audience = TRY(members.name("audience", max_name_bytes));
  out.session = TRY(members.optional_name("session", max_name_bytes));
  TRY(members.finish());
  return out;
}

}  // namespace cardgate::proto
