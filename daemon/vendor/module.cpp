// SPDX-License-Identifier: Apache-2.0
#include "daemon/vendor/module.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/crypto.hpp"
#include "daemon/vendor/pkcs11.hpp"
#include "daemon/vendor/signature.hpp"

namespace cardgate::daemon::vendor {
namespace {

constexpr CK_ULONG category_authority = 2;  // CKA_CERTIFICATE_CATEGORY (2.40, 4.6.2)

struct Certificate {
  Bytes der, id;
  bool likely;
};

/// The certificates whose key may be one for signing in. Keys that need a passcode are hidden before it is
/// given, so a key that can be seen to need none is not meant (PIV's card authentication, for one).
Result<std::vector<Certificate>> certificates(TokenSession& session) {
  std::vector<Certificate> out;
  for (const auto object : TRY(session.find(CKO_CERTIFICATE))) {
    if (session.number(object, CKA_CERTIFICATE_TYPE) != CKC_X_509) continue;
    if (session.number(object, CKA_CERTIFICATE_CATEGORY) == category_authority) continue;
    auto id = session.attribute(object, CKA_ID);
    auto der = session.attribute(object, CKA_VALUE);
    if (!id || id->empty() || !der || der->empty()) continue;
    const auto seen = TRY(session.find(CKO_PRIVATE_KEY, *id));
    if (std::ranges::any_of(seen, [&](auto key) {
          return session.flag(key, CKA_PRIVATE) == false || session.flag(key, CKA_SIGN) == false;
        }))
      continue;
    const auto halves = TRY(session.find(CKO_PUBLIC_KEY, *id));
    const bool likely =
        std::ranges::none_of(halves, [&](auto key) { return session.flag(key, CKA_VERIFY) == false; });
    out.push_back({*std::move(der), *std::move(id), likely});
  }
  std::ranges::stable_partition(out, &Certificate::likely);
  return out;
}

/// The rule of every driver (check_tries in daemon/cards), for a passcode that this process has.
Result<void> check_tries(const Token& token, const Request& request) {
  const int tries = token.tries_left();
  if (tries == 0) return Error{Errc::pin_blocked, "the card is blocked"};
  if (tries != request.tries_shown)
    return Error{Errc::card_changed, "the tries left are not those shown", tries};
  if (tries == 1 && !request.spend_last_try) return Error{Errc::pin_last_try, "one try is left", 1};
  return {};
}

}  // namespace

struct Module::Impl {
  CK_FUNCTION_LIST* functions = nullptr;
  bool started = false;

  Impl() = default;
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;
  ~Impl() {
    if (started) p11_kit_module_finalize(functions);
    if (functions != nullptr) p11_kit_module_release(functions);
  }

  /// The token that was read, and none that was put in its place.
  Result<Token> same_token(const Request& request) {
    const auto tokens = TRY(find_tokens(*functions, request.reader, request.token_label));
    if (tokens.empty()) return Error{Errc::pcsc_card_removed, "the card is no longer there"};
    for (const auto& token : tokens) {
      if (token.passcode_key() == request.passcode_key) return token;
    }
    return Error{Errc::card_changed, "another card is there now", tokens.front().tries_left()};
  }

  Result<Answer> read(const Request& request) {
    const auto tokens = TRY(find_tokens(*functions, request.reader, request.token_label));
    if (tokens.empty()) return Error{Errc::card_not_piv, "no card that the vendor's module knows"};
    for (const auto& token : tokens) {
      // Without a login there is no passcode to prove anything by.
      if (!token.needs_login()) continue;
      auto session = TRY(TokenSession::open(*functions, token.slot));
      Answer out;
      for (auto& found : TRY(certificates(session))) out.certificates.push_back(std::move(found.der));
      if (out.certificates.empty()) continue;
      out.tries_left = token.tries_left();
      out.passcode_key = token.passcode_key();
      return out;
    }
    return Error{Errc::card_data_missing, "no certificate with a key behind a passcode"};
  }

  Result<Answer> count_tries(const Request& request) {
    Answer out;
    out.tries_left = TRY(same_token(request))
    .tries_left();
    return out;
  }

