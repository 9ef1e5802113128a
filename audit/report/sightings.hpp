// SPDX-License-Identifier: Apache-2.0
// Which sessions are open, with which card, at which place, as the records tell it. Bounded; one thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "audit/report/entry.hpp"
#include "audit/report/tally.hpp"

namespace cardgate::audit::report {

struct Sighting {
  std::string person, card, place;  // the reader; by password the program and its uid
  std::string session;
  std::int64_t uid = -1;
  WallTime begun{}, used{};  // used: by its person, as far as the records show
  std::uint64_t record = 0, last_record = 0;
  std::optional<WallTime> locked;  // since when it is, by itself, with the card in
  std::uint64_t lock_record = 0;
  bool active = true;  // not locked, and its card is in
  bool by_card() const { return !card.empty(); }
};

class Sightings {
 public:
  /// Follows the record. Call it after looking at how things stood before it.
  void take(const Entry& entry);
  const Sighting* session(std::string_view id) const;
  /// Open ones of that card or person, other than `but`.
  std::vector<const Sighting*> of_card(std::string_view card, std::string_view but) const;
  std::vector<const Sighting*> of_person(std::string_view person, std::string_view but) const;
  std::uint64_t left_out() const { return left_out_; }

 private:
  static constexpr std::size_t most_sessions = 200'000;
  void open(const Entry& entry);
  void close(std::string_view id);
  using Sessions = TextMap<std::vector<std::string>>;
  std::vector<const Sighting*> of(const Sessions& index, std::string_view key, std::string_view but) const;

  TextMap<Sighting> open_;
  Sessions by_card_, by_person_;
  std::uint64_t left_out_ = 0;
};

/// The last characters of a card's number: enough to tell two cards of one person apart.
std::string short_card(std::string_view card);
/// Where a sign-in was made.
std::string place_of(const Entry& sign_in);

}  // namespace cardgate::audit::report
