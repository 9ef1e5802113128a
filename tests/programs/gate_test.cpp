// SPDX-License-Identifier: Apache-2.0
// Web servers that let cardgate open their pages: the shipped configurations (config/nginx, config/caddy) in the real nginx and
// Caddy, on loopback, as a user that is not root, in front of the real service with a real card.
#include <arpa/inet.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <regex>
#include <thread>

#include "tests/daemon/other_user.hpp"
#include "tests/daemon/stage.hpp"
#include "tests/support/folders.hpp"

namespace cardgate {
namespace {

namespace fs = std::filesystem;
using std::chrono::seconds;
using testing::eventually;
using testing::Process;
using testing::Stage;

constexpr std::uint16_t nginx_port = 8080, caddy_port = 8082;
constexpr uid_t gate_user = testing::stranger;

struct Page {
  int status = 0;  // 0: the connection broke
  std::string head, body;
  bool says(std::string_view words) const { return body.find(words) != std::string::npos; }
};

/// A browser's or program's connection, which is kept from one request to the next.
class Visitor {
 public:
  explicit Visitor(std::uint16_t port) : port_(port) {}
  ~Visitor() { leave(); }
  Visitor(const Visitor&) = delete;
  Visitor& operator=(const Visitor&) = delete;

  Page get(const std::string& path, const std::vector<std::string>& headers = {},
           const std::string& method = "GET", const std::string& sent = {}) {
    if (fd_ < 0) connect();
    std::string text = fmt::format("{} {} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\n", method, path, port_);
    for (const auto& header : headers) text += header + "\r\n";
    if (!sent.empty() || method == "POST") text += fmt::format("Content-Length: {}\r\n", sent.size());
    text += "\r\n" + sent;
    if (::send(fd_, text.data(), text.size(), MSG_NOSIGNAL) < 0) return {};
    auto page = receive();
    if (page.status == 0 || page.head.find("Connection: close") != std::string::npos) leave();
    return page;
  }
  Page open(const std::string& path, const std::string& token, std::vector<std::string> more = {}) {
    more.push_back("Authorization: Bearer " + token);
    return get(path, more);
  }

 private:
  void connect() {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port_);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const timeval patience{30, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    if (::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) leave();
  }
  void leave() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }
  Page receive() {
    std::string text;
    Page page;
    char piece[16384];
    for (;;) {
      if (const auto end = text.find("\r\n\r\n"); end != std::string::npos) {
        page.head = text.substr(0, end);
        std::smatch length;
        static const std::regex field("\r\n[Cc]ontent-[Ll]ength: ([0-9]+)");
        const bool has = std::regex_search(page.head, length, field);
        const std::size_t size = has ? std::stoul(length[1]) : 0;
        if (text.size() >= end + 4 + size) {
          page.body = text.substr(end + 4, size);
          page.status = std::stoi(page.head.substr(9, 3));
          return page;
        }
      }
      const auto got = ::recv(fd_, piece, sizeof piece, 0);
      if (got <= 0) return {};
      text.append(piece, static_cast<std::size_t>(got));
    }
  }

  std::uint16_t port_;
  int fd_ = -1;
};

void replace(std::string& text, std::string_view from, const std::string& to) {
  ASSERT_NE(text.find(from), std::string::npos) << from;
  for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size())
    text.replace(at, from.size(), to);
}

