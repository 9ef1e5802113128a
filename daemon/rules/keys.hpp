// SPDX-License-Identifier: Apache-2.0
// The service's own keys: 32-byte seeds, made at first start as files that only the service user can read. The people who run
// the machine may seal them: systemd then keeps them encrypted, opens them at each start, and hands them over as credentials
// (systemd.exec(5), LoadCredentialEncrypted=).
#pragma once

#include <filesystem>
#include <string_view>

#include "base/crypto.hpp"

namespace cardgate::daemon {

inline constexpr std::string_view token_key_name = "token-key";
inline constexpr std::string_view audit_key_name = "audit-key";
inline constexpr std::string_view card_key_name = "card-key";

/// Where a key is kept. The same for as long as the process lives.
struct KeyPlace {
  std::filesystem::path file;
  bool sealed = false;  // a credential, which systemd made for this start
};
/// The credential "cardgate.NAME" where systemd handed it over, or else the file NAME in the state directory, which may not be
/// there yet.
KeyPlace key_place(const std::filesystem::path& state, std::string_view name);
/// How the two keys that sign are kept: "sealed", "file", or "partly sealed" (one of them is not, or its file is still there,
/// too). For people and programs.
std::string_view signing_keys_kept(const std::filesystem::path& state);

/// Loads the Ed25519 seed at `place`, or makes one (mode 0600). Refuses a key file that others can read or
/// that is not ours. Errors: permission_denied, corrupt, no_space, io.
Result<SigningKey> load_or_create_key(const KeyPlace& place);

/// The key with which the service seals what it must keep (base/seal.hpp). Errors: as above; not_found.
Result<Secret> load_seal_key(const KeyPlace& place);
/// ... made where there is none, to seal something anew. Errors: as above.
Result<Secret> load_or_create_seal_key(const KeyPlace& place);

}  // namespace cardgate::daemon
