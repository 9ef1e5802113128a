// SPDX-License-Identifier: Apache-2.0
// cardgate login: find the card, show it and its tries left, take the passcode, sign in (or unlock what is
// locked).
#include <fmt/format.h>
#include <pwd.h>

#include <algorithm>
#include <charconv>
#include <memory>
#include <vector>

#include "client/output.hpp"
#include "client/service.hpp"
#include "client/terminal.hpp"
#include "proto/messages.hpp"

namespace cardgate::client {
namespace {

using proto::Problem;

struct LoginOptions {
  std::string reader;
  std::string for_user;
  int passcode_fd = -1;
  bool passcode_stdin = false;
  bool spend_last_try = false;
};

struct Found {
  std::string reader, card;
  std::int64_t tries_left = 0;
};

/// What the readers hold, as far as this user may sign in there.
struct Readers {
  std::vector<Found> ready;
  std::vector<std::string> reading, forbidden;
  std::vector<std::pair<std::string, std::string>> unusable;  // reader, why
  std::size_t count = 0;
};

Readers look(const json::object& status, const std::string& wanted) {
  Readers out;
  const auto* readers = find_array(status, "readers");
  if (readers == nullptr) return out;
  for (const auto& item : *readers) {
    const auto* reader = item.if_object();
    if (reader == nullptr) continue;
    const auto name = text_of(*reader, "name");
    if (!wanted.empty() && name.find(wanted) == std::string::npos) continue;
    ++out.count;
    const auto* card = find_object(*reader, "card");
    if (card == nullptr) {
      if (is_true(*reader, "card_present")) out.forbidden.push_back(name);
      continue;
    }
    const auto state = text_of(*card, "state");
    if (state == "ready") out.ready.push_back({name, text_of(*card, "id"), number_of(*card, "tries_left")});
    if (state == "reading") out.reading.push_back(name);
    if (state == "unusable") out.unusable.emplace_back(name, text_of(*card, "problem"));
  }
  // A reader named in full is meant, even where its name is a part of another's.
  const auto exact = std::ranges::find(out.ready, wanted, &Found::reader);
  if (!wanted.empty() && exact != out.ready.end()) out.ready = {Found(*exact)};
  return out;
}

/// Waits, by the service's events, for a card that is still being read.
Result<Reply> status_with_card(const Http& http, const std::string& wanted) {
  auto reply = TRY(call(http, {.target = "/v1/status"}));
  const auto still_reading = [&] {
    const auto readers = look(reply.body, wanted);
    return !reply.refusal && readers.ready.empty() && !readers.reading.empty();
  };
  if (!still_reading()) return reply;
  std::optional<Error> failed;
  const auto listened = http.listen(
      "/v1/events",
      [&](const Event& event) {
        if (event.name != "open" && event.name != "card") return true;
        auto now = call(http, {.target = "/v1/status"});
        if (!now) {
          failed = now.error();
          return false;
        }
        reply = *std::move(now);
        return still_reading();
      },
      seconds(10), true);
  if (failed) return *std::move(failed);
  if (!listened && listened.error().code != Errc::timeout) return listened.error();
  return reply;
}

Problem no_card(const Readers& readers, const std::string& wanted) {
  if (!readers.unusable.empty()) {
    return {403,
            "card_unusable",
            "The card cannot be used",
            fmt::format("The card in {} cannot be used: {}", readers.unusable.front().first,
                        readers.unusable.front().second),
            {}};
  }
  if (!readers.reading.empty()) {
    return {
        409, "busy", "The card is being read", "The card is still being read. Try again in a moment.", {}};
  }
  if (!readers.forbidden.empty()) {
    return {403,
            "sign_in_not_allowed",
            "Not at this reader",
            fmt::format("You may not sign in at {}. The people who run this machine decide that in the "
                        "`clients` and `readers` of "
                        "cardgate's configuration.",
                        readers.forbidden.front()),
            {}};
  }
  if (readers.count == 0) {
    return {404,
            "reader_not_found",
            "No reader",
            wanted.empty()
                ? "There is no card reader. Plug it in; cardgate status shows what is there."
                : fmt::format(
                      "There is no reader whose name contains \"{}\". cardgate status shows what is there.",
                      wanted),
            {}};
  }
  return {404, "no_card", "No card", "There is no card in a reader. Put your card in and try again.", {}};
}

/// Which of several cards is meant. Errors: invalid_argument (nobody to ask, or no such number), and those of
/// ask().
Result<Found> choose(const std::vector<Found>& ready, bool may_ask) {
  if (ready.size() == 1) return ready.front();
  std::string list;
  for (std::size_t i = 0; i < ready.size(); ++i)
    list += fmt::format("\n  {}  card {} in {}", i + 1, ready[i].card, ready[i].reader);
  if (!may_ask || !has_terminal()) {
    return Error{Errc::invalid_argument,
                 fmt::format("there are several cards; name a reader with --reader:{}", list)};
  }
  complain("There are several cards:" + list);
  const auto answer = TRY(ask("Which one? ", 8));
  std::size_t number = 0;
  const auto read = std::from_chars(answer.data(), answer.data() + answer.size(), number);
  if (read.ec != std::errc() || read.ptr != answer.data() + answer.size() || number < 1 ||
      number > ready.size()) {
    return Error{Errc::invalid_argument, fmt::format("give a number from 1 to {}", ready.size())};
  }
  return ready[number - 1];
}

Result<uid_t> uid_of(const std::string& user) {
  uid_t uid = 0;
  const auto read = std::from_chars(user.data(), user.data() + user.size(), uid);
  if (read.ec == std::errc() && read.ptr == user.data() + user.size()) return uid;
  const passwd* entry = getpwnam(user.c_str());
  if (entry == nullptr)
    return Error{Errc::invalid_argument, fmt::format("--for-user: there is no user \"{}\"", user)};
  return entry->pw_uid;
}

/// The request's body in locked memory. Errors: pin_format (it could not be put into JSON as it is).
Result<Secret> sign_in_body(const Found& found, const Secret& passcode, const LoginOptions& options) {
  json::object members{{"reader", found.reader}, {"card", found.card}, {"tries_left", found.tries_left}};
  if (options.spend_last_try) members["spend_last_try"] = true;
  if (!options.for_user.empty()) members["for_uid"] = TRY(uid_of(options.for_user));
  const bool plain = std::ranges::all_of(
      passcode.text(), [](char c) { return c >= ' ' && c <= '~' && c != '"' && c != '\\'; });
  if (!plain) return Error{Errc::pin_format, "A passcode has 6 to 8 digits. No try was spent."};
  std::string front = json::serialize(members);
  front.pop_back();
  front += R"(,"passcode":")";
  static constexpr std::string_view back = "\"}";
  Secret body(front.size() + passcode.size() + back.size());
  auto* to = std::ranges::copy(as_bytes(front), body.bytes().data()).out;
  to = std::ranges::copy(passcode.bytes(), to).out;
  std::ranges::copy(as_bytes(back), to);
  return body;
}

/// A locked session of this very card is unlocked rather than replaced.
Result<std::string> sign_in_target(const Http& http, const Found& found, const LoginOptions& options) {
  if (!options.for_user.empty()) return std::string("/v1/sessions");
  const auto reply = TRY(call(http, {.target = "/v1/sessions"}));
  if (const auto* sessions = find_array(reply.body, "sessions")) {
    for (const auto& item : *sessions) {
      const auto* session = item.if_object();
      if (session == nullptr || text_of(*session, "state") == "active") continue;
      if (text_of(*session, "card") == found.card) {
        return fmt::format("/v1/sessions/{}/resume", percent_encode(text_of(*session, "id")));
      }
    }
  }
  return std::string("/v1/sessions");
}

Result<Secret> take_passcode(const Found& found, const LoginOptions& options) {
  if (options.passcode_stdin) return read_secret_line(0, proto::max_passcode_bytes);
  if (options.passcode_fd >= 0) return read_secret_line(options.passcode_fd, proto::max_passcode_bytes);
  complain(fmt::format("Card {} in {}, {} left", found.card, found.reader,
                       counted(found.tries_left, "try", "tries")));
  auto passcode = ask_secret("Passcode: ", proto::max_passcode_bytes);
  if (!passcode && passcode.error().code == Errc::not_found) {
    return Error{Errc::invalid_argument,
                 "there is no terminal to ask for the passcode at: give --passcode-stdin or --passcode-fd"};
  }
  return passcode;
}

void greet(const json::object& session, bool resumed) {
  const auto* person = find_object(session, "person");
  say(fmt::format("{} {} ({}), until {}. Take your card with you when you leave.",
                  resumed ? "Unlocked:" : "Signed in:", person ? text_of(*person, "name") : "?",
                  person ? text_of(*person, "id") : "?", local_time(text_of(session, "expires"))));
  if (const auto* warnings = find_array(session, "warnings")) {
    for (const auto& warning : *warnings) {
      if (warning.is_string()) say(fmt::format("  ! {}", std::string_view(warning.get_string())));
    }
  }
}

int fail(const Cli& cli, const Error& error) {
  if (error.code == Errc::invalid_argument) return say_usage(cli, error.context);
  if (error.code == Errc::too_large || error.code == Errc::pin_format) {
    return say_problem(
        cli,
        {400, "passcode_format", "Not a passcode", "A passcode has 6 to 8 digits. No try was spent.", {}});
  }
  return say_error(cli, error);
}

int login(const Cli& cli, const LoginOptions& options) {
  const Http http(cli.socket);
  const auto status = status_with_card(http, options.reader);
  if (!status) return say_error(cli, status.error());
  if (status->refusal) return say_problem(cli, *status->refusal);
  const auto readers = look(status->body, options.reader);
  if (readers.ready.empty()) return say_problem(cli, no_card(readers, options.reader));
  const bool interactive = !options.passcode_stdin && options.passcode_fd < 0;
  const auto found = choose(readers.ready, interactive);
  if (!found) return fail(cli, found.error());

  // Nothing is asked of the person that cannot help.
  if (found->tries_left == 0) {
    return say_problem(cli, {403,
                             "passcode_blocked",
                             "The card is blocked",
                             "The card is blocked, because the passcode was wrong too often. Take it to the "
                             "smartcard help desk, who "
                             "can unblock it.",
                             {{"tries_left", 0}}});
  }
  if (found->tries_left == 1 && !options.spend_last_try) {
    return say_problem(cli, {409,
                             "last_try",
                             "The last try",
                             "One try is left; if the passcode is wrong, the card is blocked. If you are "
                             "sure of it: cardgate login "
                             "--spend-last-try. If not, ask the smartcard help desk for a new passcode.",
                             {{"tries_left", 1}}});
  }
  const auto target = sign_in_target(http, *found, options);
  if (!target) return say_error(cli, target.error());

  forbid_dumps();
  const auto passcode = take_passcode(*found, options);
  if (!passcode) return fail(cli, passcode.error());
  const auto body = sign_in_body(*found, *passcode, options);
  if (!body) return fail(cli, body.error());
  const auto reply = call(
      http, {.method = "POST", .target = *target, .body = body->text(), .content_type = "application/json"},
      seconds(60));
  if (!reply) return say_error(cli, reply.error());
  if (reply->refusal) return say_problem(cli, *reply->refusal);
  if (cli.json) {
    print_json(reply->body);
  } else {
    greet(reply->body, target->ends_with("/resume"));
  }
  return exit_ok;
}

}  // namespace

void add_sign_in(CLI::App& app, Cli& cli) {
  auto* command =
      add_command(app, "login", "Sign in with the card in the reader and its passcode",
                  "cardgate login\n  cardgate login --reader \"Ward 4\" --passcode-fd 3 3<passcode-file",
                  usual_exit_codes);
  auto options = std::make_shared<LoginOptions>();
  command->add_option("--reader", options->reader,
                      "The reader, or a part of its name; needed only when several hold a card");
  auto* fd =
      command->add_option("--passcode-fd", options->passcode_fd, "Read the passcode from this descriptor")
          ->check(CLI::NonNegativeNumber);
  command->add_flag("--passcode-stdin", options->passcode_stdin, "Read the passcode from standard input")
      ->excludes(fd);
  command->add_flag("--spend-last-try", options->spend_last_try,
                    "Even if the card is blocked when the passcode is wrong");
  command->add_option("--for-user", options->for_user,
                      "For another user of the machine, by name or number (root only)");
  command->callback([&cli, options] { cli.action = [&cli, options] { return login(cli, *options); }; });
}

}  // namespace cardgate::client
