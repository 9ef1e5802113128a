// SPDX-License-Identifier: Apache-2.0
#include "audit/search.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "audit/layout.hpp"
#include "audit/line.hpp"
#include "audit/people_in.hpp"
#include "audit/segment_text.hpp"

namespace cardgate::audit {
namespace {

constexpr std::size_t max_damage_told = 20;

class Searching {
 public:
  Searching(const Search& ask, Index* index, const std::function<bool()>& go_on)
      : ask_(ask), index_(index), go_on_(go_on) {}

  Result<FoundPage> run(const std::filesystem::path& log);

 private:
  // Each returns false when the page is full, or enough was read.
  Result<bool> segment(const SegmentFile& file);
  Result<bool> indexed_part(const SegmentText& text, const std::vector<std::uint64_t>& offsets);
  Result<bool> stretch(const SegmentText& text, std::uint64_t begin, std::uint64_t end);
  bool line(std::uint64_t offset, std::string_view text);

  /// Whether nothing of it can be asked for, by what the index knows.
  bool passes_over(const Index::Extent& extent) const;
  Result<std::uint64_t> end_before(const SegmentText& text) const;
  void damaged(std::uint64_t offset, std::string what);
  /// A page comes at least one record further, or nobody would ever get past a long stretch of damage.
  bool enough() { return reached_ != begun_ && (page_.read >= ask_.max_bytes || !go_on_()); }