class Gate : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!testing::Pcscd::available())
      GTEST_SKIP() << "pcscd or the virtual reader is missing: run script/bootstrap";
    if (!testing::has_program("nginx")) GTEST_SKIP() << "nginx is missing: run script/bootstrap";
  }

  /// Ada has both roles; nginx is on the clients' list as a user of its own, where there is one.
  void up() {
    stage.limits = "limits: {requests_per_second: 1000000, tokens_per_second: 1000}\n";
    stage.up();
    ASSERT_EQ(stage.stop_daemon(), 0);
    stage.write_config(fmt::format("  - {{name: gate, match: {{user: {}}}, verifies: [esr]}}\n", gate_user));
    stage.start_daemon();
    const std::string rest =
        "verified_by: \"2000\", verified_on: 2026-01-02, approved_by: \"3000\", approved_on: 2026-01-03, "
        "valid_from: "
        "2026-01-03}";
    const auto people =
        stage.people("{kind: ESR06, role: core, " + rest + ", {kind: ESR06, role: manager-self-service, " +
                     rest) +
        "  - {id: \"4000\", name: Sam Invented, line_manager: \"1000\", employed_from: 2020-01-01}\n";
    const auto imported = stage.import(people);
    ASSERT_EQ(imported.status, 200) << imported.body;
    stage.insert_and_wait();
    ASSERT_EQ(stage.sign_in().status, 201);
    core = stage.token_text("core");
    manager = stage.token_text("manager-self-service");
  }

  /// A folder that the gate's user may write.
  fs::path folder() {
    const auto made = stage.dir / "gate";
    fs::create_directories(made / "tmp");
    if (testing::can_be_another_user()) {
      EXPECT_EQ(::chown(made.c_str(), gate_user, gate_user), 0);
      EXPECT_EQ(::chown((made / "tmp").c_str(), gate_user, gate_user), 0);
    }
    return made;
  }
  std::string shipped(const std::string& file) const {
    const auto text = read_file(source_file("config/" + file), 1 << 20);
    EXPECT_TRUE(text) << file;
    return text ? *text : "";
  }
  void put(const fs::path& file, const std::string& text) const {
    ASSERT_TRUE(write_file_atomic(file, as_bytes(text), 0644));
  }
  static std::unique_ptr<Process> start_as_gate(std::vector<std::string> command,
                                                testing::ProcessOptions options = {}) {
    if (testing::can_be_another_user()) {
      const auto id = std::to_string(gate_user);
      command.insert(command.begin(),
                     {"setpriv", "--reuid", id, "--regid", id, "--clear-groups", "--no-new-privs"});
    }
    auto started = Process::start(std::move(command), std::move(options));
    EXPECT_TRUE(started);
    return started ? std::move(*started) : nullptr;
  }

  void start_nginx() {
    const auto here = folder();
    auto http = shipped("nginx/cardgate.conf");
    replace(http, "/run/cardgate/cardgate.sock", stage.socket.string());
    put(here / "cardgate.conf", http);
    const std::string inner = here / "inner.sock";
    auto locations = shipped("nginx/locations.conf");
    replace(locations, "/run/nginx-cardgate.sock", inner);
    put(here / "locations.conf", locations);
    put(here / "page.conf", shipped("nginx/page.conf"));
    auto site = shipped("nginx/site.conf");
    replace(site, "127.0.0.1:8443 ssl", fmt::format("127.0.0.1:{}", nginx_port));
    site = std::regex_replace(site, std::regex("\n *ssl_certificate[^\n]*"), "");
    replace(site, "/etc/nginx/cardgate/", here.string() + "/");
    replace(site, "/run/nginx-cardgate.sock", inner);
    put(here / "site.conf", site);
    // The application: it says what it was given.
    const std::string_view said =
        "subject=$http_x_cardgate_subject role=$http_x_cardgate_role session=$http_x_cardgate_session "
        "auth=$http_authorization "
        "cookie=$http_cookie method=$request_method uri=$request_uri.";
    put(here / "nginx.conf", fmt::format(R"(daemon off;
pid {0}/nginx.pid;
worker_processes 2;
events {{ worker_connections 512; }}
http {{
  access_log off;
  keepalive_requests 100000;
  client_body_temp_path {0}/tmp/b; proxy_temp_path {0}/tmp/p; fastcgi_temp_path {0}/tmp/f; uwsgi_temp_path {0}/tmp/u;
  scgi_temp_path {0}/tmp/s;
  include {0}/cardgate.conf;
  server {{
    listen 127.0.0.1:8081;
    location / {{ default_type text/plain; add_header Cache-Control "public, max-age=600"; return 200 "{1}"; }}
  }}
  include {0}/site.conf;
}}
)",
                                         here.string(), said));
    nginx = start_as_gate({"nginx", "-p", here.string(), "-e", "stderr", "-c", here / "nginx.conf"});
    ASSERT_TRUE(nginx);
    ASSERT_TRUE(eventually(seconds(10), [] { return Visitor(nginx_port).get("/").status == 404; }))
        << nginx->output();
  }

  void TearDown() override {
    if (!nginx) return;
    nginx->stop();  // with its workers
    if (HasFailure()) std::fprintf(stderr, "--- nginx:\n%s---\n", nginx->output().c_str());
  }

  Stage stage;
  std::string core, manager;
  std::unique_ptr<Process> nginx;
};

