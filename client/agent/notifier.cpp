// SPDX-License-Identifier: Apache-2.0
#include "client/agent/notifier.hpp"

#include <cstring>

namespace cardgate::agent {
namespace {

constexpr const char* server = "org.freedesktop.Notifications";
constexpr const char* server_path = "/org/freedesktop/Notifications";
constexpr std::uint8_t normal = 1, critical = 2;

/// What each says is about one thing that has changed since; of the others each stays.
bool replaces(Topic topic) {
  return topic == Topic::session || topic == Topic::card || topic == Topic::screen || topic == Topic::access;
}

}  // namespace

std::string without_markup(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '&') {
      out += "&amp;";
    } else if (c == '<') {
      out += "&lt;";
    } else if (c == '>') {
      out += "&gt;";
    } else {
      out.push_back(c);
    }
  }
  return out;
}

Notifier::Notifier(boost::asio::io_context& io, std::function<void(std::string)> say)
    : say_(std::move(say)), bus_(io, Bus::Which::user) {}

void Notifier::start() {
  bus_.start([] {}, [this] { shown_.clear(); });
}

void Notifier::show(action::Notify what) {
  bus_.call({server, server_path, server, "GetCapabilities"}, {}, [this, what](sd_bus_message* reply) {
    if (reply == nullptr) {
      say_(what.summary + ". " + what.body);
      return;
    }
    bool markup = false;
    const char* word = nullptr;
    if (sd_bus_message_enter_container(reply, 'a', "s") >= 0) {
      while (sd_bus_message_read_basic(reply, 's', &word) > 0)
        markup = markup || std::strcmp(word, "body-markup") == 0;
    }
    send(what, markup);
  });
}

void Notifier::send(const action::Notify& what, bool markup) {
  const auto body = markup ? without_markup(what.body) : what.body;
  const auto old = shown_.find(what.topic);
  const std::uint32_t replaced = replaces(what.topic) && old != shown_.end() ? old->second : 0;
  bus_.call(
      {server, server_path, server, "Notify"},
      [&](sd_bus_message* ask) {
        return sd_bus_message_append(ask, "susssasa{sv}i", "cardgate", replaced, "", what.summary.c_str(),
                                     body.c_str(), 0, 1, "urgency", "y", what.urgent ? critical : normal, -1);
      },
      [this, topic = what.topic](sd_bus_message* reply) {
        std::uint32_t number = 0;
        if (reply != nullptr && sd_bus_message_read(reply, "u", &number) >= 0) shown_[topic] = number;
      });
}

}  // namespace cardgate::agent
