// SPDX-License-Identifier: Apache-2.0
// proto/openapi.yaml is well-formed and complete in itself. Whether the service keeps to it is shown where it
// runs.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <yaml-cpp/yaml.h>

#include <functional>
#include <map>
#include <regex>
#include <set>

#include "base/strict_yaml.hpp"
#include "tests/support/folders.hpp"

namespace cardgate::proto {
namespace {

const std::string path = source_file("proto/openapi.yaml");

struct OpenApi : testing::Test {
  YAML::Node root = YAML::LoadFile(path);

  void walk(const YAML::Node& node, const std::string& where,
            const std::function<void(const YAML::Node&, const std::string&)>& visit) {
    visit(node, where);
    if (node.IsMap()) {
      for (const auto& member : node)
        walk(member.second, where + "/" + member.first.as<std::string>(), visit);
    } else if (node.IsSequence()) {
      for (std::size_t i = 0; i < node.size(); ++i) walk(node[i], fmt::format("{}/{}", where, i), visit);
    }
  }
  /// The node that a local reference names; undefined when there is none.
  YAML::Node resolve(const std::string& reference) {
    if (!reference.starts_with("#/")) return YAML::Node(YAML::NodeType::Undefined);
    YAML::Node node = root;
    std::string rest = reference.substr(2);
    while (!rest.empty()) {
      const auto step = rest.substr(0, rest.find('/'));
      rest.erase(0, step.size() + 1);
      if (!node.IsMap() || !node[step]) return YAML::Node(YAML::NodeType::Undefined);
      node.reset(node[step]);
    }
    return node;
  }
  /// The node itself, or what it refers to.
  YAML::Node target(const YAML::Node& node) {
    return node["$ref"] ? resolve(node["$ref"].as<std::string>()) : node;
  }
  void for_each_operation(const std::function<void(const std::string&, const YAML::Node&)>& visit) {
    for (const auto& item : root["paths"]) {
      for (const auto& operation : item.second) {
        const auto method = operation.first.as<std::string>();
        if (method == "parameters" || method == "summary" || method == "description") continue;
        visit(method + " " + item.first.as<std::string>(), operation.second);
      }
    }
  }
};

TEST_F(OpenApi, IsVersion31WithoutDuplicateKeys) {
  const auto strict = Yaml::load(path);
  ASSERT_TRUE(strict) << strict.error().message();
  EXPECT_EQ(root["openapi"].as<std::string>().substr(0, 4), "3.1.");
  EXPECT_FALSE(root["info"]["title"].as<std::string>().empty());
  EXPECT_FALSE(root["info"]["version"].as<std::string>().empty());
}

TEST_F(OpenApi, EveryReferenceResolvesAndEveryComponentIsUsed) {
  std::set<std::string> used;
  walk(root, "#", [&](const YAML::Node& node, const std::string& where) {
    if (!node.IsMap() || !node["$ref"] || !node["$ref"].IsScalar()) return;
    const auto reference = node["$ref"].as<std::string>();
    EXPECT_TRUE(resolve(reference).IsDefined()) << where << ": " << reference;
    used.insert(reference);
  });
  for (const auto& group : root["components"]) {
    if (group.first.as<std::string>() == "securitySchemes") continue;  // named, not referred to
    for (const auto& component : group.second) {
      const auto name =
          fmt::format("#/components/{}/{}", group.first.as<std::string>(), component.first.as<std::string>());
      EXPECT_TRUE(used.contains(name)) << name << " is used nowhere";
    }
  }
}

TEST_F(OpenApi, OperationsAreNamedOnceAndDescribed) {
  std::set<std::string> names;
  for_each_operation([&](const std::string& where, const YAML::Node& operation) {
    ASSERT_TRUE(operation["operationId"]) << where;
    EXPECT_TRUE(names.insert(operation["operationId"].as<std::string>()).second) << where;
    EXPECT_TRUE(operation["summary"]) << where;
    ASSERT_TRUE(operation["x-cardgate-sockets"]) << where;
    EXPECT_GT(operation["x-cardgate-sockets"].size(), 0U) << where;
  });
  for (const auto* expected : {"getStatus",          "watchEvents",    "signIn",        "listSessions",
                               "getSession",         "signOut",        "resumeSession", "requestToken",
                               "introspectToken",    "revokeToken",    "verifyToken",   "getKeys",
                               "getAccess",          "getMetrics",     "importStaff",   "explainPolicy",
                               "explainCertificate", "changePassword", "resetPassword", "enrol",
                               "makeActivationCode", "activateAccount"}) {
    EXPECT_TRUE(names.contains(expected)) << expected;
  }
}

TEST_F(OpenApi, EveryAnswerHasAValidStatusAndADescription) {
  for_each_operation([&](const std::string& where, const YAML::Node& operation) {
    bool succeeds = false;
    for (const auto& answer : operation["responses"]) {
      const auto status = answer.first.as<int>();
      EXPECT_TRUE(status >= 200 && status <= 599) << where << " " << status;
      succeeds = succeeds || status < 300;
      const auto body = target(answer.second);
      EXPECT_TRUE(body["description"]) << where << " " << status;
    }
    EXPECT_TRUE(succeeds) << where;
    for (const int status : {400, 405, 408, 413, 429, 431, 500, 503}) {
      EXPECT_TRUE(operation["responses"][std::to_string(status)]) << where << " lacks " << status;
    }
  });
}

TEST_F(OpenApi, EveryRefusalSaysWhichErrorsItCanBe) {
  std::set<std::string> known;
  for (const auto& code : root["components"]["schemas"]["ErrorCode"]["enum"]) {
    EXPECT_TRUE(known.insert(code.as<std::string>()).second) << code;
  }
  std::set<std::string> used;
  walk(root["paths"], "#/paths", [&](const YAML::Node& node, const std::string& where) {
    const auto status = where.substr(where.rfind('/') + 1);
    const auto parent = where.substr(0, where.rfind('/'));
    if (!parent.ends_with("/responses") || status < "400") return;
    const auto answer = target(node);
    ASSERT_TRUE(answer["x-cardgate-errors"]) << where;
    for (const auto& code : answer["x-cardgate-errors"]) {
      EXPECT_TRUE(known.contains(code.as<std::string>())) << where << " " << code;
      used.insert(code.as<std::string>());
    }
  });
  EXPECT_EQ(used, known);
}

TEST_F(OpenApi, EveryRefusalThatPassesSaysWhenToTryAgain) {
  for_each_operation([&](const std::string& where, const YAML::Node& operation) {
    for (const auto* status : {"429", "503"}) {
      const auto answer = target(operation["responses"][status]);
      EXPECT_TRUE(answer["headers"] && answer["headers"]["Retry-After"]) << where << " " << status;
    }
  });
}

TEST_F(OpenApi, EveryPathParameterIsDeclared) {
  for (const auto& item : root["paths"]) {
    const auto name = item.first.as<std::string>();
    const auto open = name.find('{');
    if (open == std::string::npos) continue;
    const auto wanted = name.substr(open + 1, name.find('}') - open - 1);
    bool found = false;
    for (const auto& parameter : item.second["parameters"]) {
      const YAML::Node body = target(parameter);
      found = found || (body["name"].as<std::string>() == wanted && body["in"].as<std::string>() == "path");
    }
    EXPECT_TRUE(found) << name;
  }
}

TEST_F(OpenApi, EveryRequiredMemberIsAMember) {
  walk(root["components"]["schemas"], "#/components/schemas",
       [&](const YAML::Node& node, const std::string& where) {
         if (!node.IsMap() || !node["required"] || !node["required"].IsSequence() || !node["properties"])
           return;
         for (const auto& member : node["required"]) {
           EXPECT_TRUE(node["properties"][member.as<std::string>()]) << where << " " << member;
         }
       });
}

/// Each property of an object, wherever one is described.
using Property = std::function<void(const std::string& where, const std::string& name, const YAML::Node&)>;
void for_each_property(OpenApi& api, const Property& visit) {
  api.walk(api.root, "#", [&](const YAML::Node& node, const std::string& where) {
    if (!node.IsMap() || !node["properties"] || !node["properties"].IsMap()) return;
    for (const auto& property : node["properties"])
      visit(where, property.first.as<std::string>(), property.second);
  });
}

std::string refers_to(const YAML::Node& property) {
  const auto reference = property["$ref"] ? property["$ref"].as<std::string>() : std::string();
  return reference.substr(reference.rfind('/') + 1);
}

TEST_F(OpenApi, TellsDaysAndInstantsApartByTheirNames) {
  const std::regex day("(^|_)(on|from|until|last_day|date_of_birth)$");
  const std::regex instant("(^|_)at$");
  for_each_property(
      *this, [&](const std::string& where, const std::string& name, const YAML::Node& property) {
        const auto schema = refers_to(property);
        const bool is_day = schema == "Day" || schema == "DayOrNone";
        const bool is_instant = schema == "Instant" || schema == "InstantOrNone";
        EXPECT_TRUE(!is_day || std::regex_search(name, day)) << where << " " << name;
        EXPECT_TRUE(!is_instant || std::regex_search(name, instant)) << where << " " << name;
        EXPECT_FALSE(property["format"]) << where << " " << name << ": name the schema, Day or Instant";
        EXPECT_TRUE(is_instant || !std::regex_search(name, instant)) << where << " " << name;
      });
}

TEST_F(OpenApi, SpeaksOfPeopleInOneWay) {
  int seen = 0;
  for_each_property(*this,
                    [&](const std::string& where, const std::string& name, const YAML::Node& property) {
                      if (!name.ends_with("_by")) return;
                      ++seen;
                      const auto schema = refers_to(property);
                      EXPECT_TRUE(schema == "Person" || schema == "PersonOrNobody") << where << " " << name;
                    });
  EXPECT_GT(seen, 10);
}

}  // namespace
}  // namespace cardgate::proto
