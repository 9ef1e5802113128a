// SPDX-License-Identifier: Apache-2.0
#include "daemon/vendor/pkcs11.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstring>

#include "base/crypto.hpp"
#include "base/shown.hpp"

namespace cardgate::daemon::vendor {
namespace {

constexpr CK_ULONG most_slots = 256;
constexpr CK_ULONG most_objects = 256;
constexpr CK_ULONG most_attribute_bytes = 32 * 1024;
constexpr CK_ULONG most_signature_bytes = 1024;

/// Fixed fields are padded with blanks, and are not ended by a NUL (2.40, 3.2).
template <std::size_t size>
std::string_view trimmed(const CK_UTF8CHAR (&field)[size]) {
  std::string_view text(reinterpret_cast<const char*>(field), size);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\0')) text.remove_suffix(1);
  return text;
}

/// Most modules describe a slot by the name of its reader, cut at 64 bytes; some add words of their own.
bool describes_bytes(std::string_view description, std::string_view reader, bool exactly) {
  reader = reader.substr(0, sizeof CK_SLOT_INFO::slotDescription);
  while (reader.ends_with(' ')) reader.remove_suffix(1);
  if (exactly) return description == reader;
  const auto place = description.find(reader);
  if (reader.empty() || place == std::string_view::npos) return false;
  const auto behind = place + reader.size();
  // "Reader 00 0" is not a part of "Reader 00 01".
  return behind == description.size() || std::isalnum(static_cast<unsigned char>(description[behind])) == 0;
}

/// cardgated names a reader as it is shown; the module describes it as the reader calls itself.
bool describes(std::string_view description, std::string_view reader, bool exactly) {
  return describes_bytes(description, reader, exactly) ||
         describes_bytes(description, bytes_shown_as(reader), exactly);
}

// The interface is older than const.
CK_UTF8CHAR_PTR writable(BytesView bytes) {
  return const_cast<CK_UTF8CHAR_PTR>(bytes.data());
}

}  // namespace

Error to_error(CK_RV value, std::string_view doing) {
  const std::string text = fmt::format("{}: {}", doing, p11_kit_strerror(value));
  switch (value) {
    case CKR_TOKEN_NOT_PRESENT:
    case CKR_DEVICE_REMOVED:
      return {Errc::pcsc_card_removed, text};
    case CKR_TOKEN_NOT_RECOGNIZED:
      return {Errc::card_not_piv, text};
    case CKR_PIN_INCORRECT:
      return {Errc::pin_incorrect, text, -1};
    case CKR_PIN_LOCKED:
      return {Errc::pin_blocked, text};
    case CKR_PIN_LEN_RANGE:
    case CKR_PIN_INVALID:
      return {Errc::pin_format, "the card does not take such a passcode"};
    case CKR_MECHANISM_INVALID:
    case CKR_MECHANISM_PARAM_INVALID:
    case CKR_KEY_TYPE_INCONSISTENT:
    case CKR_KEY_FUNCTION_NOT_PERMITTED:
    case CKR_FUNCTION_NOT_SUPPORTED:
      return {Errc::key_unsupported, text};
    default:
      return {Errc::card_status, text, static_cast<std::int64_t>(value)};
  }
}

int Token::tries_left() const {
  if ((info.flags & CKF_USER_PIN_LOCKED) != 0) return 0;
  return (info.flags & CKF_USER_PIN_FINAL_TRY) != 0 ? 1 : -1;
}

int Token::passcode_key() const {
  std::string text;
  for (const auto field : {trimmed(info.manufacturerID), trimmed(info.model), trimmed(info.label)})
    text += fmt::format("{}:{},", field.size(), field);
  text.append(reinterpret_cast<const char*>(info.serialNumber), sizeof info.serialNumber);
  const auto digest = sha256(as_bytes(text));
  return (digest[0] & 0x7f) << 24 | digest[1] << 16 | digest[2] << 8 | digest[3];
}

Result<void> Token::check_length(const Secret& passcode) const {
  const auto most = info.ulMaxPinLen == 0 ? CK_UNAVAILABLE_INFORMATION : info.ulMaxPinLen;
  if (passcode.size() >= std::max<CK_ULONG>(info.ulMinPinLen, 1) && passcode.size() <= most) return {};
  return Error{Errc::pin_format,
               fmt::format("a passcode of this card has {} to {} characters", info.ulMinPinLen, most)};
}

Result<Token> look_at(CK_FUNCTION_LIST& module, CK_SLOT_ID slot) {
  Token token;
  token.slot = slot;
  if (const CK_RV value = module.C_GetTokenInfo(slot, &token.info); value != CKR_OK)
    return to_error(value, "asking what the card is");
  return token;
}

Result<std::vector<Token>> find_tokens(CK_FUNCTION_LIST& module, const std::string& reader,
                                       const std::string& label) {
  std::array<CK_SLOT_ID, most_slots> slots{};
  CK_ULONG count = most_slots;
  if (const CK_RV value = module.C_GetSlotList(CK_TRUE, slots.data(), &count); value != CKR_OK)
    return to_error(value, "listing the readers");
  std::vector<Token> exactly, roughly;
  for (const CK_SLOT_ID slot : std::span(slots).first(std::min(count, most_slots))) {
    CK_SLOT_INFO place{};
    if (module.C_GetSlotInfo(slot, &place) != CKR_OK) continue;
    const auto description = trimmed(place.slotDescription);
    if (label.empty() && !describes(description, reader, false)) continue;
    // Cards that the module does not know, and those that just went, are no tokens.
    auto token = look_at(module, slot);
    if (!token || (token->info.flags & CKF_TOKEN_INITIALIZED) == 0) continue;
    const auto called = trimmed(token->info.label);
    if (!label.empty() && called != label && shown_text(called) != label) continue;
    (label.empty() && describes(description, reader, true) ? exactly : roughly).push_back(*std::move(token));
  }
  return exactly.empty() ? roughly : exactly;
}

Result<TokenSession> TokenSession::open(CK_FUNCTION_LIST& module, CK_SLOT_ID slot, bool to_write) {
  CK_SESSION_HANDLE handle = 0;
  const CK_FLAGS flags = CKF_SERIAL_SESSION | (to_write ? CKF_RW_SESSION : 0);
  if (const CK_RV value = module.C_OpenSession(slot, flags, nullptr, nullptr, &handle); value != CKR_OK)
    return to_error(value, "talking to the card");
  TokenSession session(module, handle);
  session.lock();
  return session;
}

TokenSession::TokenSession(TokenSession&& other) noexcept
    : module_(std::exchange(other.module_, nullptr)), handle_(other.handle_) {}

TokenSession::~TokenSession() {
  if (module_ == nullptr) return;
  lock();
  module_->C_CloseSession(handle_);
}

/// A login belongs to the token, not to the session: another's would be ours as well (2.40, 5.6).
void TokenSession::lock() {
  CK_SESSION_INFO info{};
  const bool known = module_->C_GetSessionInfo(handle_, &info) == CKR_OK;
  const bool nobody = info.state == CKS_RO_PUBLIC_SESSION || info.state == CKS_RW_PUBLIC_SESSION;
  if (!known || !nobody) module_->C_Logout(handle_);
}

Result<void> TokenSession::log_in(const Secret& passcode) {
  const auto once = [&] {
    return module_->C_Login(handle_, CKU_USER, writable(passcode.bytes()), passcode.size());
  };
  lock();
  CK_RV value = once();
  // The token did not look at the passcode, so no try was spent, and it says nothing about the passcode
  // either.
  if (value == CKR_USER_ALREADY_LOGGED_IN || value == CKR_USER_ANOTHER_ALREADY_LOGGED_IN) {
    module_->C_Logout(handle_);
    value = once();
  }
  if (value != CKR_OK) return to_error(value, "giving the passcode");
  return {};
}

Result<void> TokenSession::change_passcode(const Secret& passcode, const Secret& fresh) {
  lock();
  const CK_RV value = module_->C_SetPIN(handle_, writable(passcode.bytes()), passcode.size(),
                                        writable(fresh.bytes()), fresh.size());
  if (value != CKR_OK) return to_error(value, "changing the passcode");
  return {};
}

Result<std::vector<CK_OBJECT_HANDLE>> TokenSession::find(CK_OBJECT_CLASS kind, std::optional<BytesView> id) {
  std::vector<CK_ATTRIBUTE> wanted{{CKA_CLASS, &kind, sizeof kind}};
  if (id) wanted.push_back({CKA_ID, writable(*id), id->size()});
  if (const CK_RV value = module_->C_FindObjectsInit(handle_, wanted.data(), wanted.size()); value != CKR_OK)
    return to_error(value, "looking through the card");
  std::vector<CK_OBJECT_HANDLE> all;
  CK_RV value = CKR_OK;
  while (all.size() < most_objects) {
    std::array<CK_OBJECT_HANDLE, 16> some{};
    CK_ULONG count = 0;
    value = module_->C_FindObjects(handle_, some.data(), some.size(), &count);
    if (value != CKR_OK || count == 0) break;
    all.insert(all.end(), some.begin(),
               some.begin() + std::min<std::ptrdiff_t>(static_cast<std::ptrdiff_t>(count), 16));
  }
  module_->C_FindObjectsFinal(handle_);
  if (value != CKR_OK) return to_error(value, "looking through the card");
  return all;
}

std::optional<Bytes> TokenSession::attribute(CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type) {
  CK_ATTRIBUTE ask{type, nullptr, 0};
  if (module_->C_GetAttributeValue(handle_, object, &ask, 1) != CKR_OK) return std::nullopt;
  if (ask.ulValueLen > most_attribute_bytes) return std::nullopt;
  Bytes value(ask.ulValueLen);
  ask.pValue = value.data();
  if (module_->C_GetAttributeValue(handle_, object, &ask, 1) != CKR_OK || ask.ulValueLen > value.size())
    return std::nullopt;
  value.resize(ask.ulValueLen);
  return value;
}

std::optional<CK_ULONG> TokenSession::number(CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type) {
  const auto bytes = attribute(object, type);
  CK_ULONG out = 0;
  if (!bytes || bytes->size() != sizeof out) return std::nullopt;
  std::memcpy(&out, bytes->data(), sizeof out);
  return out;
}

std::optional<bool> TokenSession::flag(CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type) {
  const auto bytes = attribute(object, type);
  if (!bytes || bytes->size() != 1) return std::nullopt;
  return bytes->front() != CK_FALSE;
}

Result<Bytes> TokenSession::sign(CK_OBJECT_HANDLE key, CK_MECHANISM_TYPE mechanism, BytesView data) {
  CK_MECHANISM how{mechanism, nullptr, 0};
  if (const CK_RV value = module_->C_SignInit(handle_, &how, key); value != CKR_OK)
    return to_error(value, "signing");
  Bytes signature(most_signature_bytes);
  CK_ULONG size = signature.size();
  if (const CK_RV value = module_->C_Sign(handle_, writable(data), data.size(), signature.data(), &size);
      value != CKR_OK)
    return to_error(value, "signing");
  if (size > signature.size()) return Error{Errc::card_protocol, "a signature of impossible length"};
  signature.resize(size);
  return signature;
}

}  // namespace cardgate::daemon::vendor
