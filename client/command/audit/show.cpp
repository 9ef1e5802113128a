// SPDX-License-Identifier: Apache-2.0
// cardgate audit show: on the log's files, or by the service.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <memory>

#include "client/command/audit/commands.hpp"
#include "client/command/audit/record_table.hpp"
#include "client/command/audit/records.hpp"
#include "client/command/output.hpp"
#include "client/command/terminal.hpp"

namespace cardgate::client {
namespace {

struct ShowOptions {
  RecordAsk ask;
  std::string story;
  std::size_t last = 0;
  bool follow = false, csv = false;
};

constexpr std::size_t page_of_records = 200;
constexpr std::size_t followed_from = 10;  // records that --follow begins with
constexpr std::size_t max_story_records = 10'000;
constexpr std::size_t session_id_length = 22;

std::size_t table_width() {
  return ::isatty(STDOUT_FILENO) == 0 ? 0 : terminal_width(STDOUT_FILENO);
}

/// Shows records one after the other, as it was asked.
class RecordPrinter {
 public:
  RecordPrinter(const Cli& cli, const ShowOptions& options, const RecordSource& source)
      : json_(cli.json),
        csv_(options.csv),
        story_(!options.story.empty()),
        source_(source),
        table_(source.calendar, table_width()),
        told_(source.calendar, table_width()) {}

  void show(const json::object& record, const std::string* line) {
    ++shown_;
    if (json_) return say_whole(line != nullptr ? *line : json::serialize(record));
    const auto speaker = source_.speaker();
    if (csv_) {
      if (shown_ == 1) say_csv(csv_heading());
      return say_csv(csv_row(record, source_.calendar, speaker));
    }
    for (const auto& each : story_ ? told_.add(record, speaker) : table_.lines_of(record, speaker))
      say_whole(each);
  }
  void finish() {
    for (const auto& each : told_.finish()) say_whole(each);
    if (shown_ > 0) return;
    if (csv_ && !json_) say_csv(csv_heading());
    if (!csv_ && !json_) say("No record is as you asked.");
  }

