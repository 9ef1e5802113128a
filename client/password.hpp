// SPDX-License-Identifier: Apache-2.0
// Signing in by user name and password, for cardgate login.
#pragma once

#include <string>

#include "client/secrets.hpp"
#include "client/service.hpp"

namespace cardgate::client {

struct PasswordLogin {
  Reply reply;
  bool resumed = false;  // a locked session was unlocked
};
/// Takes the password and signs in. Errors: as call() and SecretSource::take().
Result<PasswordLogin> login_by_password(const Cli& cli, const std::string& username,
                                        const SecretSource& source);

}  // namespace cardgate::client
