// SPDX-License-Identifier: Apache-2.0
#include "daemon/record/refusal_message.hpp"

#include <algorithm>

#include "base/json.hpp"

namespace cardgate::daemon {
namespace {

std::string what_was_refused(std::string_view event) {
  const auto* info = audit::find_event(event);
  if (info != nullptr && !info->refusal.empty()) return std::string(info->refusal);
  std::string text = "Refused (" + std::string(event) + ")";
  return text;
}

/// The audit's word as a person would say it.
std::string spoken(std::string_view reason) {
  std::string text(reason);
  std::ranges::replace(text, '_', ' ');
  return text;
}

}  // namespace

std::string refusal_message(const audit::Record& record) {
  std::string text = what_was_refused(record.event);
  if (!record.reason.empty()) text += ": " + spoken(record.reason);
  std::string about;
  const auto say = [&](std::string_view what, std::string_view which) {
    if (which.empty()) return;
    about += about.empty() ? " " : ", ";
    about += what;
    about += " ";
    about += which;
  };
  const auto detail = [&](std::string_view member) {
    const auto* found = find_string(record.details, member);
    return found == nullptr ? std::string_view() : std::string_view(*found);
  };
  say("person", record.person);
  say("role", record.role);
  say("audience", detail("audience"));
  say("reader", detail("reader"));
  text += ".";
  if (!about.empty()) {
    about[1] = static_cast<char>(about[1] - 'a' + 'A');
    text += about + ".";
  }
  return text;
}

}  // namespace cardgate::daemon