constexpr std::string_view sign_in_words =
    "Put your smartcard into the reader, sign in, and open the page again.";

TEST_F(Gate, APageOpensWithTheCardInAndClosesWithItOut) {
  up();
  start_nginx();
  Visitor ada(nginx_port), stranger(nginx_port);
  const auto core_page = ada.open("/core/rotas?week=3", core);
  EXPECT_EQ(core_page.status, 200) << core_page.body;
  EXPECT_TRUE(core_page.says("subject=1000 role=core session=")) << core_page.body;
  EXPECT_TRUE(core_page.says("auth= cookie= method=GET uri=/core/rotas?week=3."))
      << "the token stays at the gate: " << core_page.body;
  EXPECT_NE(core_page.head.find("Cache-Control: no-store"), std::string::npos) << core_page.head;
  EXPECT_EQ(core_page.head.find("max-age"), std::string::npos) << core_page.head;
  const auto managers_page = ada.open("/manager/team", manager);
  EXPECT_EQ(managers_page.status, 200) << managers_page.body;
  EXPECT_TRUE(managers_page.says("subject=1000 role=manager-self-service")) << managers_page.body;

  for (const auto& [path, token] : {std::pair{"/core/rotas", manager}, std::pair{"/manager/team", core}}) {
    const auto other = ada.open(path, token);
    EXPECT_EQ(other.status, 403);
    EXPECT_TRUE(other.says("not in the role that opens this page")) << other.body;
  }
  for (const auto* path : {"/core/rotas", "/manager/team"}) {
    const auto closed = stranger.get(path);
    EXPECT_EQ(closed.status, 401);
    EXPECT_TRUE(closed.says(sign_in_words)) << closed.body;
    EXPECT_EQ(stranger.open(path, core + "x").status, 401);
    EXPECT_EQ(stranger.get(path, {"Authorization: Basic YTph"}).status, 401);
  }
  EXPECT_EQ(ada.open("/elsewhere", core).status, 404) << "what no location names stays closed";
  EXPECT_EQ(ada.open("/cardgate/verify", core).status, 404) << "it is not for people";

  stage.pull();
  for (const auto& [path, token] : {std::pair{"/core/rotas", core}, std::pair{"/manager/team", manager}}) {
    const auto closed = ada.open(path, token);
    EXPECT_EQ(closed.status, 401) << "on the connection that was open before: " << closed.body;
    EXPECT_TRUE(closed.says(sign_in_words)) << closed.body;
    EXPECT_NE(closed.head.find("WWW-Authenticate: Bearer"), std::string::npos) << closed.head;
  }
}

TEST_F(Gate, TheApplicationHearsNothingThatARequestClaims) {
  up();
  start_nginx();
  Visitor ada(nginx_port);
  const auto page =
      ada.open("/core/a", core,
               {"X-Cardgate-Subject: 3000", "x-cardgate-role: esr-workforce-systems",
                "X_Cardgate_Subject: 3000", "X-Cardgate-Session: mine",
                "Cookie: theme=dark; __Host-cardgate=abc; size=2", "X-Original-URI: /manager/a"});
  EXPECT_EQ(page.status, 200) << page.body;
  EXPECT_TRUE(page.says("subject=1000 role=core session=")) << page.body;
  EXPECT_FALSE(page.says("3000")) << page.body;
  EXPECT_FALSE(page.says("session=mine")) << page.body;
  EXPECT_TRUE(page.says("cookie=theme=dark; size=2 ")) << page.body;
  // Neither does the service: a query of one's own is no query of the gate's.
  EXPECT_EQ(ada.open("/manager/a?role=core&audience=esr", core).status, 403);
  EXPECT_EQ(ada.get("/core/a?access_token=" + core).status, 401);
  const auto sent = ada.get("/core/a", {"Authorization: Bearer " + core}, "POST", "role=core");
  EXPECT_TRUE(sent.says("method=POST")) << sent.status << sent.body;
}

