// SPDX-License-Identifier: Apache-2.0
// The table of events (audit/event.hpp) and the sources agree, and what is made from it is as it makes it: the journal's
// catalog and the lists of events in docs/. With CARDGATE_WRITE_PAPERS=1 the tests of EventPapers write them anew.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <string_view>

#include "audit/event.hpp"
#include "tests/support/folders.hpp"

namespace cardgate::architecture {
namespace {

using EventNames = std::set<std::string>;

std::string content_of(const std::filesystem::path& file) {
  std::ifstream stream(file, std::ios::binary);
  std::ostringstream text;
  text << stream.rdbuf();
  return std::move(text).str();
}

// What is made of the table.

std::string wrapped(std::string_view text, std::size_t width) {
  std::istringstream words{std::string(text)};
  std::string out;
  std::size_t column = 0;
  for (std::string word; words >> word;) {
    const bool fits = column > 0 && column + 1 + word.size() <= width;
    if (column > 0) out += fits ? ' ' : '\n';
    column = fits ? column + 1 + word.size() : word.size();
    out += word;
  }
  return out;
}

std::string catalog() {
  std::string out =
      "# SPDX-License-Identifier: Apache-2.0\n"
      "# Explanations that `journalctl -x` shows beside cardgated's messages, made from the table in "
      "audit/event.cpp. Of the\n"
      "# journal's fields they use MESSAGE alone: every other one may be missing from an entry, and would be "
      "shown by its bare\n"
      "# name then.\n";
  for (const auto& event : audit::events()) {
    const auto& entry = event.catalog;
    if (entry.message_id.empty()) continue;
    out += fmt::format(
        "\n-- {}\nSubject: {}\nDefined-By: cardgate\nDocumentation: "
        "file:/usr/share/doc/cardgate/operations.md\n\n@MESSAGE@\n\n{}\n",
        entry.message_id, entry.subject, wrapped(entry.explanation, 80));
  }
  return out;
}

std::string as_code(std::string_view members) {
  std::string out;
  for (std::size_t at = 0; at < members.size();) {
    const auto end = std::min(members.find(", ", at), members.size());
    out += fmt::format("{}`{}`", out.empty() ? "" : ", ", members.substr(at, end - at));
    at = end + 2;
  }
  return out;
}

constexpr std::string_view log_heading = "| event | what it carries | meaning |\n|---|---|---|\n";

std::string rows_of_the_log() {
  std::string out;
  for (const auto& event : audit::events()) {
    if (!event.is_recorded()) continue;
    out += fmt::format("| `{}` | {} | {}{} |\n", event.name, as_code(event.members), event.recorded,
                       event.internal ? " (written by the log itself)" : "");
  }
  return out;
}

constexpr std::string_view journal_heading =
    "| event | level | what happened | what to do |\n|---|---|---|---|\n";

std::string_view word_of(audit::Level level) {
  switch (level) {
    case audit::Level::error:
      return "error";
    case audit::Level::warning:
      return "warning";
    case audit::Level::notice:
      return "notice";
    case audit::Level::info:
      break;
  }
  return "info";
}

std::string rows_of_the_journal() {
  std::string out;
  for (const auto& event : audit::events()) {
    if (!event.is_said()) continue;
    out += fmt::format("| `{}` | {} | {} |{} |\n", event.name, word_of(event.level), event.said,
                       event.next_step.empty() ? "" : fmt::format(" {}", event.next_step));
  }
  return out;
}

/// `text` with other rows behind the heading of a table; as it is when it has no such table.
std::string with_rows(std::string text, std::string_view heading, const std::string& rows) {
  const auto place = text.find(heading);
  if (place == std::string::npos) return text;
  const auto begin = place + heading.size();
  const auto blank = text.find("\n\n", begin - 1);
  const auto end = blank == std::string::npos ? text.size() : blank + 1;
  return text.replace(begin, end - begin, rows);
}

/// The file is as the table makes it, or becomes so.
void check_paper(const std::string& name, const std::string& made) {
  if (std::getenv("CARDGATE_WRITE_PAPERS") != nullptr) {
    std::ofstream(source_file(name), std::ios::binary) << made;
    return;
  }
  EXPECT_TRUE(content_of(source_file(name)) == made)
      << name
      << " is not what the table in audit/event.cpp makes of it. Write it anew:\n  CARDGATE_WRITE_PAPERS=1 "
      << std::filesystem::read_symlink("/proc/self/exe").string() << " --gtest_filter='EventPapers.*'";
}

TEST(EventPapers, TheCatalogIsMadeFromTheTable) {
  check_paper("systemd/cardgate.catalog", catalog());
}

TEST(EventPapers, TheListOfTheAuditLogIsMadeFromTheTable) {
  const auto paper = content_of(source_file("docs/audit-format.md"));
  ASSERT_NE(paper.find(log_heading), std::string::npos);
  check_paper("docs/audit-format.md", with_rows(paper, log_heading, rows_of_the_log()));
}

TEST(EventPapers, TheListOfTheJournalIsMadeFromTheTable) {
  const auto paper = content_of(source_file("docs/operations.md"));
  ASSERT_NE(paper.find(journal_heading), std::string::npos);
  check_paper("docs/operations.md", with_rows(paper, journal_heading, rows_of_the_journal()));
}

// What the sources do with it.

/// The text from the bracket at `open` to the one that closes it.
std::string_view bracket(std::string_view text, std::size_t open) {
  int depth = 0;
  bool quoted = false;
  for (auto at = open; at < text.size(); ++at) {
    if (text[at] == '\\') {
      ++at;
    } else if (text[at] == '"') {
      quoted = !quoted;
    } else if (!quoted && text[at] == '(') {
      ++depth;
    } else if (!quoted && text[at] == ')' && --depth == 0) {
      return text.substr(open, at + 1 - open);
    }
  }
  return text.substr(open);
}

void add_events(EventNames& to, const std::string& text) {
  static const std::regex use(R"(\bEvent::([a-z_]+)\b)");
  for (std::sregex_iterator at(text.begin(), text.end(), use), end; at != end; ++at)
    to.insert((*at)[1].str());
}

struct Uses {
  EventNames said;       // in a call that writes to the journal
  EventNames elsewhere;  // everywhere else: in records
};

Uses uses_of(std::string source) {
  Uses uses;
  static const std::regex call(R"(\b(?:log|note_use)(?=\())");
  for (std::smatch found; std::regex_search(source, found, call);) {
    const auto open = static_cast<std::size_t>(found.position() + found.length());
    const std::string said{bracket(source, open)};
    add_events(uses.said, said);
    // Of a card's use there is a record, too.
    if (found.str() == "note_use") add_events(uses.elsewhere, said);
    add_events(uses.elsewhere, source.substr(0, open));
    source = source.substr(open + said.size());
  }
  add_events(uses.elsewhere, source);
  return uses;
}

template <class Visit>
void each_source(std::string_view folder, Visit visit) {
  for (const auto& entry : std::filesystem::recursive_directory_iterator(source_file(folder))) {
    const auto extension = entry.path().extension();
    if (extension != ".cpp" && extension != ".hpp") continue;
    if (entry.path().stem() == "event" && folder == "audit") continue;  // the table itself
    visit(entry.path().string(), content_of(entry.path()));
  }
}

Uses uses_in_the_tree() {
  Uses all;
  for (const std::string_view folder : {"audit", "daemon"}) {
    each_source(folder, [&](const std::string&, const std::string& source) {
      auto uses = uses_of(source);
      all.said.merge(uses.said);
      all.elsewhere.merge(uses.elsewhere);
    });
  }
  return all;
}

TEST(Events, TheScanTellsRecordsFromTheJournal) {
  const auto uses = uses_of(
      "a.event = name_of(audit::Event::token);\n"
      "log(good ? audit::Event::start : audit::Event::stop, fmt::format(\"b) {}\", c), {{\"D\", d}});\n"
      "e.event = name_of(audit::Event::form);\nnote_use(audit::Event::card_unblocked, use);");
  EXPECT_EQ(uses.said, (EventNames{"start", "stop", "card_unblocked"}));
  EXPECT_EQ(uses.elsewhere, (EventNames{"token", "form", "card_unblocked"}));
}

TEST(Events, EachIsWrittenWhereTheTableSaysSo) {
  const auto uses = uses_in_the_tree();
  EXPECT_GT(uses.said.size(), 30U) << "the scan did not find the sources";
  for (const auto& event : audit::events()) {
    const std::string name(event.name);
    EXPECT_TRUE(event.is_recorded() || event.is_said()) << name;
    EXPECT_EQ(event.is_recorded(), uses.elsewhere.contains(name)) << name << " in the audit log";
    // Recorder::refuse() writes the refusals, by the name in the record.
    EXPECT_EQ(event.is_said(), uses.said.contains(name) || !event.refusal.empty())
        << name << " in the journal";
  }
}

TEST(Events, HaveANameAndAnExplanationOfTheirOwn) {
  EventNames names, ids;
  for (const auto& event : audit::events()) {
    EXPECT_TRUE(names.emplace(event.name).second) << event.name;
    const auto& entry = event.catalog;
    if (entry.message_id.empty()) continue;
    EXPECT_TRUE(event.is_said()) << event.name;
    EXPECT_TRUE(ids.emplace(entry.message_id).second) << event.name;
    EXPECT_TRUE(std::regex_match(std::string(entry.message_id), std::regex("[0-9a-f]{32}"))) << event.name;
    EXPECT_FALSE(entry.subject.empty() || entry.explanation.empty()) << event.name;
  }
  EXPECT_GT(ids.size(), 10U);
}

TEST(Events, AreNamedInTheTableAlone) {
  static const std::regex literal(R"(\bevent = "|"CARDGATE_EVENT")");
  for (const std::string_view folder : {"audit", "daemon"}) {
    each_source(folder, [](const std::string& file, const std::string& source) {
      std::smatch found;
      EXPECT_FALSE(std::regex_search(source, found, literal))
          << file << " has " << found.str() << ": write name_of(audit::Event::...) or log(audit::Event::...)";
    });
  }
}

}  // namespace
}  // namespace cardgate::architecture
