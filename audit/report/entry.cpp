// SPDX-License-Identifier: Apache-2.0
#include "audit/report/entry.hpp"

#include <unordered_map>

#include "audit/line.hpp"
#include "audit/scan.hpp"
#include "base/number.hpp"

namespace cardgate::audit::report {
namespace {

constexpr std::size_t details_room = 32UL << 10;

/// The table's own search walks through all of it.
const EventInfo* event_named(std::string_view text) {
  static const auto by_name = [] {
    std::unordered_map<std::string_view, const EventInfo*> out;
    for (const auto& each : events()) {
      if (each.is_recorded()) out.emplace(each.name, &each);
    }
    return out;
  }();
  const auto found = by_name.find(text);
  return found == by_name.end() ? nullptr : found->second;
}

int digits(std::string_view text, std::size_t at, std::size_t count) {
  int out = 0;
  for (std::size_t i = at; i < at + count; ++i) out = out * 10 + (text[i] - '0');
  return out;
}

/// Of a time that scan_line() took.
std::optional<WallTime> quick_time(std::string_view text) {
  const Date day{std::chrono::year(digits(text, 0, 4)),
                 std::chrono::month(static_cast<unsigned>(digits(text, 5, 2))),
                 std::chrono::day(static_cast<unsigned>(digits(text, 8, 2)))};
  if (!day.ok()) return std::nullopt;
  return std::chrono::sys_days(day) + std::chrono::hours(digits(text, 11, 2)) +
         std::chrono::minutes(digits(text, 14, 2)) + seconds(digits(text, 17, 2)) +
         milliseconds(digits(text, 20, 3));
}

/// False: it is not as the writer writes it, or has an escaped character; then it is read as any JSON.
bool read_quickly(std::string_view line, Entry& out) {
  const auto pieces = scan_line(line);
  if (!pieces) return false;
  for (const auto text :
       {pieces->person, pieces->role, pieces->client, pieces->session, pieces->reason, pieces->policy}) {
    if (text.find('\\') != std::string_view::npos) return false;
  }
  const auto time = quick_time(pieces->time);
  if (!time) return false;
  out.seq = pieces->sequence;
  out.time = *time;
  out.event = pieces->event;
  out.person = pieces->person;
  out.role = pieces->role;
  out.client = pieces->client;
  out.session = pieces->session;
  out.reason = pieces->reason;
  out.policy = pieces->policy;
  out.raw_details = pieces->details;
  return true;
}

}  // namespace

EntryReader::EntryReader()
    : room_(std::make_unique<unsigned char[]>(details_room)), memory_(room_.get(), details_room) {}

Result<Entry> EntryReader::read(std::string_view line) {
  details_ = nullptr;
  Entry out;
  if (!read_quickly(line, out)) out = TRY(read_slowly(line));
  out.info = event_named(out.event);
  out.reader = this;
  return out;
}

Result<Entry> EntryReader::read_slowly(std::string_view line) {
  auto parsed = TRY(parse_line(line));
  slow_ = std::move(parsed.object);
  const auto view = [&](std::string_view key) {
    const auto* found = find_string(slow_, key);
    return found == nullptr ? std::string_view() : std::string_view(*found);
  };
  Entry out;
  out.seq = parsed.sequence;
  out.time = TRY(parse_rfc3339(parsed.time));
  out.event = view("event");
  out.person = view("person");
  out.role = view("role");
  out.client = view("client");
  out.session = view("session");
  out.reason = view("reason");
  out.policy = view("policy");
  if (const auto* details = find_object(slow_, "details")) {
    slow_details_ = json::serialize(*details);
    out.raw_details = slow_details_;
  }
  return out;
}

const json::object& EntryReader::details_of(std::string_view raw) {
  static const json::object nothing;
  if (details_ != nullptr) return *details_;
  details_ = &nothing;
  if (raw.empty()) return nothing;
  parsed_ = nullptr;
  // What the value held is let go first: it lies in this memory.
  std::destroy_at(&parsed_);
  memory_.release();
  boost::system::error_code failed;
  std::construct_at(&parsed_, json::parse(raw, failed, &memory_));
  if (!failed && parsed_.is_object()) details_ = &parsed_.get_object();
  return *details_;
}

const json::object& Entry::details() const {
  return reader->details_of(raw_details);
}

std::string_view Entry::text(std::string_view key) const {
  const auto* found = find_string(details(), key);
  return found == nullptr ? std::string_view() : std::string_view(*found);
}

std::optional<std::int64_t> Entry::number(std::string_view key) const {
  const auto* found = details().if_contains(key);
  if (found == nullptr) return std::nullopt;
  if (const auto* text_of_it = found->if_string()) return whole_number<std::int64_t>(*text_of_it);
  boost::system::error_code failed;
  const auto number_of_it = found->to_number<std::int64_t>(failed);
  if (failed) return std::nullopt;
  return number_of_it;
}

bool Entry::flag(std::string_view key) const {
  const auto* found = details().if_contains(key);
  return found != nullptr && found->is_bool() && found->get_bool();
}

std::optional<std::int64_t> uid_of(const Entry& entry) {
  if (const auto uid = entry.number("uid")) return uid;
  auto peer = entry.text("peer");
  if (!peer.starts_with("uid=")) return std::nullopt;
  peer.remove_prefix(4);
  return whole_number<std::int64_t>(peer.substr(0, peer.find(' ')));
}

}  // namespace cardgate::audit::report