TEST_F(Gate, NoOddPathLeadsIntoAnotherRolesPage) {
  up();
  start_nginx();
  for (const std::string path : {"/core/..%2fmanager/a",
                                 "/core/../manager/a",
                                 "/core/%2e%2e/manager/a",
                                 "/core/%2e%2e%2fmanager/a",
                                 "/core/..;/manager/a",
                                 "/core/..;x=1/manager/a",
                                 "/core/..%5cmanager/a",
                                 "/core/..\\manager/a",
                                 "/core/..%252fmanager/a",
                                 "/core/%252e%252e/manager/a",
                                 "//manager/a",
                                 "/core//../manager/a",
                                 "/core/./../manager/a",
                                 "/core/..%00/manager/a",
                                 "/CORE/a",
                                 "/core",
                                 "/corex/a",
                                 "/core/%2E%2E/manager/a",
                                 "/core/%c0%ae%c0%ae/manager/a",
                                 "/core/..%3b/manager/a",
                                 "/%2fmanager/a",
                                 "/core/.%2e/manager/a",
                                 "/core/..",
                                 "/core/..?x",
                                 "/.;/manager/a",
                                 "/cardgate/../manager/a"}) {
    Visitor ada(nginx_port);
    const auto page = ada.open(path, core);
    EXPECT_NE(page.status, 200) << path << " " << page.body;
  }
  EXPECT_EQ(Visitor(nginx_port).open("/core/a%20b/%c3%a9/c.d?x=..%2f;//", core).status, 200)
      << "what is not odd goes on";
  EXPECT_EQ(Visitor(nginx_port).get("http://other.example/core/a").status, 401) << "an absolute target";
}

TEST_F(Gate, ABrowserKeepsTheTokenInACookieThatIsWorthNothingWithoutTheCard) {
  up();
  start_nginx();
  Visitor browser(nginx_port);
  const std::vector<std::string> form{"Content-Type: application/x-www-form-urlencoded", "Origin: null"};
  const auto opened = browser.get("/cardgate/open", form, "POST", "token=" + core);
  ASSERT_EQ(opened.status, 200) << opened.body;
  EXPECT_NE(
      opened.head.find("Set-Cookie: __Host-cardgate=" + core + "; Path=/; Secure; HttpOnly; SameSite=Strict"),
      std::string::npos)
      << opened.head;
  EXPECT_TRUE(opened.says("content=\"0; url=/core/\"")) << opened.body;
  EXPECT_FALSE(opened.says(core));
  EXPECT_EQ(opened.head.find("X-Cardgate"), std::string::npos) << opened.head;
  EXPECT_EQ(browser.open("/cardgate/open", core).status, 405);
  for (const std::string wrong : {"token=abc", "token=", "", "x=1", "token=a%0d%0ab"}) {
    const auto refused = browser.get("/cardgate/open", {"Authorization: Bearer " + core}, "POST", wrong);
    EXPECT_EQ(refused.status, 401) << wrong << refused.body;
    EXPECT_EQ(refused.head.find("Set-Cookie"), std::string::npos) << refused.head;
    EXPECT_TRUE(refused.says(sign_in_words)) << refused.body;
  }
  EXPECT_EQ(browser.get("/cardgate/open", form, "POST", "token=" + core + "&more=1").status, 401);
  EXPECT_EQ(Visitor(nginx_port).get("/cardgate/open", form, "POST", "token=" + std::string(9000, 'a')).status,
            413);
  EXPECT_EQ(browser.get("/cardgate/opened").status, 401);
  EXPECT_EQ(browser.get("/cardgate/opened", {"Cookie: __Host-cardgate=" + core}).status, 401)
      << "a cookie makes no cookie";
  EXPECT_EQ(browser.get("/cardgate/verify-any", {"Authorization: Bearer " + core}).status, 404);

  const std::string cookie = "Cookie: a=1; __Host-cardgate=" + core + "; b=2";
  const auto page = browser.get("/core/a", {cookie});
  EXPECT_EQ(page.status, 200) << page.body;
  EXPECT_TRUE(page.says("cookie=a=1; b=2 ")) << page.body;
  EXPECT_EQ(browser.get("/manager/a", {cookie}).status, 403);
  EXPECT_EQ(browser.get("/core/a", {cookie, "Authorization: Bearer abc"}).status, 401)
      << "the header alone counts";
  EXPECT_EQ(browser.get("/core/a", {"Cookie: cardgate=" + core}).status, 401);
  EXPECT_EQ(browser.get("/core/a", {"Cookie: x__Host-cardgate=" + core}).status, 401);
  stage.pull();
  EXPECT_EQ(browser.get("/core/a", {cookie}).status, 401);
  EXPECT_EQ(browser.get("/cardgate/open", form, "POST", "token=" + core).status, 401);
}

