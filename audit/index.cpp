// SPDX-License-Identifier: Apache-2.0
// Two tables:
//
//   segment   what was read of each: up to where, its first line's hash, its last line's place and hash, times, events
//   part      person, segment, part -> the offsets of the lines that name the person, as differences of variable length
//             (7 bits a byte, the highest bit says that more follow)
//
// A part is what one step of catch_up() read, and one transaction.
#include "audit/index.hpp"

#include <SQLiteCpp/SQLiteCpp.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "audit/event.hpp"
#include "audit/layout.hpp"
#include "audit/line.hpp"
#include "audit/people_in.hpp"
#include "audit/segment_text.hpp"

namespace cardgate::audit {
namespace {

constexpr int index_layout = 1;
constexpr int index_busy_ms = 2000;
constexpr std::uint64_t step_bytes = 32UL << 20;
constexpr std::uint64_t left_to_readers = 4UL << 20;  // of a segment that grows

constexpr const char* index_tables = R"(
  CREATE TABLE segment(first INTEGER PRIMARY KEY, indexed INTEGER NOT NULL, head TEXT NOT NULL, last_at INTEGER NOT NULL,
    last TEXT NOT NULL, earliest TEXT NOT NULL, latest TEXT NOT NULL, events TEXT NOT NULL, damaged INTEGER NOT NULL,
    parts INTEGER NOT NULL);
  CREATE TABLE part(person TEXT NOT NULL, segment INTEGER NOT NULL, part INTEGER NOT NULL, offsets BLOB NOT NULL,
    PRIMARY KEY(person, segment, part)) WITHOUT ROWID;
)";

Error index_error(const SQLite::Exception& failure) {
  const std::string text = fmt::format("the index of the audit log: {}", failure.what());
  switch (failure.getErrorCode()) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return {Errc::unavailable, text};
    case SQLITE_FULL:
      return {Errc::no_space, text};
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_SCHEMA:
    case SQLITE_ERROR:
      return {Errc::corrupt, text};
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_CANTOPEN:
      return {Errc::permission_denied, text};
    default:
      return {Errc::io, text};
  }
}

template <class Work>
auto with_sqlite(Work work) -> decltype(work()) {
  try {
    return work();
  } catch (const SQLite::Exception& failure) {
    return index_error(failure);
  }
}

void put_number(std::string& out, std::uint64_t number) {
  while (number >= 0x80) {
    out += static_cast<char>((number & 0x7F) | 0x80);
    number >>= 7;
  }
  out += static_cast<char>(number);
}

/// Adds the offsets in `bytes` to `out`. False: they are no offsets.
bool read_offsets(std::string_view bytes, std::vector<std::uint64_t>& out) {
  std::uint64_t offset = 0;
  std::size_t at = 0;
  while (at < bytes.size()) {
    std::uint64_t number = 0;
    for (unsigned shift = 0;; shift += 7) {
      if (at == bytes.size() || shift > 56) return false;
      const auto byte = static_cast<std::uint8_t>(bytes[at++]);
      number |= static_cast<std::uint64_t>(byte & 0x7F) << shift;
      if ((byte & 0x80) == 0) break;
    }
    offset += number;
    out.push_back(offset);
  }
  return true;
}

/// What one step gathers.
struct Gathered {
  struct Offsets {
    std::string bytes;
    std::uint64_t last = 0;
  };
  std::map<std::string, Offsets, std::less<>> people;
  std::string last_line;
  std::uint64_t last_at = 0;

  void add(std::string_view person, std::uint64_t offset) {
    auto found = people.find(person);
    if (found == people.end()) found = people.emplace(person, Offsets{}).first;
    auto& offsets = found->second;
    if (!offsets.bytes.empty() && offsets.last == offset) return;
    put_number(offsets.bytes, offset - offsets.last);
    offsets.last = offset;
  }
};

}  // namespace

class Index::Impl {
 public:
  struct Row {
    Extent extent;
    std::string head, last;  // hashes of lines
    std::uint64_t last_at = 0;
    std::int64_t parts = 0;
  };

