// SPDX-License-Identifier: Apache-2.0
#include "client/command/set_up/guide.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <grp.h>
#include <pwd.h>
#include <sys/stat.h>

#include <algorithm>
#include <filesystem>

#include "base/crypto.hpp"
#include "base/file.hpp"
#include "client/command/output.hpp"
#include "client/command/set_up/entries.hpp"
#include "client/command/set_up/programs.hpp"
#include "client/command/set_up/sealed_keys.hpp"
#include "client/command/set_up/trust_file.hpp"
#include "client/command/terminal.hpp"
#include "client/socket/service.hpp"

namespace cardgate::client {
namespace {

namespace fs = std::filesystem;
constexpr std::size_t longest_answer = 1024;
constexpr std::size_t most_configuration = 4UL << 20;
constexpr unsigned readable_by_all = 0644;
constexpr std::chrono::seconds reload_patience{80};

std::string trimmed(std::string_view text) {
  const auto from = text.find_first_not_of(" \t");
  if (from == std::string_view::npos) return {};
  return std::string(text.substr(from, text.find_last_not_of(" \t") - from + 1));
}

std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> out;
  while (!text.empty()) {
    const auto end = std::min(text.find_first_of(", \t"), text.size());
    if (end > 0) out.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

bool is_plain_word(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.' || c == '@' || c == ':';
  });
}

std::vector<fs::path> places_of(const json::object& files, std::string_view member) {
  std::vector<fs::path> out;
  const auto* kind = find_object(files, member);
  const auto* list = kind == nullptr ? nullptr : find_array(*kind, "places");
  if (list == nullptr) return out;
  for (const auto& item : *list) {
    if (const auto* text = item.if_string()) out.emplace_back(std::string(*text));
  }
  return out;
}

std::string list_of(const std::vector<std::string>& words) {
  return fmt::format("[{}]", fmt::join(words, ", "));
}

/// Ended by whoever sits there: an end of input, or Ctrl-C.
struct Stopped {};

class Guide {
 public:
  Guide(const Cli& cli, const Places& places, const Steps& steps)
      : cli_(cli), places_(places), steps_(steps) {}

  void run();

 private:
  static std::string ask_for(const std::string& question);
  static bool agrees(const std::string& question);
  /// Looks again. False when the configuration is refused: nothing else can be done before that is put right.
  bool look();
  void bring_trust_files();
  bool take(const TrustFile& file);
  void add_readers();
  void add_clients();
  std::vector<std::string> ask_client();
  void add_to_configuration(std::string_view key, const std::vector<std::string>& lines);
  void bring_people();
  void name_team();
  void switch_login_on();
  void switch_backups_on();
  void seal_signing_keys();
  /// True when the service has started anew and is at work again.
  bool restart_service();

