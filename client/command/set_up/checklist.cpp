// SPDX-License-Identifier: Apache-2.0
#include "client/command/set_up/checklist.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "client/shared/members.hpp"

namespace cardgate::client {
namespace {

using State = CheckItem::State;
constexpr const char* run_setup = "sudo cardgate setup";

std::vector<std::string> texts_of(const json::object& object, std::string_view member) {
  std::vector<std::string> out;
  const auto* list = find_array(object, member);
  if (list == nullptr) return out;
  for (const auto& item : *list) {
    if (const auto* text = item.if_string()) out.emplace_back(*text);
  }
  return out;
}

std::int64_t count_of(const json::object& files, std::string_view member) {
  const auto* kind = find_object(files, member);
  return kind == nullptr ? 0 : number_of(*kind, "count");
}

std::vector<std::string> entry_lines(const json::object& files, std::string_view member,
                                     std::string (*line)(const json::object&)) {
  std::vector<std::string> out;
  const auto* list = find_array(files, member);
  if (list == nullptr) return out;
  for (const auto& item : *list) {
    if (const auto* entry = item.if_object()) out.push_back(line(*entry));
  }
  return out;
}

void add_files(std::vector<CheckItem>& out, const Machine& machine) {
  const auto& files = machine.files;
  if (!machine.files_problem.empty()) {
    out.push_back({"configuration", State::missing, machine.files_problem,
                   "Put that right in the file that is named, then: cardgated --check-config"});
    return;
  }
  out.push_back({"configuration", State::done, "The configuration and the policy are good.", {}});
  const auto anchors = count_of(files, "anchors");
  if (anchors > 0) {
    out.push_back(
        {"anchors", State::done, counted(anchors, "root certificate", "root certificates") + ".", {}});
  } else {
    out.push_back({"anchors", State::missing,
                   "There is no trust anchor (the root certificate of your cards), so no card can be used.",
                   run_setup});
  }
  const auto issuing = count_of(files, "intermediates");
  if (issuing > 0) {
    out.push_back({"intermediates",
                   State::done,
                   counted(issuing, "issuing certificate", "issuing certificates") + ".",
                   {}});
  } else {
    out.push_back(
        {"intermediates", State::advised,
         "There is no certificate of an issuing authority. Most cards are not issued by the root itself.",
         run_setup});
  }
  const auto lists = count_of(files, "crls");
  if (lists == 0 && !is_true(files, "fetches")) {
    out.push_back(
        {"revocation", State::missing,
         "There is no revocation list, and none is fetched. A card is refused while nothing says that "
         "it was not withdrawn.",
         fmt::format("{}, or have them fetched: \"Revocation\" in operations.md", run_setup)});
  } else if (is_true(files, "first_list_overdue") && !is_true(files, "fetches")) {
    out.push_back({"revocation", State::missing,
                   fmt::format("A revocation list was due to be replaced by {}, so cards are refused.",
                               local_time(text_of(files, "first_list_ends_at"))),
                   "Put the newest list of the same authority in its place"});
  } else {
    out.push_back({"revocation",
                   State::done,
                   lists == 0 ? std::string("Answers about revocation are fetched.")
                              : counted(lists, "revocation list", "revocation lists") + ".",
                   {}});
  }
  for (const auto& text : texts_of(files, "wrong"))
    out.push_back({"trust_files", State::advised, text, "Replace or remove that file"});
}

void add_entries(std::vector<CheckItem>& out, const Machine& machine) {
  if (!machine.files_problem.empty()) return;
  const auto readers = entry_lines(machine.files, "readers", reader_text);
  if (readers.empty()) {
    out.push_back({"readers", State::missing,
                   "Nobody may use a reader (`readers` in the configuration is empty).", run_setup});
  } else {
    out.push_back(
        {"readers", State::done, fmt::format("Who may use the readers: {}.", fmt::join(readers, "; ")), {}});
  }
  bool signs_in = false, serves = false;
  const auto* clients = find_array(machine.files, "clients");
  if (clients != nullptr) {
    for (const auto& item : *clients) {
      const auto* client = item.if_object();
      if (client == nullptr) continue;
      signs_in = signs_in || is_true(*client, "sign_in");
      serves = serves || !texts_of(*client, "tokens").empty();
    }
  }
  if (!signs_in) {
    out.push_back({"sign_in_programs", State::missing,
                   "No program may sign people in (`clients` with `sign_in` in the configuration).",
                   run_setup});
  }
  if (!serves) {
    out.push_back({"token_programs", State::missing,
                   "No program may ask for tokens (`clients` with `tokens` in the configuration).",
                   run_setup});
  }
  if (signs_in && serves) {
    out.push_back(
        {"clients",
         State::done,
         fmt::format("Programs: {}.", fmt::join(entry_lines(machine.files, "clients", client_text), "; ")),
         {}});
  }
}

void add_service(std::vector<CheckItem>& out, const Machine& machine) {
  if (!machine.status_problem.empty()) {
    out.push_back({"service", State::missing, "The service does not answer: " + machine.status_problem,
                   "systemctl status cardgated; journalctl -u cardgated"});
    return;
  }
  const auto* service = find_object(machine.status, "service");
  out.push_back({"service",
                 State::done,
                 fmt::format("The service runs (version {}).", service ? text_of(*service, "version") : "?"),
                 {}});
  if (service != nullptr && text_of(*service, "configuration") != "in use") {
    out.push_back({"configuration_in_use", State::missing,
                   "The configuration on disk is not the one that the service uses.",
                   "cardgated --check-config && sudo systemctl reload cardgated"});
  }
  if (service != nullptr && text_of(*service, "audit") != "ok") {
    out.push_back({"audit", State::missing, "The audit log cannot be written, so nothing is issued.",
                   "cardgate status; df /var/lib/cardgate"});
  }
  if (service != nullptr && text_of(*service, "pcscd") != "ok") {
    out.push_back({"pcscd", State::missing, "The reader service (pcscd) does not answer.",
                   "systemctl status pcscd.socket pcscd"});
  } else if (const auto* readers = find_array(machine.status, "readers");
             readers != nullptr && !readers->empty()) {
    out.push_back(
        {"reader",
         State::done,
         counted(static_cast<std::int64_t>(readers->size()), "reader is", "readers are") + " plugged in.",
         {}});
  } else {
    out.push_back({"reader", State::advised, "No reader is plugged in.", "Plug one in: cardgate status"});
  }
}

void add_people(std::vector<CheckItem>& out, const Machine& machine) {
  if (!machine.status_problem.empty()) return;
  const auto* service = find_object(machine.status, "service");
  const auto people = service == nullptr ? 0 : number_of(*service, "people_registered");
  if (people == 0) {
    out.push_back({"people", State::missing, "Nobody is registered, so nobody can sign in.",
                   fmt::format("{}, or: sudo cardgate staff import FILE", run_setup)});
  } else {
    out.push_back({"people", State::done, counted(people, "person is", "people are") + " registered.", {}});
  }
  if (!machine.set_up_problem.empty()) {
    out.push_back({"team", State::missing, machine.set_up_problem, "cardgate status"});
    return;
  }
  const auto state = text_of(machine.set_up, "state");
  if (state == "closed") {
    out.push_back({"team",
                   State::done,
                   "The first two members of the team have signed in; the team gives access now.",
                   {}});
    return;
  }
  if (state == "not begun") {
    out.push_back({"team", State::missing,
                   "The first two members of the team are not named, so nobody can be given access.",
                   fmt::format("{}, or: sudo cardgate setup --person NUMBER --person NUMBER", run_setup)});
    return;
  }
  std::vector<std::string> waits_for;
  if (const auto* list = find_array(machine.set_up, "waits_for")) {
    for (const auto& item : *list) {
      if (const auto* person = item.if_object()) waits_for.push_back(person_text(*person));
    }
  }
  out.push_back({"team", State::advised,
                 fmt::format("Set-up stays open until these have signed in with their cards: {}.",
                             fmt::join(waits_for, ", ")),
                 "They put in their card and sign in: cardgate login"});
}

void add_machine(std::vector<CheckItem>& out, const Machine& machine) {
  switch (machine.login) {
    case Machine::Login::on:
      out.push_back(
          {"login",
           State::done,
           "People log in to this machine with the card. To undo it: sudo pam-auth-update --disable cardgate",
           {}});
      break;
    case Machine::Login::off:
      out.push_back({"login", State::advised, "Log-in by card is installed, and off.",
                     fmt::format("{}, or: sudo pam-auth-update --enable cardgate", run_setup)});
      break;
    case Machine::Login::not_installed:
      break;  // many machines have no use for it
  }
  const auto* service = find_object(machine.status, "service");
  const auto keys = service == nullptr ? std::string() : text_of(*service, "signing_keys");
  if (keys == "sealed") {
    out.push_back(
        {"keys", State::done, "The keys that sign tokens and the audit log are sealed to this machine.", {}});
  } else if (keys == "file" && machine.can_seal) {
    out.push_back({"keys", State::advised,
                   "The keys that sign tokens and the audit log are files, which every copy of the service's "
                   "folder has.",
                   run_setup});
  } else if (keys == "partly sealed") {
    out.push_back({"keys", State::advised,
                   "The keys that sign tokens and the audit log are only partly sealed to this machine.",
                   "\"Seal the keys\" in operations.md"});
  }
  if (!machine.backups_on) {
    out.push_back({"backups", State::advised, "The register is not backed up every night.",
                   fmt::format("{}, or: sudo systemctl enable --now cardgate-backup.timer", run_setup)});
  } else {
    out.push_back(
        {"backups",
         State::done,
         fmt::format("The register is backed up every night ({}).",
                     machine.newest_backup ? "the newest: " + *machine.newest_backup : "none is there yet"),
         {}});
  }
}

}  // namespace

std::string_view name(CheckItem::State state) {
  switch (state) {
    case State::done:
      return "done";
    case State::missing:
      return "missing";
    case State::advised:
      break;
  }
  return "advised";
}

std::string reader_text(const json::object& reader) {
  const auto users = texts_of(reader, "users");
  const auto seat = text_of(reader, "seat");
  auto out = users.empty() ? fmt::format("the user who sits at {}", seat)
                           : fmt::format("{}", fmt::join(users, " and "));
  if (const auto part = text_of(reader, "name_contains"); !part.empty())
    out += fmt::format(", at readers with \"{}\" in their name", part);
  return out;
}

std::string client_text(const json::object& client) {
  std::vector<std::string> who, what;
  if (const auto* match = find_object(client, "match")) {
    for (const auto& [key, value] : *match) {
      if (const auto* text = value.if_string())
        who.push_back(fmt::format("{} {}", std::string_view(key), std::string_view(*text)));
    }
  }
  if (is_true(client, "sign_in")) what.emplace_back("signs people in");
  if (const auto tokens = texts_of(client, "tokens"); !tokens.empty())
    what.push_back(fmt::format("gets tokens for {}", fmt::join(tokens, ", ")));
  if (const auto verifies = texts_of(client, "verifies"); !verifies.empty())
    what.push_back(fmt::format("checks tokens for {}", fmt::join(verifies, ", ")));
  return fmt::format("{} ({}): {}", text_of(client, "name"), fmt::join(who, ", "), fmt::join(what, ", "));
}

std::vector<CheckItem> checklist(const Machine& machine) {
  std::vector<CheckItem> out;
  add_files(out, machine);
  add_entries(out, machine);
  add_service(out, machine);
  add_people(out, machine);
  add_machine(out, machine);
  return out;
}

bool is_ready(const std::vector<CheckItem>& items) {
  return std::ranges::none_of(items, [](const auto& item) { return item.state == State::missing; });
}

json::object to_json(const std::vector<CheckItem>& items) {
  json::array list;
  for (const auto& item : items) {
    list.push_back(json::object{{"id", item.id},
                                {"state", name(item.state)},
                                {"text", item.text},
                                {"next", item.next.empty() ? json::value(nullptr) : json::value(item.next)}});
  }
  return {{"ready", is_ready(items)}, {"items", std::move(list)}};
}

std::string to_text(const std::vector<CheckItem>& items) {
  std::string out;
  for (const auto& item : items) {
    out += fmt::format("{:<8} {}\n", name(item.state), item.text);
    if (!item.next.empty()) out += fmt::format("{:<8} next: {}\n", "", item.next);
  }
  out += is_ready(items) ? "Nothing that is needed is missing."
                         : "Something that is needed is missing: see the lines above.";
  return out;
}

}  // namespace cardgate::client
