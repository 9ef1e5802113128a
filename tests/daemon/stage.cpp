// SPDX-License-Identifier: Apache-2.0
#include "tests/daemon/stage.hpp"
#include "tests/support/folders.hpp"
#include "tests/support/unix_socket.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <stdexcept>

namespace cardgate::testing {
namespace {

using std::chrono::seconds;

void must(const auto& result, std::string_view what) {
  if (!result) throw std::runtime_error(fmt::format("{}: {}", what, result.error().message()));
}

std::string lower(std::string text) {
  std::ranges::transform(text, text.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

void write_text(const std::filesystem::path& path, const std::string& text) {
  must(write_file_atomic(path, as_bytes(text), 0644), path.string());
}

}  // namespace

json::object HttpAnswer::json() const {
  const auto value = parse_json(body);
  return value && value->is_object() ? value->as_object() : json::object{};
}

std::string HttpAnswer::error() const {
  const auto object = json();
  const auto* code = find_string(object, "error");
  return code == nullptr ? "" : std::string(*code);
}

HttpAnswer raw(const std::filesystem::path& path, const std::string& bytes,
               std::chrono::milliseconds deadline) {
  const auto fd = connect_to(path);
  HttpAnswer answer;
  if (!fd) return answer;
  std::string_view rest = bytes;
  while (!rest.empty()) {
    const auto sent = ::send(fd.get(), rest.data(), rest.size(), MSG_NOSIGNAL);
    if (sent <= 0) break;  // answered early and closed: the answer is still there to be read
    rest.remove_prefix(static_cast<std::size_t>(sent));
  }
  const auto until = std::chrono::steady_clock::now() + deadline;
  std::string text;
  std::size_t head = std::string::npos;
  std::size_t length = std::string::npos;
  for (;;) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
    pollfd entry{fd.get(), POLLIN, 0};
    if (left.count() <= 0 || ::poll(&entry, 1, static_cast<int>(left.count())) <= 0) break;
    char buffer[65536];
    const auto count = ::recv(fd.get(), buffer, sizeof buffer, 0);
    if (count <= 0) break;
    text.append(buffer, static_cast<std::size_t>(count));
    if (head == std::string::npos && (head = text.find("\r\n\r\n")) != std::string::npos) {
      std::size_t at = text.find("\r\n") + 2;
      while (at < head) {
        const auto end = text.find("\r\n", at);
        const auto colon = text.find(':', at);
        std::string value = text.substr(colon + 1, end - colon - 1);
        value.erase(0, value.find_first_not_of(' '));
        answer.headers[lower(text.substr(at, colon - at))] = value;
        at = end + 2;
      }
      answer.status = std::stoi(text.substr(9, 3));
      if (answer.status == 204) length = 0;
      if (const auto found = answer.headers.find("content-length"); found != answer.headers.end()) {
        length = std::stoul(found->second);
      }
    }
    if (head != std::string::npos && length != std::string::npos && text.size() >= head + 4 + length) break;
  }
  if (head != std::string::npos) answer.body = text.substr(head + 4);
  return answer;
}

HttpAnswer http(const std::filesystem::path& socket, const std::string& method, const std::string& target,
                const std::string& body, const std::vector<std::string>& headers) {
  std::string text =
      fmt::format("{} {} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n", method, target);
  for (const auto& header : headers) text += header + "\r\n";
  if (!body.empty()) text += fmt::format("Content-Length: {}\r\n", body.size());
  return raw(socket, text + "\r\n" + body);
}

Stage::Stage(int readers) : pcscd(readers), socket(dir / "cardgate.sock"), admin_socket(dir / "admin.sock") {
  std::filesystem::permissions(dir.path(), std::filesystem::perms(0755));
  for (const char* name : {"state", "audit"}) {
    std::filesystem::create_directory(dir / name);
    std::filesystem::permissions(dir / name, std::filesystem::perms(0700));
  }
}

Stage::~Stage() {
  // The card leaves before its pcscd, or it would wait for it.
  if (link) link->pull();
  if (daemon) {
    const int status = daemon->stop(seconds(15));
    if (::testing::Test::HasFailure())
      std::fprintf(stderr, "--- cardgated (exit %d):\n%s---\n", status, daemon->output().c_str());
    EXPECT_EQ(status, 0) << "cardgated did not end in order:\n" << daemon->output();
  }
}

void Stage::write_config(const std::string& extra) const {
  write_text(dir / "cardgated.yaml", fmt::format(R"(issuer: https://cardgate.test.example
socket: {0}/cardgate.sock
admin_socket: {0}/admin.sock
state_directory: {0}/state
policy: {0}/policy.yaml
audit: {{directory: {0}/audit{2}}}
trust:
  anchors: [{0}/ca/anchors]
  intermediates: [{0}/ca/intermediates]
  crls: [{0}/ca/crls]
{4}mapping: {5}
readers:
  - users: [0, 65533]
clients:
  - name: desktop
    match: {{user: 0}}
    sign_in: true
    format: {7}
    tokens:
      - audience: esr
        roles: [{6}]
  - name: gateway
    match: {{user: 0}}
    verifies: [esr]
  - name: neighbour
    match: {{user: 65533}}
    sign_in: true
    tokens: [{{audience: esr, roles: [core]}}]
{1}{3})",
                                                 dir.path().string(), extra, audit_settings, limits,
                                                 trust_settings, mapping, roles, format));
}

std::string Stage::people(const std::string& core_form) const {
  const std::string form =
      core_form == "valid"
          ? "{kind: ESR06, role: core, verified_by: \"2000\", verified_on: 2026-01-02, approved_by: "
            "\"3000\", approved_on: 2026-01-03, valid_from: 2026-01-03}"
          : core_form;
  return fmt::format(R"(people:
  - id: "1000"
    name: Ada Example
    line_manager: "2000"
    employed_from: 2020-01-01
    cards: [{{uuid: {}}}]
    forms: [{}]
    declarations: [{{name: core-confidentiality, version: "2026-1", signed_on: 2026-01-02}}]
  - {{id: "2000", name: Max Invented, employed_from: 2020-01-01}}
  - {{id: "3000", name: Tia Invented, employed_from: 2020-01-01, teams: [esr-workforce-systems]}}
)",
                     simcard::to_text(card->data().uuid), form);
}

