// SPDX-License-Identifier: Apache-2.0
// What logging in with a card costs. By the agent: from the insertion to the passcode dialog, and from the last digit to an open
// session. Through PAM: from the program's start to the prompt, and from the last digit to success; pam_cardgate beside Debian's
// pam_pkcs11 (with OpenSC's module) and SSSD's p11_child, on the same virtual card behind the same real pcscd. Round trips are
// counted at the card. Of the time, what the card and its reader took is told apart: the card's own, and for each exchange what a
// plain SCardTransmit takes beside it. Runs inside in-reader-namespace. Called `pinentry`, it is the dialog of its own agent.
//
//   bench_login [--quick]        CARDGATE_RIVALS: the folder into which the other programs were unpacked
#include <fmt/format.h>
#include <poll.h>
#include <security/pam_appl.h>
#include <sys/socket.h>
#include <winscard.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <mutex>
#include <stdexcept>

#include "base/secret.hpp"
#include "tests/daemon/stage.hpp"
#include "tests/support/folders.hpp"
#include "tests/support/unix_socket.hpp"

namespace {

using namespace cardgate;
using Steady = std::chrono::steady_clock;
using testing::Stage;
namespace fs = std::filesystem;

constexpr const char* account = "nobody";  // an account of every Debian machine, and not root
constexpr const char* opensc = "/usr/lib/x86_64-linux-gnu/opensc-pkcs11.so";

[[noreturn]] void fail(const std::string& what) {
  throw std::runtime_error(what);
}

double ms_between(Steady::time_point from, Steady::time_point to) {
  return std::chrono::duration<double, std::milli>(to - from).count();
}

double median(std::vector<double> values) {
  std::ranges::sort(values);
  return values.empty() ? 0 : values[values.size() / 2];
}

struct Part {
  int exchanges = 0;
  double ms = 0, card_ms = 0;
};

/// What the card was asked and when, and how long it took over its answers. Thread-safe; must outlive the card.
class AtCard {
 public:
  AtCard(simcard::Card& card, std::chrono::milliseconds delay) {
    simcard::Faults faults;
    faults.delay = delay;
    faults.intercept = [this](BytesView) {
      began_ = Steady::now();
      return std::optional<Bytes>();
    };
    faults.alter = [this, delay](BytesView, Bytes answer) {
      const std::lock_guard lock(mutex_);
      exchanges_.push_back({began_, ms_between(began_, Steady::now()) + static_cast<double>(delay.count())});
      return answer;
    };
    card.set_faults(std::move(faults));
  }

  /// The stretch of time, with what the card was asked in it; `first`, when that counts from earlier on.
  Part between(Steady::time_point from, Steady::time_point to,
               std::optional<Steady::time_point> first = {}) const {
    const std::lock_guard lock(mutex_);
    Part part{0, ms_between(from, to), 0};
    for (const auto& [began, ms] : exchanges_) {
      if (began < first.value_or(from) || began >= to) continue;
      ++part.exchanges;
      part.card_ms += ms;
    }
    return part;
  }

 private:
  struct Exchange {
    Steady::time_point began;
    double ms;
  };
  mutable std::mutex mutex_;
  Steady::time_point began_;
  std::vector<Exchange> exchanges_;
};

/// A stretch of time, with what the card did in it.
class Stopwatch {
 public:
  explicit Stopwatch(const AtCard& card) : card_(card) {}
  void start() { began_ = Steady::now(); }
  Part stop() const { return card_.between(began_, Steady::now()); }

