// SPDX-License-Identifier: Apache-2.0
// proto/openapi.yaml against the running service: each operation is served where it says, answers what it
// says, and refuses with the codes it names; and the service serves nothing that is not in it.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <regex>
#include <set>

#include "base/yaml_json.hpp"
#include "tests/daemon/stage.hpp"
#include "tests/support/folders.hpp"

namespace cardgate {
namespace {

using testing::HttpAnswer;
using testing::Stage;

class Api : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!testing::Pcscd::available())
      GTEST_SKIP() << "pcscd or the virtual reader is missing: run script/bootstrap";
    const auto root = Yaml::load(source_file("proto/openapi.yaml"));
    ASSERT_TRUE(root) << root.error().message();
    document = to_json(*root);
  }

  const json::value& resolve(const json::value& node) const {
    if (!node.is_object() || !node.as_object().contains("$ref")) return node;
    const std::string reference(node.at("$ref").as_string());
    return resolve(document.at_pointer(reference.substr(1)));
  }

  static bool has_type(const json::value& value, std::string_view name) {
    return (name == "object" && value.is_object()) || (name == "array" && value.is_array()) ||
           (name == "string" && value.is_string()) || (name == "boolean" && value.is_bool()) ||
           (name == "integer" && (value.is_int64() || value.is_uint64())) ||
           (name == "number" && value.is_number()) || (name == "null" && value.is_null());
  }

  /// Members that must be there are, and have the type, the form and one of the values they should.
  void check_schema(const json::value& schema_node, const json::value& value,
                    const std::string& where) const {
    const auto& schema = resolve(schema_node).as_object();
    if (const auto* all = find_array(schema, "allOf")) {
      for (const auto& part : *all) check_schema(part, value, where);
    }
    // Something or null: all the alternatives that there are, but for bodies of requests.
    if (const auto* one = find_array(schema, "oneOf"); one != nullptr && one->size() == 2) {
      const bool nullable = find_string(resolve(one->at(1)).as_object(), "type") != nullptr &&
                            *find_string(resolve(one->at(1)).as_object(), "type") == "null";
      if (nullable && !value.is_null()) check_schema(one->at(0), value, where);
      if (nullable) return;
    }
    if (const auto* type = schema.if_contains("type")) {
      const auto alternatives = type->is_string() ? json::array{*type} : type->as_array();
      const bool fits = std::ranges::any_of(
          alternatives, [&](const json::value& name) { return has_type(value, name.as_string()); });
      EXPECT_TRUE(fits) << where << ": expected " << json::serialize(*type) << ", got "
                        << json::serialize(value);
      if (!fits) return;
    }
    if (const auto* values = find_array(schema, "enum")) {
      EXPECT_NE(std::ranges::find(*values, value), values->end())
          << where << ": " << json::serialize(value) << " is not documented";
    }
    if (const auto* pattern = find_string(schema, "pattern"); pattern != nullptr && value.is_string()) {
      EXPECT_TRUE(std::regex_search(std::string(value.as_string()), std::regex(std::string(*pattern))))
          << where << ": " << json::serialize(value) << " does not fit " << *pattern;
    }
    if (value.is_object()) {
      if (const auto* required = find_array(schema, "required")) {
        for (const auto& key : *required) {
          EXPECT_TRUE(value.as_object().contains(key.as_string())) << where << " lacks " << key.as_string();
        }
      }
      if (const auto* properties = find_object(schema, "properties")) {
        for (const auto& [key, child] : value.as_object()) {
          const auto* known = properties->if_contains(key);
          if (known != nullptr) {
            check_schema(*known, child, where + "." + std::string(key));
          } else if (const auto* open = schema.if_contains("additionalProperties");
                     open != nullptr && open->is_bool()) {
            EXPECT_TRUE(open->as_bool()) << where << " has an undocumented member " << key;
          }
        }
      }
    }
    if (value.is_array() && schema.contains("items")) {
      for (const auto& item : value.as_array()) check_schema(schema.at("items"), item, where + "[]");
    }
  }

  void check(const std::string& path, const std::string& method, const HttpAnswer& answer) {
    const std::string where =
        fmt::format("{} {} -> {} {}", method, path, answer.status, answer.body.substr(0, 300));
    std::string lower_method = method;
    for (auto& c : lower_method) c = static_cast<char>(std::tolower(c));
    const auto& operation = document.at("paths").at(path).at(lower_method).as_object();
    const auto* response = operation.at("responses").as_object().if_contains(std::to_string(answer.status));
    ASSERT_NE(response, nullptr) << where << ": this status is not documented";
    seen.insert(method + " " + path);
    if (answer.status == 429 || answer.status == 503) {
      EXPECT_TRUE(answer.headers.contains("retry-after")) << where;
    }
    const auto& described = resolve(*response).as_object();
    if (const auto* errors = find_array(described, "x-cardgate-errors");
        errors != nullptr && answer.status >= 400) {
      const auto code = answer.error();
      bool listed = false;
      for (const auto& known : *errors) listed = listed || known.as_string() == code;
      EXPECT_TRUE(listed) << where << ": this error is not documented";
    }
    const auto* content = find_object(described, "content");
    if (content == nullptr) return;
    const auto type = answer.headers.contains("content-type") ? answer.headers.at("content-type") : "";
    const auto* media = content->if_contains(type.substr(0, type.find(';')));
    ASSERT_NE(media, nullptr) << where << ": " << type << " is not documented";
    if (type.find("json") == std::string::npos) return;
    const auto body = parse_json(answer.body, 4 << 20);
    ASSERT_TRUE(body) << where;
    check_schema(media->at("schema"), *body, where);
  }

  void call(const std::string& method, const std::string& path, const HttpAnswer& answer, int expected) {
    EXPECT_EQ(answer.status, expected) << method << " " << path << ": " << answer.body;
    check(path, method, answer);
  }

  /// Each operation takes the parameters that are documented, each once, and no others.
  void expect_known_parameters_alone() {
    for (const auto& [path_key, path_item] : document.at("paths").as_object()) {
      for (const auto& [method_key, node] : path_item.as_object()) {
        if (!node.is_object() || !node.as_object().contains("responses")) continue;
        const auto& operation = node.as_object();
        std::string method(method_key);
        for (auto& c : method) c = static_cast<char>(std::toupper(c));
        std::string target(path_key);
        if (const auto brace = target.find("{id}"); brace != std::string::npos) target.replace(brace, 4, "0");
        std::vector<std::string> headers;
        if (operation.contains("requestBody")) {
          const auto& content = resolve(operation.at("requestBody")).at("content").as_object();
          headers = {"Content-Type: " + std::string(content.begin()->key())};
        }
        const bool admin = operation.at("x-cardgate-sockets").as_array()[0] == "admin";
        const auto ask = [&](const std::string& query) {
          const auto full = target + "?" + query;
          return admin ? stage.admin(method, full, "", headers) : stage.ask(method, full, "", headers);
        };
        const auto refused = [&](const HttpAnswer& answer, const std::string& query) {
          EXPECT_EQ(answer.status, 400) << method << " " << target << "?" << query << ": " << answer.body;
          check(std::string(path_key), method, answer);
        };
        refused(ask("not_documented=1"), "not_documented=1");
        if (!operation.contains("parameters")) continue;
        for (const auto& parameter : operation.at("parameters").as_array()) {
          const auto& described = resolve(parameter).as_object();
          if (described.at("in") != "query") continue;
          const std::string name(described.at("name").as_string());
          const auto once = ask(name + "=1");
          EXPECT_EQ(once.body.find("does not take"), std::string::npos)
              << method << " " << target << " " << name;
          EXPECT_EQ(once.body.find("takes no parameters"), std::string::npos)
              << method << " " << target << " " << name;
          refused(ask(name + "=1&" + name + "=1"), name + " twice");
        }
      }
    }
  }

  /// Ada, who is signed in and holds Core ESR, asks for everything that people do; most of it is not hers to do.
  void ask_for_peoples_work() {
    const auto ask = [&](const std::string& method, const std::string& path, const std::string& id,
                         const std::string& body, int expected) {
      std::string target = path;
      if (const auto brace = target.find("{id}"); brace != std::string::npos) target.replace(brace, 4, id);
      const auto headers = body.empty() ? std::vector<std::string>{}
                                        : std::vector<std::string>{"Content-Type: application/json"};
      const auto answer = stage.ask(method, target, body, headers);
      call(method, path, answer, expected);
      return answer.json();
    };
    const std::string why = R"("reason":"because")";
    const auto form = ask("POST", "/v1/forms", "", R"({"role":"supervisor-self-service",)" + why + "}", 201);
    const std::string number = std::to_string(form.at("id").as_int64());
    ask("POST", "/v1/forms", "", R"({"role":"supervisor-self-service",)" + why + "}", 422);
    ask("POST", "/v1/forms", "", R"({"role":"supervisor-self-service"})", 400);
    ask("GET", "/v1/forms", "", "", 200);
    ask("POST", "/v1/forms/{id}/verify", number, "{}", 403);
    ask("POST", "/v1/forms/{id}/approve", number, "{}", 403);
    ask("POST", "/v1/forms/{id}/reject", number, "{" + why + "}", 403);
    ask("POST", "/v1/forms/{id}/withdraw", number, "{" + why + "}", 200);
    ask("POST", "/v1/forms/{id}/renew", number, "{" + why + "}", 422);
    const auto texts = ask("GET", "/v1/declarations", "", "", 200);
    const auto& text = texts.at("declarations").as_array().front().as_object();
    const auto signs = [&](const std::string& hash) {
      return json::serialize(json::object{{"name", text.at("name")}, {"text_hash", hash}});
    };
    ask("POST", "/v1/declarations", "", signs("00"), 422);
    ask("POST", "/v1/declarations", "", signs(std::string(text.at("text_hash").as_string())), 201);
    ask("GET", "/v1/training", "", "", 200);
    ask("POST", "/v1/training", "", R"({"person":"2000","course":"fire","completed_on":"2026-01-02"})", 403);
    ask("GET", "/v1/delegations", "", "", 200);
    ask("POST", "/v1/delegations", "",
        R"({"person":"2000","role":"core","valid_until":"2027-01-01",)" + why + "}", 403);
    ask("DELETE", "/v1/delegations/{id}", "7", "", 403);
    ask("POST", "/v1/acting", "", R"({"person":"2000","valid_until":"2027-01-01",)" + why + "}", 403);
    ask("DELETE", "/v1/acting/{id}", "7", "", 403);
    ask("GET", "/v1/removals", "", "", 403);
    ask("POST", "/v1/removals", "", R"({"person":"2000",)" + why + "}", 403);
    ask("POST", "/v1/removals/restore", "", R"({"person":"2000",)" + why + "}", 403);
    ask("POST", "/v1/removals/{id}/do", "7", "{}", 403);
    ask("POST", "/v1/removals/{id}/restore", "7", "{" + why + "}", 403);
    ask("POST", "/v1/removals/{id}/decline", "7", "{" + why + "}", 403);
    ask("GET", "/v1/team", "", "", 403);
    ask("GET", "/v1/staff", "", "", 403);
    ask("GET", "/v1/staff/{id}", "1000", "", 200);
    ask("GET", "/v1/staff/{id}", "2000", "", 403);
    ask("POST", "/v1/staff/{id}/changes", "2000", R"({"name":"Other",)" + why + "}", 403);
    ask("POST", "/v1/staff/{id}/cards", "2000",
        R"({"uuid":"8b1f6c1e-2d5a-4d0e-9a53-0c2f7b6f1a01",)" + why + "}", 403);
    ask("GET", "/v1/records/{id}/allowed", "2000", "", 400);
    call("GET", "/v1/records/{id}/allowed", stage.ask("GET", "/v1/records/2000/allowed?role=core"), 200);
    call("GET", "/v1/records/{id}/allowed",
         stage.ask("GET", "/v1/records/2000/allowed?role=manager-self-service"), 403);
    ask("GET", "/v1/notices", "", "", 200);
    ask("DELETE", "/v1/notices/{id}", "7", "", 404);
    const auto set_up = [&](const std::string& body) {
      return stage.admin("POST", "/v1/setup", body, {"Content-Type: application/json"});
    };
    call("POST", "/v1/setup", set_up(R"({"people":["2000"]})"), 422);
    call("POST", "/v1/setup", set_up(R"({"people":["2000","nobody"]})"), 404);
    call("POST", "/v1/setup", set_up(R"({"people":["2000","3000"]})"), 200);
  }

  json::value document;
  std::set<std::string> seen;
  Stage stage;
};

