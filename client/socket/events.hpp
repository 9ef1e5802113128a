// SPDX-License-Identifier: Apache-2.0
// Public header of the library cardgate_client.
//
// Server-sent events taken from the pieces in which they arrive (HTML Living Standard 9.2.6). Pure; one
// thread.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace cardgate::client {

struct Event {
  std::string name;  // "message" when the stream does not name it
  std::string data;
};

/// Of one stream, from its beginning.
class EventParser {
 public:
  static constexpr std::size_t max_event_bytes = 64 * 1024;

  /// Calls on_event for every event that `piece` completes; false from it ends the work and is handed on.
  /// Errors: too_large (an event without end).
  Result<bool> feed(std::string_view piece, const std::function<bool(const Event&)>& on_event);

 private:
  bool take_line(std::string_view line, const std::function<bool(const Event&)>& on_event);

  std::string line_;
  Event event_;
  bool has_data_ = false;
  bool after_cr_ = false;
};

}  // namespace cardgate::client
