// SPDX-License-Identifier: Apache-2.0
#include "audit/record.hpp"

#include <gtest/gtest.h>

#include <limits>
#include <set>

#include "base/bytes.hpp"

namespace cardgate::audit {
namespace {

json::object parsed(const Record& record) {
  const auto body = encode(record);
  EXPECT_TRUE(body) << body.error().message();
  const auto value = parse_json("{" + *body + "}");
  EXPECT_TRUE(value) << *body << value.error().message();
  return value->as_object();
}

TEST(AuditRecord, LeavesOutWhatIsEmpty) {
  EXPECT_EQ(*encode({.event = "stop", .reason = "asked"}), R"("event":"stop","reason":"asked")");
}

TEST(AuditRecord, EscapesWhatWouldBreakTheLine) {
  const auto object = parsed({.event = "incident",
                              .person = "Ann \"A\" \\ Example",
                              .reason = "two\nlines\x01\x7f\xff end",
                              .details = {{"name", "Zo\xC3\xAB\r\xE2\x80\xAE"}}});
  EXPECT_EQ(object.at("person"), "Ann \"A\" \\ Example");
  EXPECT_EQ(object.at("reason"), "two\\x0Alines\\x01\\x7F\\xFF end");
  EXPECT_EQ(object.at("details").at("name"), "Zo\u00EB\\x0D\\u202E");
}

TEST(AuditRecord, CutsLongTextBetweenCharacters) {
  const auto object = parsed(
      {.event = "incident", .person = std::string(512, 'a'), .reason = std::string(511, 'b') + "\u00EB"});
  EXPECT_EQ(object.at("person").as_string().size(), 512U);
  const auto reason = std::string(object.at("reason").as_string());
  EXPECT_LE(reason.size(), 512U);
  EXPECT_TRUE(reason.ends_with("b\u2026"));
  for (std::size_t size = 500; size < 530; ++size) {
    std::string text(size % 3, 'x');
    while (text.size() < size) text += "\u20AC";
    EXPECT_LE(clean(text).size(), 512U);
    EXPECT_TRUE(is_plain_utf8(clean(text)));
  }
}

TEST(AuditRecord, ReplacesDetailsThatGrowWithoutBound) {
  json::object deep;
  for (int i = 0; i < 30; ++i) deep = json::object{{"a", deep}};
  for (const json::object& details :
       {json::object{{"list", json::array(100000, 1)}}, deep, json::object{{std::string(100, 'k'), 1}},
        json::object{{"bad\nkey", 1}},
        json::object{{"l", json::array(50, json::value(std::string(200, 'x')))}}}) {
    const auto object = parsed({.event = "incident", .details = details});
    EXPECT_EQ(object.at("details"), json::value({{"cut", true}}));
  }
}

TEST(AuditRecord, KeepsEveryKindOfValue) {
  const json::object details = {{"n", nullptr},
                                {"b", true},
                                {"i", -5},
                                {"u", std::numeric_limits<std::int64_t>::max()},
                                {"d", 0.5},
                                {"a", {1, "x", json::array()}},
                                {"o", json::object()}};
  EXPECT_EQ(parsed({.event = "incident", .details = details}).at("details"), json::value(details));
  const json::object odd = {{"d", std::numeric_limits<double>::infinity()}};
  EXPECT_TRUE(parsed({.event = "incident", .details = odd}).at("details").at("d").is_null());
}

TEST(AuditRecord, TakesOnlyEventsOfTheTable) {
  EXPECT_EQ(encode({.event = "made_up"}).error().code, Errc::invalid_argument);
  EXPECT_EQ(encode({}).error().code, Errc::invalid_argument);
  for (const char* internal : {"segment", "checkpoint", "retention", "healed", "start_refused"}) {
    EXPECT_EQ(encode({.event = internal}).error().code, Errc::invalid_argument) << internal;
  }
  std::set<std::string_view> names;
  for (const auto& event : events()) EXPECT_TRUE(names.insert(event.name).second) << event.name;
}

}  // namespace
}  // namespace cardgate::audit
