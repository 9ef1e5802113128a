// SPDX-License-Identifier: Apache-2.0
// The daemon's small pure parts.
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <linux/sched.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <fstream>

#include "daemon/access/peer.hpp"
#include "daemon/access/rates.hpp"
#include "daemon/access/surroundings.hpp"
#include "daemon/cards/readers.hpp"
#include "daemon/http/message.hpp"
#include "daemon/http/router.hpp"
#include "daemon/http/server.hpp"
#include "daemon/record/metrics.hpp"
#include "daemon/rules/config.hpp"
#include "daemon/rules/keys.hpp"
#include "daemon/time/wall_guard.hpp"
#include "tests/support/folders.hpp"
#include "tests/support/process.hpp"

namespace cardgate::daemon {
namespace {

TEST(RequestHead, RefusesWhatHidesASecondRequest) {
  const std::string start = "POST /v1/token HTTP/1.1\r\nHost: x\r\n";
  EXPECT_EQ(refuse_head(start + "Content-Length: 5\r\n\r\n"), "");
  EXPECT_EQ(refuse_head("GET / HTTP/1.0\r\n\r\n"), "");
  const char* bad[] = {"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
                       "Content-Length: 5\r\nContent-Length: 5\r\n",
                       "Content-Length: 5, 5\r\n",
                       "Content-Length: +5\r\n",
                       "Transfer-Encoding: gzip, chunked\r\n",
                       "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
                       "Host: y\r\n",
                       "X: a\r\n folded\r\n",
                       "Bad Name: 1\r\n",
                       "Name : 1\r\n",
                       ": 1\r\n",
                       "NoColon\r\n",
                       "X: a\rb\r\n",
                       "Authorization: a\r\nAuthorization: b\r\n",
                       "Content-Type: a\r\nContent-Type: a\r\n",
                       "Authorization:\r\n"};
  for (const char* line : bad) EXPECT_NE(refuse_head(start + line + "\r\n"), "") << line;
  EXPECT_NE(refuse_head("GET / HTTP/1.1\r\n\r\n"), "") << "no Host";
  EXPECT_NE(refuse_head("GET http://x/ HTTP/1.1\r\nHost: x\r\n\r\n"), "");
  EXPECT_NE(refuse_head("CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n"), "");
  for (std::size_t cut = 0; cut < start.size(); ++cut)
    refuse_head(start.substr(0, cut) + "\r\n\r\n");  // never crashes
}

TEST(Target, IsDecodedOnceAndHoldsNoControls) {
  Request request;
  ASSERT_TRUE(parse_target("/v1/verify?audience=es%20r&role=core", request));
  EXPECT_EQ(request.path, "/v1/verify");
  EXPECT_EQ(*request.parameter("audience"), "es r");
  EXPECT_EQ(request.parameter("none"), nullptr);
  for (const char* bad : {"/%00", "/a%0ab", "/?x=%0d", "/%zz", "x", ""}) {
    Request refused;
    EXPECT_FALSE(parse_target(bad, refused)) << bad;
  }
}

/// The status and error of what becomes of it, or the row that answers.
std::string routed(std::string_view target, std::string method = "GET", bool admin = false,
                   std::string type = {}) {
  static constexpr Rule rules[] = {
      {On::main, "GET", "/verify", {}, "audience role"},
      {On::both, "POST", "/staff/{id}/cards", "application/json", "session"},
      {On::both, "GET", "/staff/{id}", {}, {}},
      {On::admin, "GET", "/staff/import", {}, {}},
      {On::admin, "POST", "/staff/import", "application/yaml or text/csv", "dry_run"},
  };
  Request request;
  EXPECT_TRUE(parse_target(target, request)) << target;
  request.method = std::move(method);
  request.content_type = std::move(type);
  const auto found = find_route(rules, request, admin);
  if (found.refusal) return std::to_string(found.refusal->status);
  return "row " + std::to_string(*found.row) + (found.id.empty() ? "" : " of " + found.id);
}

TEST(Routing, AParameterThatIsUnknownOrStandsTwiceIsRefused) {
  EXPECT_EQ(routed("/verify"), "row 0");
  EXPECT_EQ(routed("/verify?audience=esr&role=core"), "row 0");
  EXPECT_EQ(routed("/verify?role=core&role=core"), "400");
  EXPECT_EQ(routed("/verify?role=core&audience=esr&role=other"), "400");
  EXPECT_EQ(routed("/verify?role=core&r%6Fle=core"), "400") << "the same name, written otherwise";
  for (const char* query :
       {"Role=core", "rol=core", "role%20=core", "audience%20role=core", "=core", "&", "x"}) {
    EXPECT_EQ(routed(std::string("/verify?") + query), "400") << query;
  }
  EXPECT_EQ(routed("/staff/7"), "row 2 of 7");
  EXPECT_EQ(routed("/staff/7?session=1"), "400") << "a call that takes none";
  EXPECT_EQ(routed("/staff/7/cards?session=1", "POST", false, "application/json"), "row 1 of 7");
}

TEST(Routing, ASocketServesItsOwnCallsAlone) {
  EXPECT_EQ(routed("/staff/import"), "404") << "not the person of that number";
  EXPECT_EQ(routed("/staff/import", "GET", true), "row 3");
  EXPECT_EQ(routed("/verify", "GET", true), "404");
  EXPECT_EQ(routed("/verify", "HEAD"), "row 0");
  EXPECT_EQ(routed("/verify", "DELETE"), "405");
  EXPECT_EQ(routed("/staff//cards", "POST"), "404");
  EXPECT_EQ(routed("/staff/a%2Fb"), "404");
  EXPECT_EQ(routed("/staff/import", "POST", true, "text/csv"), "row 4");
  EXPECT_EQ(routed("/staff/import", "POST", true, "text/csv or"), "415");
  EXPECT_EQ(routed("/staff/import", "POST", true), "415");
}

TEST(Bearer, ItsSchemeIsInAnyCaseAndItsSpacesAreOneOrMore) {
  for (const char* lawful : {"Bearer a.b.c", "bearer a.b.c", "BEARER   a.b.c"})
    EXPECT_EQ(bearer_token(lawful), "a.b.c") << lawful;
  for (const char* none : {"", "Bearer", "Bearer ", "Bearera.b.c", "Bearer\ta.b.c", "Basic a.b.c", "a.b.c"})
    EXPECT_EQ(bearer_token(none), "") << none;
}

TEST(Answer, EveryTooManyAndNotNowSaysWhenToTryAgain) {
  const auto wait = [](const Response& answer) {
    std::string out;
    for (const auto& [name, value] : answer.headers) {
      if (name == "Retry-After") out += value + ";";
    }
    return out;
  };
  EXPECT_EQ(wait(problem(429, "rate_limited", "x")), "1;");
  EXPECT_EQ(wait(problem(429, "too_many_tokens", "x")), "60;");
  EXPECT_EQ(wait(problem(503, "audit_unavailable", "x")), "5;");
  EXPECT_EQ(wait(problem(404, "not_found", "x")), "");
  auto known = problem(429, "throttled", "x");
  retry_after(known, milliseconds(29'001));
  EXPECT_EQ(wait(known), "30;") << "once, and never too early";
  retry_after(known, milliseconds(0));
  EXPECT_EQ(wait(known), "1;");
}

TEST(Answer, ItsHeadIsOneHead) {
  Response answer = problem(429, "rate_limited", "x");
  const auto head = head_of(answer, true);
  EXPECT_TRUE(head.starts_with("HTTP/1.1 429 Too Many Requests\r\nRetry-After: 1\r\n")) << head;
  EXPECT_NE(head.find(fmt::format("Content-Length: {}\r\n", answer.body.size())), std::string::npos) << head;
  EXPECT_EQ(head.find("\r\n\r\n"), head.size() - 4);
  EXPECT_EQ(head_of(no_content(), false).find("Content-"), std::string::npos);
  EXPECT_NE(head_of(no_content(), false).find("Connection: close\r\n"), std::string::npos);
  for (const char* value : {"a\r\nX: b", "a\nb", "\r"}) {
    answer.headers = {{"X-Cardgate-Subject", value}};
    EXPECT_THROW(head_of(answer, true), std::logic_error) << "a second answer";
  }
}

TEST(Rate, RefillsOverTimeAndKeepsUsersApart) {
  Rate rate(2, seconds(1));
  const BootTime start(seconds(100));
  EXPECT_TRUE(rate.allow(1, start));
  EXPECT_TRUE(rate.allow(1, start));
  EXPECT_FALSE(rate.allow(1, start));
  EXPECT_TRUE(rate.allow(2, start));
  EXPECT_TRUE(rate.allow(1, start + milliseconds(600)));
  EXPECT_FALSE(rate.allow(1, start + milliseconds(600)));
}

struct HandClock final : Clock {
  WallTime wall_time{seconds(1'000'000)};
  BootTime boot_time{seconds(50)};
  WallTime wall() const override { return wall_time; }
  BootTime boot() const override { return boot_time; }
};

TEST(WallGuard, AClockSetBackIsNotBelieved) {
  HandClock clock;
  WallGuard guard(clock);
  clock.wall_time -= std::chrono::hours(48);
  clock.boot_time += seconds(10);
  EXPECT_EQ(guard.now(), WallTime(seconds(1'000'010)));
  EXPECT_EQ(guard.set_back_by(), std::chrono::hours(48) + seconds(10));
  clock.wall_time = WallTime(seconds(1'000'020));
  EXPECT_EQ(guard.now(), clock.wall_time);
  EXPECT_FALSE(guard.set_back_by());
}

class ClockThatIsSet : public ::testing::Test {
 protected:
  using hours = std::chrono::hours;
  using Jump = WallGuard::Jump;
  /// Time passes, on both clocks.
  void pass(milliseconds time) {
    clock.wall_time += time;
    clock.boot_time += time;
  }
  void set(seconds by) { clock.wall_time += by; }
  std::optional<Jump> news() {
    const auto found = guard.take_news();
    return found ? std::optional(found->jump) : std::nullopt;
  }
  /// The believed time, counted from where the clock stood at the start.
  seconds believed() {
    return std::chrono::duration_cast<seconds>(guard.now() - WallTime(seconds(1'000'000)));
  }
  HandClock clock;
  WallGuard guard{clock};
};

TEST_F(ClockThatIsSet, AWrongJumpForwardIsOverWhenItIsPutRight) {
  set(hours(24 * 3650));
  EXPECT_EQ(believed(), hours(24 * 3650)) << "what has lapsed by then is over";
  EXPECT_EQ(news(), Jump::forward);
  pass(hours(60));
  EXPECT_EQ(believed(), hours(24 * 3650 + 60));
  set(-hours(24 * 3650));
  EXPECT_EQ(believed(), hours(60));
  EXPECT_FALSE(guard.set_back_by());
  EXPECT_EQ(news(), Jump::put_right);
  EXPECT_EQ(news(), std::nullopt);
}

TEST_F(ClockThatIsSet, PutRightGoesNoFurtherBackThanWithoutTheJump) {
  set(hours(24));
  EXPECT_EQ(believed(), hours(24));
  set(-hours(24 + 48));
  pass(hours(1));
  EXPECT_EQ(believed(), hours(1)) << "as if it had never been touched";
  EXPECT_EQ(guard.set_back_by(), hours(48));
  EXPECT_EQ(news(), Jump::set_back);
  set(hours(48));
  EXPECT_EQ(believed(), hours(1));
  EXPECT_EQ(news(), Jump::right_again);
}

TEST_F(ClockThatIsSet, AJumpForwardThatStoodIsTakenForRight) {
  set(hours(24));
  EXPECT_EQ(believed(), hours(24));
  pass(WallGuard::doubt);
  set(-hours(24));
  EXPECT_EQ(believed(), WallGuard::doubt + hours(24)) << "set back, not put right";
  EXPECT_TRUE(guard.set_back_by());
}

TEST_F(ClockThatIsSet, OfTwoJumpsEachCanBePutRight) {
  set(hours(1));  // right
  EXPECT_EQ(believed(), hours(1));
  set(hours(1000));  // wrong
  EXPECT_EQ(believed(), hours(1001));
  set(-hours(1000));
  EXPECT_EQ(believed(), hours(1));
  set(seconds(-10));
  EXPECT_EQ(believed(), hours(1) - seconds(10)) << "between the lines";
  EXPECT_FALSE(guard.set_back_by());
}

TEST_F(ClockThatIsSet, ManySmallStepsBackAreOneThatCounts) {
  seconds behind{0};
  for (int i = 0; i < 100; ++i) {
    set(seconds(-1));
    behind += seconds(1);
    pass(seconds(1));
    guard.now();
  }
  EXPECT_GE(believed(), seconds(100) - seconds(3)) << "and not " << (seconds(100) - behind).count();
  EXPECT_TRUE(guard.set_back_by());
}

TEST_F(ClockThatIsSet, ASmallStepADayIsTheBusinessOfTimeSynchronisation) {
  for (int day = 0; day < 100; ++day) {
    set(seconds(-1));
    pass(hours(24));
    guard.now();
    ASSERT_FALSE(guard.set_back_by()) << day;
  }
}

TEST(Key, IsMadeOnceForItsOwnerAlone) {
  const testing::TempDir dir;
  const auto file = dir / "token-key";
  const auto made = load_or_create_key({file});
  ASSERT_TRUE(made);
  struct stat status{};
  ASSERT_EQ(::stat(file.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777U, 0600U);
  EXPECT_EQ(load_or_create_key({file})->public_key(), made->public_key());
  ::chmod(file.c_str(), 0640);
  EXPECT_EQ(load_or_create_key({file}).error().code, Errc::permission_denied);
  ::chmod(file.c_str(), 0600);
  ASSERT_TRUE(write_file_atomic(file, as_bytes("short"), 0600));
  EXPECT_EQ(load_or_create_key({file}).error().code, Errc::corrupt);
  std::filesystem::remove(file);
  std::filesystem::create_symlink(dir / "elsewhere", file);
  EXPECT_FALSE(load_or_create_key({file})) << "a link is not followed";
}

/// The keys of a service to which systemd may hand credentials over.
class KeyOfTheMachine : public ::testing::Test {
 protected:
  KeyOfTheMachine() {
    std::filesystem::create_directory(state);
    std::filesystem::create_directory(credentials);
    ::setenv("CREDENTIALS_DIRECTORY", credentials.c_str(), 1);
  }
  ~KeyOfTheMachine() override { ::unsetenv("CREDENTIALS_DIRECTORY"); }
  /// As systemd does it after `cardgate setup` has sealed the key.
  void seal(std::string_view name) {
    std::filesystem::rename(state / name, sealed(name));
    ::chmod(sealed(name).c_str(), 0400);
  }
  std::filesystem::path sealed(std::string_view name) const {
    return credentials / ("cardgate." + std::string(name));
  }
  Result<SigningKey> load(std::string_view name) { return load_or_create_key(key_place(state, name)); }

  testing::TempDir dir;
  const std::filesystem::path state = dir / "state", credentials = dir / "credentials";
};

TEST_F(KeyOfTheMachine, IsTheSealedOneWhereThereIsOne) {
  const auto tokens = load(token_key_name)->public_key();
  const auto log = load(audit_key_name)->public_key();
  EXPECT_EQ(signing_keys_kept(state), "file");
  seal(token_key_name);
  EXPECT_EQ(signing_keys_kept(state), "partly sealed");
  seal(audit_key_name);
  EXPECT_EQ(signing_keys_kept(state), "sealed");
  EXPECT_EQ(load(token_key_name)->public_key(), tokens);
  EXPECT_EQ(load(audit_key_name)->public_key(), log);
  EXPECT_FALSE(std::filesystem::exists(state / token_key_name)) << "none is made beside it";
  ASSERT_TRUE(write_file_atomic(state / token_key_name, as_bytes(std::string(32, 'x')), 0600));
  EXPECT_EQ(signing_keys_kept(state), "partly sealed") << "a file that was left behind, or put there";
  EXPECT_EQ(load(token_key_name)->public_key(), tokens) << "is not used";
  ::unsetenv("CREDENTIALS_DIRECTORY");
  EXPECT_EQ(signing_keys_kept(state), "file");
  EXPECT_NE(load(token_key_name)->public_key(), tokens);
}

TEST_F(KeyOfTheMachine, IsRefusedWhenItIsSpoilt) {
  ASSERT_TRUE(load(token_key_name));
  seal(token_key_name);
  ::chmod(sealed(token_key_name).c_str(), 0440);
  EXPECT_TRUE(load(token_key_name)) << "the service's user is given the right to read it";
  ::chmod(sealed(token_key_name).c_str(), 0404);
  EXPECT_EQ(load(token_key_name).error().code, Errc::permission_denied);
  ::chmod(sealed(token_key_name).c_str(), 0600);
  ASSERT_TRUE(write_file_atomic(sealed(token_key_name), as_bytes("short"), 0400));
  EXPECT_EQ(load(token_key_name).error().code, Errc::corrupt);
  std::filesystem::remove(sealed(token_key_name));
  std::filesystem::create_symlink(dir / "elsewhere", sealed(token_key_name));
  EXPECT_FALSE(load(token_key_name)) << "a link is not followed, and no key made in its place";
  EXPECT_FALSE(std::filesystem::exists(state / token_key_name));
}

TEST_F(KeyOfTheMachine, ThatSealsIsSealedToo) {
  const auto made = load_or_create_seal_key(key_place(state, card_key_name));
  ASSERT_TRUE(made);
  seal(card_key_name);
  const auto kept = load_or_create_seal_key(key_place(state, card_key_name));
  ASSERT_TRUE(kept) << kept.error().message();
  EXPECT_TRUE(std::ranges::equal(kept->bytes(), made->bytes()));
}

class Attested : public ::testing::TestWithParam<Pin> {};

TEST_P(Attested, IsWhatTheKernelSays) {
  int pair[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
  const FileDescriptor a(pair[0]);
  const FileDescriptor b(pair[1]);
  const auto peer = attest(a.get(), GetParam());
  ASSERT_TRUE(peer) << peer.error().message();
  EXPECT_EQ(peer->uid, ::getuid());
  EXPECT_EQ(peer->gid, ::getgid());
  EXPECT_EQ(peer->pid, ::getpid());
  EXPECT_FALSE(peer->program.empty());
  EXPECT_EQ(peer->groups.size(), static_cast<std::size_t>(::getgroups(0, nullptr)));
}

TEST_P(Attested, AProgramMayCallItselfAnything) {
  char before[16] = {};
  ::prctl(PR_GET_NAME, before);
  ::prctl(PR_SET_NAME, "a\n\xe9\x1b");
  int pair[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
  const FileDescriptor a(pair[0]);
  const FileDescriptor b(pair[1]);
  const auto peer = attest(a.get(), GetParam());
  ::prctl(PR_SET_NAME, before);
  ASSERT_TRUE(peer) << peer.error().message();
  EXPECT_EQ(peer->program, "a\\x0A\\xE9\\x1B");
}

TEST(CardWords, ALimitThatACardMeetsIsNamed) {
  const auto names = explain_card_error({Errc::certificate_malformed, "it has 401 alternative names"});
  EXPECT_NE(names.find("(it has 401 alternative names)"), std::string::npos) << names;
  const auto bytes = explain_card_error({Errc::too_large, "17000 bytes, the limit is 16384"});
  EXPECT_NE(bytes.find("the limit is 16384"), std::string::npos) << bytes;
}

/// A process that has this number, and somebody else's name; 0 when this machine does not let us choose.
pid_t start_as(pid_t number) {
  pid_t chosen = number;
  clone_args how{};
  how.exit_signal = SIGCHLD;
  how.set_tid = reinterpret_cast<std::uintptr_t>(&chosen);
  how.set_tid_size = 1;
  const auto pid = static_cast<pid_t>(::syscall(SYS_clone3, &how, sizeof how));
  if (pid != 0) return std::max(pid, 0);
  ::prctl(PR_SET_NAME, "borrowed");
  for (;;) ::pause();
}

TEST_P(Attested, ALaterProcessOfTheSameNumberLendsItNothing) {
  if (::getuid() != 0) GTEST_SKIP() << "only root can choose a process's number";
  const testing::TempDir dir;
  std::filesystem::permissions(dir.path(), std::filesystem::perms(0755));
  const auto path = dir / "socket";
  const auto listening = listen_on(path, 0666);
  ASSERT_TRUE(listening) << listening.error().message();
  const FileDescriptor listener(*listening);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.native().copy(address.sun_path, sizeof address.sun_path - 1);
  const pid_t peer = ::fork();
  if (peer == 0) {  // connects, and is gone before it is looked at
    const int socket = ::socket(AF_UNIX, SOCK_STREAM, 0);
    if (::setresgid(65533, 65533, 65533) != 0 || ::setresuid(65533, 65533, 65533) != 0) ::_exit(1);
    ::_exit(::connect(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(peer, &status, 0), peer);
  if (status != 0) GTEST_SKIP() << "nobody else can be made here";
  const FileDescriptor connection(::accept4(listener.get(), nullptr, nullptr, SOCK_CLOEXEC));
  ASSERT_TRUE(connection);
  const pid_t later = start_as(peer);
  if (later != peer) GTEST_SKIP() << "this kernel, or another process, does not leave us the number";
  ASSERT_TRUE(testing::eventually(seconds(10), [&] {
    std::string name;
    std::getline(std::ifstream("/proc/" + std::to_string(later) + "/comm"), name);
    return name == "borrowed";
  }));
  const auto attested = attest(connection.get(), GetParam());
  ::kill(later, SIGKILL);
  ::waitpid(later, nullptr, 0);
  ASSERT_TRUE(attested) << attested.error().message();
  EXPECT_EQ(attested->uid, 65533U);
  EXPECT_EQ(attested->pid, later);
  EXPECT_EQ(attested->program, "");
  EXPECT_EQ(attested->unit, "");
}
INSTANTIATE_TEST_SUITE_P(Pins, Attested, ::testing::Values(Pin::peer_pidfd, Pin::open_and_start_time));

TEST(PeerMatch, NeedsEverythingItNames) {
  Peer peer;
  peer.uid = 1000;
  peer.gid = 100;
  peer.groups = {27};
  peer.unit = "esr.service";
  EXPECT_TRUE(fits({.uid = 1000, .gid = {}, .unit = ""}, peer));
  EXPECT_TRUE(fits({.uid = {}, .gid = 27, .unit = "esr.service"}, peer));
  EXPECT_FALSE(fits({.uid = 1000, .gid = 28, .unit = ""}, peer));
  EXPECT_FALSE(fits({.uid = 1000, .gid = {}, .unit = "other.service"}, peer));
}

TEST(Metrics, AreOpenMetrics) {
  Metrics metrics;
  metrics.add("tokens_issued");
  metrics.add("refusals", "token_refused", "no_session");
  EXPECT_EQ(
      metrics.text({{"sessions", 2}}),
      "# TYPE cardgate_refusals counter\n"
      "# HELP cardgate_refusals Refusals, by the audit event that tells of them and by reason\n"
      "cardgate_refusals_total{event=\"token_refused\",reason=\"no_session\"} 1\n"
      "# TYPE cardgate_tokens_issued counter\n# HELP cardgate_tokens_issued Tokens issued\n"
      "cardgate_tokens_issued_total 1\n"
      "# TYPE cardgate_sessions gauge\n# HELP cardgate_sessions Open sessions\ncardgate_sessions 2\n# EOF\n");
}

TEST(Metrics, AHistogramCountsWhatTookNoLonger) {
  Metrics metrics;
  metrics.took("sign_in_seconds", "card", milliseconds(1));
  metrics.took("sign_in_seconds", "card", milliseconds(300));
  metrics.took("sign_in_seconds", "card", seconds(60));
  const auto text = metrics.text({});
  for (const char* line :
       {"# TYPE cardgate_sign_in_seconds histogram\n", "_bucket{part=\"card\",le=\"0.0005\"} 0\n",
        "_bucket{part=\"card\",le=\"0.001\"} 1\n", "_bucket{part=\"card\",le=\"0.25\"} 1\n",
        "_bucket{part=\"card\",le=\"0.5\"} 2\n", "_bucket{part=\"card\",le=\"10.0\"} 2\n",
        "_bucket{part=\"card\",le=\"+Inf\"} 3\n", "_count{part=\"card\"} 3\n",
        "_sum{part=\"card\"} 60.301\n"})
    EXPECT_NE(text.find(line), std::string::npos) << line << text;
}

TEST(Metrics, PartsAreBoundedAndEscaped) {
  Metrics metrics;
  for (int i = 0; i < 1000; ++i) metrics.add("refusals", "token_refused", fmt::format("{}\"\\", i));
  const auto text = metrics.text({});
  EXPECT_LE(std::ranges::count(text, '\n'), static_cast<int>(Metrics::max_parts) + 4);
  EXPECT_NE(text.find(R"(reason="0\"\\"} 1)"), std::string::npos) << text;
  EXPECT_NE(text.find(R"({event="other"} 936)"), std::string::npos) << text;
}

class ConfigFile : public ::testing::Test {
 protected:
  testing::TempDir dir;
  std::string text = R"(issuer: https://cardgate.test.example
socket: /run/x.sock
admin_socket: /run/a.sock
state_directory: /var/lib/x
policy: /etc/p.yaml
audit: {directory: /var/lib/x/audit}
trust: {anchors: [/etc/anchors]}
mapping: [card_uuid]
readers: [{users: [0]}]
clients: [{name: desktop, match: {user: 0}, sign_in: true}]
)";
  std::string refusal(const std::string& content) {
    const auto file = dir / "c.yaml";
    EXPECT_TRUE(write_file_atomic(file, as_bytes(content), 0644));
    const auto loaded = load_config(file);
    if (loaded) return "";
    const std::string prefix = file.string() + ":";
    EXPECT_TRUE(loaded.error().context.starts_with(prefix)) << loaded.error().context;
    return loaded.error().context.substr(std::min(prefix.size(), loaded.error().context.size()));
  }
  std::string replaced(const std::string& from, const std::string& to) {
    std::string out = text;
    const auto place = out.find(from);
    EXPECT_NE(place, std::string::npos);
    return out.replace(place, from.size(), to);
  }
};

TEST_F(ConfigFile, IsTakenWhole) {
  EXPECT_EQ(refusal(text), "");
}

TEST_F(ConfigFile, SaysWhatAPersonnelNumberLooksLike) {
  EXPECT_EQ(refusal(text + "staff_ids: '[0-9]{8}'\n"), "");
  EXPECT_EQ(load_config(dir / "c.yaml")->staff_ids->text(), "[0-9]{8}");
  EXPECT_NE(refusal(text + "staff_ids: '[0-9'\n")
                .find("staff_ids: expected a regular expression (POSIX extended): "),
            std::string::npos);
}

TEST_F(ConfigFile, SaysWhoLogsInToTheMachine) {
  EXPECT_EQ(refusal(text), "");
  const auto usual = load_config(dir / "c.yaml")->pam;
  EXPECT_FALSE(usual.enforce_account || usual.allow_remote || usual.allow_root);
  EXPECT_TRUE(usual.ask_for_card);
  EXPECT_EQ(refusal(text + "pam: {account: enforce, remote: allow, root: allow, no_card: password}\n"), "");
  const auto other = load_config(dir / "c.yaml")->pam;
  EXPECT_TRUE(other.enforce_account && other.allow_remote && other.allow_root);
  EXPECT_FALSE(other.ask_for_card);
  EXPECT_EQ(refusal(text + "pam: {account: yes}\n"), "11: pam.account: expected ignore or enforce");
  EXPECT_NE(refusal(text + "pam: {accounts: enforce}\n"), "");
}

TEST_F(ConfigFile, SaysWhichServicesLogPeopleInHere) {
  EXPECT_EQ(refusal(text + "pam: {local_units: [xdm.service, ly@*, ly@tty2.service]}\n"), "");
  EXPECT_EQ(load_config(dir / "c.yaml")->pam.local_units,
            (std::vector<std::string>{"xdm.service", "ly@*", "ly@tty2.service"}));
  for (const char* unit :
       {"xdm", "*", "@*", "x*", "session-*", "session-1.scope", "user@*", "user@1000.service", "xdm.socket",
        ".service", "a b.service", "a*.service", "a@*.service", "a/b.service"}) {
    EXPECT_EQ(refusal(text + fmt::format("pam: {{local_units: ['{}']}}\n", unit)),
              "11: pam.local_units[0]: expected the name of a service, as xdm.service or ly@*");
  }
  EXPECT_NE(refusal(text + fmt::format("pam: {{local_units: [{}.service]}}\n", std::string(250, 'a'))), "");
  std::string many;
  for (int i = 0; i < 33; ++i) many += fmt::format("a{}.service,", i);
  EXPECT_EQ(refusal(text + fmt::format("pam: {{local_units: [{}]}}\n", many)),
            "11: pam.local_units: expected at most 32 units");
  EXPECT_NE(refusal(text + "pam: {local_units: xdm.service}\n"), "");
}

// No logind is asked for these.
TEST(Surroundings, OfProgramsWithoutASessionThoseOfLoginServicesAreHere) {
  const auto remote = [](const char* unit, const std::vector<std::string>& more = {}) {
    Peer peer;
    peer.unit = unit;
    return is_remote(peer, more);
  };
  for (const char* unit :
       {"getty@tty1.service", "serial-getty@ttyS0.service", "console-getty.service", "lightdm.service",
        "gdm.service", "gdm3.service", "sddm.service", "display-manager.service"})
    EXPECT_FALSE(remote(unit)) << unit;
  for (const char* unit :
       {"", "cron.service", "atd.service", "ssh.service", "xrdp-sesman.service", "getty@.service", "getty@",
        "getty", "getty@tty1.scope", "my-getty@tty1.service", "lightdm.service.slice", "session-.scope",
        "session-no-such-session.scope", "init.scope"})
    EXPECT_TRUE(remote(unit)) << unit;
  EXPECT_FALSE(remote("cron.service", {"cron.service"}));
  EXPECT_FALSE(remote("ly@tty2.service", {"cron.service", "ly@*"}));
  EXPECT_TRUE(remote("lying.service", {"ly@*"}));
  EXPECT_TRUE(remote("session-no-such-session.scope", {"cron.service"}));
  Peer of_nobody;
  of_nobody.manager_of = 4'000'000'000;
  EXPECT_TRUE(is_remote(of_nobody, {}));
}

TEST(Surroundings, RootAsksByNameAndOthersForTheirOwn) {
  Surroundings around;
  Peer peer;
  peer.uid = 0;
  EXPECT_EQ(around.account_for(peer, "games")()->uid, 5U);
  EXPECT_FALSE(around.account_for(peer, "no-such-account")());
  peer.uid = 5;
  EXPECT_EQ(around.account_for(peer, "games")()->name, "games");
  EXPECT_FALSE(around.account_for(peer, "root")());
  peer.uid = 4'000'000'000;
  EXPECT_FALSE(around.account_for(peer, "games")());
}

TEST_F(ConfigFile, EachMistakeNamesItsLineAndKey) {
  EXPECT_EQ(refusal(replaced("issuer: https", "issuer: http")),
            "1: issuer: expected a URL that begins with https://");
  EXPECT_EQ(refusal(replaced("/run/x.sock", "x.sock")), "2: socket: expected an absolute path");
  EXPECT_EQ(refusal(replaced("[card_uuid]", "[]")),
            "8: mapping: expected at least one way to find the person");
  EXPECT_EQ(refusal(replaced("{users: [0]}", "{}")).substr(0, 13), "9: readers[0]");
  EXPECT_EQ(refusal(replaced("match: {user: 0}", "match: {}")),
            "10: clients[0].match: expected user, group or unit");
  EXPECT_EQ(refusal(replaced("user: 0", "user: no-such-user-here")),
            "10: clients[0].match.user: there is no user 'no-such-user-here' on this machine");
  EXPECT_EQ(refusal(text + "time_zone: Europe/London\n"), "");
  EXPECT_EQ(refusal(text + "time_zone: Europe/Lundon\n"),
            "11: time_zone: 'Europe/Lundon' is not a time zone like Europe/London that this machine knows");
  EXPECT_NE(refusal(text + "colour: blue\n").find("11: colour: unknown key"), std::string::npos);
  EXPECT_NE(refusal(text + "issuer: https://b\n").find("11: issuer: stands twice"), std::string::npos);
  EXPECT_NE(refusal(text + "limits: {sessions: 0}\n").find("11: limits.sessions: expected a whole number"),
            std::string::npos);
  EXPECT_NE(
      refusal(
          text +
          "downtime: [{severity: awful, from: 2026-01-01T00:00:00Z, until: 2026-01-02T00:00:00Z, text: x}]\n")
          .find("expected critical, high, moderate or standard"),
      std::string::npos);
  EXPECT_NE(refusal(replaced("{anchors: [/etc/anchors]}", "{anchors: [/etc/anchors], revocation: off}"))
                .find("7: "),
            std::string::npos);
}

TEST_F(ConfigFile, SaysHowLongTheLogIsKeptAndWhereItsCheckpointsGo) {
  const auto with = [&](const std::string& more) {
    return replaced("audit: {directory: /var/lib/x/audit}",
                    "audit: {directory: /var/lib/x/audit, " + more + "}");
  };
  using std::chrono::hours;
  EXPECT_EQ(refusal(text), "");
  EXPECT_FALSE(load_config(dir / "c.yaml")->audit_keeping.limited());
  EXPECT_EQ(refusal(with("keep: {all: 365d, events: {token: 30d, form: forever}}")), "");
  const auto keeping = load_config(dir / "c.yaml")->audit_keeping;
  EXPECT_EQ(keeping.all, hours(24 * 365));
  EXPECT_EQ(keeping.events.at("token"), hours(24 * 30));
  EXPECT_EQ(keeping.events.at("form"), hours(0));
  EXPECT_EQ(refusal(with("keep: {all: forever}")), "");
  EXPECT_EQ(refusal(with("keep: {all: 365d}, keep_segments: 10")), "");
  EXPECT_NE(refusal(with("keep: {all: forever}, keep_segments: 10")).find("take one of the two out"),
            std::string::npos);
  EXPECT_EQ(refusal(with("service_standard: {availability: 99.5%, sign_in: 5s}")), "");
  EXPECT_EQ(load_config(dir / "c.yaml")->service_standard.availability, 99.5);
  EXPECT_EQ(refusal(with("service_standard: {availability: 0.5}")),
            "6: audit.service_standard.availability: expected a percentage from 50% to 100%, as 99.5%");
  EXPECT_EQ(refusal(with("service_standard: {sign_in: 1h}")),
            "6: audit.service_standard.sign_in: expected 100ms to 5m");
  EXPECT_EQ(refusal(with("keep: {all: 12h}")), "6: audit.keep.all: expected 1d to 36500d, or forever");
  EXPECT_NE(refusal(with("keep: {all: ever}")).find("6: audit.keep.all: "), std::string::npos);
  EXPECT_EQ(refusal(with("keep: {all: 365d, events: {tokens: 30d}}")),
            "6: audit.keep.events.tokens: no record is called 'tokens'; docs/audit-format.md lists them");
  EXPECT_NE(
      refusal(with("keep: {all: 365d, events: {checkpoint: 30d}}")).find("no record is called 'checkpoint'"),
      std::string::npos);
  EXPECT_NE(refusal(with("keep: {all: forever, events: {token: 30d}}"))
                .find("6: audit.keep.events: needs an `all`"),
            std::string::npos);
  EXPECT_NE(refusal(with("keep: {events: {token: 30d}}")).find("6: audit.keep: the key 'all' is missing"),
            std::string::npos);
  EXPECT_EQ(refusal(with("checkpoints: {every: 1m, file: /mnt/c, hook: /run/c.sock}")), "");
  EXPECT_EQ(load_config(dir / "c.yaml")->audit_checkpoint_every, std::chrono::minutes(1));
  EXPECT_EQ(load_config(dir / "c.yaml")->audit_checkpoint_file, "/mnt/c");
  EXPECT_EQ(load_config(dir / "c.yaml")->audit_checkpoint_hook, "/run/c.sock");
  EXPECT_EQ(refusal(with("checkpoints: {every: 100ms}")), "6: audit.checkpoints.every: expected 1s to 24h");
  EXPECT_EQ(refusal(with("checkpoints: {file: c}")), "6: audit.checkpoints.file: expected an absolute path");
  EXPECT_NE(refusal(with("checkpoints: {to: /mnt/c}")).find("6: audit.checkpoints.to: unknown key"),
            std::string::npos);
  EXPECT_NE(refusal(with("segment_bytes: 4294967296")), "");
}

TEST_F(ConfigFile, VendorCardsNeedTheirHelperAndNothingElseDoes) {
  EXPECT_EQ(
      refusal(text + "cards: {drivers: [piv, pkcs11], vendor_socket: /run/v.sock, vendor_token: ward}\n"),
      "");
  EXPECT_EQ(refusal(text + "cards:\n  drivers: [pkcs11]\n"),
            "12: cards.drivers: the driver pkcs11 needs 'vendor_socket', the helper's socket");
  EXPECT_EQ(refusal(text + "cards:\n  drivers: [pkcs11]\n  vendor_socket: v.sock\n"),
            "13: cards.vendor_socket: expected an absolute path");
  EXPECT_EQ(refusal(text + "cards:\n  drivers: [piv]\n  vendor_socket: /run/v.sock\n"),
            "13: cards.vendor_socket: is of no use without pkcs11 among the drivers");
  EXPECT_EQ(refusal(text + "cards: {drivers: [gemalto]}\n"),
            "11: cards.drivers: there is no card driver 'gemalto'; there are: piv, pkcs11");
}

TEST_F(ConfigFile, MappingRulesAreReadInBothForms) {
  const auto file = dir / "mapping.yaml";
  ASSERT_TRUE(write_file_atomic(
      file,
      as_bytes(
          replaced("[card_uuid]",
                   "[{name: staff, priority: 10, match: '<ISSUER>^CN=Invented Issuing CA,<KU>digitalSignature"
                   "<EKU>clientAuth<POLICY>2.16.840.1.101.3.2.1.3.13', map: upn}, {name: any, map: "
                   "'subject:UID'}, card_uuid]")),
      0644));
  const auto loaded = load_config(file);
  ASSERT_TRUE(loaded) << loaded.error().message();
  ASSERT_EQ(loaded->mapping.size(), 3U);
  EXPECT_EQ(loaded->mapping[0].priority, 10);
  EXPECT_EQ(loaded->mapping[0].by, "upn");
  EXPECT_NE(loaded->mapping[0].match.text(), "");
  EXPECT_EQ(loaded->mapping[1].field, "UID");
  EXPECT_EQ(loaded->mapping[1].priority, trust::lowest_priority);
  EXPECT_EQ(loaded->mapping[2].name, "card_uuid");
  EXPECT_EQ(loaded->mapping[2].match.text(), "");
}

TEST_F(ConfigFile, AMistakeInAMappingRuleNamesLineKeyAndComponent) {
  const auto of = [&](const std::string& rule) { return refusal(replaced("[card_uuid]", "[" + rule + "]")); };
  EXPECT_NE(of("uuid").find("8: mapping[0]: \"uuid\" is no way to find a person"), std::string::npos);
  EXPECT_NE(of("{name: a, map: x}").find("8: mapping[0].map: \"x\" is no way"), std::string::npos);
  EXPECT_NE(of("{map: upn}").find("8: mapping[0]: the key 'name' is missing"), std::string::npos);
  EXPECT_NE(of("{name: a}").find("8: mapping[0]: the key 'map' is missing"), std::string::npos);
  EXPECT_NE(of("{name: a, map: upn, when: now}").find("8: mapping[0].when: unknown key"), std::string::npos);
  EXPECT_NE(of("{name: a, map: upn, priority: -1}").find("8: mapping[0].priority: expected"),
            std::string::npos);
  EXPECT_NE(
      of("{name: a, map: upn, match: '<KU>sign'}").find("8: mapping[0].match: <KU>: there is no key usage"),
      std::string::npos);
  EXPECT_NE(of("{name: a, map: upn, match: '<ISSUER>('}").find("8: mapping[0].match: <ISSUER>: the regular"),
            std::string::npos);
  EXPECT_EQ(of("upn, {name: upn, map: email}"), "8: mapping[1]: two mapping rules are called 'upn'");
}

TEST_F(ConfigFile, TheShippedExampleIsValid) {
  const auto loaded = load_config(source_file("config/cardgated.yaml"));
  ASSERT_TRUE(loaded) << loaded.error().message();
  EXPECT_EQ(loaded->limits.tokens_per_second, Limits().tokens_per_second);
}

}  // namespace
}  // namespace cardgate::daemon
