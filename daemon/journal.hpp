// SPDX-License-Identifier: Apache-2.0
// What the service says to those who run it: native fields in the journal, readable lines on stderr by hand.
// Thread-safe. The proof of what happened is the audit log, not this.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

namespace cardgate::daemon {

enum class Level { error = 3, warning = 4, notice = 5, info = 6 };

/// `fields` are journal names in capitals: {"CARDGATE_EVENT", "sign_in"}; those with an empty value are left
/// out. What is said is escaped here (base/shown.hpp).
using Fields = std::initializer_list<std::pair<std::string_view, std::string_view>>;
void log(Level level, std::string_view message, Fields fields = {});

}  // namespace cardgate::daemon