 private:
  const AtCard& card_;
  Steady::time_point began_ = Steady::now();
};

struct Login {
  Part prompt, passcode;
};

double own_ms(const Part& part, double transport) {
  return part.ms - part.card_ms - part.exchanges * transport;
}

/// Until pcscd, which looks at the virtual reader every 0.4 s, has the card.
void wait_for_card(SCARDCONTEXT context) {
  SCARD_READERSTATE state{};
  state.szReader = Stage::reader;
  state.dwCurrentState = SCARD_STATE_UNAWARE;
  for (int i = 0; i < 20 && (state.dwEventState & SCARD_STATE_PRESENT) == 0; ++i) {
    SCardGetStatusChange(context, 500, &state, 1);
    state.dwCurrentState = state.dwEventState & ~static_cast<DWORD>(SCARD_STATE_CHANGED);
  }
}

/// What pcscd and the virtual reader take for an exchange, beside the card.
double transport_ms(const AtCard& card, int times) {
  SCARDCONTEXT context = 0;
  SCARDHANDLE handle = 0;
  DWORD protocol = 0;
  if (SCardEstablishContext(SCARD_SCOPE_SYSTEM, nullptr, nullptr, &context) != SCARD_S_SUCCESS)
    fail("no pcscd");
  wait_for_card(context);
  if (SCardConnect(context, Stage::reader, SCARD_SHARE_SHARED, SCARD_PROTOCOL_T1 | SCARD_PROTOCOL_T0, &handle,
                   &protocol) != SCARD_S_SUCCESS)
    fail("no card for the plain exchanges");
  const std::uint8_t select[] = {0x00, 0xA4, 0x04, 0x00, 0x05, 0xA0, 0x00, 0x00, 0x03, 0x08};
  std::vector<double> each;
  for (int i = 0; i < times; ++i) {
    const Stopwatch watch(card);
    std::uint8_t answer[258];
    DWORD length = sizeof answer;
    SCARD_IO_REQUEST request{protocol, sizeof(SCARD_IO_REQUEST)};
    if (SCardTransmit(handle, &request, select, sizeof select, nullptr, answer, &length) != SCARD_S_SUCCESS)
      fail("a plain exchange");
    const auto part = watch.stop();
    each.push_back(part.ms - part.card_ms);
  }
  SCardDisconnect(handle, SCARD_RESET_CARD);
  SCardReleaseContext(context);
  return median(std::move(each));
}

/// The person: answers the first prompt with the passcode, and takes the time.
struct Person {
  Stopwatch watch;
  Login login;
  int prompts = 0;
  std::string said;
};

int answer_prompts(int count, const pam_message** messages, pam_response** responses, void* data) {
  auto& person = *static_cast<Person*>(data);
  auto* out = static_cast<pam_response*>(std::calloc(static_cast<std::size_t>(count), sizeof(pam_response)));
  if (out == nullptr) return PAM_BUF_ERR;
  for (int i = 0; i < count; ++i) {
    person.said += std::string(messages[i]->msg) + "\n";
    if (messages[i]->msg_style != PAM_PROMPT_ECHO_OFF) continue;
    if (++person.prompts == 1) person.login.prompt = person.watch.stop();
    out[i].resp = ::strdup(Stage::pin);
    person.watch.start();
  }
  *responses = out;
  return PAM_SUCCESS;
}

/// One login through the PAM service `name` of the folder `services`.
Login log_in(const fs::path& services, const char* name, const AtCard& card) {
  Person person{Stopwatch(card), {}, 0, {}};
  const pam_conv conversation{answer_prompts, &person};
  pam_handle_t* handle = nullptr;
  person.watch.start();
  if (::pam_start_confdir(name, account, &conversation, services.c_str(), &handle) != PAM_SUCCESS)
    fail("pam_start");
  const int result = ::pam_authenticate(handle, 0);
  person.login.passcode = person.watch.stop();
  const std::string words = ::pam_strerror(handle, result);
  ::pam_end(handle, result);
  if (result != PAM_SUCCESS || person.prompts != 1)
    fail(fmt::format("{}: {} after {} prompts: {}", name, words, person.prompts, person.said));
  return person.login;
}

class Rivals {
 public:
  Rivals(const Stage& stage, fs::path unpacked) : home_(std::move(unpacked)), services_(stage.dir / "pam.d") {
    fs::create_directory(services_);
    fs::create_directories(stage.dir / "hashed/ca");
    fs::create_directories(stage.dir / "hashed/crl");
    bundle_ = stage.dir / "bundle.pem";
    std::ofstream bundle(bundle_);
    for (const char* folder : {"anchors", "intermediates"})
      for (const auto& file : fs::directory_iterator(stage.dir / "ca" / folder)) {
        fs::copy(file, stage.dir / "hashed/ca" / file.path().filename());
        bundle << std::ifstream(file.path()).rdbuf();
      }
    for (const auto& file : fs::directory_iterator(stage.dir / "ca/crls"))
      fs::copy(file, stage.dir / "hashed/crl" / file.path().filename());
    for (const char* folder : {"ca", "crl"}) must_run({"openssl", "rehash", stage.dir / "hashed" / folder});
    std::ofstream(stage.dir / "pam_pkcs11.conf") << fmt::format(
        "pam_pkcs11 {{\n  nullok = false;\n  use_pkcs11_module = opensc;\n  pkcs11_module opensc {{\n    "
        "module = {1};\n"
        "    slot_description = \"none\";\n    ca_dir = {0}/ca;\n    crl_dir = {0}/crl;\n    support_threads "
        "= false;\n"
        "    cert_policy = ca,crl_offline,signature;\n  }}\n  use_mappers = null;\n  mapper null {{\n    "
        "module = internal;\n"
        "    default_match = true;\n    default_user = {2};\n  }}\n}}\n",
        (stage.dir / "hashed").string(), opensc, account);
    std::ofstream(services_ / "pkcs11")
        << fmt::format("auth required {}/lib/x86_64-linux-gnu/security/pam_pkcs11.so config_file={}\n",
                       home_.string(), (stage.dir / "pam_pkcs11.conf").string());
  }