TEST_F(Gate, ADesktopsIconOpensThePageInTheBrowser) {
  if (!testing::has_program("/usr/bin/python3")) GTEST_SKIP() << "Debian's python3 is missing";
  up();
  start_nginx();
  const auto run_folder = stage.dir / "run";
  fs::create_directory(run_folder);
  fs::permissions(run_folder, fs::perms(0700));
  // A browser that keeps what it is shown, and says how it was shown.
  put(stage.dir / "browser",
      fmt::format(
          "#!/bin/sh\ncp \"$1\" {0}/seen; stat -c 'mode %a' \"$1\"; tr '\\0' ' ' </proc/$PPID/cmdline\n",
          stage.dir.path().string()));
  fs::permissions(stage.dir / "browser", fs::perms(0755));
  const auto icon = [&](const std::string& site) {
    testing::ProcessOptions options;
    options.environment = {{"XDG_RUNTIME_DIR", run_folder}};
    return *testing::run({"/usr/bin/python3", "-B", source_file("client/python/open_page.py"), site, "core",
                          "esr", "--socket", stage.socket, "--browser", stage.dir / "browser", "--keep", "0"},
                         seconds(30), options);
  };
  const auto shown = icon(fmt::format("http://127.0.0.1:{}", nginx_port));
  EXPECT_EQ(shown.status, 0) << shown.all;
  EXPECT_NE(shown.all.find("mode 600\n"), std::string::npos) << shown.all;
  EXPECT_EQ(shown.all.find("eyJ"), std::string::npos) << "a token on a command line: " << shown.all;
  EXPECT_TRUE(fs::is_empty(run_folder)) << "the page is removed";

  const auto seen = read_file(stage.dir / "seen", 1 << 20);
  ASSERT_TRUE(seen);
  std::smatch found;
  ASSERT_TRUE(std::regex_search(*seen, found,
                                std::regex("action=\"http://127.0.0.1:8080(/[a-z/]+)\"><input "
                                           "type=\"hidden\" name=\"token\" value=\"([^\"]+)\"")))
      << *seen;
  Visitor browser(nginx_port);
  const auto opened = browser.get(found[1], {}, "POST", "token=" + found[2].str());
  EXPECT_EQ(opened.status, 200) << opened.body;
  EXPECT_EQ(browser.get("/core/a", {"Cookie: __Host-cardgate=" + found[2].str()}).status, 200);

  EXPECT_EQ(icon("http://records.hospital.example").status, 1) << "in the clear over a network";
  fs::permissions(run_folder, fs::perms(0755));
  EXPECT_EQ(icon("https://records.hospital.example").status, 1) << "a folder that others can read";
  fs::permissions(run_folder, fs::perms(0700));
  stage.pull();
  const auto out = icon("https://records.hospital.example");
  EXPECT_EQ(out.status, 1);
  EXPECT_NE(out.all.find("Put your card in and sign in"), std::string::npos) << out.all;
}