TEST_F(Api, IsWhatOpenapiSays) {
  stage.up();
  stage.insert_and_wait();
  const std::string json_type = "Content-Type: application/json";
  const std::string form_type = "Content-Type: application/x-www-form-urlencoded";
  call("GET", "/v1/status", stage.ask("GET", "/v1/status"), 200);
  call("POST", "/v1/token", stage.token(), 401);
  call("GET", "/v1/access", stage.ask("GET", "/v1/access"), 401);
  call("POST", "/v1/sessions", stage.sign_in("000000"), 401);
  call("POST", "/v1/sessions", stage.sign_in("1"), 400);
  call("POST", "/v1/sessions", stage.sign_in(Stage::pin, 1), 409);
  call("POST", "/v1/sessions", stage.ask("POST", "/v1/sessions", "{", {json_type}), 400);
  const auto session = stage.sign_in();
  call("POST", "/v1/sessions", session, 201);
  const std::string id(session.json().at("id").as_string());
  EXPECT_TRUE(testing::eventually(std::chrono::seconds(10), [&] {
    return stage.card_status().at("tries_left") == 3;
  })) << "a right passcode gives the tries back, and the status shows it";
  const auto resume = json::serialize(json::object{{"reader", Stage::reader},
                                                   {"card", session.json().at("card")},
                                                   {"tries_left", 3},
                                                   {"passcode", Stage::pin}});
  call("POST", "/v1/sessions/{id}/resume",
       stage.ask("POST", "/v1/sessions/" + id + "/resume", resume, {json_type}), 200);
  call("POST", "/v1/sessions/{id}/resume", stage.ask("POST", "/v1/sessions/none/resume", resume, {json_type}),
       404);
  call("GET", "/v1/sessions", stage.ask("GET", "/v1/sessions"), 200);
  call("GET", "/v1/login", stage.ask("GET", "/v1/login?account=root"), 200);
  call("GET", "/v1/login", stage.ask("GET", "/v1/login"), 400);
  call("GET", "/v1/sessions/{id}", stage.ask("GET", "/v1/sessions/" + id), 200);
  call("GET", "/v1/sessions/{id}", stage.ask("GET", "/v1/sessions/none"), 404);
  const auto issued = stage.token();
  call("POST", "/v1/token", issued, 200);
  call("POST", "/v1/token", stage.token("manager-self-service"), 403);
  call("POST", "/v1/token", stage.token("core", "other"), 403);
  const std::string token(issued.json().at("access_token").as_string());
  call("POST", "/v1/introspect", stage.ask("POST", "/v1/introspect", "token=" + token, {form_type}), 200);
  call("POST", "/v1/introspect", stage.ask("POST", "/v1/introspect", "token=x", {form_type}), 200);
  call("POST", "/v1/introspect", stage.ask("POST", "/v1/introspect", "nothing", {form_type}), 400);
  call("GET", "/v1/verify",
       stage.ask("GET", "/v1/verify?audience=esr&role=core", "", {"Authorization: Bearer " + token}), 204);
  call("GET", "/v1/verify", stage.ask("GET", "/v1/verify?audience=esr"), 401);
  call("GET", "/v1/verify", stage.ask("GET", "/v1/verify?audience=none"), 403);
  call("GET", "/v1/verify", stage.ask("GET", "/v1/verify"), 400);
  call("GET", "/.well-known/jwks.json", stage.ask("GET", "/.well-known/jwks.json"), 200);
  call("GET", "/v1/access", stage.ask("GET", "/v1/access"), 200);
  call("GET", "/v1/access", stage.ask("GET", "/v1/access?role=core"), 200);
  call("GET", "/v1/access", stage.ask("GET", "/v1/access?role=none"), 404);
  call("GET", "/metrics", stage.ask("GET", "/metrics"), 200);
  const auto described = stage.ask("GET", "/v1/openapi.json");
  call("GET", "/v1/openapi.json", described, 200);
  const auto as_served = parse_json(described.body, 4 << 20);
  ASSERT_TRUE(as_served);
  EXPECT_EQ(*as_served, document) << "the socket serves this very document";
  call("POST", "/v1/reload", stage.admin("POST", "/v1/reload"), 200);
  call("POST", "/v1/revoke", stage.ask("POST", "/v1/revoke", "token=" + token, {form_type}), 200);
  call("POST", "/v1/staff/import", stage.import(stage.people()), 200);
  call("POST", "/v1/staff/import", stage.import("people: [{id: 1}]"), 422);
  const auto csv = [&](const std::string& query, const std::string& table) {
    return stage.admin("POST", "/v1/staff/import" + query, table, {"Content-Type: text/csv"});
  };
  call("POST", "/v1/staff/import", csv("?dry_run=true", "id,name\n1000,Other\n"), 200);
  call("POST", "/v1/staff/import", csv("", "id,name\n1000,\xff\n"), 422);
  call("POST", "/v1/staff/import", csv("?leavers=by-absence", "id\n1000\n"), 422);
  call("POST", "/v1/staff/import", csv("?dry=true", "id\n1000\n"), 400);
  call("GET", "/v1/staff/import", stage.admin("GET", "/v1/staff/import"), 200);
  call("GET", "/v1/setup", stage.admin("GET", "/v1/setup"), 200);
  call("GET", "/v1/register", stage.admin("GET", "/v1/register"), 200);
  call("GET", "/v1/register/check", stage.admin("GET", "/v1/register/check"), 200);
  const auto copy = [&](const std::string& what, const std::string& file) {
    return stage.admin("POST", "/v1/register/" + what, R"({"file":")" + file + R"("})", {json_type});
  };
  call("POST", "/v1/register/backup", copy("backup", "one.db"), 200);
  call("POST", "/v1/register/backup", copy("backup", "one.db"), 409);
  call("POST", "/v1/register/restore",
       stage.admin("POST", "/v1/register/restore", R"({"file":"one.db","named":"/root/of-monday.db"})",
                   {json_type}),
       200);
  EXPECT_TRUE(stage.audit_says("/root/of-monday.db")) << "the log names the file that root named";
  call("POST", "/v1/register/backup", copy("backup", "../one.db"), 400);
  call("POST", "/v1/register/restore", copy("restore", "one.db"), 200);
  call("POST", "/v1/register/restore", copy("restore", "none.db"), 404);
  call("POST", "/v1/register/restore", copy("restore", ""), 400);
  call("GET", "/v1/policy/explain", stage.admin("GET", "/v1/policy/explain?person=1000&role=core"), 200);
  call("GET", "/v1/policy/explain", stage.admin("GET", "/v1/policy/explain?person=none&role=core"), 404);
  call("GET", "/v1/policy/explain", stage.admin("GET", "/v1/policy/explain?person=1000"), 400);
  call("GET", "/v1/policy/explain",
       stage.admin("GET", "/v1/policy/explain?person=1000&role=core&at=2026-12-01&sign_in=password"), 200);
  call("GET", "/v1/policy/explain", stage.admin("GET", "/v1/policy/explain?person=1000&role=core&at=soon"),
       400);
  call("GET", "/v1/policy/forecast", stage.admin("GET", "/v1/policy/forecast"), 200);
  call("GET", "/v1/policy/forecast", stage.admin("GET", "/v1/policy/forecast?days=366&role=core"), 200);
  call("GET", "/v1/policy/forecast", stage.admin("GET", "/v1/policy/forecast?days=367"), 400);
  call("GET", "/v1/policy/forecast", stage.admin("GET", "/v1/policy/forecast?role=none"), 404);
  ask_for_peoples_work();
  const auto explain = [&](const std::string& certificate) {
    return stage.admin("POST", "/v1/certificates/explain",
                       json::serialize(json::object{{"certificate", certificate}}), {json_type});
  };
  const auto certificate = to_base64(stage.card->data().authentication.certificate);
  call("POST", "/v1/certificates/explain", explain(certificate), 200);
  call("POST", "/v1/certificates/explain", explain("AAAA"), 400);
  const std::string card = "/v1/cards/" + std::string(stage.card_status().at("id").as_string());
  const auto change = [&](const std::string& now) {
    return R"({"reader":")" + std::string(Stage::reader) + R"(","tries_left":3,"passcode":")" + now +
           R"(","new_passcode":"123456"})";
  };
  call("POST", "/v1/cards/{id}/passcode",
       stage.ask("POST", card + "/passcode", change(Stage::pin), {json_type}), 204);
  call("POST", "/v1/cards/{id}/passcode", stage.ask("POST", card + "/passcode", change("12"), {json_type}),
       400);
  call("POST", "/v1/cards/{id}/passcode",
       stage.ask("POST", card + "/passcode", change("999999"), {json_type}), 401);
  const auto unblock = [&](const std::string& key) {
    return R"({"reader":")" + std::string(Stage::reader) + R"(","unblocking_key":")" + key +
           R"(","new_passcode":"123456"})";
  };
  call("POST", "/v1/cards/{id}/unblock",
       stage.ask("POST", card + "/unblock", unblock("00000000"), {json_type}), 401);
  call("POST", "/v1/cards/{id}/unblock", stage.ask("POST", card + "/unblock", "{}", {json_type}), 400);
  const auto post = [&](const std::string& path, const std::string& body) {
    return stage.ask("POST", path, body, {json_type});
  };
  const std::string nobody = R"({"username":"nobody","password":"four wrong words here")";
  call("POST", "/v1/sessions", post("/v1/sessions", nobody + "}"), 401);
  call("POST", "/v1/password", post("/v1/password", nobody + R"(,"new_password":"x"})"), 401);
  call("POST", "/v1/password", post("/v1/password", nobody + "}"), 400);
  const std::string reset = R"({"person":"2000","reason":"forgotten"})";
  call("POST", "/v1/password/reset", post("/v1/password/reset", reset), 403);
  const std::string particulars =
      R"({"name":"Ada Example","date_of_birth":"1990-01-31","national_insurance":)";
  call("POST", "/v1/enrolment", post("/v1/enrolment", particulars + "\"QQ12\"}"), 202);
  call("POST", "/v1/enrolment", post("/v1/enrolment", particulars + "\"1234\"}"), 400);
  call("POST", "/v1/enrolment/codes", post("/v1/enrolment/codes", R"({"person":"2000"})"), 403);
  call("POST", "/v1/enrolment/activate",
       post("/v1/enrolment/activate", R"({"username":"nobody","code":"ABCD-EFGH-JKMN","new_password":"x"})"),
       401);
  call("DELETE", "/v1/sessions/{id}", stage.ask("DELETE", "/v1/sessions/" + id), 204);
  call("POST", "/v1/enrolment/codes", post("/v1/enrolment/codes", R"({"person":"2000"})"), 401);
  call("DELETE", "/v1/sessions/{id}", stage.ask("DELETE", "/v1/sessions/" + id), 404);

  expect_known_parameters_alone();

  // Every operation was tried, and stands on the sockets that it names and on no other.
  for (const auto& [path_key, path_item] : document.at("paths").as_object()) {
    for (const auto& [method_key, operation] : path_item.as_object()) {
      if (!operation.is_object() || !operation.as_object().contains("responses")) continue;
      std::string method(method_key);
      for (auto& c : method) c = static_cast<char>(std::toupper(c));
      const std::string name = method + " " + std::string(path_key);
      if (path_key != "/v1/events") {  // a stream; the service's tests listen to it
        EXPECT_TRUE(seen.contains(name)) << name << " is documented, and nobody tried it";
      }
      std::set<std::string> sockets;
      for (const auto& socket : operation.at("x-cardgate-sockets").as_array())
        sockets.emplace(socket.as_string());
      std::string target(path_key);
      if (const auto brace = target.find("{id}"); brace != std::string::npos)
        target.replace(brace, 4, "none");
      for (const std::string socket : {"main", "admin"}) {
        if (sockets.contains(socket)) continue;
        const auto answer = socket == "main" ? stage.ask(method, target) : stage.admin(method, target);
        EXPECT_TRUE(answer.status == 404 || answer.status == 405)
            << name << " on " << socket << ": " << answer.status;
      }
    }
  }
}

}  // namespace
}  // namespace cardgate
