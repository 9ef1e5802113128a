// SPDX-License-Identifier: Apache-2.0
// Each record as a sentence that a ward manager understands. One table, with a row for every event. Pure; thread-safe.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "base/json.hpp"

namespace cardgate::audit {

/// How the sentences call people and roles; an empty function: by number and by the policy's name.
struct Speaker {
  std::function<std::string(std::string_view id)> person = {};
  std::function<std::string(std::string_view name)> role = {};
};

/// One sentence or two, with a full stop. Never empty: of an event that is not known, its name and its reason.
std::string sentence(const json::object& record, const Speaker& speaker = {});

/// Whether it belongs into the story of a person or a session: the log's own lines do not.
bool is_told(const json::object& record);

/// Whether the table has a sentence for every record of this event, whatever else it says.
bool has_sentence(std::string_view event);

}  // namespace cardgate::audit
