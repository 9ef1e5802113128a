// SPDX-License-Identifier: Apache-2.0
// What a person is told about a prerequisite that is not met. Internal to policy/. Pure; thread-safe.
#pragma once

#include "policy/decide.hpp"
#include "policy/standing.hpp"

namespace cardgate::policy {

/// `standing` is not met. `role_title` is what people call the role asked for.
Unmet unmet(const Prerequisite& wanted, const Standing& standing, std::string_view role_title,
            const Facts& facts, const Contacts& contacts);
/// The role is not open to this way of signing in.
Unmet wrong_sign_in(const Role& role, SignIn sign_in);
/// What was known of the card's certificate is too old.
Unmet revocation_unknown(WallTime since, const Policy& policy);
/// The card in use was lent, and is to be given back.
Unmet loan_over(WallTime until, const Policy& policy);
/// There is no such role. `asked` is a caller's text.
Unmet unknown_role(std::string_view asked, const Policy& policy);

}  // namespace cardgate::policy
