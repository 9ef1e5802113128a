// SPDX-License-Identifier: Apache-2.0
#include "daemon/sessions/events.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "base/shown.hpp"

namespace cardgate::daemon {

void Events::forget_gone() {
  std::erase_if(listeners_, [](const auto& weak) { return weak.expired(); });
}

std::shared_ptr<Listener> Events::listen(uid_t uid, uid_t account, std::size_t room) {
  forget_gone();
  auto listener = std::make_shared<Listener>(io_, uid, account, room);
  listeners_.push_back(listener);
  return listener;
}

std::size_t Events::listeners_of(uid_t account) {
  forget_gone();
  return static_cast<std::size_t>(std::ranges::count_if(listeners_, [&](const auto& weak) {
    const auto listener = weak.lock();
    return listener && listener->account() == account;
  }));
}

std::size_t Events::listeners() {
  forget_gone();
  return listeners_.size();
}

void Events::publish(std::string_view event, const json::object& data, std::optional<uid_t> owner) {
  const std::string text =
      fmt::format("id: {}\nevent: {}\ndata: {}\n\n", next_id_++, event, shown_json(json::serialize(data)));
  for (const auto& weak : listeners_) {
    const auto listener = weak.lock();
    if (listener && (!owner || *owner == listener->uid() || listener->uid() == 0)) listener->push(text);
  }
}

void Events::close() {
  for (const auto& weak : listeners_) {
    if (const auto listener = weak.lock()) listener->cut();
  }
}

}  // namespace cardgate::daemon
