// SPDX-License-Identifier: Apache-2.0
// One line of the log as a report reads it: taken apart quickly, its details only when somebody asks for them. Ten million of them
// are a day's work of a large trust, so nothing is allocated for an ordinary one. One thread.
#pragma once

#include <boost/json/monotonic_resource.hpp>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "audit/event.hpp"
#include "base/clock.hpp"
#include "base/json.hpp"
#include "base/result.hpp"

namespace cardgate::audit::report {

class EntryReader;

/// Its texts live until the next line is read.
struct Entry {
  std::uint64_t seq = 0;
  WallTime time{};
  const EventInfo* info = nullptr;  // nothing: an event that this version does not know
  std::string_view event, person, role, client, session, reason, policy;
  std::string_view raw_details;  // JSON, or empty
  EntryReader* reader = nullptr;

  bool is(Event wanted) const { return info != nullptr && info->event == wanted; }
  /// A record that takes back what was recorded before it was done.
  bool takes_back() const { return reason.starts_with("not done:"); }
  const json::object& details() const;
  /// A member of the details; empty when it is not there or no text.
  std::string_view text(std::string_view key) const;
  /// A number of the details, also of text that is one.
  std::optional<std::int64_t> number(std::string_view key) const;
  bool flag(std::string_view key) const;
};

class EntryReader {
 public:
  EntryReader();
  /// `line` without its newline must live as long as the entry is used. Errors: as parse_line().
  Result<Entry> read(std::string_view line);

 private:
  friend struct Entry;
  const json::object& details_of(std::string_view raw);
  Result<Entry> read_slowly(std::string_view line);

  std::unique_ptr<unsigned char[]> room_;
  boost::json::monotonic_resource memory_;
  const json::object* details_ = nullptr;  // of the last line, once somebody asked
  json::value parsed_;
  json::object slow_;  // the last line, when it was read slowly
  std::string slow_details_;
};

/// The uid in what a peer is described as: "uid=1000 pid=77 ...".
std::optional<std::int64_t> uid_of(const Entry& entry);

}  // namespace cardgate::audit::report