  static Result<std::unique_ptr<SQLite::Database>> open_file(const std::filesystem::path& file);
  explicit Impl(std::unique_ptr<SQLite::Database> database) : database_(std::move(database)) {}
  Result<void> load();
  Result<void> drop_what_does_not_fit(const std::vector<SegmentFile>& segments);
  Result<bool> step(const SegmentFile& file, const SegmentText& text, bool grows);
  Result<void> gather(const SegmentText& text, Row& row, Gathered& out);
  void take_line(Row& row, Gathered& out, std::uint64_t offset, std::string_view line);
  void save(std::uint64_t segment, const Row& row, const Gathered& gathered);
  Result<void> forget(std::uint64_t segment);

  /// with_sqlite(), which remembers that the file is damaged.
  template <class Work>
  auto watched(Work work) -> decltype(work()) {
    auto outcome = with_sqlite(std::move(work));
    if (!outcome && outcome.error().code == Errc::corrupt) damaged_ = true;
    return outcome;
  }

  std::unique_ptr<SQLite::Database> database_;
  bool damaged_ = false;
  std::map<std::uint64_t, Row> rows_;
};

Result<std::unique_ptr<SQLite::Database>> Index::Impl::open_file(const std::filesystem::path& file) {
  const auto folder = file.has_parent_path() ? file.parent_path() : std::filesystem::path(".");
  struct stat around{};
  if (::stat(folder.c_str(), &around) != 0) return errno_error(folder.string(), errno);
  // Whoever may write there can put another file in its place.
  if (around.st_uid != ::geteuid() || (around.st_mode & (S_IWGRP | S_IWOTH)) != 0)
    return Error{Errc::permission_denied,
                 folder.string() + ": must belong to this user, and nobody else may write in it"};
  const FileDescriptor made(
      ::open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, S_IRUSR | S_IWUSR));
  if (!made) return errno_error(file.string(), errno);
  struct stat status{};
  if (::fstat(made.get(), &status) != 0) return errno_error(file.string(), errno);
  // Somebody else's index could leave records out.
  if (status.st_uid != ::geteuid() || (status.st_mode & (S_IRWXG | S_IRWXO)) != 0)
    return Error{Errc::permission_denied, file.string() + ": must belong to this user alone"};
  return with_sqlite([&]() -> Result<std::unique_ptr<SQLite::Database>> {
    auto database = std::make_unique<SQLite::Database>(file.string(), SQLite::OPEN_READWRITE, index_busy_ms);
    database->exec("PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; PRAGMA trusted_schema = OFF");
    const auto layout = database->execAndGet("PRAGMA user_version").getInt();
    if (layout == 0) {
      SQLite::Transaction making(*database, SQLite::TransactionBehavior::IMMEDIATE);
      if (database->execAndGet("PRAGMA user_version").getInt() == 0) {
        database->exec(index_tables);
        database->exec(fmt::format("PRAGMA user_version = {}", index_layout));
      }
      making.commit();
    } else if (layout != index_layout) {
      return Error{Errc::corrupt, "the index of the audit log has another layout"};
    }
    return database;
  });
}

Result<void> Index::Impl::load() {
  return watched([&]() -> Result<void> {
    rows_.clear();
    SQLite::Statement rows(
        *database_,
        "SELECT first, indexed, head, last_at, last, earliest, latest, events, damaged, parts "
        "FROM segment");
    while (rows.executeStep()) {
      Row row;
      const auto first = static_cast<std::uint64_t>(rows.getColumn(0).getInt64());
      row.extent.indexed = static_cast<std::uint64_t>(rows.getColumn(1).getInt64());
      row.head = rows.getColumn(2).getString();
      row.last_at = static_cast<std::uint64_t>(rows.getColumn(3).getInt64());
      row.last = rows.getColumn(4).getString();
      row.extent.earliest = rows.getColumn(5).getString();
      row.extent.latest = rows.getColumn(6).getString();
      const std::string events = rows.getColumn(7).getString();
      for (std::size_t at = 0; at < events.size();) {
        const auto space = std::min(events.find(' ', at), events.size());
        row.extent.events.insert(events.substr(at, space - at));
        at = space + 1;
      }
      row.extent.damaged = static_cast<std::uint64_t>(rows.getColumn(8).getInt64());
      row.parts = rows.getColumn(9).getInt64();
      rows_.emplace(first, std::move(row));
    }
    return {};
  });
}

