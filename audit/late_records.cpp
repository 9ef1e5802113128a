// SPDX-License-Identifier: Apache-2.0
#include "audit/late_records.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "base/crypto.hpp"

namespace cardgate::audit {
namespace {

constexpr std::string_view id_member = "\"late_id\":\"";

/// Is this the body of a record, as encode_late() makes it? The file is ours, but its disk may be bad.
bool is_body(const std::string& text) {
  const auto parsed = parse_json("{" + text + "}");
  if (!parsed || !parsed->is_object()) return false;
  const auto* event = find_string(parsed->get_object(), "event");
  return event != nullptr && find_event(*event) != nullptr;
}

/// `"late_id":"..."`: a piece that no other line has.
std::string_view mark_of(std::string_view body) {
  const auto begin = body.rfind(id_member);
  if (begin == std::string_view::npos) return {};
  const auto end = body.find('"', begin + id_member.size());
  return end == std::string_view::npos ? std::string_view() : body.substr(begin, end + 1 - begin);
}

}  // namespace

std::string encode_late(Record record, WallTime happened, std::string_view late_id) {
  const auto mark = [&] {
    record.details["late"] = true;
    record.details["happened"] = to_rfc3339(happened);
    record.details["late_id"] = late_id;
  };
  mark();
  std::string body = encode_unchecked(record);
  if (!body.ends_with("\"details\":{\"cut\":true}")) return body;
  record.details = {{"cut", true}};
  mark();
  return encode_unchecked(record);
}

LateRecords::LateRecords(const std::filesystem::path& file, std::size_t bytes) : bytes_(bytes) {
  if (file.empty()) return;
  auto reserve = Reserve::open(file, bytes);
  if (!reserve) {
    problem_ = reserve.error().context;
    return;
  }
  std::size_t damaged = reserve->damaged();
  for (auto& line : reserve->take_lines()) {
    if (!is_body(line)) {
      ++damaged;
      continue;
    }
    held_ += line.size();
    waiting_.push_back(std::move(line));
  }
  problem_ = reserve->warning();
  if (damaged > 0) problem_ = fmt::format("{}: {} lines are damaged or were cut off", file.string(), damaged);
  reserve_.emplace(std::move(*reserve));
}

std::vector<Kept> LateRecords::keep(const std::vector<Item>& items) {
  std::vector<Kept> where(items.size(), Kept::nowhere);
  std::vector<std::string> bodies;
  for (std::size_t i = 0; i < items.size(); ++i) {
    std::string body = encode_late(items[i].record, items[i].happened, random_id());
    const std::size_t room = items[i].keep == Keep::always ? bytes_ : bytes_ / 2;
    if (held_ + body.size() > room) {
      ++lost_[items[i].record.event];
      continue;
    }
    where[i] = Kept::in_memory;
    held_ += body.size();
    bodies.push_back(std::move(body));
  }
  if (reserve_ && !bodies.empty()) {
    const auto kept = reserve_->append(bodies);
    if (kept) std::ranges::replace(where, Kept::in_memory, Kept::in_reserve);
    problem_ = kept ? reserve_->warning() : kept.error().context;
  }
  unsafe_ += static_cast<std::size_t>(std::ranges::count(where, Kept::in_memory));
  std::ranges::move(bodies, std::back_inserter(waiting_));
  return where;
}

void LateRecords::written(std::size_t count) {
  for (; count > 0 && !waiting_.empty(); --count) {
    held_ -= waiting_.front().size();
    waiting_.pop_front();
  }
  if (!waiting_.empty()) return;
  unsafe_ = 0;
  if (!reserve_ || reserve_->used() == 0) return;
  const auto cleared = reserve_->clear();
  problem_ = cleared ? reserve_->warning() : cleared.error().context;
}

void LateRecords::drop_written(std::string_view segment) {
  const auto stands_there = [&](const std::string& body) {
    const auto mark = mark_of(body);
    // From the end, where they are if they are there.
    return !mark.empty() && segment.rfind(mark) != std::string_view::npos;
  };
  const auto first = std::ranges::find_if_not(waiting_, stands_there);
  written(static_cast<std::size_t>(first - waiting_.begin()));
}

}  // namespace cardgate::audit