  /// A refused passcode, with the tries that are left now.
  template <class T>
  Result<T> with_tries(const Token& token, Result<T> outcome) {
    if (outcome || outcome.error().code != Errc::pin_incorrect) return outcome;
    const auto now = look_at(*functions, token.slot);
    Error error = std::move(outcome).error();
    error.number = now ? now->tries_left() : -1;
    return error;
  }

  Result<Answer> sign(const Request& request) {
    const auto token = TRY(same_token(request));
    TRY(check_tries(token, request));
    TRY(token.check_length(request.passcode));
    auto session = TRY(TokenSession::open(*functions, token.slot));
    Bytes id;
    for (auto& found : TRY(certificates(session))) {
      if (std::ranges::equal(sha256(found.der), request.fingerprint)) id = std::move(found.id);
    }
    if (id.empty())
      return Error{Errc::card_changed, "the certificate that was read is not there", token.tries_left()};
    TRY(with_tries(token, session.log_in(request.passcode)));
    for (const auto key : TRY(session.find(CKO_PRIVATE_KEY, id))) {
      if (session.flag(key, CKA_SIGN) == false) continue;
      Answer out;
      out.signature = TRY(sign_with(session, token, key, request.block));
      out.tries_left = token.tries_left();
      return out;
    }
    return Error{Errc::key_unsupported, "the card has no key for signing to its certificate"};
  }

  Result<Bytes> sign_with(TokenSession& session, const Token& token, CK_OBJECT_HANDLE key, BytesView block) {
    const auto type = session.number(key, CKA_KEY_TYPE);
    if (type == CKK_EC) return ecdsa_to_der(TRY(session.sign(key, CKM_ECDSA, block)));
    if (type != CKK_RSA) return Error{Errc::key_unsupported, "the card's key is neither RSA nor EC"};
    CK_MECHANISM_INFO can{};
    const bool pads = functions->C_GetMechanismInfo(token.slot, CKM_RSA_PKCS, &can) == CKR_OK &&
                      (can.flags & CKF_SIGN) != 0;
    if (!pads) return session.sign(key, CKM_RSA_X_509, block);
    return session.sign(key, CKM_RSA_PKCS, TRY(digest_info(block)));
  }

  Result<Answer> change_passcode(const Request& request) {
    const auto token = TRY(same_token(request));
    TRY(check_tries(token, request));
    TRY(token.check_length(request.passcode));
    TRY(token.check_length(request.new_passcode));
    auto session = TRY(TokenSession::open(*functions, token.slot, true));
    TRY(with_tries(token, session.change_passcode(request.passcode, request.new_passcode)));
    return Answer{};
  }

  Result<Answer> act(const Request& request) {
    switch (request.verb) {
      case Verb::read:
        return read(request);
      case Verb::count_tries:
        return count_tries(request);
      case Verb::sign:
        return sign(request);
      case Verb::change_passcode:
        return change_passcode(request);
    }
    return Error{Errc::malformed, "no such verb"};
  }
};

Module::Module(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Module::Module(Module&&) noexcept = default;
Module& Module::operator=(Module&&) noexcept = default;
Module::~Module() = default;

Result<Module> Module::load(const std::filesystem::path& path) {
  auto impl = std::make_unique<Impl>();
  // Unmanaged: as the vendor wrote it. p11-kit's wrappers would want memory that is writable and executable.
  impl->functions = p11_kit_module_load(path.c_str(), P11_KIT_MODULE_UNMANAGED);
  if (impl->functions == nullptr)
    return Error{Errc::unavailable, fmt::format("{} cannot be loaded as a PKCS#11 module", path.string())};
  if (const CK_RV value = p11_kit_module_initialize(impl->functions); value != CKR_OK)
    return Error{Errc::unavailable,
                 fmt::format("{} does not start: {}", path.string(), p11_kit_strerror(value))};
  impl->started = true;
  return Module(std::move(impl));
}

Answer Module::answer(const Request& request) {
  auto outcome = impl_->act(request);
  if (outcome) return *std::move(outcome);
  Answer refusal;
  refusal.code = outcome.error().code;
  refusal.text = outcome.error().context;
  refusal.number = outcome.error().number;
  return refusal;
}

}  // namespace cardgate::daemon::vendor