Result<void> Index::Impl::forget(std::uint64_t segment) {
  rows_.erase(segment);
  return watched([&]() -> Result<void> {
    SQLite::Transaction dropping(*database_, SQLite::TransactionBehavior::IMMEDIATE);
    for (const char* text : {"DELETE FROM part WHERE segment = ?", "DELETE FROM segment WHERE first = ?"}) {
      SQLite::Statement statement(*database_, text);
      statement.bind(1, static_cast<std::int64_t>(segment));
      statement.exec();
    }
    dropping.commit();
    return {};
  });
}

/// A segment fits when its first line and the last one that was read are the ones that were read.
Result<void> Index::Impl::drop_what_does_not_fit(const std::vector<SegmentFile>& segments) {
  std::vector<std::uint64_t> wrong;
  for (const auto& [first, row] : rows_) {
    const auto file = std::ranges::find(segments, first, &SegmentFile::first);
    bool fits = false;
    if (file != segments.end()) {
      const auto text = TRY(SegmentText::open(file->path));
      const auto is = [&](std::uint64_t offset, const std::string& hash) -> Result<bool> {
        const auto line = TRY(text.line_at(offset));
        return !line.empty() && chain_hash(line + "\n") == hash;
      };
      fits = text.end() >= row.extent.indexed && TRY(is(0, row.head))
      &&TRY(is(row.last_at, row.last));
    }
    if (!fits) wrong.push_back(first);
  }
  for (const auto first : wrong) TRY(forget(first));
  return {};
}

void Index::Impl::take_line(Row& row, Gathered& out, std::uint64_t offset, std::string_view line) {
  if (line.size() <= max_line_bytes) {
    out.last_at = offset;
    out.last_line = line;
  }
  if (offset == 0) row.head = chain_hash(std::string(line) + "\n");
  // Most of a line's memory is one piece, given back whole.
  json::monotonic_resource memory;
  boost::system::error_code failure;
  const auto value = json::parse(line, failure, &memory);
  const auto* record = failure ? nullptr : value.if_object();
  const auto* time = record == nullptr ? nullptr : find_string(*record, "time");
  const auto* event = record == nullptr ? nullptr : find_string(*record, "event");
  if (time == nullptr || event == nullptr) {
    ++row.extent.damaged;
    return;
  }
  auto& extent = row.extent;
  if (const std::string_view at(*time); extent.latest.empty() || at < extent.earliest) extent.earliest = at;
  if (const std::string_view at(*time); at > extent.latest) extent.latest = at;
  if (const std::string_view called(*event); !extent.events.contains(called)) {
    // A name that no event has is no reason to grow.
    if (find_event(called) != nullptr) extent.events.emplace(called);
  }
  each_person(*record, [&](std::string_view person) { out.add(person, offset); });
}

Result<void> Index::Impl::gather(const SegmentText& text, Row& row, Gathered& out) {
  const auto enough = row.extent.indexed + step_bytes;
  while (row.extent.indexed < std::min(enough, text.end())) {
    const auto block = TRY(text.from(row.extent.indexed));
    if (block.text.empty()) break;
    each_line(block, false, [&](std::uint64_t offset, std::string_view line) {
      take_line(row, out, offset, line);
      return true;
    });
    row.extent.indexed = block.end;
  }
  return {};
}