  Login pam_pkcs11(const AtCard& card) const { return log_in(services_, "pkcs11", card); }

  /// As SSSD runs it at a login: once to find the certificate before it asks, once with the passcode.
  Login p11_child(const AtCard& card) const {
    Login login;
    Stopwatch watch(card);
    const auto found = child({"--pre"}, {});
    login.prompt = watch.stop();
    // Four lines: token, module, key id, label; then the certificate.
    std::vector<std::string> lines;
    std::istringstream text(found);
    for (std::string line; std::getline(text, line);) lines.push_back(line);
    if (lines.size() < 4) fail("p11_child found no certificate: " + found);
    watch.start();
    child({"--auth", "--pin", "--token_name", lines[0], "--module_name", lines[1], "--key_id", lines[2],
           "--label", lines[3]},
          Stage::pin);
    login.passcode = watch.stop();
    return login;
  }

 private:
  static void must_run(std::vector<std::string> argv) {
    const auto finished = testing::run(std::move(argv));
    if (!finished || finished->status != 0) fail(finished ? finished->all : finished.error().message());
  }

  std::string child(std::vector<std::string> arguments, const std::string& input) const {
    const std::string libraries = (home_ / "usr/lib/x86_64-linux-gnu").string();
    testing::ProcessOptions options;
    options.environment = {{"LD_LIBRARY_PATH", libraries + ":" + libraries + "/sssd"}};
    options.input = input;
    arguments.insert(arguments.begin(), home_ / "usr/libexec/sssd/p11_child");
    for (const std::string& more : {std::string("--ca_db=") + bundle_.string(),
                                    std::string("--verify=no_ocsp"), std::string("--logger=stderr")})
      arguments.push_back(more);
    const auto finished = testing::run(arguments, std::chrono::seconds(60), options);
    if (!finished || finished->status != 0)
      fail("p11_child: " + (finished ? finished->all : finished.error().message()));
    return finished->output;
  }

