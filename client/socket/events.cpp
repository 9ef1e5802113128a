// SPDX-License-Identifier: Apache-2.0
#include "client/socket/events.hpp"

namespace cardgate::client {

Result<bool> EventParser::feed(std::string_view piece, const std::function<bool(const Event&)>& on_event) {
  for (const char c : piece) {
    const bool second_of_crlf = c == '\n' && after_cr_;
    after_cr_ = c == '\r';
    if (second_of_crlf) continue;
    if (c != '\n' && c != '\r') {
      if (line_.size() + event_.data.size() >= max_event_bytes) {
        return Error{Errc::too_large, "the service sent an event that is too large"};
      }
      line_.push_back(c);
      continue;
    }
    const bool go_on = take_line(line_, on_event);
    line_.clear();
    if (!go_on) return false;
  }
  return true;
}

bool EventParser::take_line(std::string_view line, const std::function<bool(const Event&)>& on_event) {
  if (line.empty()) {
    const bool complete = has_data_;
    auto event = std::move(event_);
    event_ = {};
    has_data_ = false;
    if (!complete) return true;
    if (event.name.empty()) event.name = "message";
    return on_event(event);
  }
  const auto colon = line.find(':');
  const auto field = line.substr(0, colon);
  auto value = colon == std::string_view::npos ? std::string_view() : line.substr(colon + 1);
  if (value.starts_with(' ')) value.remove_prefix(1);
  if (field == "event") {
    event_.name = value;
  } else if (field == "data") {
    if (has_data_) event_.data.push_back('\n');
    event_.data.append(value);
    has_data_ = true;
  }
  return true;
}

}  // namespace cardgate::client
