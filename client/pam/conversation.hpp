// SPDX-License-Identifier: Apache-2.0
// What is said and asked through the program that called PAM. Information and prompt go in one call: some programs show what
// comes in a call of its own alone, or not at all.
#pragma once

#include <security/pam_modules.h>

#include <string>

#include "client/pam/call.hpp"

namespace cardgate::pam {

enum class Tone { information, error };
enum class Echo { off, on };

/// Says `text` and asks. PAM_SUCCESS: `answer` has what was given; nothing, where the program gave none or a null. Otherwise what
/// the program said (PAM_CONV_ERR).
int ask(pam_handle_t* handle, Tone tone, const std::string& text, const std::string& prompt, Echo echo,
        Wiped& answer);
/// Says it and asks nothing; for the end of an authentication.
void tell(pam_handle_t* handle, const std::string& text);

}  // namespace cardgate::pam