  fs::path home_, services_, bundle_;
};

void print_row(const char* name, std::vector<Login> logins, double transport) {
  const auto column = [&](const auto& value) {
    std::vector<double> values;
    for (const auto& login : logins) values.push_back(value(login));
    return median(std::move(values));
  };
  const auto own = [&](const Part& part) { return own_ms(part, transport); };
  fmt::print("| {} | {} | {:.0f} | {:.0f} | {} | {:.0f} | {:.0f} |\n", name, logins.back().prompt.exchanges,
             column([](const Login& l) { return l.prompt.ms; }),
             column([&](const Login& l) { return own(l.prompt); }), logins.back().passcode.exchanges,
             column([](const Login& l) { return l.passcode.ms; }),
             column([&](const Login& l) { return own(l.passcode); }));
  std::fflush(stdout);
}

std::vector<Login> repeat(int rounds, const std::function<Login()>& login) {
  std::vector<Login> out;
  for (int i = 0; i < rounds; ++i) out.push_back(login());
  return out;
}

/// The agent's dialog: answers at once, and notes when it was asked and when it answered in the file `times` beside itself.
int be_pinentry(const fs::path& itself) {
  std::ofstream times(itself.parent_path() / "times", std::ios::app);
  const auto note = [&](const char* what) {
    times << what << ' ' << Steady::now().time_since_epoch().count() << std::endl;
  };
  std::fputs("OK Pleased to meet you\n", stdout);
  std::fflush(stdout);
  char line[2048];
  while (std::fgets(line, sizeof line, stdin) != nullptr) {
    if (std::string_view(line).starts_with("GETPIN")) {
      note("asked");
      fmt::print("D {}\n", Stage::pin);
      note("answered");
    }
    std::fputs("OK\n", stdout);
    std::fflush(stdout);
  }
  return 0;
}

/// The moments that the dialog noted; nothing until both are there.
std::optional<std::pair<Steady::time_point, Steady::time_point>> dialog_times(const fs::path& file) {
  std::ifstream text(file);
  std::string asked, answered;
  std::int64_t first = 0, second = 0;
  if (!(text >> asked >> first >> answered >> second)) return std::nullopt;
  return std::pair{Steady::time_point(Steady::duration(first)), Steady::time_point(Steady::duration(second))};
}

/// Reads the service's events until one says that a session was opened.
class Opened {
 public:
  explicit Opened(const Stage& stage) : fd_(testing::connect_to(stage.socket)) {
    const std::string_view request = "GET /v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n";
    if (::send(fd_.get(), request.data(), request.size(), MSG_NOSIGNAL) < 0) fail("no events");
    read_until("\r\n\r\n");
  }
  Steady::time_point wait() {
    read_until("\"kind\":\"opened\"");
    return Steady::now();
  }

