// SPDX-License-Identifier: Apache-2.0
#include "base/strict_yaml.hpp"

#include <gtest/gtest.h>

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

TEST(StrictYaml, AnEmptyFileIsNull) {
  EXPECT_TRUE(Yaml::parse("", "f.yaml")->is_null());
}

}  // namespace
}  // namespace cardgate