void Stage::up(simcard::KeyKind kind) {
  auto made = simcard::Ca::open_or_create(dir / "ca");
  must(made, "CA");
  ca = std::make_unique<simcard::Ca>(std::move(*made));
  personalisation.key = kind;
  auto data = simcard::personalise(*ca, personalisation);
  must(data, "card");
  card = std::make_unique<simcard::Card>(std::move(*data));
  link = std::make_unique<simcard::VpcdLink>(*card);
  must(pcscd.start(), "pcscd");
  std::filesystem::copy_file(source_file("config/policy.yaml"), dir / "policy.yaml");
  write_config();
  start_daemon();
  const auto imported = import(people());
  if (imported.status != 200) throw std::runtime_error("import: " + imported.body);
}

void Stage::with_calendar() {
  set_clock(seconds(0));
  preload(CARDGATE_CALENDAR_MODULE, "CARDGATE_CALENDAR", dir / "clock");
}

void Stage::with_held_disk() {
  std::filesystem::create_directory(dir / "held");
  preload(CARDGATE_HELD_DISK_MODULE, "CARDGATE_HELD_DISK", dir / "held");
}

void Stage::hold(const char* what) const {
  must(write_file_atomic(dir / "held" / what, {}, 0644), "hold");
}

void Stage::release() const {
  for (const char* what : {"register", "audit"}) std::filesystem::remove(dir / "held" / what);
}

void Stage::with_failing_disk() {
  preload(CARDGATE_FAILING_DISK_MODULE, "CARDGATE_DISK_FAULT", dir / "fault");
}

void Stage::fail_disk(std::string_view how) const {
  must(write_file_atomic(dir / "fault", as_bytes(std::string(how)), 0644), "the disk's fault");
}

void Stage::mend_disk() const {
  std::filesystem::remove(dir / "fault");
}

void Stage::preload(const std::string& module, const std::string& variable, const std::string& value) {
  // ASan otherwise refuses to start behind a preloaded library.
  environment = {{"LD_PRELOAD", module}, {variable, value}, {"ASAN_OPTIONS", "verify_asan_link_order=0"}};
}

void Stage::set_clock(seconds ahead) const {
  // Put into place whole: the service reads it at any moment.
  must(write_file_atomic(dir / "clock", as_bytes(fmt::format("{}\n", ahead.count())), 0644),
       "the clock file");
}

void Stage::launch_daemon() {
  ProcessOptions options;
  options.environment = environment;
  auto started =
      Process::start({built_file("daemon/cardgated"), "--config", dir / "cardgated.yaml"}, options);
  must(started, "cardgated");
  daemon = std::move(*started);
}

void Stage::with_core(const std::string& removal) {
  ASSERT_EQ(stop_daemon(), 0);
  auto policy = read_file(dir / "policy.yaml", 1 << 20);
  ASSERT_TRUE(policy);
  const auto at = policy->find("  core:\n");
  ASSERT_NE(at, std::string::npos);
  policy->insert(at + 8, "    card_removal: " + removal + "\n");
  ASSERT_TRUE(write_file_atomic(dir / "policy.yaml", as_bytes(*policy), 0644));
  start_daemon();
}

