// SPDX-License-Identifier: Apache-2.0
// cardgate audit hold: while a legal hold is set, the service deletes nothing of the log. It is a file beside the segments, which the
// service sees by itself, and puts on record.
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <memory>

#include "audit/layout.hpp"
#include "audit/record.hpp"
#include "audit/retention.hpp"
#include "base/clock.hpp"
#include "base/file.hpp"
#include "client/command/audit/commands.hpp"
#include "client/command/output.hpp"

namespace cardgate::client {
namespace {

struct HoldOptions {
  std::string directory = default_audit_directory;
  std::string reason;
};

constexpr unsigned readable_by_all = 0644;  // the service is another user

int show_hold(const Cli& cli, const HoldOptions& options) {
  const auto hold = audit::read_hold(options.directory);
  if (!hold) return say_error(cli, hold.error());
  if (cli.json) {
    print_json(json::object{{"hold", !hold->empty()}, {"text", *hold}});
  } else if (hold->empty()) {
    say("There is no legal hold on this log.");
  } else {
    say("There is a legal hold. Nothing of the log is deleted.");
    say(*hold);
  }
  return exit_ok;
}

int set_hold(const Cli& cli, const HoldOptions& options) {
  const auto path = std::filesystem::path(options.directory) / audit::hold_name;
  if (const auto log = audit::list_segments(options.directory); !log) return say_error(cli, log.error());
  const std::string text = fmt::format("{} Set {} by uid {}.\n", audit::clean(options.reason),
                                       to_rfc3339(system_clock().wall()), ::getuid());
  const auto written = write_file_atomic(path, as_bytes(text), readable_by_all);
  if (!written) return say_error(cli, written.error());
  if (cli.json) {
    print_json(json::object{{"hold", true}, {"text", text}});
  } else {
    say("From now on nothing of the log is deleted. The service puts that on record with its next records.");
  }
  return exit_ok;
}

int release_hold(const Cli& cli, const HoldOptions& options) {
  const auto path = std::filesystem::path(options.directory) / audit::hold_name;
  if (::unlink(path.c_str()) != 0) {
    if (errno == ENOENT) return say_error(cli, {Errc::not_found, "there is no legal hold on this log"});
    return say_error(cli, errno_error(path.string(), errno));
  }
  if (cli.json) {
    print_json(json::object{{"hold", false}});
  } else {
    say("The hold is released. The service puts that on record with its next records, and deletes again what "
        "is "
        "older than `audit.keep` says.");
  }
  return exit_ok;
}

}  // namespace

void add_audit_hold(CLI::App& group, Cli& cli) {
  auto* hold = add_command(group, "hold", "A legal hold: while it is set, nothing of the log is deleted",
                           "cardgate audit hold show", "");
  hold->require_subcommand(1);
  auto options = std::make_shared<HoldOptions>();
  const auto add = [&](const char* name, const char* what, const char* example,
                       int (*act)(const Cli&, const HoldOptions&)) {
    auto* command = add_command(*hold, name, what, example, "0 done; 2 wrong usage; 4 it cannot be done");
    command->add_option("--dir", options->directory, "The log's directory")->capture_default_str();
    command->callback(
        [&cli, options, act] { cli.action = [&cli, options, act] { return act(cli, *options); }; });
    return command;
  };
  add("show", "Show whether there is a hold, and why", "cardgate audit hold show", show_hold);
  add("set", "Set a hold, as root",
      "cardgate audit hold set --reason 'Case 17: keep all, says the legal team'", set_hold)
      ->add_option("--reason", options->reason, "Why, and who wants it; it goes on record")
      ->required();
  add("release", "Release the hold, as root", "cardgate audit hold release", release_hold);
}

}  // namespace cardgate::client