  const Search& ask_;
  Index* index_;
  const std::function<bool()>& go_on_;
  std::string name_;           // of the segment that is read
  std::uint64_t reached_ = 0;  // the number of the last line that was looked at
  std::uint64_t begun_ = 0;    // where that began
  bool over_ = false;          // nothing that follows can be asked for
  bool full_ = false;
  FoundPage page_;
};

void Searching::damaged(std::uint64_t offset, std::string what) {
  ++page_.damaged;
  if (page_.damage.size() < max_damage_told) page_.damage.push_back({name_, offset, std::move(what)});
}

bool Searching::line(std::uint64_t offset, std::string_view text) {
  const auto number = sequence_in(text);
  if (number) {
    // The numbers follow one another, so the first one on the far side ends it.
    if (ask_.newest_first ? *number <= ask_.after : ask_.before != 0 && *number >= ask_.before) {
      over_ = true;
      return false;
    }
    if (ask_.newest_first ? ask_.before != 0 && *number >= ask_.before : *number <= ask_.after) return true;
    reached_ = *number;
    page_.highest = std::max(page_.highest, *number);
    if (!ask_.filter.may_fit(text) && offset != 0) return true;
  }
  auto value = parse_json(text, max_line_bytes);
  auto* record = value ? value->if_object() : nullptr;
  if (!number || record == nullptr || find_string(*record, "time") == nullptr ||
      find_string(*record, "event") == nullptr) {
    damaged(offset, value ? "is no record" : value.error().context);
    return true;
  }
  if (offset == 0) {
    const auto* details = find_object(*record, "details");
    const auto* format = details == nullptr ? nullptr : details->if_contains("format");
    if (format != nullptr && format->is_int64() && format->get_int64() > format_version) {
      damaged(offset,
              fmt::format("was written by a newer cardgate (format {}; this one knows {}), so some of it may "
                          "not be shown rightly",
                          format->get_int64(), format_version));
    }
  }
  if (!ask_.filter.fits(*record)) return true;
  if (page_.records.size() >= ask_.limit) {
    full_ = true;
    return false;
  }
  page_.records.push_back({*number, std::string(text), std::move(*record)});
  return true;
}

Result<bool> Searching::stretch(const SegmentText& text, std::uint64_t begin, std::uint64_t end) {
  while (begin < end && !over_ && !full_) {
    auto block = TRY(ask_.newest_first ? text.before(end) : text.from(begin));
    if (block.text.empty()) break;
    // A block may reach over the other end of what is asked for.
    if (ask_.newest_first && block.begin < begin) {
      block.text.erase(0, begin - block.begin);
      block.begin = begin;
    }
    if (!ask_.newest_first && block.end > end && block.begin + block.text.size() > end)
      block.text.resize(end - block.begin);
    page_.read += block.text.size();
    each_line(block, ask_.newest_first,
              [&](std::uint64_t offset, std::string_view each) { return line(offset, each); });
    (ask_.newest_first ? end : begin) = ask_.newest_first ? block.begin : block.end;
    if (enough()) return false;
  }
  return !full_;
}

Result<bool> Searching::indexed_part(const SegmentText& text, const std::vector<std::uint64_t>& offsets) {
  const auto one = [&](std::uint64_t offset) -> Result<bool> {
    const auto found = TRY(text.line_at(offset));
    page_.read += found.size();
    const auto value = parse_json(found, max_line_bytes);
    const auto* record = value ? value->if_object() : nullptr;
    if (record == nullptr || !names(*record, ask_.filter.person))
      return Error{Errc::corrupt, "the index does not fit the log"};
    return line(offset, found) && !enough();
  };
  if (ask_.newest_first) {
    for (auto at = offsets.rbegin(); at != offsets.rend(); ++at) {
      if (!TRY(one(*at))) return false;
    }
  } else {
    for (const auto offset : offsets) {
      if (!TRY(one(offset))) return false;
    }
  }
  return true;
}

bool Searching::passes_over(const Index::Extent& extent) const {
  const auto& filter = ask_.filter;
  return (!filter.from.empty() && extent.latest < filter.from) ||
         (!filter.before.empty() && extent.earliest >= filter.before) ||
         (!filter.event.empty() && !extent.events.contains(filter.event));
}

/// Where the lines end whose number is lower than `ask_.before`.
Result<std::uint64_t> Searching::end_before(const SegmentText& text) const {
  if (ask_.before == 0) return text.end();
  const auto offset = TRY(text.offset_of(ask_.before));
  if (offset == text.end()) return offset;
  // In a damaged segment it may be too early.
  const auto there = TRY(text.line_at(offset));
  return sequence_in(there) == ask_.before ? offset : text.end();
}

Result<bool> Searching::segment(const SegmentFile& file) {
  name_ = file.path.filename().string();
  const auto text = TRY(SegmentText::open(file.path));
  const auto begin = ask_.after == 0 ? 0 : TRY(text.offset_of(ask_.after + 1));
  const auto end = TRY(end_before(text));
  const auto* extent = index_ == nullptr ? nullptr : index_->extent(file.first);
  if (extent == nullptr) return stretch(text, begin, end);

  const auto known = std::min(extent->indexed, text.end());
  std::vector<std::uint64_t> offsets;
  const bool passed = passes_over(*extent);
  if (extent->damaged > 0) {
    // Read whole, so that it can be said what is damaged.
    return stretch(text, begin, end);
  }
  if (!passed) {
    if (ask_.filter.person.empty()) return stretch(text, begin, end);
    auto found = index_->lines_of(ask_.filter.person, file.first);
    if (!found) return stretch(text, begin, end);
    offsets = std::move(*found);
    std::erase_if(offsets,
                  [&](std::uint64_t offset) { return offset < begin || offset >= std::min(end, known); });
  }
  const auto records = page_.records.size();
  const auto tail = [&] { return stretch(text, std::max(begin, known), end); };
  if (ask_.newest_first && !TRY(tail())) return false;
  const auto by_index = indexed_part(text, offsets);
  if (!by_index && by_index.error().code == Errc::corrupt) {
    page_.records.resize(std::min(records, page_.records.size()));
    full_ = over_ = false;
    static_cast<void>(index_->forget(file.first));  // it is read without, whatever becomes of it
    return stretch(text, begin, end);
  }
  if (!by_index) return by_index.error();
  if (!*by_index) return false;
  // The index says that nothing else up to there is asked for.
  return ask_.newest_first ? Result<bool>(true) : tail();
}

Result<FoundPage> Searching::run(const std::filesystem::path& log) {
  TRY(check(ask_.filter));
  auto segments = TRY(list_segments(log));
  if (segments.empty()) return Error{Errc::not_found, fmt::format("{}: no audit log here", log.string())};
  if (ask_.newest_first) std::ranges::reverse(segments);
  reached_ = begun_ = ask_.newest_first ? ask_.before : ask_.after;
  for (std::size_t i = 0; i < segments.size(); ++i) {
    const auto& file = segments[i];
    if (ask_.newest_first) {
      if (ask_.before != 0 && file.first >= ask_.before) continue;
      // All of it, and of those before it, is not newer than what is asked for.
      if (i > 0 && segments[i - 1].first <= ask_.after + 1) break;
    } else {
      if (i + 1 < segments.size() && segments[i + 1].first <= ask_.after + 1) continue;
      if (ask_.before != 0 && file.first >= ask_.before) break;
    }
    auto goes_on = segment(file);
    // Retention may take the oldest away while it is read.
    if (!goes_on && goes_on.error().code == Errc::not_found) continue;
    if (!goes_on) return goes_on.error();
    const bool more = *goes_on;
    if (over_) break;
    // Numbers of this segment that were not looked at, because they could not be asked for.
    if (more) {
      reached_ = ask_.newest_first         ? file.first
                 : i + 1 < segments.size() ? segments[i + 1].first - 1
                                           : reached_;
      if (i + 1 < segments.size() && enough()) {
        page_.next = reached_;
        break;
      }
      continue;
    }
    // What did not fit any more is the first of the next page.
    page_.next = full_ ? page_.records.back().sequence : reached_;
    break;
  }
  return std::move(page_);
}

}  // namespace

Result<FoundPage> search(const std::filesystem::path& log, const Search& ask, Index* index,
                         const std::function<bool()>& go_on) {
  return Searching(ask, index, go_on).run(log);
}

}  // namespace cardgate::audit
