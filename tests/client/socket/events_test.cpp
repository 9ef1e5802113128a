// SPDX-License-Identifier: Apache-2.0
#include "client/socket/events.hpp"

#include <gtest/gtest.h>

#include <vector>

namespace cardgate::client {
namespace {

constexpr std::string_view stream =
    ": listening\n\n"
    "id: 1\nevent: card\ndata: {\"kind\":\"inserted\"}\n\n"
    "event: session\r\ndata: {\r\ndata: }\r\n\r\n"
    "event: nothing\n\n"
    "data:bare\n\n"
    "data: cut";

std::vector<std::pair<std::string, std::string>> read_in_pieces(std::size_t size) {
  EventParser parser;
  std::vector<std::pair<std::string, std::string>> out;
  for (std::size_t i = 0; i < stream.size(); i += size) {
    const auto fed = parser.feed(stream.substr(i, size), [&](const Event& event) {
      out.emplace_back(event.name, event.data);
      return true;
    });
    EXPECT_TRUE(fed && *fed);
  }
  return out;
}

TEST(EventParser, ReadsTheSameInPiecesOfAnySize) {
  const std::vector<std::pair<std::string, std::string>> expected{
      {"card", "{\"kind\":\"inserted\"}"}, {"session", "{\n}"}, {"message", "bare"}};
  for (std::size_t size = 1; size <= stream.size(); ++size) EXPECT_EQ(read_in_pieces(size), expected) << size;
}

TEST(EventParser, StopsWhenToldTo) {
  EventParser parser;
  int count = 0;
  const auto fed = parser.feed("data: 1\n\ndata: 2\n\n", [&](const Event&) {
    ++count;
    return false;
  });
  ASSERT_TRUE(fed);
  EXPECT_FALSE(*fed);
  EXPECT_EQ(count, 1);
}

TEST(EventParser, RefusesAnEventWithoutEnd) {
  EventParser parser;
  const auto nothing = [](const Event&) { return true; };
  EXPECT_FALSE(parser.feed("data: " + std::string(EventParser::max_event_bytes, 'x'), nothing));
  EventParser lines;
  std::string many;
  for (std::size_t i = 0; i <= EventParser::max_event_bytes / 4; ++i) many += "data: xxxx\n";
  EXPECT_FALSE(lines.feed(many, nothing));
}

}  // namespace
}  // namespace cardgate::client
