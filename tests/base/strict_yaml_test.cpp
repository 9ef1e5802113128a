// SPDX-License-Identifier: Apache-2.0
#include "base/strict_yaml.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <ctime>

#include "base/yaml_json.hpp"

namespace cardgate {
namespace {

std::string refusal(std::string_view text) {
  const auto parsed = Yaml::parse(text, "f.yaml");
  return parsed ? "" : parsed.error().context;
}

TEST(StrictYaml, NamesFileLineAndKeyOfWhatItRefuses) {
  EXPECT_EQ(refusal("a: 1\nb:\n  c: 2\n  c: 3\n"), "f.yaml:4: b.c: stands twice (first on line 3)");
  EXPECT_NE(refusal("a: [1\n").find("f.yaml:2: not valid YAML"), std::string::npos) << refusal("a: [1\n");
  EXPECT_NE(refusal("a: &x 1\nb: *x\n").find("aliases"), std::string::npos);
  EXPECT_NE(refusal("a: 1\n---\nb: 1\n").find("second document"), std::string::npos);
  EXPECT_NE(refusal("[a]: 1\n").find("a key must be a plain word"), std::string::npos);
  EXPECT_NE(refusal("a: " + std::string(40, '[') + std::string(40, ']')).find("nested too deeply"),
            std::string::npos);
}

TEST(StrictYaml, ReadsTypesAndRefusesOthers) {
  const auto root = *Yaml::parse(
      "s: hello\nn: 5\nb: true\nq: 'true'\nd: 15m\nday: 2026-01-31\nl: [x, y]\nz: ~\n", "f.yaml");
  auto map = *root.map();
  EXPECT_EQ(*map.required("s")->string(), "hello");
  EXPECT_EQ(*map.required("n")->integer(0, 9), 5);
  EXPECT_EQ(map.required("n")->integer(6, 9).error().context,
            "f.yaml:2: n: expected a whole number from 6 to 9");
  EXPECT_TRUE(*map.required("b")->boolean());
  EXPECT_FALSE(map.required("q")->boolean());
  EXPECT_EQ(*map.required("d")->duration(), std::chrono::minutes(15));
  EXPECT_EQ(to_text(*map.required("day")->date()), "2026-01-31");
  EXPECT_EQ(map.required("l")->strings()->size(), 2U);
  EXPECT_FALSE(map.required("s")->list());
  EXPECT_FALSE(map.optional("z"));
  EXPECT_EQ(map.required("none").error().context, "f.yaml:1: the key 'none' is missing");
  EXPECT_TRUE(map.finish());
}

TEST(StrictYaml, ReportsTheKeyNobodyAskedFor) {
  const auto root = *Yaml::parse("good: 1\nodd: 2\n", "f.yaml");
  auto map = *root.map();
  ASSERT_TRUE(map.optional("good"));
  EXPECT_EQ(map.finish().error().context, "f.yaml:2: odd: unknown key; expected one of: good");
}

TEST(StrictYaml, AMistypedKeyIsNamedWithTheOneThatWasMeant) {
  const auto root = *Yaml::parse("issuer: a\nreader:\n  - x\n", "f.yaml");
  auto map = *root.map();
  ASSERT_TRUE(map.required("issuer"));
  // Not "the key 'readers' is missing" on line 1.
  EXPECT_EQ(map.required("readers").error().context,
            "f.yaml:2: reader: unknown key 'reader'; did you mean 'readers'?");
  EXPECT_TRUE(map.finish()) << "whoever collects mistakes has this one already";

  const auto other = *Yaml::parse("polcy: a\nweather: b\n", "f.yaml");
  auto keys = *other.map();
  EXPECT_FALSE(keys.optional("policy"));
  EXPECT_EQ(keys.finish().error().context, "f.yaml:1: polcy: unknown key 'polcy'; did you mean 'policy'?");
  EXPECT_EQ(keys.required("readers").error().context, "f.yaml:1: the key 'readers' is missing");
}

/// What this thread's processor does to read a map of so many keys, and to take every one of them; the least of a few times,
/// so that what else the machine does plays no part.
double work_of(int keys, std::string_view opening, std::string_view between, std::string_view closing) {
  std::string text(opening);
  for (int i = 0; i < keys; ++i) text += fmt::format("key{}: {}{}", i, i, between);
  text += closing;
  const auto spent = [] {
    timespec at{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &at);
    return static_cast<double>(at.tv_sec) + 1e-9 * static_cast<double>(at.tv_nsec);
  };
  double least = 1e9;
  for (int time = 0; time < 3; ++time) {
    const double began = spent();
    const auto parsed = Yaml::parse(text, "f.yaml");
    EXPECT_TRUE(parsed) << parsed.error().context;
    if (!parsed) return 1;
    auto map = *parsed->map();
    EXPECT_GE(map.entries().size(), static_cast<std::size_t>(keys));
    EXPECT_TRUE(map.required(fmt::format("key{}", keys - 1)));
    EXPECT_TRUE(map.finish());
    least = std::min(least, spent() - began);
  }
  return least;
}

TEST(StrictYaml, ManyKeysInOneMapTakeTimeInProportion) {
  // Thirty times the keys: some thirty times the work, and nine hundred times where each key is compared with all before.
  EXPECT_LT(work_of(30'000, "", "\n", "") / work_of(1'000, "", "\n", ""), 120);
  EXPECT_LT(work_of(30'000, "{", ", ", "end: 0}") / work_of(1'000, "{", ", ", "end: 0}"), 120);
}

TEST(StrictYaml, AKeyThatStandsTwiceIsFoundInALargeMapToo) {
  std::string text;
  for (int i = 0; i < 100; ++i) text += fmt::format("key{}: {}\n", i, i);
  EXPECT_EQ(refusal(text + "key3: again\n"), "f.yaml:101: key3: stands twice (first on line 4)");
  const auto root = *Yaml::parse(text + "empty:\n", "f.yaml");
  auto map = *root.map();
  EXPECT_EQ(*map.required("key99")->integer(0, 99), 99);
  EXPECT_FALSE(map.optional("empty")) << "absent and null are the same";
  EXPECT_FALSE(map.optional("key100"));
  EXPECT_NE(map.finish().error().context.find("f.yaml:1: key0: unknown key"), std::string::npos);
}

TEST(StrictYaml, IsTheSameAsJson) {
  const auto root = *Yaml::parse("m: {n: -5, b: true}\nl: [x, '5', 'true', day]\nz: ~\n", "f.yaml");
  EXPECT_EQ(json::serialize(to_json(root)), R"({"m":{"n":-5,"b":true},"l":["x","5","true","day"],"z":null})");
}

TEST(StrictYaml, AnEmptyFileIsNull) {
  EXPECT_TRUE(Yaml::parse("", "f.yaml")->is_null());
}

}  // namespace
}  // namespace cardgate
