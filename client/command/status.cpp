// SPDX-License-Identifier: Apache-2.0
// cardgate status
#include <fmt/format.h>

#include "client/command/output.hpp"
#include "client/socket/service.hpp"

namespace cardgate::client {
namespace {

std::string card_text(const json::object& card) {
  const auto state = text_of(card, "state");
  if (state == "reading") return "a card, being read";
  if (state == "unusable") return fmt::format("a card that cannot be used. {}", text_of(card, "problem"));
  const auto name = text_of(card, "name");
  auto text = fmt::format("card {}{}, {}, certificate good until {}", text_of(card, "id"),
                          name.empty() ? "" : fmt::format(" ({})", name), tries_text(tries_of(card)),
                          local_time(text_of(card, "certificate_expires_at")));
  if (card.contains("registered") && !is_true(card, "registered"))
    text += "\n    This card is not registered to anybody here.";
  if (card.contains("issuer_serial")) {
    text += fmt::format(
        "\n    The card has no UUID of its own. It is known by its certificate's issuer and serial "
        "number: {}",
        text_of(card, "issuer_serial"));
  }
  if (text_of(card, "revocation") == "cached")
    text += "\n    The last check that this card was not withdrawn is too old, so some roles cannot be used.";
  if (card.contains("problem")) text += fmt::format("\n    {}", text_of(card, "problem"));
  return text;
}

std::string_view signing_keys_text(std::string_view kept) {
  if (kept == "sealed") return "The signing keys are sealed to this machine.";
  if (kept == "file") return "The signing keys are files of the service; nothing seals them to this machine.";
  return "The signing keys are only partly sealed to this machine: \"Seal the keys\" in operations.md.";
}

void print_status(const json::object& status) {
  if (const auto* service = find_object(status, "service")) {
    say(fmt::format("cardgate {}: {}", text_of(*service, "version"), text_of(*service, "state")));
    std::string facts;
    if (const auto* people = service->if_contains("people_registered");
        people != nullptr && people->is_int64())
      facts = counted(people->get_int64(), "person is", "people are") + " registered.";
    if (const auto* lists = find_object(*service, "revocation_lists")) {
      if (const auto due = text_of(*lists, "first_ends_at"); !due.empty())
        facts += fmt::format("{}The next revocation list is due by {}.", facts.empty() ? "" : " ",
                             local_time(due));
    }
    if (!facts.empty()) say("  " + facts);
    if (const auto keys = text_of(*service, "signing_keys"); !keys.empty())
      say(fmt::format("  {}", signing_keys_text(keys)));
    if (const auto* problems = find_array(*service, "problems")) {
      for (const auto& problem : *problems) {
        if (problem.is_string()) say(fmt::format("  ! {}", std::string_view(problem.get_string())));
      }
    }
  }
  const auto* readers = find_array(status, "readers");
  if (readers == nullptr || readers->empty()) say("No reader is plugged in.");
  if (readers != nullptr) {
    for (const auto& item : *readers) {
      const auto* reader = item.if_object();
      if (reader == nullptr) continue;
      const auto* card = find_object(*reader, "card");
      say(fmt::format("{}: {}", text_of(*reader, "name"),
                      card != nullptr                    ? card_text(*card)
                      : is_true(*reader, "card_present") ? "a card (you may not sign in at this reader)"
                                                         : "no card"));
    }
  }
  if (const auto* faults = find_array(status, "faults")) {
    for (const auto& fault : *faults) {
      if (fault.is_string()) say(std::string_view(fault.get_string()));
    }
  }
  if (const auto* downtime = find_array(status, "downtime")) {
    for (const auto& item : *downtime) {
      const auto* notice = item.if_object();
      if (notice == nullptr) continue;
      const auto until = text_of(*notice, "ends_at");
      const bool emergency = text_of(*notice, "kind") == "emergency";
      say(fmt::format("{} ({}), {} {}: {}", emergency ? "Emergency downtime" : "Downtime",
                      text_of(*notice, "severity"),
                      (emergency ? "since " : "") + local_time(text_of(*notice, "begins_at")),
                      until.empty() ? std::string("until further notice")
                                    : (emergency ? "expected until " : "to ") + local_time(until),
                      text_of(*notice, "text")));
    }
  }
}

}  // namespace

void add_status(CLI::App& app, Cli& cli) {
  auto* command = add_command(app, "status", "The service, the readers and announced downtime",
                              "cardgate status", "0 the service answered; 3 it is not reachable; 4 error");
  command->callback([&cli] {
    cli.action = [&cli]() -> int {
      return say_reply(cli, call(Http(cli.socket), {.target = "/v1/status"}), print_status);
    };
  });
}

}  // namespace cardgate::client
