// SPDX-License-Identifier: Apache-2.0
// The one written form of what cards and certificates are looked up by. Internal to register/. Pure;
// thread-safe.
#pragma once

#include <string>
#include <string_view>

namespace cardgate::reg {

/// upn, email, uri, issuer_serial, fasc_n, ski or subject:FIELD.
bool is_identity_kind(std::string_view kind);
/// card_uuid, upn, email, fasc_n, ski and the serial number of issuer_serial are alike in either case; other kinds are
/// compared byte by byte.
std::string normal_identity(std::string_view kind, std::string_view value);
/// The same user name is the same bytes, whatever keyboard it came from: base/unicode's key_text().
std::string normal_username(std::string_view username);

}  // namespace cardgate::reg