TEST_F(Gate, ARealBrowserIsTakenToThePageAndKeepsNoTokenOnTheDisk) {
  if (!testing::has_program("chromium-headless-shell"))
    GTEST_SKIP() << "chromium-headless-shell is missing: run script/bootstrap languages";
  up();
  start_nginx();
  const auto run_folder = stage.dir / "run", profile = stage.dir / "profile";
  fs::create_directory(run_folder);
  fs::permissions(run_folder, fs::perms(0700));
  put(stage.dir / "browser",
      fmt::format("#!/bin/sh\ncp \"$1\" {0}/shown\nexec chromium-headless-shell --no-sandbox --disable-gpu "
                  "--user-data-dir={0}/profile "
                  "--virtual-time-budget=10000 --dump-dom \"file://$1\" >{0}/seen 2>{0}/said\n",
                  stage.dir.path().string()));
  fs::permissions(stage.dir / "browser", fs::perms(0755));
  testing::ProcessOptions options;
  options.environment = {{"XDG_RUNTIME_DIR", run_folder}, {"HOME", stage.dir.path()}};
  const auto opened = testing::run({"/usr/bin/python3", "-B", source_file("client/python/open_page.py"),
                                    fmt::format("http://127.0.0.1:{}", nginx_port), "core", "esr", "--socket",
                                    stage.socket, "--browser", stage.dir / "browser", "--keep", "0"},
                                   seconds(90), options);
  ASSERT_TRUE(opened);
  EXPECT_EQ(opened->status, 0) << opened->all;
  const auto seen = read_file(stage.dir / "seen", 1 << 20), shown = read_file(stage.dir / "shown", 1 << 20);
  ASSERT_TRUE(seen && shown);
  EXPECT_NE(seen->find("subject=1000 role=core"), std::string::npos) << *seen;

  std::smatch token;
  ASSERT_TRUE(std::regex_search(*shown, token, std::regex("eyJ[A-Za-z0-9._-]+")));
  int files = 0;
  for (const auto& entry : fs::recursive_directory_iterator(profile)) {
    if (!entry.is_regular_file()) continue;
    ++files;
    const auto kept = read_file(entry.path(), 64 << 20);
    EXPECT_TRUE(!kept || kept->find(token.str().substr(0, 200)) == std::string::npos) << entry.path();
  }
  EXPECT_GT(files, 3) << "the browser has a profile";
}

TEST_F(Gate, WithTheServiceDownEveryPageIsClosedAndSaysSo) {
  up();
  start_nginx();
  Visitor ada(nginx_port);
  ASSERT_EQ(ada.open("/core/a", core).status, 200);
  ASSERT_EQ(stage.stop_daemon(), 0);
  for (const std::string& token : {core, std::string("abc")}) {
    const auto closed = ada.open("/core/a", token);
    EXPECT_EQ(closed.status, 503);
    EXPECT_TRUE(closed.says("The sign-in service does not answer, so nobody can be let in.")) << closed.body;
    EXPECT_NE(closed.head.find("Retry-After: 5"), std::string::npos) << closed.head;
  }
  const auto form = ada.get("/cardgate/open", {}, "POST", "token=" + core);
  EXPECT_EQ(form.status, 503) << form.body;
  EXPECT_EQ(form.head.find("Set-Cookie"), std::string::npos) << form.head;
  stage.start_daemon();
  EXPECT_EQ(ada.open("/core/a", core).status, 401) << "a restart ends all sessions";
  ASSERT_TRUE(eventually(seconds(20), [&] { return stage.sign_in().status == 201; }));
  EXPECT_EQ(ada.open("/core/a", stage.token_text("core")).status, 200);
}

