// SPDX-License-Identifier: Apache-2.0
// PKCS#11 as cardgate speaks it: slots, tokens, sessions, objects, and what its return values mean. Inside
// this folder only. One thread.
#pragma once

#include <p11-kit/p11-kit.h>

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/bytes.hpp"
#include "base/secret.hpp"

namespace cardgate::daemon::vendor {

struct Token {
  CK_SLOT_ID slot = 0;
  CK_TOKEN_INFO info{};

  /// 0, 1, or -1 when it does not tell: PKCS#11 2.40 has flags, and no number.
  int tries_left() const;
  /// Made of what the token says it is: another card has another.
  int passcode_key() const;
  bool needs_login() const { return (info.flags & CKF_LOGIN_REQUIRED) != 0; }
  /// Errors: pin_format; nothing is spent.
  Result<void> check_length(const Secret& passcode) const;
};

/// The tokens that were in the slot of this reader, or that bear this label, in the module's order.
/// Errors: as to_error().
Result<std::vector<Token>> find_tokens(CK_FUNCTION_LIST& module, const std::string& reader,
                                       const std::string& label);
/// What the token says of itself now. Errors: as to_error().
Result<Token> look_at(CK_FUNCTION_LIST& module, CK_SLOT_ID slot);

/// A session with a token; nobody is logged in when it begins and when it ends.
class TokenSession {
 public:
  /// Errors: as to_error().
  static Result<TokenSession> open(CK_FUNCTION_LIST& module, CK_SLOT_ID slot, bool to_write = false);
  TokenSession(TokenSession&& other) noexcept;
  TokenSession& operator=(TokenSession&&) = delete;
  ~TokenSession();

  /// Only CKR_OK of a C_Login of our own counts. Errors: pin_incorrect, pin_blocked, pin_format, as
  /// to_error().
  Result<void> log_in(const Secret& passcode);
  /// Errors: as log_in().
  Result<void> change_passcode(const Secret& passcode, const Secret& fresh);

  /// Errors: as to_error().
  Result<std::vector<CK_OBJECT_HANDLE>> find(CK_OBJECT_CLASS kind, std::optional<BytesView> id = {});
  /// Nothing when the object has no such attribute, or keeps it to itself.
  std::optional<Bytes> attribute(CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type);
  std::optional<CK_ULONG> number(CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type);
  std::optional<bool> flag(CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type);
  /// Errors: key_unsupported, card_protocol, as to_error().
  Result<Bytes> sign(CK_OBJECT_HANDLE key, CK_MECHANISM_TYPE mechanism, BytesView data);

 private:
  TokenSession(CK_FUNCTION_LIST& module, CK_SESSION_HANDLE handle) : module_(&module), handle_(handle) {}
  void lock();

  CK_FUNCTION_LIST* module_;
  CK_SESSION_HANDLE handle_;
};

/// Errors: pcsc_card_removed, card_not_piv (nothing the module knows), pin_*, key_unsupported, card_status
/// (number = the return value) for all the others.
Error to_error(CK_RV value, std::string_view doing);

}  // namespace cardgate::daemon::vendor
