// SPDX-License-Identifier: Apache-2.0
// What the service says to those who run it: native fields in the journal, readable lines on stderr by hand.
// Thread-safe. The proof of what happened is the audit log, not this.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

#include "audit/event.hpp"

namespace cardgate::daemon {

using audit::Level;

/// `fields` are journal names in capitals: {"CARDGATE_PERSON", "E1001"}; those with an empty value are left
/// out. What is said is escaped here (base/shown.hpp).
using Fields = std::initializer_list<std::pair<std::string_view, std::string_view>>;
void log(Level level, std::string_view message, Fields fields = {});
/// With the event's name as CARDGATE_EVENT, its level, and the explanation that the catalog has of it.
void log(audit::Event event, std::string_view message, Fields fields = {});
/// The same of an event that is not always as severe.
void log(Level level, audit::Event event, std::string_view message, Fields fields = {});

}  // namespace cardgate::daemon
