// SPDX-License-Identifier: Apache-2.0
// cardgate audit verify: offline, on the log's directory.
#include "audit/verify.hpp"

#include <fmt/format.h>

#include <memory>
#include <optional>

#include "client/command/audit/commands.hpp"
#include "client/command/output.hpp"

namespace cardgate::client {
namespace {

struct VerifyLogOptions {
  std::string directory = default_audit_directory;
  std::string key;
};

json::object to_json(const audit::Report& report) {
  return {{"ok", report.ok},
          {"first", report.first},
          {"last", report.last},
          {"records", report.records},
          {"segments", report.segments},
          {"checkpoints", report.checkpoints},
          {"unsigned_tail", report.unsigned_tail},
          {"torn_tail", report.torn_tail},
          {"key", to_base64url(report.key)},
          {"key_pinned", report.key_pinned},
          {"problems", json::array(report.problems.begin(), report.problems.end())}};
}

int verify_log(const Cli& cli, const VerifyLogOptions& options) {
  std::optional<PublicKey> pinned;
  if (!options.key.empty()) {
    const auto key = audit::read_public_key(options.key);
    if (!key) return say_error(cli, key.error());
    pinned = *key;
  }
  const auto report = audit::verify(options.directory, pinned);
  if (!report) return say_error(cli, report.error());
  if (cli.json) {
    print_json(to_json(*report));
    return report->ok ? exit_ok : exit_refused;
  }
  say(fmt::format("{}: {}", options.directory, report->ok ? "the log is whole" : "THE LOG IS BROKEN"));
  for (const auto& problem : report->problems) say("  - " + problem);
  say(fmt::format(
      "  {} ({} to {}) in {}, {}", counted(static_cast<std::int64_t>(report->records), "record", "records"),
      report->first, report->last,
      counted(static_cast<std::int64_t>(report->segments), "segment", "segments"),
      counted(static_cast<std::int64_t>(report->checkpoints), "signed checkpoint", "signed checkpoints")));
  if (report->unsigned_tail > 0) {
    say(fmt::format("  {} after the last checkpoint: chained, not signed yet",
                    counted(static_cast<std::int64_t>(report->unsigned_tail), "record", "records")));
  }
  if (report->torn_tail)
    say("  The last write was not finished. The next start of the service repairs that.");
  if (!report->key_pinned) {
    say("  This used the key that lies beside the log. Somebody who can change the log could change that key "
        "too. Keep a copy of key.pub elsewhere, and give it with --key.");
  }
  if (!report->ok)
    say("Keep the directory as it is, as evidence, and tell the people who answer for this machine's "
        "security.");
  return report->ok ? exit_ok : exit_refused;
}

}  // namespace

void add_audit_verify(CLI::App& group, Cli& cli) {
  auto* prove =
      add_command(group, "verify", "Check that no record was changed, removed, inserted or moved",
                  "cardgate audit verify --dir /var/lib/cardgate/audit --key /root/cardgate-audit-key.pub",
                  "0 whole; 1 broken; 2 wrong usage; 4 it cannot be read");
  auto verify_options = std::make_shared<VerifyLogOptions>();
  prove->add_option("--dir", verify_options->directory, "The log's directory")->capture_default_str();
  prove->add_option("--key", verify_options->key, "A copy of the log's key.pub that was kept elsewhere");
  prove->callback([&cli, verify_options] {
    cli.action = [&cli, verify_options] { return verify_log(cli, *verify_options); };
  });
}

}  // namespace cardgate::client
