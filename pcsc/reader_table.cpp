// SPDX-License-Identifier: Apache-2.0
#include "pcsc/reader_table.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace cardgate::pcsc {
namespace {

ReaderEvent event(ReaderEvent::Kind kind, const std::string& reader) {
  ReaderEvent news;
  news.kind = kind;
  news.reader = reader;
  news.why = Error(Errc::ok);
  return news;
}

}  // namespace

void ReaderTable::remove_card(const std::string& reader, Entry& entry, Events& events) {
  if (entry.insertion == 0) return;
  events.push_back(event(ReaderEvent::Kind::card_removed, reader));
  events.back().insertion = std::exchange(entry.insertion, 0);
}

ReaderTable::Events ReaderTable::set_readers(const std::vector<std::string>& names) {
  Events events;
  for (auto it = readers_.begin(); it != readers_.end();) {
    if (std::find(names.begin(), names.end(), it->first) != names.end()) {
      ++it;
      continue;
    }
    remove_card(it->first, it->second, events);
    events.push_back(event(ReaderEvent::Kind::reader_removed, it->first));
    it = readers_.erase(it);
  }
  for (const std::string& name : names)
    if (readers_.try_emplace(name).second) events.push_back(event(ReaderEvent::Kind::reader_added, name));
  return events;
}

ReaderTable::Events ReaderTable::observe(const std::string& reader, const ReaderState& state) {
  Events events;
  const auto found = readers_.find(reader);
  if (found == readers_.end()) return events;
  Entry& entry = found->second;
  if (!state.present) {  // a reader that cannot be talked to counts as empty: nobody can say that the card is
                         // still there
    remove_card(reader, entry, events);
    return events;
  }
  // Same counter: the same insertion. Then its ATR may still have changed (cold and warm reset differ on some
  // cards) and it may have fallen silent, neither of which is a removal; but one that only now wakes up can
  // be used only now.
  const bool woke = entry.mute && !state.mute;
  if (entry.insertion != 0 && entry.counter == state.counter && !woke) return events;
  remove_card(reader, entry, events);
  entry = Entry{++last_insertion_, state.counter, state.mute};
  events.push_back(event(ReaderEvent::Kind::card_inserted, reader));
  events.back().insertion = entry.insertion;
  events.back().atr = state.atr;
  events.back().mute = state.mute;
  return events;
}

ReaderTable::Events ReaderTable::clear() {
  return set_readers({});
}

}  // namespace cardgate::pcsc
