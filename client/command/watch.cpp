// SPDX-License-Identifier: Apache-2.0
// cardgate watch: events as they happen, a line each.
#include <fmt/format.h>

#include "client/command/output.hpp"
#include "client/socket/service.hpp"

namespace cardgate::client {
namespace {

/// "18:30:05 GMT card removed, reader Virtual PCD 00 00"
std::string line_of_event(const Event& event, const json::object& data) {
  std::string line = fmt::format("{} {} {}", local_time(to_rfc3339(system_clock().wall()), "%H:%M:%S %Z"),
                                 event.name, text_of(data, "kind"));
  for (const auto& member : data) {
    if (member.key() == "kind") continue;
    const auto* text = member.value().if_string();
    line += fmt::format(", {} {}", std::string_view(member.key()),
                        text != nullptr ? std::string(*text) : std::string(json::serialize(member.value())));
  }
  return line;
}

int watch(const Cli& cli) {
  const auto ended = Http(cli.socket)
                         .listen(
                             "/v1/events",
                             [&](const Event& event) {
                               if (event.name == "open") {
                                 if (!cli.json) complain("Waiting for events. To stop: Ctrl-C");
                                 return true;
                               }
                               const auto data = parse_json(event.data);
                               const auto* object = data ? data->if_object() : nullptr;
                               if (object == nullptr)
                                 return true;  // a kind of event that this version does not know
                               if (cli.json) {
                                 json::object line{{"event", event.name}};
                                 for (const auto& member : *object)
                                   line.emplace(member.key(), member.value());
                                 print_json(line);
                               } else {
                                 say(line_of_event(event, *object));
                               }
                               return true;
                             },
                             seconds(30));
  return ended ? int{exit_ok} : say_error(cli, ended.error());
}

}  // namespace

void add_watch(CLI::App& app, Cli& cli) {
  auto* command =
      add_command(app, "watch", "Show cards, sessions and tokens as they come and go, with the local time",
                  "cardgate watch\n  cardgate watch --json | jq .kind",
                  "Runs until it is ended. 3 the service is not reachable, or stopped; 4 error");
  command->callback([&cli] { cli.action = [&cli] { return watch(cli); }; });
}

}  // namespace cardgate::client