void Stage::start_daemon() {
  launch_daemon();
  if (!daemon->wait_for_line("serving", seconds(20)))
    throw std::runtime_error("cardgated:\n" + daemon->output());
}

int Stage::stop_daemon() {
  const int status = daemon->stop(seconds(15));
  daemon.reset();
  return status;
}

void Stage::insert() {
  must(link->insert(), "insert");
}
void Stage::pull() {
  link->pull();
  // pcscd looks at the virtual reader every 0.4 s: until then a status would still show the card that is
  // gone.
  const auto gone = [&] { return card_status().empty(); };
  if (daemon && !eventually(seconds(10), gone)) throw std::runtime_error("the card's removal was not seen");
}

void Stage::insert_and_wait() {
  insert();
  if (!eventually(seconds(15), [&] {
        const auto status = card_status();
        const auto* state = find_string(status, "state");
        return state != nullptr && *state != "reading";
      })) {
    throw std::runtime_error("the card was not read:\n" + ask("GET", "/v1/status").body + "\n" +
                             daemon->output());
  }
}

HttpAnswer Stage::ask(const std::string& method, const std::string& target, const std::string& body,
                      const std::vector<std::string>& headers) const {
  return http(socket, method, target, body, headers);
}

HttpAnswer Stage::admin(const std::string& method, const std::string& target, const std::string& body,
                        const std::vector<std::string>& headers) const {
  return http(admin_socket, method, target, body, headers);
}

json::object Stage::service() const {
  const auto status = ask("GET", "/v1/status").json();
  const auto* found = find_object(status, "service");
  return found == nullptr ? json::object() : *found;
}

json::object Stage::card_status(const std::string& in) const {
  const auto status = ask("GET", "/v1/status").json();
  const auto* readers = find_array(status, "readers");
  if (readers == nullptr) return {};
  for (const auto& entry : *readers) {
    const auto* name = find_string(entry.as_object(), "name");
    const auto* found = find_object(entry.as_object(), "card");
    if (name != nullptr && *name == in && found != nullptr) return *found;
  }
  return {};
}

HttpAnswer Stage::sign_in(const std::string& passcode, int tries, bool spend_last) const {
  json::object body{{"reader", reader},
                    {"card", simcard::to_text(card->data().uuid)},
                    {"tries_left", tries >= 0 ? tries : card->pin_tries()},
                    {"passcode", passcode}};
  if (spend_last) body["spend_last_try"] = true;
  return ask("POST", "/v1/sessions", json::serialize(body), {"Content-Type: application/json"});
}

HttpAnswer Stage::token(const std::string& role, const std::string& audience) const {
  return ask("POST", "/v1/token",
             json::serialize(json::object{{"role", role}, {"audience", audience}, {"fresh", true}}),
             {"Content-Type: application/json"});
}

std::string Stage::token_text(const std::string& role) const {
  const auto answer = token(role);
  const auto object = answer.json();
  const auto* text = find_string(object, "access_token");
  EXPECT_NE(text, nullptr) << answer.body;
  return text == nullptr ? "" : std::string(*text);
}

bool Stage::is_active(const std::string& text) const {
  const auto answer =
      ask("POST", "/v1/introspect", "token=" + text, {"Content-Type: application/x-www-form-urlencoded"});
  EXPECT_EQ(answer.status, 200) << answer.body;
  const auto object = answer.json();
  return object.contains("active") && object.at("active").is_bool() && object.at("active").as_bool();
}

HttpAnswer Stage::import(const std::string& yaml) const {
  return admin("POST", "/v1/staff/import", yaml, {"Content-Type: application/yaml"});
}

std::string Stage::audit_text() const {
  std::string all;
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(dir / "audit")) files.push_back(entry.path());
  std::ranges::sort(files);
  for (const auto& file : files) {
    const auto text = read_file(file, 256 << 20);
    if (text) all += *text;  // one that rotation has just removed is not missed
  }
  std::erase(all, '\0');  // preallocated space
  return all;
}

bool Stage::audit_says(std::string_view text) const {
  return eventually(seconds(10), [&] { return audit_text().find(text) != std::string::npos; });
}

Finished Stage::cardgate(std::vector<std::string> arguments, const std::string& input) const {
  std::vector<std::string> argv{built_file("client/cardgate")};
  argv.insert(argv.end(), arguments.begin(), arguments.end());
  ProcessOptions options;
  options.input = input;
  options.environment = {{"CARDGATE_SOCKET", socket}, {"CARDGATE_ADMIN_SOCKET", admin_socket}};
  auto finished = run(argv, seconds(150), options);  // a large import under a sanitizer takes its time
  must(finished, "cardgate");
  return *finished;
}

}  // namespace cardgate::testing
