// SPDX-License-Identifier: Apache-2.0
// Where the records come from that people look at: the log's own files (root, or a copy of a log), or the service, under the
// person's own session. One thread.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "audit/search.hpp"
#include "audit/sentence.hpp"
#include "base/calendar.hpp"
#include "client/command/cli.hpp"
#include "proto/problem.hpp"

namespace cardgate::client {

/// As they were written on the command line.
struct RecordAsk {
  std::string directory;  // empty: where the log is on this machine
  bool service = false;   // ask the service, though root could read the files
  std::string session;    // of who asks
  std::string index;      // a file; empty: as `use_index` says
  bool use_index = true;
  bool own_lines = false;  // also checkpoints and headers of segments

  std::string person, role, client, event, outcome, reason, of_session, from, to;
};

struct ShownPage {
  std::vector<json::object> records;
  std::vector<std::string> lines;   // of each, where the files were read
  std::optional<std::string> next;  // nothing: that was all
  std::uint64_t highest = 0;
  std::vector<std::string> damage;  // for people
};

/// Where a page begins.
struct PageAt {
  bool newest_first = false;
  std::string cursor;       // `next` of the page before; empty: from the beginning
  std::size_t limit = 200;  // records
};

class RecordSource {
 public:
  virtual ~RecordSource() = default;
  /// A page; `refusal` is set where the service refuses. Errors: as audit::search(), or as call().
  virtual Result<ShownPage> page(const PageAt& at) = 0;
  /// Waits until there may be more. Errors: io.
  virtual Result<void> wait() = 0;

  /// Whose clocks the records are shown by.
  Calendar calendar;
  std::optional<proto::Problem> refusal;
  /// What people and roles are called, as far as that is known.
  audit::Speaker speaker() const;

 protected:
  std::map<std::string, std::string, std::less<>> people_, roles_;
};

/// Errors: invalid_argument (in words for people: a time that is none, a time that ends before it begins, ...).
Result<std::unique_ptr<RecordSource>> open_records(const Cli& cli, const RecordAsk& ask);

/// Whether that asks the service, and not the files.
bool asks_service(const RecordAsk& ask);

/// Says what failed, and gives the exit code.
int say_unread(const Cli& cli, const RecordSource& source, const Error& error);
/// Says what could not be read, on stderr, each once.
class DamageTeller {
 public:
  void tell(const ShownPage& page);
  bool any() const { return any_; }

 private:
  std::map<std::string, bool> told_;
  bool any_ = false;
};

}  // namespace cardgate::client