 private:
  void read_until(std::string_view what) {
    while (text_.find(what) == std::string::npos) {
      char piece[4096];
      pollfd entry{fd_.get(), POLLIN, 0};
      if (::poll(&entry, 1, 20000) <= 0) fail("no session was opened");
      const auto count = ::recv(fd_.get(), piece, sizeof piece, 0);
      if (count <= 0) fail("the events ended");
      text_.append(piece, static_cast<std::size_t>(count));
    }
  }
  FileDescriptor fd_;
  std::string text_;
};

bool agent_listens(const Stage& stage) {
  return stage.ask("GET", "/metrics").body.find("cardgate_listeners 1\n") != std::string::npos;
}

/// One insertion with the agent there; the time counts from pcscd's word that a card is in.
Login by_agent(Stage& stage, const AtCard& card, const fs::path& times) {
  fs::remove(times);
  Opened opened(stage);
  SCARDCONTEXT context = 0;
  if (SCardEstablishContext(SCARD_SCOPE_SYSTEM, nullptr, nullptr, &context) != SCARD_S_SUCCESS)
    fail("no pcscd");
  const auto before = Steady::now();
  stage.insert();
  wait_for_card(context);
  const auto inserted = Steady::now();
  SCardReleaseContext(context);
  const auto end = opened.wait();
  const auto noted = dialog_times(times);
  if (!noted) fail("the agent did not ask");
  const Login login{card.between(inserted, noted->first, before), card.between(noted->second, end)};
  stage.pull();
  return login;
}

void measure(int rounds, std::chrono::milliseconds delay, const fs::path& unpacked) {
  Stage stage;
  stage.limits =
      "limits: {sign_ins_per_minute: 100000, requests_per_second: 1000000}\npam: {remote: allow}\n";
  stage.up();
  auto people = stage.people();
  people.insert(people.find("    line_manager"), fmt::format("    unix_accounts: [{}]\n", account));
  if (const auto imported = stage.import(people); imported.status != 200) fail("import: " + imported.body);
  const AtCard card(*stage.card, delay);
  fs::create_directory(stage.dir / "services");
  std::ofstream(stage.dir / "services/cardgate") << fmt::format(
      "auth required {} socket={}\n", built_file("client/pam/pam_cardgate.so"), stage.socket.string());

  // The agent, as it would run for the person at a terminal or a display.
  fs::create_symlink(fs::read_symlink("/proc/self/exe"), stage.dir / "pinentry");
  testing::ProcessOptions options;
  options.environment = {{"XDG_RUNTIME_DIR", stage.dir.path().string()}, {"DISPLAY", ":0"}};
  auto agent = testing::Process::start({built_file("client/cardgate"), "--socket", stage.socket, "agent",
                                        "--pinentry", stage.dir / "pinentry"},
                                       options);
  if (!agent) fail(agent.error().message());
  if (!testing::eventually(std::chrono::seconds(10), [&] { return agent_listens(stage); }))
    fail("the agent: " + (*agent)->output());
  std::vector<Login> first, again;
  for (int i = 0; i <= rounds; ++i)
    (i == 0 ? first : again).push_back(by_agent(stage, card, stage.dir / "times"));
  if ((*agent)->stop() != 0) fail("the agent did not end in order: " + (*agent)->output());

  const auto by_cardgate = repeat(rounds, [&] {
    stage.insert_and_wait();
    const auto login = log_in(stage.dir / "services", "cardgate", card);
    stage.pull();
    return login;
  });
  if (stage.stop_daemon() != 0) fail("cardgated did not end in order");
  stage.insert();
  const double transport = transport_ms(card, 20);
  fmt::print(
      "A card that takes {} ms for each answer; pcscd and the virtual reader take {:.1f} ms for each "
      "exchange.\n\n"
      "| | round trips to the prompt | ms | of them its own | round trips after the last digit | ms | of "
      "them its own |\n"
      "|---|--:|--:|--:|--:|--:|--:|\n",
      delay.count(), transport);
  print_row("agent, from the insertion; a new card", first, transport);
  print_row("agent, from the insertion; a card seen before", again, transport);
  print_row("pam_cardgate", by_cardgate, transport);
  const Rivals rivals(stage, unpacked);
  print_row("pam_pkcs11 with OpenSC", repeat(rounds, [&] { return rivals.pam_pkcs11(card); }), transport);
  print_row("p11_child of SSSD", repeat(rounds, [&] { return rivals.p11_child(card); }), transport);
  fmt::print("\n");
}

}  // namespace

int main(int argc, char** argv) {
  if (fs::path(argv[0]).filename() == "pinentry") return be_pinentry(argv[0]);
  init_crypto();
  const bool quick = argc > 1 && std::string_view(argv[1]) == "--quick";
  const char* unpacked = std::getenv("CARDGATE_RIVALS");
  try {
    if (unpacked == nullptr) fail("CARDGATE_RIVALS is not set: run script/bench login");
    for (const int delay : {0, 30}) measure(quick ? 2 : 7, std::chrono::milliseconds(delay), unpacked);
    return 0;
  } catch (const std::exception& failure) {
    std::fprintf(stderr, "bench_login: %s\n", failure.what());
    return 1;
  }
}
