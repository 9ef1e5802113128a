// SPDX-License-Identifier: Apache-2.0
// What the stable codes in a record's `reason` mean to people, and what puts it right. Pure; thread-safe.
#pragma once

#include <string>
#include <string_view>

namespace cardgate::audit {

/// "the passcode was wrong"; a sentence that somebody wrote comes back as it is, a code that is not known with blanks in it.
std::string reason_words(std::string_view reason);
/// True for the codes that are known here; nobody's name, and no sentence, is one.
bool is_reason_code(std::string_view reason);
/// What the person, or who helps them, does about it now: whole sentences. Empty: nothing is known to help.
std::string_view reason_remedy(std::string_view reason);
/// "approved form (ESR06)", of the code of a prerequisite.
std::string prerequisite_words(std::string_view code);

}  // namespace cardgate::audit