  const Cli& cli_;
  const Places& places_;
  const Steps& steps_;
  Machine now_;
};

std::string Guide::ask_for(const std::string& question) {
  const auto answer = ask(question + " ", longest_answer);
  if (answer) return trimmed(*answer);
  if (answer.error().code != Errc::too_large) throw Stopped();
  say("That is too long.");
  return {};
}

bool Guide::agrees(const std::string& question) {
  for (;;) {
    const auto answer = ask_for(question + " (yes or no; Enter: no)");
    if (answer == "yes" || answer == "y") return true;
    if (answer.empty() || answer == "no" || answer == "n") return false;
    say("Type yes or no.");
  }
}

bool Guide::look() {
  now_ = look_at_machine(cli_, places_);
  if (now_.files_problem.empty()) return true;
  say("The configuration is refused, so nothing else can be done before it is put right:\n  " +
      now_.files_problem);
  return false;
}

void Guide::run() {
  say("This leads you through what cardgate needs on this machine. Enter alone passes a question over. You "
      "can stop with\n"
      "Ctrl-C and run it again: what was done stays.");
  if (!look()) return;
  bring_trust_files();
  if (!look()) return;
  if (!now_.status_problem.empty()) {
    say("The service does not answer, so the rest must wait: " + now_.status_problem);
    return;
  }
  add_readers();
  add_clients();
  bring_people();
  name_team();
  switch_login_on();
  switch_backups_on();
  seal_signing_keys();
}

void Guide::bring_trust_files() {
  say("\n1. Trust: the root certificate of your cards, the certificates of the authorities that issue them, "
      "and the revocation\n"
      "   list of each. PEM or DER; each is checked before it is taken.");
  for (;;) {
    for (const auto& item : checklist(now_)) {
      if (item.id == "anchors" || item.id == "intermediates" || item.id == "revocation")
        say("   " + item.text);
    }
    const auto path = ask_for("   A file (Enter: go on):");
    if (path.empty()) return;
    const auto files = read_trust_file(path);
    if (!files) {
      say("   Not taken: " +
          (files.error().context.empty() ? files.error().message() : files.error().context));
      continue;
    }
    for (const auto& file : *files) {
      if (!take(file)) break;
    }
    if (!look()) return;
  }
}

/// False when it was not taken.
bool Guide::take(const TrustFile& file) {
  const trust::Locations known{places_of(now_.files, "anchors"), places_of(now_.files, "intermediates"), {}};
  if (const auto flaw = flaw_of(file, known, system_clock().wall()); !flaw.empty()) {
    say("   Not taken: " + flaw);
    return false;
  }
  const char* member = file.kind == TrustFile::Kind::anchor         ? "anchors"
                       : file.kind == TrustFile::Kind::intermediate ? "intermediates"
                                                                    : "crls";
  const auto places = places_of(now_.files, member);
  const auto folder = std::ranges::find_if(places, [](const auto& place) { return fs::is_directory(place); });
  if (folder == places.end()) {
    say(fmt::format(
        "   Not taken: `trust.{}` in the configuration names no folder. Put the file in place by hand.",
        member));
    return false;
  }
  const auto target = *folder / file.file_name;
  const bool is_list = file.kind == TrustFile::Kind::crl;
  if (!is_list && fs::exists(target)) {
    say("   It is here already: " + target.string());
    return true;
  }
  if (!is_list) say(fmt::format("   {}\n   SHA-256 fingerprint: {}", file.subject, file.fingerprint));
  if (file.kind == TrustFile::Kind::anchor &&
      !agrees("   Somebody who holds the key of this root can make cards that open everything. Does the "
              "fingerprint agree with\n"
              "   the one that your card supplier published?")) {
    say("   Not taken.");
    return false;
  }
  if (const auto written = write_file_atomic(target, file.content, readable_by_all); !written) {
    say("   Not taken: " + written.error().message());
    return false;
  }
  if (const auto good = check_files(places_, places_.config); !good) {
    std::error_code ignored;
    fs::remove(target, ignored);
    say("   Not taken: " + good.error().context);
    return false;
  }
  say("   Taken: " + target.string());
  return true;
}

/// The file is looked over with the entry in it before it takes the place of the one that is there.
void Guide::add_to_configuration(std::string_view key, const std::vector<std::string>& lines) {
  const auto by_hand = [&](const std::string& why) {
    say(fmt::format("   Nothing was changed: {}.\n   To add it by hand, under `{}` in {}:\n     - {}", why,
                    key, places_.config, fmt::join(lines, "\n       ")));
  };
  const auto text = read_file(places_.config, most_configuration);
  if (!text) return by_hand(text.error().message());
  const auto next = with_entry(*text, key, lines);
  if (!next) return by_hand(next.error().context);
  struct stat status{};
  if (::stat(places_.config.c_str(), &status) != 0)
    return by_hand(errno_error(places_.config, errno).message());
  const auto trial = places_.config + ".setup";
  const auto mode = status.st_mode & 0777U;
  if (const auto written = write_file_atomic(trial, as_bytes(*next), mode); !written)
    return by_hand(written.error().message());
  const auto good = check_files(places_, trial);
  std::error_code ignored;
  fs::remove(trial, ignored);
  if (!good) {
    std::string why = good.error().context;
    if (const auto at = why.find(trial); at != std::string::npos)
      why.replace(at, trial.size(), places_.config);
    return by_hand("it would be refused: " + why);
  }
  if (const auto written = write_file_atomic(places_.config, as_bytes(*next), mode); !written)
    return by_hand(written.error().message());
  const auto reply =
      call(Http(cli_.admin_socket), {.method = "POST", .target = "/v1/reload"}, reload_patience);
  if (!reply || reply->refusal) {
    say(fmt::format("   It is in {}, but the service did not take it over: {}", places_.config,
                    reply ? reply->refusal->detail : reply.error().message()));
    return;
  }
  say(fmt::format("   Added to {}, and in use.", places_.config));
  (void)look();
}

void Guide::add_readers() {
  say("\n2. Readers: who may type a passcode at which reader.");
  for (;;) {
    for (const auto& item : checklist(now_)) {
      if (item.id == "readers") say("   " + item.text);
    }
    const auto users = words_of(ask_for("   More users, by their names on this machine (Enter: go on):"));
    if (users.empty()) return;
    const auto unknown =
        std::ranges::find_if(users, [](const auto& user) { return ::getpwnam(user.c_str()) == nullptr; });
    if (unknown != users.end()) {
      say(fmt::format("   There is no user {} on this machine.", *unknown));
      continue;
    }
    const auto part = ask_for("   At readers with which words in their name (Enter: at every reader)?");
    std::vector<std::string> lines;
    if (!part.empty()) {
      const auto text = quoted_text(part);
      if (!text) {
        say("   " + text.error().context);
        continue;
      }
      lines.push_back("name_contains: " + *text);
    }
    lines.push_back("users: " + list_of(users));
    add_to_configuration("readers", lines);
  }
}

void Guide::add_clients() {
  say("\n3. Programs: which may sign people in, ask for tokens, or check them.");
  for (;;) {
    for (const auto& item : checklist(now_)) {
      if (item.id == "clients" || item.id.ends_with("_programs")) say("   " + item.text);
    }
    const auto lines = ask_client();
    if (lines.empty()) return;
    add_to_configuration("clients", lines);
  }
}

/// Empty: none, or none that could be used.
std::vector<std::string> Guide::ask_client() {
  const auto called = ask_for("   One more program: what shall it be called here (Enter: go on)?");
  if (called.empty()) return {};
  std::vector<std::string> lines{"name: " + called};
  if (!is_plain_word(called)) {
    say("   A name has letters, digits, hyphens and full stops.");
    return ask_client();
  }
  const auto who = words_of(ask_for("   How is it known: user NAME, group NAME, or unit NAME.service?"));
  const bool good = who.size() == 2 && is_plain_word(who[1]) &&
                    ((who[0] == "user" && ::getpwnam(who[1].c_str()) != nullptr) ||
                     (who[0] == "group" && ::getgrnam(who[1].c_str()) != nullptr) ||
                     (who[0] == "unit" && who[1].find('.') != std::string::npos));
  if (!good) {
    say("   That is no user or group of this machine, and no unit, such as: group users; unit nginx.service");
    return ask_client();
  }
  lines.push_back(fmt::format("match: {{{}: {}}}", who[0], who[1]));
  if (agrees("   May people sign in by it, so that it sees their passcode?"))
    lines.emplace_back("sign_in: true");
  const auto audiences =
      words_of(ask_for("   For which systems may it ask tokens, such as esr (Enter: for none)?"));
  if (!audiences.empty() && std::ranges::all_of(audiences, is_plain_word)) {
    std::vector<std::string> roles;
    if (const auto* all = find_array(now_.files, "roles")) {
      for (const auto& role : *all) {
        if (const auto* text = role.if_string()) roles.emplace_back(*text);
      }
    }
    const auto chosen = words_of(
        ask_for(fmt::format("   In which roles (Enter: in all of them: {})?", fmt::join(roles, ", "))));
    lines.emplace_back("tokens:");
    for (const auto& audience : audiences)
      lines.push_back(
          fmt::format("  - {{audience: {}, roles: {}}}", audience, list_of(chosen.empty() ? roles : chosen)));
  }
  const auto checks =
      words_of(ask_for("   For which systems does it check the tokens of others (Enter: for none)?"));
  if (!checks.empty() && std::ranges::all_of(checks, is_plain_word))
    lines.push_back("verifies: " + list_of(checks));
  return lines;
}

void Guide::bring_people() {
  say("\n4. People: your staff file (a table with the columns id and name, or YAML).");
  for (;;) {
    for (const auto& item : checklist(now_)) {
      if (item.id == "people") say("   " + item.text);
    }
    const auto file = ask_for("   A file (Enter: go on):");
    if (file.empty()) return;
    if (steps_.import(file, true) != exit_ok) continue;
    if (agrees("   Take this over?")) (void)steps_.import(file, false);
    if (!look()) return;
  }
}

void Guide::name_team() {
  say("\n5. The first two members of the team that gives access to others. Two, because nobody approves "
      "alone.");
  const auto state = text_of(now_.set_up, "state");
  for (const auto& item : checklist(now_)) {
    if (item.id == "team") say("   " + item.text);
  }
  if (state == "closed") return;
  const char* first = state == "waiting"
                          ? "   Somebody else instead: the first one's number or full name (Enter: go on)?"
                          : "   The first one's number or full name (Enter: go on)?";
  const auto one = ask_for(first);
  if (one.empty()) return;
  const auto other = ask_for("   The second one's?");
  if (other.empty()) return;
  (void)steps_.appoint(one, other);
  (void)look();
}

void Guide::switch_login_on() {
  if (now_.login == Machine::Login::not_installed) return;
  say("\n6. Logging in to this machine with the card (login, su, sudo, the greeter and the screen lock).");
  if (now_.login == Machine::Login::on) {
    say("   It is on. To undo it: sudo pam-auth-update --disable cardgate");
    return;
  }
  say("   The password goes on working for everybody without a card, and for root. Keep a root shell open "
      "until you have tried it.\n"
      "   To undo it: sudo pam-auth-update --disable cardgate");
  if (!agrees("   Switch it on?")) return;
  const auto ran = run_program({places_.pam_auth_update, "--enable", "cardgate"}, true);
  (void)look();
  if (ran && ran->good() && now_.login == Machine::Login::on) {
    say("   It is on. Try it now, at this machine: su NAME");
    return;
  }
  say(fmt::format("   It is still off. pam-auth-update --enable cardgate: {}",
                  ran ? (ran->output.empty() ? "it said nothing" : ran->output) : ran.error().message()));
}

void Guide::switch_backups_on() {
  say(fmt::format("\n7. A backup of the register every night, in {}.", places_.backups));
  if (now_.backups_on) {
    say("   It is on.");
    return;
  }
  if (!agrees("   Switch it on? The newest 14 are kept. To undo it: sudo systemctl disable --now "
              "cardgate-backup.timer"))
    return;
  const auto ran = run_program({places_.systemctl, "enable", "--now", backup_timer}, true);
  if (ran && ran->good())
    say("   It is on.");
  else
    say(fmt::format("   It is still off: {}", ran ? ran->output : ran.error().message()));
}

bool Guide::restart_service() {
  const auto ran = run_program({places_.systemctl, "restart", "cardgated.service"}, true);
  return ran && ran->good() && look() && now_.status_problem.empty();
}

void Guide::seal_signing_keys() {
  const auto kept = [this] {
    const auto* service = find_object(now_.status, "service");
    return service == nullptr ? std::string() : text_of(*service, "signing_keys");
  };
  const auto state = text_of(now_.files, "state_directory");
  if (kept() != "sealed" && (!now_.can_seal || kept() != "file" || state.empty())) return;
  say("\n8. The keys that sign tokens and the audit log.");
  if (kept() == "sealed") {
    say("   They are sealed to this machine.");
    return;
  }
  say(
      fmt::format("   Sealed to this machine they open here alone: a copy of {0} signs nothing.\n"
                  "   Copy the files token-key, audit-key and card-key from {0} to a safe place first: when "
                  "this machine is "
                  "lost,\n"
                  "   so are the sealed ones. The service starts anew, which ends all sessions.",
                  state));
  if (!agrees("   Seal them?")) return;
  auto keys = seal_keys(places_, state);
  if (!keys) {
    say("   Nothing was changed. " + keys.error().message());
    return;
  }
  if (keys->files.empty()) {
    say(fmt::format("   Nothing was changed: {} has sealed keys already, but the service does not use them.",
                    places_.sealed_keys));
    return;
  }
  std::error_code ignored;
  // With its file still there a sealed key counts as partly sealed; but it is the one in use.
  if (restart_service() && kept() == "partly sealed") {
    for (const auto& file : keys->files) fs::remove(file, ignored);
    if (look() && kept() == "sealed") {
      say("   They are sealed. To undo it: \"Seal the keys\" in operations.md");
      return;
    }
    say("   The keys are sealed and in use, but their files could not be removed from " + state + ".");
    return;
  }
  for (const auto& file : keys->sealed) fs::remove(file, ignored);
  say(restart_service()
          ? "   The service did not start with sealed keys, so they are files as before. The reason: "
            "journalctl -u cardgated"
          : "   The service does not start. The reason: journalctl -u cardgated");
}

}  // namespace

int guide(const Cli& cli, const Places& places, const Steps& steps) {
  try {
    Guide(cli, places, steps).run();
  } catch (const Stopped&) {
    say("\nStopped. What was done stays; run `sudo cardgate setup` again for the rest.");
  }
  const auto items = checklist(look_at_machine(cli, places));
  say("\nWhat there is, and what is missing (cardgate setup --check shows it again):\n\n" + to_text(items));
  return is_ready(items) ? exit_ok : exit_refused;
}

}  // namespace cardgate::client