void Index::Impl::save(std::uint64_t segment, const Row& row, const Gathered& gathered) {
  SQLite::Transaction saving(*database_, SQLite::TransactionBehavior::IMMEDIATE);
  SQLite::Statement part(*database_, "INSERT INTO part(person, segment, part, offsets) VALUES(?, ?, ?, ?)");
  for (const auto& [person, offsets] : gathered.people) {
    part.bind(1, person);
    part.bind(2, static_cast<std::int64_t>(segment));
    part.bind(3, row.parts);
    part.bind(4, offsets.bytes.data(), static_cast<int>(offsets.bytes.size()));
    part.exec();
    part.reset();
  }
  SQLite::Statement whole(*database_, "INSERT OR REPLACE INTO segment VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
  whole.bind(1, static_cast<std::int64_t>(segment));
  whole.bind(2, static_cast<std::int64_t>(row.extent.indexed));
  whole.bind(3, row.head);
  whole.bind(4, static_cast<std::int64_t>(row.last_at));
  whole.bind(5, row.last);
  whole.bind(6, row.extent.earliest);
  whole.bind(7, row.extent.latest);
  whole.bind(8, fmt::format("{}", fmt::join(row.extent.events, " ")));
  whole.bind(9, static_cast<std::int64_t>(row.extent.damaged));
  whole.bind(10, row.parts + 1);
  whole.exec();
  saving.commit();
}

/// Reads one part of the segment. False: there is nothing to read.
Result<bool> Index::Impl::step(const SegmentFile& file, const SegmentText& text, bool grows) {
  Row row;
  if (const auto known = rows_.find(file.first); known != rows_.end()) row = known->second;
  if (row.extent.indexed >= text.end()) return false;
  if (grows && text.end() - row.extent.indexed < left_to_readers) return false;
  Gathered gathered;
  TRY(gather(text, row, gathered));
  if (gathered.last_line.empty()) return false;
  row.last_at = gathered.last_at;
  row.last = chain_hash(gathered.last_line + "\n");
  TRY(watched([&]() -> Result<void> {
    save(file.first, row, gathered);
    return {};
  }));
  ++row.parts;
  rows_[file.first] = std::move(row);
  return true;
}

Result<std::unique_ptr<Index>> Index::open(const std::filesystem::path& file) {
  for (const bool again : {false, true}) {
    auto database = Impl::open_file(file);
    if (database) {
      auto impl = std::make_unique<Impl>(std::move(*database));
      const auto loaded = impl->load();
      if (loaded) return std::unique_ptr<Index>(new Index(std::move(impl)));
      database = loaded.error();
    }
    if (again || database.error().code != Errc::corrupt) return database.error();
    for (const char* suffix : {"", "-wal", "-shm"}) ::unlink((file.string() + suffix).c_str());
  }
  return Error{Errc::internal, "the index of the audit log"};
}

Index::Index(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Index::~Index() = default;

Result<Index::Progress> Index::catch_up(const std::filesystem::path& log,
                                        const std::function<bool(Progress)>& go_on) {
  const auto segments = TRY(list_segments(log));
  if (segments.empty()) return Error{Errc::not_found, fmt::format("{}: no audit log here", log.string())};
  TRY(impl_->load());  // another program may have read on
  TRY(impl_->drop_what_does_not_fit(segments));
  Progress progress;
  for (const auto& file : segments) {
    std::error_code ignored;
    progress.of += std::filesystem::file_size(file.path, ignored);
    if (const auto* known = extent(file.first)) progress.done += known->indexed;
  }
  for (const auto& file : segments) {
    const auto text = TRY(SegmentText::open(file.path));
    const bool grows = &file == &segments.back();
    const auto* before = extent(file.first);
    auto known = before == nullptr ? 0 : before->indexed;
    while (TRY(impl_->step(file, text, grows))) {
      progress.done += extent(file.first)->indexed - known;
      known = extent(file.first)->indexed;
      if (!go_on(progress)) return progress;
    }
  }
  progress.of = progress.done;
  return progress;
}

const Index::Extent* Index::extent(std::uint64_t segment) const {
  const auto found = impl_->rows_.find(segment);
  return found == impl_->rows_.end() ? nullptr : &found->second.extent;
}

Result<std::vector<std::uint64_t>> Index::lines_of(std::string_view person, std::uint64_t segment) const {
  return impl_->watched([&]() -> Result<std::vector<std::uint64_t>> {
    std::vector<std::uint64_t> out;
    SQLite::Statement parts(*impl_->database_,
                            "SELECT offsets FROM part WHERE person = ? AND segment = ? ORDER BY part");
    parts.bind(1, std::string(person));
    parts.bind(2, static_cast<std::int64_t>(segment));
    while (parts.executeStep()) {
      const auto column = parts.getColumn(0);
      const std::string_view bytes(static_cast<const char*>(column.getBlob()),
                                   static_cast<std::size_t>(column.getBytes()));
      if (!read_offsets(bytes, out)) return Error{Errc::corrupt, "the index of the audit log is damaged"};
    }
    return out;
  });
}

bool Index::damaged() const {
  return impl_->damaged_;
}

Result<void> Index::forget(std::uint64_t segment) {
  return impl_->forget(segment);
}

}  // namespace cardgate::audit