 private:
  bool json_, csv_, story_;
  const RecordSource& source_;
  RecordTable table_;
  RecordStory told_;
  std::size_t shown_ = 0;
};

struct Gathered {
  std::vector<json::object> records;  // newest first
  std::vector<std::string> lines;
  std::uint64_t highest = 0;
};

/// The newest records, until there are `most` of them or `until` is one of them.
Result<Gathered> newest_records(RecordSource& source, std::size_t most, DamageTeller& damage,
                                const std::function<bool(const json::object&)>& until) {
  Gathered out;
  PageAt at{.newest_first = true, .cursor = {}, .limit = std::min(most, page_of_records)};
  for (;;) {
    auto page = TRY(source.page(at));
    damage.tell(page);
    out.highest = std::max(out.highest, page.highest);
    for (std::size_t i = 0; i < page.records.size() && out.records.size() < most; ++i) {
      out.records.push_back(std::move(page.records[i]));
      if (i < page.lines.size()) out.lines.push_back(std::move(page.lines[i]));
      if (until && until(out.records.back())) return out;
    }
    if (!page.next || out.records.size() >= most) return out;
    at.cursor = *page.next;
    at.limit = std::min(most - out.records.size(), page_of_records);
  }
}

void print_oldest_first(RecordPrinter& printer, const Gathered& gathered) {
  for (auto i = gathered.records.size(); i-- > 0;)
    printer.show(gathered.records[i], i < gathered.lines.size() ? &gathered.lines[i] : nullptr);
}

/// All from `cursor` on, oldest first; where it ended comes back.
Result<std::uint64_t> print_all(RecordSource& source, RecordPrinter& printer, DamageTeller& damage,
                                std::string cursor) {
  std::uint64_t highest = 0;
  PageAt at{.newest_first = false, .cursor = std::move(cursor), .limit = page_of_records};
  for (;;) {
    const auto page = TRY(source.page(at));
    damage.tell(page);
    highest = std::max(highest, page.highest);
    for (std::size_t i = 0; i < page.records.size(); ++i)
      printer.show(page.records[i], i < page.lines.size() ? &page.lines[i] : nullptr);
    if (!page.next) return highest;
    at.cursor = *page.next;
  }
}

/// Until somebody ends it.
Result<void> follow(RecordSource& source, RecordPrinter& printer, DamageTeller& damage,
                    std::uint64_t highest) {
  for (;;) {
    TRY(source.wait());
    highest = std::max(highest, TRY(print_all(source, printer, damage, std::to_string(highest))));
  }
}

Result<void> print_records(RecordSource& source, const ShowOptions& options, RecordPrinter& printer,
                           DamageTeller& damage) {
  std::uint64_t highest = 0;
  const bool of_session = !options.story.empty() && !options.ask.of_session.empty();
  if (options.last > 0 || options.follow || of_session) {
    const auto most = options.last > 0 ? options.last : options.follow ? followed_from : max_story_records;
    std::function<bool(const json::object&)> until;
    // A session's records are looked for from the newest on, as far back as to its beginning.
    if (of_session) until = [](const json::object& record) { return text_of(record, "event") == "sign_in"; };
    const auto gathered = TRY(newest_records(source, most, damage, until));
    print_oldest_first(printer, gathered);
    highest = gathered.highest;
  } else {
    highest = TRY(print_all(source, printer, damage, {}));
  }
  return options.follow ? follow(source, printer, damage, highest) : Result<void>();
}

bool is_session_id(const std::string& text) {
  return text.size() == session_id_length && std::ranges::all_of(text, [](char c) {
           return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '-' || c == '_';
         });
}

int show(const Cli& cli, ShowOptions options) {
  if (options.csv && cli.json) return say_usage(cli, "give either --csv or --json, not both");
  if (!options.story.empty() && (options.csv || cli.json || options.follow))
    return say_usage(cli, "--story is for people to read: leave out --csv, --json and --follow");
  if (!options.story.empty()) {
    (is_session_id(options.story) ? options.ask.of_session : options.ask.person) = options.story;
    if (options.ask.of_session.empty() && options.ask.from.empty() && options.last == 0)
      options.ask.from = "yesterday";
  }
  options.ask.own_lines = cli.json;
  auto source = open_records(cli, options.ask);
  if (!source) {
    return source.error().code == Errc::invalid_argument ? say_usage(cli, source.error().context)
                                                         : say_error(cli, source.error());
  }
  RecordPrinter printer(cli, options, **source);
  DamageTeller damage;
  const auto printed = print_records(**source, options, printer, damage);
  if (!printed) return say_unread(cli, **source, printed.error());
  printer.finish();
  return damage.any() ? int{exit_refused} : int{exit_ok};
}

}  // namespace

void add_audit_show(CLI::App& group, Cli& cli) {
  auto* list = add_command(group, "show",
                           "Show records, oldest first, by the hospital's clocks. Root reads the log's "
                           "files; others ask the service, under their own "
                           "session and a role that may read-audit, and each look is recorded. --json shows "
                           "the lines as they are in the log (UTC)",
                           "cardgate audit show --event sign_in --since yesterday\n  cardgate audit show "
                           "--person 10017 --outcome refused --since "
                           "2026-01-01 --to 2026-01-31\n  cardgate audit show --story 10017 --since "
                           "2026-01-31 --to 2026-01-31\n  cardgate audit show "
                           "--follow",
                           "0 done; 1 refused, or a part of the log could not be read; 2 wrong usage; 3 the "
                           "service is not reachable; 4 it "
                           "cannot be read");
  auto options = std::make_shared<ShowOptions>();
  auto& ask = options->ask;
  list->add_option("--person", ask.person,
                   "Records about this person, or that name them: number, or by the service a name");
  list->add_option("--role", ask.role, "Only this role: core");
  list->add_option("--client", ask.client, "Only this client; a part of its name is enough");
  list->add_option("--event", ask.event, "Only this event: sign_in, token_refused, ...");
  list->add_option("--outcome", ask.outcome, "Only what was done, or was refused")
      ->check(CLI::IsMember({"done", "refused"}));
  list->add_option("--reason", ask.reason, "Only this reason; a part of it is enough");
  list->add_option("--of-session", ask.of_session, "Only this session");
  list->add_option("--since,--from", ask.from,
                   "From this time on: yesterday, \"2 hours ago\", 2026-01-31, \"2026-01-31 09:30\", "
                   "2026-01-31T09:30:00Z");
  list->add_option("--to", ask.to, "Before this time, or to the end of this day");
  list->add_option("--last", options->last, "Only the last N")->check(CLI::Range(1, 100'000));
  list->add_flag("--follow", options->follow,
                 "Show the last 10, then each new one as it comes; end with Ctrl-C");
  list->add_flag("--csv", options->csv,
                 "For a spreadsheet. A cell that would run as a formula gets an apostrophe before it");
  list->add_option("--story", options->story,
                   "What went on, in sentences: of a session, from sign-in to its end; of a person, since "
                   "yesterday or --since");
  list->add_option("--dir", ask.directory,
                   "The log's directory, or that of a copy. Root's is /var/lib/cardgate/audit");
  list->add_flag("--service", ask.service, "Ask the service, also as root");
  list->add_option("--session", ask.session, session_help);
  list->add_option("--index", ask.index,
                   "The file of the index of a log that is read here; it is made when it is missing");
  list->add_flag("!--no-index", ask.use_index, "Read a large log without an index");
  list->callback([&cli, options] { cli.action = [&cli, options] { return show(cli, *options); }; });
}

}  // namespace cardgate::client