TEST_F(Gate, UnderLoadNobodyIsLetInAfterTheCardWasPulled) {
  up();
  start_nginx();
  std::atomic<bool> pulled{false}, stop{false};
  std::atomic<int> before{0}, after{0}, let_in{0}, odd{0};
  std::vector<std::thread> visitors;
  for (int number = 0; number < 8; ++number) {
    visitors.emplace_back([&, number] {
      Visitor ada(nginx_port);
      const bool is_manager = number % 2 == 1;
      while (!stop) {
        const bool out = pulled;  // before the request is sent
        const auto page = ada.open(is_manager ? "/manager/a" : "/core/a", is_manager ? manager : core);
        if (page.status != 200 && page.status != 401) ++odd;
        if (!out && page.status == 200) ++before;
        if (out) ++after;
        if (out && page.status == 200) ++let_in;
      }
    });
  }
  EXPECT_TRUE(eventually(seconds(60), [&] { return before >= 1000; })) << before;
  stage.pull();  // returns when the service has seen it
  pulled = true;
  EXPECT_TRUE(eventually(seconds(60), [&] { return after >= 1000; })) << after;
  stop = true;
  for (auto& visitor : visitors) visitor.join();
  EXPECT_EQ(let_in, 0) << "of " << after;
  EXPECT_EQ(odd, 0);
  std::printf("let in before: %d, after: %d of %d\n", before.load(), let_in.load(), after.load());
}

TEST_F(Gate, CaddyOpensAndClosesItsPagesToo) {
  if (!testing::has_program("caddy")) GTEST_SKIP() << "caddy is missing: apt-get install caddy";
  up();
  start_nginx();  // for the application behind
  auto file = shipped("caddy/Caddyfile");
  replace(file, "unix//run/cardgate/cardgate.sock", "unix/" + stage.socket.string());
  replace(file, "https://records.hospital.example", fmt::format("http://127.0.0.1:{}", caddy_port));
  const auto here = folder();
  put(here / "Caddyfile", file);
  testing::ProcessOptions options;
  options.environment = {
      {"XDG_DATA_HOME", here / "tmp"}, {"XDG_CONFIG_HOME", here / "tmp"}, {"HOME", here / "tmp"}};
  const auto caddy =
      start_as_gate({"caddy", "run", "--adapter", "caddyfile", "--config", here / "Caddyfile"}, options);
  ASSERT_TRUE(caddy);
  ASSERT_TRUE(eventually(seconds(20), [] { return Visitor(caddy_port).get("/").status == 404; }))
      << caddy->output();

  Visitor ada(caddy_port);
  const auto page =
      ada.open("/core/a", core, {"X-Cardgate-Subject: 3000", "X-Cardgate-Role: manager-self-service"});
  EXPECT_EQ(page.status, 200) << page.body << caddy->output();
  EXPECT_TRUE(page.says("subject=1000 role=core session=") && page.says("auth= ")) << page.body;
  EXPECT_EQ(ada.open("/manager/a", manager).status, 200);
  EXPECT_EQ(ada.open("/manager/a", core).status, 403);
  const auto closed = ada.get("/core/a");
  EXPECT_EQ(closed.status, 401) << closed.body;
  const auto sent = ada.get("/core/a", {"Authorization: Bearer " + core}, "POST", "role=core");
  EXPECT_TRUE(sent.says("method=POST")) << sent.status << sent.body;
  for (const std::string path :
       {"/core/..%2fmanager/a", "/core/../manager/a", "/core/%2e%2e/manager/a", "/core/..;/manager/a",
        "/core/..\\manager/a", "/core/%252e%252e/manager/a", "//manager/a", "/core/%2e%2e%2fmanager/a"}) {
    const auto odd = Visitor(caddy_port).open(path, core);
    EXPECT_NE(odd.status, 200) << path << " " << odd.body;
  }
  ASSERT_EQ(stage.stop_daemon(), 0);
  EXPECT_EQ(ada.open("/core/a", core).status, 502);
  stage.start_daemon();
  EXPECT_EQ(ada.open("/core/a", core).status, 401);
  ASSERT_TRUE(eventually(seconds(20), [&] { return stage.sign_in().status == 201; }));
  core = stage.token_text("core");
  EXPECT_EQ(ada.open("/core/a", core).status, 200);
  stage.pull();
  EXPECT_EQ(ada.open("/core/a", core).status, 401);
}

}  // namespace
}  // namespace cardgate
