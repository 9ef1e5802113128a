// SPDX-License-Identifier: Apache-2.0
// cardgate audit verify: offline, on the log's directory.
#include "audit/verify.hpp"

#include <fmt/format.h>

#include <filesystem>
#include <memory>
#include <optional>

#include "audit/checkpoints.hpp"
#include "audit/layout.hpp"
#include "audit/line.hpp"
#include "base/file.hpp"
#include "client/command/audit/commands.hpp"
#include "client/command/output.hpp"

namespace cardgate::client {
namespace {

struct VerifyLogOptions {
  std::string directory = default_audit_directory;
  std::string key;
  std::string checkpoints;
  std::uint64_t record = 0;
  std::string line_file;
};

json::object to_json(const audit::Proof& proof) {
  return {{"found", proof.found},         {"same", proof.same},           {"segment", proof.segment},
          {"signed_by", proof.signed_by}, {"signed_at", proof.signed_at}, {"line", proof.line}};
}

json::object to_json(const audit::Report& report) {
  json::array keys;
  for (const auto& use : report.keys)
    keys.push_back(
        json::object{{"key", to_base64url(use.key)}, {"id", audit::key_id(use.key)}, {"since", use.since}});
  json::object out{{"ok", report.ok},
                   {"first", report.first},
                   {"last", report.last},
                   {"records", report.records},
                   {"segments", report.segments},
                   {"checkpoints", report.checkpoints},
                   {"unsigned_tail", report.unsigned_tail},
                   {"torn_tail", report.torn_tail},
                   {"log", report.log_id},
                   {"key", to_base64url(report.key)},
                   {"keys", std::move(keys)},
                   {"key_pinned", report.key_pinned},
                   {"compared", report.compared},
                   {"compared_last", report.compared_last},
                   {"first_bad", report.first_bad ? json::value(*report.first_bad) : json::value(nullptr)},
                   {"problems", json::array(report.problems.begin(), report.problems.end())},
                   {"notes", json::array(report.notes.begin(), report.notes.end())}};
  if (report.proof) out["proof"] = to_json(*report.proof);
  return out;
}

/// The answer about one record, in a sentence. Refuted is only what a sound and signed log says otherwise.
std::string proof_text(const audit::Report& report, std::uint64_t record) {
  const auto& proof = *report.proof;
  if (!report.ok && (!proof.found || !proof.same)) {
    return fmt::format(
        "NOT KNOWN: whether record {} was in the log cannot be said, because the log is broken: see above.",
        record);
  }
  if (!proof.found && record < report.first) {
    return fmt::format(
        "NOT KNOWN: record {} is older than the first that is kept ({}), and was deleted when its time was "
        "over.",
        record, report.first);
  }
  if (!proof.found) {
    return fmt::format(
        "NOT KNOWN: the log ends at record {}. Record {} was not written yet, or this copy of the log is "
        "older than it.",
        report.last, record);
  }
  if (!proof.same && proof.signed_by == 0) {
    return fmt::format(
        "NOT KNOWN YET: the log's record {} is another one, but no checkpoint signs that one yet:\n{}",
        record, proof.line);
  }
  if (!proof.same) {
    return fmt::format("REFUTED: the log's record {} is another one:\n{}", record, proof.line);
  }
  if (proof.signed_by == 0) {
    return fmt::format(
        "NOT PROVED YET: record {} stands in {}, but no checkpoint signs it yet. Try again in a minute.",
        record, proof.segment);
  }
  if (!report.ok) {
    return fmt::format("NOT PROVED: record {} stands in {}, but the log is broken: see above.", record,
                       proof.segment);
  }
  return fmt::format(
      "PROVED: record {} stands in {}, and the checkpoint with sequence {} of {} signs it:\n{}", record,
      proof.segment, proof.signed_by, proof.signed_at, proof.line);
}

bool is_proved(const audit::Report& report) {
  return report.ok && (!report.proof || (report.proof->same && report.proof->signed_by != 0));
}

void say_counts(const audit::Report& report) {
  say(fmt::format(
      "  {} ({} to {}) in {}, {}", counted(static_cast<std::int64_t>(report.records), "record", "records"),
      report.first, report.last, counted(static_cast<std::int64_t>(report.segments), "segment", "segments"),
      counted(static_cast<std::int64_t>(report.checkpoints), "signed checkpoint", "signed checkpoints")));
  if (report.unsigned_tail > 0) {
    say(fmt::format("  {} after the last checkpoint: chained, not signed yet",
                    counted(static_cast<std::int64_t>(report.unsigned_tail), "record", "records")));
  }
  if (report.torn_tail) say("  The last write was not finished. The next start of the service repairs that.");
}

void say_report(const VerifyLogOptions& options, const audit::Report& report) {
  say(fmt::format("{}: {}", options.directory, report.ok ? "the log is whole" : "THE LOG IS BROKEN"));
  for (const auto& problem : report.problems) say_whole("  - " + problem);
  if (report.first_bad) say(fmt::format("  The first bad record is {}.", *report.first_bad));
  say_counts(report);
  for (const auto& note : report.notes) say_whole("  Note: " + note + ".");
  if (report.compared > 0) {
    say(fmt::format("  {} kept elsewhere stand in the log, the newest with sequence {}",
                    counted(static_cast<std::int64_t>(report.compared), "checkpoint", "checkpoints"),
                    report.compared_last));
  } else if (options.checkpoints.empty()) {
    say("  An older copy of the whole log would look as good as this. Checkpoints that were kept elsewhere "
        "show that: give "
        "them with --checkpoints.");
  }
  if (!report.key_pinned) {
    if (!options.key.empty())
      say("  The key that you gave with --key is the one that lies beside the log, so it proves nothing.");
    say("  This used the key that lies beside the log. Somebody who can change the log could change that key "
        "too. Keep a copy of key.pub elsewhere, and give it with --key.");
  }
  if (report.proof) say_whole(proof_text(report, options.record));
  if (!report.ok)
    say("Keep the directory as it is, as evidence, and tell the people who answer for this machine's "
        "security.");
}

/// The record that is asked for: its number, or its line in a file.
Result<void> read_record(VerifyLogOptions& options, audit::Question& question) {
  if (!options.line_file.empty()) {
    question.line = TRY(read_file(options.line_file, 2 * audit::max_line_bytes));
    while (question.line.ends_with('\n') || question.line.ends_with('\r')) question.line.pop_back();
    const auto parsed = audit::parse_line(question.line);
    if (!parsed)
      return Error{Errc::malformed, fmt::format("{}: this is no line of an audit log: {}", options.line_file,
                                                parsed.error().context)};
    options.record = parsed->sequence;
  }
  question.record = options.record;
  return {};
}

/// Whoever could change the log could change this key, too.
bool lies_beside_the_log(const VerifyLogOptions& options) {
  const std::filesystem::path key = options.key;
  const std::filesystem::path directory = options.directory;
  std::error_code ignored;
  const auto real = std::filesystem::canonical(key, ignored);
  return std::filesystem::equivalent(key, directory / audit::key_file_name, ignored) ||
         std::filesystem::equivalent(real.parent_path(), directory, ignored);
}

int verify_log(const Cli& cli, VerifyLogOptions& options) {
  audit::Question question;
  if (!options.key.empty()) {
    const auto key = audit::read_public_key(options.key);
    if (!key) return say_error(cli, key.error());
    if (!lies_beside_the_log(options)) question.key = *key;
  }
  audit::CheckpointBook book;
  if (!options.checkpoints.empty()) {
    auto read = audit::CheckpointBook::read(options.checkpoints);
    if (!read) return say_error(cli, read.error());
    book = std::move(*read);
    question.book = &book;
  }
  if (const auto good = read_record(options, question); !good) return say_error(cli, good.error());
  const auto report = audit::verify(options.directory, question);
  if (!report) return say_error(cli, report.error());
  if (cli.json) {
    print_json(to_json(*report));
  } else {
    say_report(options, *report);
  }
  return is_proved(*report) ? exit_ok : exit_refused;
}

}  // namespace

void add_audit_verify(CLI::App& group, Cli& cli) {
  auto* prove = add_command(
      group, "verify",
      "Check that no record was changed, removed, inserted or moved, and that the log is the one that "
      "checkpoints kept elsewhere vouch for. Needs no service, and of keys only the public one",
      "cardgate audit verify --key /root/cardgate-audit-key.pub --checkpoints /mnt/elsewhere/checkpoints\n"
      "  journalctl _SYSTEMD_UNIT=cardgated.service MESSAGE_ID=5d1f0c6bd2f54a7e9d8a3c1b7e42f618 -o cat > "
      "checkpoints\n"
      "  cardgate audit verify --record 4711",
      "0 whole, and proved; 1 broken, refuted, or not known; 2 wrong usage; 4 it cannot be read");
  auto options = std::make_shared<VerifyLogOptions>();
  prove->add_option("--dir", options->directory, "The log's directory")->capture_default_str();
  prove->add_option("--key", options->key, "A copy of the log's key.pub that was kept elsewhere");
  prove->add_option("--checkpoints", options->checkpoints,
                    "Checkpoints that were kept elsewhere: the file, or what the journal has of them");
  auto* record =
      prove->add_option("--record", options->record, "Prove that this record is in the log, by its number")
          ->check(CLI::PositiveNumber);
  prove
      ->add_option("--line", options->line_file, "Prove or refute that the record in this file is in the log")
      ->excludes(record);
  prove->callback([&cli, options] { cli.action = [&cli, options] { return verify_log(cli, *options); }; });
}

}  // namespace cardgate::client
